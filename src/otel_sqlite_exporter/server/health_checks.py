# SPDX-License-Identifier: Apache-2.0
"""`/livez`: the process lives. `/readyz`: the file can be read, and written if the receiver is on."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from otel_sqlite_exporter.error_texts import explain_error
from otel_sqlite_exporter.errors import SQLiteExporterError
from otel_sqlite_exporter.server.server_context import ServerContext
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.storage.connection import open_writer
from otel_sqlite_exporter.storage.identity import find_version, identify_file
from otel_sqlite_exporter.storage.migrations import check_upgrade
from otel_sqlite_exporter.storage.transactions import transaction

_TIMEOUT_MS = 1_000
_KEPT_S = 1.0
"""How long an answer of `/readyz` is given again: anybody may ask, and each look opens the file."""


def make_routes(context: ServerContext) -> list[BaseRoute]:
    """Return both routes."""
    readiness = _Readiness(context)
    return [Route("/livez", _say_alive), Route("/readyz", readiness.answer)]


def find_obstacle(settings: Settings, *, is_written: bool) -> str | None:
    """Return in one sentence why the file cannot be read, or written if it is to be; None: it can. A file that is
    missing can be created, if its folder allows that. Changes nothing."""
    try:
        kind, _ = identify_file(settings.path, busy_timeout_ms=_TIMEOUT_MS)
        if not is_written:
            find_version(settings.path, busy_timeout_ms=_TIMEOUT_MS)
        elif kind == "missing":
            return _check_folder(os.path.dirname(os.path.realpath(settings.path)))
        else:
            check_upgrade(settings.path, settings.auto_migrate, busy_timeout_ms=_TIMEOUT_MS)
            with (
                closing(open_writer(settings.path, busy_timeout_ms=_TIMEOUT_MS)) as connection,
                transaction(connection),
            ):
                pass
    except SQLiteExporterError as error:
        return str(error)
    except (sqlite3.Error, OSError) as error:
        return f"{settings.path} cannot be {'written' if is_written else 'read'}: {explain_error(error)}"
    return None


def _check_folder(folder: str) -> str | None:
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    is_writable = os.access(folder, os.W_OK | os.X_OK)
    return None if is_writable else f"{folder} cannot be written: give the path of a file elsewhere"


async def _say_alive(request: Request) -> Response:
    return PlainTextResponse("alive\n")


class _Readiness:
    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._limiter = anyio.CapacityLimiter(1)
        self._until = 0.0
        self._obstacle: str | None = None

    async def answer(self, request: Request) -> Response:
        obstacle = await anyio.to_thread.run_sync(self._find, limiter=self._limiter)
        return PlainTextResponse(f"{obstacle or 'ready'}\n", status_code=503 if obstacle else 200)

    def _find(self) -> str | None:
        if time.monotonic() >= self._until:
            self._obstacle = find_obstacle(self._context.settings, is_written=self._context.receiver is not None)
            self._until = time.monotonic() + _KEPT_S
        return self._obstacle
