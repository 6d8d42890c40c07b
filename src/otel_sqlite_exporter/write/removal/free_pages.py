# SPDX-License-Identifier: Apache-2.0
"""Gives free pages of a file back to the disk."""

from __future__ import annotations

import sqlite3

from otel_sqlite_exporter.storage.transactions import bound_waits


def release_pages(connection: sqlite3.Connection, most_pages: int) -> int:
    """Shorten the file by its free pages, `most_pages` at most, in one transaction, and return how many went. Not to be
    called in a transaction. A file that was made without incremental vacuum stays as it is: 0.

    Raises:
        sqlite3.Error: The file is locked, or cannot be written.
    """
    before = _count_free(connection)
    if before and most_pages > 0:
        bound_waits(connection)
        # `execute` steps a statement without columns once, which frees one page.
        connection.executescript(f"PRAGMA incremental_vacuum({int(most_pages)})")
    return before - _count_free(connection)


def _count_free(connection: sqlite3.Connection) -> int:
    count: int
    (count,) = connection.execute("PRAGMA freelist_count").fetchone()
    return count
