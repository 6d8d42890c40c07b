# SPDX-License-Identifier: Apache-2.0
"""Opens an SQLAlchemy engine that can only read a file."""

from __future__ import annotations

import os
import sqlite3
from typing import cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import NullPool

from otel_sqlite_exporter.errors import MigrationRequiredError, ReadOnlyError
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.connection import open_reader
from otel_sqlite_exporter.storage.identity import migrate_hint
from otel_sqlite_exporter.storage.migrations import is_older
from otel_sqlite_exporter.storage.open_work import show_open_work

_REFUSALS = ("attempt to write a readonly database", "cannot modify")


def open_engine(path: str | os.PathLike[str] | None = None, *, busy_timeout_ms: int | None = None) -> Engine:
    """Return an engine for `sqlalchemy.orm.Session(engine)`. Each session that runs a query has a connection of its
    own, closed with the session. So the engine may be kept, and used on any thread, across forks, and while other
    programs write. Until a session is committed or closed, it reads one state of the file.

    Args:
        path: The file. Default: the path in `OTEL_EXPORTER_SQLITE_PATH`, else `otel.db`.
        busy_timeout_ms: Milliseconds that a query waits for a lock. Environment: OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS.

    Raises:
        ConfigurationError: A keyword has an invalid value.
        FileRefusedError: The file is missing, damaged, of another program, or older than the models.
        sqlite3.Error, OSError: The file cannot be read, or is locked for too long.

    A statement that writes raises ReadOnlyError.
    """
    settings = resolve_settings(path, busy_timeout_ms=busy_timeout_ms)
    if is_older(settings.path, busy_timeout_ms=settings.busy_timeout_ms):
        raise MigrationRequiredError(
            f"the schema of {settings.path} is older than the models: {migrate_hint(settings.path)}"
        )

    def connect() -> sqlite3.Connection:
        return open_reader(settings.path, busy_timeout_ms=settings.busy_timeout_ms, check_same_thread=False)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _refuse_writes)
    return engine


def _begin(connection: Connection) -> None:
    # Python's sqlite3 begins no transaction for a query. Two queries could then read two states of the file.
    connection.exec_driver_sql("BEGIN")
    show_open_work(cast("sqlite3.Connection", connection.connection.dbapi_connection))


def _refuse_writes(context: ExceptionContext) -> None:
    if str(context.original_exception).startswith(_REFUSALS):
        raise ReadOnlyError(
            "this statement writes, and the file is open for reading only: only exporters and imports write to the file"
        ) from context.original_exception
