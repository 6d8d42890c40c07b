# SPDX-License-Identifier: Apache-2.0
"""Compares what metrics say of tokens and cost with what the counted calls say: both are of the same work.

They are compared in a session, or in a day (UTC) of a service whose metrics name no session, over the time that both
cover. A point of a metric covers the time since the point before it; a call counts when it ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from otel_sqlite_exporter.sql.texts import read_query

MEASURES = (
    *("input_tokens", "cached_input_tokens", "cache_creation_input_tokens", "output_tokens", "reasoning_tokens"),
    "cost_usd",
)
_DAY_NS = 86_400 * 10**9
_COMPARED_NS = 30 * _DAY_NS
_TOLERANCE = 0.05
_PARTS = {
    "input_tokens": ("cached_input_tokens", "cache_creation_input_tokens"),
    "output_tokens": ("reasoning_tokens",),
}
"""What a metric may leave out of a kind of tokens that it does not tell apart."""


class MeteredPoint(NamedTuple):
    """What a point of a metric adds to a measure. It covers the time after `since`, up to `time`."""

    since: int
    time: int
    model: str | None
    measure: str
    amount: float | None


class RecordedCall(NamedTuple):
    """A counted call that reports tokens; `amounts` are by measure, None where it does not tell."""

    start: int
    end: int
    models: tuple[str | None, str | None]
    amounts: Mapping[str, float | None]


class UsageComparison(NamedTuple):
    """What metrics and calls say of one measure.

    Attributes:
        service_name: Of both.
        session_id: The session; None: the metrics name none, and it is a day.
        date: That day (UTC); None: it is a session.
        measure: One of `MEASURES`.
        metered: What the metrics say.
        recorded: What the calls say. If the metric leaves out cached or reasoning tokens, it is without these.
        models: The models of which they say other things; empty if they agree, or if neither names models alike.
    """

    service_name: str
    session_id: str | None
    date: str | None
    measure: str
    metered: float
    recorded: float
    models: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the numbers are further apart than 5% of the larger."""
        return _differ(self.metered, self.recorded)


def compare_usage(connection: sqlite3.Connection) -> Iterator[UsageComparison]:
    """Yield what metrics and calls say of the newest 30 days of metrics, where both say something."""
    (last,) = connection.execute(read_query("get_last_metered")).fetchone()
    if last is None:
        return
    removed = {tuple(row) for row in connection.execute(read_query("list_kept_days"))}
    rows = connection.execute(read_query("read_metered_usage"), {"since": last - _COMPARED_NS})
    for (service, session, date), group in groupby(rows, itemgetter(0, 1, 2)):
        points = [
            MeteredPoint(since, time, model, measure, amount) for _, _, _, model, measure, since, time, amount in group
        ]
        if (service, date) in removed:
            continue
        calls = _read_calls(connection, service, session, points)
        points, calls = _cut_to_both(points, calls)
        if points and calls:
            for measure in MEASURES:
                yield from _compare(service, session, date, measure, points, calls)


def _read_calls(
    connection: sqlite3.Connection, service: str, session: str | None, points: Sequence[MeteredPoint]
) -> list[RecordedCall]:
    asked: dict[str, str | int]
    if session is not None:
        query, asked = read_query("read_session_calls"), {"session_id": session}
    else:
        # The calls around the time tell whether calls were recorded at all then.
        since, until = min(point.since for point in points), max(point.time for point in points)
        query, asked = read_query("read_service_calls"), {"since": since - _DAY_NS, "until": until + _DAY_NS}
    return [
        RecordedCall(start, end, (asked_model, answered), dict(zip(MEASURES, amounts, strict=True)))
        for start, end, asked_model, answered, *amounts in connection.execute(query, {"service_name": service, **asked})
    ]


def _cut_to_both(
    points: Sequence[MeteredPoint], calls: Sequence[RecordedCall]
) -> tuple[list[MeteredPoint], list[RecordedCall]]:
    """Return the points and the calls of the time that both cover."""
    if not calls:
        return [], []
    first, last = min(call.start for call in calls), max(call.end for call in calls)
    covering = [point for point in points if point.time >= first and point.since <= last]
    if not covering:
        return [], []
    since, until = min(point.since for point in covering), max(point.time for point in covering)
    return covering, [call for call in calls if since < call.end <= until]


def _compare(
    service: str,
    session: str | None,
    date: str | None,
    measure: str,
    points: Sequence[MeteredPoint],
    calls: Sequence[RecordedCall],
) -> Iterator[UsageComparison]:
    metered = _add(point.amount for point in points if point.measure == measure)
    recorded = _add(call.amounts[measure] for call in calls)
    is_whole = measure != "cost_usd" or all(call.amounts[measure] is not None for call in calls)
    if metered is None or recorded is None or not is_whole:
        return
    told = {point.measure for point in points}
    parts = [part for part in _PARTS.get(measure, ()) if part not in told]
    less = recorded - sum(_add(call.amounts[part] for call in calls) or 0 for part in parts)
    if abs(metered - less) < abs(metered - recorded):
        recorded = less
    models = _find_models(measure, points, calls) if _differ(metered, recorded) else ()
    yield UsageComparison(service, session, date, measure, metered, recorded, models)


def _find_models(measure: str, points: Sequence[MeteredPoint], calls: Sequence[RecordedCall]) -> tuple[str, ...]:
    """Return the models of which metrics and calls say other things. Metrics name the model that was asked for, or the
    one that answered."""
    named = sorted({point.model for point in points if point.model is not None})
    found = []
    for model in named:
        metered = _add(point.amount for point in points if (point.model, point.measure) == (model, measure))
        recorded = _add(call.amounts[measure] for call in calls if model in call.models)
        if _differ(metered or 0, recorded or 0):
            found.append(model)
    return tuple(found)


def _add(amounts: Iterator[float | None]) -> float | None:
    """Return the sum of those that are known; None: none is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _differ(one: float, other: float) -> bool:
    return abs(one - other) > _TOLERANCE * max(abs(one), abs(other))
