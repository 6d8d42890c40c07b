# SPDX-License-Identifier: Apache-2.0
"""What one step removes, and how much room is left in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from otel_sqlite_exporter.write.removal.removed_records import PointCut, RecordsToRemove

POINT_BYTES = 40
"""About what a data point takes in a file."""


class StepChoice:
    """Up to `limit` spans and log records, or `most_points` data points, or some of both."""

    def __init__(self, limit: int, most_points: int) -> None:
        self.spans: list[int] = []
        self.logs: list[int] = []
        self.points: list[PointCut] = []
        self._limit, self._most_points = limit, most_points

    @property
    def records(self) -> RecordsToRemove:
        """What was chosen."""
        return RecordsToRemove(self.spans, self.logs, self.points)

    @property
    def room(self) -> int:
        """How many more spans and log records there is room for."""
        return self.find_room(())

    def find_room(self, more: Iterable[PointCut]) -> int:
        """Return how many there is room for with `more` points."""
        points = sum(cut.points for cut in (*self.points, *more))
        return self._limit - len(self.spans) - len(self.logs) - self._limit * points // self._most_points

    @property
    def point_room(self) -> int:
        """How many more data points there is room for."""
        return max(1, self._most_points * self.room // self._limit)
