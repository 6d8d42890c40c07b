# SPDX-License-Identifier: Apache-2.0
"""The conversation of a session: what was said to models, what they answered, and the tools that ran."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.query.conversations.conversation import CallTurn, ToolTurn
from otel_sqlite_exporter.query.conversations.turn_window import TurnWindow, read_window
from otel_sqlite_exporter.query.session_parts.user_prompts import find_asked
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary, SessionSummary, ToolInteractionSummary
from otel_sqlite_exporter.server.api.api_backend import Arguments
from otel_sqlite_exporter.server.page.page_links import link_call, link_page, link_session
from otel_sqlite_exporter.server.page.session.lane_chart import shorten_name
from otel_sqlite_exporter.server.page.shown_content.exact_html import write_exact
from otel_sqlite_exporter.server.page.shown_content.message_html import render_messages, render_value
from otel_sqlite_exporter.server.page.shown_content.page_allowance import PageAllowance

TURNS_OF_A_PAGE = 50
_EXACT_CHARACTERS = 8_000_000
"""The most that a page of exact texts holds."""


class SaidPart(NamedTuple):
    """A part of what a turn shows. `label` stands above it; `is_folded`: only that is seen at first."""

    label: str | None
    html: Markup
    is_folded: bool = False


class SaidTurn(NamedTuple):
    """A call or a tool as the conversation shows it.

    Attributes:
        folded: The number of messages of its prompt that turns before it show.
        asked: What a user said in it, its first characters.
        offset_ms: From the start of the session.
    """

    kind: str
    key: str
    name: str
    link: str
    agent: str | None
    duration_ms: float | None
    status: str | None
    since: str
    offset_ms: float
    reason: str | None
    folded: int
    asked: str | None
    parts: Sequence[SaidPart]


def read_conversation_tab(
    connection: sqlite3.Connection, session: SessionSummary, arguments: Arguments
) -> Mapping[str, Any]:
    """Return what the conversation shows of a session: up to 50 turns, from `first` on."""
    first, id, is_raw = arguments.get("first", 0), session.session_id, arguments["raw"]
    window = read_window(connection, f"session:{id}", first=first, limit=TURNS_OF_A_PAGE)
    allowance = make_allowance(is_raw=is_raw)
    kept: dict[str, Any] = {"tab": "conversation", "raw": is_raw or None}
    return {
        "window": window,
        "turns": [show_turn(turn, session.start_time_unix_nano, allowance, is_raw=is_raw) for turn in window.turns],
        "is_raw": is_raw,
        "raw_link": link_session(id, tab="conversation", first=first or None, raw=not is_raw or None),
        "previous_page": link_session(id, **kept, first=max(first - TURNS_OF_A_PAGE, 0) or None) if first else None,
        "next_page": _link_next(id, window, kept),
        "is_last": window.first + len(window.turns) >= window.total,
    }


def make_allowance(*, is_raw: bool) -> PageAllowance:
    """Return how much of the texts a page of a conversation shows: exact ones cost less."""
    return PageAllowance(characters=_EXACT_CHARACTERS) if is_raw else PageAllowance()


def _link_next(id: str, window: TurnWindow, kept: Mapping[str, Any]) -> str | None:
    after = window.first + len(window.turns)
    return link_session(id, **kept, first=after) if window.turns and after < window.total else None


def show_turn(turn: CallTurn | ToolTurn, start_unix_nano: int, allowance: PageAllowance, *, is_raw: bool) -> SaidTurn:
    """Return what is shown of a turn of a conversation that began at a moment."""
    if isinstance(turn, CallTurn):
        row: LLMInteractionSummary | ToolInteractionSummary = turn.call
        kind, name, link = "llm", turn.call.model, link_call(turn.call.id)
        folded, asked = turn.folded, find_asked(turn.prompt)
        allowance.exact_link = link_call(turn.call.id, raw=True)
        parts = _show_call(turn, allowance, is_raw=is_raw)
    else:
        row, kind, name, link = turn.tool, "tool", turn.tool.tool_name, link_page(f"/tools/{turn.tool.id}")
        folded, asked = 0, None
        allowance.exact_link = link
        parts = _show_tool(turn, allowance, is_raw=is_raw)
    return SaidTurn(
        kind=kind,
        key=f"{kind}-{row.id}",
        name=shorten_name(name or row.name),
        link=link,
        agent=shorten_name(row.agent_name) if row.agent_name else None,
        duration_ms=row.duration_ms,
        status=row.status,
        since=row.request_timestamp if isinstance(row, LLMInteractionSummary) else row.start_time,
        offset_ms=(row.start_time_unix_nano - start_unix_nano) / 1e6,
        reason=find_reason(row.error_message, row.error_type) or row.error_type,
        folded=folded,
        asked=asked,
        parts=[*parts],
    )


def _show_call(turn: CallTurn, allowance: PageAllowance, *, is_raw: bool) -> Iterator[SaidPart]:
    """Yield what is new in the prompt of a call, and its answer."""
    completion = [message for message in turn.completion if message.get("parts") or turn.call.status != "error"]
    messages = [*turn.prompt, *completion]
    if messages:
        yield SaidPart(None, render_messages(messages, raw=is_raw, allowance=allowance))


def _show_tool(turn: ToolTurn, allowance: PageAllowance, *, is_raw: bool) -> Iterator[SaidPart]:
    """Yield the arguments of a tool, folded if an answer before shows them, and its result."""
    for label, text in (("arguments", turn.tool.arguments), ("result", turn.tool.result)):
        if text is not None:
            html = Markup(write_exact(text, allowance)) if is_raw else render_value(text, allowance=allowance)
            yield SaidPart(label, html, is_folded=label == "arguments" and turn.is_asked and not is_raw)
