# SPDX-License-Identifier: Apache-2.0
"""Transactions that write, and how long one operation may wait for them in all: SQLite counts each wait from zero."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from types import TracebackType


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


_POLL_S = 0.003
_PRIMARY_CODE = 0xFF
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


def is_lock(error: BaseException) -> bool:
    """Return whether others held the file for too long."""
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)


def _begin(connection: sqlite3.Connection, statement: str) -> None:
    """Begin a transaction. With a deadline the lock is asked for every few milliseconds: SQLite's own waits grow to 100
    ms, and writers that follow each other closely then keep the others out for seconds."""
    deadline = getattr(connection, "deadline", None)
    if deadline is None:
        connection.execute(statement)
        return
    connection.execute("PRAGMA busy_timeout = 0")
    while True:
        try:
            connection.execute(statement)
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY_CODE != sqlite3.SQLITE_BUSY or deadline.has_passed():
                raise
        time.sleep(min(_POLL_S, deadline.left_s()))
    bound_waits(connection)


class Transaction:
    """A transaction that writes: committed at the end, rolled back where something is raised.

    No generator: where an exception of a signal handler comes as its caller enters or leaves the block, a generator
    rolls back when it is collected as garbage, which may be in the middle of the next transaction."""

    def __init__(self, connection: sqlite3.Connection, begin: str) -> None:
        self._connection = connection
        self._statement = begin
        self._is_ending = False

    def __enter__(self) -> None:
        """Begin. Where an exception comes right after that, the user of the connection is to roll back."""
        _begin(self._connection, self._statement)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit, or roll back."""
        try:
            if error is None:
                self._is_ending = True
                self._connection.execute("COMMIT")
            else:
                roll_back(self._connection)
        except sqlite3.Error:
            self._is_ending = False
            roll_back(self._connection)
            raise

    def is_committed(self) -> bool:
        """Return whether the transaction is in the file, also where an exception came right after its end."""
        return self._is_ending and not self._connection.in_transaction


def transaction(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Transaction:
    """Return a transaction on `connection` that a `with` begins and ends."""
    return Transaction(connection, begin)


def roll_back(connection: sqlite3.Connection) -> None:
    """End a transaction that failed. A full disk and some I/O errors have ended it already."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
