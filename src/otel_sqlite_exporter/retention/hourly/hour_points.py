# SPDX-License-Identifier: Apache-2.0
"""Makes one data point of those of a series and hour. Pure.

* Of a cumulative count, and of a summary, the last point of each start stays: later ones are counted from it. Where a
  count starts again without a new start, the points on both sides of that stay, too; and where its start is not known,
  or is not before it, its first point.
* Points of a delta metric are added up: the result begins where the first of them does, and has the time of the last.
  Histograms with other bounds do not mix.
* Of a gauge the last value stays, with the smallest, the largest, the sum and the number of all.

It makes no difference whether all points of an hour are added at once, or some of them first. A point with `raw_points`
0, which others are counted from, is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.model.metric_records.metric_rows import StoredNumber
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    DELTA,
    EXPONENTIAL_HISTOGRAM,
    GAUGE,
    HISTOGRAM,
    SUM,
)
from otel_sqlite_exporter.retention.hourly.added_buckets import add_buckets, add_exponential
from otel_sqlite_exporter.retention.hourly.added_numbers import (
    COUNTED_FROM,
    ODD,
    add_numbers,
    choose_number,
    compare_numbers,
    find_form,
    is_number,
)

HOUR_NS = 3_600 * 10**9
Numbers = tuple[StoredNumber, StoredNumber, StoredNumber]
NO_NUMBERS: Numbers = (None, None, None)


class MetricKind(NamedTuple):
    """What of an instrument tells how its points are added."""

    kind: str
    temporality: str | None
    is_monotonic: bool

    @property
    def is_counted_on(self) -> bool:
        """Whether a point is counted from the ones before it, or may be."""
        return self.kind != GAUGE and self.temporality != DELTA


class HourPoint(NamedTuple):
    """A row of `_metric_points` without its series."""

    is_sorted: int
    time_unix_nano: int
    start_time_unix_nano: int
    time_source: str | None
    flags: int
    value: StoredNumber
    value_count: StoredNumber
    sum: StoredNumber
    min: StoredNumber
    max: StoredNumber
    bounds: int | None
    buckets: str | None
    raw_points: int | None

    @property
    def key(self) -> tuple[int, int]:
        """What tells it from the other points of its series."""
        return self.time_unix_nano, self.start_time_unix_nano

    @property
    def numbers(self) -> Numbers:
        """What is counted: value, number of values, and their sum."""
        return self.value, self.value_count, self.sum


class MergedPoint(NamedTuple):
    """A point that stands for others: the last of these is `last`, whose exemplars it keeps."""

    point: HourPoint
    last: HourPoint


def find_hour(point: HourPoint) -> int:
    """Return the hour of a point, by the number of hours since 1970."""
    return point.time_unix_nano // HOUR_NS


def merge_hours(
    metric: MetricKind, points: Sequence[HourPoint], previous: Mapping[int, Numbers] = MappingProxyType({})
) -> Iterator[MergedPoint]:
    """Yield the points that stand for all points of a series, which are in the order of their times. `previous` are the
    last numbers before them of each start that was counted before."""
    if not metric.is_counted_on:
        for _, hour in groupby(points, key=find_hour):
            if metric.kind == GAUGE:
                yield _merge_gauge([*hour])
            else:
                yield from _free_keys([_add(metric, group) for group in _split(_make_group_key(metric), [*hour])])
        return
    for of_start in _split(lambda point: point.start_time_unix_nano, points):
        start = of_start[0].start_time_unix_nano
        yield from CountedRuns(metric, start, previous.get(start, NO_NUMBERS)).keep_last(of_start)


def _split(find_key: Callable[[HourPoint], Hashable], points: Sequence[HourPoint]) -> list[list[HourPoint]]:
    groups: dict[Hashable, list[HourPoint]] = {}
    for point in points:
        groups.setdefault(find_key(point), []).append(point)
    return [*groups.values()]


def _merge_gauge(points: Sequence[HourPoint]) -> MergedPoint:
    numbers = [point for point in points if is_number(point.value)]
    if not numbers:
        return _make(points[-1], points)
    raw = [point for point in numbers if point.raw_points is None]
    merged = [point for point in numbers if point.raw_points is not None]
    values = [point.value for point in raw]
    return _make(
        numbers[-1],
        numbers,
        min=choose_number(min, [*values, *(point.min for point in merged)]),
        max=choose_number(max, [*values, *(point.max for point in merged)]),
        sum=add_numbers([*values, *(point.sum for point in merged)]),
    )


def _make_group_key(metric: MetricKind) -> Callable[[HourPoint], Hashable]:
    """Return what points must have in common that are added."""

    def find_key(point: HourPoint) -> Hashable:
        if metric.kind == SUM:
            return None
        has = [column is not None for column in (point.value_count, point.sum, point.min, point.max)]
        buckets = orjson.loads(point.buckets or "[]")
        shape = len(buckets) if metric.kind == HISTOGRAM else buckets[2]  # the zero threshold
        return (point.bounds, shape, *has)

    return find_key


def _add(metric: MetricKind, points: Sequence[HourPoint]) -> MergedPoint:
    """Return the sum of points of a delta metric."""
    if metric.kind == SUM:
        numbers = [point for point in points if is_number(point.value)]
        if not numbers:
            return _make(points[-1], points)
        value = add_numbers(point.value for point in numbers)
        return _make(numbers[-1], points, value=value, start_time_unix_nano=numbers[0].start_time_unix_nano)
    add = add_exponential if metric.kind == EXPONENTIAL_HISTOGRAM else add_buckets
    return _make(
        points[-1],
        points,
        start_time_unix_nano=points[0].start_time_unix_nano,
        value_count=add_numbers(point.value_count for point in points),
        sum=add_numbers(point.sum for point in points),
        min=choose_number(min, [point.min for point in points]),
        max=choose_number(max, [point.max for point in points]),
        buckets=add([point.buckets or "[]" for point in points]),
    )


class CountedRuns:
    """Chooses which points of one start of a cumulative count stay. `previous` are the last numbers before them."""

    def __init__(self, metric: MetricKind, start: int, previous: Numbers) -> None:
        self._metric = metric
        self._start = start
        self._previous = [*previous]
        self._run: list[HourPoint] = []

    def keep_last(self, points: Sequence[HourPoint]) -> Iterator[MergedPoint]:
        """Yield what stays of points, each of which is in an hour with others."""
        for _, hour in groupby(points, key=find_hour):
            of_hour = [*hour]
            counted = [point for point in of_hour if any(map(is_number, point.numbers))]
            for point in counted or of_hour[-1:]:
                yield from self._add(point)
            yield from self._end()

    def _add(self, point: HourPoint) -> Iterator[MergedPoint]:
        forms = [find_form(number) for number in point.numbers]
        if self._run and self._describe(point) != self._describe(self._run[-1]):
            yield from self._end()
        if self._stands_alone(point, forms):
            yield from self._end()
            if point.raw_points != 0:
                yield _make(point, [point])
        else:
            self._run.append(point)
        for place, number in enumerate(point.numbers):
            if forms[place] == COUNTED_FROM:
                self._previous[place] = number

    def _end(self) -> Iterator[MergedPoint]:
        if self._run:
            yield _make(self._run[-1], self._run)
            self._run = []

    def _describe(self, point: HourPoint) -> tuple[Any, ...]:
        """Return what the points of a run have in common."""
        return self._is_after_start(point), *map(find_form, point.numbers)

    def _is_after_start(self, point: HourPoint) -> bool:
        """Return whether a point that is the first of its start counts what came since then. None is counted from one
        before its start."""
        return 0 < self._start < point.time_unix_nano

    def _stands_alone(self, point: HourPoint, forms: Sequence[int]) -> bool:
        """Return whether a point stays whatever is after it: its count started again, or nothing tells what it adds."""
        if point.raw_points == 0 or ODD in forms or point.time_unix_nano == self._start:
            return True
        counted = [place for place, form in enumerate(forms) if form == COUNTED_FROM]
        if not self._is_after_start(point) and any(self._previous[place] is None for place in counted):
            return True
        place = 0 if self._metric.kind == SUM else 1
        is_growing = self._metric.is_monotonic or self._metric.kind != SUM
        before = self._previous[place]
        return (
            is_growing and place in counted and before is not None and compare_numbers(point.numbers[place], before) < 0
        )


def _make(last: HourPoint, points: Sequence[HourPoint], **columns: Any) -> MergedPoint:
    raw = sum(1 if point.raw_points is None else point.raw_points for point in points)
    return MergedPoint(last._replace(raw_points=raw, **columns), last)


def _free_keys(merged: Sequence[MergedPoint]) -> Iterator[MergedPoint]:
    """Give points that would get the key of another one the start of their last point: that key is theirs."""
    used = {one.last.key for one in merged}
    for one in merged:
        key = one.point.key
        if key != one.last.key and key in used:
            yield one._replace(point=one.point._replace(start_time_unix_nano=one.last.start_time_unix_nano))
        else:
            used.add(key)
            yield one
