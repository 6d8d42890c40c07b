# SPDX-License-Identifier: Apache-2.0
"""What `prune` would remove, read without a change. Bytes are estimated: a data point is taken to have 40, and each
span and log record an equal share of the rest."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from typing import NamedTuple

from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.retention.due_points import DuePoints
from otel_sqlite_exporter.retention.due_units import DueUnit, DueUnits, Reason, read_held_back
from otel_sqlite_exporter.retention.hourly.hourly_points import find_hour
from otel_sqlite_exporter.retention.kept_units import KeptUnit, name_oldest
from otel_sqlite_exporter.retention.pruning import find_share
from otel_sqlite_exporter.retention.retention_rules import RetentionRules
from otel_sqlite_exporter.retention.step_choice import POINT_BYTES
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.system.file_space import count_pages

_LOOKS = 10_000


class PlannedSession(NamedTuple):
    """A session that would go: its id, its end in nanoseconds since 1970, and the records that show it."""

    session_id: str
    end_time_unix_nano: int
    spans: int
    logs: int


class PrunePlan(NamedTuple):
    """What would go, and what stays though the rules name it.

    Attributes:
        sessions: The oldest first.
        traces: Traces that would be gone, with and without a session.
        traces_without_session: Those of them that have none.
        spans, logs, points: Spans, log records and data points in all.
        raw_points: Data points that become fewer, one a series and hour.
        hours: As how many, about.
        estimated_bytes: What goes takes in the file, roughly.
        used_bytes: What the file holds now: its size without free pages.
        kept: Sessions, and traces without one, that stay: by why.
        oldest_kept: The oldest of these, five of each at most.
    """

    sessions: tuple[PlannedSession, ...]
    traces: int
    traces_without_session: int
    spans: int
    logs: int
    points: int
    raw_points: int
    hours: int
    estimated_bytes: int
    used_bytes: int
    kept: Counter[Reason]
    oldest_kept: tuple[KeptUnit, ...]


def plan_pruning(settings: Settings, rules: RetentionRules) -> PrunePlan:
    """Return what `prune` would remove now.

    Raises:
        FileRefusedError: The file is missing, damaged, of another program, or too old.
        sqlite3.Error, OSError: The file cannot be read.
    """
    return TelemetryFile(settings.path, settings.busy_timeout_ms).read(_plan, rules)


def _plan(connection: sqlite3.Connection, rules: RetentionRules) -> PrunePlan:
    held = read_held_back(connection)
    used = count_pages(connection).used_bytes
    due, points = DueUnits(rules, time.time_ns()), _GonePoints(connection, rules)
    share = find_share(connection, used, points.of_series.estimate_number())
    if rules.max_bytes is not None and used > rules.max_bytes:
        due.measure_points(points.of_series)
    sessions: list[PlannedSession] = []
    alone = spans = logs = size = 0
    traces = _GoneTraces(connection)
    while not due.is_done:
        for unit in due.iterate(connection, held, most=_LOOKS):
            of_spans, of_logs = _measure(connection, unit, sessions)
            points.add(unit, due.find_point_bound(unit))
            if unit.kind == "session":
                traces.add_session(unit.id)
            alone += unit.kind == "trace" and of_spans + of_logs > 0
            spans, logs = spans + of_spans, logs + of_logs
            size = round(share * (spans + logs)) + POINT_BYTES * points.gone
            due.expected_bytes = used - size
            if not due.goes_on(connection):
                break
    oldest, gone = name_oldest(connection, due), (traces.gone + alone, alone, spans, logs, points.gone)
    return PrunePlan(tuple(sessions), *gone, *_count_hours(connection, rules), size, used, due.kept, oldest)


def _count_hours(connection: sqlite3.Connection, rules: RetentionRules) -> tuple[int, int]:
    """Return how many data points become fewer, and as how many."""
    if rules.raw_points_s is None:
        return 0, 0
    chosen = {"until": find_hour(rules.raw_points_s), "services": json.dumps(rules.services)}
    points, hours = connection.execute(read_query("count_due_hours"), chosen).fetchone()
    return points, hours


def _measure(connection: sqlite3.Connection, unit: DueUnit, sessions: list[PlannedSession]) -> tuple[int, int]:
    """Return the numbers of spans and log records of `unit`, and add it to `sessions` if it is one."""
    if unit.kind in ("log", "points"):
        return 0, int(unit.kind == "log")
    query = read_query("measure_session" if unit.kind == "session" else "measure_trace")
    id, spans, logs = connection.execute(query, {"id": unit.id}).fetchone() or ("", 0, 0)
    if unit.kind == "session":
        sessions.append(PlannedSession(id, unit.end_time_unix_nano, spans, logs))
    return spans, logs


class _GonePoints:
    """Counts data points: those of sessions, and of all other series those before a time."""

    def __init__(self, connection: sqlite3.Connection, rules: RetentionRules) -> None:
        self.of_series = DuePoints(connection, rules.services)
        self._of_sessions = self._alone = 0

    @property
    def gone(self) -> int:
        return self._of_sessions + self._alone

    def add(self, unit: DueUnit, bound: int) -> None:
        if unit.kind == "points":
            self._alone = self.of_series.count_before(bound)
        else:
            cuts, _ = self.of_series.choose_of_unit(unit.kind, unit.id, bound, LARGEST)
            self._of_sessions += sum(cut.points for cut in cuts)


class _GoneTraces:
    """Counts the traces of sessions: those of several sessions are `gone` when all of these go."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._shared: Counter[int] = Counter()
        self.gone = 0

    def add_session(self, session: int) -> None:
        for trace, parts, all_parts in self._connection.execute(read_query("list_session_traces"), {"id": session}):
            self._shared[trace] += parts
            if self._shared[trace] == all_parts:
                del self._shared[trace]
                self.gone += 1
