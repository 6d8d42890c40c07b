# SPDX-License-Identifier: Apache-2.0
"""Made-up steps after the released ones, and how tests apply them."""

from __future__ import annotations

import os
from pathlib import Path

from otel_sqlite_exporter.storage.migrations import Migration, Report, load_migrations, prepare_file
from otel_sqlite_exporter.storage.migrations import migrate as migrate_file
from tests.conftest import read

RELEASED = load_migrations()
NEWEST = RELEASED[-1].version
QUICK = Migration(NEWEST + 1, "add_notes", "-- quick\nCREATE TABLE _notes (text TEXT) STRICT;\n")
SLOW = Migration(NEWEST + 1, "rename_spans", "UPDATE _spans SET name = 'new ' || name;\n")
BROKEN = Migration(
    NEWEST + 2,
    "broken",
    "CREATE TABLE _half (text TEXT) STRICT;\nUPDATE _spans SET name = 'half';\nINSERT INTO _nothing VALUES (1);\n",
)


def migrate(path: Path, *steps: Migration, backup: bool = True) -> Report:
    return migrate_file(str(path), busy_timeout_ms=10_000, backup=backup, steps=RELEASED + steps)


def prepare(path: Path, auto_migrate: str, *steps: Migration) -> None:
    prepare_file(str(path), auto_migrate, busy_timeout_ms=10_000, steps=RELEASED + steps)


def version(path: Path) -> int:
    (found,) = read(path, "PRAGMA user_version")[0]
    assert isinstance(found, int)
    return found


def beside(path: Path) -> list[str]:
    """What stands beside a file, but for its own WAL, which also reading makes."""
    own = {path.name, f"{path.name}-wal", f"{path.name}-shm"}
    return sorted(set(os.listdir(path.parent)) - own)
