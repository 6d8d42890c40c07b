# SPDX-License-Identifier: Apache-2.0
"""Reads what an application gave unchecked, as plain values. Pure.

A field that cannot be read, or has a type that it cannot have, counts as missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import Enum
from operator import attrgetter
from typing import Any

from otel_sqlite_exporter.model.metric_records.metric_signals import BucketFields, DistributionFields, ExemplarFields
from otel_sqlite_exporter.model.signals import (
    ContextFields,
    EventFields,
    LinkFields,
    ResourceFields,
    ScopeFields,
    SpanFields,
    StatusFields,
)
from otel_sqlite_exporter.redact.redactor import Repaired
from otel_sqlite_exporter.settings import REDACTED

_READERS: dict[type[Any], Callable[[Any], Any]] = {
    stand_in: attrgetter(*stand_in._fields)
    for stand_in in (
        SpanFields,
        ContextFields,
        StatusFields,
        EventFields,
        LinkFields,
        ResourceFields,
        ScopeFields,
        DistributionFields,
        BucketFields,
        ExemplarFields,
    )
}
_NUMBERS = frozenset((int, float, bool, type(None)))


def read_fields(holder: Any, stand_in: type[Any]) -> Sequence[Any]:
    """Return the fields of `holder` that `stand_in` has, None for one that cannot be read."""
    try:
        fields: Sequence[Any] = _READERS[stand_in](holder)
        return fields
    except Exception:
        return [_read_field(holder, field) for field in stand_in._fields]


def list_items(value: Any) -> Sequence[Any]:
    """Return the items of a sequence; none of what is no sequence."""
    try:
        return tuple(value or ())
    except Exception:
        return ()


def count_or_zero(value: Any) -> int:
    """Return a number of things, 0 for what is none."""
    return value if type(value) is int else 0


def integer_or_none(value: Any) -> int | None:
    """Return an integer, None for what is none."""
    return value if isinstance(value, int) else None


def member_or_none(value: Any) -> Enum | None:
    """Return a member of an enumeration, None for what is none."""
    return value if isinstance(value, Enum) else None


def flag_or_none(value: Any) -> bool | None:
    """Return whether a flag is set, None where that is not known."""
    try:
        return None if value is None else bool(value)
    except Exception:
        return None


def time_or_nan(value: Any) -> float | None:
    """Return a time or None, NaN for what is neither."""
    return value if value is None or isinstance(value, int) else math.nan


def keep_number(value: Any) -> Any:
    """Return a number that was measured as Python's own: NumPy's numbers and decimals are others. What is no number
    is encoded as missing, and counted as repaired."""
    if type(value) in _NUMBERS:
        return value
    try:
        if not isinstance(value, (str, bytes, bytearray)):
            return int(value) if hasattr(value, "__index__") else float(value)
    except Exception:  # values reach an exporter unchecked, with methods of their own
        return Repaired(REDACTED)
    return Repaired(REDACTED)


def keep_distribution(distribution: Any) -> DistributionFields:
    """Return the numbers of a distribution, each as `keep_number` does."""
    read = read_fields(distribution, DistributionFields)
    count, total, low, high, bounds, counts, scale, zeros, threshold, positive, negative, quantiles = read
    return DistributionFields(
        keep_number(count),
        keep_number(total),
        keep_number(low),
        keep_number(high),
        None if bounds is None else _keep_numbers(bounds),
        None if counts is None else _keep_numbers(counts),
        keep_number(scale),
        keep_number(zeros),
        keep_number(threshold),
        _keep_buckets(positive),
        _keep_buckets(negative),
        None if quantiles is None else [_keep_numbers(pair) for pair in list_items(quantiles)],
    )


def _keep_buckets(buckets: Any) -> BucketFields | None:
    if buckets is None:
        return None
    offset, counts = read_fields(buckets, BucketFields)
    return BucketFields(keep_number(offset), _keep_numbers(counts))


def _keep_numbers(values: Any) -> list[Any]:
    return [keep_number(value) for value in list_items(values)]


def _read_field(holder: Any, field: str) -> Any:
    try:
        return getattr(holder, field, None)
    except Exception:
        return None
