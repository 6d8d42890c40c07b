# SPDX-License-Identifier: Apache-2.0
"""Sees what others did to a file that is open here: removed, replaced, or cut in place (`: > otel.db`, logrotate with
`copytruncate`), the file or its write-ahead log. SQLite sees none of it, and goes on writing what nobody can read.

Four calls of `stat` an export: 20 us of 600.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from typing import NamedTuple

from otel_sqlite_exporter.errors import DamagedFileError
from otel_sqlite_exporter.storage.connection import read_file
from otel_sqlite_exporter.storage.system.database_files import keep_log
from otel_sqlite_exporter.storage.system.system_files import alone_in, find_real_path

_logger = logging.getLogger(__name__)
# sqlite.org/fileformat2.html: the header of a write-ahead log, and that of each page in it.
_LOG_HEADER, _FRAME_HEADER = 32, 24


class _Look(NamedTuple):
    device: int
    inode: int
    size: int


class WatchedFile:
    """The file at a path and its write-ahead log, as they were when they were last noted."""

    def __init__(self, path: str) -> None:
        self._path = path
        real = find_real_path(path)
        self._log_path = f"{real}-wal"
        self._index_path = f"{real}-shm"
        self._file: _Look | None = None
        self._log: _Look | None = None
        self.index_id: tuple[int, int] | None = None

    @property
    def id(self) -> tuple[int, int] | None:
        """Device and inode of the file that was noted."""
        return None if self._file is None else self._file[:2]

    def note_opened(self) -> None:
        """Remember how they are now that they have been opened, and the index of the log."""
        self._note()
        self.index_id = identify(self._index_path)

    def is_sound(self, connection: sqlite3.Connection) -> bool:
        """Return whether `connection`, which was opened before they were noted, may go on with them; note how they are
        now. Otherwise it is to be closed: closing it writes nothing into a file that was cut.

        Raises:
            sqlite3.Error: The connection cannot be used.
        """
        file, log = self._file, self._log
        self._note()
        if file is None or self._file is None:
            return False
        if self._file[:2] != file[:2]:
            self._set_aside(log)
            return False
        if self._file.size < file.size and self._is_cut():
            _logger.warning("%s was cut in place by another program: what it held is lost", self._path)
            with contextlib.suppress(OSError):
                keep_log(self._path)
                # SQLite writes the log into the file when it closes it, which would make the rest look whole.
                os.truncate(self._log_path, 0)
            return False
        if log is None:
            return True
        if self._log is None or self._log[:2] != log[:2]:
            # SQLite still has the log that was removed: what it holds comes into the file.
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            return False
        return self._log.size >= log.size or self._has_whole_log(connection)

    def _note(self) -> None:
        self._file, self._log = _look(self._path), _look(self._log_path)

    def _set_aside(self, log: _Look | None) -> None:
        """Give the log of the file that was replaced a second name, and take it and its index from the new file: SQLite
        would take their pages for pages of that."""
        with contextlib.suppress(OSError), alone_in(os.path.dirname(self._log_path)):
            if log is not None and identify(self._log_path) == log[:2]:
                keep_log(self._path, as_link=True)
                os.unlink(self._log_path)
            if self.index_id is not None and identify(self._index_path) == self.index_id:
                os.unlink(self._index_path)

    def _is_cut(self) -> bool:
        """Return whether the file is shorter than its own header says. (VACUUM of another process makes it shorter
        too.)"""
        try:
            return read_file(self._path, _is_empty, busy_timeout_ms=0, main_only=True)
        except DamagedFileError:
            return True

    def _has_whole_log(self, connection: sqlite3.Connection) -> bool:
        """Return whether the log holds the pages that SQLite believes to be there. (A checkpoint empties it too.)"""
        pages: int
        page_bytes: int
        _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        size = 0 if self._log is None else self._log.size
        return pages <= 0 or size >= _LOG_HEADER + pages * (_FRAME_HEADER + page_bytes)


def _is_empty(connection: sqlite3.Connection) -> bool:
    return not any(connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1"))


def identify(path: str) -> tuple[int, int] | None:
    """Return device and inode of the file at `path`, or None if there is none."""
    seen = _look(path)
    return None if seen is None else seen[:2]


def _look(path: str) -> _Look | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return _Look(status.st_dev, status.st_ino, status.st_size)
