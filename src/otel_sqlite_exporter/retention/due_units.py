# SPDX-License-Identifier: Apache-2.0
"""What is due by the rules, the oldest end first: sessions with all that shows them, traces without a session, log
records that name neither, and data points up to a time.

Each look-up reads a few entries of an index from where the last one ended. So what stays at the front (pinned, running,
failed) is passed over once in a run, however long it is.
"""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.retention.due_points import DuePoints
from otel_sqlite_exporter.retention.point_slices import PointSlices
from otel_sqlite_exporter.retention.retention_rules import RetentionRules
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.state import read_number, write_state
from otel_sqlite_exporter.storage.system.file_space import count_pages

Kind = Literal["session", "trace", "log", "points"]
Reason = Literal["pinned", "running", "failed", "unarchived"]
_AT_ONCE = 64
"""Candidates of a kind that are looked up at once."""
_NAMED = 5
"""How many of what stays are noted by name, for each reason."""
_FLUSH_NS = 3_600 * 10**9
"""Data points that name a session come up to so long after its last record."""
POINTS_REMOVED = "points removed before"
"""The state that notes up to which time data points were removed last because of their age."""
_QUERIES: dict[Kind, str] = {"session": "find_due_sessions", "trace": "find_due_traces", "log": "find_due_logs"}


class DueUnit(NamedTuple):
    """A session, a trace without a session, or a log record without both: its row, and when it ended. Or all data
    points that go by their own time, up to a time; then `id` is 0."""

    end_time_unix_nano: int
    kind: Kind
    id: int


class HeldBack(NamedTuple):
    """The rows of `_sessions` and of `_traces` that stay, by why they do."""

    sessions: dict[int, Reason]
    traces: dict[int, Reason]

    def find(self, unit: DueUnit) -> Reason | None:
        """Return why `unit` stays, or None."""
        if unit.kind in ("log", "points"):
            return None
        return (self.sessions if unit.kind == "session" else self.traces).get(unit.id)


def read_held_back(connection: sqlite3.Connection) -> HeldBack:
    """Return what is pinned, and what runs."""
    found = HeldBack({}, {})
    for kind, session, trace in connection.execute(read_query("find_held_back")):
        reason: Reason = "running" if kind else "pinned"
        if session is not None:
            found.sessions.setdefault(session, reason)
        elif trace is not None:
            found.traces.setdefault(trace, reason)
    return found


class _Candidate(NamedTuple):
    """A row that was looked up. `is_unit`: else it is a log record of something else."""

    unit: DueUnit
    is_unit: bool = True
    service: str | None = None


class DueUnits:
    """Goes through what is due at one moment, once.

    Attributes:
        kept: How many of what would be due stay, by why.
        oldest_kept: The first few of these.
        expected_bytes: What the file is taken to hold, if that is less than its pages tell: removed records may leave
            texts that others shared. None: what its pages tell.
        is_done: Nothing more is due."""

    def __init__(self, rules: RetentionRules, now_unix_nano: int, points_every_s: float = 0) -> None:
        """By their age, data points are due when those of `points_every_s` seconds are."""
        self._rules = rules
        self._notes_points = points_every_s > 0
        self._slices = PointSlices(int(points_every_s * 1e9))
        self.renew(now_unix_nano)
        self._session_bound: tuple[int, int] | None = None
        self._has_session_bound = rules.max_sessions is None
        self._is_shrinking = False
        self._cursors: dict[Kind, tuple[int, int]] = dict.fromkeys((*_QUERIES, "points"), (-LARGEST, -1))
        self._points_before = self._cursors["points"]
        self.kept: Counter[Reason] = Counter()
        self.oldest_kept: dict[Reason, list[DueUnit]] = {}
        self.expected_bytes: int | None = None

    def renew(self, now_unix_nano: int) -> None:
        """Go on with what is due at a later moment."""
        age, failed_age = self._rules.older_than_s, self._rules.keep_failed_s
        self._now = now_unix_nano
        self._age_bound = None if age is None else now_unix_nano - int(age * 1e9)
        self._failed_bound = now_unix_nano - int((failed_age or 0) * 1e9)
        self.is_done = False

    def measure_points(self, points: DuePoints) -> None:
        """Begin to bring a file below its cap: cut its data points into slices of time. Reads all series."""
        self._slices.measure(points.find_oldest(), self._now)
        self._cursors["points"] = (-LARGEST, -1)

    def find_point_bound(self, unit: DueUnit) -> int:
        """Return before which time data points go with `unit`. Those that name a session may be later than its end."""
        bound = unit.end_time_unix_nano
        if unit.kind != "points":
            bound = max(bound + _FLUSH_NS, -LARGEST if self._age_bound is None else self._age_bound)
        limit = self._rules.limit
        return bound if limit is None else limit.cut_points(bound)

    def find_limit(self, connection: sqlite3.Connection, unit: DueUnit) -> Reason | None:
        """Return why `unit` stays by the limit of the rules, or None."""
        limit = self._rules.limit
        return None if limit is None or limit.allows(connection, unit.kind, unit.id) else "unarchived"

    def note_points(self, connection: sqlite3.Connection, unit: DueUnit) -> None:
        """Note in the caller's transaction that the points of `unit` are gone."""
        if self._notes_points and unit.end_time_unix_nano < LARGEST:
            write_state(connection, POINTS_REMOVED, unit.end_time_unix_nano)

    def iterate(self, connection: sqlite3.Connection, held: HeldBack, *, most: int) -> Iterator[DueUnit]:
        """Yield what is due from where the last call ended, after a look at no more than about `most` candidates. What
        the caller takes is passed."""
        self._find_session_bound(connection)
        ends = self._find_ends(connection)
        looked = 0
        while looked < most:
            candidates = self._read(connection, ends)
            self.is_done = not candidates
            if self.is_done:
                return
            for unit, is_unit, service in candidates:
                looked += 1
                if unit.kind == "points":
                    self._points_before = self._cursors["points"]
                self._cursors[unit.kind] = (unit.end_time_unix_nano, unit.id)
                if is_unit and self._is_chosen(connection, unit, service):
                    reason = (
                        held.find(unit) or self._find_failure(connection, unit) or self.find_limit(connection, unit)
                    )
                    if reason is None:
                        yield unit
                    elif unit.kind in ("session", "trace"):
                        self.kept[reason] += 1
                        if self.kept[reason] <= _NAMED:
                            self.oldest_kept.setdefault(reason, []).append(unit)

    def count_excess_sessions(self, connection: sqlite3.Connection) -> int:
        """Return how many sessions the file has beyond the most that the rules allow."""
        most, services = self._rules.max_sessions, self._rules.services
        if most is None:
            return 0
        query = read_query("count_service_sessions" if services else "count_sessions")
        (sessions,) = connection.execute(query, {"services": json.dumps(services)}).fetchone()
        return max(0, int(sessions) - most)

    def goes_on(self, connection: sqlite3.Connection) -> bool:
        """Return whether the file is still to shrink, or never was: else the next call is to find what is due now."""
        was_shrinking = self._is_shrinking
        self._find_ends(connection)
        return self._is_shrinking == was_shrinking

    def put_back(self, unit: DueUnit) -> None:
        """Let the next call begin with `unit`, which was the last one to be yielded."""
        self._cursors[unit.kind] = (
            self._points_before if unit.kind == "points" else (unit.end_time_unix_nano, unit.id - 1)
        )

    def _find_ends(self, connection: sqlite3.Connection) -> dict[Kind, int]:
        """Return before when what is due has ended, by kind; without a kind of which nothing is due."""
        low, high = self._rules.low_water_bytes, self._rules.max_bytes
        if low is not None and high is not None:
            used = count_pages(connection).used_bytes
            if self.expected_bytes is not None:
                used = min(used, self.expected_bytes)
            self._is_shrinking = used > (low if self._is_shrinking else high)
        if self._is_shrinking:
            return dict.fromkeys(self._cursors, LARGEST)
        ends: dict[Kind, int] = {}
        if self._age_bound is not None:
            ends = dict.fromkeys(self._cursors, self._age_bound)
        if self._session_bound is not None:
            ends["session"] = max(ends.get("session", -LARGEST), self._session_bound[0] + 1)
        return ends

    def _find_session_bound(self, connection: sqlite3.Connection) -> None:
        if self._has_session_bound:
            return
        chosen = {"most": self._rules.max_sessions, "services": json.dumps(self._rules.services)}
        query = "find_service_bound" if self._rules.services else "find_session_bound"
        self._session_bound = connection.execute(read_query(query), chosen).fetchone()
        self._has_session_bound = True

    def _read(self, connection: sqlite3.Connection, ends: Mapping[Kind, int]) -> list[_Candidate]:
        """Return the next candidates of all kinds in one order. It ends where that of a kind was cut off."""
        streams: list[list[_Candidate]] = []
        upto: DueUnit | None = None
        for kind, end in ends.items():
            time, id = self._cursors[kind]
            if kind == "points":
                unit = self._find_points(connection, time, end)
                stream, is_cut = [] if unit is None else [_Candidate(unit)], unit is not None and end == LARGEST
            else:
                chosen = {"time": time, "id": id, "before": end, "limit": _AT_ONCE}
                rows = connection.execute(read_query(_QUERIES[kind]), chosen).fetchall()
                stream = [_Candidate(DueUnit(end, kind, id), *told) for id, end, *told in rows]
                is_cut = len(stream) == _AT_ONCE
            if is_cut and (upto is None or stream[-1].unit < upto):
                upto = stream[-1].unit
            streams.append(stream)
        merged = heapq.merge(*streams, key=lambda one: one.unit)
        return [one for one in merged if upto is None or one.unit <= upto]

    def _find_points(self, connection: sqlite3.Connection, after: int, end: int) -> DueUnit | None:
        """Return the next data points that are due after a time."""
        if end == LARGEST:
            bound = self._slices.find_next_slice(after)
        else:
            noted = (read_number(connection, POINTS_REMOVED) or 0) if self._notes_points else after
            bound = self._slices.find_next_age(max(after, noted), end)
        return None if bound is None else DueUnit(bound, "points", 0)

    def _is_chosen(self, connection: sqlite3.Connection, unit: DueUnit, service: str | None) -> bool:
        """Return whether a candidate is one of those that the rules are about."""
        end, kind, id = unit
        if kind == "points":
            return True
        is_old = self._age_bound is not None and end < self._age_bound
        if kind == "session" and not (is_old or self._is_shrinking):
            bound = self._session_bound
            if bound is None or (end, id) > bound:
                return False
        if not self._rules.services:
            return True
        if kind != "log":
            service, _ = _describe(connection, unit)
        return service in self._rules.services

    def _find_failure(self, connection: sqlite3.Connection, unit: DueUnit) -> Reason | None:
        if (
            self._rules.keep_failed_s is None
            or unit.kind in ("log", "points")
            or unit.end_time_unix_nano < self._failed_bound
        ):
            return None
        return "failed" if _describe(connection, unit)[1] else None


def _describe(connection: sqlite3.Connection, unit: DueUnit) -> tuple[str | None, bool]:
    """Return the service of a session or trace, and whether it failed."""
    query = "describe_session" if unit.kind == "session" else "describe_trace"
    found = connection.execute(read_query(query), {"id": unit.id}).fetchone()
    return (None, False) if found is None else (found[0], bool(found[1]))
