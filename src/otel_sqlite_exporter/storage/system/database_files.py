# SPDX-License-Identifier: Apache-2.0
"""The file of a database and what SQLite keeps beside it, before a connection is opened."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat

from otel_sqlite_exporter.storage.system.system_files import alone_in, is_writable, make_folders, sync_folder


def keep_log(path: str, *, as_link: bool = False) -> str | None:
    """Give the write-ahead log of a `path` whose file is lost a second name (a copy, or `as_link`), and return it; None
    if there is no log.

    Raises:
        OSError: It could not be written.
    """
    log = f"{os.path.realpath(path)}-wal"
    try:
        kept = f"{log.removesuffix('-wal')}.orphaned-{os.stat(log).st_mtime_ns}-{os.getpid()}-wal"
    except FileNotFoundError:
        return None
    if as_link:
        os.link(log, kept)
    else:
        shutil.copyfile(log, kept)
        os.chmod(kept, 0o600)
    return kept


def create_file(path: str) -> None:
    """Make an empty file, for its owner alone, and its folder, unless there is a file. The WAL that a removed file left
    gets another name.

    Raises:
        OSError: It could not be made.
    """
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    make_folders(folder)
    if os.path.exists(path):
        return
    with alone_in(folder):
        if os.path.exists(path):
            return
        orphan = None
        with contextlib.suppress(OSError):  # the WAL of a file that was removed: SQLite deletes it beside a new file
            orphan = keep_log(path, as_link=True)
        with contextlib.suppress(OSError):  # processes that have that file open go on with its index of the WAL
            os.unlink(f"{path}-shm")
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            sync_folder(folder)
        except FileExistsError:  # by a process that could not lock the folder
            if orphan is not None:
                os.unlink(orphan)


def check_access(path: str) -> None:
    """Raise PermissionError where this process may not write the file; and let it write what a reader left beside the
    file while that was read-only. SQLite gives both the mode of the file, and does not change it later."""
    path = os.path.realpath(path)
    if not is_writable(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    for name in (f"{path}-wal", f"{path}-shm"):
        with contextlib.suppress(OSError):
            if not is_writable(name):
                os.chmod(name, stat.S_IMODE(os.stat(path).st_mode))
