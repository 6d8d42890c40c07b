# SPDX-License-Identifier: Apache-2.0
"""`backup`: a copy of a file that others may write meanwhile."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import stat
import time
from collections.abc import Callable
from typing import NamedTuple

from otel_sqlite_exporter.deliver.spool import Spool, spool_path
from otel_sqlite_exporter.deliver.spool_format import load_batch
from otel_sqlite_exporter.errors import CopyRefusedError, SpoolError
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.show.units import format_bytes
from otel_sqlite_exporter.storage.backup import copy_database
from otel_sqlite_exporter.storage.connection import is_in_use, read_file
from otel_sqlite_exporter.storage.identity import find_version
from otel_sqlite_exporter.storage.system.system_files import find_real_path, name_file, stands_beside, sync_folder


class FileCopy(NamedTuple):
    """What `back_up` wrote: the copy, its bytes, seconds, and the records of the spool beside the file, which neither
    has (None: the spool cannot be read)."""

    copy: str
    bytes: int
    seconds: float
    spooled_records: int | None


def back_up(
    settings: Settings, copy: str, *, force: bool = False, progress: Callable[[int, int], None] = lambda done, of: None
) -> FileCopy:
    """Write a copy of the file of `settings` to `copy`: one moment of it, whatever others write meanwhile, checked,
    with mode 0600. It has its name only when it is complete. `progress` is called with the pages that are done, and of
    all.

    Raises:
        CopyRefusedError: `copy` is there and `force` is not given, or it cannot be written there.
        FileRefusedError: The file is missing, damaged, or not of this package.
        sqlite3.Error, OSError: The file cannot be read, or the copy cannot be written.
    """
    began = time.monotonic()
    path, copy = settings.path, os.path.abspath(copy)
    find_version(path, busy_timeout_ms=settings.busy_timeout_ms)
    _check_place(path, copy, force=force)
    part = f"{copy}.{secrets.token_hex(4)}.part"

    def write(connection: sqlite3.Connection) -> None:
        if os.path.exists(part):  # the file was written while it was read without locks
            os.unlink(part)
        connection.execute("SELECT 1 FROM sqlite_schema").fetchall()  # begins to read
        copy_database(connection, path, part, progress)

    read_file(path, write, busy_timeout_ms=settings.busy_timeout_ms)
    try:
        os.replace(part, copy) if force else _name_copy(part, copy)
    except BaseException:
        os.unlink(part)
        raise
    sync_folder(os.path.dirname(copy))
    return FileCopy(copy, os.path.getsize(copy), time.monotonic() - began, count_spooled(settings))


def count_spooled(settings: Settings) -> int | None:
    """Return how many records wait in the spool beside the file; None: it cannot be read, or holds a batch that
    cannot."""
    spool = Spool(spool_path(settings.path), limit_bytes=settings.spool_limit_bytes)
    try:
        return sum(len(load_batch(content)[0]) for content in spool.read_waiting())
    except (SpoolError, OSError):
        return None


def _check_place(path: str, copy: str, *, force: bool) -> None:
    """Raise CopyRefusedError unless a copy of the file at `path` may be written to `copy`."""
    if find_real_path(copy) == find_real_path(path):
        raise CopyRefusedError(f"{copy} is the file itself: give another path")
    if stands_beside(copy, path):
        raise CopyRefusedError(f"{copy} belongs to the file itself: give another path")
    folder = os.path.dirname(copy)
    if not os.path.isdir(folder):
        raise CopyRefusedError(f"there is no folder {folder}: make it, or give another path")
    if os.path.lexists(copy):
        if not stat.S_ISREG(os.lstat(copy).st_mode):
            raise CopyRefusedError(f"{copy} is no plain file: give another path")
        if not force:
            raise CopyRefusedError(f"{copy} is there already: give another path, or --force to replace it")
    if is_in_use(copy):
        raise CopyRefusedError(f"{copy} is a database that is in use: give another path")
    needed, free = os.stat(path).st_size, shutil.disk_usage(folder).free
    if free < needed:
        raise CopyRefusedError(
            f"the copy needs {format_bytes(needed)}, and {folder} has {format_bytes(free)}: make room, or give a path "
            "on another disk"
        )


def _name_copy(part: str, copy: str) -> None:
    """Give a complete copy its name, unless another file has got it meanwhile."""
    try:
        name_file(part, copy)
    except FileExistsError:
        raise CopyRefusedError(f"{copy} is there now: give another path, or --force to replace it") from None
