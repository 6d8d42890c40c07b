# SPDX-License-Identifier: Apache-2.0
"""Reads the numbers of a data point of OTLP. Pure.

OTLP has no integers beyond 64 bits, and none in the sums of histograms. Where this package exports one, the nearest
floating-point number stands in the field, and the digits in another one, as `originalSum` beside `sum`. Other readers
pass it over, as OTLP wants of unknown fields.
"""

from __future__ import annotations

from typing import Any

from otel_sqlite_exporter.model.metric_records.metric_signals import BucketFields, DistributionFields
from otel_sqlite_exporter.otlp.message_fields import MessageFields
from otel_sqlite_exporter.otlp.metric_messages.metric_kinds import BUCKETS, QUANTILE
from otel_sqlite_exporter.otlp.otlp_values import decode_double, decode_integer

_MOST_COUNT = 2**64 - 1
_LARGEST_SCALE = 2**31 - 1
_are_doubles = frozenset((float,)).issuperset
_are_integers = frozenset((int,)).issuperset


def name_original(field: str) -> str:
    """Return the field that has the digits of an integer for which `field` has no form."""
    return f"original{field[0].upper()}{field[1:]}"


def read_value(holder: MessageFields, has_integers: bool) -> int | float | None:
    """Return the value of a data point or an exemplar, or None if there is none. `has_integers` is about the `value` of
    older versions."""
    found = [field for field in ("asInt", "asDouble", "value") if holder.read_raw(field) is not None]
    if not found:
        return None
    if len(found) > 1:
        holder.note("value", "is given twice: the first counts")
    if found[0] == "asInt" or (found[0] == "value" and has_integers):
        return holder.read_any_integer(found[0])
    return _read_number(holder, found[0])


def read_histogram(point: MessageFields, has_integers: bool) -> DistributionFields:
    """Return what a point of a histogram counts. If its bounds or its counts cannot be read, it has no buckets."""
    bounds = point.read_numbers("explicitBounds", _decode_doubles)
    counts = point.read_numbers("bucketCounts", _decode_counts)
    is_whole = bounds is not None and counts is not None
    return DistributionFields(
        **_read_sums(point, has_integers), bounds=bounds if is_whole else [], counts=counts if is_whole else []
    )


def read_exponential(point: MessageFields, has_integers: bool) -> DistributionFields:
    """Return what a point of an exponential histogram counts."""
    return DistributionFields(
        **_read_sums(point, has_integers),
        scale=point.read_integer("scale", _LARGEST_SCALE, -_LARGEST_SCALE - 1) or 0,
        zero_count=point.read_integer("zeroCount", _MOST_COUNT) or 0,
        zero_threshold=point.read_double("zeroThreshold") or None,
        positive=_read_buckets(point, "positive"),
        negative=_read_buckets(point, "negative"),
    )


def read_summary(point: MessageFields, has_integers: bool) -> DistributionFields:
    """Return what a point of a summary counts."""
    quantiles = point.read_messages("quantileValues", QUANTILE)
    return DistributionFields(
        count=point.read_integer("count", _MOST_COUNT) or 0,
        sum=_or_zero(_read_number(point, "sum")),
        quantiles=[(_or_zero(one.read_double("quantile")), _or_zero(one.read_double("value"))) for one in quantiles],
    )


def _read_sums(point: MessageFields, has_integers: bool) -> dict[str, Any]:
    sums = {field: _read_sum(point, field, has_integers) for field in ("sum", "min", "max")}
    return {"count": point.read_integer("count", _MOST_COUNT) or 0, **sums}


def _read_sum(point: MessageFields, field: str, is_integer: bool) -> int | float | None:
    return point.read_any_integer(field) if is_integer else _read_number(point, field)


def _read_number(holder: MessageFields, field: str) -> int | float | None:
    original = name_original(field)
    if holder.read_raw(original) is not None:
        return holder.read_any_integer(original)
    return holder.read_double(field)


def _read_buckets(point: MessageFields, field: str) -> BucketFields | None:
    buckets = point.read_message(field, BUCKETS)
    if buckets is None:
        return None
    counts = buckets.read_numbers("bucketCounts", _decode_counts)
    if counts is None:
        return None
    return BucketFields(buckets.read_integer("offset", _LARGEST_SCALE, -_LARGEST_SCALE - 1) or 0, counts)


def _or_zero(number: float | None) -> float:
    return 0.0 if number is None else number


def _decode_doubles(values: list[Any]) -> list[float]:
    return values if _are_doubles(map(type, values)) else [*map(decode_double, values)]


def _decode_counts(values: list[Any]) -> list[int]:
    counts = values if _are_integers(map(type, values)) else [_decode_count(value) for value in values]
    if min(counts, default=0) < 0 or max(counts, default=0) > _MOST_COUNT:
        raise ValueError("it is no number of values")
    return counts


def _decode_count(value: Any) -> int:
    number = decode_integer(value)
    if number is None:
        raise ValueError("it is no number of values")
    return number
