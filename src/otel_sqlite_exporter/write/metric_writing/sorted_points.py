# SPDX-License-Identifier: Apache-2.0
"""Sorts new points in, a few series at a time.

A batch has a point of each series. In the order of series, 200 series would cost a batch 200 pages: 13 kB and 17 us a
point, where new points together cost 1.5 kB and 4 us, with what sorting them costs later (docs/design.md#points).
"""

from __future__ import annotations

import sqlite3

from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.metric_writing.known_series import KnownSeries

_LEAST_NEW, _NEW_OF_A_SERIES = 400, 20
"""How many new points stand together: about a page of them, and some for each series, as sorting them in changes a page
or two of each."""
_SLICE = 4_096
"""The most points that one batch sorts in, but for the rest of the last of their series: 10 ms."""


class PointSorter:
    """Sorts in the new points of one connection. Used in the transactions that write. It counts what this writer added;
    what others added is counted when that is many."""

    def __init__(self, known: KnownSeries) -> None:
        self._known = known
        self._added = 0
        self._due = 0
        self._after: int | None = None
        """The last series that is sorted in; None: none are being sorted in."""

    def sort_in(self, connection: sqlite3.Connection, added: int) -> None:
        """Note that a batch has `added` points, and sort some in if many are new."""
        self._added += added
        if self._after is None and self._added >= self._due and self._are_many(connection):
            self._after = 0
        if self._after is not None:
            self._after = self._sort_slice(connection, self._after, max(_SLICE, 2 * added))

    def _are_many(self, connection: sqlite3.Connection) -> bool:
        new: int
        series: int
        new, series = connection.execute(read_query("count_unsorted")).fetchone()
        enough = max(_LEAST_NEW, _NEW_OF_A_SERIES * series)
        self._added, self._due = (new if new < enough else 0), enough
        return new >= enough

    def _sort_slice(self, connection: sqlite3.Connection, after: int, most: int) -> int | None:
        """Sort in the points of the next series, and return the last of them; None if that is all."""
        found, last = connection.execute(read_query("find_unsorted"), {"after": after, "most": most}).fetchone()
        if found:
            connection.execute(read_query("move_points"), {"after": after, "last": last})
            self._known.note_sorted(after, last)
        return last if found == most else None
