# SPDX-License-Identifier: Apache-2.0
"""Spans and log records out of a file as lines of OTLP, page by page: what was chosen may be as large as the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.otlp.otlp_encoder import Row, encode_logs, encode_traces
from otel_sqlite_exporter.query.askable_views import LOGS, SESSIONS, SPANS, TRACES, Kind
from otel_sqlite_exporter.query.filter_values import parse_time
from otel_sqlite_exporter.query.filters import Time
from otel_sqlite_exporter.query.reading import Reading, TelemetryFile
from otel_sqlite_exporter.query.sql_builder import Select, build_page, encode_cursor
from otel_sqlite_exporter.sql.texts import read_query

_PAGE = 512
_RUNNING = "running"


class ExportedLine(NamedTuple):
    """A message of OTLP as a line, and what is in it; `left_out` are spans that run, which OTLP has no form for."""

    content: bytes
    spans: int = 0
    logs: int = 0
    left_out: int = 0


def read_export(
    file: TelemetryFile,
    *,
    session_id: str | None = None,
    trace_id: str | None = None,
    since: Time | None = None,
    until: Time | None = None,
    signal: str | None = None,
) -> Iterator[ExportedLine]:
    """Yield the spans and the log records that meet all that is given, the oldest first: a trace or a session,
    by its id or the beginning of it that no other has; what started at `since` or later and before `until`. `signal` is
    `traces` or `logs`, None: both. Each line is of one moment; what is written meanwhile may be in later ones.

    Raises:
        FilterError: A time cannot be read.
        NotFoundError: There is no such trace or session, or more than one.
        FileRefusedError: There is no file, or it is damaged, not ours, or older than what is asked for.
        sqlite3.Error, OSError: The file cannot be read.
    """
    criteria: dict[str, Any] = {
        "session_id": session_id and file.read(lambda reading: reading.get_id("session_id", SESSIONS, session_id)),
        "trace_id": trace_id and file.read(lambda reading: reading.get_id("trace_id", TRACES, trace_id)),
        "since": None if since is None else parse_time("since", since),
        "until": None if until is None else parse_time("until", until),
    }
    if signal in (None, "traces"):
        yield from _read_pages(file, SPANS, criteria, _encode_span_page)
    if signal in (None, "logs"):
        yield from _read_pages(
            file, LOGS, criteria, lambda reading, rows: ExportedLine(encode_logs(rows), logs=len(rows))
        )


def _read_pages(
    file: TelemetryFile, kind: Kind[Any], criteria: Mapping[str, Any], encode: Any
) -> Iterator[ExportedLine]:
    cursor = None
    while True:

        def read(reading: Reading, cursor: str | None = cursor) -> tuple[ExportedLine | None, str | None]:
            page = build_page(kind, criteria, limit=_PAGE, cursor=cursor, newest_first=False)
            rows = reading.run(page)
            if not rows:
                return None, None
            following = encode_cursor(kind, rows[-1], newest_first=False) if len(rows) == _PAGE else None
            return encode(reading, rows), following

        line, cursor = file.read(read)
        if line is not None:
            yield line
        if cursor is None:
            return


def _encode_span_page(reading: Reading, rows: list[dict[str, Any]]) -> ExportedLine:
    spans = [row for row in rows if row["status"] != _RUNNING]
    keys = orjson.dumps([(span["trace_id"], span["span_id"]) for span in spans]).decode()
    events, links = (_read_details(reading, name, keys) for name in ("find_events_of_spans", "find_links_of_spans"))
    return ExportedLine(encode_traces(spans, events, links), spans=len(spans), left_out=len(rows) - len(spans))


def _read_details(reading: Reading, query: str, spans: str) -> dict[Any, list[Row]]:
    """Return what a query finds of spans, by (trace id, span id), in order."""
    details: dict[Any, list[Row]] = {}
    for row in reading.run(Select(read_query(query), {"spans": spans})):
        details.setdefault((row["trace_id"], row["span_id"]), []).append(row)
    return details
