# SPDX-License-Identifier: Apache-2.0
"""The conversation of a session: what was said to models, what they answered, and the tools that ran."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.query.conversations.conversation import CallTurn, Message, ToolTurn
from otel_sqlite_exporter.query.conversations.turn_window import TurnWindow, read_window
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary, SessionSummary, ToolInteractionSummary
from otel_sqlite_exporter.server.api.api_backend import Arguments
from otel_sqlite_exporter.server.page.page_links import link_call, link_page, link_session
from otel_sqlite_exporter.server.page.session.lane_chart import shorten_name

TURNS_OF_A_PAGE = 50
_USER = "user"


class ShownTurn(NamedTuple):
    """A call or a tool as the conversation shows it.

    Attributes:
        folded: The number of messages of its prompt that turns before it show.
        is_prompt: It shows what a user said.
        offset_ms: From the start of the session.
    """

    kind: str
    key: str
    name: str
    link: str
    agent: str | None
    row: LLMInteractionSummary | ToolInteractionSummary
    offset_ms: float
    reason: str | None
    folded: int
    prompt: Sequence[Message]
    completion: Sequence[Message]
    is_prompt: bool
    raw: Sequence[tuple[str, Markup]]


def read_conversation_tab(
    connection: sqlite3.Connection, session: SessionSummary, arguments: Arguments
) -> Mapping[str, Any]:
    """Return what the conversation shows of a session: up to 50 turns, from `first` on."""
    first, id = arguments.get("first", 0), session.session_id
    window = read_window(connection, f"session:{id}", first=first, limit=TURNS_OF_A_PAGE)
    raw: dict[str, Any] = {"raw": arguments["raw"] or None, "tab": "conversation"}
    return {
        "window": window,
        "turns": [_show_turn(turn, session.start_time_unix_nano) for turn in window.turns],
        "raw": arguments["raw"],
        "raw_link": link_session(id, tab="conversation", first=first or None, raw=not arguments["raw"] or None),
        "previous_page": link_session(id, **raw, first=max(first - TURNS_OF_A_PAGE, 0) or None) if first else None,
        "next_page": _link_next(id, window, raw),
    }


def _link_next(id: str, window: TurnWindow, raw: Mapping[str, Any]) -> str | None:
    after = window.first + len(window.turns)
    return link_session(id, **raw, first=after) if window.turns and after < window.total else None


def _show_turn(turn: CallTurn | ToolTurn, start_unix_nano: int) -> ShownTurn:
    row: LLMInteractionSummary | ToolInteractionSummary = turn.call if isinstance(turn, CallTurn) else turn.tool
    is_call = isinstance(turn, CallTurn)
    prompt = turn.prompt if isinstance(turn, CallTurn) else ()
    kind = "llm" if is_call else "tool"
    return ShownTurn(
        kind=kind,
        key=f"{kind}-{row.id}",
        name=shorten_name((row.model if isinstance(row, LLMInteractionSummary) else row.tool_name) or row.name),
        link=link_call(row.id) if is_call else link_page(f"/tools/{row.id}"),
        agent=shorten_name(row.agent_name) if row.agent_name else None,
        row=row,
        offset_ms=(row.start_time_unix_nano - start_unix_nano) / 1e6,
        reason=find_reason(row.error_message, row.error_type) or row.error_type,
        folded=turn.folded if isinstance(turn, CallTurn) else 0,
        prompt=prompt,
        completion=turn.completion if isinstance(turn, CallTurn) else (),
        is_prompt=any(message.get("role") == _USER for message in prompt),
        raw=[*_list_raw(row)],
    )


def _list_raw(row: LLMInteractionSummary | ToolInteractionSummary) -> Iterator[tuple[str, Markup]]:
    """Yield what a row holds, with the name of its column: every character as it is stored, escaped for HTML only."""
    columns: Sequence[str] = ("arguments", "result")
    if isinstance(row, LLMInteractionSummary):
        columns = ("system_instructions", "prompt", "completion")
    for column in columns:
        text = getattr(row, column)
        if text is not None:
            yield column, escape(text)
