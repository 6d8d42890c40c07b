# SPDX-License-Identifier: Apache-2.0
"""uvicorn's connection, with an end to waits that uvicorn lacks: for headers, for the rest of a body that nobody reads
any more, and for a client that does not take its answer; and with a bound on connections, which a client that keeps
many of them open cannot use up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from otel_sqlite_exporter.server.running.busy_answers import answer_busy

_HEADERS_S = 10.0
_ANSWER_S = 60.0
_UNREAD_BYTES = 64 << 20
_MOST_CONNECTIONS = 400
"""Beyond these, a new connection takes the place of the one that has been without a request longest. If all have one
it is answered with 503, and beyond twice as many it is closed. Many systems allow a process 1,024 open files."""


class PatientProtocol(H11Protocol):
    """One connection. A request must have its headers `_HEADERS_S` after its first byte, or after the connection was
    made."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._free_since = 0.0
        self.on_made: Callable[[Any], None] = lambda address: None
        self._headers_timer: asyncio.TimerHandle | None = None
        self._answer_timer: asyncio.TimerHandle | None = None
        self._unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for it if there are too many."""
        super().connection_made(transport)
        self.on_made(transport.get_extra_info("peername"))
        self._free_since = self.loop.time()
        if len(self.connections) > _MOST_CONNECTIONS and not self._displace():
            if len(self.connections) > 2 * _MOST_CONNECTIONS:
                transport.abort()
            self.app = answer_busy
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
        self._free_since = self.loop.time()

    def pause_writing(self) -> None:
        """Give the client a time to take what waits for it."""
        super().pause_writing()
        self._answer_timer = self.loop.call_later(_ANSWER_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: it took it."""
        self._answer_timer = _cancelled(self._answer_timer)
        super().resume_writing()

    def _displace(self) -> bool:
        """Close the connection that has been without a request longest, as a server may at any time (RFC 9112, 9.5);
        return whether there was one."""
        others = (one for one in self.connections if isinstance(one, PatientProtocol) and one is not self)
        longest = min((one for one in others if one._is_free()), key=lambda one: one._free_since, default=None)
        if longest is not None:
            longest.transport.close()
        return longest is not None

    def _is_free(self) -> bool:
        return not (self._is_in_hand() or self.transport.is_closing())

    def _is_in_hand(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _is_unread(self) -> bool:
        return self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY

    def _watch(self) -> None:
        """Run the timer while nobody has a request of this connection in hand."""
        if self._is_in_hand() or self.transport.is_closing():
            self._headers_timer = _cancelled(self._headers_timer)
        elif self._headers_timer is None:
            self._headers_timer = self.loop.call_later(_HEADERS_S, self.transport.abort)


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    if timer is not None:
        timer.cancel()
    return None
