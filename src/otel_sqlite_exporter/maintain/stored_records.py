# SPDX-License-Identifier: Apache-2.0
"""Records as the file holds them, for deriving anew what is derived from them: stand-ins that encoding reads as it
reads what is recorded, and what the file has derived so far."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.encode.logs import LogFields
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.rows import LogRow, SpanRow
from otel_sqlite_exporter.model.values import decode_attributes, decode_value
from otel_sqlite_exporter.otlp.otlp_decoder import (
    Kind,
    OTLPContext,
    OTLPEvent,
    OTLPLink,
    OTLPResource,
    OTLPScope,
    OTLPSpan,
    OTLPStatus,
    OTLPTraceState,
    StatusCode,
)
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.statements import read_rows


class Shown(NamedTuple):
    """What a trace shows, and by which attribute of which rank in the list of sources."""

    trace: int
    session_rank: int | None
    session_source: str | None
    user_rank: int | None
    user_source: str | None


class StoredSpan(NamedTuple):
    """A span in the file. `own_session` is what it names as its session: its name, source and rank. The last four are
    JSON values in the order of queries/read_stored_spans.sql."""

    id: int
    span: OTLPSpan
    row: SpanRow
    shown: Shown
    own_session: tuple[str | None, str | None, int | None]
    events: Sequence[Sequence[Any]]
    llm_interactions: Sequence[Sequence[Any]]
    tool_interactions: Sequence[Sequence[Any]]
    tool_results: Sequence[Sequence[Any]]
    messages: Sequence[Sequence[Any]]


class StoredLog(NamedTuple):
    """A log record in the file; `trace_session` is the row that it belongs to, the last four are as of `StoredSpan`.
    `tool_results` are all that log records of its span tell of its time, None where its span is not in the file."""

    id: int
    fields: LogFields
    row: LogRow
    trace_session: int
    shown: Shown
    own_session: str | None
    event: int | None
    phase: str | None
    llm_interactions: Sequence[Sequence[Any]]
    tool_interactions: Sequence[Sequence[Any]]
    tool_results: Sequence[Sequence[Any]] | None
    messages: Sequence[str | None] | None


class Origins:
    """The resources and scopes of a file, each as one stand-in, so that encoding knows them by identity."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[int, int | None], tuple[OTLPResource, OTLPScope | None]] = {}

    def find(self, resource: int, scope: int | None) -> tuple[OTLPResource, OTLPScope | None]:
        """Return the stand-ins of these rows of `_resources` and `_scopes`."""
        key = (resource, scope)
        if key not in self._known:
            row = self._connection.execute(read_query("get_origin"), {"resource": resource, "scope": scope}).fetchone()
            schema_url, types, text = orjson.loads(row[0])
            stand_in = OTLPResource(decode_attributes(text, types), schema_url)
            remember(self._known, key, (stand_in, None if row[1] is None else _scope(*orjson.loads(row[1]))))
        return self._known[key]


def _scope(name: str, version: str | None, schema_url: str, types: str | None, text: str) -> OTLPScope:
    return OTLPScope(name, version, schema_url, decode_attributes(text, types))


def read_spans(connection: sqlite3.Connection, ids: Collection[int], origins: Origins) -> Iterator[StoredSpan]:
    """Yield these rows of `_spans`, in the order of their ids."""
    for row in read_rows(connection, "read_stored_spans", ids=ids):
        columns = SpanRow._make(row[name] for name in SpanRow._fields)
        resource, scope = origins.find(row["resource"], row["scope"])
        events, links, *interactions = (
            orjson.loads(row[name])
            for name in ("events", "links", "llm_interactions", "tool_interactions", "tool_results", "messages")
        )
        parent = None
        if columns.parent_span_id is not None:
            parent = _context(row["trace_id"], columns.parent_span_id, columns.parent_is_remote, 0, None)
        span = OTLPSpan(
            name=columns.name,
            context=_context(row["trace_id"], columns.span_id, 0, columns.trace_flags, columns.trace_state),
            parent=parent,
            kind=Kind(columns.kind),
            start_time=columns.start_time_unix_nano,
            end_time=columns.end_time_unix_nano,
            status=OTLPStatus(StatusCode(columns.status_code), columns.status_description),
            attributes=decode_attributes(columns.attributes, columns.attribute_types),
            events=[
                OTLPEvent(name, time if source is None else None, decode_attributes(text, types), dropped)
                for name, time, source, dropped, types, text, *_ in events
            ],
            links=[
                OTLPLink(_context(trace_id, span_id, is_remote, flags, state), decode_attributes(text, types), dropped)
                for trace_id, span_id, is_remote, flags, state, dropped, types, text in links
            ],
            resource=resource,
            instrumentation_scope=scope,
            dropped_attributes=columns.dropped_attributes,
            dropped_events=columns.dropped_events,
            dropped_links=columns.dropped_links,
        )
        own = (row["own_session"], row["own_source"], row["own_rank"])
        yield StoredSpan(row["id"], span, columns, _shown(row), own, events, *interactions)


def read_logs(connection: sqlite3.Connection, ids: Collection[int], origins: Origins) -> Iterator[StoredLog]:
    """Yield these rows of `_logs`, in the order of their ids."""
    for row in read_rows(connection, "read_stored_logs", ids=ids):
        named = row["own_session"]
        columns = LogRow._make(
            int(named is not None) if name == "names_session" else row[name] for name in LogRow._fields
        )
        resource, scope = origins.find(row["resource"], row["scope"])
        fields = LogFields(
            timestamp=columns.time_unix_nano if columns.time_source is None else None,
            observed_timestamp=columns.observed_time_unix_nano,
            trace_id=int(row["trace_id"] or "0", 16),
            span_id=int(row["span_id"] or "0", 16),
            trace_flags=columns.trace_flags,
            severity_text=columns.severity_text,
            severity_number=columns.severity_number,
            event_name=columns.event_name,
            body=None if columns.body is None else decode_value(columns.body, columns.body_type),
            attributes=decode_attributes(columns.attributes, columns.attribute_types),
            dropped_attributes=columns.dropped_attributes,
            resource=resource,
            scope=scope,
        )
        results, messages = row["tool_results"], row["messages"]
        yield StoredLog(
            row["id"],
            fields,
            columns,
            row["trace_session"],
            _shown(row),
            named,
            row["event"],
            row["phase"],
            orjson.loads(row["llm_interactions"]),
            orjson.loads(row["tool_interactions"]),
            None if results is None else orjson.loads(results),
            None if messages is None else orjson.loads(messages),
        )


def _shown(row: Mapping[str, Any]) -> Shown:
    return Shown._make(row[name] for name in Shown._fields)


def _context(trace_id: str, span_id: str, is_remote: int | None, flags: int, state: str | None) -> OTLPContext:
    trace_state = None if state is None else OTLPTraceState(state)
    return OTLPContext(int(trace_id, 16), int(span_id, 16), bool(is_remote), flags, trace_state)
