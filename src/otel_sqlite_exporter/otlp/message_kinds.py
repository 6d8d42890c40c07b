# SPDX-License-Identifier: Apache-2.0
"""The messages of OTLP whose fields are stored, and all keys under which JSON may have these. Those of metrics are in
`metric_messages.metric_kinds`.

Source: opentelemetry-proto, `trace.proto`, `logs.proto`, `resource.proto` and `common.proto`, also of older versions.
Protobuf's JSON mapping: a reader knows the name of a field in the .proto file (snake case) besides the JSON name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple


class MessageKind(NamedTuple):
    """A message. `name` is for people; `fields` has the present name of a field for each key that stands for it, and
    `present` are these names."""

    name: str
    fields: Mapping[str, str]
    present: frozenset[str]


def name_in_proto(field: str) -> str:
    """Return the name of a field in the .proto file: `traceId` is `trace_id`."""
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", field)


def describe(name: str, /, *fields: str, **old: str) -> MessageKind:
    """Return a message with these fields. `old` has the present name of a field for each older one."""
    keys = {field: field for field in fields} | old
    known = {name_in_proto(key): field for key, field in keys.items()} | keys
    return MessageKind(name, known, frozenset(fields))


MESSAGE = describe("message", "resourceSpans", "resourceLogs", "resourceMetrics", "resourceProfiles", "dictionary")
RESOURCE_SPANS = describe(
    "resource of spans",
    *("resource", "scopeSpans", "schemaUrl"),
    instrumentationLibrarySpans="scopeSpans",
    deprecatedScopeSpans="scopeSpans",
)
RESOURCE_LOGS = describe(
    "resource of log records",
    *("resource", "scopeLogs", "schemaUrl"),
    instrumentationLibraryLogs="scopeLogs",
    deprecatedScopeLogs="scopeLogs",
)
SCOPE_SPANS = describe("scope of spans", "scope", "spans", "schemaUrl", instrumentationLibrary="scope")
SCOPE_LOGS = describe(
    "scope of log records", "scope", "logRecords", "schemaUrl", instrumentationLibrary="scope", logs="logRecords"
)
RESOURCE_METRICS = describe(
    "resource of metrics",
    *("resource", "scopeMetrics", "schemaUrl"),
    instrumentationLibraryMetrics="scopeMetrics",
    deprecatedScopeMetrics="scopeMetrics",
)
SCOPE_METRICS = describe("scope of metrics", "scope", "metrics", "schemaUrl", instrumentationLibrary="scope")
RESOURCE = describe("resource", "attributes")
SCOPE = describe("scope", "name", "version", "attributes")
SPAN = describe(
    "span",
    *(
        "traceId",
        "spanId",
        "traceState",
        "parentSpanId",
        "flags",
        "name",
        "kind",
        "attributes",
        "droppedAttributesCount",
    ),
    *("startTimeUnixNano", "endTimeUnixNano", "events", "droppedEventsCount", "links", "droppedLinksCount", "status"),
    startTimeUnixnano="startTimeUnixNano",
    endTimeUnixnano="endTimeUnixNano",
)
STATUS = describe("status", "code", "message", "deprecatedCode", statusCode="code")
EVENT = describe(
    "span event", "timeUnixNano", "name", "attributes", "droppedAttributesCount", timeUnixnano="timeUnixNano"
)
LINK = describe("link", "traceId", "spanId", "traceState", "flags", "attributes", "droppedAttributesCount")
LOG = describe(
    "log record",
    *("timeUnixNano", "observedTimeUnixNano", "severityNumber", "severityText", "eventName", "body", "attributes"),
    *("droppedAttributesCount", "flags", "traceId", "spanId"),
    name="eventName",
    timeUnixnano="timeUnixNano",
)
