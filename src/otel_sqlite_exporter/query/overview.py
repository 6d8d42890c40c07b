# SPDX-License-Identifier: Apache-2.0
"""An overview of a file, as the command `info` shows it."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.indexes.indexed_filters import read_indexed
from otel_sqlite_exporter.query.limits.retention_notes import read_excess, read_last_removal
from otel_sqlite_exporter.query.search import has_index
from otel_sqlite_exporter.query.session_conflicts import count_conflicts
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.connection import read_file
from otel_sqlite_exporter.storage.identity import identify_file, make_missing_error
from otel_sqlite_exporter.storage.open_work import show_open_work
from otel_sqlite_exporter.storage.steps import load_migrations
from otel_sqlite_exporter.storage.stopped_migrations import StoppedMigration, find_stopped_migrations


@dataclass(frozen=True, slots=True)
class Contents:
    """What the views show, read in one transaction. Rows are given by the names of their columns.

    Attributes:
        counts: The number of rows of each view.
        first_span_time, last_span_time: When the first and the last span started, ISO 8601.
        newest_sessions: The sessions that ended last, the newest first: the main columns of the view `sessions`.
        exporter_health: The sums of the view `exporter_health` over all exporters that wrote to the file.
        link_health: The row of the view `link_health`.
        conflicting_traces: The number of traces whose spans show several sessions.
        indexed_attributes: The attributes that `index --attribute` indexed: whether the index covers all records.
        has_search_index: Whether the file has the index that `index` makes.
        last_removal: The row of the view `deletions` with the latest end; None: nothing was removed.
        retention_excess: What an exporter found that its cap of the size cannot be kept to; None: it can.
        stopped_migrations: The migrations of attribute-row files into this one that are not complete.
    """

    counts: dict[str, int]
    first_span_time: str | None
    last_span_time: str | None
    newest_sessions: tuple[dict[str, Any], ...]
    exporter_health: dict[str, Any]
    link_health: dict[str, Any]
    conflicting_traces: int
    indexed_attributes: dict[str, bool]
    has_search_index: bool
    last_removal: dict[str, Any] | None
    retention_excess: dict[str, Any] | None
    stopped_migrations: tuple[StoppedMigration, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """A file: its schema version and the one that this package writes, its sizes in bytes, and its contents (None if it
    has no schema yet, or one that is too old)."""

    path: str
    schema_version: int
    package_schema_version: int
    file_bytes: int
    wal_bytes: int
    contents: Contents | None


def read_overview(path: str, *, busy_timeout_ms: int, newest_sessions: int = 10) -> Overview:
    """Return the overview of the file at `path`, of any schema version. The file is not changed.

    Raises:
        FileRefusedError: The file is missing, damaged, or of another program.
        sqlite3.Error, OSError: The file cannot be opened, or is locked for longer than `busy_timeout_ms`.
    """
    kind, version = identify_file(path, busy_timeout_ms=busy_timeout_ms)
    if kind == "missing":
        raise make_missing_error(path)
    contents, needed = None, load_migrations()[-1].version
    if version:
        try:
            contents = read_file(
                path,
                lambda connection: _read_contents(connection, newest_sessions),
                busy_timeout_ms=busy_timeout_ms,
            )
        except sqlite3.OperationalError as error:
            if version >= needed or not str(error).startswith("no such "):
                raise
    return Overview(path, version, needed, *measure_file(path), contents)


class FileSizes(NamedTuple):
    """The sizes of a file and of its write-ahead log, in bytes."""

    file_bytes: int
    wal_bytes: int


def measure_file(path: str) -> FileSizes:
    """Return the sizes of the file at `path`.

    Raises:
        OSError: There is no such file.
    """
    wal = f"{os.path.realpath(path)}-wal"
    return FileSizes(os.path.getsize(path), os.path.getsize(wal) if os.path.exists(wal) else 0)


def _read_contents(connection: sqlite3.Connection, newest_sessions: int) -> Contents:
    show_open_work(connection)
    stopped = find_stopped_migrations(connection)
    last, excess = read_last_removal(connection), read_excess(connection)
    connection.row_factory = sqlite3.Row
    return Contents(
        counts=dict(connection.execute(read_query("count_views")).fetchone()),
        **dict(connection.execute(read_query("get_span_times")).fetchone()),
        newest_sessions=tuple(
            map(dict, connection.execute(read_query("find_newest_sessions"), {"limit": newest_sessions}))
        ),
        exporter_health=dict(connection.execute(read_query("sum_exporter_health")).fetchone()),
        link_health=dict(connection.execute("SELECT * FROM link_health").fetchone()),
        conflicting_traces=count_conflicts(connection),
        indexed_attributes=read_indexed(connection),
        has_search_index=has_index(connection),
        last_removal=last,
        retention_excess=None if excess is None else excess._asdict(),
        stopped_migrations=stopped,
    )
