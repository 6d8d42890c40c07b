# SPDX-License-Identifier: Apache-2.0
"""New files, for tests that are about what is written into one, and not about how it is made.

SQLite takes 50 ms to make the tables and views of a file, which is most of the time of a small test. So a process that
runs tests has the package make one, and gives copies of it to its tests. Each copy has a name of its own in `_state`,
as each file that the package makes.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

_ARE_COPIED: list[bool] = []


def copy_new_files() -> None:
    """Let `put_new_file` do something: programs that tests start need a single file, which the package makes."""
    _ARE_COPIED.append(True)


def put_new_file(path: Path | str) -> None:
    """Put a file without records at `path`, unless a file or a WAL is there, or the folder is missing."""
    if _ARE_COPIED and isinstance(path, Path) and not os.path.exists(f"{path}-wal"):
        with (
            contextlib.suppress(FileExistsError, FileNotFoundError, NotADirectoryError, PermissionError),
            open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file,
        ):
            before_name, after_name = _make_file()
            file.writelines([before_name, secrets.token_hex(16).encode(), after_name])


@cache
def _make_file() -> tuple[bytes, bytes]:
    """What a file holds before its name, which is of 32 digits, and after it."""
    from otel_sqlite_exporter.storage.migrations import migrate  # here: programs that tests start do without it

    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        migrate(str(path), busy_timeout_ms=0)
        with contextlib.closing(sqlite3.connect(path)) as file:
            ((name,),) = file.execute("SELECT value FROM _state WHERE name = 'file'").fetchall()
        before_name, after_name = path.read_bytes().split(name.encode())
        return before_name, after_name
