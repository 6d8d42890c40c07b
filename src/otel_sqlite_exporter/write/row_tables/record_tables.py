# SPDX-License-Identifier: Apache-2.0
"""The statements that write spans, events, links and log records."""

from __future__ import annotations

from otel_sqlite_exporter.model.rows import EventRow, LinkRow, LogRow, MessagesRow, SpanRow
from otel_sqlite_exporter.write.statements import Insert, take_new

_SPAN_COLUMNS = ("id", "finish_record", "trace", "trace_session", "resource", "scope", *SpanRow._fields, "texts")
SPANS = Insert("_spans", _SPAN_COLUMNS)
REPLACED_SPANS = Insert("_spans", _SPAN_COLUMNS, key="id", update=take_new(_SPAN_COLUMNS[1:]))
SPAN_EVENTS = Insert(
    "_events",
    (
        *("id", "trace_session", "span", "source", "ordinal", "phase", "name", "time_unix_nano", "time_source"),
        *("related_event", "link_method", *EventRow._fields[5:]),
    ),
)
LINKS = Insert("_links", ("span", "ordinal", *LinkRow._fields))
LOGS = Insert("_logs", ("id", "trace_session", "trace", "span_id", "resource", "scope", *LogRow._fields))
LOG_EVENTS = Insert(
    "_events", ("id", "trace_session", "source", "phase", "name", "time_unix_nano", "time_source", "stem", "log")
)
MESSAGES = Insert("_messages", ("event", *MessagesRow._fields))
