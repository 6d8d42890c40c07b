# SPDX-License-Identifier: Apache-2.0
"""uvicorn's connection, with an end to waits that uvicorn lacks: for headers, for the rest of a body that nobody reads
any more, and for a client that does not take its answer; and with a bound on connections."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_HEADERS_S = 10.0
_ANSWER_S = 60.0
_UNREAD_BYTES = 64 << 20
MOST_CONNECTIONS = 400
"""Beyond these, a connection is answered with 503 by uvicorn (`limit_concurrency`), and beyond twice as many it is
closed. Many systems allow a process 1,024 open files."""


class PatientProtocol(H11Protocol):
    """One connection. A request must have its headers `_HEADERS_S` after its first byte, or after the connection was
    made."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._headers_timer: asyncio.TimerHandle | None = None
        self._answer_timer: asyncio.TimerHandle | None = None
        self._unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Close it at once if there are too many."""
        super().connection_made(transport)
        if len(self.connections) > 2 * MOST_CONNECTIONS:
            transport.abort()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """End what waits for it."""
        self._headers_timer = _cancelled(self._headers_timer)
        self._answer_timer = _cancelled(self._answer_timer)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; not for good if nobody reads them: an answer was sent before the end of its request."""
        super().data_received(data)
        self._unread = self._unread + len(data) if self._is_unread() else 0
        if self._unread > _UNREAD_BYTES:
            self.transport.abort()
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the rest of a request that is answered already; uvicorn waits for the next one."""
        super().on_response_complete()
        if self._is_unread():
            self._watch()

    def pause_writing(self) -> None:
        """Give the client a time to take what waits for it."""
        super().pause_writing()
        self._answer_timer = self.loop.call_later(_ANSWER_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: it took it."""
        self._answer_timer = _cancelled(self._answer_timer)
        super().resume_writing()

    def _is_unread(self) -> bool:
        return self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY

    def _watch(self) -> None:
        """Run the timer while nobody has a request of this connection in hand."""
        is_in_hand = self.cycle is not None and not self.cycle.response_complete
        if is_in_hand or self.transport.is_closing():
            self._headers_timer = _cancelled(self._headers_timer)
        elif self._headers_timer is None:
            self._headers_timer = self.loop.call_later(_HEADERS_S, self.transport.abort)


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    if timer is not None:
        timer.cancel()
    return None
