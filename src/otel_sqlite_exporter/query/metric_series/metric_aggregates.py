# SPDX-License-Identifier: Apache-2.0
"""What can be asked of each kind of metric, and what is meant if nothing is asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    DELTA,
    EXPONENTIAL_HISTOGRAM,
    GAUGE,
    HISTOGRAM,
    SUM,
    SUMMARY,
)
from otel_sqlite_exporter.query.filter_values import parse_texts
from otel_sqlite_exporter.query.metric_series.metric_description import InstrumentFacts

INCREASE, RATE, TOTAL, COUNT = "increase", "rate", "sum", "count"
LAST, AVERAGE, MINIMUM, MAXIMUM, BUCKETS = "last", "avg", "min", "max", "buckets"
QUANTILES = "pN"
COUNTER, LEVEL, DISTRIBUTION = "counter", "level", "distribution"
DISTRIBUTED = (HISTOGRAM, EXPONENTIAL_HISTOGRAM, SUMMARY)
"""The kinds whose points count values."""
_LEVELS = (LAST, AVERAGE, MINIMUM, MAXIMUM)
KNOWN: Mapping[str, tuple[str, ...]] = {
    GAUGE: (*_LEVELS, TOTAL, COUNT),
    COUNTER: (RATE, INCREASE, TOTAL, COUNT, *_LEVELS),
    LEVEL: (*_LEVELS, TOTAL, COUNT, INCREASE, RATE),
    DELTA: (INCREASE, RATE, TOTAL, COUNT),
    DISTRIBUTION: (RATE, INCREASE, COUNT, TOTAL, AVERAGE, MINIMUM, MAXIMUM, QUANTILES, BUCKETS),
    SUMMARY: (RATE, INCREASE, COUNT, TOTAL, AVERAGE, QUANTILES),
}
"""What a family of metrics can be asked for. Of sums, `COUNTER` is one that only grows, `LEVEL` one that goes up and
down, and `DELTA` one with points that say only what came since the one before."""
_DEFAULTS: Mapping[str, tuple[str, ...]] = {
    GAUGE: (LAST,),
    COUNTER: (RATE,),
    LEVEL: (LAST,),
    DELTA: (INCREASE,),
    DISTRIBUTION: ("p50", "p95", "p99", RATE),
    SUMMARY: (AVERAGE, RATE),
}
_QUANTILE = re.compile(r"p(\d{1,3}(?:\.\d{1,9})?)", re.ASCII)
_ANNOTATION = re.compile(r"\{[^{}]*\}")


def find_family(instruments: Sequence[InstrumentFacts]) -> str:
    """Return the family of instruments that can be added up: a key of `KNOWN`."""
    one = instruments[0]
    if one.kind != SUM:
        return DISTRIBUTION if one.kind in DISTRIBUTED[:2] else one.kind
    if one.is_monotonic and one.temporality is not None:
        return COUNTER
    return DELTA if any(each.temporality == DELTA for each in instruments) else LEVEL


def parse_aggregates(value: Any, name: str, family: str, instruments: Sequence[InstrumentFacts]) -> tuple[str, ...]:
    """Return what was asked for, or the default of the family.

    Raises:
        FilterError: The metric cannot be asked for it.
    """
    if value is None:
        return _DEFAULTS[family]
    texts = [part.strip().lower() for text in parse_texts("aggregate", value) for part in text.split(",")]
    known = KNOWN[family]
    for text in texts:
        if text not in known and not (QUANTILES in known and find_quantile(text) is not None):
            given = ", ".join("p50 and any other pN" if one == QUANTILES else one for one in known)
            raise FilterError("aggregate", f"{name} cannot be asked for {text!r}: give {given}")
        if family == COUNTER and text in _LEVELS and any(one.temporality == DELTA for one in instruments):
            raise FilterError(
                "aggregate",
                f"the points of {name} say what came since the one before, so there is no {text!r}: give rate, "
                "increase or count",
            )
    return tuple(dict.fromkeys(texts))


def check_groups(aggregates: Sequence[str], family: str, most_series: int) -> None:
    """Raise FilterError if quantiles of a summary are asked for, and a group has so many series."""
    if family == SUMMARY and most_series > 1 and any(find_quantile(one) is not None for one in aggregates):
        raise FilterError(
            "aggregate",
            "quantiles of a summary cannot be merged: give group_by='*', or keys that tell its series apart",
        )


def find_quantile(aggregate: str) -> float | None:
    """Return the quantile from 0 to 1 of an aggregate such as `p99.9`; None: it is another aggregate."""
    found = _QUANTILE.fullmatch(aggregate)
    percent = float(found[1]) if found else 101.0
    return percent / 100 if percent <= 100 else None


def name_unit(aggregate: str, unit: str, family: str) -> str:
    """Return the unit of the values of an aggregate."""
    if family in (DISTRIBUTION, SUMMARY) and aggregate in (RATE, INCREASE, COUNT, BUCKETS):
        unit = "1"
    elif aggregate == COUNT:
        unit = "{point}"
    return f"{unit or '1'}/s" if aggregate == RATE else unit
