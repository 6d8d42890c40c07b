# SPDX-License-Identifier: Apache-2.0
"""How long one operation may wait for other writers, in all: SQLite counts each wait of a connection anew."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable


class Deadline:
    """The end of all waits of one operation, which takes several locks and opens several connections."""

    def __init__(self, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + timeout_s

    def left_s(self) -> float:
        """Return the seconds that are left, 0.0 when it has passed."""
        return max(0.0, self._end - self._clock())

    def left_ms(self) -> int:
        """Return the milliseconds that are left, 0 when it has passed."""
        return round(self.left_s() * 1000)

    def has_passed(self) -> bool:
        """Return whether nothing is left."""
        return self._clock() >= self._end


BusyTimeout = int | Deadline
"""Milliseconds for each wait (a command, whose user can stop it), or the end of all waits together (an export)."""


def timeout_ms(timeout: BusyTimeout) -> int:
    """Return how long the next wait may take, in milliseconds."""
    return timeout.left_ms() if isinstance(timeout, Deadline) else timeout


class BoundedConnection(sqlite3.Connection):
    """A connection whose waits end by a deadline, if it has one. Without a method of its own it costs nothing."""

    deadline: Deadline | None = None


def bound_waits(connection: sqlite3.Connection) -> None:
    """Let the next statement wait for a lock as long as the deadline of `connection` allows."""
    deadline = getattr(connection, "deadline", None)
    if deadline is not None:
        connection.execute(f"PRAGMA busy_timeout = {deadline.left_ms()}")
