# SPDX-License-Identifier: Apache-2.0
"""`/mcp`: tools for coding agents."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from otel_sqlite_exporter.agent_tools.mcp_package import make_http_app
from otel_sqlite_exporter.errors import MissingPackageError
from otel_sqlite_exporter.server.api.api_problems import Problem
from otel_sqlite_exporter.server.running.busy_answers import send_busy
from otel_sqlite_exporter.server.server_context import ServerContext

if TYPE_CHECKING:
    from otel_sqlite_exporter.agent_tools.http_app import ToolHttpApp

_SENTENCE = "this is for coding agents, which ask with POST: docs/mcp.md says how to add it to one"
_ALLOW = {"Allow": "POST"}
_STOP_S = 1.0
_RETRY_AFTER_S = 5


class ToolMount:
    """Loads the tools when they are first asked for: that takes seconds, and most servers never are."""

    def __init__(self, context: ServerContext) -> None:
        self._settings = context.settings
        self._loading: asyncio.Task[ToolHttpApp] | None = None
        self._limits: set[asyncio.Timeout] = set()
        self._is_stopping = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["method"] in ("GET", "HEAD") and not _takes_events(Headers(scope=scope)):
            await Problem("method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED, _SENTENCE, headers=_ALLOW).respond()(
                scope, receive, send
            )
            return
        if self._loading is None:
            settings = self._settings
            self._loading = asyncio.create_task(
                asyncio.to_thread(make_http_app, settings.path, settings.busy_timeout_ms)
            )
        try:
            app = await asyncio.shield(self._loading)
        except MissingPackageError as error:
            await JSONResponse({"error": str(error)}, 501)(scope, receive, send)
            return
        is_started = False

        async def note_start(message: Any) -> None:
            nonlocal is_started
            is_started = True
            await send(message)

        try:
            async with asyncio.timeout(_STOP_S if self._is_stopping else None) as limit:
                self._limits.add(limit)
                await app(scope, receive, note_start)
        except TimeoutError:
            if not self._is_stopping:
                raise
            if not is_started:
                await send_busy(scope, send, "the server stops: ask again", _RETRY_AFTER_S)
        finally:
            self._limits.discard(limit)

    def begin_stop(self) -> None:
        """Give tools that work a last second: one may wait for records, and the SDK lets that go on."""
        self._is_stopping = True
        for limit in self._limits:
            limit.reschedule(asyncio.get_running_loop().time() + _STOP_S)


def _takes_events(headers: Headers) -> bool:
    """Return whether the client names the type of a stream of events: `*/*` is a person who looks, and such a stream
    would say nothing and not end."""
    return any("text/event-stream" in accept.lower() for accept in headers.getlist("accept"))


def make_routes(context: ServerContext) -> list[BaseRoute]:
    """Return the route."""
    mount = ToolMount(context)
    context.at_stop.append(mount.begin_stop)
    return [Route("/mcp", mount), Route("/mcp/", mount)]
