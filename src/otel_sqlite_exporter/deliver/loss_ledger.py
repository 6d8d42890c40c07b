# SPDX-License-Identifier: Apache-2.0
"""How many records were lost while neither the file nor the spool could be written, also where the process ends before
the file can be: a file beside the database that has as many bytes as records were lost, and no content.

A full disk has no room for a byte, but most file systems make an empty file and set its length on it: that is kept
beside the name, and the length needs no blocks.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable

from otel_sqlite_exporter.deliver.spool import spool_path
from otel_sqlite_exporter.storage.system.system_files import BINARY, NO_LINK, lock_file, remove_open_file, sync_folder


def ledger_path(path: str) -> str:
    """Return the path of the ledger beside the database at `path`."""
    return f"{spool_path(path).removesuffix('-spool')}-lost"


class LossLedger:
    """The losses of one database file that no exporter has counted in it yet."""

    def __init__(self, path: str) -> None:
        """`path` is that of the ledger."""
        self._path = path

    def add(self, records: int) -> bool:
        """Note that `records` were lost. Return whether that is on record; never raises an OSError."""
        with contextlib.suppress(OSError):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | BINARY | NO_LINK, 0o600)
            try:
                lock_file(descriptor)
                if _is_in_place(descriptor):
                    before = os.fstat(descriptor).st_size
                    if not before:
                        sync_folder(os.path.dirname(self._path))
                    os.ftruncate(descriptor, before + records)
                    os.fsync(descriptor)
                    return True
            finally:
                os.close(descriptor)
        return False

    def count(self) -> int:
        """Return how many losses it holds."""
        try:
            status = os.lstat(self._path)
        except OSError:
            return 0
        return status.st_size if stat.S_ISREG(status.st_mode) else 0

    def settle(self, write: Callable[[int], None]) -> None:
        """Call `write`, which is to count so many losses in the database, and forget them when it returns. There are
        none where another process does this just now.

        Raises:
            Whatever `write` raises; the ledger keeps its losses.
        """
        losses, descriptor = 0, -1
        try:
            with contextlib.suppress(OSError):
                # Unpacked, because an exception of a signal handler may come after a call: see `_OwnConnection`.
                (descriptor,) = map(os.open, (self._path,), (os.O_RDWR | BINARY | NO_LINK,))
                lock_file(descriptor)
                losses = os.fstat(descriptor).st_size if _is_in_place(descriptor) else 0
            write(losses)
            if losses:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, 0)
                    remove_open_file(self._path, descriptor)
        finally:
            if descriptor >= 0:
                os.close(descriptor)


def _is_in_place(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return stat.S_ISREG(status.st_mode) and status.st_nlink > 0
