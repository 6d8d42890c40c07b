# SPDX-License-Identifier: Apache-2.0
"""Reads spans and log records as Python's SDK prints them (`ConsoleSpanExporter`, `ConsoleLogRecordExporter`,
`ReadableSpan.to_json`), and spans as Phoenix's `/spans` gives them, which look alike. Pure.

Such a span has its times in microseconds, no scope and no flags, and bytes are hexadecimal text.
"""

from __future__ import annotations

import re
from typing import Any

from otel_sqlite_exporter.imports.formats.otlp_parts import (
    Message,
    encode_attributes_object,
    encode_plain_value,
    encode_time,
    read_each,
    strip_id,
    wrap_log,
    wrap_span,
)

_PHOENIX_KIND = "openinference.span.kind"
_TRACE_STATE_MEMBER = re.compile(r"\{key=([^,{}]*), value=([^{}]*)\}")
_NUMBER = re.compile(r"\d+")


def is_python_span(value: dict[str, Any]) -> bool:
    """Whether this is a span of Python's SDK, or of Phoenix."""
    context = value.get("context")
    return isinstance(context, dict) and "trace_id" in context and "span_id" in context and "start_time" in value


def is_python_log(value: dict[str, Any]) -> bool:
    """Whether this is a log record of Python's SDK."""
    return value.keys() >= {"body", "severity_number", "timestamp", "trace_id", "resource"}


def read_python_span(value: dict[str, Any]) -> Message:
    """Return the message of a span."""
    status = value.get("status")
    status = status if isinstance(status, dict) else {"status_code": value.get("status_code")}
    code = status.get("status_code")
    kind, attributes = value.get("kind"), value.get("attributes")
    if isinstance(attributes, dict) and "span_kind" in value:
        attributes = {_PHOENIX_KIND: value["span_kind"], **attributes}
    span = {
        **_read_context(value),
        "parentSpanId": strip_id(value.get("parent_id")),
        "name": value.get("name"),
        "kind": f"SPAN_KIND_{kind.removeprefix('SpanKind.')}" if isinstance(kind, str) else kind,
        "startTimeUnixNano": encode_time(value.get("start_time")),
        "endTimeUnixNano": encode_time(value.get("end_time")),
        "status": {
            "code": f"STATUS_CODE_{code}" if isinstance(code, str) else code,
            "message": status.get("description") or value.get("status_message") or None,
        },
        "attributes": encode_attributes_object(attributes),
        "events": read_each(value.get("events"), _read_event),
        "links": read_each(value.get("links"), _read_link),
    }
    return wrap_span(span, read_resource(value), None)


def read_python_log(value: dict[str, Any]) -> Message:
    """Return the message of a log record."""
    severity = value.get("severity_number")
    if isinstance(severity, str) and (number := _NUMBER.search(severity)):
        severity = int(number[0])
    log = {
        "traceId": strip_id(value.get("trace_id")),
        "spanId": strip_id(value.get("span_id")),
        "flags": value.get("trace_flags"),
        "timeUnixNano": encode_time(value.get("timestamp")),
        "observedTimeUnixNano": encode_time(value.get("observed_timestamp")),
        "severityNumber": severity,
        "severityText": value.get("severity_text"),
        "eventName": value.get("event_name") or None,
        "body": encode_plain_value(value.get("body")),
        "attributes": encode_attributes_object(value.get("attributes")),
        "droppedAttributesCount": value.get("dropped_attributes"),
    }
    return wrap_log(log, read_resource(value), None)


def _read_context(holder: dict[str, Any]) -> dict[str, Any]:
    context = holder.get("context")
    context = context if isinstance(context, dict) else {}
    members = _TRACE_STATE_MEMBER.findall(str(context.get("trace_state")))
    return {
        "traceId": strip_id(context.get("trace_id")),
        "spanId": strip_id(context.get("span_id")),
        "traceState": ",".join(f"{key}={value}" for key, value in members) or None,
    }


def _read_event(event: dict[str, Any]) -> Message:
    attributes = encode_attributes_object(event.get("attributes"))
    return {"name": event.get("name"), "timeUnixNano": encode_time(event.get("timestamp")), "attributes": attributes}


def _read_link(link: dict[str, Any]) -> Message:
    return {**_read_context(link), "attributes": encode_attributes_object(link.get("attributes"))}


def read_resource(value: dict[str, Any]) -> Message:
    """Return the resource of a record."""
    resource = value.get("resource")
    if not isinstance(resource, dict):
        return {}
    return {
        "attributes": encode_attributes_object(resource.get("attributes")),
        "schemaUrl": resource.get("schema_url") or None,
    }
