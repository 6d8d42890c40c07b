# SPDX-License-Identifier: Apache-2.0
"""Which instruments of a name a question is about. Those that measure something else are never added up. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.metric_records.metric_signals import EXPONENTIAL_HISTOGRAM, HISTOGRAM, KINDS
from otel_sqlite_exporter.query.filter_values import parse_texts
from otel_sqlite_exporter.query.metric_series.chosen_series import NamedSeries
from otel_sqlite_exporter.query.metric_series.metric_description import InstrumentFacts

_NAMED = 3


def choose_instruments(
    name: str, known: Sequence[InstrumentFacts], series: Sequence[NamedSeries], kinds: Any, units: Any
) -> tuple[list[InstrumentFacts], list[NamedSeries]]:
    """Return the instruments of some series that have one of these kinds and units (None: any), and their series.
    Without series, the first instrument that could be meant.

    Raises: FilterError: They cannot be added up: they differ in kind, unit, or in whether a sum only grows. Or a value
    cannot be used, or no instrument has it."""
    allowed = list(known)
    if kinds is not None:
        wanted = parse_texts("kind", kinds, KINDS)
        allowed = [one for one in allowed if one.kind in wanted]
        _check(allowed, "kind", known)
    if units is not None:
        wanted = parse_texts("unit", units)
        allowed = [one for one in allowed if one.unit in wanted]
        _check(allowed, "unit", known)
    by_id = {one.id: one for one in allowed}
    chosen = [one for one in series if one.instrument in by_id]
    used = {one.instrument for one in chosen}
    instruments = [one for one in allowed if one.id in used] or allowed[:1]
    sorts = {_sort(one) for one in instruments}
    if len(sorts) > 1:
        argument = "unit" if len({unit for _, unit, _ in sorts}) > 1 else "kind"
        told = "; ".join(
            _describe(sort, [one for one in chosen if _sort(by_id[one.instrument]) == sort]) for sort in sorted(sorts)
        )
        raise FilterError(
            argument,
            f"{name} is {len(sorts)} metrics, which cannot be added up: {told}: choose one by unit, kind or "
            "service_name",
        )
    return instruments, chosen


def _check(allowed: Sequence[InstrumentFacts], argument: str, known: Sequence[InstrumentFacts]) -> None:
    if not allowed:
        there = ", ".join(sorted({repr(getattr(one, argument)) for one in known}))
        raise FilterError(argument, f"the metric has no such {argument}: give {there}")


def _sort(one: InstrumentFacts) -> tuple[str, str, str]:
    kind = HISTOGRAM if one.kind == EXPONENTIAL_HISTOGRAM else one.kind
    return (
        kind,
        one.unit,
        "" if one.is_monotonic is None else " that only grows" if one.is_monotonic else " that goes up and down",
    )


def _describe(sort: tuple[str, str, str], series: Sequence[NamedSeries]) -> str:
    kind, unit, direction = sort
    services = list(dict.fromkeys(one.service_name for one in series))
    more = ", ..." if len(services) > _NAMED else ""
    return f"{kind}{direction} in {unit or '1'} of {', '.join(services[:_NAMED])}{more}"
