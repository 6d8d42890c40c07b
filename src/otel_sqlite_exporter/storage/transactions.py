# SPDX-License-Identifier: Apache-2.0
"""Transactions that write."""

from __future__ import annotations

import sqlite3
from types import TracebackType

from otel_sqlite_exporter.storage.deadline import bound_waits


class Transaction:
    """A transaction that writes: committed at the end, rolled back where something is raised.

    No generator: where an exception of a signal handler comes as its caller enters or leaves the block, a generator
    rolls back when it is collected as garbage, which may be in the middle of the next transaction."""

    def __init__(self, connection: sqlite3.Connection, begin: str) -> None:
        self._connection = connection
        self._begin = begin
        self._is_ending = False

    def __enter__(self) -> None:
        """Begin. Where an exception comes right after that, the user of the connection is to roll back."""
        bound_waits(self._connection)
        self._connection.execute(self._begin)

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
