# SPDX-License-Identifier: Apache-2.0
"""Remembers that a file cannot be used, so that not every export finds it out again: that takes up to 120 ms."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from otel_sqlite_exporter.errors import FileRefusedError, UnsupportedSQLiteError
from otel_sqlite_exporter.storage.system.system_files import HAS_MODES

_REFUSALS = (FileRefusedError, UnsupportedSQLiteError, PermissionError, FileNotFoundError, NotADirectoryError)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0


class Refusals:
    """The last refusal of one file. It is tried again after a pause, which grows with each refusal, or at once where
    the file, its folder or the user is another than before."""

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._error: Exception | None = None
        self._state: object = None
        self._until = 0.0
        self._pause_s = 0.0

    def check(self) -> None:
        """Raise the error of the last refusal if it still holds, as far as that can be known: 6 us."""
        error = self._error
        if error is not None and self._clock() < self._until and self._read_state() == self._state:
            raise error.with_traceback(None)

    def note(self, error: Exception) -> None:
        """Remember `error`, if it means that the file cannot be used as it is."""
        if not isinstance(error, _REFUSALS):
            self.clear()
        elif error is not self._error:
            self._error = error
            self._state = self._read_state()
            self._pause_s = min(self._pause_s * 2 or _FIRST_PAUSE_S, _LONGEST_PAUSE_S)
            self._until = self._clock() + self._pause_s

    def clear(self) -> None:
        """Forget it: the file could be used, or it is locked, which is no refusal."""
        self._error = None
        self._pause_s = 0.0

    def _read_state(self) -> object:
        user = os.geteuid() if HAS_MODES else 0
        return user, _read_status(self._path), _read_status(os.path.dirname(os.path.abspath(self._path)))


def _read_status(path: str) -> tuple[int, ...]:
    try:
        status = os.stat(path)
    except OSError as error:
        return (error.errno or 0,)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
