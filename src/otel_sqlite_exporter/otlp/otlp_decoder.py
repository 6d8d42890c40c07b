# SPDX-License-Identifier: Apache-2.0
"""Decodes OTLP messages, as parsed JSON, into the spans and log records of `model.signals`. Pure.

Source: the OTLP specification, "JSON Protobuf Encoding"; protobuf's own JSON mapping is read too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.error_texts import describe_error
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
from otel_sqlite_exporter.otlp.otlp_values import (
    decode_attributes_list,
    decode_id,
    decode_integer,
    decode_time,
    decode_value_or_text,
)

_TRACE_FLAGS, _IS_REMOTE = 0xFF, 0x200
_RECORD_ERRORS = (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError)
_SIGNALS = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
}
_OTHER_SIGNALS = {"resourceMetrics": "metrics", "resourceProfiles": "profiles"}


# OTLP counts kinds from 1. 0 stands for a kind that is not given, which is read as INTERNAL.
_KINDS: dict[Any, SpanKind] = {number + 1: kind for number, kind in enumerate(SpanKind)} | {
    f"SPAN_KIND_{kind.name}": kind for kind in SpanKind
}
_KINDS |= {0: SpanKind.INTERNAL, None: SpanKind.INTERNAL, "SPAN_KIND_UNSPECIFIED": SpanKind.INTERNAL}
_CODES: dict[Any, StatusCode] = {code.value: code for code in StatusCode} | {
    f"STATUS_CODE_{code.name}": code for code in StatusCode
}
_CODES |= {None: StatusCode.UNSET}


class UnreadableRecord(NamedTuple):
    """A part of a message that cannot be read, and the reason. `error` says more. Neither quotes the part."""

    content: Any
    reason: str
    error: str = ""


def find_signals(message: Any) -> set[str]:
    """Return the signals in a parsed JSON value: `traces`, `logs`, `metrics`, `profiles`; none if it is not an OTLP
    message."""
    if not isinstance(message, dict):
        return set()
    found = {signal for signal, (top, *_) in _SIGNALS.items() if top in message}
    return found | {signal for top, signal in _OTHER_SIGNALS.items() if top in message}


def decode_message(message: Mapping[str, Any]) -> Iterator[SpanFields | LogFields | UnreadableRecord]:
    """Yield the spans and log records of a TracesData or LogsData, and the parts that cannot be read. Never raises."""
    for signal, decode in (("traces", _decode_span), ("logs", _decode_log)):
        top, middle, bottom = _SIGNALS[signal]
        for group in _items(message, top):
            yield from _decode_group(group, middle, bottom, decode)


def _decode_group(group: Any, middle: str, bottom: str, decode: Callable[..., Any]) -> Iterator[Any]:
    try:
        resource = _decode_resource(group)
    except _RECORD_ERRORS as error:
        yield UnreadableRecord(group, "its resource cannot be read", describe_error(error))
        return
    for scoped in _items(group, middle):
        try:
            scope = _decode_scope(scoped)
        except _RECORD_ERRORS as error:
            yield UnreadableRecord(scoped, "its scope cannot be read", describe_error(error))
            continue
        for record in _items(scoped, bottom):
            try:
                yield decode(record, resource, scope)
            except _RECORD_ERRORS as error:
                yield UnreadableRecord(record, "it cannot be read", describe_error(error))


def _items(holder: Any, key: str) -> Sequence[Any]:
    items = holder.get(key) if isinstance(holder, dict) else None
    return items if isinstance(items, list) else ()


def _decode_resource(group: Mapping[str, Any]) -> ResourceFields:
    resource = group.get("resource") or {}
    return ResourceFields(decode_attributes_list(resource.get("attributes")), group.get("schemaUrl") or "")


def _decode_scope(scoped: Mapping[str, Any]) -> ScopeFields | None:
    scope = scoped.get("scope")
    if scope is None:
        return None
    attributes = decode_attributes_list(scope.get("attributes"))
    return ScopeFields(scope.get("name") or "", scope.get("version"), scoped.get("schemaUrl") or "", attributes)


def _decode_span(span: Mapping[str, Any], resource: ResourceFields, scope: ScopeFields | None) -> SpanFields:
    flags = decode_integer(span.get("flags")) or 0
    trace_id = decode_id(span.get("traceId"), 16)
    context = _decode_context(span, trace_id, decode_id(span.get("spanId"), 8), flags)
    if not context.trace_id or not context.span_id:
        raise ValueError("a trace id and a span id are needed")
    parent_id = decode_id(span.get("parentSpanId"), 8)
    parent = ContextFields(trace_id, parent_id, bool(flags & _IS_REMOTE), 0, None) if parent_id else None
    status = span.get("status") or {}
    return SpanFields(
        name=span.get("name") or "",
        context=context._replace(is_remote=False),
        parent=parent,
        kind=_KINDS.get(span.get("kind")),
        start_time=decode_time(span.get("startTimeUnixNano")),
        end_time=decode_time(span.get("endTimeUnixNano")),
        status=StatusFields(_CODES.get(status.get("code")), status.get("message")),
        attributes=decode_attributes_list(span.get("attributes")),
        events=[_decode_event(event) for event in span.get("events") or ()],
        links=[_decode_link(link) for link in span.get("links") or ()],
        resource=resource,
        instrumentation_scope=scope,
        dropped_attributes=_count(span, "droppedAttributesCount"),
        dropped_events=_count(span, "droppedEventsCount"),
        dropped_links=_count(span, "droppedLinksCount"),
    )


def _decode_event(event: Mapping[str, Any]) -> EventFields:
    time, attributes = decode_time(event.get("timeUnixNano")), decode_attributes_list(event.get("attributes"))
    return EventFields(event.get("name") or "", time, attributes, _count(event, "droppedAttributesCount"))


def _decode_link(link: Mapping[str, Any]) -> LinkFields:
    flags = decode_integer(link.get("flags")) or 0
    context = _decode_context(link, decode_id(link.get("traceId"), 16), decode_id(link.get("spanId"), 8), flags)
    return LinkFields(context, decode_attributes_list(link.get("attributes")), _count(link, "droppedAttributesCount"))


def _decode_context(holder: Mapping[str, Any], trace_id: int, span_id: int, flags: int) -> ContextFields:
    header = holder.get("traceState")
    trace_state = TraceStateFields(header) if header else None
    return ContextFields(trace_id, span_id, bool(flags & _IS_REMOTE), flags & _TRACE_FLAGS, trace_state)


def _decode_log(log: Mapping[str, Any], resource: ResourceFields, scope: ScopeFields | None) -> LogFields:
    flags = decode_integer(log.get("flags"))
    return LogFields(
        timestamp=decode_time(log.get("timeUnixNano")),
        observed_timestamp=decode_time(log.get("observedTimeUnixNano")),
        trace_id=decode_id(log.get("traceId"), 16),
        span_id=decode_id(log.get("spanId"), 8),
        trace_flags=None if flags is None else flags & _TRACE_FLAGS,
        severity_text=log.get("severityText"),
        severity_number=_decode_severity(log.get("severityNumber")),
        event_name=log.get("eventName"),
        body=decode_value_or_text(log.get("body")),
        attributes=decode_attributes_list(log.get("attributes")),
        dropped_attributes=_count(log, "droppedAttributesCount"),
        resource=resource,
        scope=scope,
    )


_SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_SEVERITY_NAMES: dict[str, Any] = {"SEVERITY_NUMBER_UNSPECIFIED": 0} | {
    f"SEVERITY_NUMBER_{name}{step + 1 if step else ''}": 4 * level + step + 1
    for level, name in enumerate(_SEVERITIES)
    for step in range(4)
}


def _decode_severity(value: Any) -> Any:
    if isinstance(value, str) and not value.isdigit():
        return _SEVERITY_NAMES.get(value, value)  # another text is counted as repaired
    return decode_integer(value)


def _count(holder: Mapping[str, Any], key: str) -> int:
    return decode_integer(holder.get(key)) or 0
