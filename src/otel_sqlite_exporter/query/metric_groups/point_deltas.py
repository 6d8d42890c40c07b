# SPDX-License-Identifier: Apache-2.0
"""What came between the points of a series, in the order of their times.

A cumulative point counts since its start: what came is the difference to the last point with the same start, so
processes that write the same series at the same time do not disturb each other. If it is less than that, counting began
anew. A first point counts since its start; if that is not known, or is its own time, what came is not known
(OpenTelemetry's data model, "Cumulative streams: handling unknown start time"). The view `metric_points` has the same
rules."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeVar

from otel_sqlite_exporter.model.metric_records.metric_signals import DELTA, EXPONENTIAL_HISTOGRAM, NO_RECORDED_VALUE
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.query.metric_arithmetic.bucket_counts import (
    Counts,
    read_bounds,
    read_explicit,
    read_exponential,
)
from otel_sqlite_exporter.query.metric_arithmetic.distribution_points import DistributionPoint
from otel_sqlite_exporter.query.metric_arithmetic.step_sums import Number, read_number
from otel_sqlite_exporter.query.metric_arithmetic.time_steps import TimeSteps
from otel_sqlite_exporter.sql.texts import read_query

_Value = TypeVar("_Value")
_Amount = TypeVar("_Amount")
_MOST_STARTS = 1_000
"""Starts of a series whose last points are kept; the last point of another one is looked up."""
_LEAST_BEYOND = 16
"""Points that are read after the range, as what they count may begin in it."""


class Delta(NamedTuple, Generic[_Amount]):
    """What came after `begin`, up to `end`: nanoseconds since 1970."""

    begin: int
    end: int
    amount: _Amount


class StoredPoints(Generic[_Value]):
    """Reads the points of series.

    Args:
        connection: Of the file.
        queries: The names of the query of a range, and of the query of the last point of a start.
        read: Returns the value of a row; None: it has none.
    """

    def __init__(
        self, connection: sqlite3.Connection, queries: tuple[str, str], read: Callable[[tuple[Any, ...]], _Value | None]
    ) -> None:
        self._connection = connection
        self._range, self._last = map(read_query, queries)
        self._read = read
        self.left_out = 0
        """How many points have no value that can be used, though they say that they have one."""

    def iterate(self, series: int, since: int, until: int, limit: int = -1) -> Iterator[tuple[int, int, _Value | None]]:
        """Yield time, start and value of the points of a range, in order of their times."""
        given = {"series": series, "since": since, "until": until}
        for is_sorted in (1, 0):
            read = 0
            for row in self._connection.execute(self._range, {**given, "is_sorted": is_sorted, "limit": limit}):
                read += 1
                value = None
                if not row[2] & NO_RECORDED_VALUE:
                    value = self._read(row)
                    self.left_out += value is None
                yield row[0], row[1], value
            limit -= read if limit > 0 else 0

    def find_before(self, series: int, start: int, time: int) -> tuple[int, _Value] | None:
        """Return time and value of the last point before a time that counts from the same start."""
        since = start if start < time else 0
        given = {"series": series, "start": start, "since": since, "until": time}
        for is_sorted in (0, 1):
            row = self._connection.execute(self._last, {**given, "is_sorted": is_sorted}).fetchone()
            value = None if row is None else self._read(row)
            if value is not None:
                return row[0], value
        return None

    def find_time_before(self, series: int, time: int) -> int | None:
        """Return the time of the last point before a time."""
        for is_sorted in (0, 1):
            given = {"series": series, "until": time, "is_sorted": is_sorted, "limit": 1}
            row = self._connection.execute(read_query("read_last_times"), given).fetchone()
            if row is not None:
                return int(row[0])
        return None


def read_sums(connection: sqlite3.Connection) -> StoredPoints[Number]:
    """Return what reads the points of sums."""
    return StoredPoints(connection, ("read_numbers", "read_number_before"), lambda row: read_number(row[3]))


def read_distributions(connection: sqlite3.Connection, kind: str) -> StoredPoints[DistributionPoint]:
    """Return what reads the points of histograms or summaries."""
    parsers: dict[int, Callable[[str], Counts | None] | None] = {}

    def find_parser(bounds: int) -> Callable[[str], Counts | None] | None:
        if bounds not in parsers:
            found = read_bounds(connection.execute(read_query("read_bounds"), (bounds,)).fetchone()[0])
            parsers[bounds] = None if found is None else partial(read_explicit, found)
        return parsers[bounds]

    def read(row: tuple[Any, ...]) -> DistributionPoint | None:
        _, _, _, stored, total, low, high, bounds, buckets = row
        count = read_number(stored)
        if not isinstance(count, int):
            return None
        parse = read_exponential if kind == EXPONENTIAL_HISTOGRAM else bounds and find_parser(bounds)
        return DistributionPoint(count, (total, low, high, buckets), parse)

    return StoredPoints(connection, ("read_distributions", "read_distribution_before"), read)


def iterate_deltas(
    points: StoredPoints[_Value],
    series: int,
    temporality: str | None,
    steps: TimeSteps,
    subtract: Callable[[_Value, _Value], _Amount],
    take_whole: Callable[[_Value], _Amount],
) -> Iterator[Delta[_Amount | None]]:
    """Yield what came in the range of the steps, in the order of its end; None: that is not known. A delta may begin
    before the range, or end after it."""
    since, until = steps.since, steps.until
    if temporality == DELTA:
        return _iterate_given(points, series, since, until, take_whole)
    return _iterate_differences(points, series, since, until, subtract, take_whole)


def _iterate_given(
    points: StoredPoints[_Value], series: int, since: int, until: int, take_whole: Callable[[_Value], _Amount]
) -> Iterator[Delta[_Amount | None]]:
    previous: int | None = None
    for time, start, value in chain(
        points.iterate(series, since, until), points.iterate(series, until, LARGEST, _LEAST_BEYOND)
    ):
        begin = start
        if not 0 < start <= time:
            known = points.find_time_before(series, time) if previous is None else previous
            begin = time if known is None else known
        previous = time
        if value is not None:
            yield Delta(begin, time, take_whole(value))


def _iterate_differences(
    points: StoredPoints[_Value],
    series: int,
    since: int,
    until: int,
    subtract: Callable[[_Value, _Value], _Amount],
    take_whole: Callable[[_Value], _Amount],
) -> Iterator[Delta[_Amount | None]]:
    known: dict[int, tuple[int, _Value]] = {}
    is_forgetful = False
    for time, start, value in _read_with_next(points, series, since, until, known):
        if value is None:
            continue
        before = known.get(start)
        if before is None and (is_forgetful or not since <= start < time):
            before = points.find_before(series, start, time)
        known[start] = time, value
        if before is not None:
            yield Delta(before[0], time, subtract(value, before[1]))
        elif 0 < start < time:
            yield Delta(start, time, take_whole(value))
        else:
            yield Delta(time, time, None)
        if len(known) > _MOST_STARTS:
            is_forgetful = True
            del known[next(iter(known))]


def _read_with_next(
    points: StoredPoints[_Value], series: int, since: int, until: int, known: Mapping[int, Any]
) -> Iterator[tuple[int, int, _Value | None]]:
    """Yield the points of a range, and then those after it, of which there may be one of each start that is `known`."""
    yield from points.iterate(series, since, until)
    yield from points.iterate(series, until, LARGEST, max(_LEAST_BEYOND, 2 * len(known)))
