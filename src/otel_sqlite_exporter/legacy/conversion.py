# SPDX-License-Identifier: Apache-2.0
"""Migrates a file of the attribute-row layout to the schema of this package, in place or into another file."""

from __future__ import annotations

import contextlib
import os
import shlex
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import tzinfo
from typing import Any

from otel_sqlite_exporter.errors import LegacyCheckError, LegacyFileError
from otel_sqlite_exporter.legacy.conversion_checks import ConversionChecks, measure
from otel_sqlite_exporter.legacy.layout import Conversion, check_names, decode_text, find_layout, quote, rename_tables
from otel_sqlite_exporter.legacy.legacy_encoder import SCOPE
from otel_sqlite_exporter.legacy.legacy_report import (
    LAST_STAGE,
    LegacyFile,
    LegacyReport,
    find_legacy_file,
    make_report,
)
from otel_sqlite_exporter.legacy.record_writer import RecordWriter
from otel_sqlite_exporter.legacy.references import PARENTS, References
from otel_sqlite_exporter.legacy.stage_progress import StageProgress, StageStep
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.backup import write_backup
from otel_sqlite_exporter.storage.connection import is_in_use, open_reader, open_writer
from otel_sqlite_exporter.storage.migrations import check_integrity, migrate
from otel_sqlite_exporter.storage.steps import apply_steps, load_migrations
from otel_sqlite_exporter.storage.system.file_space import pack
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.statements import run_script


def migrate_legacy_file(
    file: LegacyFile,
    settings: Settings,
    *,
    zone: tzinfo | None,
    into: str | None = None,
    backup: bool = True,
    on_progress: Callable[[str, int], None] = lambda stage, rows: None,
) -> LegacyReport:
    """Migrate `file` in place, which gives its tables names that begin with `legacy_`, or `into` another file. Goes on
    after the last step of an earlier call. Times without an offset are in `zone` (None: the local time zone).
    `on_progress` is called with the stage and the rows that were read.

    Raises:
        LegacyFileError: `into` is the file itself, or a name that a migration in place needs is taken; nothing was
            touched.
        LegacyCheckError: A stage found that the two files differ; it is not done.
        FileRefusedError: `into` is newer than this package, damaged, or of another program.
        sqlite3.Error, OSError: A file cannot be read or written.

    """
    if into is not None and os.path.realpath(into) == os.path.realpath(file.path):
        raise LegacyFileError(f"{into} is the old file itself: migrate it in place, without --into")
    if not file.is_done:
        began = time.monotonic()
        copy = _prepare(file, into, backup, settings.busy_timeout_ms)
        prepared = time.monotonic() - began
        with _connect(file, into, settings.busy_timeout_ms) as (source, target):
            progress = StageProgress(target, file.digest, on_progress)
            progress.run("backup", lambda position: [StageStep(lambda: None, position or copy, seconds=prepared)])
            before = progress.run(
                "schema", lambda position: _make_schema(file, target, progress.counts, position, into is None)
            )
            try:
                _run_stages(progress, source, target, before, settings, zone)
            except LegacyCheckError as error:
                raise LegacyCheckError(f"{error}. {_advise(file, into, copy)}") from error
            _release_pages(target, is_new=into is not None and not any(before.values()))
    return make_report(file, into, settings.busy_timeout_ms)


def try_legacy_file(
    file: LegacyFile,
    settings: Settings,
    *,
    zone: tzinfo | None,
    on_progress: Callable[[str, int], None] = lambda stage, rows: None,
) -> LegacyReport:
    """Return the report of `migrate_legacy_file`, run into a temporary folder that is removed afterwards. No other file
    is written.

    Raises:
        Whatever `migrate_legacy_file` raises.

    """
    with tempfile.TemporaryDirectory(prefix="otel-sqlite-") as folder:
        path = os.path.join(folder, "otel.db")
        return migrate_legacy_file(replace(file, stages=()), settings, zone=zone, into=path, on_progress=on_progress)


def drop_legacy_tables(file: LegacyFile, *, busy_timeout_ms: int) -> int:
    """Remove the old tables of a file that was migrated in place, and return by how many bytes the file shrank. The
    migration must be complete, and its backup must exist, be sound and hold the same tables.

    Raises:
        LegacyFileError: One of these is not so; nothing was touched.
        sqlite3.Error, OSError: A file cannot be read or written.

    """
    backup = next((stage.position for stage in file.stages if stage.name == "backup"), None)
    if not file.is_done:
        raise LegacyFileError(f"the migration of {file.path} is not complete: run it first, without --drop-legacy")
    if not file.is_in_place:
        raise LegacyFileError(f"{file.path} was migrated into another file and was not changed: remove it yourself")
    copy = find_legacy_file(backup, busy_timeout_ms=busy_timeout_ms) if backup else None
    if copy is None or copy.digest != file.digest:
        where = f"the backup {backup} is missing, or has other tables" if backup else "no backup was written"
        raise LegacyFileError(f"the old tables of {file.path} are the only copy ({where}): they were not removed")
    check_integrity(copy.path, busy_timeout_ms)
    before = os.path.getsize(file.path)
    with contextlib.closing(open_writer(file.path, busy_timeout_ms=busy_timeout_ms)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        with transaction(connection):
            for table in file.layout.tables.values():
                connection.execute(f"DROP TABLE {quote(table.name)}")
        pack(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return before - os.path.getsize(file.path)


def _prepare(file: LegacyFile, into: str | None, backup: bool, busy_timeout_ms: int) -> str | None:
    """Create or upgrade the new file, or back up the file that is migrated in place; return the path of the backup."""
    if into is not None:
        migrate(into, busy_timeout_ms=busy_timeout_ms)
        return None
    if any(stage.name == "backup" for stage in file.stages):
        return None
    with contextlib.closing(open_reader(file.path, busy_timeout_ms=busy_timeout_ms)) as reader:
        check_names(reader, file.path, file.layout)
        return write_backup(reader, file.path, 0) if backup else None


def _advise(file: LegacyFile, into: str | None, copy: str | None) -> str:
    """Return what a migration that stopped has changed of `file`, and what to do. `copy` is the backup of this call."""
    before = next((stage.position for stage in file.stages if stage.name == "backup"), copy)
    changed = "the old file was not changed"
    if into is None:
        where = f"its backup is {before}" if before else "there is no backup of it"
        changed = f"of the old file, nothing but the names of its tables was changed, and {where}"
    schema = f"`sqlite3 {shlex.quote(file.path)} .schema`"
    return f"Keep the old file: {changed}. Report this, with these words and what {schema} prints: docs/debugging.md"


@contextlib.contextmanager
def _connect(
    file: LegacyFile, into: str | None, busy_timeout_ms: int
) -> Iterator[tuple[sqlite3.Connection, sqlite3.Connection]]:
    """Open the old file for reading and the new one for writing."""
    with contextlib.closing(open_writer(into or file.path, busy_timeout_ms=busy_timeout_ms)) as target:
        at_rest = into is not None and not is_in_use(file.path)
        reader = open_reader(os.path.realpath(file.path), busy_timeout_ms=busy_timeout_ms, immutable=at_rest)
        with contextlib.closing(reader) as source:
            source.text_factory = decode_text
            yield source, target
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _make_schema(
    file: LegacyFile, target: sqlite3.Connection, counts: Counter[str], position: Any, in_place: bool
) -> Iterator[StageStep]:
    """Rename the old tables if `in_place`; add the schema of this package, and the table of references."""
    if position is None:
        counts["bytes before"] = os.path.getsize(file.path)
        if in_place:
            position = {"dropped": {}}

            def rename() -> None:
                position["dropped"] = rename_tables(target, file.layout)
                target.execute("PRAGMA user_version = 0")

            yield StageStep(rename, position)
    apply_steps(target, load_migrations())
    counts.update(measure(target))
    yield StageStep(lambda: run_script(target, "create_legacy_references"), position)


def _run_stages(
    progress: StageProgress,
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    before: Mapping[str, int],
    settings: Settings,
    zone: tzinfo | None,
) -> None:
    layout = find_layout(source)
    if layout is None:
        raise LegacyFileError(
            "the old tables are gone, as another program has changed the file: restore a backup of it"
        )
    conversion = Conversion(source, target, layout, progress.counts)
    references = References(conversion)
    writer = RecordWriter(conversion, references, settings, zone)
    checks = ConversionChecks(conversion, before)
    contexts, traces = ("agents", "sessions"), ("traces", "spans")
    progress.run("references", references.note, lambda: checks.check_rows("noted", PARENTS))
    progress.run("agents and sessions", writer.write_contexts, lambda: checks.check_rows("written", contexts))
    progress.run("events", writer.write_events, checks.check_events)
    progress.run("traces and spans", writer.write_traces, lambda: checks.check_rows("written", traces))
    progress.run("pairing", check=checks.check_pairs)
    progress.run("timestamps", check=checks.check_times)
    agents = StageStep(lambda: target.execute(read_query("add_legacy_agents"), {"scope": SCOPE.name}), None)
    progress.run("interactions", lambda _: [agents], checks.check_interactions)
    progress.run("verification", checks.verify, checks.check_verified)
    progress.run(LAST_STAGE, lambda _: [StageStep(lambda: target.execute("DROP TABLE _legacy_references"), None)])


def _release_pages(target: sqlite3.Connection, *, is_new: bool) -> None:
    """Give the pages of the references, a tenth of the file, back to the system. A new file, which nothing else writes
    yet, is also packed: pages that were written in another order than that of their keys are a third empty. Where that
    cannot be done, on a full disk or beside a writer, the file stays larger."""
    with contextlib.suppress(sqlite3.OperationalError):
        if is_new:
            pack(target)
        else:
            target.executescript("PRAGMA incremental_vacuum")  # `execute` makes one step of it, which frees one page
