# SPDX-License-Identifier: Apache-2.0
"""Reads a conversation: finds what an id names, and puts its calls and tools in order of time."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.errors import FilterError, NotFoundError
from otel_sqlite_exporter.query.askable_views import (
    LLM_INTERACTIONS,
    SESSIONS,
    SPANS,
    TOOL_INTERACTIONS,
    TRACES,
    AskableView,
)
from otel_sqlite_exporter.query.conversations.conversation import CallTurn, Conversation, Message, ToolTurn, Turn
from otel_sqlite_exporter.query.conversations.folding import Folder
from otel_sqlite_exporter.query.pages import Page
from otel_sqlite_exporter.query.reading import fetch, find_all, find_page
from otel_sqlite_exporter.query.sql_builder import Select, build_ids, build_newest
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary, ToolInteractionSummary
from otel_sqlite_exporter.sql.texts import read_query

_NAMED, _DIGITS = 5, 18
_NAMES = ("session", "trace", "span")
CALLS_AND_TOOLS: dict[str, AskableView[Any]] = {"llm": LLM_INTERACTIONS, "tool": TOOL_INTERACTIONS}
"""The views of what a conversation consists of, by kind."""
_Row = LLMInteractionSummary | ToolInteractionSummary


class ConversationTarget(NamedTuple):
    """What an id names. `trace_id` is that of a span."""

    kind: str
    id: str
    trace_id: str | None = None

    def __str__(self) -> str:
        """Return the text that names it alone."""
        return f"{self.kind}:{self.id}" if self.trace_id is None else f"{self.kind}:{self.trace_id}/{self.id}"


def read_conversation(connection: sqlite3.Connection, text: str, *, limit: int) -> Conversation:
    """Return the first `limit` turns of what `text` names.

    Raises:
        FilterError: `text` is not a text, or is empty.
        NotFoundError: It names nothing, or several things.
    """
    if not isinstance(text, str) or not text:
        raise FilterError("id", f"{text!r} is not an id: give that of a session, a trace, a span, a call or a tool")
    target = find_target(connection, text)
    if target.kind == "span":
        return _read_span(connection, target, limit)
    if target.kind in CALLS_AND_TOOLS:
        row = _read_row(connection, target)
        return _make_one(target.kind, row.span_id or target.id, row.trace_id, [row])
    filters = {f"{target.kind}_id": target.id, "counted": True}
    pages = [find_page(connection, view, filters, limit, None, False) for view in CALLS_AND_TOOLS.values()]
    total = None if any(page.total is None for page in pages) else sum(page.total or 0 for page in pages)
    trace_id = target.id if target.kind == "trace" else None
    make = _make_conversations if target.kind == "user" else make_turns
    running = None
    if target.kind != "user":
        filters = {f"{target.kind}_id": target.id, "status": "running"}
        running = next(iter(find_page(connection, SPANS, filters, 1, None, True)), None)
    return Conversation(target.kind, target.id, trace_id, make(_join(pages)[:limit]), total, running)


def find_target(connection: sqlite3.Connection, text: str) -> ConversationTarget:
    """Return what an id names: of a session, a trace, a span, a call, a tool or a user.

    Raises:
        NotFoundError: It names nothing, or several things.
    """
    kind, _, id = text.partition(":")
    found = _find_of_kind(connection, kind, id) or _find_of_kind(connection, "", text)
    if len(found) == 1:
        return found[0]
    if kind == "user" and not found:
        raise NotFoundError(f"no session has the user {id!r} (user:ID takes the whole id): `sessions` lists them")
    if found:
        named = ", ".join(map(str, found[:_NAMED]))
        more = ", ..." if len(found) > _NAMED else ""
        raise NotFoundError(f"several things have the id {text!r}: {named}{more}; give KIND:ID, or more of the id")
    raise NotFoundError(
        f"nothing has the id {text!r}: give the id of a session, a trace or a span, llm:ID or tool:ID with the id of a "
        "row, or user:ID"
    )


def _find_of_kind(connection: sqlite3.Connection, kind: str, id: str) -> list[ConversationTarget]:
    """Return what has the id; if there is nothing, what has an id that begins so. No kind: of any kind."""
    if kind == "user":
        sessions = find_page(connection, SESSIONS, {"user_id": id}, 1, None, True) if id else ()
        return [ConversationTarget(kind, id)] if sessions else []
    named = [target for name in _NAMES if kind in ("", name) for target in _find_named(connection, name, id)]
    exact = [one for one in named if one.id in (id, id.lower())]
    if id.isascii() and id.isdecimal() and len(id) <= _DIGITS:
        rows = [ConversationTarget(one, str(int(id))) for one in CALLS_AND_TOOLS if kind in ("", one)]
        exact += [row for row in rows if _find_rows(connection, row)]
    return exact or named


def _find_named(connection: sqlite3.Connection, kind: str, text: str) -> list[ConversationTarget]:
    """Return the sessions, traces or spans whose ids begin with a text; for a span, also after `TRACE/`."""
    if not text:
        return []
    if kind == "session":
        sessions = fetch(connection, build_ids(SESSIONS, "session_id", text, {}, limit=_NAMED + 1))
        return [ConversationTarget(kind, row["session_id"]) for row in sessions]
    lower = text.lower()
    if kind == "trace":
        traces = fetch(connection, build_ids(TRACES, "trace_id", lower, {}, limit=_NAMED + 1))
        return [ConversationTarget(kind, row["trace_id"]) for row in traces]
    trace, slash, span = lower.rpartition("/")
    bounds = {"prefix": span, "beyond": f"{span}{chr(sys.maxunicode)}", "limit": _NAMED + 1 if not slash else 1_000}
    spans = fetch(connection, Select(read_query("find_span_ids"), bounds)) if span else []
    return [
        ConversationTarget(kind, row["span_id"], row["trace_id"]) for row in spans if row["trace_id"].startswith(trace)
    ]


def _find_rows(connection: sqlite3.Connection, target: ConversationTarget) -> list[dict[str, Any]]:
    select = build_newest(
        CALLS_AND_TOOLS[target.kind], ("*",), {}, among=orjson.dumps([int(target.id)]).decode(), limit=1
    )
    return fetch(connection, select)


def _read_row(connection: sqlite3.Connection, target: ConversationTarget) -> _Row:
    row: _Row = CALLS_AND_TOOLS[target.kind].row_type.from_row(_find_rows(connection, target)[0])
    return row


def _read_span(connection: sqlite3.Connection, span: ConversationTarget, limit: int) -> Conversation:
    """Return the call or the tool that a span is; or what is below it, if it is something else or an agent."""
    place = {"trace_id": span.trace_id, "span_id": span.id}
    calls = find_all(connection, LLM_INTERACTIONS, **place)
    tools = [tool for tool in find_all(connection, TOOL_INTERACTIONS, **place) if tool.source != "message"]
    own = [call for call in calls if not call.is_aggregate]
    if own or tools:
        rows: list[_Row] = [*([call for call in own if call.counted] or own), *tools]
        return _make_one("llm" if own else "tool", span.id, span.trace_id, rows)
    inside = find_spans_below(connection, span)
    found = [find_all(connection, view, trace_id=span.trace_id, counted=True) for view in CALLS_AND_TOOLS.values()]
    rows = [row for row in _join(found) if row.span_id in inside]
    if not rows and calls:
        return _make_one("llm", span.id, span.trace_id, calls)
    return Conversation("span", span.id, span.trace_id, make_turns(rows[:limit]), len(rows))


def find_spans_below(connection: sqlite3.Connection, span: ConversationTarget) -> set[str]:
    """Return the ids of a span and of all below it."""
    below: dict[str | None, list[str]] = {}
    for row in fetch(connection, Select(read_query("find_parents"), {"trace_id": span.trace_id})):
        below.setdefault(row["parent_span_id"], []).append(row["span_id"])
    found, waiting = {span.id}, [span.id]
    while waiting:
        children = [child for child in below.get(waiting.pop(), []) if child not in found]
        found.update(children)
        waiting += children
    return found


def _join(rows: Iterable[Sequence[Any] | Page[Any]]) -> list[_Row]:
    """Return calls and tools in order of time; a call stands before a tool that began with it."""
    joined = [row for some in rows for row in some]
    return sorted(joined, key=lambda row: (row.start_time_unix_nano, isinstance(row, ToolInteractionSummary), row.id))


def _make_one(kind: str, id: str, trace_id: str | None, rows: Sequence[_Row]) -> Conversation:
    turns: list[Turn] = []
    for row in rows:
        if isinstance(row, ToolInteractionSummary):
            turns.append(ToolTurn(row, is_asked=False))
        else:
            turns.append(CallTurn(row, tuple(read_prompt(row)), tuple(read_texts(None, row.completion)), 0))
    return Conversation(kind, id, trace_id, tuple(turns), len(turns))


def make_turns(rows: Sequence[_Row]) -> tuple[Turn, ...]:
    """Return the turns of one conversation."""
    folder, turns = Folder(), list[Turn]()
    asked: set[str] = set()
    for row in rows:
        if isinstance(row, ToolInteractionSummary):
            turns.append(ToolTurn(row, is_asked=row.tool_call_id in asked))
            if row.result is not None:
                folder.add_result(row.tool_call_id, row.result)
        else:
            completion = read_texts(None, row.completion)
            prompt, folded = folder.fold(read_prompt(row), completion)
            turns.append(CallTurn(row, tuple(prompt), tuple(completion), folded))
            asked.update(find_tool_requests(completion))
    return tuple(turns)


def _make_conversations(rows: Sequence[_Row]) -> tuple[Turn, ...]:
    """Return the turns of one session after the other, in the order in which the sessions began."""
    sessions: dict[str | None, list[_Row]] = {}
    for row in rows:
        sessions.setdefault(row.session_id, []).append(row)
    return tuple(turn for of_session in sessions.values() for turn in make_turns(of_session))


def find_tool_requests(messages: Iterable[Message]) -> Iterable[str]:
    """Yield the ids of the calls of tools that some messages ask for."""
    for message in messages:
        parts = message.get("parts")
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict) and part.get("type") == "tool_call" and isinstance(part.get("id"), str):
                yield part["id"]


def read_prompt(call: LLMInteractionSummary) -> list[Message]:
    """Return the messages of the prompt of a call, the system instructions first."""
    return read_texts(call.system_instructions, call.prompt)


def read_texts(instructions: str | None, messages: str | None) -> list[Message]:
    """Return the messages that two columns of a call hold: its instructions, as a message, and its prompt or answer."""
    parts = _decode(instructions)
    first = [{"role": "system", "parts": parts}] if parts else []
    return [*first, *(message for message in _decode(messages) if isinstance(message, dict))]


def _decode(text: str | None) -> list[Any]:
    """Return the array that a text holds; one part with the text, if it is nothing of the kind."""
    if not text:
        return []
    try:
        value = orjson.loads(text)
        orjson.dumps(value)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # more than 254 levels
        return [{"role": "?", "parts": [{"type": "text", "content": text}]}]
    return value if isinstance(value, list) else [value]
