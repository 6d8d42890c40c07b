# SPDX-License-Identifier: Apache-2.0
"""Runs a server: binds its ports, puts its parts together, and stops so that nothing that was taken is lost."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

import uvicorn

from otel_sqlite_exporter.errors import MissingPackageError
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.receive.receiver import Receiver
from otel_sqlite_exporter.server import health_checks, mcp_mount, otlp_http
from otel_sqlite_exporter.server.access.access_middleware import AccessMiddleware
from otel_sqlite_exporter.server.access.access_policy import AccessPolicy
from otel_sqlite_exporter.server.access.tokens import TokenFile
from otel_sqlite_exporter.server.api import api_routes
from otel_sqlite_exporter.server.application import ServerPart, make_application
from otel_sqlite_exporter.server.health_checks import find_obstacle
from otel_sqlite_exporter.server.listening import Listeners, listen
from otel_sqlite_exporter.server.patient_protocol import MOST_CONNECTIONS, PatientProtocol
from otel_sqlite_exporter.server.prometheus import metrics_page
from otel_sqlite_exporter.server.request_intake import RequestIntake, RequestLimits
from otel_sqlite_exporter.server.server_context import ServerContext
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.storage.identity import identify_file

if TYPE_CHECKING:
    from otel_sqlite_exporter.server.otlp_grpc import GrpcFront

_KEEP_ALIVE_S = 65  # SDKs send metrics each minute
_STOP_S = 5
_LOOK_MS = 1_000


class ServeOptions(NamedTuple):
    """What a server does, and where.

    Attributes:
        hosts: Names or addresses to listen on; none means both loopback addresses.
        port: The port of HTTP; 0 means any.
        grpc_port: The port of gRPC; 0 means any.
        has_receiver: Whether OTLP is received.
        has_grpc: Whether it is received over gRPC too; None: if grpcio is installed.
        limits: What one request may cost.
        policy: Who may do what; None: whoever is on this machine may do all.
    """

    hosts: tuple[str, ...] = ()
    port: int = 4318
    grpc_port: int = 4317
    has_receiver: bool = True
    has_grpc: bool | None = None
    limits: RequestLimits = RequestLimits()
    policy: AccessPolicy | None = None


class TelemetryServer:
    """A server that is bound and not yet running. `base_urls` are its addresses, `grpc_addresses` those of gRPC, and
    `warnings` says in a sentence each what is not as it could be.

    Raises:
        ConfigurationError: A port is taken or not allowed, or a host is not one of this machine.
        FileRefusedError: The file is damaged, or of another program.
        MissingPackageError: gRPC was asked for, and grpcio is not installed.
        sqlite3.Error, OSError: The file cannot be read.
    """

    def __init__(self, settings: Settings, options: ServeOptions) -> None:
        has_grpc = _is_grpc_on(options)
        policy = options.policy or AccessPolicy(TokenFile(f"{settings.path}-tokens"))
        warnings = [*policy.warnings, *_check_file(settings, options)]
        self._listeners = listen(options.hosts, options.port, "--port")
        scheme = "https" if policy.is_secure else "http"
        self.base_urls = tuple(f"{scheme}://{address}" for address in self._listeners.addresses)
        self.grpc_addresses: tuple[str, ...] = ()
        try:
            if has_grpc:
                self.grpc_addresses = _find_addresses(options)
            self._receiver: Receiver | None = None
            self._intake: RequestIntake | None = None
            if options.has_receiver:
                self._receiver = Receiver(settings, waiting_bytes=options.limits.waiting_bytes)
                self._intake = RequestIntake(self._receiver, settings.path, options.limits)
        except BaseException:
            self._listeners.close()
            raise
        self.warnings = (*warnings, *self._listeners.warnings)
        self._context = ServerContext(
            settings, TelemetryDatabase(settings.path), self._receiver, self.base_urls, self._intake
        )
        self._policy = policy
        self._server = _Server(_configure(self._context, options, policy), self)

    @property
    def port(self) -> int:
        """The port of HTTP."""
        return int(self.base_urls[0].rpartition(":")[2])

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT or `stop`. Then take no more requests, answer those that were taken, write what
        waits, and close the file."""
        try:
            self._server.run(sockets=list(self._listeners.sockets))
        finally:
            self.close()

    def stop(self) -> None:
        """Let `run` end. Any thread may call it."""
        self._server.should_exit = True

    def wait_until_started(self, timeout_s: float) -> bool:
        """Return whether `run` accepts requests, or will not any more, within that time."""
        return self._server.has_started.wait(timeout_s)

    async def start_fronts(self) -> GrpcFront | None:
        """Start what serves beside HTTP, on the running event loop."""
        if not self.grpc_addresses or self._intake is None:
            return None
        from otel_sqlite_exporter.server.otlp_grpc import GrpcFront

        front = GrpcFront(self._intake, self.grpc_addresses, self._policy)
        await front.start()
        return front

    def stop_intake(self) -> None:
        """Give bodies that are being read a last second, and let streams of events end."""
        self._context.stopping.set()
        if self._intake is not None:
            self._intake.stop()

    def close(self) -> None:
        """Write what waits, and close the file and the sockets. Calling it again does nothing."""
        self._listeners.close()
        receiver, self._receiver = self._receiver, None
        if self._intake is not None:
            self._intake.close()
        if receiver is not None:
            receiver.close()


class _Server(uvicorn.Server):
    """uvicorn's server with the fronts beside it. It takes a signal as the order to stop, and does not raise it again:
    the process is to end by itself, with what waited written."""

    def __init__(self, config: uvicorn.Config, owner: TelemetryServer) -> None:
        super().__init__(config)
        self._owner = owner
        self._front: GrpcFront | None = None
        self.has_started = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
            self._front = await self._owner.start_fronts()
        finally:
            self.has_started.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._owner.stop_intake()
        if self._front is not None:
            await asyncio.gather(self._front.stop(), super().shutdown(sockets))
        else:
            await super().shutdown(sockets)
        await asyncio.to_thread(self._owner.close)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _is_grpc_on(options: ServeOptions) -> bool:
    if not options.has_receiver or options.has_grpc is False:
        return False
    if find_spec("grpc") is not None:
        return True
    if options.has_grpc:
        raise MissingPackageError("gRPC needs grpcio: `pip install 'otel-sqlite-exporter[grpc]'`, or leave --grpc out")
    return False


def _check_file(settings: Settings, options: ServeOptions) -> Iterator[str]:
    """Raise why the file cannot be used at all, and yield in one sentence why it cannot be written."""
    identify_file(settings.path, busy_timeout_ms=_LOOK_MS)
    if options.has_receiver and (obstacle := find_obstacle(settings, is_written=True)) is not None:
        yield f"what is sent is answered with 503 until this is mended, and what is stored can be read: {obstacle}"


def _find_addresses(options: ServeOptions) -> tuple[str, ...]:
    """Return the addresses for gRPC, which binds them itself, once they were bound here: it says nothing of value."""
    listeners: Listeners = listen(options.hosts, options.grpc_port, "--grpc-port")
    listeners.close()
    return listeners.addresses


def _configure(context: ServerContext, options: ServeOptions, policy: AccessPolicy) -> uvicorn.Config:
    parts: list[ServerPart] = [health_checks, api_routes, metrics_page, mcp_mount]
    if options.has_receiver:
        parts.append(otlp_http)
    return uvicorn.Config(
        make_application(context, parts, lambda application: AccessMiddleware(application, policy)),
        loop="asyncio",
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        ssl_certfile=policy.tls_cert,
        ssl_keyfile=policy.tls_key,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # uvicorn would believe every program of this machine whom it names as the sender
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_STOP_S,
    )
