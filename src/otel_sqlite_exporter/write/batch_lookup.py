# SPDX-License-Identifier: Apache-2.0
"""What the file holds of the traces, sessions and spans of a batch, in one look-up.

A trace or session shows the smallest, largest or sum of what its records name, with each record counted once. So the
same records give the same rows in any order, split or repetition.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from otel_sqlite_exporter.encode.open_spans import ESTIMATED, OPEN
from otel_sqlite_exporter.model.rows import RECEIVERS, EncodedLog, EncodedSpan, Naming, SpanRow, make_row
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.write.statements import read_json

NO_PARENT, REMOTE_PARENT, LOCAL_PARENT, NO_SPAN = range(4)
_CALLS = "_llm_interactions"
NO_TIMES = (LARGEST, 0)
"""Start and end of a row of `_traces` or `_trace_sessions` before a record of it is counted."""


class SpanKey(NamedTuple):
    """The identity of a span. Two spans may have the same ids, as Zipkin's of one call have: the one that receives it
    (`is_receiver`: 1) and the one that sends it (0)."""

    trace_id: str
    span_id: str
    is_receiver: int


def find_key(span: EncodedSpan) -> SpanKey:
    """Return the identity of a span."""
    row = span.row
    return make_row(SpanKey, (span.trace_id, row.span_id, row.kind in RECEIVERS))


class WrittenSpan(NamedTuple):
    """A span in the file, as far as a batch needs it."""

    id: int
    trace_session: int
    start_time_unix_nano: int
    end_time_unix_nano: int
    end_time_source: str | None
    status_code: int
    finish_record: int | None

    @property
    def is_finished(self) -> bool:
        """Whether it has ended by itself."""
        return self.end_time_source not in (OPEN, ESTIMATED)


class RepeatedSpan(NamedTuple):
    """A span of the batch that the file holds already."""

    span: EncodedSpan
    written: WrittenSpan


@dataclass(slots=True)
class TraceRow:
    """A row of `_traces` that the batch changes. `root` is rank, start and span id of the span nearest to a root.
    `entry_session_rank` is the strongest rank by which a span without a local parent names a session. While it has
    `only_scores`, its times are theirs."""

    id: int
    trace_id: str
    session: Naming | None
    user: Naming | None
    root: tuple[int, int, str]
    start: int
    end: int
    entry_session_rank: int | None
    only_scores: bool = False
    is_touched: bool = False
    has_interactions: bool = False
    is_new: bool = False

    def offer_span(self, span: EncodedSpan) -> None:
        """Take from `span` its session, its user and itself as root, where these are stronger than what is there."""
        session, user, row = span.session, span.user, span.row
        if session is not None or user is not None:
            self.offer_session(session, user)
        self.is_touched = True
        rank = NO_PARENT if row.parent_span_id is None else REMOTE_PARENT if row.parent_is_remote else LOCAL_PARENT
        if rank <= self.root[0]:
            self.root = min(self.root, (rank, row.start_time_unix_nano, row.span_id))

    def offer_session(self, session: Naming | None, user: Naming | None) -> None:
        """Take the session and the user that a record names, where they are stronger than what is there."""
        if session is not None:
            if self.session is None or session < self.session:
                self.session = session
            rank = self.entry_session_rank
            if not session.is_child and (rank is None or session.rank < rank):
                self.entry_session_rank = session.rank
        if user is not None and (self.user is None or user < self.user):
            self.user = user
        self.is_touched = True


@dataclass(slots=True)
class TraceSessionRow:
    """A row of `_trace_sessions` that the batch changes: the records of a trace that name the session `own`, or none.
    `shown_before` is the session that the file shows for them. Its times only widen, so they always cover the records
    that it loses in this batch: `find_wide_times` finds these by their times."""

    id: int
    trace: TraceRow
    own: str | None
    is_in_file: bool
    shown_before: str | None
    source: str | None
    source_rank: int | None
    spans: int
    errors: int
    failed_entries: int
    start: int
    end: int
    candidate_time: int | None
    logs: int = 0
    score_logs: int = 0
    is_touched: bool = False

    def __post_init__(self) -> None:
        """Forget the times of a row without records: the file keeps those of records that it lost."""
        if not self.spans + self.logs:
            self.start, self.end = NO_TIMES

    def offer_source(self, record: EncodedSpan | EncodedLog) -> None:
        """Take the attribute that names the session of a record, where it is stronger than the one that is there."""
        own = record.own_session
        if own is not None and (self.source_rank is None or (own.rank, own.source) < (self.source_rank, self.source)):
            self.source_rank, self.source = own.rank, own.source
        self.is_touched = True

    def add_span(self, span: EncodedSpan) -> None:
        """Add a new span to the sums."""
        row = span.row
        start, end = row.start_time_unix_nano, row.end_time_unix_nano
        if self.score_logs and self.only_scores:
            self.start, self.end = NO_TIMES
        if start < self.start or end > self.end:
            self._extend(start, end)
        self.spans += 1
        if row.status_code == 2:
            self.errors += 1
            self.failed_entries += _is_entry(row)

    def add_log(self, time_unix_nano: int) -> None:
        """Add a log record that is no score to the sums."""
        if self.score_logs and self.only_scores:
            self.start, self.end = NO_TIMES
        self._extend(time_unix_nano, time_unix_nano)
        self.logs += 1

    def add_score(self, time_unix_nano: int) -> None:
        """Add a log record that is a score to the sums. It counts with its time only where nothing else does."""
        if self.only_scores:
            self.start, self.end = min(self.start, time_unix_nano), max(self.end, time_unix_nano)
        trace = self.trace
        if trace.only_scores:
            trace.start, trace.end = min(trace.start, time_unix_nano), max(trace.end, time_unix_nano)
        self.logs += 1
        self.score_logs += 1

    @property
    def only_scores(self) -> bool:
        """Whether it has no other record than scores."""
        return self.spans + self.logs == self.score_logs

    def finish_span(self, span: EncodedSpan, written: WrittenSpan, before: TraceSessionRow) -> None:
        """Update the sums for a span that `before` has counted while it was open, and that has ended."""
        before.spans -= 1
        if written.status_code == 2:
            before.errors -= 1
            before.failed_entries -= _is_entry(span.row)
        before.is_touched = True
        self.add_span(span)

    def _extend(self, start: int, end: int) -> None:
        trace = self.trace
        if trace.only_scores:
            trace.only_scores = False
            trace.start, trace.end = NO_TIMES
        if start < self.start:
            self.start = start
        if end > self.end:
            self.end = end
        if start < trace.start:
            trace.start = start
        if end > trace.end:
            trace.end = end

    @property
    def has_moved(self) -> bool:
        """Whether the row is in the file, and shows another session there."""
        return self.is_in_file and self.shown != self.shown_before

    @property
    def shown(self) -> str | None:
        """The session that its records show now: their own, unless an entry span of their trace names one by a stronger
        source."""
        trace, rank = self.trace, self.source_rank
        is_overruled = rank is not None and trace.entry_session_rank is not None and trace.entry_session_rank < rank
        if self.own is not None and not is_overruled:
            return self.own
        return None if trace.session is None else trace.session.name


@dataclass(slots=True)
class _WantedTrace:
    """What a batch needs of a trace: spans, and rows of `_trace_sessions` by the session that their records name. If
    the strongest session of the batch changes that of the trace, or its strongest entry span overrules others than
    before, all of these rows may change."""

    span_ids: list[str]
    own_sessions: set[str | None]
    strongest: Naming | None = None
    entry_rank: int | None = None

    def add_session(self, session: Naming) -> None:
        """Add the session that a record of the batch names."""
        self.own_sessions.add(session.name)
        if self.strongest is None or session < self.strongest:
            self.strongest = session
        if not session.is_child and (self.entry_rank is None or session.rank < self.entry_rank):
            self.entry_rank = session.rank


class BatchLookup(NamedTuple):
    """What the file holds: the last key that each table has or had (`records`: of spans and what the view `events`
    shows); the key of the next row of `_llm_interactions` (None: SQLite numbers them); up to which id texts may have
    been removed; the keys of resources and scopes by digest, and of sessions by name; traces by trace id; rows of
    `_trace_sessions` by trace id and the session that their spans name; spans."""

    last_ids: dict[str, int]
    first_call: int | None
    last_removed_text: int
    resource_ids: dict[str, int]
    scope_ids: dict[str, int]
    session_ids: dict[str, int]
    traces: dict[str, TraceRow]
    trace_sessions: dict[tuple[str, str | None], TraceSessionRow]
    spans: dict[SpanKey, WrittenSpan]


def look_up_batch(
    connection: sqlite3.Connection, spans: Sequence[EncodedSpan], logs: Sequence[EncodedLog]
) -> BatchLookup:
    """Return what the file holds of these records."""
    wanted: dict[str, _WantedTrace] = {}
    sessions = set()
    for span in spans:
        trace = wanted.get(span.trace_id) or wanted.setdefault(span.trace_id, _WantedTrace([], {None}))
        trace.span_ids.append(span.row.span_id)
        if span.session is not None:  # its own, if it names one
            sessions.add(span.session.name)
            trace.add_session(span.session)
    for log in logs:
        trace = wanted.get(log.trace_id) or wanted.setdefault(log.trace_id, _WantedTrace([], {None}))
        if log.span_id is not None:
            trace.span_ids.append(log.span_id)
        for naming in (log.own_session, log.session):
            if naming is not None:
                sessions.add(naming.name)
                trace.add_session(naming)
    records: list[EncodedSpan | EncodedLog] = [*spans, *logs]
    asked = {id: [one.span_ids, one.own_sessions, one.strongest, one.entry_rank] for id, one in wanted.items()}
    found = read_json(
        connection,
        "look_up_batch",
        traces=asked,
        sessions=sessions,
        resources={record.resource.digest for record in records},
        scopes={record.scope.digest for record in records if record.scope},
    )
    last_ids, removed_ids, resources, scopes, session_ids, found_traces, found_trace_sessions, found_spans = found
    traces: dict[str, TraceRow] = {}
    for trace_id, id, *columns, only_scores, has_interactions in found_traces:
        session, user, root, rest = columns[:5], columns[5:10], columns[10:13], columns[13:]
        found_trace = TraceRow(id, trace_id, _read_naming(session), _read_naming(user), tuple(root), *rest)
        found_trace.only_scores, found_trace.has_interactions = bool(only_scores), bool(has_interactions)
        traces[trace_id] = found_trace
    trace_sessions = {
        (trace_id, own): TraceSessionRow(id, traces[trace_id], own, True, shown, *columns)
        for trace_id, own, id, shown, *columns in found_trace_sessions
    }
    written = {SpanKey(*columns[:3]): WrittenSpan(*columns[3:]) for columns in found_spans}
    first_call, last_text = None, removed_ids.get("removed_texts", 0)
    if removed_ids:  # an id that was seen never comes again
        if removed_ids[_CALLS] > last_ids[_CALLS]:
            first_call = removed_ids[_CALLS] + 1
        last_ids = {table: max(id, removed_ids.get(table, 0)) for table, id in last_ids.items()}
    ids = (last_ids, first_call, last_text, resources, scopes, dict(session_ids))
    return BatchLookup(*ids, traces, trace_sessions, written)


def _is_entry(row: SpanRow) -> bool:
    return row.parent_span_id is None or bool(row.parent_is_remote)


def _read_naming(columns: Sequence[Any]) -> Naming | None:
    return None if columns[0] is None else Naming(*columns)
