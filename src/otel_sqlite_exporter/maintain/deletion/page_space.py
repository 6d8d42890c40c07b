# SPDX-License-Identifier: Apache-2.0
"""Where a database file holds no data: pages and parts of pages that SQLite has freed and not overwritten. Pure, but
for reading the bytes. Format: sqlite.org/fileformat2.html.

The file is read as it stands, without its write-ahead log. What cannot be read as a page has no free space here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from otel_sqlite_exporter.storage.system.raw_bytes import RawBytes

_HEADER = struct.Struct(">16sHBBBBBBIIII")
_MAGIC = b"SQLite format 3\0"
_LOCKED_BYTE = 0x4000_0000
_PAGES_AT_ONCE = 64
_INTERIOR_INDEX, _INTERIOR_TABLE, _LEAF_INDEX, _LEAF_TABLE = 2, 5, 10, 13
_MOST_VARINT = 9


class FreeSpace(NamedTuple):
    """Bytes that hold no data, the number of their page, from 1, and where they begin in it."""

    page: int
    start: int
    content: bytes


class DatabasePages:
    """The pages of one database file."""

    def __init__(self, raw: RawBytes) -> None:
        """`raw` is the file.

        Raises:
            ValueError: It does not begin as a database, or is empty.
            OSError: It cannot be read.
        """
        self._raw = raw
        header = raw.read(100, 0)
        if len(header) < 100 or not header.startswith(_MAGIC):
            raise ValueError(f"{raw.path} does not begin as a SQLite file")
        _, size, _, _, reserved, *_, trunk, _ = _HEADER.unpack_from(header)
        self.page_bytes: int = 65536 if size == 1 else size
        if self.page_bytes < 512 or self.page_bytes & (self.page_bytes - 1):
            raise ValueError(f"{raw.path} has no valid page size")
        self._usable: int = self.page_bytes - reserved
        self._has_map = struct.unpack_from(">I", header, 52)[0] > 0
        self._pages = raw.size // self.page_bytes
        self._free = bytearray(self._pages + 2)
        self._trunks: dict[int, int] = {}
        self._note_free(trunk)

    def find_free(self, progress: Callable[[int], None] = lambda done: None) -> Iterator[FreeSpace]:
        """Yield what is free and not all zeros, and call `progress` with the bytes that were read.

        Raises:
            OSError: The file cannot be read.
        """
        at_once = self.page_bytes * _PAGES_AT_ONCE
        for position, piece in self._raw.read_pieces(at_once):
            first = position // self.page_bytes + 1
            for place in range(0, len(piece) - self.page_bytes + 1, self.page_bytes):
                number = first + place // self.page_bytes
                content = piece[place : place + self.page_bytes]
                for free in self._find_in_page(number, content):
                    if free.content.strip(b"\0"):
                        yield free
            progress(len(piece))

    def _note_free(self, trunk: int) -> None:
        """Note the pages of the list of free pages."""
        while 0 < trunk <= self._pages and trunk not in self._trunks:
            content = self._raw.read(self.page_bytes, (trunk - 1) * self.page_bytes)
            following, leaves = struct.unpack_from(">II", content)
            leaves = min(leaves, (self._usable - 8) // 4)
            self._trunks[trunk] = leaves
            for leaf in struct.unpack_from(f">{leaves}I", content, 8):
                if leaf <= self._pages:
                    self._free[leaf] = 1
            trunk = following

    def may_be_page(self, number: int) -> bool:
        """Return whether the file has a page of this number, to which a cell may refer."""
        return 1 < number <= self._pages

    def _find_in_page(self, number: int, content: bytes) -> Iterator[FreeSpace]:
        if self._free[number]:
            yield FreeSpace(number, 0, content)
        elif number in self._trunks:
            start = 8 + 4 * self._trunks[number]
            yield FreeSpace(number, start, content[start:])
        elif not self._is_special(number):
            try:
                yield from self._find_in_tree_page(number, content)
            except (struct.error, IndexError):  # it was written meanwhile
                return

    def _is_special(self, number: int) -> bool:
        """Return whether a page is of the map of pages, or the one that is never written."""
        if number == _LOCKED_BYTE // self.page_bytes + 1:
            return True
        return self._has_map and number >= 2 and (number - 2) % (self._usable // 5 + 1) == 0

    def _find_in_tree_page(self, number: int, content: bytes) -> Iterator[FreeSpace]:
        header = 100 if number == 1 else 0
        kind = content[header]
        if kind not in (_INTERIOR_INDEX, _INTERIOR_TABLE, _LEAF_INDEX, _LEAF_TABLE):
            return
        block, cells, start = struct.unpack_from(">HHH", content, header + 1)
        pointers = header + (12 if kind in (_INTERIOR_INDEX, _INTERIOR_TABLE) else 8)
        end = pointers + 2 * cells
        yield FreeSpace(number, end, content[end : start or 65536])
        while block:
            following, length = struct.unpack_from(">HH", content, block)
            yield FreeSpace(number, block + 4, content[block + 4 : block + length])
            block = following if following > block else 0
        if kind != _INTERIOR_TABLE:
            for cell in struct.unpack_from(f">{cells}H", content, pointers):
                yield from self._find_behind_cell(kind, content, cell)

    def _find_behind_cell(self, kind: int, content: bytes, cell: int) -> Iterator[FreeSpace]:
        """Yield the rest of the last overflow page of a cell."""
        place = cell + (4 if kind == _INTERIOR_INDEX else 0)
        length, place = _read_varint(content, place)
        local = self._find_local(kind, length)
        if local == length:
            return
        if kind == _LEAF_TABLE:
            _, place = _read_varint(content, place)
        (page,) = struct.unpack_from(">I", content, place + local)
        room = self._usable - 4
        pages, rest = divmod(length - local, room)
        if not rest:
            return
        for _ in range(pages):
            (page,) = struct.unpack(">I", self._raw.read(4, (page - 1) * self.page_bytes))
            if not 0 < page <= self._pages:
                return
        if 0 < page <= self._pages:
            content = self._raw.read(self.page_bytes, (page - 1) * self.page_bytes)
            yield FreeSpace(page, 4 + rest, content[4 + rest :])

    def _find_local(self, kind: int, length: int) -> int:
        """Return how many bytes of a payload stand in the page of its cell."""
        usable = self._usable
        most = usable - 35 if kind == _LEAF_TABLE else (usable - 12) * 64 // 255 - 23
        if length <= most:
            return length
        least = (usable - 12) * 32 // 255 - 23
        wanted: int = least + (length - least) % (usable - 4)
        return wanted if wanted <= most else least


def _read_varint(content: bytes, place: int) -> tuple[int, int]:
    """Return a number of SQLite's variable length, and the place after it."""
    value = 0
    for length in range(_MOST_VARINT):
        byte = content[place + length]
        if length == _MOST_VARINT - 1:
            return value << 8 | byte, place + _MOST_VARINT
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + length + 1
    return value, place
