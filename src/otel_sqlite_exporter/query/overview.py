# SPDX-License-Identifier: Apache-2.0
"""What a file holds, at a glance: what `info` shows."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass

from otel_sqlite_exporter.errors import FileRefusedError
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.connection import read_file
from otel_sqlite_exporter.storage.identity import identify_file, missing_hint
from otel_sqlite_exporter.storage.steps import load_migrations


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One row of the view `sessions`, without its attributes."""

    session_id: str
    user_id: str | None
    service_name: str | None
    start_time: str
    end_time: str
    traces: int
    spans: int
    errors: int
    llm_calls: int
    total_tokens: int | None


@dataclass(frozen=True, slots=True)
class ExporterHealth:
    """The view `exporter_health`, added up over all exporters that wrote to the file."""

    exporters: int
    last_write: str | None
    received: int
    written: int
    duplicate: int
    repaired: int
    quarantined: int
    dropped: int
    spooled: int
    replayed: int


@dataclass(frozen=True, slots=True)
class LinkHealth:
    """The one row of the view `link_health`."""

    records: int
    linked: int
    linked_by_span: int
    linked_by_temporal: int
    orphan_starts: int
    orphan_finishes: int
    success_rate: float | None


@dataclass(frozen=True, slots=True)
class Contents:
    """What the views show, all of the same moment: `counts` is the number of rows by view, the span times are when the
    first and the last span began, and `newest_sessions` are those that ended last."""

    counts: dict[str, int]
    first_span_time: str | None
    last_span_time: str | None
    newest_sessions: tuple[SessionSummary, ...]
    exporter_health: ExporterHealth
    link_health: LinkHealth


@dataclass(frozen=True, slots=True)
class Overview:
    """One file: its schema version beside the one that this package writes, its size, and its contents (None while it
    has no schema)."""

    path: str
    schema_version: int
    package_schema_version: int
    file_bytes: int
    wal_bytes: int
    contents: Contents | None


def read_overview(path: str, *, busy_timeout_ms: int, newest_sessions: int = 10) -> Overview:
    """Look at the file at `path`, of whatever version, without changing it.

    Raises:
        FileRefusedError: There is no file, or it is damaged or not ours.
        sqlite3.Error, OSError: The file cannot be opened, or is locked for longer than `busy_timeout_ms`.
    """
    kind, version = identify_file(path, busy_timeout_ms=busy_timeout_ms)
    if kind == "missing":
        raise FileRefusedError(missing_hint(path))
    contents = None
    if version:
        contents = read_file(
            path, lambda connection: _read_contents(connection, newest_sessions), busy_timeout_ms=busy_timeout_ms
        )
    wal = f"{os.path.realpath(path)}-wal"
    return Overview(
        path=path,
        schema_version=version,
        package_schema_version=load_migrations()[-1].version,
        file_bytes=os.path.getsize(path),
        wal_bytes=os.path.getsize(wal) if os.path.exists(wal) else 0,
        contents=contents,
    )


def _read_contents(connection: sqlite3.Connection, newest_sessions: int) -> Contents:
    connection.row_factory = sqlite3.Row
    return Contents(
        counts=dict(connection.execute(read_query("count_views")).fetchone()),
        **dict(connection.execute(read_query("get_span_times")).fetchone()),
        newest_sessions=tuple(
            SessionSummary(**dict(row))
            for row in connection.execute(read_query("find_newest_sessions"), {"limit": newest_sessions})
        ),
        exporter_health=ExporterHealth(**dict(connection.execute(read_query("sum_exporter_health")).fetchone())),
        link_health=LinkHealth(**dict(connection.execute(read_query("get_link_health")).fetchone())),
    )
