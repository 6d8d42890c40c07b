# SPDX-License-Identifier: Apache-2.0
"""`recover` and `doctor --repair`: repairs that lose no data."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from typing import NamedTuple

from otel_sqlite_exporter.deliver.interrupted_spans import interrupt_spans
from otel_sqlite_exporter.deliver.spool import Spool, spool_path
from otel_sqlite_exporter.deliver.spool_replay import replay_spool
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.backup import write_backup
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.identity import identify_file, make_missing_error
from otel_sqlite_exporter.storage.open_work import OpenRun
from otel_sqlite_exporter.storage.statistics import gather_statistics
from otel_sqlite_exporter.storage.steps import load_migrations
from otel_sqlite_exporter.storage.system.process import is_alive
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.statements import run_script
from otel_sqlite_exporter.write.sums import repair_sessions
from otel_sqlite_exporter.write.writer import Writer


class Recovery(NamedTuple):
    """Batches and records that were written from a spool."""

    batches: int
    records: int


class Repair(NamedTuple):
    """The result of `repair`: the backup (None: no row was wrong), the records from the spool, and the number of spans
    that were marked as interrupted."""

    backup: str | None
    recovery: Recovery
    interrupted: int


def recover(settings: Settings, spool_file: str | None = None) -> Recovery:
    """Write the batches in the spool of `settings.path` (or in `spool_file`) into the file, which is created or
    upgraded if `settings.auto_migrate` allows it.

    Raises:
        SpoolError: The spool is in use, of another program, or of a newer version.
        FileRefusedError: There is neither a file nor a batch.
        FileRefusedError, MigrationFailedError: The file cannot be used as it is; the spool keeps its batches.
        sqlite3.Error, OSError: The file or the spool cannot be written.
    """
    spool = Spool(spool_file or spool_path(settings.path), limit_bytes=settings.spool_limit_bytes)
    if spool.is_empty():
        kind, _ = identify_file(settings.path, busy_timeout_ms=settings.busy_timeout_ms)
        if kind == "missing":
            raise make_missing_error(settings.path)
        return Recovery(0, 0)
    with contextlib.closing(open_file(settings)) as connection:
        recovery = Recovery(*replay_spool(Writer(connection, settings), spool))
        interrupt_spans(connection)
        return recovery


def repair(settings: Settings, *, assume_gone: Collection[str] = ()) -> Repair:
    """Write the spool into the file, mark the open spans of ended processes as interrupted, repair links and sessions,
    empty the write-ahead log, gather statistics for the query planner, and set mode 0600. Processes on the hosts
    `assume_gone` count as ended where that cannot be checked from here.

    Wrong rows are repaired after a checked backup. Marking a span needs no backup: if its process still runs, the
    span's own end replaces the mark.

    Raises:
        Whatever `recover` raises; DamagedFileError if the backup is not sound.
    """
    recovery = recover(settings)
    with contextlib.closing(open_file(settings)) as connection:
        backup = None
        if any(connection.execute(read_query("count_faults")).fetchone()):
            backup = write_backup(connection, settings.path, load_migrations()[-1].version)
            with transaction(connection):
                run_script(connection, "repair_links")
                repair_sessions(connection)

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
