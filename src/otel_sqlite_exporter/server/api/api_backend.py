# SPDX-License-Identifier: Apache-2.0
"""What the answers of the API are made of: the file, and the threads that read it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from otel_sqlite_exporter.query.changes.file_state import FileState
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.query.skeletons.trace_skeleton import TraceSkeleton
from otel_sqlite_exporter.server.api.api_problems import Problem, ProblemError
from otel_sqlite_exporter.server.server_context import ServerContext
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.storage.running_reads import reading_for

_T = TypeVar("_T")
Arguments = Mapping[str, Any]
_RETRY_AFTER_S = "5"
_LONGEST_WAIT_S = 5.0
_LONGEST_READ_S = 15.0


class _ReadingThreads:
    """Threads for one kind of work: how many, and how long what is asked may take on one, in seconds."""

    def __init__(self, context: ServerContext, most: int, longest_s: float = math.inf) -> None:
        self._stopping = context.stopping
        self._limiter = anyio.CapacityLimiter(most)
        self._unbounded = anyio.CapacityLimiter(math.inf)
        self._longest_s = longest_s

    async def run(self, work: Callable[..., _T], *arguments: Any, longest_wait_s: float) -> _T:
        """Return `work(*arguments)` from a thread.

        Raises:
            ProblemError: None is free within `longest_wait_s`, or it failed because the server stops.
        """
        place = object()
        try:
            with anyio.fail_after(longest_wait_s):
                await self._limiter.acquire_on_behalf_of(place)
        except TimeoutError:
            detail = f"all threads for this have been at work for {longest_wait_s:g} s: ask again later, or for less"
            raise _make_busy(detail) from None
        try:
            return await anyio.to_thread.run_sync(self._work, work, *arguments, limiter=self._unbounded)
        except Exception as error:
            if not self._stopping.is_set():
                raise
            raise _make_busy("the server stops: ask again") from error
        finally:
            self._limiter.release_on_behalf_of(place)

    def _work(self, work: Callable[..., _T], *arguments: Any) -> _T:
        if self._longest_s == math.inf:
            return work(*arguments)
        with reading_for(self._longest_s):
            return work(*arguments)


def _make_busy(detail: str) -> ProblemError:
    return ProblemError(
        Problem("busy", HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": _RETRY_AFTER_S})
    )


class ApiBackend:
    """Reads the file of one server. Statements of users and exports have threads of their own, so that slow ones keep
    nothing else waiting."""

    def __init__(self, context: ServerContext) -> None:
        self.context = context
        self.settings: Settings = context.settings
        self.database: TelemetryDatabase = context.database
        self.file = TelemetryFile(context.database.path, context.settings.busy_timeout_ms)
        self.state = FileState(self.file)
        self._skeletons = context.skeletons
        self._readers = _ReadingThreads(context, 6, _LONGEST_READ_S)
        self._statements = _ReadingThreads(context, 2)  # with a deadline of their own
        self._exports = _ReadingThreads(context, 2)
        self._writers = _ReadingThreads(context, 1)

    @property
    def may_write(self) -> bool:
        """Whether what people say of sessions and traces is written: only where the server receives."""
        return self.context.receiver is not None

    def read_skeleton(self, prefix: str) -> TraceSkeleton:
        """Return the skeleton of the trace whose id begins with `prefix`.

        Raises:
            NotFoundError: There is no such trace, or the prefix is not unique.
        """
        return self._skeletons.read(self.file, self.state, prefix)

    async def run(self, work: Callable[..., _T], *arguments: Any) -> _T:
        """Return `work(*arguments)`, which reads the file, from a thread.

        Raises:
            ReadTooLongError: It takes longer than 15 s.
            ProblemError: All threads are busy for 5 s, or the server stops.
        """
        return await self._readers.run(work, *arguments, longest_wait_s=_LONGEST_WAIT_S)

    async def run_statement(self, work: Callable[..., _T], *arguments: Any) -> _T:
        """Return `work(*arguments)`, which runs a statement of a user, from a thread.

        Raises:
            ProblemError: All threads are busy for 5 s.
        """
        return await self._statements.run(work, *arguments, longest_wait_s=_LONGEST_WAIT_S)

    async def run_writing(self, work: Callable[..., _T], *arguments: Any) -> _T:
        """Return `work(*arguments)`, which writes to the file, from a thread: it waits for other writers up to the busy
        timeout.

        Raises:
            ProblemError: The thread is busy for 5 s.
        """
        return await self._writers.run(work, *arguments, longest_wait_s=_LONGEST_WAIT_S)

    async def run_export(self, work: Callable[..., _T], *arguments: Any) -> _T:
        """Return `work(*arguments)`, which reads a piece of an export, from a thread, however long that takes."""
        return await self._exports.run(work, *arguments, longest_wait_s=math.inf)
