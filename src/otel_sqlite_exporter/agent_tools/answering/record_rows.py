# SPDX-License-Identifier: Apache-2.0
"""Records as rows of a few columns: what a list shows of each kind. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.agent_tools.answers import make_row, round_ms
from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.query.askable_views import (
    LLM_INTERACTIONS,
    LOGS,
    SCORES,
    SESSIONS,
    SPANS,
    TOOL_INTERACTIONS,
    TRACES,
    AskableView,
)


class RecordKind(NamedTuple):
    """A kind of record: its view, and the columns of its rows, by the name that is shown."""

    view: AskableView[Any]
    columns: Mapping[str, str]
    prefix: str = ""
    """What makes the integer key of a row an id for `get_item`."""

    @property
    def read_columns(self) -> Sequence[str]:
        """The columns of the view that are read: no others, as prompts and attributes may take megabytes a row."""
        return tuple(dict.fromkeys((*self.columns.values(), *self.view.order)))


_TIMES = {"start": "start_time", "ms": "duration_ms", "status": "status"}
_TOTALS = {"llm_calls": "llm_calls", "tokens": "total_tokens", "cost_usd": "cost_usd"}
_FAILED = {name: name for name in ("failed_requests", "failed_calls", "failed_tools")}
_SAID = {"scores": "score_means", "pinned": "pinned", "note": "note"}
_PLACE = {"trace_id": "trace_id", "span_id": "span_id", "session_id": "session_id"}
_ERROR = {"error_type": "error_type", "error_message": "error_message"}

KINDS: Mapping[str, RecordKind] = {
    "sessions": RecordKind(
        SESSIONS,
        {
            "session_id": "session_id",
            "service": "service_name",
            **_TIMES,
            "traces": "traces",
            **_TOTALS,
            **_FAILED,
            "user": "user_id",
            **_SAID,
        },
    ),
    "traces": RecordKind(
        TRACES,
        {
            "trace_id": "trace_id",
            "name": "name",
            "service": "service_name",
            **_TIMES,
            "spans": "spans",
            **_TOTALS,
            "failed_spans": "errors",
            **_FAILED,
            "session_id": "session_id",
            **_SAID,
        },
    ),
    "spans": RecordKind(
        SPANS,
        {
            "span_id": "span_id",
            "trace_id": "trace_id",
            "name": "name",
            "service": "service_name",
            "kind": "kind",
            **_TIMES,
            "error": "status_description",
            "session_id": "session_id",
        },
    ),
    "calls": RecordKind(
        LLM_INTERACTIONS,
        {
            "id": "id",
            "model": "model",
            "operation": "operation",
            "start": "request_timestamp",
            "ms": "duration_ms",
            "status": "status",
            "input_tokens": "input_tokens",
            "output_tokens": "output_tokens",
            "cost_usd": "cost_usd",
            "agent": "agent_name",
            **_ERROR,
            **_PLACE,
        },
        "llm:",
    ),
    "tools": RecordKind(
        TOOL_INTERACTIONS,
        {"id": "id", "tool": "tool_name", **_TIMES, "agent": "agent_name", **_ERROR, **_PLACE},
        "tool:",
    ),
    "logs": RecordKind(
        LOGS,
        {
            "id": "id",
            "time": "start_time",
            "severity": "severity_text",
            "event": "event_name",
            "body": "body",
            "service": "service_name",
            **_PLACE,
        },
        "log:",
    ),
    "scores": RecordKind(
        SCORES,
        {
            "time": "start_time",
            "name": "name",
            "value": "value",
            "label": "label",
            "explanation": "explanation",
            "service": "service_name",
            **_PLACE,
        },
    ),
}


def make_rows(kind: RecordKind, records: Sequence[Any], text_bytes: int) -> list[list[Any]]:
    """Return the row of each record."""
    return [
        make_row((_read(kind, record, column) for column in kind.columns.values()), text_bytes) for record in records
    ]


def _read(kind: RecordKind, record: Any, column: str) -> Any:
    value = getattr(record, column)
    if column in ("error_message", "status_description"):
        return find_reason(value, getattr(record, "error_type", None))
    if column == "id":
        return f"{kind.prefix}{value}"
    return round_ms(value) if column == "duration_ms" else value
