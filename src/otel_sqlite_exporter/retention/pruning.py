# SPDX-License-Identifier: Apache-2.0
"""Removes what is due by the rules, in steps that are transactions of their own: with the daily sums, the ledger, and
the note of a session that is half done. A run that was stopped is run again.

The state `retention unit` of a file names a session or trace that does not fit into one step, while it is removed: its
kind, its row and its end. The next run goes on with it, unless it runs again or was pinned meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from otel_sqlite_exporter.retention.due_units import (
    DueUnit,
    DueUnits,
    HeldBack,
    Kind,
    count_used_bytes,
    read_held_back,
)
from otel_sqlite_exporter.retention.kept_sums import KeptSums
from otel_sqlite_exporter.retention.ledger import LedgerEntry
from otel_sqlite_exporter.retention.retention_rules import RetentionRules
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.state import forget_state, read_state, write_state
from otel_sqlite_exporter.write.removal.removal_steps import remove_in_steps
from otel_sqlite_exporter.write.removal.removed_records import RecordsToRemove, RemovedCounts

BUDGET_S = 0.025
"""How long a step holds the file, about."""
_UNIT = "retention unit"
_MOST_LOOKS = 512
"""Candidates that a step looks at. A step in which all of them stay removes nothing."""
_QUERIES: dict[Kind, tuple[str, str]] = {
    "session": ("find_spans_of_session", "find_logs_of_session"),
    "trace": ("find_spans_of_trace", "find_logs_of_trace"),
}


class Pruning:
    """One run on one connection: what its steps remove, and what is noted with it.

    Attributes:
        removed: What the steps have removed so far.
        due: What is gone through."""

    def __init__(
        self, connection: sqlite3.Connection, rules: RetentionRules, entry: LedgerEntry, now_unix_nano: int
    ) -> None:
        self._connection = connection
        self._rules = rules
        self._entry = entry
        self._sums = KeptSums(connection, with_users=rules.keep_users)
        self.due = DueUnits(rules, now_unix_nano)
        self.removed = RemovedCounts()

    def run(
        self,
        settings: Settings,
        *,
        rest: Callable[[float], None],
        progress: Callable[[int, int | None, str], None] = lambda done, of, note: None,
    ) -> None:
        """Remove all that is due, and what nothing refers to any more. Each step holds the file for about 25 ms; after
        it `rest` is called with the seconds that it did.

        Raises:
            sqlite3.Error: A step failed, and was rolled back.
        """
        self._progress = progress
        before: RemovedCounts | None = None
        while self.removed != before:
            before = self.removed
            self._begin_round()
            remove_in_steps(self._connection, settings, self._choose, self._note, BUDGET_S, rest)
            sweep_orphans(self._connection, BUDGET_S, rest)
            if self._rules.max_bytes is None:
                return

    def _begin_round(self) -> None:
        """Take each record to have an equal share of the file, so that shared texts, which go last, are not replaced by
        more records."""
        self.due.is_done = False
        self._used = count_used_bytes(self._connection)
        if self._rules.max_bytes is not None:
            records = sum(self._connection.execute(read_query("count_records")).fetchone())
            self._share, self._removed_before = self._used / max(1, records), count_records(self.removed)

    def _choose(self, limit: int) -> RecordsToRemove | None:
        """Return about `limit` records to remove in the caller's transaction, or None: nothing more is due. Their usage
        is kept."""
        held = read_held_back(self._connection)
        spans: list[int] = []
        logs: list[int] = []
        unit = self._find_half_done(held)
        if unit is not None:
            self._take(unit, limit, spans, logs)
        if len(spans) + len(logs) < limit and not self.due.is_done:
            for unit in self.due.iterate(self._connection, held, most=_MOST_LOOKS):
                if not self._take(unit, limit, spans, logs):
                    break
        if not (spans or logs) and self.due.is_done:
            return None
        self._sums.add_removed(spans, logs)
        return RecordsToRemove(spans, logs)

    def _note(self, counts: RemovedCounts) -> None:
        """Note what a step removed, in its transaction."""
        self._sums.add_changed()
        if any(counts):
            self._entry.note(self._connection, counts)
        self.removed = self.removed.add(counts)
        gone = count_records(self.removed)
        if self._rules.max_bytes is not None:
            self.due.expected_bytes = self._used - round(self._share * (gone - self._removed_before))
        self._progress(gone, None, f"{count_used_bytes(self._connection) >> 20} MiB left")

    def _find_half_done(self, held: HeldBack) -> DueUnit | None:
        noted = str(read_state(self._connection, _UNIT) or "").split()
        if not noted:
            return None
        forget_state(self._connection, _UNIT)
        kind: Any
        kind, id, end = noted
        unit = DueUnit(int(end), kind, int(id))
        found = self._connection.execute(read_query("find_unit_end"), {"kind": kind, "id": unit.id}).fetchone()[0]
        is_same = found is not None and found <= unit.end_time_unix_nano and held.find(unit) is None
        return unit if is_same else None

    def _take(self, unit: DueUnit, limit: int, spans: list[int], logs: list[int]) -> bool:
        """Add the records of `unit` to those of a step, and return whether there may be room for more. A unit is put
        back if it does not fit, and cut only where it is the first."""
        room = limit - len(spans) - len(logs)
        if unit.kind == "log":
            logs.append(unit.id)
            return room > 1
        of_spans, of_logs = _QUERIES[unit.kind]
        found = self._find(of_spans, unit.id, room + 1)
        found_logs = self._find(of_logs, unit.id, room + 1 - len(found))
        if len(found) + len(found_logs) > room:
            if spans or logs:
                self.due.put_back(unit)
                return False
            found, found_logs = found[:room], found_logs[: room - len(found[:room])]
            write_state(self._connection, _UNIT, f"{unit.kind} {unit.id} {unit.end_time_unix_nano}")
        spans += found
        logs += found_logs
        return len(spans) + len(logs) < limit

    def _find(self, query: str, id: int, limit: int) -> list[int]:
        found = self._connection.execute(read_query(query), {"id": id, "limit": limit})
        return [row for (row,) in found.fetchall()]


def count_records(counts: RemovedCounts) -> int:
    """Return the number of spans and log records."""
    return counts.spans + counts.logs


def sweep_orphans(connection: sqlite3.Connection, budget_s: float, rest: Callable[[float], None]) -> None:
    """Stand-in."""
