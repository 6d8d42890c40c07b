# SPDX-License-Identifier: Apache-2.0
"""Chooses the data points that may go before a time: of all series, a few at a time, or of those of one session.

Of a cumulative count that goes on the last point before the time stays: what the next one adds to it is the difference
of both.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import orjson

from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.removal.removed_records import PointCut
from otel_sqlite_exporter.write.statements import encode_parameters

_FIRST_LOOKS, _MOST_LOOKS = 64, 512
"""Series that one query looks at."""
_POINTS_OF_A_LOOK = 8
"""A look at a series takes as long as so many points."""
_PIECE = 5_000


class DuePoints:
    """Goes through the series of a file, and begins again at the end. `services`: only series of these; empty: of all.
    The points of a session that is in the file stay with it."""

    def __init__(self, connection: sqlite3.Connection, services: Sequence[str]) -> None:
        self._connection = connection
        self._services = orjson.dumps(services).decode()
        self._after = 0
        self._looks = _FIRST_LOOKS

    def choose_next(self, before: int, most: int) -> tuple[list[PointCut], bool]:
        """Return what may go of the next series before a time, no more than about `most` points, and whether these were
        the last series."""
        left = _MOST_LOOKS
        while left > 0:
            looks = max(1, min(self._looks, left, most // _POINTS_OF_A_LOOK))
            series, last = self._find_series(self._after, looks)
            if last is None:
                self._after = 0
                return [], True
            cuts, next_series = self._cut(series, before, most)
            self._after = last if next_series is None else next_series - 1
            self._looks = max(_POINTS_OF_A_LOOK, 2 * len(cuts)) if cuts else min(_MOST_LOOKS, 2 * looks)
            if cuts:
                return cuts, False
            left -= looks
        return [], False

    def choose_of_unit(self, kind: str, id: int, before: int, most: int) -> tuple[list[PointCut], bool]:
        """Return what may go before a time of the series that name a session (a key of `_sessions`), no more than about
        `most` points, and whether that is all. Another kind of unit has none."""
        if kind != "session":
            return [], True
        (series,) = self._connection.execute(read_query("find_series_of_session"), {"id": id}).fetchone()
        found: list[int] = orjson.loads(series)
        chosen: list[PointCut] = []
        left = most
        for first in range(0, len(found), _MOST_LOOKS):
            cuts, next_series = self._cut(found[first : first + _MOST_LOOKS], before, left)
            chosen += cuts
            left -= sum(cut.points for cut in cuts)
            if next_series is not None or left <= 0:
                return chosen, False
        return chosen, True

    def find_oldest(self) -> int | None:
        """Return the time of the oldest point of all series, or None."""
        found = (
            self._connection.execute(read_query("find_oldest_point"), encode_parameters({"series": series})).fetchone()
            for series in self._iterate_series()
        )
        return min((time for (time,) in found if time is not None), default=None)

    def count_before(self, before: int) -> int:
        """Return how many points of all series may go before a time."""
        chosen = (self._cut(series, before, LARGEST)[0] for series in self._iterate_series())
        return sum(cut.points for cuts in chosen for cut in cuts)

    def estimate_number(self) -> int:
        """Return about how many points the file has, by those of a few hundred series."""
        (found,) = self._connection.execute(read_query("estimate_points")).fetchone()
        return int(found)

    def _iterate_series(self) -> Iterator[list[int]]:
        after: int | None = 0
        while after is not None:
            series, after = self._find_series(after, _PIECE)
            yield series

    def _find_series(self, after: int, limit: int) -> tuple[list[int], int | None]:
        values = {"after": after, "limit": limit, "services": self._services}
        series, last = self._connection.execute(read_query("find_series_after"), values).fetchone()
        return orjson.loads(series), last

    def _cut(self, series: Sequence[int], before: int, most: int) -> tuple[list[PointCut], int | None]:
        """Return what may go of these series, and the first of them that has more; None: there is none."""
        if not series:
            return [], None
        values = {"before": before, "most": most, **encode_parameters({"series": series})}
        (found,) = self._connection.execute(read_query("find_due_points"), values).fetchone()
        cuts: list[PointCut] = []
        left = most
        for number, until, points, kept in orjson.loads(found):
            if left <= 0:
                return cuts, number
            cuts.append(PointCut(number, -LARGEST, until, kept, points))
            left -= points
            if until < before:
                return cuts, number
        return cuts, None
