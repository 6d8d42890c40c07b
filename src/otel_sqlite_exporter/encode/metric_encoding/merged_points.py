# SPDX-License-Identifier: Apache-2.0
"""Adds up the points of series that redaction has made one: their attributes differed only in what is masked or left
out. Pure.

The file has one point a series and time, so without this only one of them would be in it. Source: opentelemetry.io,
metrics data model, "Spatial re-aggregation". Gauges and summaries cannot be added up: of these the file keeps one.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

from otel_sqlite_exporter.encode.metric_encoding.exponential_buckets import ExponentialBuckets
from otel_sqlite_exporter.encode.metric_encoding.point_numbers import dump_numbers, encode_number, read_number
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint, StoredNumber
from otel_sqlite_exporter.model.metric_records.metric_signals import EXPONENTIAL_HISTOGRAM, HISTOGRAM, SUM

_MERGED = frozenset((SUM, HISTOGRAM, EXPONENTIAL_HISTOGRAM))
_NO_BUCKETS = "[]"


def merge_points(points: Sequence[EncodedPoint]) -> Sequence[EncodedPoint]:
    """Return the points of one collection, with one point for each series and time of counters and histograms."""
    groups: dict[Any, list[EncodedPoint]] = {}
    for point in points:
        is_alone = point.series.instrument.kind not in _MERGED
        key = id(point) if is_alone else (point.series.row.digest, point.row.time_unix_nano)
        groups.setdefault(key, []).append(point)
    if len(groups) == len(points):
        return points
    merged: list[EncodedPoint] = []
    for group in groups.values():
        try:
            merged += group if len(group) == 1 else [_merge(group)]
        except (ArithmeticError, ValueError):  # numbers of thousands of digits
            merged += group
    return merged


def _merge(points: list[EncodedPoint]) -> EncodedPoint:
    first, rows = points[0], [point.row for point in points]
    buckets, bounds = _merge_buckets(points)
    merged = first.row._replace(
        start_time_unix_nano=min(row.start_time_unix_nano for row in rows),
        time_source=next((row.time_source for row in rows if row.time_source), None),
        flags=reduce(operator.and_, (row.flags for row in rows)),
        value=_add(row.value for row in rows),
        value_count=_add(row.value_count for row in rows),
        sum=_add(row.sum for row in rows),
        min=_choose(min, [row.min for row in rows]),
        max=_choose(max, [row.max for row in rows]),
        buckets=buckets,
    )
    exemplars = [exemplar for point in points for exemplar in point.exemplars]
    return EncodedPoint(first.series, merged, bounds, exemplars, sum(point.repaired for point in points))


def _add(stored: Iterable[StoredNumber]) -> StoredNumber:
    numbers = [read_number(number) for number in stored if number is not None]
    if not numbers:
        return None
    if all(isinstance(number, int) for number in numbers):
        return encode_number(sum(numbers))[0]
    try:
        return encode_number(math.fsum(numbers))[0]  # the same sum in any order
    except (OverflowError, ValueError):  # beyond the largest, or infinities of both signs
        return encode_number(sum(sorted(map(float, numbers))))[0]


def _choose(choose: Callable[..., Any], stored: Sequence[StoredNumber]) -> StoredNumber:
    """Return the smallest or largest; None where one of them is not known."""
    numbers = [read_number(number) for number in stored if number is not None]
    if len(numbers) < len(stored):
        return None
    return encode_number(choose((number for number in numbers if number == number), default=math.nan))[0]


def _merge_buckets(points: list[EncodedPoint]) -> tuple[str | None, str | None]:
    """Return the merged buckets, and the bounds of a histogram. Buckets that do not fit each other are left out."""
    kind, bounds = points[0].series.instrument.kind, points[0].bounds
    if kind == SUM:
        return None, None
    texts = [point.row.buckets or _NO_BUCKETS for point in points]
    if kind == EXPONENTIAL_HISTOGRAM:
        every = map(ExponentialBuckets.load, texts)
        return reduce(lambda all, one: all.combine(one, operator.add), every).dump(), None
    read = [json.loads(text) for text in texts]
    if any(point.bounds != bounds for point in points) or len({len(counts) for counts in read}) != 1:
        return _NO_BUCKETS, _NO_BUCKETS
    return dump_numbers([_add(counts) for counts in zip(*read, strict=True)]), bounds
