# SPDX-License-Identifier: Apache-2.0
"""What the file holds of the series of the last batches, for as long as no one else writes: looking up a series costs
as much as writing its point."""

from __future__ import annotations

import sqlite3

_MOST_KNOWN = 32_768


class StoredSeries:
    """A series in the file: its key, and times in nanoseconds since the epoch. -1: it has no such point."""

    __slots__ = ("hourly_until", "id", "last", "last_sorted")

    def __init__(self, id: int, hourly_until: int = 0, last_sorted: int | None = None, last_new: int | None = None):
        self.id = id
        self.hourly_until = hourly_until
        self.last_sorted = -1 if last_sorted is None else last_sorted
        self.last = self.last_sorted if last_new is None else last_new


class KnownSeries:
    """Series by their digests, and the ids of bounds, as one connection has read or written them. Where a transaction
    fails, `clear` it."""

    def __init__(self) -> None:
        self.series: dict[str, StoredSeries] = {}
        self.bounds: dict[str, int] = {}
        self._noted: tuple[int, int] | None = None

    def check(self, connection: sqlite3.Connection) -> None:
        """Forget all if anything but what `note` has seen was written. Call it in the transaction that writes."""
        if self._noted != _read_changes(connection) or len(self.series) + len(self.bounds) > _MOST_KNOWN:
            self.clear()

    def note(self, connection: sqlite3.Connection) -> None:
        """Note that what was written since `check` is known."""
        self._noted = _read_changes(connection)

    def note_sorted(self, after: int, last: int) -> None:
        """Note that all points of the series after `after` up to `last` are sorted in."""
        for series in self.series.values():
            if after < series.id <= last:
                series.last_sorted = series.last

    def clear(self) -> None:
        """Forget all."""
        self.series.clear()
        self.bounds.clear()
        self._noted = None


def _read_changes(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return two numbers: one changes when another connection has written, one when this has."""
    (others,) = connection.execute("PRAGMA data_version").fetchone()
    return others, connection.total_changes
