# SPDX-License-Identifier: Apache-2.0
"""Migrations of attribute-row files that are not complete, each in one line with the command that goes on, as `doctor`
and `info` say it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.identity import name_command


@dataclass(frozen=True, slots=True)
class StoppedMigration:
    """A migration that is not complete: the last stage that it noted, whether the old tables are in this file, and the
    backup that was written before."""

    stage: str
    is_in_place: bool
    backup: str | None


def find_stopped_migrations(connection: sqlite3.Connection) -> tuple[StoppedMigration, ...]:
    """Return the migrations into this file that are not complete, the oldest first."""
    query = "SELECT count(*) FROM sqlite_schema WHERE name = '_legacy_stages'"
    if not connection.execute(query).fetchone()[0]:
        return ()
    found = connection.execute(read_query("find_stopped_migrations"))
    return tuple(StoppedMigration(stage, bool(in_place), backup) for stage, in_place, backup in found)


def describe_stopped_migration(migration: StoppedMigration, path: str) -> tuple[str, str]:
    """Return what is to be known about a migration into the file at `path`, and what helps."""
    what = f"a migration of attribute rows stopped in stage {migration.stage!r}, or still runs: records are missing"
    if migration.is_in_place:
        backup = f"; the backup of the old file is {migration.backup}" if migration.backup else ""
        return what, f"run `{name_command('migrate', path)}` again, which goes on there{backup}"
    return what, f"run `{name_command('migrate --into', path)} OLD` again, with the old file: it goes on there"
