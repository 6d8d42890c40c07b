# SPDX-License-Identifier: Apache-2.0
"""What changed in days that are archived: found by the ids of what came since, so it costs what is new."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from otel_sqlite_exporter.archive.archiving.closed_days import list_days
from otel_sqlite_exporter.archive.archiving.noted_days import LastIds, NotedDay
from otel_sqlite_exporter.archive.dataset_format.dataset_days import DAY_NS, find_times
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.sql.texts import read_query

Running = Mapping[int, tuple[str, int]]
"""Traces with an open span: their ids and starts by their keys."""


@dataclass(slots=True)
class DayChanges:
    """What a day has that its dataset lacks, or has otherwise.

    Attributes:
        traces: Ids of traces whose rows may be others.
        left: Ids of traces that start on another day now.
        has_logs: Log records without a trace came.
        has_points: Data points or marks came, or the points before them on an earlier day.
    """

    traces: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    has_logs: bool = False
    has_points: bool = False

    def __bool__(self) -> bool:
        """Return whether there is anything to write."""
        return bool(self.traces or self.left or self.has_logs or self.has_points)


class ChangedTrace(NamedTuple):
    """A trace that may have changed: a row of find_changed_traces.sql. Log records of a day without a trace have the
    empty id, and a time of that day as their start."""

    id: int
    trace_id: str
    start_time_unix_nano: int
    start_before_unix_nano: int
    last: LastIds

    def is_after(self, known: LastIds) -> bool:
        """Return whether it changed after these ids."""
        return any(own > other for own, other in zip(self.last, known, strict=True))


def find_oldest_ids(noted: Mapping[int, NotedDay]) -> LastIds:
    """Return the ids up to which all of these days are known."""
    return LastIds(*(min(ids) for ids in zip(*(row.last for row in noted.values()), strict=True)))


def find_changed_traces(
    connection: sqlite3.Connection, since: LastIds, until_unix_nano: int, window_ns: int
) -> Iterator[ChangedTrace]:
    """Yield the traces that started before a time whose rows may have changed since these ids, also through records of
    other traces. `window_ns` is how far records may be from each other that pair by time."""
    values = {**since._asdict(), "until": until_unix_nano, "window": window_ns}
    for id, trace_id, start, start_before, *last in connection.execute(read_query("find_changed_traces"), values):
        yield ChangedTrace(id, trace_id, start, start_before, LastIds(*last))


def find_changes(
    connection: sqlite3.Connection, noted: Mapping[int, NotedDay], running: Running, window_ns: int
) -> dict[int, DayChanges]:
    """Return what changed in the days that are noted. A trace of `running`, by its key, changes when it ends."""
    found: dict[int, DayChanges] = {day: DayChanges() for day in noted}
    if not noted:
        return {}
    since, until = find_oldest_ids(noted), (max(noted) + 1) * DAY_NS
    for trace in find_changed_traces(connection, since, until, window_ns):
        if trace.id in running:
            continue
        if not trace.trace_id:
            day = trace.start_time_unix_nano // DAY_NS
            if day in noted and trace.is_after(noted[day].last):
                found[day].has_logs = True
            continue
        day, day_before = (time // DAY_NS for time in (trace.start_time_unix_nano, trace.start_before_unix_nano))
        if day in noted and trace.is_after(noted[day].last):
            found[day].traces.add(trace.trace_id)
        if trace.start_before_unix_nano < LARGEST and day_before != day and day_before in noted:
            found[day_before].left.add(trace.trace_id)
    values = {"log": since.log, "until": until}
    for day, log in connection.execute(read_query("find_changed_log_days"), values):
        if day in noted and log > noted[day].last.log:
            found[day].has_logs = True
    for day, row in noted.items():
        if row.late_records:
            found[day].has_points = True
            for (later,) in connection.execute(read_query("find_days_after_points"), find_times(day)):
                if later in noted:
                    found[later].has_points = True
    return {day: changes for day, changes in found.items() if changes}


def find_due(
    connection: sqlite3.Connection, noted: Mapping[int, NotedDay], until_day: int, running: Running, window_ns: int
) -> dict[int, DayChanges | None]:
    """Return the days to write, in order: those before `until_day` that are not noted, as None, and what changed in the
    others."""
    due: dict[int, DayChanges | None] = dict.fromkeys(list_days(connection, until_day, noted))
    due.update(find_changes(connection, noted, running, window_ns))
    return dict(sorted(due.items()))


def read_running(connection: sqlite3.Connection) -> Running:
    """Return the traces that have an open span."""
    return {id: (trace_id, start) for id, trace_id, start in connection.execute(read_query("find_running_traces"))}
