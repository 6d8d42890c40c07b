# SPDX-License-Identifier: Apache-2.0
"""Unpacks gzip, bzip2, xz and zstd: also several members one after another, and what stands before a damage."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import MissingPackageError
from otel_sqlite_exporter.imports.byte_streams import ByteStream
from otel_sqlite_exporter.imports.reading_limits import FREELY_UNPACKED_BYTES

_READ_BYTES = 1 << 16
ZSTD_MARK = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = tuple(bytes([number]) + b"\x2a\x4d\x18" for number in range(0x50, 0x60))


class _ZlibMember:
    """zlib's decompressor of a gzip member or a deflate stream, with the names of the other modules."""

    def __init__(self, window_bits: int = zlib.MAX_WBITS | 16) -> None:
        self._inner = zlib.decompressobj(window_bits)
        self._error: zlib.error | None = None

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if self._error is not None:
            raise self._error
        data = self._inner.unconsumed_tail + data
        before = self._inner.copy()
        try:
            return self._inner.decompress(data, max_length)
        except zlib.error as error:
            # zlib gives nothing of the data with the damage in it, so they come to it byte by byte.
            self._inner, self._error = before, error
            parts: list[bytes] = []
            with suppress(zlib.error):
                parts += (self._inner.decompress(data[place : place + 1]) for place in range(len(data)))
            return b"".join(parts)


def make_zstd_decompressor() -> Any:
    """Return a decompressor of one zstd frame.

    Raises:
        MissingPackageError: This Python has no zstd, and backports.zstd is not installed.
    """
    try:
        from compression.zstd import ZstdDecompressor  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        try:
            from backports.zstd import ZstdDecompressor
        except ImportError as error:
            raise MissingPackageError(
                f"unpacking zstd needs backports.zstd ({error}): `pip install 'otel-sqlite-exporter[zstd]'`"
            ) from None
    return ZstdDecompressor()


class _Packing(NamedTuple):
    name: str
    marks: tuple[bytes, ...]
    make: Callable[[], Any]


_PACKINGS = (
    _Packing("gzip", (b"\x1f\x8b",), _ZlibMember),
    _Packing("zstd", (ZSTD_MARK, *_ZSTD_SKIPPABLE), make_zstd_decompressor),
    _Packing("bzip2", (b"BZh",), bz2.BZ2Decompressor),
    _Packing("xz", (b"\xfd7zXZ\0",), lzma.LZMADecompressor),
)
_LONGEST_MARK = max(len(mark) for packing in _PACKINGS for mark in packing.marks)


def find_packing(head: bytes) -> _Packing | None:
    """Return how a file with these first bytes is packed; None: it is not."""
    return next((packing for packing in _PACKINGS if head.startswith(packing.marks)), None)


def find_encoding(name: str, head: bytes) -> _Packing | None:
    """Return the packing that HTTP calls `name` (RFC 9110, 8.4.1) for a body with these first bytes; None: there is
    none here. What HTTP calls deflate is zlib's format, but some clients send it without zlib's header."""
    if name == "deflate":
        has_header = len(head) > 1 and head[0] & 15 == zlib.DEFLATED and int.from_bytes(head[:2], "big") % 31 == 0
        return _Packing(name, (), lambda: _ZlibMember(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS))
    name = "gzip" if name == "x-gzip" else name
    return next((packing for packing in _PACKINGS if packing.name == name and name in ("gzip", "zstd")), None)


class Unpacker:
    """Unpacks a stream. `damage` says why it was not read to its end, or what stands behind it; None: all was read.

    Raises:
        MissingPackageError: It is packed with zstd, and there is no package for that.
    """

    def __init__(self, packed: ByteStream, packing: _Packing, ratio: int) -> None:
        self._packed = packed
        self._packing = packing
        self._ratio = ratio
        self._member: Any = packing.make()
        self._pending = self._surplus = b""
        self._unpacked_bytes = 0
        self._is_done = False
        self.damage: str | None = None

    def read(self, size: int) -> bytes:
        """Return up to `size` unpacked bytes; none only at the end, or at the first damage."""
        while not self._surplus and not self._is_done:
            self._surplus = self._unpack(size)
            self._unpacked_bytes += len(self._surplus)
            if self._unpacked_bytes > FREELY_UNPACKED_BYTES + self._ratio * self._packed.count:
                self._surplus = self._end(f"it unpacks to more than {self._ratio} times its size")
        part, self._surplus = self._surplus[:size], self._surplus[size:]
        return part

    def _unpack(self, size: int) -> bytes:
        if self._member.eof:
            self._begin_member()
            return b""
        data = self._pending
        if not data and self._member.needs_input:
            data = self._packed.read(_READ_BYTES)
        try:
            part: bytes = self._member.decompress(data, size)
        except Exception as error:  # each module has its own
            return self._end(f"its {self._packing.name} data are damaged: {error}")
        if not data and not part and not self._member.eof:
            return self._end(f"its {self._packing.name} data are cut short")
        self._pending = b""
        return part

    def _begin_member(self) -> None:
        """Go on with the next member. Zeros between members, which some programs write, are no damage."""
        rest = self._member.unused_data
        while not (rest := rest.lstrip(b"\0")) and (more := self._packed.read(_READ_BYTES)):
            rest = more
        if rest and len(rest) < _LONGEST_MARK:
            rest += self._packed.read_fully(_LONGEST_MARK - len(rest))
        if not rest:
            self._is_done = True
        elif rest.startswith(self._packing.marks):
            self._member, self._pending = self._packing.make(), rest
        else:
            self._end(f"bytes that are not {self._packing.name} follow its packed data")

    def _end(self, damage: str) -> bytes:
        self.damage, self._is_done = damage, True
        return b""


def unpack_frame(frame: bytes, limit: int) -> bytes:
    """Return what one zstd frame holds.

    Raises:
        ValueError: It is damaged, or holds more than `limit` bytes.
        MissingPackageError: There is no package for zstd.
    """
    decompressor = make_zstd_decompressor()
    try:
        content: bytes = decompressor.decompress(frame, limit + 1)
    except Exception as error:  # the error's class is of the package
        raise ValueError(f"its zstd data are damaged: {error}") from None
    if len(content) > limit:
        raise ValueError(f"it unpacks to more than {limit} bytes")
    if not decompressor.eof:
        raise ValueError("its zstd data are cut short")
    return content
