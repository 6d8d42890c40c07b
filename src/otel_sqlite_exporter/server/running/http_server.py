# SPDX-License-Identifier: Apache-2.0
"""uvicorn's server, with what runs beside it, and with bounds that uvicorn lacks."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any, Protocol

import uvicorn
from starlette.types import ASGIApp

from otel_sqlite_exporter.server.running.listening import BACKLOG
from otel_sqlite_exporter.server.running.patient_protocol import PatientProtocol
from otel_sqlite_exporter.server.running.tls_openings import TlsListener

_KEEP_ALIVE_S = 65  # SDKs send metrics each minute
_STOP_S = 5
_HANDSHAKE_S = 10.0
_CLOSE_S = 1.0
"""How long a client has to begin TLS, and to end it: asyncio itself waits 60 s and 30 s."""


class RunsBeside(Protocol):
    """What starts and stops with the server. All but `close` is called on the event loop."""

    async def start_beside(self) -> None:
        """Start; the server takes requests by now."""

    def begin_stop(self) -> None:
        """Let what has no end come to one: the server waits `_STOP_S` for it."""

    async def stop_beside(self) -> None:
        """Stop, while the server does."""

    def close(self) -> None:
        """End, once no request is under way. Called on a thread."""


class HttpServer(uvicorn.Server):
    """Serves `application` on sockets that were bound before, with TLS if there is a context. It takes a signal as the
    order to stop, and does not raise it again: the process is to end by itself, with what waited written."""

    def __init__(self, application: ASGIApp, tls: ssl.SSLContext | None, beside: RunsBeside) -> None:
        super().__init__(_configure(application))
        self._tls = tls
        self._beside = beside
        self.has_started = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take requests on `sockets`."""
        asyncio.get_running_loop().set_exception_handler(self._report)
        try:
            self.servers = [await self._listen(one) for one in sockets or ()]
            await self._beside.start_beside()
            self.started = True
        finally:
            self.has_started.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, answer those that were taken, and end."""
        self._beside.begin_stop()
        await asyncio.gather(self._beside.stop_beside(), super().shutdown(sockets))
        await asyncio.to_thread(self._beside.close)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM, if this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _report(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log an error that nobody awaits. When asyncio could not accept a connection, it opens the socket for others a
        second later, also where the server has closed it since: that is none."""
        is_late = self.should_exit and isinstance(context.get("handle"), asyncio.TimerHandle)
        if not (is_late and isinstance(context.get("exception"), ValueError)):
            loop.default_exception_handler(context)

    async def _listen(self, bound: socket.socket) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        if self._tls is None:
            return await loop.create_server(self._make_connection, sock=bound, backlog=BACKLOG)
        listener = TlsListener(bound)

        def make_connection() -> PatientProtocol:
            connection = self._make_connection()
            connection.on_made = listener.note_begun
            return connection

        return await loop.create_server(
            make_connection,
            sock=listener,
            backlog=BACKLOG,
            ssl=self._tls,
            ssl_handshake_timeout=_HANDSHAKE_S,
            ssl_shutdown_timeout=_CLOSE_S,
        )

    def _make_connection(self) -> PatientProtocol:
        return PatientProtocol(self.config, self.server_state, self.lifespan.state)


def _configure(application: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # uvicorn would believe every program of this machine whom it names as the sender
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_STOP_S,
    )
