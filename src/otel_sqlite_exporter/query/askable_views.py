# SPDX-License-Identifier: Apache-2.0
"""The views that can be asked for a list: their rows, their filters, and the order of the list.

The keys of a filter are all that a view can be asked by: each is a column of the view and takes one text or several,
but for `since` and `until`, `attributes`, `min_COLUMN`, the columns of model calls on sessions and traces, and
`filter`, a text in the filter language: see docs/filters.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, TypedDict

from otel_sqlite_exporter.query.pages import RowT
from otel_sqlite_exporter.query.scored.score_rows import ScoreSummary
from otel_sqlite_exporter.query.summaries import (
    EventSummary,
    LLMInteractionSummary,
    LogSummary,
    SessionSummary,
    SpanSummary,
    ToolInteractionSummary,
    TraceSummary,
)

Time = str | int | datetime | timedelta
"""A moment: nanoseconds since 1970, a datetime (UTC if it has no time zone), ISO 8601 text, or the time that has passed
since: a timedelta, or text such as `90s`, `15m`, `6h`, `2d`, `1w`; or the start of `today`, `yesterday`, this `week`
(its Monday) or this `month`."""
Texts = str | Sequence[str]
"""A text, or several: one of them must match."""
Scalar = str | int | float | bool
Wanted = Scalar | tuple[str, Scalar]
"""A value that an attribute must equal, `(operator, value)`, or `("exists", True or False)`."""
Attributes = Mapping[str, Wanted] | Sequence[tuple[str, Wanted]]
"""Conditions by attribute key; pairs allow several conditions on one key."""

START, _END = "start_time_unix_nano", "end_time_unix_nano"
CHOICES: Mapping[str, tuple[str, ...]] = {
    "status": ("ok", "error", "running", "interrupted"),
    "kind": ("INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"),
    "source": ("span", "event", "log"),
    "phase": ("start", "finish"),
    "link_method": ("span", "temporal", "repeat"),
}
"""The values of the columns that have a fixed set of them."""
ALSO: Mapping[str, str] = {"model": "request_model"}
"""A column of calls in which the text of a filter may be too: a call is found by the model that answered, and by the
one that was asked."""

SORTS: Mapping[str, str] = {"start": START, "duration": "duration_ms", "tokens": "total_tokens", "cost": "cost_usd"}
"""The columns by which a list can be sorted. Only the start has an index."""


_TITLES = {"complete_llm_interactions": "calls", "complete_tool_interactions": "tools"}


class _ListFilter(TypedDict, total=False):
    since: Time
    until: Time
    session_id: Texts
    service_name: Texts
    attributes: Attributes
    filter: str


class SessionFilter(_ListFilter, total=False):
    """Sessions with a record at or after `since` and one before `until`. `model`, `provider` and `agent_name` each
    match a session in which at least one model call has that value."""

    user_id: Texts
    model: Texts
    provider: Texts
    agent_name: Texts
    status: Texts
    pinned: bool
    min_duration_ms: float
    min_total_tokens: int
    min_cost_usd: float


class TraceFilter(SessionFilter, total=False):
    """Traces that started at or after `since` and before `until`. `model`, `provider` and `agent_name` each match a
    trace in which at least one model call has that value."""

    trace_id: Texts
    name: Texts


class SpanFilter(_ListFilter, total=False):
    """Spans that started at or after `since` and before `until`."""

    conversation_id: Texts
    trace_id: Texts
    span_id: Texts
    parent_span_id: Texts
    name: Texts
    kind: Texts
    user_id: Texts
    status: Texts
    scope_name: Texts
    min_duration_ms: float


class EventFilter(_ListFilter, total=False):
    """Records of spans, their events and log events, at or after `since` and before `until`."""

    trace_id: Texts
    span_id: Texts
    name: Texts
    source: Texts
    phase: Texts
    link_method: Texts
    min_duration_ms: float


class LogFilter(_ListFilter, total=False):
    """Log records at or after `since` and before `until`."""

    trace_id: Texts
    span_id: Texts
    event_name: Texts
    severity_text: Texts
    min_severity_number: int


class ScoreFilter(_ListFilter, total=False):
    """Scores given at or after `since` and before `until`."""

    trace_id: Texts
    span_id: Texts
    name: Texts
    label: Texts
    response_id: Texts
    min_value: float


class _InteractionFilter(_ListFilter, total=False):
    conversation_id: Texts
    trace_id: Texts
    span_id: Texts
    user_id: Texts
    agent_name: Texts
    name: Texts
    status: Texts
    error_type: Texts
    min_duration_ms: float
    counted: bool | None


class LLMInteractionFilter(_InteractionFilter, total=False):
    """Model calls that started at or after `since` and before `until`. `model` matches the model that answered or the
    one that was asked. `counted`: True for calls whose usage is their own, False for rows that repeat it, None for
    all."""

    operation: Texts
    provider: Texts
    model: Texts
    min_total_tokens: int
    min_cost_usd: float


class ToolInteractionFilter(_InteractionFilter, total=False):
    """Tool executions that started at or after `since` and before `until`. `counted`: True for tools that ran, False
    for requests that nothing ran, None for all."""

    tool_name: Texts
    tool_call_id: Texts


class SearchFilter(LLMInteractionFilter, ToolInteractionFilter, total=False):
    """Model calls and tool executions that started at or after `since` and before `until`. A filter that only one of
    the two has leaves out the other."""


class ReportFilter(TypedDict, total=False):
    """What a report is about. `model` is the model that was asked for, or the one that answered. What the records of a
    report do not have, a call of the same trace (of sessions: of the same session) must have."""

    session_id: Texts
    user_id: Texts
    model: Texts
    service_name: Texts
    agent_name: Texts
    status: Texts


class AskableView(NamedTuple, Generic[RowT]):
    """A view that can be asked for a list.

    Attributes:
        row_type: The class of its rows.
        filter_type: The class that declares its filters.
        order: The integer columns that order it; the last is the key of the row. An index must hold them in this order.
            (With text ids as the last column, SQLite sorted a million spans for one page once it had statistics: 2 s.)
        since: The column that `since` is compared with. `until` is compared with the start.
        calls_key: The column that joins a row to its model calls and tool executions, so that it can be filtered by
            their columns.
        status_ids: For a status, a query for the ids that rows with it are among, so that these are not searched in all
            rows: the status of a row takes long to find.
        pinned_ids: A query for the ids of rows that are pinned.
    """

    row_type: type[RowT]
    filter_type: type
    order: tuple[str, ...] = (START, "id")
    since: str = START
    calls_key: str = ""
    status_ids: Mapping[str, str] = {}
    pinned_ids: str = ""

    @property
    def name(self) -> str:
        """The name of the view."""
        return self.row_type.VIEW

    @property
    def title(self) -> str:
        """What its rows are called in messages and documents."""
        return _TITLES.get(self.name, self.name)

    @property
    def is_ordered_by_end(self) -> bool:
        """Whether its list is ordered by an end, which a row that runs changes."""
        return _END in self.order

    @property
    def arguments(self) -> Sequence[str]:
        """The names of its filters."""
        return tuple(self.filter_type.__annotations__)


_OPEN = "SELECT p.{} FROM _open_spans AS o JOIN _trace_sessions AS p ON p.id = o.trace_session"
_INTERRUPTED = f"{_OPEN} UNION ALL SELECT p.{{}} FROM _trace_sessions AS p WHERE p.interrupted > 0"
_FAILED = (
    "SELECT p.{} FROM _trace_sessions AS f JOIN _traces AS t ON t.id = f.trace "
    "JOIN _trace_sessions AS p ON p.trace = t.id WHERE f.failed_entries > 0 "
    "OR t.root_span_id = '' OR (t.root_rank = 2 AND f.errors > 0)"
)
_OPEN_RECORDS = "SELECT i.id FROM _open_spans AS o JOIN {0} AS i ON i.span = o.span"
_STARTED_RECORDS = "SELECT i.id FROM {0} AS i JOIN _events AS e ON e.id = i.event WHERE e.phase = 'start'"
_INTERRUPTED_RECORDS = (
    "SELECT i.id FROM _trace_sessions AS p CROSS JOIN _spans AS s ON s.trace_session = p.id "
    "CROSS JOIN {0} AS i ON i.span = s.id WHERE p.interrupted > 0"
)


def _of_groups(key: str) -> Mapping[str, str]:
    queries = {"running": _OPEN, "interrupted": _INTERRUPTED, "error": _FAILED}
    return {status: query.format(key, key) for status, query in queries.items()}


def _of_records(table: str) -> Mapping[str, str]:
    running = f"{_OPEN_RECORDS} UNION ALL {_STARTED_RECORDS}"
    interrupted = f"{_OPEN_RECORDS} UNION ALL {_INTERRUPTED_RECORDS}"
    return {"running": running.format(table), "interrupted": interrupted.format(table)}


# Few are pinned, and a mark of a trace has no session.
_PINNED = (
    "SELECT x.id FROM _marks AS m CROSS JOIN {0} AS x ON x.{1} = m.{1} "
    "WHERE m.kind = 0 AND m.is_set = 1 AND m.{1} <> ''"
)
SESSIONS = AskableView(
    SessionSummary,
    SessionFilter,
    (_END, "id"),
    since=_END,
    calls_key="session_id",
    status_ids=_of_groups("session"),
    pinned_ids=_PINNED.format("_sessions", "session_id"),
)
TRACES = AskableView(
    TraceSummary,
    TraceFilter,
    calls_key="trace_id",
    status_ids=_of_groups("trace"),
    pinned_ids=_PINNED.format("_traces", "trace_id"),
)
SPANS = AskableView(SpanSummary, SpanFilter, status_ids={"running": "SELECT o.span FROM _open_spans AS o"})
# There are four records per span: an index by time would slow every write more than reading in written order costs.
EVENTS = AskableView(EventSummary, EventFilter, ("id",))
LOGS = AskableView(LogSummary, LogFilter)
SCORES = AskableView(ScoreSummary, ScoreFilter)
LLM_INTERACTIONS = AskableView(LLMInteractionSummary, LLMInteractionFilter, status_ids=_of_records("_llm_interactions"))
TOOL_INTERACTIONS = AskableView(
    ToolInteractionSummary, ToolInteractionFilter, status_ids=_of_records("_tool_interactions")
)
ASKABLE_VIEWS: Sequence[AskableView[Any]] = (
    *(SESSIONS, TRACES, SPANS, EVENTS, LOGS, LLM_INTERACTIONS, TOOL_INTERACTIONS, SCORES),
)
