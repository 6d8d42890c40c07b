# SPDX-License-Identifier: Apache-2.0
"""Server-sent events: what is written to the file, as it is written.

A stream keeps a position and nothing else. Once a second at most it asks whether the file has changed, and only then
reads what was written since, in a transaction that ends before anything is sent: no reader is open while it waits. The
id of each event is the position after it, so a client that comes back with `Last-Event-ID` goes on where it was.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from http import HTTPStatus

from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import AppStatus
from starlette.responses import Response

from otel_sqlite_exporter.query.changes.written_since import Position, WrittenRecords, read_changes, read_position
from otel_sqlite_exporter.server.api.api_answers import encode_json
from otel_sqlite_exporter.server.api.api_backend import ApiBackend
from otel_sqlite_exporter.server.api.api_problems import Problem, describe_problem

MOST_STREAMS = 32
"""The most streams that are open at once."""
_INTERVAL_S = 1.0
_LOOK_S = 0.1
"""How soon a stream ends when the server stops."""
_PING_S = 15


AppStatus.enable_automatic_graceful_drain = False  # it would cut streams, which end by themselves when the server stops


class ChangeStreams:
    """The open streams of one server."""

    def __init__(self, backend: ApiBackend) -> None:
        self._backend = backend
        self._open = 0

    async def open(self, last_event_id: str | None) -> Response:
        """Return a stream of what is written from now on, or since the event with this id.

        Raises:
            FilterError: There is no event with this id.
        """
        if self._open >= MOST_STREAMS:
            detail = f"{MOST_STREAMS} streams are open, which is the most: close one, or ask again later"
            headers = {"Retry-After": "10"}
            return Problem("busy", HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers).respond()
        is_new = last_event_id is None
        if last_event_id is None:
            since = await self._backend.run(self._backend.file.read, read_position)
        else:
            since = Position.decode(last_event_id)
        self._open += 1
        return _CountedResponse(self, self._send(since, is_new), ping=_PING_S)

    def close_one(self) -> None:
        """Note that a stream has ended."""
        self._open -= 1

    async def _send(self, position: Position, is_new: bool) -> AsyncIterator[ServerSentEvent]:
        if is_new:
            yield ServerSentEvent("{}", event="ready", id=position.encode())
        state = ""
        while not self._backend.context.stopping.is_set():
            began = time.monotonic()
            try:
                found, changes = await self._backend.run(self._read, state, position)
            except Exception as error:
                problem = describe_problem(error)
                yield ServerSentEvent(encode_json(problem.to_dict()).decode(), event="problem")
                return
            state = found
            if changes is not None:
                position = changes.position
                if changes:
                    yield _describe(changes)
            await self._wait(began + _INTERVAL_S)

    def _read(self, state: str, position: Position) -> tuple[str, WrittenRecords | None]:
        """Return the state of the file, and what was written if it is another than `state`."""
        found = self._backend.state.read()
        return found, None if found == state else self._backend.file.read(read_changes, position)

    async def _wait(self, until: float) -> None:
        while not self._backend.context.stopping.is_set() and (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, _LOOK_S))


class _CountedResponse(EventSourceResponse):
    """A stream that is counted as long as it is sent."""

    def __init__(self, streams: ChangeStreams, events: AsyncIterator[ServerSentEvent], *, ping: int) -> None:
        super().__init__(events, ping=ping)
        self._streams = streams

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        """Send the stream until one side ends it."""
        try:
            await super().__call__(scope, receive, send)  # type: ignore[arg-type]
        finally:
            self._streams.close_one()


def _describe(changes: WrittenRecords) -> ServerSentEvent:
    id = changes.position.encode()
    if changes.is_lost:
        detail = "rows were deleted, so what was written since is not known: read again what you show"
        return ServerSentEvent(encode_json({"detail": detail}).decode(), event="reset", id=id)
    return ServerSentEvent(encode_json(changes.to_dict()).decode(), event="changes", id=id)
