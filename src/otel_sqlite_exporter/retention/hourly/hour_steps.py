# SPDX-License-Identifier: Apache-2.0
"""Goes through the series of a file, and makes one point an hour of their points before a time: a part of some series
in one transaction. What was done is noted with the series, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.retention.hourly.hour_points import (
    HOUR_NS,
    HourPoint,
    MergedPoint,
    MetricKind,
    Numbers,
    merge_hours,
)
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.metric_writing.point_tables import PLAIN_POINTS
from otel_sqlite_exporter.write.statements import TableRows, encode_parameters, run_script

_FIRST_LOOKS, _MOST_LOOKS = 64, 512
_NUMBERS = slice(5, 10)


class _Part(NamedTuple):
    """A part of a series: a row of find_due_hours.sql."""

    series: int
    since: int
    before: int
    points: int
    kind: str
    temporality: str | None
    is_monotonic: int | None

    @property
    def metric(self) -> MetricKind:
        return MetricKind(self.kind, self.temporality, bool(self.is_monotonic))


class HourSteps:
    """One walk through all series of a file. `until` is a whole hour, in nanoseconds since 1970."""

    def __init__(self, connection: sqlite3.Connection, until: int, services: Sequence[str]) -> None:
        """`services`: only series of these; empty: of all."""
        self._connection = connection
        self._services = orjson.dumps(services).decode()
        self._until = until
        self._after = 0
        self._looks = _FIRST_LOOKS

    def step(self, most: int) -> int | None:
        """Merge about `most` points in the caller's transaction, and return by how many there are less; None: these
        were the last series.

        Raises:
            sqlite3.Error: The file cannot be written. The caller is to roll back.
        """
        looks = max(1, min(self._looks, most // 8))
        values = {"after": self._after, "limit": looks, "until": self._until, "most": most, "services": self._services}
        found, last = self._connection.execute(read_query("find_due_hours"), values).fetchone()
        if last is None:
            return None
        parts = [_Part(*columns) for columns in orjson.loads(found)]
        if not parts:
            self._after, self._looks = last, min(_MOST_LOOKS, 2 * looks)
            return 0
        number = sum(points < most for points in accumulate((part.points for part in parts), initial=0))
        chosen = parts[:number]
        self._looks = max(8, 2 * number)
        if chosen[-1].before < self._until:
            self._after = chosen[-1].series - 1
        else:
            self._after = last if number >= len(parts) else chosen[-1].series
        return self._replace(chosen, self._read(chosen))

    def _read(self, parts: list[_Part]) -> dict[int, list[HourPoint]]:
        """Return the points of these parts by their series, in the order of their times."""
        ranges = encode_parameters({"parts": [part[:3] for part in parts]})
        (found,) = self._connection.execute(read_query("read_hours"), ranges).fetchone()
        read: defaultdict[int, list[HourPoint]] = defaultdict(list)
        for series, *columns in orjson.loads(found):
            columns[_NUMBERS] = map(_read_number, columns[_NUMBERS])
            read[series].append(HourPoint(*columns))
        return read

    def _read_previous(
        self, parts: list[_Part], points: dict[int, list[HourPoint]]
    ) -> defaultdict[int, dict[int, Numbers]]:
        """Return the last numbers before each part of the starts that are counted in it, by series and start."""
        wanted = [
            (part.series, start, part.since)
            for part in parts
            if part.metric.is_counted_on
            for start in {point.start_time_unix_nano for point in points.get(part.series, ())}
        ]
        previous: defaultdict[int, dict[int, Numbers]] = defaultdict(dict)
        if wanted:
            found = self._connection.execute(read_query("find_previous_numbers"), encode_parameters({"starts": wanted}))
            for series, start, *numbers in orjson.loads(found.fetchone()[0]):
                value, count, total = map(_read_number, numbers)
                previous[series][start] = (value, count, total)
        return previous

    def _replace(self, parts: list[_Part], points: dict[int, list[HourPoint]]) -> int:
        rows, previous = TableRows(PLAIN_POINTS), self._read_previous(parts, points)
        keys: list[tuple[int, int, int, int]] = []
        moved: list[tuple[int, int, int, int]] = []
        gone = 0
        for part in parts:
            of_part = points.get(part.series, [])
            merged = _merge(part.metric, of_part, previous[part.series])
            replaced = [point for point in of_part if point.raw_points != 0]
            gone += len(replaced) - len(merged)
            keys += [(point.is_sorted, part.series, *point.key) for point in replaced]
            for point, last in merged:
                moved.append((part.series, *last.key, point.start_time_unix_nano))
                rows.add((part.series, *point))
        done = [(part.series, part.before // HOUR_NS * HOUR_NS) for part in parts]
        run_script(self._connection, "replace_hours", keys=keys, moved=moved, series=done)
        rows.write(self._connection)
        return gone


def _merge(metric: MetricKind, points: list[HourPoint], previous: dict[int, Numbers]) -> list[MergedPoint]:
    """Return what stands for points. Those of a damaged file, which may hold anything, and
    numbers of thousands of digits stay as they are."""
    try:
        return [*merge_hours(metric, points, previous)]
    except (ArithmeticError, ValueError, TypeError, LookupError):
        return [MergedPoint(one._replace(raw_points=one.raw_points or 1), one) for one in points if one.raw_points != 0]


def _read_number(column: Any) -> Any:
    return float(column[1:]) if isinstance(column, str) and column.startswith("r") else column
