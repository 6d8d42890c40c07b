# SPDX-License-Identifier: Apache-2.0
"""What can be asked of each view: by which columns, and in which order it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, NamedTuple

from otel_sqlite_exporter.query import summaries
from otel_sqlite_exporter.query.filters import STATUSES
from otel_sqlite_exporter.query.pages import RecordT

CALL_TEXTS = ("model", "provider", "agent_name")


class Kind(NamedTuple, Generic[RecordT]):
    """What can be asked of a view.

    Attributes:
        record: The rows.
        order: Integer columns that order them, the last one the key of the row. An index has them in this order: that
            of a time ends with the key. (With text ids in its place SQLite sorted a million spans for one page, as soon
            as it had statistics: 2 s.)
        since, until: The columns that these compare.
        texts: Columns that can be asked for by value, with the values there are (none: any text).
        minima: Columns that can be asked for by `min_COLUMN`.
        calls_by: The column that a record has in common with the calls of models in it, where it can be asked for by
            theirs: `CALL_TEXTS`, by value; one call in it has it.
    """

    record: type[RecordT]
    order: tuple[str, ...]
    since: str
    until: str
    texts: Mapping[str, tuple[str, ...]]
    minima: tuple[str, ...]
    calls_by: str = ""

    @property
    def call_texts(self) -> tuple[str, ...]:
        """Columns of calls that a record can be asked for by."""
        return CALL_TEXTS if self.calls_by else ()


_START = "start_time_unix_nano"


def _texts(*names: str, **choices: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    return dict.fromkeys(names, ()) | choices


SESSIONS = Kind(
    summaries.SessionSummary,
    ("end_time_unix_nano", "id"),
    "end_time_unix_nano",
    _START,
    _texts("session_id", "user_id", "service_name"),
    ("duration_ms", "total_tokens", "cost_usd"),
    "session_id",
)
TRACES = Kind(
    summaries.TraceSummary,
    (_START, "id"),
    _START,
    _START,
    _texts("session_id", "trace_id", "user_id", "service_name", "name", status=STATUSES),
    ("duration_ms", "total_tokens", "cost_usd"),
    "trace_id",
)
SPANS = Kind(
    summaries.SpanSummary,
    (_START, "id"),
    _START,
    _START,
    _texts(
        *("session_id", "trace_id", "span_id", "parent_span_id", "service_name", "name", "scope_name"),
        kind=("INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"),
        status=STATUSES,
    ),
    ("duration_ms",),
)
# Of four records a span there is no index by time: it would cost each write more than reading them as written does.
EVENTS = Kind(
    summaries.EventSummary,
    ("id",),
    _START,
    _START,
    _texts(
        *("session_id", "trace_id", "span_id", "service_name", "name"),
        source=("span", "event", "log"),
        phase=("start", "finish"),
        link_method=("span", "temporal"),
    ),
    ("duration_ms",),
)
LOGS = Kind(
    summaries.LogSummary,
    (_START, "id"),
    _START,
    _START,
    _texts("session_id", "trace_id", "span_id", "service_name", "event_name", "severity_text"),
    ("severity_number",),
)
LLM_INTERACTIONS = Kind(
    summaries.LLMInteractionSummary,
    (_START, "id"),
    _START,
    _START,
    _texts(
        *("session_id", "trace_id", "span_id", "user_id", "agent_name", "service_name", "name", "operation"),
        *("provider", "model", "error_type"),
        status=STATUSES,
    ),
    ("duration_ms", "total_tokens", "cost_usd"),
)
TOOL_INTERACTIONS = Kind(
    summaries.ToolInteractionSummary,
    (_START, "id"),
    _START,
    _START,
    _texts(
        *("session_id", "trace_id", "span_id", "user_id", "agent_name", "service_name", "name", "tool_name"),
        *("tool_call_id", "error_type"),
        status=STATUSES,
    ),
    ("duration_ms",),
)
KINDS: tuple[Kind[Any], ...] = (SESSIONS, TRACES, SPANS, EVENTS, LOGS, LLM_INTERACTIONS, TOOL_INTERACTIONS)
