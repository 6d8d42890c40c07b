# SPDX-License-Identifier: Apache-2.0
"""Files that must be refused, and what a test compares to see that they were not touched."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path


def snapshot(path: Path) -> dict[str, bytes]:
    """The names and bytes of everything in the folder of `path`. A -shm holds locks and no data: its bytes change when
    a file is read."""
    return {
        name: b"" if name.endswith("-shm") else (path.parent / name).read_bytes()
        for name in sorted(os.listdir(path.parent))
    }


def foreign_file(
    path: Path, journal_mode: str, *, application_id: int = 0, then: Callable[[], object] = lambda: None
) -> None:
    """Make another program's file; call `then` before it is closed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        connection.execute(f"PRAGMA application_id = {application_id}")
        connection.execute("CREATE TABLE theirs (x)")
        connection.execute("INSERT INTO theirs VALUES (1)")
        then()


def foreign(path: Path) -> None:
    foreign_file(path, "delete")


def foreign_wal(path: Path) -> None:
    foreign_file(path, "wal")


def foreign_application_id(path: Path) -> None:
    foreign_file(path, "wal", application_id=0x0F055112)


def foreign_leftover_wal(path: Path) -> None:
    """As the end of its program left it, with the -wal and the -shm beside it."""
    kept: dict[str, bytes] = {}
    foreign_file(path, "wal", then=lambda: kept.update(everything(path)))
    for name, content in kept.items():
        (path.parent / name).write_bytes(content)


def foreign_copied_wal(path: Path) -> None:
    """A copy of a file that was in use, without the -shm, after a checkpoint."""
    kept: dict[str, bytes] = {}

    def keep() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_checkpoint")
            connection.execute("INSERT INTO theirs VALUES (2)")
            kept.update(everything(path))

    foreign_file(path, "wal", then=keep)
    for name, content in kept.items():
        if not name.endswith("-shm"):
            (path.parent / name).write_bytes(content)


def text_file(path: Path) -> None:
    path.write_text("not a database\n" * 1000)


def short_text_file(path: Path) -> None:
    path.write_text("xx")


FOREIGN: list[Callable[[Path], None]] = [
    foreign,
    foreign_wal,
    foreign_application_id,
    foreign_leftover_wal,
    foreign_copied_wal,
    text_file,
    short_text_file,
]


def everything(path: Path) -> dict[str, bytes]:
    return {name: (path.parent / name).read_bytes() for name in os.listdir(path.parent)}


def truncated_file(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 // 8192 * 8192)


def garbage_header_file(path: Path) -> None:
    overwrite(path, 0, b"\xa5" * 100)


def garbage_page_file(path: Path) -> None:
    """The first page of the table `_spans` is garbage; the schema can be read."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = '_spans'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    overwrite(path, (page - 1) * size, b"\xa5" * size)


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)
