# SPDX-License-Identifier: Apache-2.0
"""What is due by the rules, the oldest end first: sessions with all that shows them, traces without a session, and log
records that name neither.

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
from otel_sqlite_exporter.retention.retention_rules import RetentionRules
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.system.file_space import count_pages

Kind = Literal["session", "trace", "log"]
Reason = Literal["pinned", "running", "failed"]
_AT_ONCE = 64
"""Candidates of a kind that are looked up at once."""
_NAMED = 5
"""How many of what stays are noted by name, for each reason."""
_QUERIES: dict[Kind, str] = {"session": "find_due_sessions", "trace": "find_due_traces", "log": "find_due_logs"}


class DueUnit(NamedTuple):
    """A session, a trace without a session, or a log record without both: its row, and when it ended."""

    end_time_unix_nano: int
    kind: Kind
    id: int


class HeldBack(NamedTuple):
    """The rows of `_sessions` and of `_traces` that stay, by why they do."""

    sessions: dict[int, Reason]
    traces: dict[int, Reason]

    def find(self, unit: DueUnit) -> Reason | None:
        """Return why `unit` stays, or None."""
        if unit.kind == "log":
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

    def __init__(self, rules: RetentionRules, now_unix_nano: int) -> None:
        self._rules = rules
        self.renew(now_unix_nano)
        self._session_bound: tuple[int, int] | None = None
        self._has_session_bound = rules.max_sessions is None
        self._is_shrinking = False
        self._cursors: dict[Kind, tuple[int, int]] = dict.fromkeys(_QUERIES, (-LARGEST, -1))
        self.kept: Counter[Reason] = Counter()
        self.oldest_kept: dict[Reason, list[DueUnit]] = {}
        self.expected_bytes: int | None = None

    def renew(self, now_unix_nano: int) -> None:
        """Go on with what is due at a later moment."""
        age, failed_age = self._rules.older_than_s, self._rules.keep_failed_s
        self._age_bound = None if age is None else now_unix_nano - int(age * 1e9)
        self._failed_bound = now_unix_nano - int((failed_age or 0) * 1e9)
        self.is_done = False

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
                self._cursors[unit.kind] = (unit.end_time_unix_nano, unit.id)
                if is_unit and self._is_chosen(connection, unit, service):
                    reason = held.find(unit) or self._find_failure(connection, unit)
                    if reason is None:
                        yield unit
                    else:
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
        self._cursors[unit.kind] = (unit.end_time_unix_nano, unit.id - 1)

    def _find_ends(self, connection: sqlite3.Connection) -> dict[Kind, int]:
        """Return before when what is due has ended, by kind; without a kind of which nothing is due."""
        low, high = self._rules.low_water_bytes, self._rules.max_bytes
        if low is not None and high is not None:
            used = count_pages(connection).used_bytes
            if self.expected_bytes is not None:
                used = min(used, self.expected_bytes)
            self._is_shrinking = used > (low if self._is_shrinking else high)
        if self._is_shrinking:
            return dict.fromkeys(_QUERIES, LARGEST)
        ends: dict[Kind, int] = {}
        if self._age_bound is not None:
            ends = dict.fromkeys(_QUERIES, self._age_bound)
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
            chosen = {"time": time, "id": id, "before": end, "limit": _AT_ONCE}
            rows = connection.execute(read_query(_QUERIES[kind]), chosen).fetchall()
            stream = [_Candidate(DueUnit(end, kind, id), *told) for id, end, *told in rows]
            if len(stream) == _AT_ONCE and (upto is None or stream[-1].unit < upto):
                upto = stream[-1].unit
            streams.append(stream)
        merged = heapq.merge(*streams, key=lambda one: one.unit)
        return [one for one in merged if upto is None or one.unit <= upto]

    def _is_chosen(self, connection: sqlite3.Connection, unit: DueUnit, service: str | None) -> bool:
        """Return whether a candidate is one of those that the rules are about."""
        end, kind, id = unit
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
        if self._rules.keep_failed_s is None or unit.kind == "log" or unit.end_time_unix_nano < self._failed_bound:
            return None
        return "failed" if _describe(connection, unit)[1] else None


def _describe(connection: sqlite3.Connection, unit: DueUnit) -> tuple[str | None, bool]:
    """Return the service of a session or trace, and whether it failed."""
    query = "describe_session" if unit.kind == "session" else "describe_trace"
    found = connection.execute(read_query(query), {"id": unit.id}).fetchone()
    return (None, False) if found is None else (found[0], bool(found[1]))
