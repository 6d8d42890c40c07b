# SPDX-License-Identifier: Apache-2.0
"""The page of a session."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from otel_sqlite_exporter.errors import NotFoundError
from otel_sqlite_exporter.query.askable_views import SESSIONS
from otel_sqlite_exporter.query.reading import fetch, get_by_prefix
from otel_sqlite_exporter.query.sql_builder import build_ids
from otel_sqlite_exporter.query.summaries import SessionSummary
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.server.page.marking.given_scores import read_scores
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent, PageRoute
from otel_sqlite_exporter.server.page.page_links import link_page, link_session
from otel_sqlite_exporter.server.page.session.conversation_tab import read_conversation_tab
from otel_sqlite_exporter.server.page.session.cost_tab import read_cost_tab
from otel_sqlite_exporter.server.page.session.metrics_tab import has_series, read_metrics_tab
from otel_sqlite_exporter.server.page.session.session_head import read_head
from otel_sqlite_exporter.server.page.session.timeline_tab import is_live, read_step_table, read_timeline_tab
from otel_sqlite_exporter.server.page.shown_metrics.older_files import read_or_none

_MOST_NAMED = 50
_TABS: Mapping[str, Callable[[sqlite3.Connection, SessionSummary, Arguments], Mapping[str, Any]]] = {
    "timeline": read_timeline_tab,
    "conversation": read_conversation_tab,
    "cost": read_cost_tab,
}
_METRICS = "metrics"
"""A tab that only sessions with metrics have."""
_READERS = {**_TABS, _METRICS: read_metrics_tab}


def _read_session(backend: ApiBackend, arguments: Arguments) -> PageContent:
    try:
        content = backend.file.read(_read_page, arguments)
    except NotFoundError as error:
        return _explain_missing(backend, arguments["id"], error)
    id, is_here = content.values["head"].session.session_id, arguments["tab"] == _METRICS
    if is_here or read_or_none(backend, has_series, id):
        content.values["tabs"].append((_METRICS.capitalize(), link_session(id, tab=_METRICS), is_here))
    return content


def _read_page(connection: sqlite3.Connection, arguments: Arguments) -> PageContent:
    session = get_by_prefix(connection, SESSIONS, "session_id", arguments["id"])
    id, tab = session.session_id, arguments["tab"]
    values = _READERS[tab](connection, session, arguments)
    links = [
        (name.capitalize(), link_session(id, tab=None if name == "timeline" else name), name == tab) for name in _TABS
    ]
    is_followed = is_live(session)
    shown = {
        "tab": None if tab == "timeline" else tab,
        "first": arguments.get("first"),
        "raw": arguments["raw"] or None,
    }
    live = {
        "is_followed": is_followed,
        "is_live": is_followed and values["is_last"],
        "head_url": link_session(id, **shown, part="head"),
        "part_url": link_session(id, **shown, part="steps"),
    }
    head = read_head(connection, session)
    scores = read_scores(connection, "session_id", id)
    return PageContent(f"Session {id}", {"head": head, "tab": tab, "tabs": links, "scores": scores, **live, **values})


def _read_head(backend: ApiBackend, arguments: Arguments) -> PageContent:
    """Read the head alone."""
    session = backend.file.read(get_by_prefix, SESSIONS, "session_id", arguments["id"])
    head = backend.file.read(read_head, session)
    return PageContent(f"Session {session.session_id}", {"head": head, "tab": arguments["tab"]})


def _explain_missing(backend: ApiBackend, prefix: str, error: NotFoundError) -> PageContent:
    """Return the page that leads on from an id that no session has, or that several begin with."""
    select = build_ids(SESSIONS, "session_id", prefix, {}, limit=_MOST_NAMED)
    named = [row["session_id"] for row in backend.file.read(fetch, select)]
    metrics_link = link_page("/series", session_id=prefix) if read_or_none(backend, has_series, prefix) else None
    values = {"tab": "missing", "detail": str(error), "named": named, "prefix": prefix, "metrics_link": metrics_link}
    return PageContent("There is no such session" if not named else "Several sessions", values, HTTPStatus.NOT_FOUND)


def _read_table(backend: ApiBackend, arguments: Arguments) -> CsvTable:
    return backend.file.read(read_step_table, arguments["id"])


PAGES: tuple[PageRoute, ...] = (
    PageRoute(
        "/sessions/{id}",
        "One session: its steps in order of time, what was said, what each call cost, and its metrics.",
        "session_page.html",
        _read_session,
        (
            Parameter("id", "The session, or a unique prefix of its id.", where="path"),
            Parameter("tab", "What is shown of it.", choices=tuple(_READERS), default="timeline"),
            Parameter("first", "The number of steps or turns before the first that is shown.", "integer", minimum=0),
            Parameter("raw", "What was said, as it is stored.", "boolean", default=False),
        ),
        ("head", "steps"),
        _read_table,
        part_readers={"head": _read_head},
    ),
)
