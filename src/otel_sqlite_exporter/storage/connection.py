# SPDX-License-Identifier: Apache-2.0
"""From a path to a connection: the only place where one is opened.

`sqlite3.Connection` is called directly, because `sqlite3.connect` is what instrumentation packages wrap: an exporter
that opened its file through it would trace itself.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from otel_sqlite_exporter.errors import DamagedFileError, ForeignFileError, UnsupportedSQLiteError

APPLICATION_ID = 0x6F74656C
"""`PRAGMA application_id` of our files: the letters `otel`."""
OLDEST_SQLITE = (3, 38, 0)
"""The first with the `->>` operator, which the views use."""
_MAGIC = b"SQLite format 3\0"
# Prepared statements hold the values bound last, so the cache bounds memory: 32 leaves room for all statements of a
# batch and a few batch sizes.
_CACHED_STATEMENTS = 32
# 8 KiB pages hold two 3 kB spans and cost 10% less CPU per span than 4 KiB; 2,000 of them are a WAL of 16 MB.
_PAGE_BYTES = 8192
_CHECKPOINT_PAGES = 2000
_CACHE_KIB = 16 * 1024

FileKind = Literal["missing", "empty", "ours"]


def check_sqlite_version(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    """Raise UnsupportedSQLiteError if the SQLite library is too old for the views."""
    if version < OLDEST_SQLITE:
        found, wanted = (".".join(map(str, parts)) for parts in (version, OLDEST_SQLITE))
        raise UnsupportedSQLiteError(
            f"this Python uses SQLite {found}, and {wanted} or newer is needed: "
            "use a Python that was built with a newer SQLite library"
        )


def open_writer(path: str, *, busy_timeout_ms: int, synchronous: str = "normal") -> sqlite3.Connection:
    """Open `path` for writing, creating it (mode 0600, WAL, incremental auto-vacuum) if it does not exist.

    The caller owns the connection, may use it on any thread but one at a time, and begins and ends transactions
    itself. Foreign keys are on. The file's schema is not looked at: see `migrations`.

    Raises:
        UnsupportedSQLiteError: The SQLite library is too old.
        sqlite3.Error: The file cannot be opened, or is locked for longer than `busy_timeout_ms`.
    """
    check_sqlite_version()
    _create_file(path)
    connection = sqlite3.Connection(
        path,
        timeout=busy_timeout_ms / 1000,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_CACHED_STATEMENTS,
    )
    try:
        # Both count only before the first page is written, and do nothing after that.
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous.upper()}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {_CHECKPOINT_PAGES * _PAGE_BYTES}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: str, *, busy_timeout_ms: int = 5_000, immutable: bool = False) -> sqlite3.Connection:
    """Open `path` read-only: no statement on this connection can change the file. `immutable` promises that nobody
    writes it meanwhile, and takes no locks.

    Raises:
        UnsupportedSQLiteError: The SQLite library is too old.
        sqlite3.Error: The file cannot be opened.
    """
    check_sqlite_version()
    connection = sqlite3.Connection(
        f"file:{quote(path)}?{'immutable=1' if immutable else 'mode=ro'}",
        uri=True,
        timeout=busy_timeout_ms / 1000,
        isolation_level=None,
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def identify_file(path: str) -> tuple[FileKind, int]:
    """Say what stands at `path`, and its schema version (0 where it is not ours yet), without touching it.

    Raises:
        ForeignFileError: It is something else than a file of this package, or a folder.
        DamagedFileError: It begins like a SQLite file and cannot be read as one.
        sqlite3.OperationalError: It could not be opened or was locked.
    """
    file = Path(path)
    if file.is_dir():
        raise ForeignFileError(f"{path} is a folder: give the path of a file")
    if not file.exists():
        return "missing", 0
    with file.open("rb") as stream:
        header = stream.read(100)
    if not header:
        return "empty", 0
    if not header.startswith(_MAGIC):
        raise ForeignFileError(f"{path} is no SQLite file: give another path; this one was not touched")
    whole = int.from_bytes(header[16:18], "big") * int.from_bytes(header[28:32], "big")
    has_wal = os.path.exists(f"{path}-wal")
    if not has_wal and file.stat().st_size < whole:
        raise DamagedFileError(damage_message(path, f"it should hold {whole} bytes"))
    try:
        # Without a WAL nobody has the file open, and an immutable connection leaves no -wal and -shm behind.
        with contextlib.closing(open_reader(path, immutable=not has_wal)) as connection:
            application_id = connection.execute("PRAGMA application_id").fetchone()[0]
            version: int = connection.execute("PRAGMA user_version").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise DamagedFileError(damage_message(path, error)) from error
    if application_id == APPLICATION_ID:
        return "ours", version
    if application_id or version or tables:
        raise ForeignFileError(
            f"{path} is a SQLite file of another program: give another path; this one was not touched"
        )
    return "empty", 0


def _create_file(path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    # A WAL whose file was removed would be replayed into the new file and damage it; it is kept under another name.
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.rename(path + suffix, f"{path}.orphaned-{time.time_ns()}{suffix}")


def damage_message(path: str, detail: object) -> str:
    """Return the sentence that says what to do with a damaged file."""
    return (
        f"{path} is damaged ({detail}) and was not touched: move it away and restore a backup, "
        f"or save what is readable with: sqlite3 {path} .recover"
    )
