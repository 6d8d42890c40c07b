# SPDX-License-Identifier: Apache-2.0
"""Exports spans, log records and data points as lines of OTLP JSON, page by page, so that memory stays bounded."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from otel_sqlite_exporter.otlp.otlp_encoder import Row, encode_logs, encode_traces
from otel_sqlite_exporter.otlp.redacted_rows import RowRedactor
from otel_sqlite_exporter.query.askable_views import LOGS, SESSIONS, SPANS, TRACES, AskableView, Time
from otel_sqlite_exporter.query.exports.exported_marks import read_marks
from otel_sqlite_exporter.query.exports.exported_pieces import (
    PAGE,
    RUNNING,
    ExportedPiece,
    make_row_redactor,
    read_details,
    read_span_ids,
    read_spans,
)
from otel_sqlite_exporter.query.exports.exported_points import read_metric_points
from otel_sqlite_exporter.query.filter_values import parse_time
from otel_sqlite_exporter.query.metric_series.metric_sessions import resolve_session
from otel_sqlite_exporter.query.reading import TelemetryFile, fetch, resolve_id
from otel_sqlite_exporter.query.sql_builder import build_page, encode_cursor
from otel_sqlite_exporter.settings import Settings


def read_export(
    file: TelemetryFile,
    *,
    session_id: str | None = None,
    trace_id: str | None = None,
    since: Time | None = None,
    until: Time | None = None,
    signal: str | None = None,
    settings: Settings | None = None,
    redactor: RowRedactor | None = None,
) -> Iterator[ExportedPiece]:
    """Yield the spans and the log records that meet all conditions, the oldest first; then the pins and notes of the
    session and its traces, of the trace, or of all; then the data points of metrics, as `read_metric_points` does.

    Each line is read in a transaction of its own. Records written meanwhile may be in later lines.

    Args:
        session_id, trace_id: An id or a unique prefix of one.
        since, until: The time range of the start, or of the time of a data point: from `since` until before `until`.
        signal: `traces`, `logs` (with pins and notes), `metrics`, or None for all.
        settings: How the records are redacted, as an exporter with these settings would; None: not at all.
        redactor: What redacts them in place of `settings`.

    Raises:
        FilterError: A time is invalid, or an id is empty.
        NotFoundError: There is no such trace or session, or the prefix is not unique.
        FileRefusedError: The file is missing, damaged, of another program, or too old.
        sqlite3.Error, OSError: The file cannot be read.
    """
    if session_id is not None and signal in (None, "metrics"):
        session_id = resolve_session(file, session_id)
    elif session_id is not None:
        session_id = file.read(resolve_id, SESSIONS, "session_id", session_id)
    filters: dict[str, Any] = {
        "session_id": session_id,
        "trace_id": None if trace_id is None else file.read(resolve_id, TRACES, "trace_id", trace_id),
        "since": None if since is None else parse_time("since", since),
        "until": None if until is None else parse_time("until", until),
    }
    redactor = redactor or make_row_redactor(settings)
    if signal in (None, "traces"):
        encode = partial(_encode_spans, redactor)
        is_part = session_id is not None or trace_id is not None
        yield from _read_listed(file, filters, encode) if is_part else _read_pages(file, SPANS, filters, encode)
    if signal in (None, "logs"):
        yield from _read_pages(file, LOGS, filters, partial(_encode_logs, redactor))
        yield from read_marks(file, filters, redactor)
    if signal in (None, "metrics"):
        yield from read_metric_points(file, filters, redactor)


_Encode = Callable[[sqlite3.Connection, list[dict[str, Any]]], ExportedPiece]


def _read_listed(file: TelemetryFile, filters: Mapping[str, Any], encode: _Encode) -> Iterator[ExportedPiece]:
    """Yield the spans of one trace or session."""
    spans = file.read(read_span_ids, filters)
    for first in range(0, len(spans), PAGE):
        yield file.read(_encode_listed, spans[first : first + PAGE], encode)


def _encode_listed(connection: sqlite3.Connection, spans: array[int], encode: _Encode) -> ExportedPiece:
    return encode(connection, read_spans(connection, spans))


def _read_pages(
    file: TelemetryFile, view: AskableView[Any], filters: Mapping[str, Any], encode: _Encode
) -> Iterator[ExportedPiece]:
    cursor: str | None = None
    while True:
        line, cursor = file.read(_read_page, view, filters, cursor, encode)
        if line is not None:
            yield line
        if cursor is None:
            return


def _read_page(
    connection: sqlite3.Connection,
    view: AskableView[Any],
    filters: Mapping[str, Any],
    cursor: str | None,
    encode: _Encode,
) -> tuple[ExportedPiece | None, str | None]:
    rows = fetch(connection, build_page(view, filters, limit=PAGE, cursor=cursor, newest_first=False))
    following = encode_cursor(view, rows[-1], newest_first=False) if len(rows) == PAGE else None
    return encode(connection, rows) if rows else None, following


def _encode_logs(
    redactor: RowRedactor | None, connection: sqlite3.Connection, rows: list[dict[str, Any]]
) -> ExportedPiece:
    logs = rows if redactor is None else map(redactor.redact_log, rows)
    return ExportedPiece(encode_logs(logs) + b"\n", logs=len(rows))


def _encode_spans(
    redactor: RowRedactor | None, connection: sqlite3.Connection, rows: list[dict[str, Any]]
) -> ExportedPiece:
    spans: list[Row] = [row for row in rows if row["status"] != RUNNING]
    events, links = (read_details(connection, name, spans) for name in ("find_events_of_spans", "find_links_of_spans"))
    if redactor is not None:
        for number, span in enumerate(spans):
            key = span["id"]
            redacted = redactor.redact_span(span, events.get(key, ()), links.get(key, ()))
            spans[number], events[key], links[key] = redacted
    content = encode_traces(spans, events, links) + b"\n" if spans else b""
    return ExportedPiece(content, spans=len(spans), left_out=len(rows) - len(spans))
