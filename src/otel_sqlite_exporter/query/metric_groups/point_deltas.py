# SPDX-License-Identifier: Apache-2.0
"""What came between the points of a series, in the order of their times.

A cumulative point counts since its start: what came is the difference to the last point with the same start, so
processes that write the same series at the same time do not disturb each other. If it is less than that, counting
started again. A first point counts since its start; if that is not known, or is its own time, what came is not known
(OpenTelemetry's data model, "Cumulative streams: handling unknown start time"). The view `metric_points` has the same
rules."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from operator import lt, sub
from typing import Any, Generic, NamedTuple, TypeVar

from otel_sqlite_exporter.model.metric_records.metric_signals import DELTA, EXPONENTIAL_HISTOGRAM, NO_RECORDED_VALUE
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.query.metric_arithmetic.bucket_counts import (
    Counts,
    read_bounds,
    read_explicit,
    read_exponential,
)
from otel_sqlite_exporter.query.metric_arithmetic.distribution_points import (
    DistributionDelta,
    DistributionPoint,
    subtract_points,
    take_whole,
)
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

    def iterate(
        self, series: int, since: int, until: int, limit: int = -1
    ) -> Iterator[tuple[int, int, int | None, _Value | None]]:
        """Yield time, start, number of raw points and value of the points of a range, in order of their times."""
        given = {"series": series, "since": since, "until": until}
        read = self._read
        for is_sorted in (1, 0):
            number = 0
            for row in self._connection.execute(self._range, {**given, "is_sorted": is_sorted, "limit": limit}):
                number += 1
                value = None
                if not row[2] & NO_RECORDED_VALUE:
                    value = read(row)
                    if value is None:
                        self.left_out += 1
                yield row[0], row[1], row[3], value
            limit -= number if limit > 0 else 0

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


class Arithmetic(NamedTuple, Generic[_Value, _Amount]):
    """What is calculated with the values of points.

    Attributes:
        subtract: Returns what came from the second value to the first.
        take_whole: Returns what came since counting began.
        has_shrunk: Returns whether the first value is less than the second, so that counting started again.
    """

    subtract: Callable[[_Value, _Value], _Amount]
    take_whole: Callable[[_Value], _Amount]
    has_shrunk: Callable[[_Value, _Value], bool]


GROWING: Arithmetic[Number, Number] = Arithmetic(sub, lambda value: value, lt)
"""Of sums that only grow."""
CHANGING: Arithmetic[Number, Number] = Arithmetic(sub, lambda value: value, lambda new, old: False)
"""Of other sums."""
DISTRIBUTED: Arithmetic[DistributionPoint, DistributionDelta] = Arithmetic(
    subtract_points, take_whole, lambda new, old: new.count < old.count
)
"""Of histograms and summaries."""


def read_sums(connection: sqlite3.Connection) -> StoredPoints[Number]:
    """Return what reads the points of sums."""
    return StoredPoints(connection, ("read_numbers", "read_number_before"), lambda row: read_number(row[4]))


def read_distributions(connection: sqlite3.Connection, kind: str) -> StoredPoints[DistributionPoint]:
    """Return what reads the points of histograms or summaries."""
    known: dict[int, tuple[float, ...] | None] = {}

    def parse(bounds: int | None, buckets: str) -> Counts | None:
        if kind == EXPONENTIAL_HISTOGRAM:
            return read_exponential(buckets)
        if bounds is None:
            return None
        if bounds not in known:
            known[bounds] = read_bounds(connection.execute(read_query("read_bounds"), {"id": bounds}).fetchone()[0])
        found = known[bounds]
        return None if found is None else read_explicit(found, buckets)

    def read(row: tuple[Any, ...]) -> DistributionPoint | None:
        count = row[4]
        if type(count) is not int:
            count = read_number(count)
            if not isinstance(count, int):
                return None
        return DistributionPoint(count, row, parse)

    return StoredPoints(connection, ("read_distributions", "read_distribution_before"), read)


def iterate_deltas(
    points: StoredPoints[_Value],
    series: int,
    temporality: str | None,
    steps: TimeSteps,
    arithmetic: Arithmetic[_Value, _Amount],
) -> Iterator[Delta[_Amount | None]]:
    """Yield what came in the range of the steps; None: that is not known. What came in one step since one start is
    together, if that makes no difference. A delta may begin before the range, or end after it."""
    if temporality == DELTA:
        return _iterate_given(points, series, steps, arithmetic)
    return _iterate_differences(points, series, steps, arithmetic)


def _iterate_given(
    points: StoredPoints[_Value], series: int, steps: TimeSteps, arithmetic: Arithmetic[_Value, _Amount]
) -> Iterator[Delta[_Amount | None]]:
    previous: int | None = None
    beyond = points.iterate(series, steps.until, LARGEST, _LEAST_BEYOND)
    for time, start, _, value in chain(points.iterate(series, steps.since, steps.until), beyond):
        begin = start
        if not 0 < start <= time:
            known = points.find_time_before(series, time) if previous is None else previous
            begin = time if known is None else known
        previous = time
        if value is not None:
            yield Delta(begin, time, arithmetic.take_whole(value))


class _Counted(Generic[_Value]):
    """What is known of a start: the last point of which all was told, the last point, and until when further ones are
    told together, as they are in the same step."""

    __slots__ = ("base", "base_time", "last", "last_time", "together_until")

    def __init__(self, time: int, value: _Value, together_until: int) -> None:
        self.base = self.last = value
        self.base_time = self.last_time = time
        self.together_until = together_until


def _iterate_differences(
    points: StoredPoints[_Value], series: int, steps: TimeSteps, arithmetic: Arithmetic[_Value, _Amount]
) -> Iterator[Delta[_Amount | None]]:
    subtract, take_whole, has_shrunk = arithmetic
    known: dict[int, _Counted[_Value]] = {}
    is_forgetful = False
    for time, start, raw_points, value in _read_with_next(points, series, steps, known):
        if value is None:
            continue
        one = known.get(start)
        if one is None:
            before = None
            if is_forgetful or not steps.since <= start < time:
                before = points.find_before(series, start, time)
            if before is None:
                known[start] = _Counted(time, value, steps.find_end(time))
                if 0 < start < time and raw_points != 0:
                    yield Delta(start, time, take_whole(value))
                elif raw_points != 0:
                    yield Delta(time, time, None)
                continue
            one = known[start] = _Counted(*before, 0)
            if len(known) > _MOST_STARTS:
                is_forgetful = True
                yield from _flush(known.pop(next(iter(known))), subtract)
        is_restart = has_shrunk(value, one.last)
        if time > one.together_until or is_restart:
            yield from _flush(one, subtract)
            yield Delta(one.last_time, time, take_whole(value) if is_restart else subtract(value, one.last))
            one.base, one.base_time, one.together_until = value, time, steps.find_end(time)
        one.last, one.last_time = value, time
    for one in known.values():
        yield from _flush(one, subtract)


def _flush(one: _Counted[_Value], subtract: Callable[[_Value, _Value], _Amount]) -> Iterator[Delta[_Amount | None]]:
    """Yield what was not told yet."""
    if one.last_time > one.base_time:
        yield Delta(one.base_time, one.last_time, subtract(one.last, one.base))


def _read_with_next(
    points: StoredPoints[_Value], series: int, steps: TimeSteps, known: Mapping[int, Any]
) -> Iterator[tuple[int, int, int | None, _Value | None]]:
    """Yield the points of a range, and then those after it, of which there may be one of each start that is `known`."""
    yield from points.iterate(series, steps.since, steps.until)
    yield from points.iterate(series, steps.until, LARGEST, max(_LEAST_BEYOND, 2 * len(known)))
