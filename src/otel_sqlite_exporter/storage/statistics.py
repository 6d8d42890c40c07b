# SPDX-License-Identifier: Apache-2.0
"""What the query planner knows of a file: how many rows the tables have, and how many share a key."""

from __future__ import annotations

import sqlite3

_ROWS_AN_INDEX = 1_000
"""Of each index, that many rows are looked at: 2 ms for a file of a million spans."""
_FEW_ROWS = 1_000
"""A table with fewer gets no statistics. The planner would read all of it for each row of another table, as it does a
table of three resources, and go on to do so when there are thousands."""
_FEW_SPANS = 1_024


def gather_statistics(connection: sqlite3.Connection) -> None:
    """Write the statistics anew, in the transaction that the caller has begun, or one of its own.

    Raises:
        sqlite3.Error: What SQLite said.
    """
    connection.execute(f"PRAGMA analysis_limit = {_ROWS_AN_INDEX}")
    connection.execute("ANALYZE")
    connection.execute("DELETE FROM sqlite_stat1 WHERE CAST(stat AS INTEGER) < ?", (_FEW_ROWS,))
    connection.execute("ANALYZE sqlite_schema")  # what this connection has read of them, it reads anew


def are_due(spans_before: int, spans: int) -> bool:
    """Return whether a file has come to hold twice as many spans as when statistics were last due."""
    return spans >= _FEW_SPANS and spans.bit_length() > spans_before.bit_length()
