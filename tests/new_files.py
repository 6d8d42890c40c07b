# SPDX-License-Identifier: Apache-2.0
"""New files, for tests that are about what is written into one, and not about how it is made.

SQLite takes 50 ms to make the tables and views of a file, which is most of the time of a small test. So a process that
runs tests has the package make one, and gives copies of it to its tests.
"""

from __future__ import annotations

import contextlib
import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

_ARE_COPIED: list[bool] = []


def copy_new_files() -> None:
    """Let `put_new_file` do something: programs that tests start need a single file, which the package makes."""
    _ARE_COPIED.append(True)


def put_new_file(path: Path | str) -> None:
    """Put a file without records at `path`, unless something is there, or its folder is missing."""
    if _ARE_COPIED and isinstance(path, Path):
        with (
            contextlib.suppress(FileExistsError, FileNotFoundError, NotADirectoryError, PermissionError),
            open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file,
        ):
            file.write(_make_file())


@cache
def _make_file() -> bytes:
    from otel_sqlite_exporter.storage.migrations import migrate  # here: programs that tests start do without it

    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        migrate(str(path), busy_timeout_ms=0)
        return path.read_bytes()
