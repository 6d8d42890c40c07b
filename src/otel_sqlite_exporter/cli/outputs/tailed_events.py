# SPDX-License-Identifier: Apache-2.0
"""The latest events, a line each, also as they are written: with the status of spans that ended, and with what
exceptions said."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from otel_sqlite_exporter.cli.formatting import format_error_type, format_status, format_value, print_lines
from otel_sqlite_exporter.cli.tables import print_json
from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.query.askable_views import EVENTS
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.sql_builder import encode_cursor
from otel_sqlite_exporter.query.summaries import EventSummary, SpanSummary
from otel_sqlite_exporter.show.units import format_ms

# Ids do not follow time: a batch writes its span events after all its finishes. The last so many records are sorted.
_RECENT, _BY_TIME = 5_000, attrgetter("start_time_unix_nano", "id")
_PAGE = 500
_PAUSE_S = 0.5
_Spans = Mapping[tuple[str | None, str | None], SpanSummary]


def show_events(
    database: TelemetryDatabase, criteria: Mapping[str, Any], *, follow: bool, limit: int, as_json: bool
) -> None:
    """Print the latest `limit` events in order of time; then, if `follow`, new ones until interrupted."""
    page = database.find_events(limit=max(limit, _RECENT), **criteria)
    _show(database, sorted(page, key=_BY_TIME)[-limit:], as_json)
    last = max((event.id for event in page), default=0)
    try:
        while follow:
            cursor = encode_cursor(EVENTS, {"id": last}, newest_first=False)
            new = database.find_events(limit=_PAGE, cursor=cursor, newest_first=False, **criteria)
            _show(database, sorted(new, key=_BY_TIME), as_json)
            last = max((event.id for event in new), default=last)
            if len(new) < _PAGE:
                time.sleep(_PAUSE_S)
    except KeyboardInterrupt:
        pass  # the way to end it, and no error


def _show(database: TelemetryDatabase, events: Sequence[EventSummary], as_json: bool) -> None:
    if as_json:
        for event in events:
            print_json(event.to_dict(), indent=None)
        return
    spans = _find_ended(database, events)
    for event in events:
        print_lines("  ".join(map(format_value, _describe(event, spans.get((event.trace_id, event.span_id))))))


def _find_ended(database: TelemetryDatabase, events: Sequence[EventSummary]) -> _Spans:
    """Return the spans whose finishes are among these."""
    ended = [event for event in events if event.source == "span" and event.phase == "finish"]
    traces = sorted({event.trace_id for event in ended if event.trace_id})
    if not traces:
        return {}
    ids = sorted({event.span_id for event in ended if event.span_id})
    found = database.find_spans(trace_id=traces, span_id=ids, limit=len(ended) + 1)
    return {(span.trace_id, span.span_id): span for span in found}


def _describe(event: EventSummary, span: SpanSummary | None) -> list[str | None]:
    parts: list[str | None] = [event.start_time, event.phase or event.source, event.name]
    if event.phase == "finish":
        parts += [format_ms(event.duration_ms)] if event.duration_ms is not None else []
        if span is not None and event.source == "span":
            parts.append(format_status(span.status, span.attribute("error.type")))
    kind, message = event.attribute("exception.type"), event.attribute("exception.message")
    error = [str(part) for part in (format_error_type(_text(kind)), find_reason(_text(message), _text(kind))) if part]
    if event.source == "span":
        reason = find_reason(span.status_description, None) if span is not None and event.phase == "finish" else None
        error = [reason] if reason else []
    parts += [f"error={': '.join(error)}"] if error else []
    for name, value in (("session", event.session_id), ("trace", event.trace_id), ("span", event.span_id)):
        parts += [f"{name}={value}"] if value else []
    return parts


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
