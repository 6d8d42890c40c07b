# SPDX-License-Identifier: Apache-2.0
"""Sorts new points in, a few series at a time.

A batch has a point of each series. In the order of series, 200 series would cost a batch 200 pages: 13 kB and 17 us a
point, where new points together cost 1.5 kB and 4 us, with what sorting them costs later (docs/design.md#points).
"""

from __future__ import annotations

import sqlite3

from otel_sqlite_exporter.sql.texts import read_query, split_statements

_LEAST_NEW, _NEW_OF_A_SERIES = 10_000, 20
_SLICE = 4_096
"""The most points that one batch sorts in, but for the rest of the last of their series: 8 ms."""


class PointSorter:
    """Sorts in the new points of one connection. Used in the transactions that write. It counts what this writer added;
    what others added is counted once, when it begins."""

    def __init__(self) -> None:
        self._new: int | None = None
        self._after = 0

    def sort_in(self, connection: sqlite3.Connection, added: int) -> None:
        """Note that a batch has `added` points, and sort some in if many are new."""
        if self._new is None:
            (self._new,) = connection.execute("SELECT count(*) FROM _metric_points WHERE is_sorted = 0").fetchone()
        else:
            self._new += added
        if self._new < _LEAST_NEW:
            return
        (series,) = connection.execute("SELECT coalesce(max(id), 0) FROM _metric_series").fetchone()
        if self._new >= _NEW_OF_A_SERIES * series:
            self._new -= self._sort_slice(connection, max(_SLICE, 2 * added))

    def _sort_slice(self, connection: sqlite3.Connection, most: int) -> int:
        """Sort in the points of the next series, and return how many there were."""
        found, last = connection.execute(read_query("find_unsorted"), {"after": self._after, "most": most}).fetchone()
        moved = 0
        if found:
            for statement in split_statements(read_query("move_points")):
                moved = connection.execute(statement, {"after": self._after, "last": last}).rowcount
        self._after = last if found == most else 0
        return max(moved, 1)
