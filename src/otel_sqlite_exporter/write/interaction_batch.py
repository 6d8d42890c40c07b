# SPDX-License-Identifier: Apache-2.0
"""The interactions of one batch: model calls, tool executions, and what messages tell of tools, on their way into the
file; and what their coming and going changes: which calls count, and which asked-for tools have a row of their own."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.model.rows import (
    Interactions,
    LLMInteractionRow,
    ResourceRow,
    SpanRow,
    ToolCallRow,
    ToolInteractionRow,
)
from otel_sqlite_exporter.write.agent_sums import AgentBatch
from otel_sqlite_exporter.write.counted_calls import count_calls, find_enclosing_calls
from otel_sqlite_exporter.write.requested_tools import (
    TOOL_RESULTS,
    find_tools,
    hide_requests,
    link_logged_tools,
)
from otel_sqlite_exporter.write.statements import Insert, run_query
from otel_sqlite_exporter.write.trace_rows import Trace


class Place(NamedTuple):
    """Where interactions belong: the first columns of both tables, keys of rows and nanoseconds. Those of a span have
    no `event`; those of an event or log record have one, and those of a log record no `span`."""

    trace_session: int
    trace: int
    span: int | None
    event: int | None
    resource: int
    start_time_unix_nano: int
    end_time_unix_nano: int
    status_code: int


_LLM_INTERACTIONS = Insert("_llm_interactions", (*Place._fields, *LLMInteractionRow._fields))
_TOOL_INTERACTIONS = Insert(
    "_tool_interactions", (*Place._fields, "start_event", "is_request", *ToolInteractionRow._fields)
)


def make_request(call: ToolCallRow, llm: LLMInteractionRow | None) -> ToolInteractionRow:
    """Return the row of a tool call that the answer of a model asks for."""
    named = (llm.user_id, llm.agent_name, None, llm.dialect) if llm is not None else (None,) * 4
    return ToolInteractionRow(call.tool_name, call.tool_call_id, None, *named, call.arguments)


class InteractionBatch:
    """The values that one batch writes of interactions."""

    def __init__(self) -> None:
        self.agents = AgentBatch()
        self._llm_interactions: list[Any] = []
        self._tool_interactions: list[Any] = []
        self._tool_results: list[Any] = []
        # Whose coming can hide a request, and whose going can show one: (trace, call id, tool name).
        self._tools: set[tuple[int, str | None, str | None]] = set()
        self._gone_tools: Collection[Sequence[Any]] = ()
        self._spans: list[tuple[int, Trace, str]] = []
        self._parents: set[tuple[int, str | None]] = set()
        # Calls of spans that report usage, by the key of the span, with the response that each names.
        self._calls_with_usage: dict[int, str | None] = {}
        self._traces_with_records: set[int] = set()
        self._logs: set[tuple[int, str]] = set()
        self._logs_with_tools: set[tuple[int, str]] = set()
        self._replaced_calls: Collection[int] = ()

    def see_span(self, span: int, trace: Trace, row: SpanRow) -> None:
        """Note a span that is written; also one without interactions may stand between calls."""
        self._spans.append((span, trace, row.span_id))
        self._parents.add((trace.id, row.parent_span_id))

    def see_log(self, trace: int, span_id: str, interactions: Interactions) -> None:
        """Note that a log record with interactions was recorded in this span, which may not be there yet."""
        is_call = interactions.llm is not None or interactions.tool is not None
        (self._logs if is_call else self._logs_with_tools).add((trace, span_id))

    def forget_spans(self, connection: sqlite3.Connection, spans: Collection[int]) -> None:
        """Note what the interactions of spans that are replaced have to do with others, before they are removed."""
        same = run_query(connection, "find_same_responses", spans=spans).fetchone()
        same_spans, same_logs = map(orjson.loads, same)
        self._replaced_calls = find_enclosing_calls(connection, [*spans, *same_spans], same_logs)
        self._gone_tools = find_tools(connection, spans=spans)

    def add(self, interactions: Interactions, place: Place, resource: ResourceRow) -> None:
        """Add what a span, an event or a log record is."""
        llm, tool, tool_calls, tool_results = interactions
        trace, span, end = place.trace, place.span, place.end_time_unix_nano
        reported = llm or tool
        if place.event is not None and reported is not None and reported.duration_ms is not None:
            place = place._replace(start_time_unix_nano=max(0, end - int(reported.duration_ms * 1e6)))
        if llm is not None:
            self._llm_interactions += place
            self._llm_interactions += llm
            self.agents.count(llm, resource, place.trace_session)
            if span is not None and not llm.is_aggregate and _has_usage(llm):
                self._calls_with_usage[span] = llm.response_id
        if tool is not None:
            self._tool_interactions += (*place, None, 0, *tool)
            self._tools.add((trace, tool.tool_call_id, tool.tool_name))
        if place.event is not None and reported is not None:
            self._traces_with_records.add(trace)
            return
        asked = place._replace(event=None, start_time_unix_nano=end, status_code=0)
        for call in tool_calls:
            self._tool_interactions += (*asked, place.event, 1, *make_request(call, llm))
            self._tools.add((trace, call.tool_call_id, call.tool_name))
        for id, result in () if place.event is not None else tool_results:
            self._tool_results += (span, trace, id, place.start_time_unix_nano, result)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows. Their spans and events are in the file."""
        self.agents.write(connection)
        _LLM_INTERACTIONS.run(connection, self._llm_interactions)
        _TOOL_INTERACTIONS.run(connection, self._tool_interactions)
        TOOL_RESULTS.run(connection, self._tool_results)

    def settle(self, connection: sqlite3.Connection, *, has_logs: bool) -> None:
        """Bring to date what follows from the whole: to be called when all of the batch is written and linked.
        `has_logs`: the file has log records."""
        told = self._logs_with_tools
        if has_logs:
            # Those of a new trace came with this batch.
            told |= {(trace.id, span_id) for _, trace, span_id in self._spans if not trace.is_new}
        if told:
            link_logged_tools(connection, told)
        hide_requests(connection, self._tools, self._gone_tools)
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

    def _is_leaf(self, span: int, trace: Trace, span_id: str) -> bool:
        """Whether a span is a call that counts, as it was written, unless another names its response: it reports usage,
        nothing is below it, and all that there is of its trace came with this batch. Most calls are such, and to ask
        the file about each costs 11 us."""
        return (
            trace.is_new
            and span in self._calls_with_usage
            and (trace.id, span_id) not in self._parents
            and trace.id not in self._traces_with_records
        )


def _has_usage(llm: LLMInteractionRow) -> bool:
    return llm.input_tokens is not None or llm.output_tokens is not None or llm.total_tokens is not None
