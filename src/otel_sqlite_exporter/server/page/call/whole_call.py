# SPDX-License-Identifier: Apache-2.0
"""What the file has about one model call, read at one moment."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS, SPANS, START, TOOL_INTERACTIONS
from otel_sqlite_exporter.query.calls.call_neighbours import CallNeighbours, read_neighbours
from otel_sqlite_exporter.query.calls.call_standing import CallStanding, read_standing
from otel_sqlite_exporter.query.conversations.conversation import Message
from otel_sqlite_exporter.query.conversations.conversation_reader import (
    find_tool_requests,
    read_prompt,
    read_texts,
)
from otel_sqlite_exporter.query.reading import fetch, find_page, get_events
from otel_sqlite_exporter.query.sql_builder import build_newest
from otel_sqlite_exporter.query.summaries import (
    EventSummary,
    LLMInteractionSummary,
    SpanSummary,
    ToolInteractionSummary,
)
from otel_sqlite_exporter.server.api.record_answers import find_row

_MOST_TOOLS = 500
_OF_TOOL = (
    *(START, "start_time", "id", "span_id", "trace_id", "name", "tool_name", "tool_call_id", "duration_ms", "status"),
    *("counted", "error_type", "error_message", "asked_by_span_id"),
)


class WholeCall(NamedTuple):
    """A model call, and what is around it.

    Attributes:
        prompt: The messages of its prompt, the system instructions first.
        earlier: The prompt of the call that this one goes on from; None: there is none.
        span: The span that it is, or in which it was recorded.
        records: Its start and its finish.
        tools: The executions and requests of the tools that it asks for.
    """

    call: LLMInteractionSummary
    prompt: list[Message]
    completion: list[Message]
    earlier: list[Message] | None
    standing: CallStanding
    neighbours: CallNeighbours
    span: SpanSummary | None
    records: tuple[EventSummary, ...]
    tools: tuple[ToolInteractionSummary, ...]


def read_call(connection: sqlite3.Connection, id: int) -> WholeCall:
    """Return a call with all that its page shows.

    Raises:
        NotFoundError: There is no such call.
    """
    call = find_row(connection, LLM_INTERACTIONS, "call", id)
    completion = read_texts(None, call.completion)
    neighbours = read_neighbours(connection, call)
    events = get_events(connection, [call.start_id, call.finish_id])
    return WholeCall(
        call,
        read_prompt(call),
        completion,
        _read_earlier(connection, neighbours.continued),
        read_standing(connection, call),
        neighbours,
        _read_span(connection, call),
        tuple(sorted(events, key=lambda event: event.phase != "start")),
        _read_tools(connection, call, completion),
    )


def _read_earlier(connection: sqlite3.Connection, id: int | None) -> list[Message] | None:
    if id is None:
        return None
    columns = ("prompt", "system_instructions")
    rows = fetch(connection, build_newest(LLM_INTERACTIONS, columns, {}, among=f"[{id}]", limit=1))
    return read_prompt(LLMInteractionSummary.from_row(rows[0])) if rows else None


def _read_span(connection: sqlite3.Connection, call: LLMInteractionSummary) -> SpanSummary | None:
    if call.trace_id is None or call.span_id is None:
        return None
    place = {"trace_id": call.trace_id, "span_id": call.span_id}
    return next(iter(find_page(connection, SPANS, place, 1, None, False, with_total=False)), None)


def _read_tools(
    connection: sqlite3.Connection, call: LLMInteractionSummary, completion: list[Message]
) -> tuple[ToolInteractionSummary, ...]:
    """Return the tools of the same trace, or else of the session, that the call asks for."""
    asked = set(find_tool_requests(completion))
    within = "trace_id" if call.trace_id is not None else "session_id"
    id = getattr(call, within)
    if id is None or not any(part.get("type") == "tool_call" for part in list_parts(completion)):
        return ()
    filters = {within: id, "since": call.start_time_unix_nano}
    page = find_page(
        connection, TOOL_INTERACTIONS, filters, _MOST_TOOLS, None, False, with_total=False, columns=_OF_TOOL
    )
    return tuple(
        tool
        for tool in page
        if tool.tool_call_id in asked or (tool.asked_by_span_id is not None and tool.asked_by_span_id == call.span_id)
    )


def list_parts(messages: list[Message]) -> list[Message]:
    """Return the parts of messages that are objects."""
    listed = (message.get("parts") for message in messages)
    return [part for parts in listed if isinstance(parts, list) for part in parts if isinstance(part, dict)]
