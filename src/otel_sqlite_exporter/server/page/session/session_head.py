# SPDX-License-Identifier: Apache-2.0
"""What every tab of a session shows above itself: facts, the sessions before and after it, and exports."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.askable_views import SESSIONS
from otel_sqlite_exporter.query.reading import find_page
from otel_sqlite_exporter.query.session_parts.session_usage import read_tokens
from otel_sqlite_exporter.query.sql_builder import encode_cursor
from otel_sqlite_exporter.query.summaries import SessionSummary
from otel_sqlite_exporter.server.page.page_links import link_page, link_session, link_share
from otel_sqlite_exporter.show.visible_text import write_visible

_SHOWN_AGENTS = 12
_LONGEST_AGENT = 200


class HeadLink(NamedTuple):
    """A link of the head."""

    label: str
    link: str


class SessionHead(NamedTuple):
    """The head of a session.

    Attributes:
        shared: What the sessions before and after it have in common with it: `user` or `service`.
        cached_tokens: Those of `input_tokens` that came from a cache; None: no call reports any.
        agents: Those that made calls, and whose names are no longer than a link may be; `more_agents` others did too.
    """

    session: SessionSummary
    is_plain: bool
    shared: str
    previous: str | None
    following: str | None
    cached_tokens: int | None
    agents: Sequence[str]
    more_agents: int
    links: Sequence[HeadLink]
    exports: Sequence[HeadLink]


def read_head(connection: sqlite3.Connection, session: SessionSummary) -> SessionHead:
    """Return the head of a session."""
    shared = "user" if session.user_id is not None else "service"
    previous, following = _read_beside(connection, session, shared)
    rows = read_tokens(connection, session.session_id, "agent")
    cached = [row["cached_input_tokens"] for row in rows if row["cached_input_tokens"] is not None]
    named = [row["agent"] for row in rows if row["agent"] is not None]
    agents = [agent for agent in named if len(agent) <= _LONGEST_AGENT][:_SHOWN_AGENTS]
    return SessionHead(
        session=session,
        is_plain=write_visible(session.session_id) == session.session_id,
        shared=shared,
        previous=previous,
        following=following,
        cached_tokens=sum(cached) if cached else None,
        agents=agents,
        more_agents=len(named) - len(agents),
        links=[*_list_links(session.session_id, previous)],
        exports=[*_list_exports(session.session_id)],
    )


def _read_beside(connection: sqlite3.Connection, session: SessionSummary, shared: str) -> list[str | None]:
    """Return the sessions that ended before and after this one, of the same user or service."""
    column = "user_id" if shared == "user" else "service_name"
    value = getattr(session, column)
    if value is None:
        return [None, None]
    place: dict[str, Any] = {name: getattr(session, name) for name in SESSIONS.order}
    found: list[str | None] = []
    for newest_first in (True, False):
        cursor = encode_cursor(SESSIONS, place, newest_first=newest_first)
        page = find_page(connection, SESSIONS, {column: value}, 1, cursor, newest_first, with_total=False)
        found.append(next((row.session_id for row in page), None))
    return found


def _list_links(session_id: str, previous: str | None) -> Sequence[HeadLink]:
    pages = [
        HeadLink(name.capitalize(), link_page(f"/{name}", session_id=session_id))
        for name in ("traces", "calls", "tools", "logs")
    ]
    if previous is None:
        return pages
    pair = {"a": f"session:{previous}", "b": f"session:{session_id}"}
    return [*pages, HeadLink("Compare with the one before", link_page("/compare", **pair))]


def _list_exports(session_id: str) -> Sequence[HeadLink]:
    export = "/api/v1/export"
    return [
        HeadLink("Share …", link_share(session_id)),
        HeadLink("OTLP", link_page(export, session_id=session_id)),
        HeadLink("Perfetto", link_page(export, format="perfetto", session_id=session_id)),
        HeadLink("Markdown", link_page(export, format="markdown", session_id=session_id)),
        HeadLink("CSV of steps", link_session(session_id, format="csv")),
        HeadLink("CSV of calls", link_page(export, format="csv", of="calls", session_id=session_id)),
    ]
