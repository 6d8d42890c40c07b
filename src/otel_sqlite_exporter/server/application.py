# SPDX-License-Identifier: Apache-2.0
"""Joins the parts of the server into one ASGI application."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_sqlite_exporter.deliver.problem_log import ProblemLog
from otel_sqlite_exporter.server.api.api_problems import Problem
from otel_sqlite_exporter.server.server_context import ServerContext
from otel_sqlite_exporter.server.whole_bodies import WholeBodies

_logger = logging.getLogger(__name__)
_PROBLEMS = {
    404: ("no-such-route", "there is nothing at this path: / lists what is here"),
    405: ("method-not-allowed", "this path does not take this method"),
    500: ("internal", "the request failed here: the log of the server says where"),
}


class ServerPart(Protocol):
    """A module that adds routes."""

    def make_routes(self, context: ServerContext) -> list[BaseRoute]:
        """Return the routes of this part."""


def make_application(
    context: ServerContext, parts: Sequence[ServerPart], guard: Callable[[ASGIApp], ASGIApp] | None = None
) -> ASGIApp:
    """Return the application of these parts. All requests pass `guard` first, which knows who may do what."""

    routes = Starlette(
        routes=[route for part in parts for route in part.make_routes(context)],
        exception_handlers={HTTPException: _explain, Exception: _explain},
    )
    routes.router.redirect_slashes = False
    application: ASGIApp = WholeBodies(routes, context)
    return _LastResort(application if guard is None else guard(application), context.settings.path)


def _explain(request: Request, error: Exception) -> Response:
    """Return the answer of a path that nothing serves, in the form of RFC 9457."""
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    kind, detail = _PROBLEMS.get(status, ("internal", HTTPStatus(status).phrase))
    return Problem(kind, status, detail, headers=headers or {}).respond()


class _LastResort:
    """Logs what an application raises, without any text of it, once a minute at most; uvicorn would log a traceback."""

    def __init__(self, application: ASGIApp, path: str) -> None:
        self._application = application
        self._log = ProblemLog(_logger, path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_started = False

        async def note_start(message: Message) -> None:
            nonlocal is_started
            is_started = True
            await send(message)

        try:
            await self._application(scope, receive, note_start)
        except Exception as error:
            if scope["type"] != "http":
                raise
            self._log.report_failure("a request failed", error)
            if not is_started:
                await _explain(Request(scope), error)(scope, receive, send)
