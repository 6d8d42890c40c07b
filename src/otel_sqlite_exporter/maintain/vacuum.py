# SPDX-License-Identifier: Apache-2.0
"""`vacuum`: gives free space of a file back to the disk."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from typing import NamedTuple

from otel_sqlite_exporter.errors import CopyRefusedError
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.show.units import format_bytes
from otel_sqlite_exporter.storage.connection import read_file
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.identity import find_version
from otel_sqlite_exporter.storage.system.file_space import count_pages, empty_log, give_back, pack
from otel_sqlite_exporter.storage.system.system_files import find_real_path

_INCREMENTAL = 2


class FileSpace(NamedTuple):
    """The space of a file: the bytes of the file, of its write-ahead log, and of pages that are free in it."""

    file_bytes: int
    log_bytes: int
    free_bytes: int


class Vacuuming(NamedTuple):
    """What `vacuum` did: the space before and after it, whether it rewrote the file, whether the write-ahead log is
    empty now (else a reader holds it), and seconds."""

    before: FileSpace
    after: FileSpace
    is_rewritten: bool
    is_log_empty: bool
    seconds: float


def measure_space(settings: Settings) -> FileSpace:
    """Return the space of a file.

    Raises:
        FileRefusedError: The file is missing, damaged, or not of this package.
        sqlite3.Error, OSError: It cannot be read.
    """
    find_version(settings.path, busy_timeout_ms=settings.busy_timeout_ms)
    return read_file(
        settings.path, lambda connection: _measure(connection, settings.path), busy_timeout_ms=settings.busy_timeout_ms
    )


def vacuum(
    settings: Settings, *, full: bool = False, progress: Callable[[int, int], None] = lambda done, of: None
) -> Vacuuming:
    """Give the free pages of the file back, in short steps beside other writers, and empty its write-ahead log. With
    `full`, rewrite the whole file instead: then no freed byte is left, and other writers wait. `progress` is called
    with the pages that are done, and of all.

    Raises:
        CopyRefusedError: There is too little room to rewrite the file.
        FileRefusedError, MigrationFailedError: The file cannot be used as it is.
        sqlite3.Error, OSError: It cannot be written now.
    """
    began = time.monotonic()
    with contextlib.closing(open_file(settings, must_exist=True)) as connection:
        before = _measure(connection, settings.path)
        full = full or connection.execute("PRAGMA auto_vacuum").fetchone()[0] != _INCREMENTAL
        if full:
            rewrite_file(connection, settings.path)
        else:
            give_back(connection, progress=progress)
        is_log_empty = empty_log(connection)
        after = _measure(connection, settings.path)
    return Vacuuming(before, after, full, is_log_empty, time.monotonic() - began)


def rewrite_file(connection: sqlite3.Connection, path: str) -> None:
    """Rewrite the whole database, so that it has no free space.

    Raises:
        CopyRefusedError: There is too little room.
        sqlite3.Error: The file cannot be written now.
    """
    folder = os.path.dirname(find_real_path(path))
    space = _measure(connection, path)
    # SQLite writes a copy into a temporary file, and then all pages of it into the write-ahead log.
    needed, free = 2 * (space.file_bytes - space.free_bytes), shutil.disk_usage(folder).free
    if free < needed:
        raise CopyRefusedError(
            f"rewriting {path} needs {format_bytes(needed)}, and its disk has {format_bytes(free)}: make room"
        )
    os.environ.setdefault("SQLITE_TMPDIR", folder)  # where the file is, so that its content goes nowhere else
    pack(connection)


def _measure(connection: sqlite3.Connection, path: str) -> FileSpace:
    counts = count_pages(connection)
    log = f"{find_real_path(path)}-wal"
    log_bytes = os.stat(log).st_size if os.path.exists(log) else 0
    return FileSpace(counts.file_bytes, log_bytes, counts.free_bytes)
