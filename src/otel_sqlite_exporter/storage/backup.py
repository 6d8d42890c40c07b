# SPDX-License-Identifier: Apache-2.0
"""Writes a checked copy of a file beside it."""

from __future__ import annotations

import os
import sqlite3
import time

from otel_sqlite_exporter.storage.connection import report_damage


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
    os.close(os.open(backup, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    target = sqlite3.Connection(backup, isolation_level=None)
    try:
        source.backup(target)
        # Without WAL mode the copy is one complete file.
        target.execute("PRAGMA journal_mode = DELETE")
        finding = target.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if finding != "ok":
            raise report_damage(path, finding)
    except BaseException:
        target.close()
        os.unlink(backup)
        raise
    target.close()
    descriptor = os.open(backup, os.O_RDWR)  # Windows syncs only what may be written
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return backup
