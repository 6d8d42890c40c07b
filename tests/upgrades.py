# SPDX-License-Identifier: Apache-2.0
"""Made-up steps after the released ones, and how tests apply them."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from otel_sqlite_exporter.storage.identity import APPLICATION_ID
from otel_sqlite_exporter.storage.migrations import Report, prepare_file
from otel_sqlite_exporter.storage.migrations import migrate as migrate_file
from otel_sqlite_exporter.storage.steps import Migration, load_migrations
from otel_sqlite_exporter.storage.views import Views, load_views
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


NEXT_STEP = Migration(
    NEWEST + 1, "slow_spans", Path(__file__).with_name("sql").joinpath("next_step.sql").read_text(encoding="utf-8")
)
"""A next version as it may come: a table that is filled in batches, a view that shows it, a changed view."""
_SLOW_SPANS = "CREATE VIEW slow_spans AS\n-- One row a span.\nSELECT w.span, w.seconds FROM _slow_spans AS w"
_ADDED = "SELECT\n  (SELECT count(*) FROM _slow_spans) AS slow_spans,\n"
NEXT_VIEWS = Views(
    load_views().number + 1,
    (
        *(
            sql.replace("SELECT\n", _ADDED, 1) if sql.startswith("CREATE VIEW row_counts") else sql
            for sql in load_views().statements
        ),
        _SLOW_SPANS,
    ),
)


def migrate(path: Path, *steps: Migration, backup: bool = True, views: Views | None = None) -> Report:
    return migrate_file(str(path), busy_timeout_ms=10_000, backup=backup, steps=RELEASED + steps, views=views)


def prepare(path: Path, auto_migrate: str, *steps: Migration, views: Views | None = None) -> None:
    prepare_file(str(path), auto_migrate, busy_timeout_ms=10_000, steps=RELEASED + steps, views=views)


def write_development_file(path: Path, number: int) -> None:
    """Make a file that says of itself that a version before 0.1.0 made it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("CREATE TABLE _spans (id INTEGER PRIMARY KEY) STRICT")


def version(path: Path) -> int:
    (found,) = read(path, "PRAGMA user_version")[0]
    assert isinstance(found, int)
    return found


def beside(path: Path) -> list[str]:
    """What stands beside a file, but for its own WAL, which also reading makes."""
    own = {path.name, f"{path.name}-wal", f"{path.name}-shm"}
    return sorted(set(os.listdir(path.parent)) - own)
