# SPDX-License-Identifier: Apache-2.0
"""Exports one trace or one session for Perfetto's viewer, page by page, so that memory stays bounded.

A process stands for a service, and its tracks are lanes of spans that ran at one time: see `span_lanes`. Events of
spans are instants on the lane of their span, links are arrows, and what runs has no end.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.event_names import restore_recorded
from otel_sqlite_exporter.model.values import decode_attributes
from otel_sqlite_exporter.otlp.otlp_encoder import Row
from otel_sqlite_exporter.otlp.redacted_rows import RowRedactor
from otel_sqlite_exporter.query.askable_views import SESSIONS, TRACES
from otel_sqlite_exporter.query.exports import track_packets as packets
from otel_sqlite_exporter.query.exports.exported_pieces import (
    PAGE,
    RUNNING,
    ExportedPiece,
    make_row_redactor,
    read_details,
    read_span_ids,
    read_spans,
)
from otel_sqlite_exporter.query.exports.span_arguments import add_call, list_arguments, list_short, name_category
from otel_sqlite_exporter.query.exports.span_lanes import Lane, SpanLanes
from otel_sqlite_exporter.query.reading import TelemetryFile, fetch, get_by_prefix
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query

MOST_WITH_ATTRIBUTES = 100_000
"""Of more spans, attributes are left out: a viewer keeps each of them, in the memory of a browser."""
_MOST_ARROWS = 50_000
_MOST_AT_ONCE = 1_000
"""Spans that start at one time and are put in order, parents first."""
_UNKNOWN_SERVICE = "unknown_service"


class _ShownSpan(NamedTuple):
    """A span as it is written. `end` is None while it runs."""

    row: Row
    service: str
    end: int | None
    category: str
    arguments: Mapping[str, packets.Argument]
    events: Sequence[tuple[int, str, Mapping[str, packets.Argument]]]


def read_perfetto(
    file: TelemetryFile,
    *,
    session_id: str | None = None,
    trace_id: str | None = None,
    settings: Settings | None = None,
) -> Iterator[ExportedPiece]:
    """Yield the pieces of a Perfetto trace: the spans of one trace or of one session.

    The ids of the spans are read first, eight bytes each, and then their records page by page, each in a transaction.
    Spans written meanwhile are left out.

    Args:
        session_id, trace_id: An id or a unique prefix of one: one of the two.
        settings: How the records are redacted, as an exporter with these settings would; None: not at all.

    Raises:
        FilterError: Neither or both are given, or an id is empty.
        NotFoundError: There is no such trace or session, or the prefix is not unique.
        FileRefusedError: The file is missing, damaged, of another program, or too old.
        sqlite3.Error, OSError: The file cannot be read.
    """
    if trace_id is not None and session_id is None:
        trace = file.read(get_by_prefix, TRACES, "trace_id", trace_id)
        filters, start = {"trace_id": trace.trace_id}, trace.start_time_unix_nano
    elif session_id is not None and trace_id is None:
        session = file.read(get_by_prefix, SESSIONS, "session_id", session_id)
        filters, start = {"session_id": session.session_id}, session.start_time_unix_nano
    else:
        raise FilterError("format", "an export as perfetto is of one trace or one session: give the one or the other")
    writer = _TraceWriter(file.read(_read_arrows, filters))
    yield ExportedPiece(packets.write_clocks(start))
    redactor = make_row_redactor(settings)
    spans = file.read(read_span_ids, filters)
    for first in range(0, len(spans), PAGE):
        page = spans[first : first + PAGE]
        shown = file.read(_read_page, page, redactor, has_attributes=len(spans) <= MOST_WITH_ATTRIBUTES)
        yield ExportedPiece(writer.write(shown), spans=len(shown))
    yield ExportedPiece(writer.finish())


_Arrows = dict[tuple[str, str], list[int]]


def _read_arrows(connection: sqlite3.Connection, filters: Mapping[str, str]) -> _Arrows:
    """Return the numbers of the arrows that start or end at a span, by its ids."""
    query = "find_links_of_trace" if "trace_id" in filters else "find_links_of_session"
    arrows: _Arrows = {}
    select = Select(read_query(query), {**filters, "limit": _MOST_ARROWS})
    for number, link in enumerate(fetch(connection, select), 1):
        for end in {(link["trace_id"], link["span_id"]), (link["linked_trace_id"], link["linked_span_id"])}:
            arrows.setdefault(end, []).append(number)
    return arrows


def _read_page(
    connection: sqlite3.Connection, spans: array[int], redactor: RowRedactor | None, *, has_attributes: bool
) -> list[_ShownSpan]:
    rows = read_spans(connection, spans)
    events, calls = (read_details(connection, name, rows) for name in ("find_events_of_spans", "find_calls_of_spans"))
    shown = []
    for row in rows:
        key = row["id"]
        span: Row = row if has_attributes else {**row, "attributes": "{}", "attribute_types": None}
        for call in calls.get(key, ()):
            span = add_call(span, call)
        own_events = events.get(key, ())
        service = row["service_name"]
        if redactor is not None:
            span, own_events, _ = redactor.redact_span(span, own_events, ())
            resource = decode_attributes(span["resource_attributes"], span["resource_attribute_types"])
            service = str(resource.get("service.name", _UNKNOWN_SERVICE))
        shown.append(_show(span, service, calls.get(key, ()), own_events, has_attributes))
    return shown


def _show(span: Row, service: str, calls: Sequence[Row], events: Sequence[Row], has_attributes: bool) -> _ShownSpan:
    instants = [
        (
            event["start_time_unix_nano"],
            restore_recorded(event["name"], event["recorded_name"]) or "",
            list_short(event) if has_attributes else {},
        )
        for event in events
    ]
    end = None if span["status"] == RUNNING else max(span["end_time_unix_nano"], span["start_time_unix_nano"])
    return _ShownSpan(span, service, end, name_category(span, calls), list_arguments(span), instants)


class _TraceWriter:
    """Writes spans in the order of their starts. It keeps those that run at one time, and the names of services."""

    def __init__(self, arrows: _Arrows) -> None:
        self._arrows = arrows
        self._lanes = SpanLanes()
        self._tracks: dict[Lane, int] = {}
        self._processes: dict[str, int] = {}
        self._described = 0
        self._waiting: list[_ShownSpan] = []

    def write(self, spans: Iterable[_ShownSpan]) -> bytes:
        """Return the packets of spans that start at the same time as those before, or later."""
        written: list[bytes] = []
        for span in spans:
            first = self._waiting[0].row["start_time_unix_nano"] if self._waiting else None
            if first not in (None, span.row["start_time_unix_nano"]) or len(self._waiting) == _MOST_AT_ONCE:
                written += self._write_waiting()
            self._waiting.append(span)
        return b"".join(written)

    def finish(self) -> bytes:
        """Return the packets that are still to be written."""
        return b"".join((*self._write_waiting(), *self._write_ends(None)))

    def _write_waiting(self) -> Iterator[bytes]:
        waiting, self._waiting = self._waiting, []
        ids = {(span.row["trace_id"], span.row["span_id"]) for span in waiting}
        # A parent before its children, where they start at one time: what ends later is above, as a rule.
        waiting.sort(
            key=lambda span: (
                span.end is not None,
                -(span.end or 0),
                (span.row["trace_id"], span.row["parent_span_id"]) in ids,
            )
        )
        if waiting:
            yield from self._write_ends(waiting[0].row["start_time_unix_nano"])
        for span in waiting:
            yield from self._write_span(span)

    def _write_ends(self, time: int | None) -> Iterator[bytes]:
        for end, lane in self._lanes.end_until(time):
            yield packets.write_end(end, self._tracks[lane])

    def _write_span(self, span: _ShownSpan) -> Iterator[bytes]:
        row = span.row
        lane = self._lanes.place(row["trace_id"], row["span_id"], row["parent_span_id"], span.service, span.end)
        if lane not in self._tracks:
            yield from self._describe(lane)
        track, arrows = self._tracks[lane], self._arrows.get((row["trace_id"], row["span_id"]), ())
        yield packets.write_begin(
            row["start_time_unix_nano"], track, row["name"], span.category, span.arguments, arrows
        )
        for time, name, arguments in span.events:
            yield packets.write_instant(time, track, name, arguments)

    def _describe(self, lane: Lane) -> Iterator[bytes]:
        process = self._processes.get(lane.service)
        if process is None:
            process = self._processes[lane.service] = self._count_track()
            yield packets.write_process(process, len(self._processes), lane.service)
        track = self._tracks[lane] = self._count_track()
        yield packets.write_lane(track, process, f"lane {lane.number:03}")

    def _count_track(self) -> int:
        self._described += 1
        return self._described
