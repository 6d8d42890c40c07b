# SPDX-License-Identifier: Apache-2.0
"""The interactions of one batch: model calls, tool executions, and the tool calls and results that messages mention.

Which calls count, and which requested tool calls have a row of their own, depends on all records of a trace, in
whatever order they arrive: both are brought up to date when the batch is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.genai.event_content import find_logged_tools, read_record
from otel_sqlite_exporter.model.rows import (
    Interactions,
    LLMInteractionRow,
    ResourceRow,
    SpanRow,
    ToolCallRow,
    ToolInteractionRow,
)
from otel_sqlite_exporter.model.values import decode_attributes, decode_value
from otel_sqlite_exporter.write.batch_lookup import TraceRow
from otel_sqlite_exporter.write.counted_calls import count_calls, find_enclosing_calls
from otel_sqlite_exporter.write.statements import Insert, TableRows, read_json, run_query, run_script
from otel_sqlite_exporter.write.sums import AgentSums


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


_LLM_INTERACTIONS = Insert("_llm_interactions", (*RecordKeys._fields, *LLMInteractionRow._fields))
_TOOL_INTERACTIONS = Insert(
    "_tool_interactions", (*RecordKeys._fields, "start_event", "is_request", *ToolInteractionRow._fields)
)
_TOOL_RESULTS = Insert("_tool_results", ("span", "trace", "tool_call_id", "time_unix_nano", "result"))


class InteractionBatch:
    """The rows of interactions that one batch writes, and what to bring up to date because of them."""

    def __init__(self) -> None:
        self.agents = AgentSums()
        self._llm_interactions = TableRows(_LLM_INTERACTIONS)
        self._tool_interactions = TableRows(_TOOL_INTERACTIONS)
        self._tool_results = TableRows(_TOOL_RESULTS)
        # (trace, call id, tool name): new ones can hide a request, and removed ones can show it again.
        self._new_tools: set[tuple[int, str | None, str | None]] = set()
        self._removed_tools: Collection[Sequence[Any]] = ()
        self._spans: list[tuple[int, TraceRow, str]] = []
        self._parents: set[tuple[int, str | None]] = set()
        # Calls of spans that report usage, by the key of the span, with the response that each names.
        self._calls_with_usage: dict[int, str | None] = {}
        self._traces_with_records: set[int] = set()
        self._logs: set[tuple[int, str]] = set()
        self._logs_with_tools: set[tuple[int, str]] = set()
        self._replaced_calls: Collection[int] = ()

    def note_span(self, span: int, trace: TraceRow, row: SpanRow) -> None:
        """Note a span that is written. One without interactions may stand between calls, too."""
        self._spans.append((span, trace, row.span_id))
        self._parents.add((trace.id, row.parent_span_id))

    def note_log(self, trace: int, span_id: str, interactions: Interactions) -> None:
        """Note a log record with interactions, recorded in a span that need not be in the file yet."""
        is_call = interactions.llm is not None or interactions.tool is not None
        (self._logs if is_call else self._logs_with_tools).add((trace, span_id))

    def note_replaced_spans(self, connection: sqlite3.Connection, spans: Collection[int]) -> None:
        """Note what else the interactions of these rows of `_spans` affect, before they are removed."""
        same_spans, same_logs = read_json(connection, "find_same_responses", spans=spans)
        self._replaced_calls = find_enclosing_calls(connection, [*spans, *same_spans], same_logs)
        self._removed_tools = find_tools(connection, spans=spans)

    def add(self, interactions: Interactions, record: RecordKeys, resource: ResourceRow) -> None:
        """Add the interactions of a span, an event or a log record."""
        llm, tool, tool_calls, tool_results = interactions
        trace, span, end = record.trace, record.span, record.end_time_unix_nano
        reported = llm or tool
        if record.event is not None and reported is not None and reported.duration_ms is not None:
            record = record._replace(start_time_unix_nano=max(0, end - int(reported.duration_ms * 1e6)))
        if llm is not None:
            self._llm_interactions.add((*record, *llm))
            self.agents.add_call(llm, resource, record.trace_session)
            if span is not None and not llm.is_aggregate and _has_usage(llm):
                self._calls_with_usage[span] = llm.response_id
        if tool is not None:
            self._tool_interactions.add((*record, None, 0, *tool))
            self._new_tools.add((trace, tool.tool_call_id, tool.tool_name))
        if record.event is not None and reported is not None:
            self._traces_with_records.add(trace)
            return
        requested = record._replace(event=None, start_time_unix_nano=end, status_code=0)
        for call in tool_calls:
            self._tool_interactions.add((*requested, record.event, 1, *make_request(call, llm)))
            self._new_tools.add((trace, call.tool_call_id, call.tool_name))
        for id, result in () if record.event is not None else tool_results:
            self._tool_results.add((span, trace, id, record.start_time_unix_nano, result))

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows. Their spans and events are in the file."""
        self.agents.write(connection)
        self._llm_interactions.write(connection)
        self._tool_interactions.write(connection)
        self._tool_results.write(connection)

    def finish(self, connection: sqlite3.Connection, *, has_logs: bool) -> None:
        """Bring up to date what depends on other records, when all of the batch is written and linked. `has_logs`: the
        file has log records."""
        with_tools = self._logs_with_tools
        if has_logs:
            # Those of a new trace came with this batch.
            with_tools |= {(trace.id, span_id) for _, trace, span_id in self._spans if not trace.is_new}
        if with_tools:
            link_logged_tools(connection, with_tools)
        hide_requests(connection, self._new_tools, self._removed_tools)
        calls = set(self._replaced_calls)
        spans: list[int] = []
        leaves: list[tuple[int, str]] = []
        for id, trace, span_id in self._spans:
            if self._is_leaf(id, trace, span_id):
                response_id = self._calls_with_usage[id]
                if response_id is not None:
                    leaves.append((id, response_id))
            elif trace.has_interactions:
                spans.append(id)
        if spans or leaves or self._logs:
            calls.update(find_enclosing_calls(connection, spans, self._logs, leaves))
        count_calls(connection, calls)

    def _is_leaf(self, span: int, trace: TraceRow, span_id: str) -> bool:
        """Return whether a span is a call that counts as it was written, unless another names its response: it reports
        usage, nothing is below it, and its whole trace came with this batch. Most calls are such, and asking the file
        about each costs 11 us."""
        return (
            trace.is_new
            and span in self._calls_with_usage
            and (trace.id, span_id) not in self._parents
            and trace.id not in self._traces_with_records
        )


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


def _has_usage(llm: LLMInteractionRow) -> bool:
    return llm.input_tokens is not None or llm.output_tokens is not None or llm.total_tokens is not None
