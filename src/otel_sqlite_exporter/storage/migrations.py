# SPDX-License-Identifier: Apache-2.0
"""From a file of any age to one that this package can write: what it lacks, and who may upgrade it."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from otel_sqlite_exporter.errors import MigrationFailedError, MigrationRequiredError, NewerFileError
from otel_sqlite_exporter.storage.backup import write_backup
from otel_sqlite_exporter.storage.connection import SYNCHRONOUS, open_writer, read_file, report_damage
from otel_sqlite_exporter.storage.identity import find_version, identify_file, migrate_hint
from otel_sqlite_exporter.storage.steps import Migration, OnProgress, apply_steps, load_migrations, make_file
from otel_sqlite_exporter.storage.transactions import BoundedConnection, BusyTimeout, bound_waits
from otel_sqlite_exporter.storage.views import NO_VIEWS, Views, load_views, read_view_number
from otel_sqlite_exporter.version import __version__

_warn_once = cache(logging.getLogger(__name__).warning)


class Pending(NamedTuple):
    """What a file lacks: its schema version (0: none yet), the steps, and whether its views are older than ours."""

    version: int
    steps: tuple[Migration, ...]
    has_old_views: bool


class Report(NamedTuple):
    """What `migrate` did: versions before and after, the steps applied, the backup written (or None), seconds, and
    whether it replaced the views."""

    path: str
    from_version: int
    to_version: int
    applied: tuple[Migration, ...]
    backup: str | None
    seconds: float
    replaced_views: bool


def find_pending(
    path: str, *, busy_timeout_ms: BusyTimeout, steps: Sequence[Migration] | None = None, views: Views | None = None
) -> Pending:
    """Return what the file at `path` lacks. Touches nothing.

    Raises:
        FileRefusedError: The file is newer than this package, made before 0.1.0, damaged, or not ours.
    """
    steps = load_migrations() if steps is None else steps
    views = load_views() if views is None else views
    _, version = identify_file(path, busy_timeout_ms=busy_timeout_ms)
    if version > steps[-1].version:
        raise NewerFileError(
            f"{path} has schema version {version}, and otel-sqlite-exporter {__version__} writes version "
            f"{steps[-1].version}: upgrade with `pip install -U otel-sqlite-exporter`; the file was not touched"
        )
    number = read_file(path, read_view_number, busy_timeout_ms=busy_timeout_ms) if version else 0
    return Pending(version, tuple(step for step in steps if step.version > version), number < views.number)


def is_older(path: str, *, busy_timeout_ms: BusyTimeout) -> bool:
    """Return whether the file at `path` lacks steps or views of this package.

    Raises:
        FileRefusedError: There is no file, or it was made before 0.1.0, is damaged, or not ours.
    """
    version = find_version(path, busy_timeout_ms=busy_timeout_ms)
    number = read_file(path, read_view_number, busy_timeout_ms=busy_timeout_ms)
    return version < load_migrations()[-1].version or number < load_views().number


def migrate(
    path: str,
    *,
    busy_timeout_ms: BusyTimeout,
    backup: bool = True,
    steps: Sequence[Migration] | None = None,
    views: Views | None = None,
    on_progress: OnProgress = lambda name, done, of: None,
) -> Report:
    """Bring the file at `path` to the newest version and views, creating it if it does not exist.

    A file that lacks steps is checked first, unless all of them are quick and `backup` is false (the check reads the
    whole file). Unless `backup` is false, a checked copy of it is written beside it.

    Raises:
        FileRefusedError: The file is newer than this package, made before 0.1.0, damaged, or not ours; it was not
            touched.
        MigrationFailedError: A step failed; the file is at the version before it.
        sqlite3.Error: The file cannot be opened or stays locked.
    """
    began = time.monotonic()
    version, pending, has_old_views = find_pending(path, busy_timeout_ms=busy_timeout_ms, steps=steps, views=views)
    if not (pending or has_old_views):
        return Report(path, version, version, (), None, time.monotonic() - began, False)
    is_upgrade = bool(version and pending)
    if is_upgrade and (backup or not all(step.is_quick for step in pending)):
        check_integrity(path, busy_timeout_ms)
    connection, made = _open_full(path, busy_timeout_ms, pending, views)
    try:
        copy = write_backup(connection, path, version) if is_upgrade and backup else None
        applied = made or apply_steps(connection, pending, views, on_progress)
    finally:
        connection.close()
    newest = pending[-1].version if pending else version
    return Report(path, version, newest, applied, copy, time.monotonic() - began, has_old_views)


def prepare_file(
    path: str,
    auto_migrate: str,
    *,
    busy_timeout_ms: BusyTimeout,
    steps: Sequence[Migration] | None = None,
    views: Views | None = None,
    must_exist: bool = False,
) -> None:
    """Make sure that the file at `path` can be written by this package: create it, unless it `must_exist`, or upgrade
    it as `auto_migrate` allows (`safe`: quick steps, which only add and need no backup, and views; `always`: as
    `migrate` does, but for long steps; `never`: nothing). Where the user has taken the name of a new view, the
    file keeps its older views, and a warning says so once.

    Raises:
        FileRefusedError: The file is newer than this package, made before 0.1.0, damaged, not ours, may not be upgraded
            here, or does not exist though it must.
        MigrationFailedError: A step failed; the file is at the version before it.
        sqlite3.Error: The file cannot be opened or stays locked.
    """
    found = find_pending(path, busy_timeout_ms=busy_timeout_ms, steps=steps, views=views)
    _prepare(path, auto_migrate, found, busy_timeout_ms, steps, views, must_exist)


def open_prepared(
    path: str, auto_migrate: str, *, busy_timeout_ms: BusyTimeout, synchronous: str, must_exist: bool = False
) -> BoundedConnection:
    """Do what `prepare_file` does, and return a connection that writes to the file: of a new file the one that made it,
    of one that lacks nothing the one that found so, as each connection takes 6 ms to read the schema.

    Raises:
        FileRefusedError, MigrationFailedError, UnsupportedSQLiteError, sqlite3.Error, OSError: As `prepare_file` and
            `open_writer` raise.
    """
    _, version = identify_file(path, busy_timeout_ms=busy_timeout_ms)
    if version == load_migrations()[-1].version:
        newest = _open_newest(path, busy_timeout_ms, synchronous, must_exist=must_exist)
        if newest is not None:
            return newest
    found = find_pending(path, busy_timeout_ms=busy_timeout_ms)
    if found.version or must_exist:
        _prepare(path, auto_migrate, found, busy_timeout_ms, must_exist=must_exist)
        return open_writer(path, busy_timeout_ms=busy_timeout_ms, synchronous=synchronous, must_exist=must_exist)
    connection, made = _open_full(path, busy_timeout_ms, found.steps)
    try:
        if not made:  # another process has made it meanwhile, or only its first page is there
            apply_steps(connection, found.steps)
        connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS[synchronous]}")
        # The log and its index are opened with the first read: `WatchedFile` and a fork know the file by them.
        bound_waits(connection)
        connection.execute("PRAGMA user_version").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _open_newest(
    path: str, busy_timeout_ms: BusyTimeout, synchronous: str, *, must_exist: bool
) -> BoundedConnection | None:
    """Return a connection that writes to a file of the newest schema version, unless its views are older than ours."""
    try:
        connection = open_writer(path, busy_timeout_ms=busy_timeout_ms, synchronous=synchronous, must_exist=must_exist)
        try:
            bound_waits(connection)
            if read_view_number(connection) >= load_views().number:
                return connection
        except BaseException:
            connection.close()
            raise
        connection.close()
        return None
    except sqlite3.OperationalError:
        raise
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise report_damage(path, error) from error


def _open_full(
    path: str, busy_timeout_ms: BusyTimeout, pending: Sequence[Migration], views: Views | None = None
) -> tuple[BoundedConnection, tuple[Migration, ...]]:
    """Return a connection that writes, and the steps that made the file, if this did. A new file has a rollback journal
    at first, and with NORMAL a power failure may leave it damaged."""
    made: list[Migration] = []
    connection = open_writer(
        path,
        busy_timeout_ms=busy_timeout_ms,
        synchronous="full",
        make=lambda new: made.extend(make_file(new, pending, views)),
    )
    return connection, tuple(made)


def _prepare(
    path: str,
    auto_migrate: str,
    found: Pending,
    busy_timeout_ms: BusyTimeout,
    steps: Sequence[Migration] | None = None,
    views: Views | None = None,
    must_exist: bool = False,
) -> None:
    version, pending, has_old_views = found
    if not pending and (not has_old_views or auto_migrate == "never"):
        return
    if must_exist and not version:
        find_version(path, busy_timeout_ms=busy_timeout_ms)  # raises: the file is missing or empty
    _check_allowed(path, auto_migrate, version, pending)
    quick = all(step.is_quick for step in pending)
    try:
        migrate(path, busy_timeout_ms=busy_timeout_ms, backup=not quick, steps=steps, views=views)
    except MigrationFailedError as error:
        if not version or getattr(error.__cause__, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR:
            raise
        # It raises again, unless only the new views were at fault.
        migrate(path, busy_timeout_ms=busy_timeout_ms, backup=False, steps=steps, views=NO_VIEWS)
        _warn_once(f"{path} keeps its older views ({error.__cause__}): rename yours, then {migrate_hint(path)}")


def check_upgrade(path: str, auto_migrate: str, *, busy_timeout_ms: BusyTimeout) -> None:
    """Raise what `prepare_file` would raise for the file at `path` before it changes anything."""
    version, pending, _ = find_pending(path, busy_timeout_ms=busy_timeout_ms)
    _check_allowed(path, auto_migrate, version, pending)


def _check_allowed(path: str, auto_migrate: str, version: int, pending: Sequence[Migration]) -> None:
    """Raise MigrationRequiredError if these steps may not be applied to a file of this version without being asked."""
    quick = all(step.is_quick for step in pending)
    is_long = any(step.long_step is not None for step in pending)
    if version and pending and (auto_migrate == "never" or is_long or (auto_migrate == "safe" and not quick)):
        raise MigrationRequiredError(
            f"{path} has schema version {version} and {pending[-1].version} is needed: {migrate_hint(path)}"
        )


def check_integrity(path: str, busy_timeout_ms: BusyTimeout) -> None:
    """Raise DamagedFileError unless SQLite finds the file at `path` sound."""
    finding = read_file(
        path,
        lambda connection: connection.execute("PRAGMA quick_check(1)").fetchone()[0],
        busy_timeout_ms=busy_timeout_ms,
    )
    if finding != "ok":
        raise report_damage(path, finding)
