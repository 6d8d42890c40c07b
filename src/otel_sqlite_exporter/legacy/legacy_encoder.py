# SPDX-License-Identifier: Apache-2.0
"""Encodes the events and rows of an attribute-row file as records of this package. Pure, except for the clock and
caches.

They go through the same encoders as records of the SDK: events become log records, spans become spans. The views show
only a part of agents, sessions and traces, so their rows are also kept whole, as log records `legacy.agent`,
`legacy.session` and `legacy.trace`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, NamedTuple

from otel_sqlite_exporter.encode.logs import LogEncoder
from otel_sqlite_exporter.encode.spans import SpanEncoder
from otel_sqlite_exporter.genai.rules import extend_rules
from otel_sqlite_exporter.imports.event_records import ORIGINAL, EventReader, EventRecord, identify_span, identify_trace
from otel_sqlite_exporter.imports.timestamps import parse_timestamp
from otel_sqlite_exporter.legacy.layout import normalise_key
from otel_sqlite_exporter.legacy.legacy_records import NAMESPACE, Detail, build_record, keep_columns
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan
from otel_sqlite_exporter.model.signals import (
    ContextFields,
    ScopeFields,
    SpanFields,
    SpanKind,
    StatusCode,
    StatusFields,
)
from otel_sqlite_exporter.settings import Settings

SCOPE = ScopeFields("otel_sqlite_exporter.legacy")
"""The instrumentation scope of migrated records."""
_SPAN_FIELDS = ("span_id", "trace_id", "parent_span_id", "name", "start_timestamp", "end_timestamp", "rowid")
_STARTS = ("start_timestamp", "start_time", "started_at")
_ENDS = ("end_timestamp", "end_time", "ended_at")
_TIMES = {
    "agents": ("first_seen", "first_seen_timestamp", "last_seen", "last_seen_timestamp", "created_at"),
    "sessions": (*_STARTS, "created_at", *_ENDS),
    "traces": (*_STARTS, "created_at", *_ENDS),
}


class SpanContents(NamedTuple):
    """The earliest and the latest time of a span's events, and the first of their names."""

    start_time_unix_nano: int
    end_time_unix_nano: int
    name: str


class LegacyEncoder:
    """Encodes the records of one file. Counts repairs, and the sources of sessions and times. Times without an offset
    are in `zone` (None: the local time zone)."""

    def __init__(
        self,
        settings: Settings,
        zone: tzinfo | None,
        agents: Mapping[Any, Mapping[str, Any]],
        counts: Counter[str],
    ) -> None:
        self._counts = counts
        self._zone = zone
        self._events = EventReader(SCOPE, zone=zone, agents=agents)
        rules = extend_rules(settings.dialects)
        self._logs = LogEncoder(settings.session_attributes, rules)
        self._spans = SpanEncoder(settings.session_attributes, rules)

    def encode_event(self, event: Mapping[str, Any], details: Sequence[Detail]) -> EncodedLog:
        """Return an event as a log record. `event` is empty if the file does not have what the details refer to."""
        record, source = build_record(event, details, self._zone, self._counts)
        return self._encode(record, source)

    def encode_row(self, kind: str, row: Mapping[str, Any]) -> EncodedLog:
        """Return a row of agents, sessions or traces as a log record with all of its columns."""
        key = row.get(f"{kind[:-1]}_id", row.get("id"))
        moment = self._find_time(row, _TIMES[kind])
        record = EventRecord(
            name=f"{NAMESPACE}{kind[:-1]}",
            timestamp=moment,
            agent_id=normalise_key(key if kind == "agents" else row.get("agent_id")),
            trace_id=key if kind == "traces" else None,
            session_id=key if kind == "sessions" else None,
            attributes=keep_columns(kind, row, self._counts),
        )
        return self._encode(record, None if moment is None else "attribute")

    def encode_span(self, row: Mapping[str, Any], agent_id: Any, contents: SpanContents | None) -> EncodedSpan:
        """Return a row of spans as a span. Times and a name that it lacks are taken from its `contents`; without these,
        the time is now."""
        trace_id, span_id, kept = identify_row(row)
        parent_id, kept_parent = identify_span(row.get("parent_span_id"))
        others = {name: value for name, value in row.items() if name not in _SPAN_FIELDS}
        attributes = keep_columns("spans", others, self._counts) | kept
        if kept_parent is not None:
            attributes[f"{ORIGINAL}parent_span_id"] = kept_parent
        start, end = (self._parse(self._find_time(row, names)) for names in (_STARTS, _ENDS))
        for name, moment in (("start_timestamp", start), ("end_timestamp", end)):
            if moment is None and row.get(name) is not None:
                attributes[f"{NAMESPACE}spans.{name}"] = row[name]
        sources: list[str | None] = [None, None]
        if contents is not None:
            if start is None:
                start, sources[0] = min(contents.start_time_unix_nano, end or contents.start_time_unix_nano), "event"
            if end is None:
                end, sources[1] = max(contents.end_time_unix_nano, start), "event"
        span = SpanFields(
            context=ContextFields(trace_id, span_id, is_remote=False, trace_flags=0, trace_state=None),
            parent=ContextFields(trace_id, parent_id, False, 0, None) if parent_id else None,
            name=str(row.get("name") or (contents.name if contents else "unknown")),
            start_time=start,
            end_time=end,
            kind=SpanKind.INTERNAL,
            status=StatusFields(StatusCode.UNSET, None),
            attributes=attributes,
            events=(),
            links=(),
            dropped_attributes=0,
            dropped_events=0,
            dropped_links=0,
            resource=self._events.describe_agent(normalise_key(agent_id)),
            instrumentation_scope=SCOPE,
        )
        encoded = self._spans.encode_span(span, time.time_ns())
        found = encoded.row
        start_source, end_source = sources[0] or found.start_time_source, sources[1] or found.end_time_source
        self._counts[f"timestamps.span start from {start_source or 'column'}"] += 1
        self._counts[f"timestamps.span end from {end_source or 'column'}"] += 1
        return encoded._replace(row=found._replace(start_time_source=start_source, end_time_source=end_source))

    def lacks_times(self, row: Mapping[str, Any]) -> bool:
        """Return whether a row of spans lacks a time or its name."""
        return not row.get("name") or any(self._find_time(row, names) is None for names in (_STARTS, _ENDS))

    def _encode(self, record: EventRecord, time_source: str | None) -> EncodedLog:
        log = self._logs.encode_log(self._events.read(record), time.time_ns())
        if time_source is not None:
            log = log._replace(row=log.row._replace(time_source=time_source))
        return log

    def _find_time(self, row: Mapping[str, Any], names: Sequence[str]) -> Any:
        """Return the value of the first of these columns that can be read as a time (None: none)."""
        return next((row[name] for name in names if self._parse(row.get(name)) is not None), None)

    def _parse(self, value: Any) -> int | None:
        return parse_timestamp(value, self._zone)


def identify_row(row: Mapping[str, Any]) -> tuple[int, int, dict[str, Any]]:
    """Return the trace id and the span id of a row of spans, and as attributes the ids that were replaced. A span
    without a trace is a trace of its own."""
    span = row.get("span_id", row.get("id"))
    if span is None:
        span = f"row {row['rowid']}"
    span_id, kept_span = identify_span(span)
    trace_id, kept_trace = identify_trace(row.get("trace_id"))
    kept = {f"{ORIGINAL}trace_id": kept_trace, f"{ORIGINAL}span_id": kept_span}
    return (
        trace_id or identify_trace(f"span {span}")[0],
        span_id,
        {name: value for name, value in kept.items() if value is not None},
    )
