# SPDX-License-Identifier: Apache-2.0
"""Writes what the records of a batch refer to: resources, scopes, sessions, traces, and which spans of a trace show
which session."""

from __future__ import annotations

import sqlite3
from typing import Any

from otel_sqlite_exporter.model.rows import ResourceRow, ScopeRow
from otel_sqlite_exporter.write.batch import Batch
from otel_sqlite_exporter.write.statements import Insert, take_new

_TRACE_COLUMNS = (
    "session",
    "session_rank",
    "session_is_child",
    "session_time_unix_nano",
    "session_source",
    "user_rank",
    "user_is_child",
    "user_time_unix_nano",
    "user_id",
    "user_source",
    "root_rank",
    "root_time_unix_nano",
    "root_span_id",
    "start_time_unix_nano",
    "end_time_unix_nano",
)
_PART_COLUMNS = (
    "session",
    "source",
    "source_rank",
    "spans",
    "errors",
    "start_time_unix_nano",
    "end_time_unix_nano",
    "candidate_time_unix_nano",
    "logs",
)

_RESOURCES = Insert("_resources", ("id", *ResourceRow._fields))
_SCOPES = Insert("_scopes", ("id", *ScopeRow._fields))
_SESSIONS = Insert(
    "_sessions",
    ("id", "session_id", "start_time_unix_nano", "end_time_unix_nano"),
    key="id",
    update={
        column: f"{pick}(coalesce({column}, excluded.{column}), coalesce(excluded.{column}, {column}))"
        for column, pick in (("start_time_unix_nano", "min"), ("end_time_unix_nano", "max"))
    },
)
_TRACES = Insert("_traces", ("id", "trace_id", *_TRACE_COLUMNS), key="id", update=take_new(_TRACE_COLUMNS))
_PARTS = Insert(
    "_trace_sessions", ("id", "trace", "own_session", *_PART_COLUMNS), key="id", update=take_new(_PART_COLUMNS)
)


def write_contexts(connection: sqlite3.Connection, batch: Batch) -> list[int]:
    """Write what spans refer to, and return the sessions that some spans no longer show."""
    times: dict[str, tuple[int | None, int | None]] = {}
    lost = []
    traces: list[Any] = []
    for trace in batch.touched_traces():
        name = None
        if trace.session is not None:
            name = trace.session.name
            times.setdefault(name, (None, None))
        session = trace.session or (None,) * 5
        user = trace.user or (None,) * 5
        traces += (trace.id, trace.trace_id, batch.session_id(name), *session[:3], session[4])
        traces += (*user, *trace.root, trace.start, trace.end)
    parts: list[Any] = []
    for part in batch.touched_parts():
        shown = part.shown
        if shown is not None:
            start, end = times.get(shown, (None, None))
            if part.spans or part.logs:
                start = part.start if start is None else min(start, part.start)
                end = part.end if end is None else max(end, part.end)
            times[shown] = (start, end)
        if part.has_moved and part.shown_before is not None:
            lost.append(batch.session_ids[part.shown_before])
        parts += (part.id, part.trace.id, batch.session_id(part.own), batch.session_id(shown), part.source)
        parts += (part.source_rank, part.spans, part.errors, part.start, part.end, part.candidate_time, part.logs)
    _RESOURCES.run(connection, batch.origins.resources)
    _SCOPES.run(connection, batch.origins.scopes)
    _SESSIONS.run(
        connection, [value for name, span in times.items() for value in (batch.session_id(name), name, *span)]
    )
    _TRACES.run(connection, traces)
    _PARTS.run(connection, parts)
    return lost
