# SPDX-License-Identifier: Apache-2.0
"""Removes what is due by the rules, in steps that are transactions of their own: with the daily sums, the ledger, and
the note of a session that is half done. A run that was stopped is run again.

The state `retention unit` of a file names a session or trace that does not fit into one step, while it is removed: its
kind, its row and its end. The next run goes on with it, unless it runs again or was pinned meanwhile.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any

from otel_sqlite_exporter.retention.due_points import DuePoints
from otel_sqlite_exporter.retention.due_units import DueUnit, DueUnits, HeldBack, read_held_back
from otel_sqlite_exporter.retention.hourly.hourly_points import HourlyPoints
from otel_sqlite_exporter.retention.kept_sums import KeptSums
from otel_sqlite_exporter.retention.ledger import LedgerEntry
from otel_sqlite_exporter.retention.retention_rules import RetentionRules
from otel_sqlite_exporter.retention.step_choice import POINT_BYTES, StepChoice
from otel_sqlite_exporter.retention.step_turns import NotOurTurnError, note_rest, take_turn
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.state import forget_state, read_state, write_state
from otel_sqlite_exporter.storage.system.file_space import count_pages
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.removal.due_work import DueWork
from otel_sqlite_exporter.write.removal.record_removal import remove_step
from otel_sqlite_exporter.write.removal.removed_records import RecordsToRemove, RemovedCounts
from otel_sqlite_exporter.write.removal.settling import settle
from otel_sqlite_exporter.write.removal.step_sizes import FIRST_POINTS, MOST_POINTS, MOST_RECORDS, StepSize

_BUDGET_S = 0.025
"""How long a step holds the file, about."""
_STARVED = 4
"""Where a step takes so many times its CPU, the machine is busy: smaller steps would do less for each second."""
_UNIT = "retention unit"
_POINTS_LOOK_S = 3_600.0
"""How often an exporter looks for old data points, as that means to look at each series."""
_MOST_LOOKS = 512
"""Candidates that a step looks at. A step in which all of them stay removes nothing."""


class Pruning:
    """One run on one connection: what its steps remove, and what is noted with it.

    Attributes:
        removed: What the steps have removed so far.
        due: What is gone through.
        has_failed: A step was rolled back, so that this one has passed over what it chose: make another."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        settings: Settings,
        rules: RetentionRules,
        entry: LedgerEntry,
        *,
        is_beside_exporter: bool = False,
    ) -> None:
        """Beside an exporter, old data points are looked for once an hour, by all processes together."""
        self._connection = connection
        self._settings = settings
        self._rules = rules
        self._entry = entry
        self._sums = KeptSums(connection, with_users=rules.keep_users)
        self._is_beside_exporter = is_beside_exporter
        self.due = DueUnits(rules, time.time_ns(), _POINTS_LOOK_S if is_beside_exporter else 0)
        self._points = DuePoints(connection, rules.services)
        self.removed = self._removed_before = self._removed_until_end = RemovedCounts()
        self._is_between_rounds = True
        self._size, self._point_size = StepSize(_BUDGET_S), StepSize(_BUDGET_S, FIRST_POINTS, MOST_POINTS)
        self._hours = HourlyPoints(connection, rules.raw_points_s, rules.services, StepSize(_BUDGET_S, FIRST_POINTS))
        self._hours.begin(is_noted=self._is_beside_exporter)
        self.has_failed = False
        self._used, self._share = 0, 0.0

    def renew(self, entry: LedgerEntry) -> None:
        """Go on with what is due now, noted in the row `entry`. What was passed over is not looked at again."""
        self._entry = entry
        self.due.renew(time.time_ns())
        self._hours.begin(is_noted=self._is_beside_exporter)

    @property
    def has_unnoted_end(self) -> bool:
        """Whether steps removed something since `note_end`."""
        return self._removed_until_end != self.removed

    def note_end(self) -> None:
        """Note in the caller's transaction that all steps were taken."""
        if self.has_unnoted_end:
            self._entry.note(self._connection, RemovedCounts(), is_complete=True)
            self._removed_until_end = self.removed

    def run(
        self,
        *,
        rest: Callable[[float], None],
        progress: Callable[[int, int | None, str], None] = lambda done, of, note: None,
    ) -> None:
        """Take all steps. After each, `rest` is called with the seconds that it held the file, and `progress` with the
        records and data points that are gone, None, and what the file holds now.

        Raises:
            sqlite3.Error: A step failed, and was rolled back.
        """
        held: float | None = 0.0
        while held is not None:
            rest(held)
            try:
                held = self.step()
            except NotOurTurnError as error:
                held = error.rest_s
            used = count_pages(self._connection).used_bytes
            progress(self.removed.records + self.removed.points, None, f"{used / 1e6:.1f} MB left")

    def step(self) -> float | None:
        """Remove some records in one transaction, about as many as that take 25 ms, and return the seconds that it held
        the file; None: nothing more is due.

        Raises:
            NotOurTurnError: Another process has just removed something.
            sqlite3.Error: It failed, and was rolled back.
        """
        if self._is_between_rounds and self._hours.is_done:
            self._begin_round()
        with transaction(self._connection):
            began, began_cpu = time.perf_counter(), time.thread_time()
            take_turn(self._connection)
            self.has_failed = True
            size = self._take_step()
            if size is not None:
                note_rest(self._connection, began)
        self.has_failed = False
        held = time.perf_counter() - began
        if size is None:
            settle(self._connection, self._settings, note=self._sums.add_changed)
            has_more = self.removed != self._removed_before and self._rules.max_bytes is not None
            self._is_between_rounds = True
            return held if has_more else None
        size.adapt(max(time.thread_time() - began_cpu, held / _STARVED))
        return held

    def _take_step(self) -> StepSize | None:
        """Take a step in the caller's transaction, and return what said how large it is; None: nothing more is due."""
        if not self._hours.is_done:
            self._note(RemovedCounts(points=self._hours.step()))
            return self._hours.size
        chosen = self._choose()
        if chosen is None:
            return None
        self._note(remove_step(self._connection, self._settings, chosen, DueWork(self._connection)))
        return self._point_size if chosen.points and not (chosen.spans or chosen.logs) else self._size

    def _begin_round(self) -> None:
        """Begin to go through what is due. To a cap it takes several rounds: in each, the records that go are taken to
        have their share of the file, and then it is measured what they had."""
        self._is_between_rounds = False
        self.due.is_done = False
        self._removed_before = self.removed
        self._used = count_pages(self._connection).used_bytes
        self.due.expected_bytes, self._share = None, 0.0
        if self._rules.max_bytes is not None and self._used > self._rules.max_bytes:
            self._share = find_share(self._connection, self._used, self._points.estimate_number())
            self.due.expected_bytes = self._used
            self.due.measure_points(self._points)

    def _choose(self) -> RecordsToRemove | None:
        """Return what to remove in the caller's transaction, or None: nothing more is due. The usage of calls is
        kept."""
        if self._rules.limit is not None:
            self._rules.limit.renew(self._connection)
        most, most_points = self._find_excess()
        held = read_held_back(self._connection)
        step = StepChoice(min(self._size.records, most), min(self._point_size.records, most_points))
        half_done = self._find_half_done(held)
        has_room = half_done is None or self._take(half_done, step)
        if has_room and not self.due.is_done:
            for unit in self.due.iterate(self._connection, held, most=_MOST_LOOKS):
                if unit != half_done and not self._take(unit, step):
                    break
        if not step.records and self.due.is_done:
            return None
        self._sums.add_removed(step.spans, step.logs)
        return step.records

    def _find_excess(self) -> tuple[int, int]:
        """Return how many records, or data points, a file beyond its cap has too many, by their share of it; no bounds
        for another."""
        expected, low = self.due.expected_bytes, self._rules.low_water_bytes
        if not self._share or expected is None or low is None or expected <= low:
            return MOST_RECORDS, MOST_POINTS
        return max(1, round((expected - low) / self._share)), max(1, (expected - low) // POINT_BYTES)

    def _note(self, counts: RemovedCounts) -> None:
        """Note what a step removed, in its transaction."""
        self._sums.add_changed()
        if any(counts):
            self._entry.note(self._connection, counts)
        self.removed = self.removed.add(counts)
        if self._share:
            records = self.removed.records - self._removed_before.records
            points = self.removed.points - self._removed_before.points
            self.due.expected_bytes = self._used - round(self._share * records) - POINT_BYTES * points

    def _find_half_done(self, held: HeldBack) -> DueUnit | None:
        noted = str(read_state(self._connection, _UNIT) or "").split()
        if not noted:
            return None
        forget_state(self._connection, _UNIT)
        kind: Any
        kind, id, end = noted
        found = self._connection.execute(read_query("find_unit_end"), {"kind": kind, "id": int(id)}).fetchone()[0]
        if found is None or found > int(end):
            return None
        unit = DueUnit(found, kind, int(id))
        return unit if held.find(unit) is None and self.due.find_limit(self._connection, unit) is None else None

    def _take(self, unit: DueUnit, step: StepChoice) -> bool:
        """Add the records of `unit` to those of a step, and return whether there may be room for more. A unit that does
        not fit is put back; one that is the first, is cut: between its data points, which go first, between its traces,
        or in the first of these."""
        if unit.kind == "log":
            step.logs.append(unit.id)
            return step.room > 0
        if unit.kind == "points":
            return self._take_points(unit, step)
        cuts, has_all = self._points.choose_of_unit(
            unit.kind, unit.id, self.due.find_point_bound(unit), step.point_room
        )
        query = read_query("find_parts_of_session" if unit.kind == "session" else "find_parts_of_trace")
        room = step.find_room(cuts)
        has_all = has_all and room > 0
        rows = self._connection.execute(query, {"id": unit.id, "limit": room + 1}).fetchall()
        traces = [[*rows_of_trace] for _, rows_of_trace in groupby(rows, key=itemgetter(0))]
        sizes = [*accumulate(sum(of_logs + of_spans for *_, of_logs, of_spans in trace) for trace in traces)]
        fitting = sum(size <= room for size in sizes)
        if not has_all or fitting < len(traces):
            if step.records:
                self.due.put_back(unit)
                return False
            write_state(self._connection, _UNIT, f"{unit.kind} {unit.id} {unit.end_time_unix_nano}")
        step.points += cuts
        if not has_all:
            return False
        chosen = traces[:fitting] or [_cut(trace, room) for trace in traces[:1]]
        parts = [part for trace in chosen for _, part, *_ in trace]
        logs = self._find("find_logs_of_parts", parts, room)
        step.logs += logs
        step.spans += self._find("find_spans_of_parts", parts, room - len(logs))
        return step.room > 0

    def _take_points(self, unit: DueUnit, step: StepChoice) -> bool:
        cuts, is_done = self._points.choose_next(self.due.find_point_bound(unit), step.point_room)
        step.points += cuts
        if is_done:
            self.due.note_points(self._connection, unit)
        else:
            self.due.put_back(unit)
        return is_done and step.room > 0

    def _find(self, query: str, parts: Sequence[int], limit: int) -> list[int]:
        found = self._connection.execute(read_query(query), {"parts": json.dumps(parts), "limit": limit})
        return [row for (row,) in found.fetchall()]


def _cut(trace: Sequence[tuple[int, int, int, int]], room: int) -> list[tuple[int, int, int, int]]:
    """Return the first parts of a trace that hold so many records: of the last one they hold more."""
    sizes = accumulate(logs + spans for *_, logs, spans in trace)
    return [*trace[: 1 + sum(size < room for size in sizes)]]


def find_share(connection: sqlite3.Connection, used_bytes: int, points: int) -> float:
    """Return the bytes of a span or log record in a file with so many data points, if all of them have an equal
    share."""
    records = sum(connection.execute(read_query("count_records")).fetchone())
    return float(max(1, used_bytes - points * POINT_BYTES) / max(1, records))
