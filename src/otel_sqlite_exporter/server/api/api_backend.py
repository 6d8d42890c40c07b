# SPDX-License-Identifier: Apache-2.0
"""What the answers of the API are made of: the file, and the threads that read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from otel_sqlite_exporter.query.changes.file_state import FileState
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.server.api.api_problems import Problem, ProblemError
from otel_sqlite_exporter.server.server_context import ServerContext
from otel_sqlite_exporter.settings import Settings

_T = TypeVar("_T")
Arguments = Mapping[str, Any]
_READERS = 6
_STATEMENTS = 2
_RETRY_AFTER_S = "5"


class ApiBackend:
    """Reads the file of one server. Statements of users have threads of their own, so that slow ones keep nothing else
    waiting."""

    def __init__(self, context: ServerContext) -> None:
        self.context = context
        self.settings: Settings = context.settings
        self.database: TelemetryDatabase = context.database
        self.file = TelemetryFile(context.database.path, context.settings.busy_timeout_ms)
        self.state = FileState(self.file)
        self._readers = anyio.CapacityLimiter(_READERS)
        self._statements = anyio.CapacityLimiter(_STATEMENTS)

    async def run(self, work: Callable[..., _T], *arguments: Any, is_statement: bool = False) -> _T:
        """Return `work(*arguments)`, which reads the file, from a thread.

        Raises:
            ProblemError: It failed because the server stops; else what `work` raises.
        """
        limiter = self._statements if is_statement else self._readers
        try:
            return await anyio.to_thread.run_sync(work, *arguments, limiter=limiter)
        except Exception as error:
            if not self.context.stopping.is_set():
                raise
            detail, headers = "the server stops: ask again", {"Retry-After": _RETRY_AFTER_S}
            raise ProblemError(Problem("busy", HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers)) from error
