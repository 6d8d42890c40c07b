# SPDX-License-Identifier: Apache-2.0
"""Reports on a file of the attribute-row layout: its contents, the progress of its migration, and the result."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from otel_sqlite_exporter.errors import DamagedFileError
from otel_sqlite_exporter.legacy.layout import PREFIX, Layout, check_rowids, digest_layout, find_layout
from otel_sqlite_exporter.legacy.stage_progress import Stage, read_stages
from otel_sqlite_exporter.storage.connection import read_file
from otel_sqlite_exporter.storage.identity import check_file

LAST_STAGE = "cleanup"
_GROUPS = ("attributes", "restored", "repaired", "sessions", "timestamps", "pairs", "found", "orphans")


@dataclass(frozen=True, slots=True)
class LegacyFile:
    """A file of the attribute-row layout: its tables, the number of their rows, a digest of these, and the stages of a
    migration that have begun."""

    path: str
    layout: Layout
    rows: Mapping[str, int]
    digest: str
    stages: tuple[Stage, ...] = ()

    @property
    def is_in_place(self) -> bool:
        """Whether its tables have the names that a migration in place gives them."""
        return all(table.name.startswith(PREFIX) for table in self.layout.tables.values())

    @property
    def is_done(self) -> bool:
        """Whether all stages are done: a stage begins when the one before it is done."""
        return any(stage.name == LAST_STAGE and stage.is_done for stage in self.stages)


@dataclass(frozen=True, slots=True)
class LegacyReport:
    """The result of a migration.

    Attributes:
        source: The old file.
        target: The new one; the same where it was migrated in place.
        backup: The copy that was written before (None: no copy).
        seconds: By stage.
        tables: By table of the layout: rows read, and records written. Rows that say more of an event become part of
            its record.
        counts: Further counts, by group and name: attributes by type, repairs, sources of sessions and times, pairs by
            link method, orphans.
        filled: By table of the layout that was empty: rows of the view that shows the same.
        left_out: Tables that are not part of the layout, and were not read.
        bytes_before: Size of the old file.
        bytes_after: Size of the new file.

    """

    source: str
    target: str
    backup: str | None
    seconds: Mapping[str, float]
    tables: Mapping[str, Mapping[str, int]]
    counts: Mapping[str, Mapping[str, int]]
    filled: Mapping[str, int]
    left_out: tuple[str, ...]
    bytes_before: int
    bytes_after: int


def find_legacy_file(path: str, *, into: str | None = None, busy_timeout_ms: int) -> LegacyFile | None:
    """Return the file at `path` if it has the attribute-row layout, migrated (`into` another file) or not; None for any
    other file. Touches nothing.

    Raises:
        FileRefusedError: A development version before 0.1.0 migrated the file in place.
        LegacyFileError: A table was made WITHOUT ROWID.
        sqlite3.OperationalError: The file could not be opened or was locked.

    """
    if not os.path.isfile(path) or os.path.getsize(path) == 0:
        return None
    try:
        # The main file first: reading the WAL of another program's file would leave a file beside it.
        if not read_file(path, _may_be_legacy, busy_timeout_ms=busy_timeout_ms, main_only=True):
            return None
        found = read_file(path, lambda connection: _read(connection, path), busy_timeout_ms=busy_timeout_ms)
    except DamagedFileError:
        return None
    if found is None or into is None or not os.path.isfile(into) or os.path.getsize(into) == 0:
        return found
    stages = read_file(into, lambda target: read_stages(target, found.digest), busy_timeout_ms=busy_timeout_ms)
    return replace(found, stages=tuple(stages))


def _may_be_legacy(connection: sqlite3.Connection) -> bool:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return not tables or find_layout(connection) is not None


def _read(connection: sqlite3.Connection, path: str) -> LegacyFile | None:
    layout = find_layout(connection)
    if layout is None:
        return None
    check_file(connection, path)
    check_rowids(connection, path, layout)
    rows, digest = digest_layout(connection, layout)
    return LegacyFile(path, layout, rows, digest, tuple(read_stages(connection, digest)))


def make_report(file: LegacyFile, into: str | None, busy_timeout_ms: int) -> LegacyReport:
    """Return the result of the stages that are noted for `file`."""
    target = into or file.path
    stages = read_file(target, lambda connection: read_stages(connection, file.digest), busy_timeout_ms=busy_timeout_ms)
    total: Counter[str] = Counter()
    for stage in stages:
        total.update(stage.counts)
    counts: dict[str, dict[str, int]] = {}
    for name, number in total.items():
        group, _, name_in_group = name.partition(".")
        if group in _GROUPS and name_in_group and number:
            counts.setdefault(group, {})[name_in_group] = number
    return LegacyReport(
        source=file.path,
        target=target,
        backup=next((stage.position for stage in stages if stage.name == "backup"), None),
        seconds={stage.name: stage.seconds for stage in stages},
        tables={role: {"read": count, "written": total[f"written.{role}"]} for role, count in file.rows.items()},
        counts=counts,
        filled={role: total[f"filled.{role}"] for role, count in file.rows.items() if not count},
        left_out=tuple(name for name in file.layout.others if not file.stages or into),
        bytes_before=total["bytes before"],
        bytes_after=os.path.getsize(target),
    )
