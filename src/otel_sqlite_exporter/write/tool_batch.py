# SPDX-License-Identifier: Apache-2.0
"""The tools of one batch: executions, and the calls and results that messages of models mention.

Which of them are of one execution depends on all records of a trace, a session and a call id, in whatever order they
arrive: it is brought up to date when the batch is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from itertools import groupby, repeat
from operator import itemgetter
from typing import Any

import orjson

from otel_sqlite_exporter.genai.event_content import RecordedMessages, find_logged_results, read_record
from otel_sqlite_exporter.genai.messages.tool_mentions import digest_calls
from otel_sqlite_exporter.genai.tools.tool_facts import find_changes
from otel_sqlite_exporter.genai.tools.tool_tellings import (
    Result,
    Telling,
    find_distances,
    find_wanted,
    make_asked_key,
    make_call_key,
)
from otel_sqlite_exporter.model.rows import (
    EncodedLog,
    EncodedSpan,
    Interactions,
    LLMInteractionRow,
    ToolCallRow,
    ToolInteractionRow,
    ToolResultRow,
)
from otel_sqlite_exporter.model.values import LARGEST, decode_attributes, decode_value
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.interactions.kept_ids import KeptIds
from otel_sqlite_exporter.write.new_tools import NewResult, NewTool, RecordKeys, make_row, read_facts, write_alone
from otel_sqlite_exporter.write.statements import Insert, TableRows, read_json, run_query, run_script

_TOOL_INTERACTIONS = Insert(
    "_tool_interactions",
    (
        *("id", *RecordKeys._fields, "start_event", "is_request", "call_key", "asked_key"),
        *("merged_into", "counted", "own_facts", *ToolInteractionRow._fields),
    ),
)
_TOOL_RESULTS = Insert(
    "_tool_results",
    ("span", "trace", "call_key", "asked_key", "is_error", "tool_call_id", "time_unix_nano", "result"),
)
_MOST_ROUNDS = 6


class Changes:
    """Why tools may be grouped again: new rows (after `last`); tools and results that went, by (call key, trace,
    session), and by asked key likewise; new results, by (call key, span) and (asked key, span); tools that came or went
    by (trace, tool name), if they have no call id (`names`), else `named`; rows that told of the same execution as one
    that went (`tools`); spans that may stand between tools; and rows of `_trace_sessions` that show another session.
    `has_moved`: records may have been of other sessions than now."""

    def __init__(self) -> None:
        self.last: int | None = None
        self.keys: set[tuple[int, int, int]] = set()
        self.asked: set[tuple[int, int, int]] = set()
        self.result_keys: set[tuple[int, int]] = set()
        self.result_asked: set[tuple[int, int]] = set()
        self.names: set[tuple[int, str]] = set()
        self.named: set[tuple[int, str]] = set()
        self.tools: set[int] = set()
        self.spans: Collection[int] = ()
        self.trace_sessions: Collection[int] = ()
        self.has_moved = False

    def note(self, tool: NewTool) -> None:
        """Note a tool of a trace, whose row is new."""
        name = tool.row.tool_name
        if name is not None:
            (self.names if tool.row.tool_call_id is None else self.named).add((tool.record.trace, name))

    def make_result(self, span: int, trace: int, time_unix_nano: int, row: ToolResultRow) -> tuple[Any, ...]:
        """Note a result in the prompt of a span, and return its row."""
        id, result, digest, is_error = row
        call_key = None if id is None else make_call_key(id, time_unix_nano)
        asked_key = None if digest is None else make_asked_key(digest, time_unix_nano)
        if call_key is not None:
            self.result_keys.add((call_key, span))
        if asked_key is not None:
            self.result_asked.add((asked_key, span))
        return (span, trace, call_key, asked_key, is_error, id, time_unix_nano, result)

    def note_removed(
        self, connection: sqlite3.Connection, *, spans: Collection[int] = (), logs: Collection[int] = ()
    ) -> None:
        """Note what these rows of `_spans` and `_logs` tell of tools, before they are removed."""
        keys, asked, names, named, tools = read_json(connection, "find_tools", spans=spans, logs=logs)
        self.keys.update(map(tuple, keys))
        self.asked.update(map(tuple, asked))
        self.names.update(map(tuple, names))
        self.named.update(map(tuple, named))
        self.tools.update(tools)

    def is_empty(self) -> bool:
        """Whether nothing is to be grouped again, if no row is stale."""
        told = (self.keys, self.asked, self.names, self.named, self.tools, self.spans, self.trace_sessions)
        return self.last is None and not any((*told, self.result_keys, self.result_asked))


class ToolBatch:
    """The rows of tools that one batch writes, and what to bring up to date because of them."""

    def __init__(self) -> None:
        self._tools: list[NewTool] = []
        self._results: list[NewResult] = []
        self._mixed: set[int] = set()
        self._logs: set[tuple[int, str]] = set()
        self._changes = Changes()
        self._kept_ids = KeptIds()

    def note_log(self, trace: int, span_id: str) -> None:
        """Note a log record whose messages mention tools, recorded in a span that need not be in the file yet."""
        self._logs.add((trace, span_id))
        self._mixed.add(trace)

    def note_replaced_spans(self, connection: sqlite3.Connection, spans: Collection[int], kept_ids: KeptIds) -> None:
        """Note the tools of these rows of `_spans`, before they are removed. Executions keep `kept_ids`, and are
        grouped again."""
        self._changes.tools.update(kept_ids.by_span.values())
        self._kept_ids = kept_ids
        self._changes.note_removed(connection, spans=spans)

    def add_execution(
        self, tool: ToolInteractionRow, record: RecordKeys, source: EncodedSpan | EncodedLog, *, is_alone: bool
    ) -> None:
        """Add what a span, an event or a log record tells of an execution. `is_alone`: the file had nothing of its
        trace."""
        self._tools.append(NewTool(record, 0, tool, None, source, is_alone))

    def add_mentions(
        self, interactions: Interactions, record: RecordKeys, source: EncodedSpan | EncodedLog, *, is_alone: bool
    ) -> None:
        """Add the calls that the answer of a model requests, and the results in its prompt. Those results that log
        records hold are read from the file, when their span is there."""
        llm, _, calls, results = interactions
        requested = record._replace(event=None, start_time_unix_nano=record.end_time_unix_nano, status_code=0)
        has_ids = all(call.tool_call_id is not None for call in calls)
        digests = repeat(None, len(calls)) if has_ids else digest_calls(calls)
        for call, digest in zip(calls, digests, strict=True):
            own = None if call.tool_call_id is not None else digest
            self._tools.append(NewTool(requested, 1, make_request(call, llm), own, source, is_alone, record.event))
        if record.span is not None and record.event is None:
            for result in results:
                self._results.append(NewResult(record.span, record.trace, record.start_time_unix_nano, result))

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows. Their spans and events are in the file."""
        tools, changes = self._tools, self._changes
        if not tools and not self._results:
            return
        last = max(find_last_tool(connection), *self._kept_ids.by_span.values(), 0)
        alone, call_ids = write_alone(connection, tools, self._results, self._mixed, last + 1)
        after = last + len(alone)
        rows, results = TableRows(_TOOL_INTERACTIONS), TableRows(_TOOL_RESULTS)
        for row in alone:
            rows.add(row)
        for number, tool in enumerate(
            others := [one for one in tools if one.row.tool_call_id not in call_ids], after + 1
        ):
            changes.note(tool)
            is_counted = not tool.is_request and tool.row.waiting_ms is None
            kept = None if tool.is_request else self._kept_ids.find(tool.record)
            rows.add(make_row(number if kept is None else kept, tool, None, int(is_counted), None, read_facts(tool)))
        changes.last = after if others else None
        noted = Changes()
        for span, trace, time, result in self._results:
            known = noted if result.tool_call_id in call_ids else changes
            results.add(known.make_result(span, trace, time, result))
        rows.write(connection)
        events = [tool.record.event for tool in tools if tool.record.event is not None]
        if events:
            run_script(connection, "pair_new_tools", events=events)
        results.write(connection)

    def finish(
        self,
        connection: sqlite3.Connection,
        logged_spans: Collection[tuple[int, str]],
        spans: Collection[int],
        trace_sessions: Collection[int],
        *,
        has_relinked: bool,
    ) -> None:
        """Bring up to date what depends on other records, when all of the batch is written and linked. `logged_spans`
        (trace, span id) are those that log records in the file may name, `spans` may stand between tools in the file,
        and `trace_sessions` show another session than before. `has_relinked`: triggers may have changed rows."""
        logged = self._logs.union(logged_spans)
        changes = self._changes
        changes.spans, changes.trace_sessions = spans, trace_sessions
        if logged:
            link_logged_tools(connection, logged, changes)
        if logged or has_relinked or not changes.is_empty():
            group_tools(connection, changes)


def make_request(call: ToolCallRow, llm: LLMInteractionRow | None) -> ToolInteractionRow:
    """Return the row of a tool call that the answer of a model requests."""
    named = (llm.user_id, llm.agent_name, None, llm.dialect) if llm is not None else (None,) * 4
    return ToolInteractionRow(call.tool_name, call.tool_call_id, None, *named, call.arguments)


def find_last_tool(connection: sqlite3.Connection) -> int:
    """Return the last id that `_tool_interactions` has or had."""
    last: int
    (last,) = connection.execute(read_query("get_last_tool")).fetchone()
    return last


def group_tools(connection: sqlite3.Connection, changes: Changes) -> int:
    """Show each execution that `changes` concern once, and return for how many rows the decision has changed."""
    tellings: dict[int, Telling] = {}
    results: dict[int, Result] = {}
    seeds: list[tuple[str, int]] = []
    is_open = changes.has_moved or bool(changes.trace_sessions)
    asked: dict[str, set[Any]] = {
        "keys": _open(changes.keys.union(_open(changes.result_keys))) if is_open else changes.keys,
        "asked": _open(changes.asked.union(_open(changes.result_asked))) if is_open else changes.asked,
        "names": changes.names,
        "named": changes.named - changes.names,
        "tools": changes.tools,
    }
    last = find_last_tool(connection) if changes.last is None else changes.last
    wanted: dict[str, Collection[Any]] = {
        **asked,
        "result_keys": changes.result_keys,
        "result_asked": changes.result_asked,
        "spans": changes.spans,
        "trace_sessions": changes.trace_sessions,
        "after": [last],
    }
    near, near_results = tellings, results
    for _ in range(_MOST_ROUNDS):
        rows, found = read_json(connection, "read_tools", **wanted)
        new = {row[0]: Telling(*row) for row in rows if row[0] not in tellings}
        tellings.update(new)
        results.update((row[0], Result(*row)) for row in found)
        if seeds:
            distances = find_distances(tellings.values(), results.values(), seeds)
            near = {id: one for id, one in tellings.items() if distances.get(("tool", id), 2) < 2}
            near_results = {id: one for id, one in results.items() if distances.get(("result", id), 2) < 2}
        else:
            seeds = [*(("tool", id) for id in new), *(("result", id) for id in results)]
        more = find_wanted(near.values(), near_results.values())
        if is_open:
            more |= {name: _open(more[name]) for name in ("keys", "asked")}
        more["named"] -= more["names"] | asked["names"]
        more["tools"] = {id for id in more["tools"] if id <= last}  # Newer ones are found.
        missing = {name: more[name] - asked[name] for name in asked}
        if not any(missing.values()):
            break
        wanted = {**dict.fromkeys(wanted, ()), **missing, "after": [LARGEST]}
        asked = {name: asked[name] | more[name] for name in asked}
    changed = find_changes(tellings, results.values(), near.keys())
    if changed or any(one.is_stale for one in tellings.values()):
        run_script(connection, "group_tools", changes=changed)
    return len(changed)


def _open(keys: Iterable[tuple[int, ...]]) -> set[tuple[int, int, int]]:
    """Return the keys for what is of any trace and session."""
    return {(key, 0, 0) for key, *_ in keys}


def link_logged_tools(connection: sqlite3.Connection, spans: Collection[tuple[int, str]], changes: Changes) -> None:
    """Link the tool calls in log records of these spans (trace, span id) with their span, and add the tool results in
    such records to the spans and to `changes`. Spans that are not in the file are left out.

    A result from a span carries the span's start time; one from a log record never does. That is how the two are
    distinguished. So one that was recorded at that very nanosecond is written a nanosecond later."""
    has_tools, records = run_query(connection, "find_logged_tools", spans=spans).fetchone()
    results = TableRows(_TOOL_RESULTS)
    for (span, trace, start), rows in groupby(orjson.loads(records), itemgetter(0, 1, 2)):
        times: list[int] = []
        messages: list[RecordedMessages] = []
        for *_, time, name, body_type, body, attribute_types, attributes in rows:
            content = None if body is None else decode_value(body, body_type)
            times.append(time + (time == start))
            messages.append(read_record(name, decode_attributes(attributes, attribute_types), content))
        for time, found in zip(times, find_logged_results(messages), strict=True):
            for result in found:
                results.add(changes.make_result(span, trace, time, result))
    if has_tools:
        run_script(connection, "link_logged_tools", spans=spans)
    results.write(connection)
