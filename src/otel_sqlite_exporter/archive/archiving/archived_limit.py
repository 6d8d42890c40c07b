# SPDX-License-Identifier: Apache-2.0
"""What a file may lose because a dataset has it: what is durable there, and did not change since."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from otel_sqlite_exporter.archive.archiving.archive_run import ArchiveRun
from otel_sqlite_exporter.archive.archiving.changed_days import find_changed_traces, find_oldest_ids, read_running
from otel_sqlite_exporter.archive.archiving.noted_days import LastIds, NotedDay
from otel_sqlite_exporter.archive.dataset_format.dataset_days import DAY_NS, bound_day, find_times, name_day
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest
from otel_sqlite_exporter.archive.dataset_format.part_files import check_part
from otel_sqlite_exporter.archive.day_rows.point_days import count_points
from otel_sqlite_exporter.errors import DamagedFileError
from otel_sqlite_exporter.sql.texts import read_query

_COUNTED = {"spans": "spans", "logs": "logs", "points": "metrics"}


class ArchivedLimit:
    """Allows what is in the days that a run knows to be in its dataset, while that run holds its locks. A day that was
    removed from the dataset stays in the file, and so do all data points from that day on."""

    def __init__(self, run: ArchiveRun) -> None:
        """Make sure that the dataset has what the file notes.

        Raises:
            DamagedFileError: A part is missing, or is not what its manifest says.
        """
        rows = [row for row in run.notes.rows if _has_rows(run.writer, row.day)]
        removed = {row.day for row in rows if run.is_removed(row)}
        with_points = [day for day in removed if count_points(run.writer, *bound_day(day))]
        self._until = min([run.until_day, *with_points]) * DAY_NS
        self._notes = run.notes
        self._days = {day: row for day, row in run.notes.newest.items() if day not in removed}
        self._window_ns = run.window_ns
        self._last: LastIds | None = None
        self._changed: set[int] = set()
        self._changed_logs: set[int] = set()
        self._running: Mapping[int, object] = {}
        self._late: set[int] = set()
        check_parts(run.dataset, rows, {one.name: one for row in rows for one in run.find_manifests(row)})

    def renew(self, connection: sqlite3.Connection) -> None:
        """Read what came since the last call, in the transaction of a step."""
        if not self._days:
            return
        since, last = self._last, LastIds.read(connection)
        if since != last:
            known = find_oldest_ids(self._days) if since is None else since
            until = (max(self._days) + 1) * DAY_NS
            for trace in find_changed_traces(connection, known, until, self._window_ns):
                day = trace.start_time_unix_nano // DAY_NS
                if day not in self._days or trace.is_after(self._days[day].last):
                    if trace.trace_id:
                        self._changed.add(trace.id)
                    else:
                        self._changed_logs.add(day)
            self._last = last
        self._running = read_running(connection)
        self._notes.read(connection)
        self._late = {day for day, row in self._notes.newest.items() if row.late_records}

    def allows(self, connection: sqlite3.Connection, kind: str, id: int) -> bool:
        """Return whether all of a unit is in the dataset as it is."""
        if kind == "points":
            return not self._late
        if kind == "log":
            return self._has_logs(connection.execute(read_query("get_log_day"), {"id": id}).fetchall())
        traces = connection.execute(read_query("list_unit_traces"), {"kind": kind, "id": id}).fetchall()
        return all(
            self._has_trace(trace, start)
            if part is None
            else self._has_logs(connection.execute(read_query("list_log_days"), {"part": part}).fetchall())
            for trace, start, part in traces
        )

    def cut_points(self, before_unix_nano: int) -> int:
        """Return before which time data points may go, if they are due before that one; none while some came late."""
        return -(2**63) if self._late else min(before_unix_nano, self._until)

    def _has_trace(self, trace: int, start_unix_nano: int) -> bool:
        return start_unix_nano // DAY_NS in self._days and trace not in self._changed and trace not in self._running

    def _has_logs(self, days: Iterable[tuple[int, int]]) -> bool:
        return all(
            day in self._days and day not in self._changed_logs and log <= self._days[day].last.log for day, log in days
        )


def _has_rows(connection: sqlite3.Connection, day: int) -> bool:
    return bool(connection.execute(read_query("has_day"), find_times(day)).fetchone()[0])


def check_parts(dataset: DatasetFolder, rows: Iterable[NotedDay], manifests: Mapping[str, Manifest]) -> None:
    """Make sure that the parts of some manifests are whole, and hold as much as the file notes of them.

    Raises:
        DamagedFileError: A part is missing, has another size, digest or number of rows, or there are too few rows.
    """
    counted: dict[tuple[str, str], int] = {}
    for manifest in manifests.values():
        for part in manifest.parts:
            check_part(dataset, part)
            key = (manifest.name, part.table)
            counted[key] = counted.get(key, 0) + part.rows
    for row in rows:
        if row.manifest in manifests and any(
            counted.get((row.manifest, table), 0) != getattr(row, name) for name, table in _COUNTED.items()
        ):
            raise DamagedFileError(
                f"{dataset.path}: its parts of {name_day(row.day)} hold other numbers of rows than the file had, so "
                "nothing was removed from the file: run `doctor` on the file, move the manifest "
                f"{row.manifest} away, and archive the day again"
            )
