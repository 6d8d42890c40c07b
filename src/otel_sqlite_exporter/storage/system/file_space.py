# SPDX-License-Identifier: Apache-2.0
"""The pages of a file, and how free ones are given back to the disk."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import NamedTuple

from otel_sqlite_exporter.storage.transactions import bound_waits

_PAGES_AT_ONCE = 256


class PageCounts(NamedTuple):
    """The number of pages of a file, of those that are free, and the bytes of one."""

    pages: int
    free: int
    page_bytes: int

    @property
    def file_bytes(self) -> int:
        """The bytes of all pages."""
        return self.pages * self.page_bytes

    @property
    def free_bytes(self) -> int:
        """The bytes of the free pages."""
        return self.free * self.page_bytes

    @property
    def used_bytes(self) -> int:
        """The bytes of the pages that hold something."""
        return self.file_bytes - self.free_bytes


def count_pages(connection: sqlite3.Connection) -> PageCounts:
    """Return the counts of the pages of a file."""
    names = ("page_count", "freelist_count", "page_size")
    return PageCounts._make(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)


def release_pages(connection: sqlite3.Connection, most_pages: int) -> int:
    """Shorten the file by its free pages, `most_pages` at most, in one transaction, and return how many went. Not to be
    called in a transaction. A file that was made without incremental vacuum stays as it is: 0.

    Raises:
        sqlite3.Error: The file is locked, or cannot be written.
    """
    before = count_pages(connection).free
    if before and most_pages > 0:
        bound_waits(connection)
        # `execute` steps a statement without columns once, which frees one page.
        connection.executescript(f"PRAGMA incremental_vacuum({int(most_pages)})")
    return before - count_pages(connection).free


def give_back(
    connection: sqlite3.Connection,
    rest: Callable[[float], object] = time.sleep,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Give all free pages back to the disk, in short transactions. After each, `progress` is called with the pages that
    are done, and of all, and `rest` with the seconds that it took.

    Raises:
        sqlite3.Error: The file is locked, or cannot be written.
    """
    of = count_pages(connection).free
    while True:
        began = time.perf_counter()
        if not release_pages(connection, _PAGES_AT_ONCE):
            return
        progress(of - count_pages(connection).free, of)
        rest(time.perf_counter() - began)


def pack(connection: sqlite3.Connection) -> None:
    """Rewrite the whole file without gaps. The copy is a temporary file: a writer keeps its own in memory, which a
    large file does not fit.

    Raises:
        sqlite3.Error: The disk is full, or others use the file.
    """
    connection.execute("PRAGMA temp_store = FILE")
    connection.execute("VACUUM")
    connection.execute("PRAGMA temp_store = MEMORY")


def empty_log(connection: sqlite3.Connection) -> bool:
    """Write the write-ahead log into the file and cut it to nothing. Return False where a reader or a writer held it
    for as long as the busy timeout.

    Raises:
        sqlite3.Error: The file cannot be written now.
    """
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
