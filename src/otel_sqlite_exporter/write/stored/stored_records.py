# SPDX-License-Identifier: Apache-2.0
"""Records in the file as encoding reads them, to derive again what the file derives from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.event_names import restore_recorded
from otel_sqlite_exporter.model.rows import EventRow, LinkRow, LogRow, SpanRow
from otel_sqlite_exporter.model.signals import (
    ContextFields,
    EventFields,
    LinkFields,
    LogFields,
    ResourceFields,
    ScopeFields,
    SpanFields,
    SpanKind,
    StatusCode,
    StatusFields,
    TraceStateFields,
)
from otel_sqlite_exporter.model.values import decode_attributes, decode_value
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.statements import read_rows
from otel_sqlite_exporter.write.stored_spans import ShownNaming, StoredSpan, make_call_row


class StoredLog(NamedTuple):
    """A log record in the file, with the row of `_trace_sessions` that it belongs to. Interactions are JSON values as
    in queries/write/read_stored_logs.sql. `tool_results` are those of all log records of its span at its time (None:
    the file does not have the span)."""

    id: int
    fields: LogFields
    row: LogRow
    trace_session: int
    shown: ShownNaming
    own_session: str | None
    phase: str | None
    llm_interactions: Sequence[Sequence[Any]]
    tool_interactions: Sequence[Sequence[Any]]
    tool_results: Sequence[Sequence[Any]] | None
    messages: Sequence[str | None] | None


class StoredResources:
    """The resources and scopes of a file, one object for each, as encoding caches them by identity."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._found: dict[tuple[int, int | None], tuple[ResourceFields, ScopeFields | None]] = {}

    def find(self, resource: int, scope: int | None) -> tuple[ResourceFields, ScopeFields | None]:
        """Return a resource and a scope by their keys."""
        key = (resource, scope)
        if key not in self._found:
            row = self._connection.execute(read_query("get_origin"), {"resource": resource, "scope": scope}).fetchone()
            schema_url, types, text = orjson.loads(row[0])
            found = ResourceFields(decode_attributes(text, types), schema_url)
            remember(self._found, key, (found, None if row[1] is None else _scope(*orjson.loads(row[1]))))
        return self._found[key]


def _scope(name: str, version: str | None, schema_url: str, types: str | None, text: str) -> ScopeFields:
    return ScopeFields(name, version, schema_url, decode_attributes(text, types))


def decode_span(stored: StoredSpan, resources: StoredResources) -> SpanFields:
    """Return a span of the file as encoding reads it."""
    origin = resources.find(stored.resource, stored.scope)
    return decode_span_rows(stored.trace_id, stored.row, stored.events, stored.links, *origin)


def decode_span_rows(
    trace_id: str,
    row: SpanRow,
    events: Sequence[EventRow],
    links: Sequence[LinkRow],
    resource: ResourceFields,
    scope: ScopeFields | None,
) -> SpanFields:
    """Return the span of these rows as encoding reads it."""
    parent = None
    if row.parent_span_id is not None:
        parent = _context(trace_id, row.parent_span_id, row.parent_is_remote, 0, None)
    return SpanFields(
        name=row.name,
        context=_context(trace_id, row.span_id, 0, row.trace_flags, row.trace_state),
        parent=parent,
        kind=SpanKind(row.kind),
        start_time=row.start_time_unix_nano,
        end_time=row.end_time_unix_nano,
        status=StatusFields(StatusCode(row.status_code), row.status_description),
        attributes=decode_attributes(row.attributes, row.attribute_types),
        events=[
            EventFields(
                restore_recorded(event.name, event.recorded_name),
                event.time_unix_nano if event.time_source is None else None,
                decode_attributes(event.attributes, event.attribute_types),
                event.dropped_attributes,
            )
            for event in events
        ],
        links=[
            LinkFields(
                _context(link.linked_trace_id, link.linked_span_id, link.is_remote, link.trace_flags, link.trace_state),
                decode_attributes(link.attributes, link.attribute_types),
                link.dropped_attributes,
            )
            for link in links
        ],
        resource=resource,
        instrumentation_scope=scope,
        dropped_attributes=row.dropped_attributes,
        dropped_events=row.dropped_events,
        dropped_links=row.dropped_links,
    )


def decode_log_row(
    trace_id: str, span_id: str | None, row: LogRow, resource: ResourceFields, scope: ScopeFields | None
) -> LogFields:
    """Return the log record of a row as encoding reads it."""
    return LogFields(
        timestamp=row.time_unix_nano if row.time_source is None else None,
        observed_timestamp=row.observed_time_unix_nano,
        trace_id=int(trace_id or "0", 16),
        span_id=int(span_id or "0", 16),
        trace_flags=row.trace_flags,
        severity_text=row.severity_text,
        severity_number=row.severity_number,
        event_name=restore_recorded(row.event_name, row.recorded_name),
        body=None if row.body is None else decode_value(row.body, row.body_type),
        attributes=decode_attributes(row.attributes, row.attribute_types),
        dropped_attributes=row.dropped_attributes,
        resource=resource,
        scope=scope,
    )


def read_logs(connection: sqlite3.Connection, ids: Collection[int], resources: StoredResources) -> Iterator[StoredLog]:
    """Yield these rows of `_logs`, in the order of their ids."""
    for row in read_rows(connection, "read_stored_logs", ids=ids):
        columns = LogRow._make(row[name] for name in LogRow._fields)
        resource, scope = resources.find(row["resource"], row["scope"])
        fields = decode_log_row(row["trace_id"], row["span_id"], columns, resource, scope)
        results, messages = row["tool_results"], row["messages"]
        yield StoredLog(
            row["id"],
            fields,
            columns,
            row["trace_session"],
            ShownNaming._make(row[name] for name in ShownNaming._fields),
            row["own_session"],
            row["phase"],
            [(event, *make_call_row(*columns)) for event, *columns in orjson.loads(row["llm_interactions"])],
            orjson.loads(row["tool_interactions"]),
            None if results is None else orjson.loads(results),
            None if messages is None else orjson.loads(messages),
        )


def _context(trace_id: str, span_id: str, is_remote: int | None, flags: int, state: str | None) -> ContextFields:
    trace_state = None if state is None else TraceStateFields(state)
    return ContextFields(int(trace_id, 16), int(span_id, 16), bool(is_remote), flags, trace_state)
