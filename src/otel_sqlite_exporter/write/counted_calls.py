# SPDX-License-Identifier: Apache-2.0
"""Which calls count: each usage once, however many spans report it.

An agent or workflow repeats the usage that calls below it report. A call repeats the calls inside it (a framework's
call around the provider's), unless a tool or an agent stands between: those made calls of their own. Of several calls
that name the same response and ran at the same time, one counts: the one that holds the messages, then the innermost.
(Some servers give the same id to many responses, hence the time.) The order in which records arrive changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.write.statements import read_json, run_script

_NEAR_NS = 600 * 10**9


class Call(NamedTuple):
    """The columns of `_llm_interactions` that decide whether a row counts. `usage_is_below` is for aggregates only; the
    last two are the decision in the file."""

    id: int
    is_aggregate: int
    has_usage: int
    usage_is_below: int
    is_repeat: int
    is_duplicate: int


class Response(NamedTuple):
    """A call that names its response. Times are in nanoseconds."""

    response_id: str
    id: int
    is_repeat: int
    is_duplicate: int
    has_usage: int
    has_messages: int
    start_time_unix_nano: int
    end_time_unix_nano: int
    span_id: str

    def is_same_call(self, other: Response) -> bool:
        """Whether both ran at the same time, and began within ten minutes."""
        first, second = sorted((self, other), key=lambda one: one.start_time_unix_nano)
        return second.start_time_unix_nano <= min(first.end_time_unix_nano, first.start_time_unix_nano + _NEAR_NS)


def find_enclosing_calls(
    connection: sqlite3.Connection,
    spans: Collection[int],
    logs: Collection[tuple[int, str]] = (),
    leaves: Collection[tuple[int, str]] = (),
) -> list[int]:
    """Return the calls (ids of `_llm_interactions`) whose counting can change with these rows of `_spans`, or with the
    log records of these spans (trace, span id). `leaves` are spans (key, response id) that change nothing unless
    another call names the same response."""
    calls: list[int]
    (calls,) = read_json(connection, "find_enclosing_calls", spans=spans, logs=logs, leaves=leaves)
    return calls


def count_calls(connection: sqlite3.Connection, ids: Collection[int]) -> int:
    """Decide which of these rows of `_llm_interactions` count, and return for how many the decision has changed. `ids`
    must include the calls inside and around each, as `find_enclosing_calls` finds them."""
    if not ids:
        return 0
    calls, inner_calls, responses = read_json(connection, "read_calls", calls=ids)
    counts = find_counts([Call(*call) for call in calls], inner_calls, [Response(*one) for one in responses])
    if counts:
        run_script(connection, "count_calls", counts=counts)
    return len(counts)


def find_counts(
    calls: Sequence[Call], inner_calls: Iterable[Sequence[int]], responses: Iterable[Response]
) -> list[tuple[int, int, int]]:
    """Return (id, is_repeat, is_duplicate) of the calls whose decision has changed. `inner_calls` are pairs of a call
    and one inside it."""
    responses = list(responses)
    repeats = _find_repeats(calls, _leave_out_same(inner_calls, responses))
    noted = {call.id: (call.is_repeat, call.is_duplicate) for call in calls}
    counts = {call.id: (repeats[call.id], 0) for call in calls}
    by_response: defaultdict[str, list[Response]] = defaultdict(list)
    for one in responses:
        by_response[one.response_id].append(one._replace(is_repeat=repeats.get(one.id, one.is_repeat)))
    for same in by_response.values():
        # New calls change the decision for those that began near them; others are there for comparison.
        starts = [one.start_time_unix_nano for one in same if one.id in repeats]
        counting = sorted((one for one in same if not one.is_repeat), key=_strength, reverse=True)
        for index, one in enumerate(counting):
            if any(abs(one.start_time_unix_nano - start) <= _NEAR_NS for start in starts):
                noted.setdefault(one.id, (one.is_repeat, one.is_duplicate))
                counts[one.id] = (0, int(any(map(one.is_same_call, counting[:index]))))
    return [(id, *count) for id, count in counts.items() if count != noted[id]]


def _leave_out_same(inner_calls: Iterable[Sequence[int]], responses: Iterable[Response]) -> Iterable[Sequence[int]]:
    """Yield the pairs without those of one response: if nothing else is inside, both spans are of the same call."""
    pairs = list(inner_calls)
    response_ids = {one.id: one.response_id for one in responses}
    inside = Counter(outer for outer, _ in pairs)
    for outer, inner in pairs:
        response_id = response_ids.get(outer)
        if inside[outer] > 1 or response_id is None or response_id != response_ids.get(inner):
            yield outer, inner


def _find_repeats(calls: Sequence[Call], inner_calls: Iterable[Sequence[int]]) -> dict[int, int]:
    inside: defaultdict[int, list[int]] = defaultdict(list)
    around: defaultdict[int, list[int]] = defaultdict(list)
    for outer, inner in inner_calls:
        inside[outer].append(inner)
        around[inner].append(outer)
    has_usage = {call.id for call in calls if call.has_usage}
    repeats = {}
    for call in calls:
        below = inside[call.id]
        if call.is_aggregate:
            repeat = bool(call.usage_is_below)
        elif call.has_usage:
            repeat = not has_usage.isdisjoint(below)
        else:
            # Calls inside stand for it; or the call around it alone knows the usage of all that are inside.
            repeat = bool(below) or any(
                outer in has_usage and has_usage.isdisjoint(inside[outer]) for outer in around[call.id]
            )
        repeats[call.id] = int(repeat)
    return repeats


def _strength(one: Response) -> tuple[Any, ...]:
    # The innermost begins last.
    return one.has_usage, one.has_messages, one.start_time_unix_nano, one.span_id, one.id
