# SPDX-License-Identifier: Apache-2.0
"""From encoded spans to the file: one transaction a batch, one statement a table."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from otel_sqlite_exporter.ingest.batch import Batch
from otel_sqlite_exporter.ingest.relink import Change, find_stems, relink_records
from otel_sqlite_exporter.ingest.rows import (
    EncodedSpan,
    EventRow,
    LinkRow,
    LLMInteractionRow,
    QuarantineRow,
    ResourceRow,
    ScopeRow,
    SpanRow,
    ToolInteractionRow,
)
from otel_sqlite_exporter.ingest.statements import Insert, take_new
from otel_sqlite_exporter.ingest.versions import Repeated, find_replacing
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.migrations import split_statements
from otel_sqlite_exporter.version import __version__

_SPAN_COLUMNS = ("id", "trace", "trace_session", "resource", "scope", *SpanRow._fields)
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
)
_RUN_COUNTERS = ("batches", "received", "written", "duplicate", "repaired", "quarantined", "spooled")

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
_SPANS = Insert("_spans", _SPAN_COLUMNS)
_REPLACED_SPANS = Insert("_spans", _SPAN_COLUMNS, key="id", update=take_new(_SPAN_COLUMNS[1:]))
_EVENTS = Insert(
    "_events",
    (
        *("id", "trace_session", "span", "source", "ordinal", "phase", "name", "time_unix_nano", "time_source"),
        *("related_event", "link_method", *EventRow._fields[5:]),
    ),
)
_LINKS = Insert("_links", ("span", "ordinal", *LinkRow._fields))
_LLM_INTERACTIONS = Insert("_llm_interactions", ("span", "trace_session", *LLMInteractionRow._fields))
_TOOL_INTERACTIONS = Insert("_tool_interactions", ("span", "trace_session", *ToolInteractionRow._fields))
_QUARANTINE = Insert("_quarantine", QuarantineRow._fields, key="digest")
_RUNS = Insert(
    "_exporter_runs",
    ("run_id", "host", "pid", "package_version", "start_time_unix_nano", "last_write_unix_nano", *_RUN_COUNTERS),
    key="run_id",
    update={
        "last_write_unix_nano": "excluded.last_write_unix_nano",
        **{column: f"{column} + excluded.{column}" for column in _RUN_COUNTERS},
    },
)


@dataclass(slots=True)
class Run:
    """One exporter in one process, as `_exporter_runs` knows it."""

    run_id: str
    pid: int
    start_time_unix_nano: int

    @classmethod
    def begin(cls) -> Run:
        """Return the run of this process, beginning now."""
        return cls(uuid.uuid4().hex, os.getpid(), time.time_ns())


@dataclass(slots=True)
class Counts:
    """What became of the spans of one batch."""

    received: int = 0
    written: int = 0
    duplicate: int = 0
    repaired: int = 0
    quarantined: int = 0


def write_batch(
    connection: sqlite3.Connection,
    spans: Sequence[EncodedSpan],
    quarantine: Sequence[QuarantineRow],
    run: Run,
    *,
    pairing_window_ns: int,
) -> Counts:
    """Write a batch in one transaction and return what became of it. When this returns, the batch is in the file; when
    it raises, nothing of it is, and the connection is in no transaction.

    Raises:
        sqlite3.Error: What SQLite said.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        counts = _write_spans(connection, spans, pairing_window_ns)
        counts.received = len(spans) + len(quarantine)
        counts.quarantined = len(quarantine)
        if quarantine:
            _QUARANTINE.run(connection, [value for row in quarantine for value in row])
        _write_run(connection, run, counts)
        connection.execute("COMMIT")
    except BaseException:
        # A full disk and some I/O errors have rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return counts


def _write_spans(connection: sqlite3.Connection, spans: Sequence[EncodedSpan], window_ns: int) -> Counts:
    if not spans:
        return Counts()
    batch = Batch(connection, spans)
    replacing = find_replacing(connection, batch.repeated) if batch.repeated else []
    changes = _forget_replaced(connection, replacing)
    for repeated in replacing:
        batch.replace(repeated)
    lost = _write_contexts(connection, batch)
    _SPANS.run(connection, batch.spans)
    if batch.spans:
        keys = {"first_event": batch.first_event, "first_span": batch.first_span, "last_span": batch.last_span}
        connection.execute(read_query("insert_span_records"), keys)
    _REPLACED_SPANS.run(connection, batch.replaced_spans)
    _EVENTS.run(connection, batch.events)
    _LINKS.run(connection, batch.links)
    _LLM_INTERACTIONS.run(connection, batch.llm_interactions)
    _TOOL_INTERACTIONS.run(connection, batch.tool_interactions)
    recounted: list[int] = []
    if replacing:
        recounted += {repeated.trace_session for repeated in replacing} | {part.id for part in batch.touched_parts()}
        _run_script(connection, "update_span_records", ids=[repeated.id for repeated in replacing])
        _run_script(connection, "recount_replaced", trace_sessions=recounted)
        batch.traces_with_calls.update(trace.id for trace in batch.touched_traces())
    if batch.traces_with_calls:
        _run_script(connection, "mark_repeated_usage", traces=list(batch.traces_with_calls))
    if lost or recounted:
        _run_script(connection, "update_session_times", ids=lost, trace_sessions=recounted)
    relink_records(connection, [*changes, *_find_changes(connection, batch)], window_ns)
    new = batch.last_span - batch.first_span + 1
    return Counts(written=new, duplicate=len(spans) - new, repaired=sum(span.repaired for span in spans))


def _write_contexts(connection: sqlite3.Connection, batch: Batch) -> list[int]:
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
            if part.spans:
                start = part.start if start is None else min(start, part.start)
                end = part.end if end is None else max(end, part.end)
            times[shown] = (start, end)
        if part.has_moved and part.shown_before is not None:
            lost.append(batch.session_ids[part.shown_before])
        parts += (part.id, part.trace.id, batch.session_id(part.own), batch.session_id(shown), part.source)
        parts += (part.source_rank, part.spans, part.errors, part.start, part.end, part.candidate_time)
    _RESOURCES.run(connection, batch.resources)
    _SCOPES.run(connection, batch.scopes)
    _SESSIONS.run(
        connection, [value for name, span in times.items() for value in (batch.session_id(name), name, *span)]
    )
    _TRACES.run(connection, traces)
    _PARTS.run(connection, parts)
    return lost


def _forget_replaced(connection: sqlite3.Connection, replacing: Sequence[Repeated]) -> list[Change]:
    """Remove what hangs on the spans that are replaced, and return what the going of their records changes."""
    if not replacing:
        return []
    changes = find_stems(connection, {repeated.trace_session for repeated in replacing})
    _run_script(connection, "forget_span_details", ids=[repeated.id for repeated in replacing])
    return changes


def _find_changes(connection: sqlite3.Connection, batch: Batch) -> list[Change]:
    """Return which records that may pair by time came with the batch, or moved to another session by it."""
    traces = {part.id: part.trace.id for part in batch.touched_parts()}
    changes = [Change(traces[part], None, stem, time_ns) for (part, stem), time_ns in batch.candidates.items()]
    for part in batch.moved_parts():
        if part.candidate_time is not None:
            left = batch.session_id(part.shown_before)
            for change in find_stems(connection, [part.id]):
                changes += (change, change._replace(trace=None, session=left))
    return changes


def _write_run(connection: sqlite3.Connection, run: Run, counts: Counts) -> None:
    written = (1, counts.received, counts.written, counts.duplicate, counts.repaired, counts.quarantined, 0)
    identity = [run.run_id, socket.gethostname(), run.pid, __version__, run.start_time_unix_nano, time.time_ns()]
    _RUNS.run(connection, [*identity, *written])


def _run_script(connection: sqlite3.Connection, name: str, **parameters: list[int]) -> None:
    values = {key: orjson.dumps(value).decode() for key, value in parameters.items()}
    for statement in split_statements(read_query(name)):
        connection.execute(statement, values)
