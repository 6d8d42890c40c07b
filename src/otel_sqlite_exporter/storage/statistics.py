# SPDX-License-Identifier: Apache-2.0
"""Statistics for SQLite's query planner: how many rows the tables have, and how many of them share a key."""

from __future__ import annotations

import sqlite3

_ROWS_AN_INDEX = 1_000
"""Rows that are read of each index. With this limit a file of a million spans takes 2 ms."""
_FEW_ROWS = 1_000
"""A table with fewer rows gets no statistics. Else the planner would scan it for each row of another table, and still
do so when it has thousands of rows."""
_FEW_SPANS = 1_024


def gather_statistics(connection: sqlite3.Connection) -> None:
    """Update the statistics, in the caller's transaction or in one of its own.

    Raises:
        sqlite3.Error: What SQLite said.
    """
    connection.execute(f"PRAGMA analysis_limit = {_ROWS_AN_INDEX}")
    connection.execute("ANALYZE")
    connection.execute("DELETE FROM sqlite_stat1 WHERE CAST(stat AS INTEGER) < ?", (_FEW_ROWS,))
    connection.execute("ANALYZE sqlite_schema")  # makes this connection reload them


def are_due(connection: sqlite3.Connection, last_record_before: int, last_record: int) -> bool:
    """Return whether the last id of the records in the view `events` has doubled since statistics were last due, and
    the file has more than a few spans.

    Raises:
        sqlite3.Error: What SQLite said.
    """
    # A span has two records.
    if last_record < 2 * _FEW_SPANS or last_record.bit_length() == last_record_before.bit_length():
        return False
    few = "SELECT count(*) FROM (SELECT 1 FROM _spans LIMIT ?)"
    return bool(connection.execute(few, (_FEW_SPANS,)).fetchone()[0] >= _FEW_SPANS)
