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

from otel_sqlite_exporter.storage.system.system_files import BINARY, NO_LINK


class LossLedger:
    """The losses of one database file that no exporter has counted in it yet."""

    def __init__(self, path: str) -> None:
        """`path` is that of the ledger."""
        self._path = path

    def add(self, records: int) -> bool:
        """Note that `records` were lost. Return whether that is on record; never raises an OSError."""
        with contextlib.suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | BINARY | NO_LINK, 0o600)
            try:
                status = os.fstat(descriptor)
                if stat.S_ISREG(status.st_mode) and status.st_nlink:
                    os.ftruncate(descriptor, status.st_size + records)
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

    def clear(self) -> None:
        """Forget them, as they are counted in the database now."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)
