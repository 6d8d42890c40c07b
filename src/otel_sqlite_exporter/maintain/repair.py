# SPDX-License-Identifier: Apache-2.0
"""Repairs what can be repaired without losing anything: what `doctor --repair` does."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from otel_sqlite_exporter.deliver.interrupted_spans import OpenRun, interrupt_spans
from otel_sqlite_exporter.deliver.spool import Spool, spool_path
from otel_sqlite_exporter.deliver.spool_replay import replay_spool
from otel_sqlite_exporter.errors import FileRefusedError
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query, split_statements
from otel_sqlite_exporter.storage.backup import write_backup
from otel_sqlite_exporter.storage.connection import open_writer
from otel_sqlite_exporter.storage.identity import identify_file, missing_hint
from otel_sqlite_exporter.storage.migrations import prepare_file
from otel_sqlite_exporter.storage.process import is_alive
from otel_sqlite_exporter.storage.statistics import gather_statistics
from otel_sqlite_exporter.storage.steps import load_migrations


class Recovery(NamedTuple):
    """What came out of a spool: batches and records."""

    batches: int
    records: int


class Repair(NamedTuple):
    """What was repaired: the copy that was made before (None: no row was wrong), what came out of the spool, and how
    many spans were marked as interrupted."""

    backup: str | None
    recovery: Recovery
    interrupted: int


def recover(settings: Settings, spool_file: str | None = None) -> Recovery:
    """Write what waits in the spool of `settings.path` (or in `spool_file`) into the file, which is made or upgraded as
    `settings.auto_migrate` allows.

    Raises:
        SpoolError: The spool is in use, none of ours, or of a newer version.
        FileRefusedError: There is neither a file nor a batch.
        FileRefusedError, MigrationFailedError: The file cannot be used as it is; the spool keeps what it has.
        sqlite3.Error, OSError: The file or the spool cannot be written.
    """
    spool = Spool(spool_file or spool_path(settings.path), limit_bytes=settings.spool_limit_bytes)
    if spool.is_empty():
        kind, _ = identify_file(settings.path, busy_timeout_ms=settings.busy_timeout_ms)
        if kind == "missing":
            raise FileRefusedError(missing_hint(settings.path))
        return Recovery(0, 0)
    prepare_file(settings.path, settings.auto_migrate, busy_timeout_ms=settings.busy_timeout_ms)
    with contextlib.closing(_open(settings)) as connection:
        window_ns = settings.pairing_window_ms * 1_000_000
        sources = settings.session_attributes
        recovery = Recovery(*replay_spool(connection, spool, pairing_window_ns=window_ns, session_attributes=sources))
        interrupt_spans(connection)
        return recovery


def repair(settings: Settings, *, assume_gone: Collection[str] = ()) -> Repair:
    """Bring in the spool, end the spans of processes that are gone (also of those on the hosts `assume_gone`, where
    that cannot be seen from here), mend links and sessions, empty the write-ahead log, gather statistics for the query
    planner, and take the file from others.

    Rows that are wrong are mended after a checked copy was made. Ending a span needs none: if its process lives after
    all, its own end takes its place.

    Raises:
        Whatever `recover` raises; DamagedFileError where the copy is not sound.
    """
    recovery = recover(settings)
    with contextlib.closing(_open(settings)) as connection:
        backup = None
        if any(connection.execute(read_query("count_faults")).fetchone()):
            backup = write_backup(connection, settings.path, load_migrations()[-1].version)
            connection.execute("BEGIN IMMEDIATE")
            try:
                for name in ("repair_links", "repair_sessions"):
                    for statement in split_statements(read_query(name)):
                        connection.execute(statement)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

        def is_gone(run: OpenRun) -> bool:
            alive = is_alive(run.process)
            return run.process.host in assume_gone if alive is None else not alive

        interrupted = interrupt_spans(connection, is_gone)
        gather_statistics(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        path = os.path.realpath(settings.path)
        for name in (path, f"{path}-wal", f"{path}-shm", f"{path}-spool"):
            with contextlib.suppress(OSError):
                os.chmod(name, 0o600)
    return Repair(backup, recovery, interrupted)


def _open(settings: Settings) -> sqlite3.Connection:
    return open_writer(settings.path, busy_timeout_ms=settings.busy_timeout_ms, synchronous=settings.synchronous)
