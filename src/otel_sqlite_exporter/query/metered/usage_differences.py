# SPDX-License-Identifier: Apache-2.0
"""Where metrics and calls say other things of the same work: in sentences, with what helps, as `doctor` says it."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence

from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.metered.usage_comparison import UsageComparison, compare_usage
from otel_sqlite_exporter.show.units import format_number
from otel_sqlite_exporter.storage.identity import name_command

_DIGITS = 6
_NAMED_MODELS = 3
_MORE_METERED, _MORE_RECORDED, _OTHER_PRICE = "metered", "recorded", "price"
_TWICE = (1.9, 2.1)


def describe_differences(connection: sqlite3.Connection, path: str) -> Iterator[tuple[str, str]]:
    """Yield what differs, and what helps: a sentence for each service and kind of difference, with the largest."""
    places: defaultdict[str, set[str]] = defaultdict(set)
    found: defaultdict[tuple[str, str], list[UsageComparison]] = defaultdict(list)
    token_places: set[tuple[str, str]] = set()
    for one in compare_usage(connection):
        place = one.session_id or one.date or ""
        places[one.service_name].add(place)
        if not one.differs:
            continue
        if one.measure != "cost_usd":
            token_places.add((one.service_name, place))
            found[one.service_name, _MORE_METERED if one.metered > one.recorded else _MORE_RECORDED].append(one)
        elif (one.service_name, place) not in token_places:  # else the cost is other because the tokens are
            found[one.service_name, _OTHER_PRICE].append(one)
    for (service, kind), differences in sorted(found.items()):
        yield _describe(differences, len(places[service])), _find_remedy(kind, differences, path)


def _describe(differences: Sequence[UsageComparison], compared: int) -> str:
    largest = max(differences, key=lambda one: abs(one.metered - one.recorded))
    where = f"in session {largest.session_id}" if largest.session_id else f"on {largest.date}"
    models = ""
    if largest.models:
        more = ", ..." if len(largest.models) > _NAMED_MODELS else ""
        models = f" of {', '.join(largest.models[:_NAMED_MODELS])}{more}"
    metered, recorded = (format_number(float(number), _DIGITS) for number in (largest.metered, largest.recorded))
    differing = len({(one.session_id, one.date) for one in differences})
    compared_in = count(compared, "session" if largest.session_id else "day")
    return (
        f"metrics and calls of {largest.service_name} differ in {differing:,} of {compared_in}: most {where}, where "
        f"the metrics say {metered} {largest.measure}{models}, and the calls {recorded}"
    )


def _find_remedy(kind: str, differences: Sequence[UsageComparison], path: str) -> str:
    ask = f"`{name_command('report agents-usage', path)}`"
    if kind == _OTHER_PRICE:
        return f"the tokens agree, so their prices differ: compare {ask} with `{name_command('report cost', path)}`"
    if kind == _MORE_RECORDED:
        return (
            "if a process was killed, its last metrics are lost, and the calls are right; else a call may be recorded "
            "twice: docs/dialects.md#one-call-recorded-twice"
        )
    low, high = _TWICE
    if all(low * one.recorded <= one.metered <= high * one.recorded for one in differences):
        return "two instrumentations seem to measure the same calls: keep one of them; the calls are right"
    return f"if traces are sampled, or spans were lost or deleted, the metrics are right: {ask} has their sums"
