# SPDX-License-Identifier: Apache-2.0
"""Identifies the file at a path: missing, empty, ours, or one that must not be touched."""

from __future__ import annotations

import contextlib
import os
import shlex
import sqlite3
import stat
import time
from typing import Literal

from otel_sqlite_exporter.errors import DamagedFileError, FileRefusedError, ForeignFileError, MissingFileError
from otel_sqlite_exporter.sql.texts import read_folder, read_query
from otel_sqlite_exporter.storage.connection import is_in_use, read_file
from otel_sqlite_exporter.storage.transactions import BusyTimeout, timeout_ms

APPLICATION_ID = 0x6F74656C
"""`PRAGMA application_id` of our files: the letters `otel`."""
FIRST_VERSION = 12
"""The first public schema version, of 0.1.0. Lower ones were written by development versions."""
_ABOUT_DATASET = "otel-dataset.json"
_SECOND_LOOKS_S = (0.02, 0.1)

FileKind = Literal["missing", "empty", "ours"]


def identify_file(path: str, *, busy_timeout_ms: BusyTimeout) -> tuple[FileKind, int]:
    """Return the kind of file at `path`, and its schema version (0 if it has none yet), without touching it.

    Raises:
        ForeignFileError: It belongs to another program, or is a folder, such as a dataset.
        DamagedFileError: It begins like a SQLite file but cannot be read as one.
        FileRefusedError: It was made by a development version before 0.1.0, or what SQLite needs beside it is no file.
        sqlite3.OperationalError: It could not be opened or was locked.
    """
    for pause in _SECOND_LOOKS_S:
        try:
            return _look(path, busy_timeout_ms)
        except (ForeignFileError, DamagedFileError):
            if not os.path.isfile(path):
                raise
            # Another process may be creating it right now: it is refused only if it stays like this.
            time.sleep(min(pause, timeout_ms(busy_timeout_ms) / 1000))
    return _look(path, busy_timeout_ms)


def find_version(path: str, *, busy_timeout_ms: BusyTimeout) -> int:
    """Return the schema version of the file at `path`, which must exist and be ours.

    Raises:
        FileRefusedError: It is missing or has no schema yet; or as `identify_file` raises.
        sqlite3.OperationalError: It could not be opened or was locked.
    """
    kind, version = identify_file(path, busy_timeout_ms=busy_timeout_ms)
    if kind == "missing":
        raise make_missing_error(path)
    if not version:
        raise FileRefusedError(f"{path} has no schema yet: {migrate_hint(path)}")
    return version


def name_command(command: str, path: str) -> str:
    """Return the command line that runs `command` on the file at `path`, ready to be pasted."""
    return f"python -m otel_sqlite_exporter {command} {shlex.quote(path)}"


def migrate_hint(path: str) -> str:
    """Return the words that name the command which upgrades `path`."""
    return f"run `{name_command('migrate', path)}`"


def check_file(connection: sqlite3.Connection, path: str) -> None:
    """Raise FileRefusedError if a development version before 0.1.0 made the file behind `connection`."""
    if connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID:
        check_version(path, connection.execute("PRAGMA user_version").fetchone()[0])


def check_version(path: str, version: int) -> None:
    """Raise FileRefusedError if a file of ours was made by a development version (0: it has no schema yet)."""
    if 0 < version < FIRST_VERSION:
        raise FileRefusedError(
            f"{path} was made before 0.1.0 (schema version {version}) and was not touched: to bring its contents over, "
            "`export` it with the version of otel-sqlite-exporter that wrote it, and `import` the result here"
        )


def make_missing_error(path: str) -> FileRefusedError:
    """Return the error for a `path` without a file. What stands in a WAL beside it is named first: it has no place
    in a new file."""
    log = f"{os.path.realpath(path)}-wal"
    if os.path.exists(log) and os.path.getsize(log):
        return FileRefusedError(
            f"{path} does not exist, but {log} may hold its last batches: before anything writes {path}, bring back "
            "what it holds (docs/operations.md#a-wal-without-its-file)"
        )
    return MissingFileError(
        path,
        f"{path} does not exist: give the path of a file, or create it with a first export or "
        f"`{name_command('migrate', path)}`",
    )


def refuse_folder(path: str) -> None:
    """Make sure that no folder is at `path`, such as a dataset.

    Raises:
        ForeignFileError: There is one.
    """
    if os.path.exists(os.path.join(path, _ABOUT_DATASET)):
        raise ForeignFileError(
            f"{path} is a dataset, and this takes a file: make one with "
            f"`{name_command('restore', path)} --session ID --into FILE`"
        )
    if os.path.isdir(path):
        raise ForeignFileError(f"{path} is a folder: give the path of a file")


def _look(path: str, busy_timeout_ms: BusyTimeout) -> tuple[FileKind, int]:
    _check_companions(path)
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return "missing", 0
    if not stat.S_ISREG(status.st_mode):
        refuse_folder(path)
        raise ForeignFileError(f"{path} is no plain file: give the path of a file")
    if status.st_size == 0:
        return "empty", 0
    # The main file first: it is enough to know another program's, and reading it leaves no -shm behind.
    try:
        found = _read(path, busy_timeout_ms, main_only=True)
    except DamagedFileError:
        # Without its WAL a file may make no sense: a checkpoint is under way, or the process died in the middle of one.
        if not is_in_use(path):
            raise
    else:
        if not is_in_use(path):
            return found
    return _read(path, busy_timeout_ms, main_only=False)


def _check_companions(path: str) -> None:
    """Raise FileRefusedError if a name that SQLite opens beside `path` is a FIFO, where it would wait for good, or
    anything else that is no file."""
    for companion in ("-journal", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            if not stat.S_ISREG(os.stat(f"{path}{companion}").st_mode):
                raise FileRefusedError(f"{path}{companion} is no plain file: move it away")


def _read(path: str, busy_timeout_ms: BusyTimeout, *, main_only: bool) -> tuple[FileKind, int]:
    try:
        application_id, version, tables, importable, lacking = read_file(
            path, _read_identity, busy_timeout_ms=busy_timeout_ms, main_only=main_only
        )
    except DamagedFileError as error:
        if "not a database" in str(error.__cause__):
            raise DamagedFileError(
                f"{path} is not a SQLite file, or is damaged: use another path, or move it away and restore a backup; "
                "it was not changed"
            ) from error
        raise
    if application_id == APPLICATION_ID:
        check_version(path, version)
        return "ours", version
    if importable:
        raise ForeignFileError(
            f"{path} is a file of another program, with telemetry in {importable}: {migrate_hint(path)} to bring it "
            "over, or give another path; this one was not touched"
        )
    if lacking is not None:
        raise ForeignFileError(
            f"{path} looks like a file of attribute rows, but {lacking}: see docs/legacy.md#which-files for the "
            "columns that `migrate` needs, or give another path; this one was not touched"
        )
    if application_id or version or tables:
        raise ForeignFileError(
            f"{path} is a SQLite file of another program: give another path; this one was not touched"
        )
    return "empty", 0


def _read_identity(connection: sqlite3.Connection) -> tuple[int, int, int, str | None, str | None]:
    application_id: int = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if application_id == APPLICATION_ID:  # to ask for its tables, SQLite would read the whole schema
        return application_id, version, 0, None, None
    tables: int = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    importable = None
    if tables:
        formats = (
            name.replace("_", " ") for name, query in read_folder("formats") if connection.execute(query).fetchone()
        )
        importable = next(formats, None)
    lacking = None
    if tables and importable is None:
        missing = connection.execute(read_query("find_missing_columns")).fetchall()
        lacking = " and ".join(f"`{name}` has no column {column}" for name, column in missing) or None
    return application_id, version, tables, importable, lacking
