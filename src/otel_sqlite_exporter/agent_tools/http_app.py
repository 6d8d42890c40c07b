# SPDX-License-Identifier: Apache-2.0
"""The tools over HTTP (the transport "streamable HTTP"), as an ASGI app.

It keeps nothing between requests, so that clients go on when the server was started again. `Host`, `Origin` and tokens
are checked before it: see `server.access`.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import ClientDisconnect

from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_server import ToolServer

_MOST_BODY_BYTES = 1 << 20


class ToolHttpApp:
    """An ASGI app. It starts with its first request, on the event loop of that, and ends with `close` or that loop."""

    def __init__(self, path: str | os.PathLike[str] | None, busy_timeout_ms: int | None = None) -> None:
        self._asked = AskedFile.open(path, busy_timeout_ms)
        self._manager: StreamableHTTPSessionManager | None = None
        self._task: asyncio.Task[None] | None = None
        self._started = asyncio.Event()
        self._closing = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if self._manager is None:
            self._manager = StreamableHTTPSessionManager(
                ToolServer(self._asked).server,
                stateless=True,
                security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
                max_request_body_size=_MOST_BODY_BYTES,
            )
            self._task = asyncio.create_task(self._run(self._manager))
        await self._started.wait()
        with suppress(ClientDisconnect):  # a client that has gone waits for no answer
            await self._manager.handle_request(scope, receive, send)

    async def close(self) -> None:
        """Cancel what is being answered."""
        self._closing.set()
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, manager: StreamableHTTPSessionManager) -> None:
        async with manager.run():
            self._started.set()
            await self._closing.wait()
