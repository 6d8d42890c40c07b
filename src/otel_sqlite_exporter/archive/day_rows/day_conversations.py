# SPDX-License-Identifier: Apache-2.0
"""Notes the conversations of the spans of a day beside the file, for the statements that read the day.

The view goes up from each span: that takes longer than all else that a row of the day takes.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from otel_sqlite_exporter.sql.texts import read_query

_readers = itertools.count()


class DayConversations:
    """The conversations of what the parameters of a query mean, noted when they are first asked for."""

    def __init__(self, connection: sqlite3.Connection, asked: Mapping[str, Any]) -> None:
        self._connection = connection
        self._asked = asked
        self._reader: int | None = None

    def note(self) -> int:
        """Return the number of this reader, by which queries find them."""
        if self._reader is None:
            self._reader = next(_readers)
            with allowing_temporary(self._connection):
                self._connection.execute(read_query("create_day_conversations"))
                self._connection.execute(read_query("fill_day_conversations"), {**self._asked, "reader": self._reader})
        return self._reader

    def close(self) -> None:
        """Forget them."""
        if self._reader is not None:
            with allowing_temporary(self._connection):
                self._connection.execute(read_query("forget_day_conversations"), {"reader": self._reader})


@contextmanager
def allowing_temporary(connection: sqlite3.Connection) -> Iterator[None]:
    """Let a connection that reads write temporary tables, which `query_only` forbids too. Each change of it lets SQLite
    prepare all statements again, so do it once for many."""
    is_read_only = connection.execute("PRAGMA query_only").fetchone()[0]
    if is_read_only:
        connection.execute("PRAGMA query_only = OFF")
    try:
        yield
    finally:
        if is_read_only:
            connection.execute("PRAGMA query_only = ON")
