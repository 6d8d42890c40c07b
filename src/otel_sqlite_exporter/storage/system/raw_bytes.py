# SPDX-License-Identifier: Apache-2.0
"""Reads the bytes of a database file and of what stands beside it, past SQLite.

Closing any descriptor of a database drops the locks of every connection that this process has to it
(sqlite.org/howtocorrupt.html, 2.2). So the descriptor of one stays open until the process ends, and serves again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from otel_sqlite_exporter.storage.system.system_files import BINARY, NO_LINK, read_at

_kept: dict[tuple[int, int], int] = {}


class RawBytes:
    """The bytes of one file, which may grow or shrink meanwhile."""

    def __init__(self, path: str, descriptor: int) -> None:
        """Use `open_raw`."""
        self.path = path
        self._descriptor = descriptor

    @property
    def size(self) -> int:
        """The size in bytes."""
        return os.fstat(self._descriptor).st_size

    def read(self, length: int, position: int) -> bytes:
        """Return up to `length` bytes that stand at `position`.

        Raises:
            OSError: They cannot be read.
        """
        return read_at(self._descriptor, length, position)

    def read_pieces(self, length: int, overlap: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield the file in pieces of `length` bytes, each with the `overlap` bytes after it, and their positions."""
        position = 0
        while piece := self.read(length + overlap, position):
            yield position, piece
            position += length


@contextlib.contextmanager
def open_raw(path: str, *, is_database: bool) -> Iterator[RawBytes]:
    """Open the file at `path`, which may be a `-shm` too where it `is_database`, to read its bytes.

    Raises:
        OSError: It cannot be opened, or is a link.
    """
    if is_database:
        yield RawBytes(path, _find_kept(path))
        return
    descriptor = os.open(path, os.O_RDONLY | BINARY | NO_LINK)
    try:
        yield RawBytes(path, descriptor)
    finally:
        os.close(descriptor)


def _find_kept(path: str) -> int:
    status = os.stat(path)
    key = status.st_dev, status.st_ino
    if key not in _kept:
        descriptor = os.open(path, os.O_RDONLY | BINARY | NO_LINK)
        status = os.fstat(descriptor)
        # What is open keeps its inode, so no other file has it.
        key = status.st_dev, status.st_ino
        _kept[key] = descriptor
    return _kept[key]
