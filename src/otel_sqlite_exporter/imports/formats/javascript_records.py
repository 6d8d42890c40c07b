# SPDX-License-Identifier: Apache-2.0
"""Reads spans and log records as JavaScript's SDK holds them, which programs write as JSON: VS Code's Copilot Chat,
Copilot CLI, Gemini CLI. Pure.

Sources: `ReadableSpan` and `ReadableLogRecord` of @opentelemetry/sdk-trace-base and sdk-logs, versions 1 and 2. A
record that is written whole has its private fields, whose names begin with `_`. Fields that only say again what others
do (`duration`, `ended`) and the state of the SDK (`_performanceOffset` and the like) are not kept.
"""

from __future__ import annotations

from typing import Any

from otel_sqlite_exporter.imports.formats.otlp_parts import (
    Message,
    encode_attributes_object,
    encode_plain_value,
    encode_time,
    wrap_log,
    wrap_span,
)

_HAS_IS_REMOTE, _IS_REMOTE = 0x100, 0x200
_CONTEXTS = ("_spanContext", "spanContext")
_RESOURCE_ATTRIBUTES = ("attributes", "_attributes", "_memoizedAttributes", "_syncAttributes")


def is_javascript_span(value: dict[str, Any]) -> bool:
    """Whether this is a span of JavaScript's SDK: its time has two parts."""
    has_ids = value.keys() >= {"traceId", "spanId"} or not value.keys().isdisjoint(_CONTEXTS)
    return has_ids and "name" in value and isinstance(value.get("startTime"), (list, dict))


def is_javascript_log(value: dict[str, Any]) -> bool:
    """Whether this is a log record of JavaScript's SDK."""
    return isinstance(value.get("hrTime"), (list, dict)) and "attributes" in value


def read_javascript_span(value: dict[str, Any]) -> Message:
    """Return the message of a span."""
    context = _read_context(value)
    parent = _get(value, "parentSpanContext")
    parent = parent if isinstance(parent, dict) else {}
    kind, status = value.get("kind"), value.get("status")
    span = {
        **context,
        "parentSpanId": parent.get("spanId") or value.get("parentSpanId"),
        "flags": _encode_flags(context["flags"], parent.get("isRemote")),
        "name": value.get("name"),
        "kind": kind + 1 if type(kind) is int else kind,  # OTLP counts from 1
        "startTimeUnixNano": encode_time(value.get("startTime")),
        "endTimeUnixNano": encode_time(value.get("endTime")),
        "attributes": encode_attributes_object(value.get("attributes")),
        "events": _read_all(value.get("events"), _read_event),
        "links": _read_all(value.get("links"), _read_link),
        "status": status,
        "droppedAttributesCount": _get(value, "droppedAttributesCount"),
        "droppedEventsCount": _get(value, "droppedEventsCount"),
        "droppedLinksCount": _get(value, "droppedLinksCount"),
    }
    return wrap_span(span, read_resource(value), *read_scope(value))


def read_javascript_log(value: dict[str, Any]) -> Message:
    """Return the message of a log record."""
    context = _read_context(value)
    flags = context.pop("flags")
    context.pop("traceState")
    log = {
        **context,
        "flags": flags,
        "timeUnixNano": encode_time(value.get("hrTime")),
        "observedTimeUnixNano": encode_time(value.get("hrTimeObserved")),
        "severityNumber": _get(value, "severityNumber"),
        "severityText": _get(value, "severityText"),
        "eventName": _get(value, "eventName"),
        "body": encode_plain_value(_get(value, "body")),
        "attributes": encode_attributes_object(value.get("attributes")),
        "droppedAttributesCount": _get(value, "droppedAttributesCount"),
    }
    return wrap_log(log, read_resource(value), *read_scope(value))


def _get(value: dict[str, Any], name: str) -> Any:
    """Return a field, whether it is public or private."""
    found = value.get(name)
    return value.get(f"_{name}") if found is None else found


def _read_context(holder: dict[str, Any]) -> dict[str, Any]:
    found = next((holder[name] for name in _CONTEXTS if isinstance(holder.get(name), dict)), holder)
    state = found.get("traceState")
    return {
        "traceId": found.get("traceId"),
        "spanId": found.get("spanId"),
        "traceState": state if isinstance(state, str) else None,
        "flags": found.get("traceFlags"),
    }


def _encode_flags(flags: Any, is_remote: Any) -> Any:
    if is_remote is None or not isinstance(flags, int):
        return flags
    return flags | _HAS_IS_REMOTE | (_IS_REMOTE if is_remote else 0)


def _read_all(items: Any, read: Any) -> Any:
    if not isinstance(items, list):
        return items or None
    return [read(item) if isinstance(item, dict) else item for item in items]


def _read_event(event: dict[str, Any]) -> Message:
    return {
        "name": event.get("name"),
        "timeUnixNano": encode_time(event.get("time")),
        "attributes": encode_attributes_object(event.get("attributes")),
        "droppedAttributesCount": event.get("droppedAttributesCount"),
    }


def _read_link(link: dict[str, Any]) -> Message:
    context = link.get("context")
    fields = _read_context({"spanContext": context} if isinstance(context, dict) else link)
    return {
        **fields,
        "attributes": encode_attributes_object(link.get("attributes")),
        "droppedAttributesCount": link.get("droppedAttributesCount"),
    }


def read_resource(value: dict[str, Any]) -> Message:
    """Return the resource of a record."""
    resource = value.get("resource")
    if not isinstance(resource, dict):
        return {}
    attributes = next((resource[name] for name in _RESOURCE_ATTRIBUTES if isinstance(resource.get(name), dict)), None)
    pairs = resource.get("_rawAttributes")
    if attributes is None and isinstance(pairs, list):
        attributes = {}
        for pair in pairs:
            # An empty object is a value that the SDK was still waiting for.
            if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and pair[1] not in ({}, None):
                attributes.setdefault(pair[0], pair[1])
    return {"attributes": encode_attributes_object(attributes), "schemaUrl": _get(resource, "schemaUrl")}


def read_scope(value: dict[str, Any]) -> tuple[Message | None, Any]:
    """Return the scope of a record, and its schema URL."""
    scope = value.get("instrumentationScope") or value.get("instrumentationLibrary")
    if not isinstance(scope, dict):
        return None, None
    return {"name": scope.get("name"), "version": scope.get("version")}, scope.get("schemaUrl")
