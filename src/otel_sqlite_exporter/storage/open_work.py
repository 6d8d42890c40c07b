# SPDX-License-Identifier: Apache-2.0
"""Work that has not ended: the exporters that have open spans, and how a reader sees it as it is now.

A file shows open spans as they were when their process last wrote. A reader knows more: what time it is, and whether a
process of this machine is gone. It must not write to say so, nor wait for a process that does. So its connection gets
two temporary tables in place of what the views of the file read about runs, and temporary copies of these views, which
read them: SQLite takes a temporary name first. Every statement of the reader then shows, filters, sorts and counts by
what is true now. A file without open spans pays one look at an empty table.
"""

from __future__ import annotations

import json
import sqlite3
import time
from typing import NamedTuple

from otel_sqlite_exporter.sql.texts import read_query, split_statements
from otel_sqlite_exporter.storage.system.process import ProcessIdentity, is_alive

_COVERED = ("_open_runs", "_session_times")
"""The views of the file that temporary objects of the same names cover."""


class OpenRun(NamedTuple):
    """A run with open spans: its key, its process, the number of these spans, and when it last wrote."""

    id: int
    process: ProcessIdentity
    spans: int
    last_write_unix_nano: int


def find_open_runs(connection: sqlite3.Connection) -> list[OpenRun]:
    """Return the runs that have open spans."""
    rows = connection.execute(read_query("find_open_runs")).fetchall()
    return [OpenRun(id, ProcessIdentity(*process), spans, wrote) for id, *process, spans, wrote in rows]


def show_open_work(connection: sqlite3.Connection, moment: int | None = None) -> int | None:
    """Let all further statements of this connection, which reads, show open spans up to `moment` (nanoseconds since
    1970; None: now), and as interrupted if their process is gone from this machine. A process that cannot be checked
    shows what it last wrote. Return the moment, or None if the file has no open span.

    Called again in the same transaction, it changes the moment."""
    views = dict(connection.execute("SELECT name, sql FROM main.sqlite_schema WHERE type = 'view'").fetchall())
    if not views.keys() >= {*_COVERED}:
        return None  # an older file, or one without a schema
    if connection.execute("SELECT NOT EXISTS (SELECT 1 FROM _open_spans)").fetchone()[0]:
        return None
    moment = time.time_ns() if moment is None else moment
    runs = [_describe(run, moment) for run in find_open_runs(connection)]
    is_read_only = connection.execute("PRAGMA query_only").fetchone()[0]
    if is_read_only:  # each change of it lets SQLite prepare all statements again
        connection.execute("PRAGMA query_only = OFF")  # it forbids temporary tables too
    try:
        if not connection.execute("SELECT 1 FROM sqlite_temp_schema WHERE name = '_open_runs'").fetchone():
            _create(connection, [sql for name, sql in views.items() if name not in _COVERED])
        for statement in split_statements(read_query("fill_open_work")):
            connection.execute(statement, {"runs": json.dumps(runs)} if ":runs" in statement else {})
    finally:
        if is_read_only:
            connection.execute("PRAGMA query_only = ON")
    return moment


def _create(connection: sqlite3.Connection, views: list[str]) -> None:
    for statement in split_statements(read_query("create_open_work")):
        connection.execute(statement)
    for sql in views:  # SQLite keeps each text with these first two words
        connection.execute(sql.replace("CREATE VIEW", "CREATE TEMP VIEW", 1))


def _describe(run: OpenRun, moment: int) -> tuple[int, int, bool]:
    is_running = is_alive(run.process)
    until = max(moment, run.last_write_unix_nano) if is_running else run.last_write_unix_nano
    return run.id, until, is_running is False
