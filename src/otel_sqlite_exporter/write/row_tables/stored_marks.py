# SPDX-License-Identifier: Apache-2.0
"""Pins and notes in the file. What was said last counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from otel_sqlite_exporter.model.mark_rows import MarkRow
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.row_tables.archive_notes import note_late


def add_marks(connection: sqlite3.Connection, marks: Iterable[MarkRow]) -> None:
    """Add marks in the caller's transaction, each unless something else was said of the same thing later."""
    for mark in marks:
        if connection.execute(read_query("set_mark"), mark._asdict()).rowcount > 0:
            note_late(connection, [mark.time_unix_nano])


def set_mark(connection: sqlite3.Connection, mark: MarkRow) -> None:
    """Set a mark in the caller's transaction, whatever was said before, also by a clock that is ahead."""
    row = connection.execute(read_query("get_mark_time"), mark._asdict()).fetchone()
    time = mark.time_unix_nano if row is None else max(mark.time_unix_nano, row[0] + 1)
    add_marks(connection, [mark._replace(time_unix_nano=time)])
