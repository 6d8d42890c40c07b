# SPDX-License-Identifier: Apache-2.0
"""Removes records with all that hangs on them, and derives again what the rest derived from them.

Most removals take whole traces, which few statements remove. What other traces have of them is found by their rows:
calls that another record tells, tools, pairs by time, agents and sessions. Where a trace keeps records, their session,
user, root, pairs and nesting are derived again, too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.interactions.counted_calls import ChangedRecords, Stay, find_calls
from otel_sqlite_exporter.write.removal.derived_again import Outdated, derive_again, move_parts, update_sessions
from otel_sqlite_exporter.write.removal.due_work import DueWork
from otel_sqlite_exporter.write.removal.remaining_agents import (
    describe_again,
    describe_by_all_calls,
    find_losing_agents,
)
from otel_sqlite_exporter.write.removal.remaining_records import RemainingRecords
from otel_sqlite_exporter.write.removal.removed_points import remove_points
from otel_sqlite_exporter.write.removal.removed_records import RecordsToRemove, RemovedCounts
from otel_sqlite_exporter.write.removal.used_ids import UsedIds
from otel_sqlite_exporter.write.statements import encode_parameters, read_json, remove_rows, run_query, run_script
from otel_sqlite_exporter.write.temporal_links import Change, find_stems

_MANY = 1_000
"""Records that stay in a trace, from which on it is due at the end of the last step what they tell of it."""


class _LosingPart(NamedTuple):
    """A row of `_trace_sessions` that loses records: a row of find_removed_parts.sql. Its times are those before it
    loses them. `rest` are the records that stay in it, `rest_of_trace` those that stay in its trace."""

    id: int
    trace: int
    is_real: int
    own_session: int | None
    session: int | None
    first_time_unix_nano: int
    last_time_unix_nano: int
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
    return remove_step(connection, settings, records, None)


def remove_step(
    connection: sqlite3.Connection, settings: Settings, records: RecordsToRemove, due: DueWork | None
) -> RemovedCounts:
    """Do what `remove_records` does, but leave to `due`, if that is given, what must read much that stays."""
    counts = RemovedCounts(points=remove_points(connection, records.points))
    if not (records.spans or records.logs):
        return counts
    removal = _Removal(connection, settings, records, due)
    removal.note()
    removal.delete()
    removal.derive()
    return counts.add(removal.counts)


class _Removal:
    """One removal. `note` reads what else it concerns while the records are there, `delete` removes them, `derive`
    brings the rest up to date."""

    def __init__(
        self, connection: sqlite3.Connection, settings: Settings, records: RecordsToRemove, due: DueWork | None
    ) -> None:
        self._connection, self._settings, self._due = connection, settings, due
        self._spans, self._logs = sorted({*records.spans}), sorted({*records.logs})
        (parts,) = read_json(connection, "find_removed_parts", spans=self._spans, logs=self._logs)
        self._parts = [_LosingPart(*part) for part in parts]
        self._partial = {part.trace for part in self._parts if part.is_real and part.rest_of_trace > 0}
        sessions = {id for part in self._parts for id in (part.own_session, part.session) if id is not None}
        stays = [
            Stay(part.session, part.trace, part.first_time_unix_nano, part.last_time_unix_nano)
            for part in self._parts
            if part.session is not None
        ]
        self._outdated = Outdated(stays=stays, sessions=sessions)
        self._emptied = {part.id for part in self._parts}
        self._used_ids = UsedIds(connection)
        self.counts = RemovedCounts(
            spans=sum(part.spans for part in self._parts), logs=sum(part.logs for part in self._parts)
        )

    def note(self) -> None:
        """Note which rows that stay these records concern."""
        connection, outdated = self._connection, self._outdated
        spans, logs = self._spans, self._logs
        partners, calls = read_json(connection, "find_partners_left", spans=spans, logs=logs)
        outdated.relinked.update(partners)
        outdated.tools.note_removed(connection, spans=spans, logs=logs)
        outside = {part.trace for part in self._parts if not part.is_real}
        stems = find_stems(connection, spans=spans, logs=logs)
        outdated.changes += [one._replace(trace=None) if one.trace in outside else one for one in stems]
        (self._texts,) = read_json(connection, "find_texts_of_messages", spans=spans, logs=logs)
        self._agents = find_losing_agents(connection, spans, logs)
        inside: Collection[int] = ()
        if self._partial:
            found = read_json(connection, "find_around_removed", spans=spans, logs=logs, traces=self._partial)
            inside, outdated.tools.spans, keys, tools, recorded = found
            outdated.keys = [(trace, span_id) for trace, span_id in keys]
            outdated.tools.tools.update(tools)
            calls += recorded
        if inside or outdated.keys or partners or calls:
            changed = ChangedRecords(spans=inside, logs=outdated.keys, events=partners, calls=calls)
            outdated.calls = find_calls(connection, changed)

    def delete(self) -> None:
        """Remove the records, and the rows of theirs."""
        connection = self._connection
        run_script(connection, "subtract_records", spans=self._spans, logs=self._logs)
        records = {"spans": self._spans, "logs": self._logs, "partners": self._outdated.relinked}
        removed = remove_rows(connection, "delete_records", encode_parameters(records))
        tools, calls = removed["_tool_interactions"], removed["_llm_interactions"]
        self.counts = self.counts._replace(tools=tools, calls=calls, events=removed["_events"])

    def derive(self) -> None:
        """Bring what stays up to date."""
        connection, settings, outdated = self._connection, self._settings, self._outdated
        if outdated.keys:
            self._move_stray_logs()
        self._read_remaining()
        derive_again(connection, settings, outdated)
        self._forget_empty()
        unknown = describe_again(connection, self._agents)
        if self._due is None:
            describe_by_all_calls(connection, unknown)
        else:
            self._due.add(agents=unknown)
        self._used_ids.note(self._forget_texts())

    def _move_stray_logs(self) -> None:
        """Let log records that name no session leave the session of their span."""
        outdated = self._outdated
        run_script(self._connection, "add_parts_of_logs", keys=outdated.keys)
        (moves,) = read_json(self._connection, "find_stray_logs", keys=outdated.keys)
        if not moves:
            return
        run_script(self._connection, "move_logs", moves=[move[:5] for move in moves])
        for _, before, after, time, _, trace, session, new_session, stem in moves:
            self._emptied.update((before, after))
            sessions = [one for one in (session, new_session) if one is not None]
            outdated.sessions.update(sessions)
            outdated.stays += [Stay(one, trace, time, time) for one in sessions]
            if stem is not None:
                outdated.changes += [Change(trace, one, stem, time) for one in (session, new_session)]

    def _read_remaining(self) -> None:
        """Find what the records that stay say about their traces; or note that it is due, where these are many."""
        connection = self._connection
        traces = {part.trace: part.rest_of_trace for part in self._parts if part.trace in self._partial}
        parts = {part.id: part.rest for part in self._parts if not part.is_real and part.rest > 0}
        many: dict[str, set[int]] = {"traces": set(), "parts": set()}
        if self._due is not None:
            many = {"traces": _find_many(traces), "parts": _find_many(parts)}
            self._due.add(**many)
            self._outdated.due_traces = many["traces"]
        few_traces, few_parts = traces.keys() - many["traces"], parts.keys() - many["parts"]
        if few_traces or few_parts:
            (found,) = read_json(connection, "find_parts_of_traces", traces=few_traces)
            records = RemainingRecords(connection, self._settings.session_attributes)
            records.read([*found, *few_parts])
            note_remaining(connection, records, few_traces, self._outdated)

    def _forget_empty(self) -> None:
        """Remove the rows of traces and sessions that no record needs any more, and update the times of sessions."""
        connection, sessions = self._connection, self._outdated.sessions
        traces, real = {part.trace for part in self._parts}, {part.trace for part in self._parts if part.is_real}
        empty, their_sessions = read_json(connection, "find_empty_parts", parts=self._emptied, traces=real)
        sessions.update(their_sessions)
        before = _count(connection, traces, sessions)
        removed = remove_rows(connection, "forget_empty_traces", encode_parameters({"parts": empty, "traces": traces}))
        update_sessions(connection, sessions, self._due)
        removed += remove_rows(connection, "forget_empty_sessions", encode_parameters({"sessions": sessions}))
        after = _count(connection, traces, sessions)
        self.counts = self.counts._replace(
            traces=before[0] - after[0], sessions=before[1] - after[1], others=removed["_marks"]
        )

    def _forget_texts(self) -> list[int]:
        """Remove the texts that nothing names any more, and return their ids."""
        conversations = {
            -part.trace if part.own_session is None else part.own_session for part in self._parts if part.spans
        }
        cursor = run_query(self._connection, "forget_texts", messages=self._texts, conversations=conversations)
        return [id for (id,) in cursor.fetchall()]


def note_remaining(
    connection: sqlite3.Connection, records: RemainingRecords, traces: Collection[int], outdated: Outdated
) -> None:
    """Note what `records`, which are all of these traces (keys of `_traces`), say about them; note in `outdated` what
    that changes."""
    records.write()
    move_parts(connection, traces, outdated)


def _find_many(rest: dict[int, int]) -> set[int]:
    return {id for id, records in rest.items() if records > _MANY}


def _count(connection: sqlite3.Connection, traces: Collection[int], sessions: Collection[int]) -> tuple[int, int]:
    values = encode_parameters({"traces": traces, "sessions": sessions})
    found: tuple[int, int] = connection.execute(read_query("count_left_traces"), values).fetchone()
    return found
