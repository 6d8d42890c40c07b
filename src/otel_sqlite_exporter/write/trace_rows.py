# SPDX-License-Identifier: Apache-2.0
"""Rows of `_traces` and `_trace_sessions` in the making. Everything they show is the smallest, largest or sum of what
spans say, so the order of the spans does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, Naming
from otel_sqlite_exporter.write.span_versions import Known

NO_PARENT, REMOTE_PARENT, LOCAL_PARENT, NO_SPAN = range(4)
NO_TIMES = (2**63 - 1, 0)
"""Start and end of a trace before a record of it is counted."""


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
    has_interactions: bool = False
    is_new: bool = False

    def see(self, span: EncodedSpan) -> None:
        """Let `span` bid for what the trace shows."""
        self.bid(span.session, span.user)
        row = span.row
        rank = NO_PARENT if row.parent_span_id is None else REMOTE_PARENT if row.parent_is_remote else LOCAL_PARENT
        if rank <= self.root[0]:
            self.root = min(self.root, (rank, row.start_time_unix_nano, row.span_id))

    def bid(self, session: Naming | None, user: Naming | None) -> None:
        """Let a record bid for the session and the user of the trace."""
        if session is not None and (self.session is None or session < self.session):
            self.session = session
        if user is not None and (self.user is None or user < self.user):
            self.user = user
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
    logs: int = 0
    is_touched: bool = False

    def see(self, span: EncodedSpan | EncodedLog) -> None:
        """Let a record bid for the attribute that names the session."""
        own = span.own_session
        if own is not None and (self.source_rank is None or (own.rank, own.source) < (self.source_rank, self.source)):
            self.source_rank, self.source = own.rank, own.source
        self.is_touched = True

    def count(self, span: EncodedSpan) -> None:
        """Add a new span to the sums."""
        row = span.row
        self._extend(row.start_time_unix_nano, row.end_time_unix_nano)
        self.spans += 1
        if row.status_code == 2:
            self.errors += 1

    def count_log(self, time_unix_nano: int) -> None:
        """Add a log record to the sums."""
        self._extend(time_unix_nano, time_unix_nano)
        self.logs += 1

    def _extend(self, start: int, end: int) -> None:
        trace, is_empty = self.trace, not self.spans + self.logs
        if start < self.start or is_empty:
            self.start = start
        if end > self.end or is_empty:
            self.end = end
        if start < trace.start:
            trace.start = start
        if end > trace.end:
            trace.end = end

    def complete(self, span: EncodedSpan, known: Known, before: TraceSession) -> None:
        """Bring the sums up to date for a span that was counted while it was open, by `before`, and has ended."""
        before.spans -= 1
        before.errors -= known.status_code == 2
        before.is_touched = True
        self.count(span)

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
