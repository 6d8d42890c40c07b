# SPDX-License-Identifier: Apache-2.0
"""The requests that wait to be written: bounded in bytes, and shared out fairly among those who send.

A client may have as many bytes here as are left for all (Choudhury and Hahne, "Dynamic queue length thresholds for
shared-memory packet switches", 1998): alone it has half of the room, and of n busy ones each has the n+1st part. So
there is always room for one that has just come. They are taken in turns, one request of each.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from concurrent.futures import Future
from typing import NamedTuple

from otel_sqlite_exporter.receive.requests import ExportAnswer, ReceivedRequest

_OVERHEAD_BYTES = 1_024
"""What a request takes besides its body, so that empty ones are bounded too."""


class WaitingRequest(NamedTuple):
    """A request, and what will hold its answer."""

    request: ReceivedRequest
    answer: Future[ExportAnswer]

    @property
    def size_bytes(self) -> int:
        """How much room it takes."""
        return len(self.request.body) + _OVERHEAD_BYTES


class WaitingRequests:
    """A queue for several threads that put requests in, and one that takes them."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._changed = threading.Condition()
        self._clients: OrderedDict[str, deque[WaitingRequest]] = OrderedDict()
        self._client_bytes: dict[str, int] = {}
        self.held_bytes = 0
        self.is_closed = False

    @property
    def is_done(self) -> bool:
        """Whether it is closed and empty."""
        return self.is_closed and not self._clients

    def put(self, one: WaitingRequest) -> bool:
        """Add a request; return False if there is no room for it, or the queue is closed."""
        client, size = one.request.client, one.size_bytes
        with self._changed:
            own = self._client_bytes.get(client, 0)
            if self.is_closed or (self.held_bytes and own + size > self._limit_bytes - self.held_bytes):
                return False
            self._clients.setdefault(client, deque()).append(one)
            self._client_bytes[client] = own + size
            self.held_bytes += size
            self._changed.notify()
        return True

    def take(self, timeout_s: float | None, *, most_bytes: float = math.inf) -> WaitingRequest | None:
        """Return the next request, whose room is kept until `release`; None if none came within `timeout_s` seconds
        (None: until one comes), it has more than `most_bytes`, or the queue is closed and empty."""
        with self._changed:
            if not self._clients and not self.is_closed and timeout_s != 0:
                self._changed.wait_for(lambda: self._clients or self.is_closed, timeout_s)
            if not self._clients:
                return None
            client = next(iter(self._clients))
            waiting = self._clients[client]
            if waiting[0].size_bytes > most_bytes:
                return None
            if len(waiting) > 1:
                self._clients.move_to_end(client)
            else:
                del self._clients[client]
            return waiting.popleft()

    def release(self, one: WaitingRequest) -> None:
        """Give back the room of a request that was taken."""
        client, size = one.request.client, one.size_bytes
        with self._changed:
            self.held_bytes -= size
            self._client_bytes[client] -= size
            if not self._client_bytes[client]:
                del self._client_bytes[client]

    def close(self) -> None:
        """Take no more requests. Those that wait can still be taken."""
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()
