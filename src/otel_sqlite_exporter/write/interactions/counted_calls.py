# SPDX-License-Identifier: Apache-2.0
"""Which calls count: each usage once, however many records report it.

A call repeats the calls inside it (a framework's call around the provider's), unless a tool or an agent stands between:
those made calls of their own. Of several records of one call, one counts, and shows what all of them say (see
`call_twins`). An agent or workflow repeats the usage that calls below it report, or that calls of its session in other
traces do which ran inside its time and add up to it. The order in which records arrive changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.write.interactions.call_records import REALS, USAGE, CallRecord, SpanId, parse_call_record
from otel_sqlite_exporter.write.interactions.call_twins import (
    Match,
    find_groups,
    find_matches,
    find_pairs,
    find_partners,
    merge_facts,
)
from otel_sqlite_exporter.write.interactions.nested_calls import (
    Call,
    InnerCall,
    find_repeats,
    find_same_calls,
    nest_calls,
)
from otel_sqlite_exporter.write.interactions.nesting import Nesting
from otel_sqlite_exporter.write.interactions.repeating_agents import find_repeating
from otel_sqlite_exporter.write.statements import read_json, read_rows, run_script

# Each round finds what may be of one call with the rows of the round before. Two suffice unless calls of several
# reporters that agree overlap without a gap.
_MOST_ROUNDS = 5


class Stay(NamedTuple):
    """Records of a trace that show or showed a session: keys of `_sessions` and `_traces`, and the first and the last
    time of the records in nanoseconds."""

    session: int
    trace: int
    first_time_unix_nano: int
    last_time_unix_nano: int


@dataclass(slots=True)
class ChangedRecords:
    """Records that were written, or will be removed, and may change which calls count.

    Attributes:
        spans: Keys of `_spans`.
        leaves: Spans (key, response key) that change nothing unless another call names the same response.
        logs: Spans that log records were recorded in (key of the trace, span id). They may not be in the file.
        events: Keys of `_events`: calls that events and log records report.
        calls: Keys of `_llm_interactions`.
        trace_sessions: Keys of `_trace_sessions` that show another session than before.
        settled: Keys of `_trace_sessions` of new traces whose calls are decided, and may matter to agents of others.
        stays: Records that came to a session or left it, and may matter to agents of its other traces.
    """

    spans: Collection[int] = ()
    leaves: Collection[tuple[int, int | None]] = ()
    logs: Collection[tuple[int, str]] = ()
    events: Collection[int] = ()
    calls: Collection[int] = ()
    trace_sessions: Collection[int] = ()
    settled: Collection[int] = ()
    stays: Collection[Stay] = ()

    def __bool__(self) -> bool:
        """Return whether there are any."""
        calls = self.spans, self.leaves, self.logs, self.events, self.calls
        return any((*calls, self.trace_sessions, self.settled, self.stays))


def find_calls(connection: sqlite3.Connection, changed: ChangedRecords) -> set[int]:
    """Return the calls (ids of `_llm_interactions`) whose counting can change with these records: theirs, those around
    and inside, the other rows of the same calls, and what is around and inside of those."""
    calls: set[int] = set()
    for _ in range(_MOST_ROUNDS):
        found, others = read_json(
            connection,
            "find_enclosing_calls",
            spans=changed.spans,
            leaves=changed.leaves,
            logs=changed.logs,
            events=changed.events,
            calls=changed.calls,
            trace_sessions=changed.trace_sessions,
        )
        calls.update(found)
        missing = set(others) - calls
        if not missing:
            break
        changed = ChangedRecords(calls=missing)
    return calls | missing


class Recount(NamedTuple):
    """What counting calls again changes (ids of `_llm_interactions`): which count, and which show other facts."""

    recounted: Collection[int]
    merged: Collection[int]


def count_calls(connection: sqlite3.Connection, changed: ChangedRecords, left: Collection[int] = ()) -> Recount:
    """Decide which calls count, after these records were written, and what each shows of the others' facts. Agents and
    workflows of the traces `left` (keys of `_traces`) stay as they are: `count_agents` decides them."""
    if not changed:
        return Recount((), ())
    ids = find_calls(connection, changed)
    recounted: set[int] = set()
    merged: list[int] = []
    if ids:
        recounted, merged = _count_calls(connection, ids)
        if merged:  # an agent above may repeat usage that another trace has
            ids |= find_calls(connection, ChangedRecords(calls=merged))
    if ids or changed.trace_sessions or changed.settled or changed.stays:
        recounted |= _count_aggregates(connection, ids, changed, left)
    return Recount(recounted, merged)


def count_agents(connection: sqlite3.Connection, trace_sessions: Collection[int]) -> None:
    """Decide which agents and workflows of these rows of `_trace_sessions` count."""
    _count_aggregates(connection, (), ChangedRecords(trace_sessions=trace_sessions), ())


class _Nested(NamedTuple):
    """Calls with their records and those that may be of the same calls, which of them repeat others, and the records
    that match."""

    calls: list[Call]
    records: dict[int, CallRecord]
    repeats: dict[int, int]
    matches: list[Match]


def _count_calls(connection: sqlite3.Connection, ids: Set[int]) -> tuple[set[int], list[int]]:
    """Return the calls whose decision has changed, and those whose other records have."""
    for _ in range(_MOST_ROUNDS):
        calls, records, repeats, matches = _read_calls(connection, ids)
        partners = find_partners(matches, ids) - ids
        if not partners:
            break
        ids = ids | partners | find_calls(connection, ChangedRecords(calls=partners))
    changes = _find_changes(records, ids, matches)
    changed_repeats = [(call.id, repeats[call.id]) for call in calls if repeats[call.id] != call.is_repeat]
    if changed_repeats or changes:
        run_script(connection, "count_calls", repeats=changed_repeats, calls=changes)
    recounted = {id for id, _ in changed_repeats} | {id for id, twin, *_ in changes if twin != records[id].twin}
    return recounted, [id for id, *_ in changes]


def _read_calls(connection: sqlite3.Connection, ids: Collection[int]) -> _Nested:
    found_calls, found_pairs = read_json(connection, "read_calls", calls=ids)
    calls = [Call(*call) for call in found_calls]
    nesting = nest_calls(calls, [InnerCall(*pair) for pair in found_pairs])
    rows = read_rows(connection, "find_call_twins", calls=ids)
    records = {record.id: record for record in map(parse_call_record, rows)}
    same = find_same_calls(records, nesting)
    repeats = find_repeats(calls, nesting, same)
    for id, is_repeat in repeats.items():
        if id in records:
            records[id] = records[id]._replace(is_repeat=bool(is_repeat))
    pairs = find_pairs(records, same)
    return _Nested(calls, records, repeats, find_matches(pairs, same, _nest_spans(connection, pairs)))


def _nest_spans(connection: sqlite3.Connection, pairs: Iterable[tuple[CallRecord, CallRecord]]) -> Nesting[SpanId]:
    """Return the nesting of what is around the records of a trace that may be of one call."""
    around = {
        (one.trace, one.around)
        for pair in pairs
        if pair[0].trace == pair[1].trace != 0 and pair[0].reporter != pair[1].reporter
        for one in pair
        if one.around is not None
    }
    (found,) = read_json(connection, "find_spans_above", spans=around) if around else ([],)
    return Nesting(((trace, parent), (trace, span_id)) for trace, span_id, parent in found)


def _count_aggregates(
    connection: sqlite3.Connection, calls: Collection[int], changed: ChangedRecords, left: Collection[int]
) -> set[int]:
    """Decide which agents and workflows among these calls, and near what has `changed` beside them, count. Return those
    for which the decision has changed."""
    found = read_json(
        connection,
        "find_repeating_agents",
        calls=calls,
        trace_sessions=changed.trace_sessions,
        settled=changed.settled,
        stays=changed.stays,
        left=left,
    )
    repeating = find_repeating(*found)
    repeats = [(id, int(id in repeating)) for id, *_, noted in found[0] if (id in repeating) != noted]
    if repeats:
        run_script(connection, "count_calls", repeats=repeats, calls=())
    return {id for id, _ in repeats}


def _find_changes(records: Mapping[int, CallRecord], asked: Set[int], matches: Iterable[Match]) -> list[list[Any]]:
    """Return the rows that show something else of their call than they do in the file, as count_calls.sql has them."""
    changes = []
    for group in find_groups(records.values(), matches):
        if asked.isdisjoint(one.id for one in group):
            continue
        facts, content_of = merge_facts(group)
        for one in group:
            is_first = one is group[0]
            shown = facts if is_first else one.facts
            own = _find_own_facts(one, shown)
            row = (None if is_first else group[0].id, content_of if is_first else None, own, shown)
            if row != (one.twin, one.content_of, one.own_facts, one.shown):
                text = None if own is None else orjson.dumps(own).decode()
                holders = {name: _find_holder(name, shown, one, group) for name in REALS}
                changes.append([one.id, *row[:2], text, shown, holders])
    return changes


def _find_own_facts(record: CallRecord, shown: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what to keep of the facts of a row that shows others. The usage is kept whole: it says whether the row has
    some of its own."""
    if shown == record.facts:
        return None
    return {name: value for name, value in record.facts.items() if name in USAGE or value != shown[name]}


def _find_holder(name: str, shown: Mapping[str, Any], record: CallRecord, group: Iterable[CallRecord]) -> int | None:
    """Return the id of a row that has the value which a record is to show."""
    if shown[name] is None:
        return None
    return next((one.id for one in (record, *group) if one.shown[name] == shown[name]), None)
