# SPDX-License-Identifier: Apache-2.0
"""The files beside a database whose names begin with its name: what SQLite and this package write there, and copies."""

from __future__ import annotations

import contextlib
import os
import re
from typing import NamedTuple

from otel_sqlite_exporter.deliver.loss_ledger import ledger_path
from otel_sqlite_exporter.deliver.spool import spool_path
from otel_sqlite_exporter.storage.system.system_files import find_real_path, sync_folder

_KINDS = {
    "-wal": "write-ahead log",
    "-journal": "rollback journal",
    "-shm": "index of the write-ahead log",
    "-spool-bad": "unreadable batches of the spool",
    "-tokens": "tokens",
}
_BACKUP = re.compile(r"\..*\bbak\b|\.bak|\.orphaned-.+-wal|\..*\.part", re.DOTALL)
"""What `migrate`, `doctor --repair` and `backup` write beside a file, the logs of files that were lost, and what a user
calls a backup."""


class BesideFile(NamedTuple):
    """A file beside a database. `kind` says what it is: `backup`, or what else it is for."""

    path: str
    kind: str
    bytes: int


def find_beside(path: str) -> list[BesideFile]:
    """Return the files beside the database at `path`, by name; links and folders are left out.

    Raises:
        OSError: The folder cannot be read.
    """
    real = find_real_path(path)
    folder, name = os.path.split(real)
    own = {spool_path(path): "spool", ledger_path(path): "ledger of losses"}
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith((f"{name}-", f"{name}.")) and entry.is_file(follow_symlinks=False):
                rest = entry.name.removeprefix(name)
                kind = own.get(entry.path) or _KINDS.get(rest) or ("backup" if _BACKUP.fullmatch(rest) else "file")
                found.append(BesideFile(entry.path, kind, entry.stat(follow_symlinks=False).st_size))
    return sorted(found)


def find_backups(path: str) -> list[BesideFile]:
    """Return the backups beside the database at `path`."""
    return [file for file in find_beside(path) if file.kind == "backup"]


def remove_backup(file: BesideFile) -> None:
    """Delete a backup. One that is gone is not missed.

    Raises:
        OSError: It cannot be deleted.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(file.path)
    sync_folder(os.path.dirname(file.path))
