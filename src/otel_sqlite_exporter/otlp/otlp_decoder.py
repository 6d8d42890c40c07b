# SPDX-License-Identifier: Apache-2.0
"""Decodes OTLP messages, as parsed JSON, into the spans and log records of `model.signals`, and the data points of
`model.metric_records`. Pure.

Source: the OTLP specification, "JSON Protobuf Encoding"; protobuf's own JSON mapping is read too, and the names of
older versions. A field that cannot be read costs itself: what became of it is noted in `Alterations`. A record costs
itself only if it is no object, or a span without valid ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from otel_sqlite_exporter.model.metric_records.metric_signals import PointFields
from otel_sqlite_exporter.model.rows import make_row
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
from otel_sqlite_exporter.native.core_state import load_compiled
from otel_sqlite_exporter.otlp import message_kinds as kinds
from otel_sqlite_exporter.otlp.alterations import Alterations
from otel_sqlite_exporter.otlp.message_fields import MessageFields
from otel_sqlite_exporter.otlp.message_levels import SignalParts, UnreadableRecord, list_scopes, open_part
from otel_sqlite_exporter.otlp.metric_messages.point_decoder import METRICS, decode_metric
from otel_sqlite_exporter.otlp.otlp_values import decode_id

_TRACE_FLAGS, _IS_REMOTE = 0xFF, 0x200
_LARGEST_FLAGS = 2**32 - 1
_TRACES = SignalParts("resourceSpans", kinds.RESOURCE_SPANS, "scopeSpans", kinds.SCOPE_SPANS, "spans")
_LOGS = SignalParts("resourceLogs", kinds.RESOURCE_LOGS, "scopeLogs", kinds.SCOPE_LOGS, "logRecords")
_SIGNALS = {_TRACES.top: "traces", _LOGS.top: "logs", METRICS.top: "metrics", "resourceProfiles": "profiles"}
_SIGNALS |= {kinds.name_in_proto(top): signal for top, signal in _SIGNALS.items()}


# OTLP counts kinds from 1. 0 stands for a kind that is not given, which is read as INTERNAL.
_KINDS: dict[Any, SpanKind] = {number + 1: kind for number, kind in enumerate(SpanKind)} | {
    f"SPAN_KIND_{kind.name}": kind for kind in SpanKind
}
_KINDS |= {0: SpanKind.INTERNAL, "SPAN_KIND_UNSPECIFIED": SpanKind.INTERNAL}
_CODES: dict[Any, StatusCode] = {code.value: code for code in StatusCode} | {
    f"STATUS_CODE_{code.name}": code for code in StatusCode
}
# Before there was a code for success and failure, 0 was OK and each of 16 other numbers an error.
_OLD_ERRORS = range(1, 17)
_SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_SEVERITY_NUMBERS: dict[Any, int | None] = {number: number for number in range(25)}
_SEVERITY_NUMBERS |= {
    f"SEVERITY_NUMBER_{name}{step + 1 if step else ''}": 4 * level + step + 1
    for level, name in enumerate(_SEVERITIES)
    for step in range(4)
}
_SEVERITY_NUMBERS["SEVERITY_NUMBER_UNSPECIFIED"] = 0


def find_signals(message: Any) -> set[str]:
    """Return the signals in a parsed JSON value: `traces`, `logs`, `metrics`, `profiles`; none if it is not an OTLP
    message."""
    return {signal for top, signal in _SIGNALS.items() if top in message} if isinstance(message, dict) else set()


def decode_message(
    message: Mapping[str, Any], alterations: Alterations
) -> Iterator[SpanFields | LogFields | PointFields | UnreadableRecord]:
    """Yield the spans, log records and data points of a TracesData, LogsData or MetricsData, and the parts that cannot
    be read. What is new in `alterations` belongs to the record that comes next. Never raises."""
    fields = MessageFields(message, kinds.MESSAGE, alterations)
    yield from _decode_records(fields, _TRACES, _decode_span)
    yield from _decode_records(fields, _LOGS, _decode_log)
    for metrics, resource, scope in list_scopes(fields, METRICS):
        for metric in metrics:
            yield from decode_metric(metric, resource, scope, alterations)


@cache
def _load_compiled() -> Any:
    """Return the compiled reader of records; None if it is not in use."""
    return load_compiled("json_records")


def _decode_records(message: MessageFields, signal: SignalParts, decode: Callable[..., Any]) -> Iterator[Any]:
    for records, resource, scope in list_scopes(message, signal):
        for record in records:
            is_unreadable = isinstance(record, UnreadableRecord)
            yield record if is_unreadable else decode(record, resource, scope, message.alterations)


def _decode_span(
    values: Any, resource: ResourceFields, scope: ScopeFields | None, alterations: Alterations
) -> SpanFields | UnreadableRecord:
    if type(values) is SpanFields:
        return make_row(SpanFields, (*values[:10], resource, scope, *values[12:]))
    compiled = _load_compiled()
    usual: SpanFields | None = None if compiled is None else compiled.read_span(values, resource, scope)
    if usual is not None:
        return usual
    span = open_part(values, kinds.SPAN, alterations)
    if isinstance(span, UnreadableRecord):
        return span
    try:
        trace_id, span_id = decode_id(span.read_raw("traceId"), 16), decode_id(span.read_raw("spanId"), 8)
    except ValueError as error:
        return UnreadableRecord(values, f"it cannot be read: {error}", "ids")
    if not trace_id or not span_id:
        return UnreadableRecord(values, "it cannot be read: a trace id and a span id are needed", "ids")
    flags = span.read_integer("flags", _LARGEST_FLAGS) or 0
    parent_id = span.read_id("parentSpanId", 8)
    return SpanFields(
        name=span.read_text("name") or "",
        context=_decode_context(span, trace_id, span_id, flags & ~_IS_REMOTE),
        parent=ContextFields(trace_id, parent_id, bool(flags & _IS_REMOTE), 0, None) if parent_id else None,
        kind=span.read_member("kind", _KINDS, SpanKind.INTERNAL),
        start_time=span.read_integer("startTimeUnixNano") or None,
        end_time=span.read_integer("endTimeUnixNano") or None,
        status=_decode_status(span.read_message("status", kinds.STATUS)),
        attributes=span.read_attributes(),
        events=[_decode_event(event) for event in span.read_messages("events", kinds.EVENT)],
        links=[_decode_link(link) for link in span.read_messages("links", kinds.LINK)],
        resource=resource,
        instrumentation_scope=scope,
        dropped_attributes=span.read_integer("droppedAttributesCount") or 0,
        dropped_events=span.read_integer("droppedEventsCount") or 0,
        dropped_links=span.read_integer("droppedLinksCount") or 0,
    )


def _decode_status(status: MessageFields | None) -> StatusFields:
    if status is None:
        return StatusFields(StatusCode.UNSET, None)
    code = status.read_member("code", _CODES, StatusCode.UNSET)
    if code is StatusCode.UNSET and status.read_integer("deprecatedCode") in _OLD_ERRORS:
        code = StatusCode.ERROR
    return StatusFields(code, status.read_text("message"))


def _decode_event(event: MessageFields) -> EventFields:
    return EventFields(
        event.read_text("name") or "",
        event.read_integer("timeUnixNano") or None,
        event.read_attributes(),
        event.read_integer("droppedAttributesCount") or 0,
    )


def _decode_link(link: MessageFields) -> LinkFields:
    flags = link.read_integer("flags", _LARGEST_FLAGS) or 0
    context = _decode_context(link, link.read_id("traceId", 16), link.read_id("spanId", 8), flags)
    return LinkFields(context, link.read_attributes(), link.read_integer("droppedAttributesCount") or 0)


def _decode_context(holder: MessageFields, trace_id: int, span_id: int, flags: int) -> ContextFields:
    header = holder.read_text("traceState")
    trace_state = TraceStateFields(header) if header else None
    return ContextFields(trace_id, span_id, bool(flags & _IS_REMOTE), flags & _TRACE_FLAGS, trace_state)


def _decode_log(
    values: Any, resource: ResourceFields, scope: ScopeFields | None, alterations: Alterations
) -> LogFields | UnreadableRecord:
    if type(values) is LogFields:
        return make_row(LogFields, (*values[:11], resource, scope))
    compiled = _load_compiled()
    usual: LogFields | None = None if compiled is None else compiled.read_log(values, resource, scope)
    if usual is not None:
        return usual
    log = open_part(values, kinds.LOG, alterations)
    if isinstance(log, UnreadableRecord):
        return log
    flags = log.read_integer("flags", _LARGEST_FLAGS)
    return LogFields(
        timestamp=log.read_integer("timeUnixNano") or None,
        observed_timestamp=log.read_integer("observedTimeUnixNano") or None,
        trace_id=log.read_id("traceId", 16),
        span_id=log.read_id("spanId", 8),
        trace_flags=None if flags is None else flags & _TRACE_FLAGS,
        severity_text=log.read_text("severityText"),
        severity_number=log.read_member("severityNumber", _SEVERITY_NUMBERS, None),
        event_name=log.read_text("eventName"),
        body=log.read_value("body"),
        attributes=log.read_attributes(),
        dropped_attributes=log.read_integer("droppedAttributesCount") or 0,
        resource=resource,
        scope=scope,
    )
