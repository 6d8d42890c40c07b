# SPDX-License-Identifier: Apache-2.0
"""Removes records with all that hangs on them, and derives again what the rest derived from them.

Most removals take whole traces, which few statements remove. What other traces have of them is found by their rows:
calls that another record tells, tools, pairs by time, agents and sessions. Where a trace keeps records, their session,
user, root, pairs and nesting are derived again, too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from typing import NamedTuple

from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query, split_statements
from otel_sqlite_exporter.write.call_prices import CallPrices
from otel_sqlite_exporter.write.interactions.counted_calls import ChangedRecords, count_calls, find_calls
from otel_sqlite_exporter.write.log_sessions import link_log_records
from otel_sqlite_exporter.write.removal.remaining_agents import (
    describe_again,
    describe_by_all_calls,
    find_losing_agents,
)
from otel_sqlite_exporter.write.removal.remaining_names import name_again
from otel_sqlite_exporter.write.removal.removed_records import RecordsToRemove, RemovedCounts
from otel_sqlite_exporter.write.removal.used_ids import UsedIds
from otel_sqlite_exporter.write.statements import encode_parameters, read_json, run_script
from otel_sqlite_exporter.write.sums import recount
from otel_sqlite_exporter.write.temporal_links import Change, find_stems, relink_records
from otel_sqlite_exporter.write.tool_batch import Changes, group_tools, link_logged_tools


class _Part(NamedTuple):
    """A row of `_trace_sessions` that loses records: a row of find_removed_parts.sql."""

    id: int
    trace: int
    is_real: int
    own_session: int | None
    session: int | None
    spans: int
    logs: int
    rest: int
    rest_of_trace: int


def remove_records(connection: sqlite3.Connection, settings: Settings, records: RecordsToRemove) -> RemovedCounts:
    """Remove these records with all that hangs on them, in the caller's transaction. What stays is as if it alone had
    been imported; runs of exporters and imports stay. Returns how many rows that took away.

    Raises:
        sqlite3.Error: They cannot be removed. The caller is to roll back.
    """
    if not records:
        return RemovedCounts()
    removal = _Removal(connection, settings, records)
    removal.note()
    removal.delete()
    removal.derive()
    return removal.counts


class _Removal:
    """One removal. `note` reads what else it concerns while the records are there, `delete` removes them, `derive`
    brings the rest up to date."""

    def __init__(self, connection: sqlite3.Connection, settings: Settings, records: RecordsToRemove) -> None:
        self._connection, self._settings = connection, settings
        self._spans, self._logs = [*records.spans], [*records.logs]
        (parts,) = read_json(connection, "find_removed_parts", spans=self._spans, logs=self._logs)
        self._parts = [_Part(*part) for part in parts]
        self._partial = {part.trace for part in self._parts if part.is_real and part.rest_of_trace > 0}
        self._sessions = {id for part in self._parts for id in (part.own_session, part.session) if id is not None}
        self._lost: set[int] = set()
        self._used_ids = UsedIds(connection)
        self.counts = RemovedCounts(
            spans=sum(part.spans for part in self._parts), logs=sum(part.logs for part in self._parts)
        )

    def note(self) -> None:
        """Note which rows that stay these records concern."""
        connection, spans, logs = self._connection, self._spans, self._logs
        self._partners, calls = read_json(connection, "find_partners_left", spans=spans, logs=logs)
        self._tools = Changes()
        self._tools.note_removed(connection, spans=spans, logs=logs)
        outside = {part.trace for part in self._parts if not part.is_real}
        stems = find_stems(connection, spans=spans, logs=logs)
        self._changes = [one._replace(trace=None) if one.trace in outside else one for one in stems]
        self._agents = find_losing_agents(connection, spans, logs)
        self._keys: list[tuple[int, str]] = []
        self._calls: Collection[int] = calls
        if self._partial:
            found = read_json(connection, "find_around_removed", spans=spans, logs=logs, traces=self._partial)
            inside, self._tools.spans, keys, tools, recorded = found
            self._keys = [(trace, span_id) for trace, span_id in keys]
            self._tools.tools.update(tools)
            changed = ChangedRecords(spans=inside, logs=self._keys, events=self._partners, calls=[*calls, *recorded])
            self._calls = find_calls(connection, changed)
        elif self._partners:
            self._calls = find_calls(connection, ChangedRecords(events=self._partners, calls=calls))

    def delete(self) -> None:
        """Remove the records, and the rows of theirs."""
        values = encode_parameters({"spans": self._spans, "logs": self._logs, "partners": self._partners})
        tools = calls = events = 0
        for statement in split_statements(read_query("delete_records")):
            count = self._connection.execute(statement, values).rowcount
            tools += count * ("DELETE FROM _tool_interactions" in statement)
            calls += count * ("DELETE FROM _llm_interactions" in statement)
            events += count * ("DELETE FROM _events" in statement)
        self.counts = self.counts._replace(tools=tools, calls=calls, events=events)

    def derive(self) -> None:
        """Bring what stays up to date."""
        connection = self._connection
        moved: list[int] = []
        relinked: set[int] = {*self._partners}
        if self._partial:
            self._move_stray_logs()
            moved = self._name_traces()
            self._changes += link_log_records(connection, (), relinked, lost=self._keys)
        relink_records(connection, self._changes, self._settings.pairing_window_ms * 1_000_000, relinked)
        if self._keys:
            link_logged_tools(connection, self._keys, self._tools)
        self._tools.trace_sessions = moved
        group_tools(connection, self._tools)
        self._count_calls(moved, relinked)
        self._recount(moved)
        describe_by_all_calls(connection, describe_again(connection, self._agents))
        self._used_ids.note()

    def _move_stray_logs(self) -> None:
        """Let log records that name no session leave the session of their span."""
        run_script(self._connection, "add_parts_of_logs", keys=self._keys)
        (moves,) = read_json(self._connection, "find_stray_logs", keys=self._keys)
        if not moves:
            return
        run_script(self._connection, "move_logs", moves=[move[:4] for move in moves])
        for _, before, after, time, trace, session, new_session, stem in moves:
            self._lost.update((before, after))
            if stem is not None:
                self._changes += [Change(trace, one, stem, time) for one in (session, new_session)]

    def _name_traces(self) -> list[int]:
        """Find sessions, users and roots of the traces that keep records, and return the rows of `_trace_sessions` that
        show another session than before."""
        connection, traces = self._connection, self._partial
        parts = [part.id for part in self._parts if part.trace in traces]
        name_again(connection, traces, parts, self._settings.session_attributes)
        run_script(connection, "find_root_again", traces=traces)
        (moves,) = read_json(connection, "find_moved_parts", traces=traces)
        if not moves:
            return []
        moved = [id for id, *_ in moves]
        for _, _, before, after in moves:
            self._sessions.update({before, after} - {None})
        for change in find_stems(connection, trace_sessions=moved):
            left = {before for _, trace, before, _ in moves if trace == change.trace}
            self._changes += [change, *(change._replace(session=before) for before in left)]
        run_script(connection, "move_parts", moves=moves)
        self._changes += find_stems(connection, trace_sessions=moved)
        return moved

    def _count_calls(self, moved: Collection[int], relinked: Iterable[int]) -> None:
        connection = self._connection
        changed = ChangedRecords(
            calls=self._calls,
            events=[*relinked],
            trace_sessions=moved,
            settled=[part.id for part in self._parts if part.session is not None],
        )
        _, merged = count_calls(connection, changed)
        prices = CallPrices(is_on=self._settings.cost == "auto")
        prices.price_written(connection, calls=merged, events=changed.events)

    def _recount(self, moved: Collection[int]) -> None:
        """Compute sums and times of what lost records, and remove the rows that no record needs any more."""
        connection, parts = self._connection, {part.id for part in self._parts}
        traces = {part.trace for part in self._parts}
        recount(connection, parts.union(self._lost, moved), self._sessions)
        before = _count(connection, traces, self._sessions)
        run_script(
            connection, "forget_empty_parts", parts=parts.union(self._lost), traces=traces, sessions=self._sessions
        )
        after = _count(connection, traces, self._sessions)
        self.counts = self.counts._replace(traces=before[0] - after[0], sessions=before[1] - after[1])


def _count(connection: sqlite3.Connection, traces: Collection[int], sessions: Collection[int]) -> tuple[int, int]:
    values = encode_parameters({"traces": traces, "sessions": sessions})
    found: tuple[int, int] = connection.execute(read_query("count_left"), values).fetchone()
    return found
