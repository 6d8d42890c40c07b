# SPDX-License-Identifier: Apache-2.0
"""What a forked child counted itself: its counters and histograms go on from what its parent had counted. Pure."""

from __future__ import annotations

import json
import operator
from typing import Any

from otel_sqlite_exporter.encode.metric_encoding.exponential_buckets import ExponentialBuckets
from otel_sqlite_exporter.encode.metric_encoding.point_numbers import dump_numbers, encode_number, read_number
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint, StoredNumber
from otel_sqlite_exporter.model.metric_records.metric_signals import EXPONENTIAL_HISTOGRAM, HISTOGRAM, SUM


def subtract_point(point: EncodedPoint, parents: EncodedPoint) -> EncodedPoint | None:
    """Return what `point` counts beyond an earlier point of the same series and start. None: it counts less, so it is
    no continuation. The smallest and the largest of the difference are not known."""
    kind, row, before = point.series.instrument.kind, point.row, parents.row
    try:
        if kind == SUM:
            value = _subtract(row.value, before.value)
            return None if value is None else point._replace(row=row._replace(value=value))
        count, buckets = _subtract(row.value_count, before.value_count), _subtract_buckets(point, parents)
        if count is None or buckets is None:
            return None
        total = _difference(row.sum, before.sum)
    except (ArithmeticError, ValueError):  # numbers of thousands of digits
        return None
    return point._replace(row=row._replace(value_count=count, sum=total, min=None, max=None, buckets=buckets))


def _subtract(now: StoredNumber, before: StoredNumber) -> StoredNumber:
    """Return how far a count has grown, None if it has not."""
    if now is None or before is None or not read_number(now) >= read_number(before):
        return None
    return _difference(now, before)


def _difference(now: StoredNumber, before: StoredNumber) -> StoredNumber:
    if now is None or before is None:
        return now
    return encode_number(read_number(now) - read_number(before))[0]


def _subtract_buckets(point: EncodedPoint, parents: EncodedPoint) -> str | None:
    now, before = point.row.buckets, parents.row.buckets
    if now is None or before is None:
        return None
    if point.series.instrument.kind == EXPONENTIAL_HISTOGRAM:
        difference = ExponentialBuckets.load(now).combine(ExponentialBuckets.load(before), operator.sub)
        return difference.dump() if difference.are_counts() else None
    assert point.series.instrument.kind == HISTOGRAM
    counts: list[Any] = [*map(_subtract, json.loads(now), json.loads(before))]
    return dump_numbers(counts) if point.bounds == parents.bounds and None not in counts else None
