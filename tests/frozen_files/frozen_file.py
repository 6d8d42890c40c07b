# SPDX-License-Identifier: Apache-2.0
"""Where a frozen file is, and what is compared of it."""

from __future__ import annotations

import json
import lzma
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
Shown = dict[str, list[dict[str, Any]]]
"""The rows of each public view, by the names of their columns."""


def list_versions() -> list[int]:
    return sorted(int(path.name[8:12]) for path in FOLDER.glob("version_*.db.xz"))


def unpack(version: int, path: Path) -> Shown:
    """Write the file of this version to `path`, and return what its views showed when it was made."""
    path.write_bytes(lzma.decompress((FOLDER / f"version_{version:04}.db.xz").read_bytes()))
    shown: Shown = json.loads(lzma.decompress((FOLDER / f"version_{version:04}.json.xz").read_bytes()))
    return shown


def pack(version: int, path: Path) -> None:
    """Freeze a closed file, and what its views show."""
    shown = json.dumps(read_views(path), ensure_ascii=False, separators=(",", ":")).encode()
    (FOLDER / f"version_{version:04}.db.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9))
    (FOLDER / f"version_{version:04}.json.xz").write_bytes(lzma.compress(shown, preset=9))


def read_views(path: Path, columns: Mapping[str, Sequence[str]] | None = None) -> Shown:
    """What plain SQL reads from the public views; of `columns`, if given, those alone."""
    shown: Shown = {}
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as file:
        views = [name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")]
        for view in sorted(views if columns is None else columns):
            if view.startswith("_"):
                continue
            wanted = "*" if columns is None else ", ".join(f'"{name}"' for name in columns[view])
            cursor = file.execute(f"SELECT {wanted} FROM {view}")
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor]
            shown[view] = sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
    return shown


def find_empty(path: Path) -> list[str]:
    """The tables that have no row, and the columns that have no value in any row."""
    found = []
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as file:
        tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB '_*' AND name NOT GLOB '*search*'"
        for (table,) in file.execute(tables).fetchall():
            if not file.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
                found.append(table)
                continue
            columns = [row[1] for row in file.execute(f"PRAGMA table_xinfo({table})")]
            counts = file.execute(f"SELECT {', '.join(f'count({name})' for name in columns)} FROM {table}").fetchone()
            found += [f"{table}.{name}" for name, count in zip(columns, counts, strict=True) if not count]
    return found
