# SPDX-License-Identifier: Apache-2.0
"""From a file to an engine that can only read it."""

from __future__ import annotations

import os
import sqlite3

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import NullPool

from otel_sqlite_exporter.errors import MigrationRequiredError, ReadOnlyError
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.connection import open_reader
from otel_sqlite_exporter.storage.identity import migrate_hint
from otel_sqlite_exporter.storage.migrations import is_older

_REFUSALS = ("attempt to write a readonly database", "cannot modify")


def open_engine(path: str | os.PathLike[str] | None = None, *, busy_timeout_ms: int | None = None) -> Engine:
    """Return an engine on a file, for `sqlalchemy.orm.Session(engine)`. A connection is opened for each session that
    asks something and closed with it, so that the engine may be kept, and used on any thread, across forks and while
    others write. What a session reads until it is committed or closed is of one moment.

    Args:
        path: The file. Default: what `OTEL_EXPORTER_SQLITE_PATH` names, else `otel.db`.
        busy_timeout_ms: Milliseconds that a query waits for a lock. Environment: OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS.

    Raises:
        ConfigurationError: A keyword has a value that cannot be used.
        FileRefusedError: There is no file, or it is damaged, not ours, or older than the models.
        sqlite3.Error, OSError: The file cannot be read, or is locked for too long.

    A statement that writes raises ReadOnlyError.
    """
    settings = resolve_settings(path, busy_timeout_ms=busy_timeout_ms)
    file = TelemetryFile(settings.path, settings.busy_timeout_ms)
    file.read(lambda reading: None)
    if is_older(settings.path, busy_timeout_ms=settings.busy_timeout_ms):
        raise MigrationRequiredError(
            f"{settings.path} is of an older version than the models: {migrate_hint(settings.path)}"
        )

    def connect() -> sqlite3.Connection:
        return open_reader(settings.path, busy_timeout_ms=settings.busy_timeout_ms, check_same_thread=False)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _refuse_writes)
    return engine


def _begin(connection: Connection) -> None:
    # Python's sqlite3 begins a transaction for a write alone: two statements that read would be of two moments.
    connection.exec_driver_sql("BEGIN")


def _refuse_writes(context: ExceptionContext) -> None:
    if str(context.original_exception).startswith(_REFUSALS):
        raise ReadOnlyError(
            "the file was opened to be read, and this statement writes: what is in it is written by its exporters"
        ) from context.original_exception
