# SPDX-License-Identifier: Apache-2.0
"""What `archive` would write, read without a change."""

from __future__ import annotations

import sqlite3
from typing import Literal, NamedTuple

from otel_sqlite_exporter.archive.archiving.changed_days import find_due, read_running
from otel_sqlite_exporter.archive.archiving.held_manifests import HeldManifests
from otel_sqlite_exporter.archive.archiving.noted_days import NotedDays, check_folder
from otel_sqlite_exporter.archive.dataset_format.dataset_days import DAY_NS, find_times, name_day
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder, find_dataset
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query


class PlannedDay(NamedTuple):
    """A day that would be written: `new`, or `changed` since it was.

    Attributes:
        date: The day (UTC), as `2026-01-31`.
        kind: Whether the dataset has it.
        traces: How many traces started then, or changed.
    """

    date: str
    kind: Literal["new", "changed"]
    traces: int


class ArchivePlan(NamedTuple):
    """What `archive` would do.

    Attributes:
        until: The first day that is not closed.
        days: What it would write, in order.
        known_days: How many other days of the file the dataset has.
        removed_days: How many of these `delete` or `prune` removed from it: they would not be written again.
        running: How many traces of closed days run, and would be left out.
    """

    until: str
    days: tuple[PlannedDay, ...]
    known_days: int
    removed_days: int
    running: int


def plan_archive(settings: Settings, folder: str, until_day: int, *, removes: bool = False) -> ArchivePlan:
    """Return what `archive` would write now. A folder that is missing or empty would become a dataset; but not for a
    run that `removes`, if the file has been archived elsewhere.

    Raises:
        FileRefusedError: The file or the dataset cannot be used as it is.
        sqlite3.Error, OSError: The file or the dataset cannot be read.
    """
    file = TelemetryFile(settings.path, settings.busy_timeout_ms)
    if removes:
        file.read(check_folder, folder)
    dataset = find_dataset(folder)
    return file.read(_plan, dataset, until_day, settings.pairing_window_ms * 1_000_000)


def _plan(connection: sqlite3.Connection, dataset: DatasetFolder | None, until_day: int, window_ns: int) -> ArchivePlan:
    noted = {} if dataset is None else NotedDays(connection, dataset).newest
    running = read_running(connection)
    days = []
    for day, changes in find_due(connection, noted, until_day, running, window_ns).items():
        if changes is None:
            (traces,) = connection.execute(read_query("count_traces_of_day"), find_times(day)).fetchone()
            days.append(PlannedDay(name_day(day), "new", traces))
        else:
            days.append(PlannedDay(name_day(day), "changed", len(changes.traces)))
    closed = sum(start < until_day * DAY_NS for _, start in running.values())
    due = {day.date for day in days}
    unchanged = [row for row in noted.values() if name_day(row.day) not in due]
    removed = 0 if dataset is None else sum(map(HeldManifests(dataset).is_removed, unchanged))
    return ArchivePlan(name_day(until_day), tuple(days), len(unchanged), removed, closed)
