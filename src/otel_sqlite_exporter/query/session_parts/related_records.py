# SPDX-License-Identifier: Apache-2.0
"""Records that are found through others: the start and the finish of one, and what a span of a trace recorded."""

from __future__ import annotations

import sqlite3

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.askable_views import EVENTS, TRACES, AskableView
from otel_sqlite_exporter.query.pages import RowT
from otel_sqlite_exporter.query.reading import find_all, get_events, get_first, resolve_id
from otel_sqlite_exporter.query.summaries import (
    EventSummary,
    LLMInteractionSummary,
    SpanSummary,
    ToolInteractionSummary,
)


def find_related(
    connection: sqlite3.Connection,
    record: EventSummary | SpanSummary | LLMInteractionSummary | ToolInteractionSummary,
) -> tuple[EventSummary, ...]:
    """Return the records that `record` is linked with, the start first.

    Raises:
        FilterError: It is of another class.
    """
    if isinstance(record, SpanSummary):
        found = find_all(connection, EVENTS, trace_id=record.trace_id, span_id=record.span_id, source="span")
    elif isinstance(record, EventSummary):
        found = get_events(connection, [record.related_event_id])
    elif isinstance(record, (LLMInteractionSummary, ToolInteractionSummary)):
        found = get_events(connection, [record.start_id, record.finish_id])
    else:
        raise FilterError(
            "record",
            f"{type(record).__name__} has no start and no finish: give an event, a span, a call or a tool execution",
        )
    return tuple(sorted(found, key=lambda event: event.phase != "start"))


def get_of_trace(connection: sqlite3.Connection, view: AskableView[RowT], trace_prefix: str, span_prefix: str) -> RowT:
    """Return the first row of `view` of one span of a trace.

    Raises:
        NotFoundError: There is no such span, or a prefix is not unique.
    """
    trace_id = resolve_id(connection, TRACES, "trace_id", trace_prefix)
    span_id = resolve_id(connection, view, "span_id", span_prefix, trace_id=trace_id)
    return get_first(connection, view, trace_id=trace_id, span_id=span_id)
