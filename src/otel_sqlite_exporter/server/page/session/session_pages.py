# SPDX-License-Identifier: Apache-2.0
"""The page of a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from otel_sqlite_exporter.query.summaries import SessionSummary
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent, PageRoute
from otel_sqlite_exporter.server.page.page_links import link_session
from otel_sqlite_exporter.server.page.session.conversation_tab import read_conversation_tab
from otel_sqlite_exporter.server.page.session.cost_tab import read_cost_tab
from otel_sqlite_exporter.server.page.session.session_head import read_head
from otel_sqlite_exporter.server.page.session.timeline_tab import read_step_table, read_timeline_tab

_TABS: Mapping[str, Callable[[ApiBackend, SessionSummary, Arguments], Mapping[str, Any]]] = {
    "timeline": read_timeline_tab,
    "conversation": read_conversation_tab,
    "cost": read_cost_tab,
}


def _read_session(backend: ApiBackend, arguments: Arguments) -> PageContent:
    session = backend.database.get_session(arguments["id"])
    tab = "timeline" if arguments.get("part") else arguments["tab"]
    values = _TABS[tab](backend, session, arguments)
    links = [
        (name.capitalize(), link_session(session.session_id, tab=None if name == "timeline" else name), name == tab)
        for name in _TABS
    ]
    head = read_head(backend, session)
    return PageContent(f"Session {session.session_id}", {"head": head, "tab": tab, "tabs": links, **values})


def _read_table(backend: ApiBackend, arguments: Arguments) -> CsvTable:
    return read_step_table(backend, backend.database.get_session(arguments["id"]))


PAGES: tuple[PageRoute, ...] = (
    PageRoute(
        "/sessions/{id}",
        "One session: its steps in order of time, what was said, and what each call cost.",
        "session_page.html",
        _read_session,
        (
            Parameter("id", "The session, or a unique prefix of its id.", where="path"),
            Parameter("tab", "What is shown of it.", choices=tuple(_TABS), default="timeline"),
            Parameter("first", "The number of steps or turns before the first that is shown.", "integer", minimum=0),
            Parameter("raw", "What was said, as it is stored.", "boolean", default=False),
        ),
        ("steps",),
        _read_table,
    ),
)
