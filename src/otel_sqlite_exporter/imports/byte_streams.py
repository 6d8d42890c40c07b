# SPDX-License-Identifier: Apache-2.0
"""Reads bytes ahead without losing them, and text of any Unicode encoding as UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Callable

_READ_BYTES = 1 << 18
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"{\0", "utf-16-le"),
    (b"[\0", "utf-16-le"),
)


class ByteStream:
    """The bytes that a function gives: it gets a number of bytes, and returns at most so many, and none only at the
    end. `count` is the number of bytes that were read."""

    def __init__(self, read: Callable[[int], bytes | None]) -> None:
        self._read = read
        self._peeked = b""
        self.count = 0

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes (fewer at the end) without reading past them."""
        while len(self._peeked) < size and (more := self._read(size - len(self._peeked))):
            self._peeked += more
        return self._peeked[:size]

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, as many as are ready; none only at the end."""
        part = self._peeked[:size] or self._read(size) or b""
        self._peeked = self._peeked[len(part) :]
        self.count += len(part)
        return part

    def read_fully(self, size: int) -> bytes:
        """Return `size` bytes, fewer at the end."""
        parts, missing = [], size
        while missing and (part := self.read(min(missing, _READ_BYTES))):
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def skip(self, size: int) -> int:
        """Read past `size` bytes, and return how many there were."""
        skipped = 0
        while skipped < size and (part := self.read(min(size - skipped, _READ_BYTES))):
            skipped += len(part)
        return skipped


def read_as_utf8(stream: ByteStream) -> ByteStream:
    """Return the text of `stream` as UTF-8. UTF-16 and UTF-32 are known by their byte order mark, and UTF-16 of a
    little-endian machine by its first characters too. What is no character becomes U+FFFD."""
    head = stream.peek(4)
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if encoding is None:
        return stream
    decoder = codecs.getincrementaldecoder(encoding)("replace")

    def read(size: int) -> bytes:
        while part := stream.read(max(4, size // 4)):  # one byte in UTF-16 becomes at most two
            if text := decoder.decode(part):
                return text.encode(errors="replace")
        return decoder.decode(b"", final=True).encode(errors="replace")

    return ByteStream(read)
