# SPDX-License-Identifier: Apache-2.0
"""The rows that spans and log records refer to: resources, scopes, sessions, traces, and which records of a trace show
which session."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from otel_sqlite_exporter.model.origin_rows import ResourceRow, ScopeRow
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan
from otel_sqlite_exporter.write.batch_lookup import (
    LOCAL_PARENT,
    NO_SPAN,
    NO_TIMES,
    BatchLookup,
    TraceRow,
    TraceSessionRow,
)
from otel_sqlite_exporter.write.interactions.counted_calls import Stay
from otel_sqlite_exporter.write.statements import Insert, TableRows, take_new

_TRACE_COLUMNS = (
    *("session", "session_rank", "session_is_child", "session_time_unix_nano", "session_source"),
    "entry_session_rank",
    *("user_rank", "user_is_child", "user_time_unix_nano", "user_id", "user_source"),
    *("root_rank", "root_time_unix_nano", "root_span_id", "start_time_unix_nano", "end_time_unix_nano"),
)
_TRACE_SESSION_COLUMNS = (
    *("session", "source", "source_rank", "spans", "errors", "failed_entries"),
    *("start_time_unix_nano", "end_time_unix_nano", "candidate_time_unix_nano", "logs", "score_logs"),
)
# Times of scores count only while there are no others.
_IS_WEAKER = "excluded.start_time_unix_nano IS NULL OR excluded.only_scores > only_scores"
_IS_STRONGER = (
    "start_time_unix_nano IS NULL OR (excluded.start_time_unix_nano IS NOT NULL AND excluded.only_scores < only_scores)"
)
_RESOURCES = Insert("_resources", ("id", *ResourceRow._fields))
_SCOPES = Insert("_scopes", ("id", *ScopeRow._fields))
_SESSIONS = Insert(
    "_sessions",
    ("id", "session_id", "start_time_unix_nano", "end_time_unix_nano", "only_scores"),
    key="id",
    update={
        **{
            column: f"iif({_IS_STRONGER}, excluded.{column}, iif({_IS_WEAKER}, {column}, "
            f"{pick}({column}, excluded.{column})))"
            for column, pick in (("start_time_unix_nano", "min"), ("end_time_unix_nano", "max"))
        },
        "only_scores": f"iif({_IS_STRONGER}, excluded.only_scores, only_scores)",
    },
)
_TRACES = Insert("_traces", ("id", "trace_id", *_TRACE_COLUMNS), key="id", update=take_new(_TRACE_COLUMNS))
_TRACE_SESSIONS = Insert(
    "_trace_sessions",
    ("id", "trace", "own_session", *_TRACE_SESSION_COLUMNS),
    key="id",
    update=take_new(_TRACE_SESSION_COLUMNS),
)

SessionTimes = tuple[int | None, int | None, int]
"""Start, end, and whether they are those of scores alone."""
NO_SESSION_TIMES: SessionTimes = (None, None, 0)


class ContextRows:
    """The rows of one batch, which the file holds or which get new keys here."""

    def __init__(self, lookup: BatchLookup) -> None:
        self._last_ids = lookup.last_ids
        self._resource_ids, self._scope_ids = lookup.resource_ids, lookup.scope_ids
        self._session_ids = lookup.session_ids
        self._traces, self._trace_sessions = lookup.traces, lookup.trace_sessions
        self._stored_trace_sessions = {row.id: row for row in lookup.trace_sessions.values()}
        self._resources, self._scopes = TableRows(_RESOURCES), TableRows(_SCOPES)
        self._last_resource: ResourceRow | None = None
        self._last_scope: ScopeRow | None = None
        self._last_keys: tuple[int, int | None] = (0, None)

    def find_keys(self, record: EncodedSpan) -> tuple[int, int | None]:
        """Return the keys of the resource and the scope of a span. Most have those of the span before."""
        if record.resource is not self._last_resource or record.scope is not self._last_scope:
            self._last_keys = self.resource_id(record), self.scope_id(record)
            self._last_resource, self._last_scope = record.resource, record.scope
        return self._last_keys

    def resource_id(self, record: EncodedSpan | EncodedLog) -> int:
        """Return the key of the resource of a record."""
        row = record.resource
        id = self._resource_ids.get(row.digest)
        if id is None:
            id = self._resource_ids[row.digest] = self._next_id("_resources")
            self._resources.add((id, *row))
        return id

    def scope_id(self, record: EncodedSpan | EncodedLog) -> int | None:
        """Return the key of the scope of a record, if it has one."""
        row = record.scope
        if row is None:
            return None
        id = self._scope_ids.get(row.digest)
        if id is None:
            id = self._scope_ids[row.digest] = self._next_id("_scopes")
            self._scopes.add((id, *row))
        return id

    def add_stored_keys(self, record: EncodedSpan, resource: int, scope: int | None) -> None:
        """Note the keys of the resource and the scope of a record that was read from the file."""
        self._resource_ids[record.resource.digest] = resource
        if scope is not None and record.scope is not None:
            self._scope_ids[record.scope.digest] = scope

    def session_id(self, name: str | None) -> int | None:
        """Return the key of the session of this name."""
        if name is None:
            return None
        if name not in self._session_ids:
            self._session_ids[name] = self._next_id("_sessions")
        return self._session_ids[name]

    def has_trace_session(self, trace_id: str, session: str) -> bool:
        """Return whether `find_trace_session` finds a row without making one."""
        return (trace_id, session) in self._trace_sessions

    def find_trace_session(self, record: EncodedSpan | EncodedLog) -> TraceSessionRow:
        """Return the row of a record by the session that it names itself; a new one, where there is none."""
        own = record.own_session
        key = (record.trace_id, own.name if own is not None else None)
        found = self._trace_sessions.get(key)
        if found is None:
            trace, id = self._find_trace(record), self._next_id("_trace_sessions")
            found = TraceSessionRow(id, trace, key[1], False, None, None, None, 0, 0, 0, *NO_TIMES, None)
            self._trace_sessions[key] = found
        return found

    def stored_trace_session(self, id: int) -> TraceSessionRow:
        """Return a row of the file by its key."""
        return self._stored_trace_sessions[id]

    def add_stored_sessions(self, lookup: BatchLookup) -> None:
        """Add the sessions of another look-up, of spans that name one only together with their start."""
        self._session_ids.update(lookup.session_ids)
        for key in lookup.trace_sessions.keys() - self._trace_sessions.keys():
            row = self._trace_sessions[key] = lookup.trace_sessions[key]
            row.trace, self._stored_trace_sessions[row.id] = self._traces[key[0]], row

    def touched_trace_sessions(self) -> list[TraceSessionRow]:
        """Return the rows to write: those with new records, and those that show another session than before."""
        return [row for row in self._trace_sessions.values() if row.is_touched or row.has_moved]

    def moved_trace_sessions(self) -> list[TraceSessionRow]:
        """Return the rows of the file that show another session than before."""
        return [row for row in self._trace_sessions.values() if row.has_moved]

    def find_stays(self, losing: Collection[int]) -> list[Stay]:
        """Return the sessions that rows of the file showed before the batch: those that show another one, and those
        that are `losing` records."""
        rows = (row for row in self._trace_sessions.values() if row.has_moved or (row.is_in_file and row.id in losing))
        return [
            Stay(self._session_ids[row.shown_before], row.trace.id, row.start, row.end)
            for row in rows
            if row.shown_before is not None
        ]

    def write(self, connection: sqlite3.Connection) -> list[int]:
        """Write the rows, and return the keys of the sessions that some records no longer show."""
        sessions, traces, trace_sessions = TableRows(_SESSIONS), TableRows(_TRACES), TableRows(_TRACE_SESSIONS)
        times: dict[str, SessionTimes] = {}
        lost = []
        for trace in self._traces.values():
            if not trace.is_touched:
                continue
            name = None
            if trace.session is not None:
                name = trace.session.name
                times.setdefault(name, NO_SESSION_TIMES)
            session = trace.session or (None,) * 5
            user = trace.user or (None,) * 5
            named = (self.session_id(name), *session[:3], session[4], trace.entry_session_rank, *user)
            traces.add((trace.id, trace.trace_id, *named, *trace.root, trace.start, trace.end))
        for row in self.touched_trace_sessions():
            shown = row.shown
            if row.own is not None:
                times.setdefault(row.own, NO_SESSION_TIMES)
            if shown is not None:
                known = times.get(shown, NO_SESSION_TIMES)
                times[shown] = _widen(known, row) if row.spans or row.logs else known
            if row.has_moved and row.shown_before is not None:
                lost.append(self._session_ids[row.shown_before])
            keys = (row.id, row.trace.id, self.session_id(row.own), self.session_id(shown))
            sums = (row.spans, row.errors, row.failed_entries, row.start, row.end, row.candidate_time, row.logs)
            trace_sessions.add((*keys, row.source, row.source_rank, *sums, row.score_logs))
        for name, known in times.items():
            sessions.add((self.session_id(name), name, *known))
        for rows in (self._resources, self._scopes, sessions, traces, trace_sessions):
            rows.write(connection)
        return lost

    def _find_trace(self, record: EncodedSpan | EncodedLog) -> TraceRow:
        trace = self._traces.get(record.trace_id)
        if trace is None:
            root = (NO_SPAN, 0, "")
            if isinstance(record, EncodedSpan):
                root = (LOCAL_PARENT, record.row.start_time_unix_nano, record.row.span_id)
            # This may be a version that is not kept, so it gives no times.
            trace = TraceRow(
                self._next_id("_traces"),
                record.trace_id,
                None,
                None,
                root,
                *NO_TIMES,
                None,
                only_scores=True,
                is_new=True,
            )
            self._traces[record.trace_id] = trace
        return trace

    def _next_id(self, table: str) -> int:
        self._last_ids[table] += 1
        return self._last_ids[table]


def _widen(known: SessionTimes, row: TraceSessionRow) -> SessionTimes:
    """Return the times of a session with those of a row that shows it. Those of scores count while there are no
    others."""
    start, end, only_scores = known
    own = row.only_scores
    if start is None or end is None or own < only_scores:
        return row.start, row.end, int(own)
    return known if own > only_scores else (min(start, row.start), max(end, row.end), only_scores)
