# SPDX-License-Identifier: Apache-2.0
"""Schema versions: which steps there are, which a file lacks, and how they are applied.

A step is one file `sql/migrations/NNNN_name.sql`, frozen once released. Its first line is `-- quick` where it only
adds what costs no time on a large file. Each step is one transaction together with the file's new version; one that
goes over a large table does so in batches, and goes on where it stood: see `long_steps`.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from otel_sqlite_exporter.errors import (
    DamagedFileError,
    MigrationFailedError,
    MigrationRequiredError,
    NewerFileError,
)
from otel_sqlite_exporter.sql.texts import read_folder
from otel_sqlite_exporter.storage.backup import write_backup
from otel_sqlite_exporter.storage.connection import damage_message, open_writer, read_file
from otel_sqlite_exporter.storage.identity import APPLICATION_ID, find_version, identify_file, migrate_hint
from otel_sqlite_exporter.storage.long_steps import (
    PYTHON_STEPS,
    LongStep,
    Work,
    note_beginning,
    parse_long_step,
    read_position,
    run_batches,
)
from otel_sqlite_exporter.version import __version__

_COUNTED_TABLES = ("_sessions", "_traces", "_spans", "_events", "_links", "_llm_interactions", "_tool_interactions")


class Migration(NamedTuple):
    """One step to schema version `version`."""

    version: int
    name: str
    sql: str
    work: Work | None = None

    @property
    def long_step(self) -> LongStep | None:
        """Its parts, where it goes in batches: the exporter never applies it, whatever `auto_migrate` says."""
        return parse_long_step(self.sql)

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, as it is noted in the file."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def is_quick(self) -> bool:
        """Whether the exporter may apply the step by itself under `auto_migrate=safe`."""
        return self.sql.startswith("-- quick")


class Report(NamedTuple):
    """What `migrate` did: versions before and after, the steps applied, the backup written (or None), seconds."""

    path: str
    from_version: int
    to_version: int
    applied: tuple[Migration, ...]
    backup: str | None
    seconds: float


@cache
def load_migrations() -> tuple[Migration, ...]:
    """Return every step of this package, the oldest first."""
    return tuple(
        Migration(int(name[:4]), name[5:], text, PYTHON_STEPS.get(int(name[:4])))
        for name, text in read_folder("migrations")
    )


def find_pending(
    path: str, *, busy_timeout_ms: int, steps: Sequence[Migration] | None = None
) -> tuple[int, tuple[Migration, ...]]:
    """Return the schema version of the file at `path` (0: none yet) and the steps that it lacks. Touches nothing.

    Raises:
        FileRefusedError: The file is newer than this package, damaged, or not ours.
    """
    steps = load_migrations() if steps is None else steps
    _, version = identify_file(path, busy_timeout_ms=busy_timeout_ms)
    if version > steps[-1].version:
        raise NewerFileError(
            f"{path} has schema version {version}, and otel-sqlite-exporter {__version__} writes version "
            f"{steps[-1].version}: upgrade with `pip install -U otel-sqlite-exporter`; the file was not touched"
        )
    return version, tuple(step for step in steps if step.version > version)


def migrate(
    path: str,
    *,
    busy_timeout_ms: int,
    backup: bool = True,
    steps: Sequence[Migration] | None = None,
    on_progress: Callable[[str, int, int], None] = lambda name, done, of: None,
) -> Report:
    """Bring the file at `path` to the newest version, creating it if it does not exist. `on_progress` is told the name
    of a long step, and how many rows of how many are done.

    A file with a schema is checked first, unless all steps are quick and `backup` is false (the check reads the whole
    file). Unless `backup` is false, a checked copy of it is written beside it.

    Raises:
        FileRefusedError: The file is newer than this package, damaged, or not ours; it was not touched.
        MigrationFailedError: A step failed; the file is at the version before it.
        sqlite3.Error: The file cannot be opened or stays locked.
    """
    began = time.monotonic()
    version, pending = find_pending(path, busy_timeout_ms=busy_timeout_ms, steps=steps)
    if not pending:
        return Report(path, version, version, (), None, time.monotonic() - began)
    if version and (backup or not all(step.is_quick for step in pending)):
        check_integrity(path, busy_timeout_ms)
    connection = open_writer(path, busy_timeout_ms=busy_timeout_ms)
    try:
        copy = write_backup(connection, path, version) if version and backup else None
        applied = apply_steps(connection, pending, on_progress)
    finally:
        connection.close()
    return Report(path, version, pending[-1].version, applied, copy, time.monotonic() - began)


def prepare_file(
    path: str,
    auto_migrate: str,
    *,
    busy_timeout_ms: int,
    steps: Sequence[Migration] | None = None,
    must_exist: bool = False,
) -> None:
    """Make sure that the file at `path` can be written by this package: create it, unless it `must_exist`, or upgrade
    it as `auto_migrate` allows (`safe`: quick steps, which only add and need no backup; `always`: as `migrate` does,
    but for long steps; `never`).

    Raises:
        FileRefusedError: The file is newer than this package, damaged, not ours, may not be upgraded here, or is not
            there though it must be.
        MigrationFailedError: A step failed; the file is at the version before it.
        sqlite3.Error: The file cannot be opened or stays locked.
    """
    version, pending = find_pending(path, busy_timeout_ms=busy_timeout_ms, steps=steps)
    if not pending:
        return
    if must_exist and not version:
        find_version(path, busy_timeout_ms=busy_timeout_ms)  # says what there is in its place
    quick = all(step.is_quick for step in pending)
    is_long = any(step.long_step is not None for step in pending)
    if version and (auto_migrate == "never" or is_long or (auto_migrate == "safe" and not quick)):
        raise MigrationRequiredError(
            f"{path} has schema version {version} and {pending[-1].version} is needed: {migrate_hint(path)}"
        )
    migrate(path, busy_timeout_ms=busy_timeout_ms, backup=not quick, steps=steps)


def apply_steps(
    connection: sqlite3.Connection,
    steps: Sequence[Migration],
    on_progress: Callable[[str, int, int], None] = lambda name, done, of: None,
) -> tuple[Migration, ...]:
    """Apply `steps` in order, each in a transaction of its own, or in batches, and return those that were applied: a
    step that another process applied in the meantime is passed over. Those that make a new file are one transaction:
    another process would take it, half made, for one that has to be upgraded.

    Raises:
        MigrationFailedError: A step failed and was rolled back.
    """
    if _make_file(connection, steps):
        return tuple(steps)
    return tuple(step for step in steps if _apply_step(connection, step, on_progress))


def _make_file(connection: sqlite3.Connection, steps: Sequence[Migration]) -> bool:
    """Apply all steps to a file that has no schema yet; return False where it has one."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        is_new: bool = connection.execute("PRAGMA user_version").fetchone()[0] == 0
        for step in steps if is_new else ():
            began = time.monotonic()
            try:
                before = _count_rows(connection)
                long_step = step.long_step  # there are no rows to go over
                for sql in (step.sql,) if long_step is None else (long_step.before, long_step.then):
                    _run(connection, sql)
                _note_step(connection, step, began, before)
            except sqlite3.Error as error:
                raise MigrationFailedError(
                    f"step {step.version} ({step.name}) failed and was rolled back, no file was made: {error}"
                ) from error
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return is_new


def _apply_step(connection: sqlite3.Connection, step: Migration, on_progress: Callable[[str, int, int], None]) -> bool:
    began = time.monotonic()

    def begin() -> bool:
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA user_version").fetchone()[0] < step.version:
            return True
        connection.execute("ROLLBACK")
        return False

    try:
        long_step, rest = step.long_step, step.sql
        if long_step is not None:
            rest = long_step.then
            if not begin():
                return False
            if read_position(connection, step.version) is None:
                _run(connection, long_step.before)
                note_beginning(connection, step.version)
            connection.execute("COMMIT")
            work = step.work or _make_work(long_step.each)
            for done, total in run_batches(connection, step.version, long_step, work, begin):
                on_progress(step.name, done, total)
        if not connection.in_transaction and (long_step is not None or not begin()):
            return False
        before = _count_rows(connection)
        _run(connection, rest)
        if long_step is not None:
            connection.execute("DROP TABLE _migration_progress")
        _note_step(connection, step, began, before)
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            raise MigrationFailedError(
                f"step {step.version} ({step.name}) failed and was rolled back, the file is at version "
                f"{step.version - 1}: {error}"
            ) from error
        raise
    return True


def _make_work(sql: str) -> Work:
    def work(connection: sqlite3.Connection, after: int, upto: int) -> None:
        for statement in split_statements(sql):
            connection.execute(statement, {"after": after, "upto": upto})

    return work


def _run(connection: sqlite3.Connection, sql: str) -> None:
    for statement in split_statements(sql):
        connection.execute(statement)


def _note_step(connection: sqlite3.Connection, step: Migration, began: float, before: dict[str, int]) -> None:
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {step.version}")
    connection.execute(
        "INSERT INTO _migrations (version, name, checksum, applied_at, duration_ms, package_version, statistics)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            step.version,
            step.name,
            step.checksum,
            datetime.now(UTC).isoformat(),
            (time.monotonic() - began) * 1000,
            __version__,
            json.dumps({"rows_before": before, "rows_after": _count_rows(connection)}),
        ),
    )


def split_statements(sql: str) -> Iterator[str]:
    """Yield the statements of `sql` one by one, each with the comments above it. (`executescript` would commit.)"""
    buffer = ""
    for line in sql.splitlines(keepends=True):
        buffer += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(buffer):
            yield buffer.strip()
            buffer = ""
    if buffer.strip():
        yield buffer.strip()


def _count_rows(connection: sqlite3.Connection) -> dict[str, int]:
    present = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in _COUNTED_TABLES
        if table in present
    }


def check_integrity(path: str, busy_timeout_ms: int) -> None:
    """Raise DamagedFileError unless SQLite finds the file at `path` sound."""
    finding = read_file(
        path,
        lambda connection: connection.execute("PRAGMA quick_check(1)").fetchone()[0],
        busy_timeout_ms=busy_timeout_ms,
    )
    if finding != "ok":
        raise DamagedFileError(damage_message(path, finding))
