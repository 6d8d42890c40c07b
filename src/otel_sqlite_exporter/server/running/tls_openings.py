# SPDX-License-Identifier: Apache-2.0
"""Bounds the connections that have not begun TLS yet. asyncio tells a server of one only when it has, so clients that
connect and say nothing would take all open files of the process."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

_MOST = 200


class TlsListener(socket.socket):
    """A listening socket. Beyond `_MOST` connections that have not begun TLS, a new one ends the oldest of them."""

    def __init__(self, bound: socket.socket) -> None:
        """Takes over `bound`."""
        super().__init__(bound.family, bound.type, bound.proto, fileno=bound.detach())
        self._opening: dict[Any, socket.socket] = {}

    def accept(self) -> tuple[socket.socket, Any]:
        """Return a connection and its address."""
        connection, address = super().accept()
        self._opening[address] = connection
        if len(self._opening) > _MOST:
            self._opening = {key: one for key, one in self._opening.items() if one.fileno() >= 0}
        if len(self._opening) > _MOST:
            oldest = self._opening.pop(next(iter(self._opening)))
            with contextlib.suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)
        return connection, address

    def note_begun(self, address: Any) -> None:
        """Note that the connection from this address has begun TLS."""
        self._opening.pop(address, None)
