# SPDX-License-Identifier: Apache-2.0
"""Lets a connection read one moment of a file with several statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from otel_sqlite_exporter.storage.open_work import show_open_work

_CACHE_KB = 64_000
"""Each statement reads the pages of the day again: with the 2 MB of SQLite, from the operating system."""


@contextmanager
def holding_snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Read in one transaction: that of the caller, or one of its own. It is committed: SQLite prepares all statements
    again after a temporary table was rolled back."""
    is_own = not connection.in_transaction
    cache = connection.execute("PRAGMA cache_size").fetchone()[0]
    connection.execute(f"PRAGMA cache_size = {-_CACHE_KB}")
    if is_own:
        connection.execute("BEGIN")
    try:
        show_open_work(connection)
        with allowing_temporary(connection):
            yield
    finally:
        if is_own:
            connection.execute("COMMIT")
        connection.execute(f"PRAGMA cache_size = {cache}")


@contextmanager
def allowing_temporary(connection: sqlite3.Connection) -> Iterator[None]:
    """Let a connection that reads write temporary tables, which `query_only` forbids too. Each change of it lets SQLite
    prepare all statements again, so do it once for many."""
    is_read_only = connection.execute("PRAGMA query_only").fetchone()[0]
    if is_read_only:
        connection.execute("PRAGMA query_only = OFF")
    try:
        yield
    finally:
        if is_read_only:
            connection.execute("PRAGMA query_only = ON")
