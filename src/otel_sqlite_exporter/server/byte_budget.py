# SPDX-License-Identifier: Apache-2.0
"""How many bytes of bodies may be in memory at once, shared among clients so that none takes all of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from otel_sqlite_exporter.server.request_refusals import BUSY, RequestRefusedError

_RETRY_AFTER_S = 1


class _Client:
    def __init__(self) -> None:
        self.requests = 0
        self.bytes = 0
        self.turn = asyncio.Semaphore(1)


class Reservation:
    """What one request holds of a budget. `turn` lets one request of its client at a time do its work."""

    def __init__(self, budget: ByteBudget, client: _Client) -> None:
        self._budget = budget
        self._client = client
        self.bytes = 0
        self.turn = client.turn

    def add(self, size: int) -> None:
        """Reserve `size` more bytes. Any thread may call it.

        Raises:
            RequestRefusedError: There is no room.
        """
        self._budget.take(self._client, size)
        self.bytes += size


class ByteBudget:
    """A number of bytes. A client may take as many as it leaves free for others: one alone has half, two have a third
    each, and a third is left. (The dynamic threshold of Choudhury and Hahne, 1998, for the buffers of a switch.)"""

    def __init__(self, size: int) -> None:
        self._free = size
        self._lock = threading.Lock()
        self._clients: dict[str, _Client] = {}

    @contextmanager
    def reserve(self, name: str) -> Iterator[Reservation]:
        """Give a request of the client `name` a reservation, which ends with the block."""
        client = self._clients.setdefault(name, _Client())
        client.requests += 1
        reservation = Reservation(self, client)
        try:
            yield reservation
        finally:
            self.take(client, -reservation.bytes)
            client.requests -= 1
            if not client.requests:
                del self._clients[name]

    def take(self, client: _Client, size: int) -> None:
        """Take `size` bytes for a client, or give them back if it is negative.

        Raises:
            RequestRefusedError: There is no room.
        """
        with self._lock:
            if size > 0 and client.bytes + size > self._free - size:
                raise RequestRefusedError(
                    BUSY, "too many bodies are being read: send this request again", _RETRY_AFTER_S
                )
            client.bytes += size
            self._free -= size
