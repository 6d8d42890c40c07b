# SPDX-License-Identifier: Apache-2.0
"""The page on which a person says how a session is handed on: the form, what is masked, and what is left out."""

from __future__ import annotations

from otel_sqlite_exporter.query.askable_views import SESSIONS
from otel_sqlite_exporter.query.reading import get_by_prefix
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.server.page.page_answers import PageContent, PageRoute
from otel_sqlite_exporter.server.page.page_links import link_share


def _read_form(backend: ApiBackend, arguments: Arguments) -> PageContent:
    session = backend.file.read(get_by_prefix, SESSIONS, "session_id", arguments["id"])
    values = {"session": session, "action": link_share(session.session_id, in_api=True)}
    return PageContent(f"Share session {session.session_id}", values)


PAGES: tuple[PageRoute, ...] = (
    PageRoute(
        "/sessions/{id}/share",
        "One session to hand on: in which format, and what is masked.",
        "session_share.html",
        _read_form,
        (Parameter("id", "The session, or a unique prefix of its id.", where="path"),),
    ),
)
