# SPDX-License-Identifier: Apache-2.0
"""The tools of one batch: executions, and the calls and results that messages of models mention.

Which of them have a row of their own depends on all records of a trace, in whatever order they arrive: it is brought up
to date when the batch is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.genai.event_content import find_logged_tools, read_record
from otel_sqlite_exporter.model.rows import LLMInteractionRow, ToolCallRow, ToolInteractionRow, ToolResultRow
from otel_sqlite_exporter.model.values import decode_attributes, decode_value
from otel_sqlite_exporter.write.statements import Insert, TableRows, read_json, run_query, run_script


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


_TOOL_INTERACTIONS = Insert(
    "_tool_interactions", (*RecordKeys._fields, "start_event", "is_request", *ToolInteractionRow._fields)
)
_TOOL_RESULTS = Insert("_tool_results", ("span", "trace", "tool_call_id", "time_unix_nano", "result"))


class ToolBatch:
    """The rows of tools that one batch writes, and what to bring up to date because of them."""

    def __init__(self) -> None:
        self._rows = TableRows(_TOOL_INTERACTIONS)
        self._results = TableRows(_TOOL_RESULTS)
        # (trace, call id, tool name): new ones can hide a request, and removed ones can show it again.
        self._new: set[tuple[int, str | None, str | None]] = set()
        self._removed: Collection[Sequence[Any]] = ()
        self._logs: set[tuple[int, str]] = set()

    def note_log(self, trace: int, span_id: str) -> None:
        """Note a log record whose messages mention tools, recorded in a span that need not be in the file yet."""
        self._logs.add((trace, span_id))

    def note_replaced_spans(self, connection: sqlite3.Connection, spans: Collection[int]) -> None:
        """Note the tools of these rows of `_spans`, before they are removed."""
        self._removed = find_tools(connection, spans=spans)

    def add_execution(self, tool: ToolInteractionRow, record: RecordKeys) -> None:
        """Add what a span, an event or a log record tells of an execution."""
        self._rows.add((*record, None, 0, *tool))
        self._new.add((record.trace, tool.tool_call_id, tool.tool_name))

    def add_mentions(
        self,
        calls: Sequence[ToolCallRow],
        results: Sequence[ToolResultRow],
        llm: LLMInteractionRow | None,
        record: RecordKeys,
    ) -> None:
        """Add the calls that the answer of a model requests, and the results in its prompt. Those results that log
        records hold are read from the file, when their span is there."""
        requested = record._replace(event=None, start_time_unix_nano=record.end_time_unix_nano, status_code=0)
        for call in calls:
            self._rows.add((*requested, record.event, 1, *make_request(call, llm)))
            self._new.add((record.trace, call.tool_call_id, call.tool_name))
        for id, result in () if record.event is not None else results:
            self._results.add((record.span, record.trace, id, record.start_time_unix_nano, result))

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows. Their spans and events are in the file."""
        self._rows.write(connection)
        self._results.write(connection)

    def finish(self, connection: sqlite3.Connection, spans: Collection[tuple[int, str]]) -> None:
        """Bring up to date what depends on other records, when all of the batch is written and linked. `spans` (trace,
        span id) are those that log records in the file may name."""
        logged = self._logs.union(spans)
        if logged:
            link_logged_tools(connection, logged)
        hide_requests(connection, self._new, self._removed)


def make_request(call: ToolCallRow, llm: LLMInteractionRow | None) -> ToolInteractionRow:
    """Return the row of a tool call that the answer of a model requests."""
    named = (llm.user_id, llm.agent_name, None, llm.dialect) if llm is not None else (None,) * 4
    return ToolInteractionRow(call.tool_name, call.tool_call_id, None, *named, call.arguments)


def find_tools(
    connection: sqlite3.Connection, *, spans: Collection[int] = (), logs: Collection[int] = ()
) -> Collection[Sequence[Any]]:
    """Return the tool calls of these rows of `_spans` and `_logs`, each with its trace, call id and name."""
    tools: list[list[Any]]
    (tools,) = read_json(connection, "find_tools", spans=spans, logs=logs)
    return tools


def hide_requests(
    connection: sqlite3.Connection, new: Collection[Sequence[Any]], removed: Collection[Sequence[Any]]
) -> None:
    """Show each tool call once, after calls with these traces, call ids and names were written or removed."""
    if new or removed:
        tools = [*((*tool, 0) for tool in new), *((*tool, 1) for tool in removed)]
        run_script(connection, "hide_requests", tools=tools)


def link_logged_tools(connection: sqlite3.Connection, spans: Collection[tuple[int, str]]) -> None:
    """Link the tool calls in log records of these spans (trace, span id) with their span, and add the tool results in
    such records to the spans. Spans that are not in the file are left out.

    A result from a span carries the span's start time; one from a log record never does. That is how the two are
    distinguished. So one that was recorded at that very nanosecond is written a nanosecond later."""
    has_tools, records = run_query(connection, "find_logged_tools", spans=spans).fetchone()
    results = TableRows(_TOOL_RESULTS)
    for span, trace, start, time, name, body_type, body, attribute_types, attributes in orjson.loads(records):
        content = None if body is None else decode_value(body, body_type)
        _, found = find_logged_tools(read_record(name, decode_attributes(attributes, attribute_types), content))
        for id, result in found:
            results.add((span, trace, id, time + (time == start), result))
    if has_tools:
        run_script(connection, "link_logged_tools", spans=spans)
    results.write(connection)
