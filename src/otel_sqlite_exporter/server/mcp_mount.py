# SPDX-License-Identifier: Apache-2.0
"""`/mcp`: tools for coding agents."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from otel_sqlite_exporter.agent_tools.mcp_package import make_http_app
from otel_sqlite_exporter.errors import MissingPackageError
from otel_sqlite_exporter.server.server_context import ServerContext

if TYPE_CHECKING:
    from otel_sqlite_exporter.agent_tools.http_app import ToolHttpApp

_STOP_S = 1.0


class ToolMount:
    """Loads the tools when they are first asked for: that takes seconds, and most servers never are."""

    def __init__(self, context: ServerContext) -> None:
        self._settings = context.settings
        self._loading: asyncio.Task[ToolHttpApp] | None = None
        self._ending: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
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
        await app(scope, receive, send)

    def begin_stop(self) -> None:
        """Give tools that work a last second, such as one that waits for records."""
        if self._loading is not None:
            self._ending = asyncio.create_task(self._end(self._loading))

    async def _end(self, loading: asyncio.Task[ToolHttpApp]) -> None:
        await asyncio.sleep(_STOP_S)
        if loading.done() and loading.exception() is None:
            await loading.result().close()


def make_routes(context: ServerContext) -> list[BaseRoute]:
    """Return the route."""
    mount = ToolMount(context)
    context.at_stop.append(mount.begin_stop)
    return [Route("/mcp", mount), Route("/mcp/", mount)]
