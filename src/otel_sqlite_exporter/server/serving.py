# SPDX-License-Identifier: Apache-2.0
"""Runs a server: binds its ports, puts its parts together, and stops so that nothing that was taken is lost."""

from __future__ import annotations

import os
import sqlite3
import ssl
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from otel_sqlite_exporter.error_texts import explain_error
from otel_sqlite_exporter.errors import SQLiteExporterError
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.receive.receiver import Receiver
from otel_sqlite_exporter.server.access.access_middleware import AccessMiddleware
from otel_sqlite_exporter.server.access.access_policy import AccessPolicy, make_policy
from otel_sqlite_exporter.server.application import make_application
from otel_sqlite_exporter.server.health_checks import find_obstacle
from otel_sqlite_exporter.server.request_intake import RequestIntake
from otel_sqlite_exporter.server.running.http_server import HttpServer
from otel_sqlite_exporter.server.running.listening import LOOPBACK, Listeners, listen
from otel_sqlite_exporter.server.serve_options import ServeOptions, load_parts
from otel_sqlite_exporter.server.server_context import ServerContext
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.storage.identity import identify_file
from otel_sqlite_exporter.storage.migrations import prepare_file
from otel_sqlite_exporter.storage.running_reads import interrupt_reads

if TYPE_CHECKING:
    from otel_sqlite_exporter.server.otlp_grpc import GrpcFront

_LOOK_MS = 1_000
_LAST_READS_S = 1.0
_TICK_S = 0.05


class TelemetryServer:
    """A server that is bound and not yet running. `base_urls` are its addresses, `grpc_addresses` those of gRPC,
    `paths` where its parts are, `made` what was made for the file, and `warnings` says in a sentence each what is
    not as it could be.

    Raises:
        ConfigurationError: A port is taken or not allowed, a host is not one of this machine, or an address that other
            machines reach has no tokens or no TLS.
        FileRefusedError: The file is damaged, or of another program.
        MissingPackageError: gRPC or tools were asked for, and their package is not installed.
        sqlite3.Error, OSError: The file cannot be read.
    """

    def __init__(self, settings: Settings, options: ServeOptions) -> None:
        has_grpc, parts = options.is_grpc_on(), load_parts(options)
        self._policy = options.policy or make_policy(options.hosts or LOOPBACK, token_file=f"{settings.path}-tokens")
        tls = _make_tls(self._policy)
        identify_file(settings.path, busy_timeout_ms=_LOOK_MS)
        self._listeners = listen(options.hosts, options.port, "--port")
        scheme = "http" if tls is None else "https"
        self.base_urls = tuple(f"{scheme}://{address}" for address in self._listeners.addresses)
        self.grpc_addresses: tuple[str, ...] = ()
        try:
            if has_grpc:
                self.grpc_addresses = _find_addresses(options)
            self.made, warnings = _make_file(settings) if options.has_receiver else ("", ())
            self._receiver: Receiver | None = None
            self._intake: RequestIntake | None = None
            if options.has_receiver:
                self._receiver = Receiver(settings, waiting_bytes=options.limits.waiting_bytes)
                self._intake = RequestIntake(self._receiver, settings.path, options.limits)
        except BaseException:
            self._listeners.close()
            raise
        self.warnings = (*self._policy.warnings, *warnings, *self._listeners.warnings)
        self._front: GrpcFront | None = None
        self._is_closed = threading.Event()
        self._announce: Callable[[], None] = lambda: None
        self._announce_stop: Callable[[], None] = lambda: None
        self.paths = tuple(parts)
        self._context = ServerContext(
            settings, TelemetryDatabase(settings.path), self._receiver, self.base_urls, self._intake, self.paths
        )
        application = make_application(self._context, [*parts.values()], self._guard)
        self._server = HttpServer(application, tls, self)

    def _guard(self, application: ASGIApp) -> ASGIApp:
        return AccessMiddleware(application, self._policy)

    @property
    def port(self) -> int:
        """The port of HTTP."""
        return int(self.base_urls[0].rpartition(":")[2])

    def run(
        self, announce: Callable[[], None] = lambda: None, announce_stop: Callable[[], None] = lambda: None
    ) -> None:
        """Serve until SIGTERM, SIGINT or `stop`; `announce` is called once requests are taken. Then call
        `announce_stop`, take no more requests, answer those that were taken, write what waits, and close the file."""
        self._announce, self._announce_stop = announce, announce_stop
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

    def is_stopping(self) -> bool:
        """Return whether the server ends, or has ended."""
        return self._server.should_exit

    def leave_to_parent(self) -> None:
        """Close the sockets of a process that was forked while the server ran: it is the parent that serves."""
        self._listeners.close()

    async def start_beside(self) -> None:
        """Start gRPC on the running event loop."""
        if self.grpc_addresses and self._intake is not None:
            from otel_sqlite_exporter.server.otlp_grpc import GrpcFront

            self._front = GrpcFront(self._intake, self.grpc_addresses, self._policy)
            await self._front.start()
        self._announce()

    def begin_stop(self) -> None:
        """Give bodies, questions and tools a last second, and let streams of events end."""
        self._context.stopping.set()
        self._announce_stop()
        threading.Thread(target=self._end_reads, name="end of reads", daemon=True).start()
        for part in self._context.at_stop:
            part()
        if self._intake is not None:
            self._intake.stop()

    async def stop_beside(self) -> None:
        """Stop gRPC."""
        if self._front is not None:
            await self._front.stop()

    def close(self) -> None:
        """Write what waits, and close the file and the sockets. Calling it again does nothing."""
        self._listeners.close()
        receiver, self._receiver = self._receiver, None
        if self._intake is not None:
            self._intake.close()
        if receiver is not None:
            receiver.close()
        self._is_closed.set()

    def _end_reads(self) -> None:
        """Interrupt what is read, and end the statements that run, for longer than a second from now."""
        self._is_closed.wait(_LAST_READS_S)
        while interrupt_reads(self._context.database.path) or not self._is_closed.is_set():
            time.sleep(_TICK_S)


def _make_file(settings: Settings) -> tuple[str, tuple[str, ...]]:
    """Make the file where there is none, so that it can be read before the first request. Return what was made in
    words, or nothing; and in a sentence each why it cannot be written."""
    obstacle = find_obstacle(settings, is_written=True)
    made = ""
    if obstacle is None:
        try:
            made = "" if identify_file(settings.path, busy_timeout_ms=_LOOK_MS)[1] else _name_new(settings.path)
            if made:
                prepare_file(settings.path, settings.auto_migrate, busy_timeout_ms=settings.busy_timeout_ms)
        except SQLiteExporterError as error:
            made, obstacle = "", str(error)
        except (sqlite3.Error, OSError) as error:
            made, obstacle = "", f"{settings.path} cannot be made: {explain_error(error)}"
    if obstacle is None:
        return made, ()
    said = f"what is sent is answered with 503 until this is mended, and what is stored can be read: {obstacle}"
    return made, (said,)


def _name_new(path: str) -> str:
    folder = os.path.dirname(os.path.realpath(path))
    return "a new file" if os.path.isdir(folder) else "a new file in a new folder"


def _find_addresses(options: ServeOptions) -> tuple[str, ...]:
    """Return the addresses for gRPC, which binds them itself, once they were bound here: it says nothing of value."""
    listeners: Listeners = listen(options.hosts, options.grpc_port, "--grpc-port")
    listeners.close()
    return listeners.addresses


def _make_tls(policy: AccessPolicy) -> ssl.SSLContext | None:
    if policy.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # TLS 1.2 at least
    context.load_cert_chain(policy.tls_cert, policy.tls_key)
    return context
