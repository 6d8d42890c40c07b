# SPDX-License-Identifier: Apache-2.0
"""The interactions of one batch: model calls, tool executions, and what messages tell of tools, on their way into the
file; and what their coming and going changes: which calls count, and which asked-for tools have a row of their own."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.ingest.counting import count_calls, find_enclosing_calls
from otel_sqlite_exporter.ingest.rows import Interactions, LLMInteractionRow, ToolInteractionRow
from otel_sqlite_exporter.ingest.statements import Insert, run_script
from otel_sqlite_exporter.ingest.traces import Trace
from otel_sqlite_exporter.sql.texts import read_query


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
_TOOL_INTERACTIONS = Insert("_tool_interactions", (*Place._fields, "is_request", *ToolInteractionRow._fields))
_TOOL_RESULTS = Insert("_tool_results", ("span", "trace", "tool_call_id", "time_unix_nano", "result"))


class InteractionBatch:
    """The values that one batch writes of interactions."""

    def __init__(self) -> None:
        self._llm_interactions: list[Any] = []
        self._tool_interactions: list[Any] = []
        self._tool_results: list[Any] = []
        # Whose coming or going can hide or show a request: (trace, call id, tool name).
        self._tools: set[tuple[int, str | None, str | None]] = set()
        self._spans: list[tuple[int, Trace]] = []
        self._logs: set[tuple[int, str]] = set()
        self._replaced_calls: Collection[int] = ()

    def see_span(self, span: int, trace: Trace) -> None:
        """Note a span that is written; also one without interactions may stand between calls."""
        self._spans.append((span, trace))

    def see_log(self, trace: int, span_id: str) -> None:
        """Note that a log record with interactions was recorded in this span, which may not be there yet."""
        self._logs.add((trace, span_id))

    def forget_spans(self, connection: sqlite3.Connection, spans: Collection[int]) -> None:
        """Note what the interactions of spans that are replaced have to do with others, before they are removed."""
        self._replaced_calls = find_enclosing_calls(connection, spans)
        (tools,) = connection.execute(read_query("find_tools"), {"ids": orjson.dumps(list(spans)).decode()}).fetchone()
        self._tools.update(map(tuple, orjson.loads(tools)))

    def add(self, interactions: Interactions, place: Place) -> None:
        """Add what a span, an event or a log record is."""
        llm, tool, tool_calls, tool_results = interactions
        trace, span, end = place.trace, place.span, place.end_time_unix_nano
        reported = llm or tool
        if place.event is not None and reported is not None and reported.duration_ms is not None:
            place = place._replace(start_time_unix_nano=max(0, end - int(reported.duration_ms * 1e6)))
        if llm is not None:
            self._llm_interactions += place
            self._llm_interactions += llm
        if tool is not None:
            self._tool_interactions += (*place, 0, *tool)
            self._tools.add((trace, tool.tool_call_id, tool.tool_name))
        if place.event is not None:
            return
        for id, name, arguments in tool_calls:
            named = (llm.user_id, llm.agent_name, None, llm.dialect) if llm is not None else (None,) * 4
            asked = place._replace(start_time_unix_nano=end, status_code=0)
            self._tool_interactions += (*asked, 1, *ToolInteractionRow(name, id, None, *named, arguments))
            self._tools.add((trace, id, name))
        for id, result in tool_results:
            self._tool_results += (span, trace, id, place.start_time_unix_nano, result)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows. Their spans and events are in the file."""
        _LLM_INTERACTIONS.run(connection, self._llm_interactions)
        _TOOL_INTERACTIONS.run(connection, self._tool_interactions)
        _TOOL_RESULTS.run(connection, self._tool_results)

    def settle(self, connection: sqlite3.Connection) -> None:
        """Bring to date what follows from the whole: to be called when all of the batch is written and linked."""
        if self._tools:
            run_script(connection, "hide_requests", tools=list(self._tools))
        calls = set(self._replaced_calls)
        spans = [id for id, trace in self._spans if trace.has_interactions]
        if spans or self._logs:
            calls.update(find_enclosing_calls(connection, spans, self._logs))
        count_calls(connection, calls)
