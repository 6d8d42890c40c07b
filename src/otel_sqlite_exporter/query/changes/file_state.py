# SPDX-License-Identifier: Apache-2.0
"""A text that changes whenever the contents of a file do, for less than what it costs to open the file.

Two things make it: how the file and its write-ahead log stand on the disk (device, inode, size, time of change), and
what a batch leaves in the file (last ids, counters of exporters, notes). The first changes with each transaction of any
program, also with one that only changes costs; but a file system may give the same time to two writes within some
milliseconds. So while the last write is younger than `_RACY_NS`, the second is read again each time; after that it is
known to be the same as long as the first is. (git tells changed files from its index in the same way.)

Running spans end now, which no write tells: their times are left out. That their process is gone is not.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
import time
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.open_work import find_open_runs
from otel_sqlite_exporter.storage.system.process import ProcessIdentity, is_alive
from otel_sqlite_exporter.version import __version__

_RACY_NS = 2 * 10**9
"""File systems note the time of a write to 2 seconds (FAT) or better."""


class _DiskLook(NamedTuple):
    """How the file and its log stand on the disk, and the time of the last write in nanoseconds."""

    facts: tuple[Any, ...]
    changed_ns: int


class _FileContents(NamedTuple):
    """What a batch leaves in the file, and the processes that have open spans."""

    facts: tuple[Any, ...]
    writers: tuple[ProcessIdentity, ...]


class FileState:
    """The state of one file, for any number of threads."""

    def __init__(self, file: TelemetryFile) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._known: tuple[_DiskLook, _FileContents] | None = None

    def read(self) -> str:
        """Return 32 hex digits, which are others after each change.

        Raises:
            FileRefusedError: The file is missing, damaged, of another program, or too old.
            sqlite3.Error, OSError: The file cannot be read, or is locked for too long.
        """
        look = self._look()
        with self._lock:
            known = self._known
        if known is not None and known[0] == look:
            contents = known[1]
        else:
            contents = self._file.read(_read_contents)
            if time.time_ns() - look.changed_ns > _RACY_NS and self._look() == look:
                with self._lock:
                    self._known = look, contents
        gone = [number for number, writer in enumerate(contents.writers) if is_alive(writer) is False]
        text = orjson.dumps([__version__, look.facts, contents.facts, [[*writer] for writer in contents.writers], gone])
        return hashlib.sha256(text).hexdigest()[:32]

    def _look(self) -> _DiskLook:
        real = os.path.realpath(self._file.path)
        stats: list[os.stat_result | None] = []
        for path in (real, f"{real}-wal", f"{real}-journal"):
            try:
                stats.append(os.stat(path))
            except FileNotFoundError:
                stats.append(None)
        facts = tuple(one and (one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns) for one in stats)
        return _DiskLook(facts, max((one.st_mtime_ns for one in stats if one), default=0))


def _read_contents(connection: sqlite3.Connection) -> _FileContents:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    row = connection.execute(read_query("read_file_state")).fetchone()
    return _FileContents((version, *row), tuple(run.process for run in find_open_runs(connection)))
