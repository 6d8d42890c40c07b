# SPDX-License-Identifier: Apache-2.0
"""The tools and results of one batch, before they are written; and those executions among them that are known from the
batch alone.

Most executions are: their whole trace came with the batch, and nothing else has their call id. These are written as
they will be shown. Writing them first, and then reading and changing what depends on them, costs four times as much.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.genai.content_sources import NATIVE
from otel_sqlite_exporter.genai.tools.tool_facts import merge_facts, note_own, read_results
from otel_sqlite_exporter.genai.tools.tool_tellings import (
    ARGUMENTS,
    RESULT,
    STATUS,
    WAITING,
    make_asked_key,
    make_call_key,
)
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, ToolInteractionRow, ToolResultRow
from otel_sqlite_exporter.write.statements import read_json

_ARGUMENTS, _RESULT = (f'"{NATIVE[name]}":' for name in ("arguments", "result"))


class RecordKeys(NamedTuple):
    """The record that interactions are of, as the first columns of both tables: keys of rows, and nanoseconds. Those of
    a span have no `event`; those of an event or log record have one, and those of a log record no `span`."""

    trace_session: int
    trace: int
    span: int | None
    event: int | None
    resource: int
    start_time_unix_nano: int
    end_time_unix_nano: int
    status_code: int


class NewTool(NamedTuple):
    """A telling to write: what a record tells of an execution, or a request in its answer. `digest` is that of a
    request without a call id. `is_alone`: nothing of its trace was in the file. `start_event` is the record that holds
    a request."""

    record: RecordKeys
    is_request: int
    row: ToolInteractionRow
    digest: int | None
    source: EncodedSpan | EncodedLog
    is_alone: bool
    start_event: int | None = None


class NewResult(NamedTuple):
    """A result to write, in the prompt of a span; `time` is the start of the span."""

    span: int
    trace: int
    time: int
    row: ToolResultRow


def write_alone(
    connection: sqlite3.Connection,
    tools: Iterable[NewTool],
    results: Iterable[NewResult],
    mixed: Collection[int],
    first_id: int,
) -> tuple[list[tuple[Any, ...]], set[str]]:
    """Return the rows of the executions that are known from the batch alone, the first with the id `first_id`, and
    their call ids. `mixed` are traces that log records tell of, too."""
    calls, results_of = _find_calls(tools, results, mixed)
    if not calls:
        return [], set()
    ids_of: defaultdict[int, set[str]] = defaultdict(set)
    for call_id, same in calls.items():
        times = {one.record.end_time_unix_nano for one in same}
        for time in times.union(one.time for one in results_of.get(call_id, ())):
            ids_of[make_call_key(call_id, time)].add(call_id)
    (told,) = read_json(connection, "find_told_calls", keys=[*ids_of])
    for key in told:
        for call_id in ids_of[key]:
            calls.pop(call_id, None)
    rows: list[tuple[Any, ...]] = []
    for call_id, same in calls.items():
        rows += _write(same, results_of.get(call_id, ()), first_id + len(rows))
    return rows, {*calls}


def _find_calls(
    tools: Iterable[NewTool], results: Iterable[NewResult], mixed: Collection[int]
) -> tuple[dict[str, list[NewTool]], dict[str, list[NewResult]]]:
    by_call: defaultdict[str, list[NewTool]] = defaultdict(list)
    mixed = {*mixed}
    for tool in tools:
        call_id = tool.row.tool_call_id
        if call_id is not None:
            by_call[call_id].append(tool)
        if call_id is None or (tool.record.event or tool.start_event) is not None or tool.row.waiting_ms is not None:
            mixed.add(tool.record.trace)
    results_of: defaultdict[str, list[NewResult]] = defaultdict(list)
    for result in results:
        if result.row.tool_call_id is not None:
            results_of[result.row.tool_call_id].append(result)
    calls = {
        call_id: same
        for call_id, same in by_call.items()
        if same[0].is_alone
        and (trace := same[0].record.trace) not in mixed
        and _is_simple(same)
        and all(one.trace == trace for one in results_of.get(call_id, ()))
    }
    return calls, results_of


def _is_simple(same: list[NewTool]) -> bool:
    """Whether these are one execution, or one that was asked for in the same trace."""
    if len(same) == 1:
        return True
    if len(same) > 2:
        return False
    run, asked = sorted(same, key=lambda one: one.is_request)
    return (
        (run.is_request, asked.is_request) == (0, 1)
        and run.record.trace == asked.record.trace
        and isinstance(asked.source, EncodedSpan)
        and asked.source.row.start_time_unix_nano <= run.record.start_time_unix_nano
        and _find_form(run.source) != _find_form(asked.source)
    )


def _find_form(source: EncodedSpan | EncodedLog) -> tuple[Any, ...] | None:
    if isinstance(source, EncodedLog):
        return None
    return source.row.kind, source.row.name, source.scope and source.scope.name


def _write(same: Sequence[NewTool], results: Sequence[NewResult], id: int) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of an execution: of what shows it, and of the request for it, if that is another."""
    shown, *asked = same if len(same) == 1 or not same[0].is_request else reversed(same)
    own = read_facts(shown)
    facts = own
    if asked or results:
        told = read_results([(one.time, *one.row[:2], bool(one.row.is_error)) for one in results])
        order = [_read_shown(shown, own), *(read_facts(one) for one in asked)]
        facts = merge_facts(own, order, told, is_request=bool(shown.is_request))
    counted = int(not shown.is_request or bool(results))
    yield make_row(id, shown, None, counted, note_own(own, facts), facts)
    for one in asked:
        yield make_row(id + 1, one, id, 0, None, read_facts(one))


def make_row(
    id: int, tool: NewTool, merged_into: int | None, counted: int, own_facts: str | None, facts: Sequence[Any]
) -> tuple[Any, ...]:
    """Return a row of `_tool_interactions`. `facts` are in the order of `FACTS`."""
    record, is_request, row, digest, *_, start_event = tool
    call_id, end = row.tool_call_id, record.end_time_unix_nano
    return (
        *(id, *record[:-1], facts[STATUS], start_event, is_request),
        None if call_id is None else make_call_key(call_id, end),
        None if digest is None else make_asked_key(digest, end),
        *(merged_into, counted, own_facts, *facts[:STATUS], row.dialect, facts[ARGUMENTS], facts[RESULT]),
        *(row.duration_ms, facts[WAITING]),
    )


def read_facts(tool: NewTool) -> list[Any]:
    """Return what a telling tells, in the order of `FACTS`."""
    name, call_id, kind, user, agent, error, _, arguments, result, _, waiting = tool.row
    return [name, call_id, kind, user, agent, error, tool.record.status_code, arguments, result, waiting]


def _read_shown(tool: NewTool, own: list[Any]) -> list[Any]:
    """Return what the row of a span shows: besides its own facts, what the attributes of OpenTelemetry's conventions
    hold. Only whether that is there, and whether it is a map, matters here."""
    if tool.is_request:
        return own
    shown = own.copy()
    for index, key in ((ARGUMENTS, _ARGUMENTS), (RESULT, _RESULT)):
        if shown[index] is None:
            _, found, value = tool.source.row.attributes.partition(key)
            if found and not value.startswith("null"):
                shown[index] = value[value.startswith('"') :][:1]
    return shown
