# SPDX-License-Identifier: Apache-2.0
"""Files that can be imported, piece by piece: recognised by what they hold, unpacked, and cut where a message ends.

A file that does not say what it is by its first bytes is refused before anything of it is written.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, BinaryIO

import orjson

from otel_sqlite_exporter.errors import UnreadableSourceError
from otel_sqlite_exporter.imports.event_logs import is_event
from otel_sqlite_exporter.otlp.otlp_decoder import find_signals
from otel_sqlite_exporter.otlp.pieces import Piece
from otel_sqlite_exporter.otlp.protobuf import read_messages

STANDARD_INPUT = "-"
_GZIP, _ZSTD, _UTF8_MARK = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xef\xbb\xbf"
_BUFFER_BYTES, _PEEKED_BYTES, _LOOKED_AT_LINES = 1 << 20, 256, 100
_NOT_SPACE = re.compile(r"\S")


class Source:
    """An open source. `position` and `size` are in bytes, of the file as it is stored; a `size` of None is unknown."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self.name = name
        self._stored = _Counted(file)
        self.size = _find_size(file)
        start = self._stored.peek(_PEEKED_BYTES)
        if start.startswith(_ZSTD):
            raise UnreadableSourceError(
                f"{name} is compressed with zstd: unpack it, as in `zstd -dc {name} | python -m otel_sqlite_exporter "
                "import -`"
            )
        unpacked: Any = gzip.GzipFile(fileobj=self._stored) if start.startswith(_GZIP) else self._stored
        self._file = io.BufferedReader(unpacked, _BUFFER_BYTES)

    @property
    def position(self) -> int:
        """How much of the file was read."""
        return self._stored.count

    def read_pieces(self) -> Iterator[Piece]:
        """Yield the pieces, in order; a blank line is none.

        Raises:
            UnreadableSourceError: Nothing in the beginning is of a format that is known here, or the file is cut off
                where that leaves nothing to go on with.
            MissingPackageError: It is protobuf, and opentelemetry-proto is not installed.
            OSError: It cannot be read.
        """
        try:
            yield from self._read_pieces()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UnreadableSourceError(f"{self.name} is damaged, what is before that was read: {error}") from error

    def _read_pieces(self) -> Iterator[Piece]:
        if _is_binary(self._file.peek(_PEEKED_BYTES)[:_PEEKED_BYTES]):
            yield from read_messages(self.name, self._file)
            return
        lines, is_known = _read_first_lines(self._file)
        if is_known or not lines:
            yield from _parse_lines(chain(lines, iter(self._file.readline, b"")))
            return
        content = b"".join(lines) + self._file.read()
        documents = _parse_documents(content.removeprefix(_UTF8_MARK))
        if not any(map(is_known_format, documents)):
            raise UnreadableSourceError(
                f"{self.name} is of no format that can be imported: OTLP as JSON or protobuf, or lines of JSON with a "
                "name and a timestamp; nothing of it was written"
            )
        yield Piece(content, documents, None, "the document")


@contextmanager
def open_source(name: str) -> Iterator[Source]:
    """Open the file of this name, or standard input for `-`.

    Raises:
        UnreadableSourceError: It is packed in a way that is not known here.
        OSError: It cannot be opened.
    """
    if name == STANDARD_INPUT:
        yield Source("standard input", sys.stdin.buffer)
        return
    with open(name, "rb", buffering=0) as file:
        yield Source(name, file)


def parse_json(content: bytes) -> Any:
    """Return the parsed value of `content`.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        # Python's own writer makes NaN, Infinity and escapes of lone surrogates, which orjson refuses.
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise ValueError(str(error)) from None


def is_known_format(value: Any) -> bool:
    """Return whether a parsed JSON value is a message of OTLP, a line of an event log, or a list of these."""
    if isinstance(value, list):
        return any(map(is_known_format, value))
    return bool(find_signals(value)) or is_event(value)


def _is_binary(head: bytes) -> bool:
    """Whether these are no text: protobuf has control characters in the first bytes already."""
    return any(byte < 0x20 and byte not in b"\t\n\r" for byte in head)


def _read_first_lines(file: io.BufferedReader) -> tuple[list[bytes], bool]:
    """Return the lines up to the first of a format that is known, and whether there is one among the first hundred."""
    lines: list[bytes] = []
    for line in islice(iter(file.readline, b""), _LOOKED_AT_LINES):
        lines.append(line)
        try:
            if is_known_format(parse_json(_strip(line))):
                return lines, True
        except ValueError:
            continue
    return lines, not b"".join(lines).strip()


def _parse_lines(lines: Iterable[bytes]) -> Iterator[Piece]:
    for number, line in enumerate(lines, 1):
        content = _strip(line)
        if not content:
            continue
        value = refusal = None
        try:
            value = parse_json(content)
        except ValueError as error:
            refusal = f"it is no JSON: {error}"
        yield Piece(content, value, refusal, f"line {number}", refusal is None or line.endswith(b"\n"))


def _strip(line: bytes) -> bytes:
    return line.removeprefix(_UTF8_MARK).strip()


def _parse_documents(content: bytes) -> list[Any]:
    """Return the JSON documents that stand one after the other, or in arrays, in `content`; none where it is something
    else."""
    try:
        whole = orjson.loads(content)
        return whole if isinstance(whole, list) else [whole]
    except orjson.JSONDecodeError:
        pass
    documents = []
    decode = json.JSONDecoder().raw_decode
    try:
        text = content.decode()
        place = len(text) - len(text.lstrip())
        while place < len(text):
            document, end = decode(text, place)
            documents += document if isinstance(document, list) else [document]
            following = _NOT_SPACE.search(text, end)
            place = following.start() if following else len(text)
    except (ValueError, RecursionError):
        return []
    return documents


def _find_size(file: BinaryIO) -> int | None:
    try:
        status = os.fstat(file.fileno())
    except (OSError, AttributeError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


class _Counted(io.RawIOBase):
    """Reads another file, as much as is there at a time, and counts."""

    def __init__(self, file: BinaryIO) -> None:
        self._read = getattr(file, "read1", file.read)
        self._peeked = b""
        self.count = 0

    def readable(self) -> bool:
        return True

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end; they are still to be read."""
        while len(self._peeked) < size and (more := self._read(size - len(self._peeked))):
            self._peeked += more
        return self._peeked

    def readinto(self, buffer: Any) -> int:
        part = self._peeked[: len(buffer)] or self._read(len(buffer)) or b""
        self._peeked = self._peeked[len(part) :]
        buffer[: len(part)] = part
        self.count += len(part)
        return len(part)
