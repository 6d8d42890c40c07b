# SPDX-License-Identifier: Apache-2.0
"""Gives a batch its keys: encoded spans, and what the file knows of their traces, become the values to write.

Everything a trace or session shows is the smallest, largest or sum of what its spans say, each span counted once. So
the same spans give the same rows in any order, split or repetition.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from otel_sqlite_exporter.ingest.rows import EncodedSpan, Naming
from otel_sqlite_exporter.ingest.versions import Repeated, choose_version
from otel_sqlite_exporter.sql.texts import read_query

NO_PARENT, REMOTE_PARENT, LOCAL_PARENT = range(3)


@dataclass(slots=True)
class Trace:
    """A row of `_traces` in the making."""

    id: int
    trace_id: str
    session: Naming | None
    user: Naming | None
    root: tuple[int, int, str]
    start: int
    end: int
    is_touched: bool = False

    def see(self, span: EncodedSpan) -> None:
        """Let `span` bid for what the trace shows."""
        row, session, user = span.row, span.session, span.user
        if session is not None and (self.session is None or session < self.session):
            self.session = session
        if user is not None and (self.user is None or user < self.user):
            self.user = user
        rank = NO_PARENT if row.parent_span_id is None else REMOTE_PARENT if row.parent_is_remote else LOCAL_PARENT
        if rank <= self.root[0]:
            self.root = min(self.root, (rank, row.start_time_unix_nano, row.span_id))
        self.is_touched = True


@dataclass(slots=True)
class TraceSession:
    """A row of `_trace_sessions` in the making; `shown_before` is the session that the file shows for it so far."""

    id: int
    trace: Trace
    own: str | None
    is_known: bool
    shown_before: str | None
    source: str | None
    source_rank: int | None
    spans: int
    errors: int
    start: int
    end: int
    candidate_time: int | None
    is_touched: bool = False

    def see(self, span: EncodedSpan) -> None:
        """Let `span` bid for the attribute that names the session."""
        own = span.own_session
        if own is not None and (self.source_rank is None or (own.rank, own.source) < (self.source_rank, self.source)):
            self.source_rank, self.source = own.rank, own.source
        self.is_touched = True

    def count(self, span: EncodedSpan) -> None:
        """Add a new span to the sums."""
        row, trace = span.row, self.trace
        start, end = row.start_time_unix_nano, row.end_time_unix_nano
        if start < self.start or not self.spans:
            self.start = start
        if end > self.end or not self.spans:
            self.end = end
        if start < trace.start:
            trace.start = start
        if end > trace.end:
            trace.end = end
        self.spans += 1
        if row.status_code == 2:
            self.errors += 1

    @property
    def has_moved(self) -> bool:
        """Whether the file holds the row, showing another session."""
        return self.is_known and self.shown != self.shown_before

    @property
    def shown(self) -> str | None:
        """The session that its spans show now."""
        if self.own is not None:
            return self.own
        return None if self.trace.session is None else self.trace.session.name


class Batch:
    """The values that one batch writes, ready for `statements.Insert`. Reads the file, so make it in the transaction
    that writes."""

    def __init__(self, connection: sqlite3.Connection, spans: Sequence[EncodedSpan]) -> None:
        self.resources: list[Any] = []
        self.scopes: list[Any] = []
        self.spans: list[Any] = []
        self.replaced_spans: list[Any] = []
        self.events: list[Any] = []
        self.links: list[Any] = []
        self.llm_interactions: list[Any] = []
        self.tool_interactions: list[Any] = []
        self.repeated: list[Repeated] = []
        self.candidates: dict[tuple[int, str], int] = {}
        self.traces_with_calls: set[int] = set()
        self._read(connection, spans)
        self.first_span = self._last_ids["_spans"] + 1
        self.first_event = self._last_ids["_events"] + 1
        new = self._separate(spans)
        self.last_span = self._last_ids["_spans"] + len(new)
        self._next_event = self.first_event + 2 * len(new)
        for id, (part, span) in enumerate(new, self.first_span):
            part.count(span)
            self._add_span(self.spans, id, part, span)

    def replace(self, repeated: Repeated) -> None:
        """Let a later version of a span take the place of the one in the file."""
        part = self._find_part(repeated.span)
        self._add_span(self.replaced_spans, repeated.id, part, repeated.span)

    def touched_traces(self) -> list[Trace]:
        """Return the traces whose row is to be written."""
        return [trace for trace in self._traces.values() if trace.is_touched]

    def touched_parts(self) -> list[TraceSession]:
        """Return the rows of `_trace_sessions` to write: with new spans, or showing another session than before."""
        return [part for part in self._parts.values() if part.is_touched or part.has_moved]

    def moved_parts(self) -> list[TraceSession]:
        """Return the rows of `_trace_sessions` in the file that now show another session than before."""
        return [part for part in self._parts.values() if part.has_moved]

    def session_id(self, name: str | None) -> int | None:
        """Return the key of the session of this name; a new one is given a key."""
        if name is None:
            return None
        if name not in self.session_ids:
            self.session_ids[name] = self._next_id("_sessions")
        return self.session_ids[name]

    def _read(self, connection: sqlite3.Connection, spans: Sequence[EncodedSpan]) -> None:
        wanted: dict[str, list[str]] = {}
        sessions = set()
        for span in spans:
            wanted.setdefault(span.trace_id, []).append(span.row.span_id)
            if span.session is not None:  # its own, if it names one
                sessions.add(span.session.name)
        row = connection.execute(
            read_query("look_up_batch"),
            {
                "spans": orjson.dumps(wanted).decode(),
                "sessions": orjson.dumps(list(sessions)).decode(),
                "resources": orjson.dumps(list({span.resource.digest for span in spans})).decode(),
                "scopes": orjson.dumps(list({span.scope.digest for span in spans if span.scope})).decode(),
            },
        ).fetchone()
        last_ids, resources, scopes, known_sessions, traces, parts, known_spans = map(orjson.loads, row)
        self._last_ids: dict[str, int] = last_ids
        self._resource_ids: dict[str, int] = resources
        self._scope_ids: dict[str, int] = scopes
        self.session_ids: dict[str, int] = dict(known_sessions)
        self._traces: dict[str, Trace] = {}
        for trace_id, id, *columns in traces:
            session, user, root, times = columns[:5], columns[5:10], columns[10:13], columns[13:]
            self._traces[trace_id] = Trace(id, trace_id, _naming(session), _naming(user), tuple(root), *times)
        self._parts: dict[tuple[str, str | None], TraceSession] = {}
        for trace_id, own, id, shown, *columns in parts:
            self._parts[trace_id, own] = TraceSession(id, self._traces[trace_id], own, True, shown, *columns)
        self._known_spans: dict[tuple[str, str], list[int]] = {
            (trace_id, span_id): columns for trace_id, span_id, *columns in known_spans
        }

    def _separate(self, spans: Sequence[EncodedSpan]) -> Collection[tuple[TraceSession, EncodedSpan]]:
        """Let every span bid, and return those that the file lacks, each once."""
        new: dict[tuple[str, str], tuple[TraceSession, EncodedSpan]] = {}
        for span in spans:
            part = self._find_part(span)
            part.trace.see(span)
            part.see(span)
            key = (span.trace_id, span.row.span_id)
            known = self._known_spans.get(key)
            if known is not None:
                self.repeated.append(Repeated(span, *known))
            elif key in new:
                if choose_version(new[key][1], span) is span:
                    new[key] = part, span
            else:
                new[key] = part, span
        return new.values()

    def _find_trace(self, span: EncodedSpan) -> Trace:
        trace = self._traces.get(span.trace_id)
        if trace is None:
            row = span.row
            root = (LOCAL_PARENT, row.start_time_unix_nano, row.span_id)
            times = (row.start_time_unix_nano, row.end_time_unix_nano)
            trace = self._traces[span.trace_id] = Trace(
                self._next_id("_traces"), span.trace_id, None, None, root, *times
            )
        return trace

    def _find_part(self, span: EncodedSpan) -> TraceSession:
        own = span.own_session
        key = (span.trace_id, own.name if own is not None else None)
        part = self._parts.get(key)
        if part is None:
            row = span.row
            times = (row.start_time_unix_nano, row.end_time_unix_nano)
            trace, id = self._find_trace(span), self._next_id("_trace_sessions")
            part = self._parts[key] = TraceSession(id, trace, key[1], False, None, None, None, 0, 0, *times, None)
        return part

    def _add_span(self, values: list[Any], id: int, part: TraceSession, span: EncodedSpan) -> None:
        values += (id, part.trace.id, part.id, self._resource_id(span), self._scope_id(span))
        values += span.row
        if span.events:
            self._add_events(id, part, span)
        for ordinal, link in enumerate(span.links):
            self.links += (id, ordinal)
            self.links += link
        if span.llm is not None:
            self.llm_interactions += (id, part.id)
            self.llm_interactions += span.llm
            self.traces_with_calls.add(part.trace.id)
        if span.tool is not None:
            self.tool_interactions += (id, part.id)
            self.tool_interactions += span.tool

    def _add_events(self, span: int, part: TraceSession, encoded: EncodedSpan) -> None:
        values, first, part_id = self.events, self._next_event, part.id
        for ordinal, (phase, name, time, source, mate, stem, dropped, types, text) in enumerate(encoded.events):
            related, method = (None, None) if mate is None else (first + mate, "span")
            values += (first + ordinal, part_id, span, 1, ordinal, phase, name, time, source, related, method)
            values += (stem, dropped, types, text)
            if stem is not None:
                key = (part_id, stem)
                self.candidates[key] = min(time, self.candidates.get(key, time))
                part.candidate_time = max(time, part.candidate_time or 0)
        self._next_event = first + len(encoded.events)

    def _resource_id(self, span: EncodedSpan) -> int:
        row = span.resource
        id = self._resource_ids.get(row.digest)
        if id is None:
            id = self._resource_ids[row.digest] = self._next_id("_resources")
            self.resources += (id, *row)
        return id

    def _scope_id(self, span: EncodedSpan) -> int | None:
        row = span.scope
        if row is None:
            return None
        id = self._scope_ids.get(row.digest)
        if id is None:
            id = self._scope_ids[row.digest] = self._next_id("_scopes")
            self.scopes += (id, *row)
        return id

    def _next_id(self, table: str) -> int:
        self._last_ids[table] += 1
        return self._last_ids[table]


def _naming(columns: Sequence[Any]) -> Naming | None:
    return None if columns[0] is None else Naming(*columns)
