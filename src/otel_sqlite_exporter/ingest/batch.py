# SPDX-License-Identifier: Apache-2.0
"""Gives a batch its keys: encoded spans, and what the file knows of their traces, become the values to write.

Everything a trace or session shows is the smallest, largest or sum of what its spans say, each span counted once. So
the same spans give the same rows in any order, split or repetition.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
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
        row = span.row
        if span.session is not None and (self.session is None or span.session < self.session):
            self.session = span.session
        if span.user is not None and (self.user is None or span.user < self.user):
            self.user = span.user
        rank = NO_PARENT if row.parent_span_id is None else REMOTE_PARENT if row.parent_is_remote else LOCAL_PARENT
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
        row = span.row
        start, end = row.start_time_unix_nano, row.end_time_unix_nano
        trace = self.trace
        self.start, self.end = (min(self.start, start), max(self.end, end)) if self.spans else (start, end)
        trace.start, trace.end = min(trace.start, start), max(trace.end, end)
        self.spans += 1
        self.errors += row.status_code == 2

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
        for id, span in enumerate(new, self.first_span):
            part = self._find_part(span)
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

    def _separate(self, spans: Sequence[EncodedSpan]) -> list[EncodedSpan]:
        """Let every span bid, and return those that the file lacks, each once."""
        new: dict[tuple[str, str], EncodedSpan] = {}
        for span in spans:
            self._find_trace(span).see(span)
            self._find_part(span).see(span)
            key = (span.trace_id, span.row.span_id)
            known = self._known_spans.get(key)
            if known is not None:
                self.repeated.append(Repeated(span, *known))
            elif key in new:
                new[key] = choose_version(new[key], span)
            else:
                new[key] = span
        return list(new.values())

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
            id, trace = self._next_id("_trace_sessions"), self._traces[span.trace_id]
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
        first = self._next_event
        for ordinal, event in enumerate(encoded.events):
            mate, stem = event.mate, event.stem
            self.events += (first + ordinal, part.id, span, 1, ordinal)
            self.events += event[:4]
            self.events += (None, None) if mate is None else (first + mate, "span")
            self.events += event[5:]
            if stem is not None:
                time = event.time_unix_nano
                key = (part.id, stem)
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
