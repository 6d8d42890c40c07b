# SPDX-License-Identifier: Apache-2.0
"""Files that are merged: checked before anything is written, read without being changed. One of an older schema is read
from a copy that is upgraded, in a folder beside the merged file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, TypeVar

from otel_sqlite_exporter.deliver.spool import Spool, spool_path
from otel_sqlite_exporter.errors import FileRefusedError, SpoolError
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.storage.connection import FileReader, read_file
from otel_sqlite_exporter.storage.identity import find_version
from otel_sqlite_exporter.storage.migrations import find_pending, migrate
from otel_sqlite_exporter.storage.system.system_files import stands_beside
from otel_sqlite_exporter.storage.system.work_folders import make_work_folder

_T = TypeVar("_T")
_FOLDER = ".merging-"


class SnapshotReader(Protocol):
    """Reads a file in snapshots."""

    def read(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        """Return what `read` returns for a connection to the file, in one snapshot."""


class MergeSource(NamedTuple):
    """A file that is merged. `path` is what the user gave, or what no other source of the target is called; `read_path`
    is the file that is read: itself, or an upgraded copy."""

    path: str
    read_path: str
    reader: SnapshotReader

    def read(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        """Return what `read` returns for one snapshot of the source. It may be called again.

        Raises:
            DamagedFileError: SQLite finds the file damaged.
            sqlite3.OperationalError: It could not be opened or was locked.
        """
        return self.reader.read(read)

    def count_waiting(self) -> int:
        """Return how many batches wait in the spool beside it."""
        spool = Spool(spool_path(self.path), limit_bytes=0)
        try:
            return spool.count()[0]
        except (SpoolError, OSError):
            return 0

    def read_state(self) -> list[int]:
        """Return what changes whenever the file does: sizes and times of it and its log."""
        found = []
        for path in (self.path, f"{os.path.realpath(self.path)}-wal"):
            with contextlib.suppress(FileNotFoundError):
                status = os.stat(path)
                found += [status.st_ino, status.st_size, status.st_mtime_ns]
        return found


def check_merge_source(path: str, settings: Settings) -> bool:
    """Return whether the file at `path`, which is to be merged into that of `settings`, has an older schema.

    Raises:
        FileRefusedError: It is missing, damaged, newer, not ours, or the file that it is to be merged into.
    """
    timeout = settings.busy_timeout_ms
    find_version(path, busy_timeout_ms=timeout)
    if stands_beside(settings.path, path):
        raise FileRefusedError(f"{settings.path} belongs to {path}: give another path to merge into")
    with contextlib.suppress(FileNotFoundError):
        if os.path.samefile(path, settings.path):
            raise FileRefusedError(f"{path} is the file to merge into: leave it out, as its records stay in it")
    return bool(find_pending(path, busy_timeout_ms=timeout).steps)


@contextlib.contextmanager
def open_merge_source(path: str, settings: Settings, *, is_older: bool) -> Iterator[MergeSource]:
    """Yield the source at `path`; the copy that one of an older schema needs is there meanwhile.

    Raises:
        FileRefusedError, MigrationFailedError: It cannot be read, or not upgraded.
        sqlite3.Error, OSError: The copy cannot be written.
    """
    if not is_older:
        with _reading(path, path, settings) as source:
            yield source
        return
    with make_work_folder(settings.path, _FOLDER) as folder:
        copy = os.path.join(folder, "source.db")
        os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        read_file(path, lambda source: _back_up(source, copy), busy_timeout_ms=settings.busy_timeout_ms)
        migrate(copy, busy_timeout_ms=settings.busy_timeout_ms, backup=False)
        with _reading(path, copy, settings) as source:
            yield source


@contextlib.contextmanager
def _reading(path: str, read_path: str, settings: Settings) -> Iterator[MergeSource]:
    with contextlib.closing(FileReader(read_path, busy_timeout_ms=settings.busy_timeout_ms)) as reader:
        yield MergeSource(path, read_path, reader)


def _back_up(source: sqlite3.Connection, path: str) -> None:
    with contextlib.closing(sqlite3.Connection(path, isolation_level=None)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
