# SPDX-License-Identifier: Apache-2.0
"""What the file knows of the traces, sessions and spans of a batch, in one look-up."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, Naming
from otel_sqlite_exporter.write.span_versions import Known
from otel_sqlite_exporter.write.statements import run_query
from otel_sqlite_exporter.write.trace_rows import Trace, TraceSession


class KnownBatch(NamedTuple):
    """The last key of each table; the keys of resources and scopes by digest and of sessions by name; traces by trace
    id; rows of `_trace_sessions` by trace id and the session that their spans name; spans by trace id and span id."""

    last_ids: dict[str, int]
    resource_ids: dict[str, int]
    scope_ids: dict[str, int]
    session_ids: dict[str, int]
    traces: dict[str, Trace]
    parts: dict[tuple[str, str | None], TraceSession]
    spans: dict[tuple[str, str], Known]


def look_up_batch(
    connection: sqlite3.Connection, spans: Sequence[EncodedSpan], logs: Sequence[EncodedLog]
) -> KnownBatch:
    """Return what the file knows of these records."""
    wanted: dict[str, tuple[list[str], set[str | None]]] = {}
    sessions = set()
    for span in spans:
        ids, own_sessions = wanted.setdefault(span.trace_id, ([], {None}))
        ids.append(span.row.span_id)
        if span.session is not None:  # its own, if it names one
            sessions.add(span.session.name)
            own_sessions.add(span.session.name)
    for log in logs:
        ids, own_sessions = wanted.setdefault(log.trace_id, ([], {None}))
        if log.span_id is not None:
            ids.append(log.span_id)
        names = {naming.name for naming in (log.own_session, log.session) if naming is not None}
        sessions |= names
        own_sessions |= names
    records: list[EncodedSpan | EncodedLog] = [*spans, *logs]
    row = run_query(
        connection,
        "look_up_batch",
        traces=wanted,
        sessions=sessions,
        resources={record.resource.digest for record in records},
        scopes={record.scope.digest for record in records if record.scope},
    ).fetchone()
    last_ids, resources, scopes, sessions_found, traces_found, parts_found, spans_found = map(orjson.loads, row)
    traces: dict[str, Trace] = {}
    for trace_id, id, *columns, has_interactions in traces_found:
        session, user, root, times = columns[:5], columns[5:10], columns[10:13], columns[13:]
        trace = Trace(id, trace_id, _naming(session), _naming(user), tuple(root), *times)
        trace.has_interactions = bool(has_interactions)
        traces[trace_id] = trace
    parts = {
        (trace_id, own): TraceSession(id, traces[trace_id], own, True, shown, *columns)
        for trace_id, own, id, shown, *columns in parts_found
    }
    known_spans = {(trace_id, span_id): Known(*columns) for trace_id, span_id, *columns in spans_found}
    return KnownBatch(last_ids, resources, scopes, dict(sessions_found), traces, parts, known_spans)


def _naming(columns: Sequence[Any]) -> Naming | None:
    return None if columns[0] is None else Naming(*columns)
