# SPDX-License-Identifier: Apache-2.0
"""Writes a checked copy of a file."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable

from otel_sqlite_exporter.storage.connection import report_damage

_PAGES = 1_000


def write_backup(source: sqlite3.Connection, path: str, version: int) -> str:
    """Copy the database behind `source` (with SQLite's online backup, so other writers may go on), check the copy,
    and return its path: `PATH.v<version>-<UTC time>.bak`, mode 0600. An unfinished copy is removed.

    Raises:
        DamagedFileError: The copy does not pass SQLite's integrity check.
        sqlite3.Error, OSError: The copy could not be written.
    """
    stem = f"{path}.v{version}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    backup = f"{stem}.bak"
    number = 1
    while os.path.exists(backup):
        number += 1
        backup = f"{stem}-{number}.bak"
    copy_database(source, path, backup)
    return backup


def copy_database(
    source: sqlite3.Connection,
    path: str,
    copy: str,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Copy the database behind `source`, which is that at `path`, to the new file `copy` (mode 0600), check it and
    bring it to the disk. Where `source` is in a transaction, the copy is what that reads, whatever others write
    meanwhile.
    `progress` is called with the pages that are done, and of all. An unfinished copy is removed.

    Raises:
        DamagedFileError: The copy does not pass SQLite's integrity check.
        sqlite3.Error, OSError: The copy could not be written, or is there already.
    """
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    target = sqlite3.Connection(copy, isolation_level=None)
    try:
        source.backup(target, pages=_PAGES, progress=lambda status, left, of: progress(of - left, of), sleep=0)
        # Without WAL mode the copy is one complete file.
        target.execute("PRAGMA journal_mode = DELETE")
        finding = target.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if finding != "ok":
            raise report_damage(path, finding)
    except BaseException:
        target.close()
        os.unlink(copy)
        raise
    target.close()
    descriptor = os.open(copy, os.O_RDWR)  # Windows syncs only what may be written
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
