# SPDX-License-Identifier: Apache-2.0
"""Makes OTLP messages, as its JSON encoding has them, of plain JSON values. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from otel_sqlite_exporter.imports.timestamps import parse_timestamp

Message = dict[str, Any]
_DEEPEST = 101  # as deep as OTLP's own values are read, and one more
_SECOND_NS = 1_000_000_000


def wrap_span(span: Message, resource: Message, scope: Message | None, scope_schema_url: Any = None) -> Message:
    """Return a TracesData with one span."""
    return {"resourceSpans": [_group(resource, "scopeSpans", scope, scope_schema_url, "spans", span)]}


def wrap_log(log: Message, resource: Message, scope: Message | None, scope_schema_url: Any = None) -> Message:
    """Return a LogsData with one log record."""
    return {"resourceLogs": [_group(resource, "scopeLogs", scope, scope_schema_url, "logRecords", log)]}


def encode_attributes_object(attributes: Any) -> Any:
    """Return an object of plain values as a list of `KeyValue`. A list stays as it is, since it may be one already."""
    if not isinstance(attributes, Mapping):
        return attributes
    return [{"key": key, "value": encode_plain_value(value)} for key, value in attributes.items()]


def encode_plain_value(value: Any, depth: int = 0) -> Message:
    """Return a value of plain JSON as an `AnyValue`."""
    if value is None or depth > _DEEPEST:
        return {}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [encode_plain_value(item, depth + 1) for item in value]}}
    items = [{"key": key, "value": encode_plain_value(item, depth + 1)} for key, item in value.items()]
    return {"kvlistValue": {"values": items}}


def encode_measured(value: Any, is_integer: bool = True) -> Message:
    """Return the value of a data point. `is_integer`: whole numbers are integers, where JSON has them so."""
    if value is None:
        return {}
    if is_integer and type(value) is int:
        return {"asInt": value}
    return {"asDouble": value}


def read_each(items: Any, read: Callable[[dict[str, Any]], Message]) -> Any:
    """Return what `read` makes of each object of a list. What is none stays as it is."""
    return [read(item) if isinstance(item, dict) else item for item in items] if isinstance(items, list) else items


def encode_time(value: Any) -> Any:
    """Return a time as OTLP has it: of seconds and nanoseconds as JavaScript's SDK has them (`[s, ns]`, or an object of
    these), or of ISO 8601 text. Anything else is returned as it is."""
    if isinstance(value, Mapping) and {"0", "1"} <= value.keys():
        value = [value["0"], value["1"]]
    if isinstance(value, list) and len(value) == 2 and all(isinstance(part, (int, float)) for part in value):
        return str(int(value[0]) * _SECOND_NS + int(value[1]))
    if isinstance(value, str) and not value.isdigit():
        time = parse_timestamp(value, UTC)
        return value if time is None else str(time)
    return value


def strip_id(value: Any) -> Any:
    """Return an id without the `0x` that Python's SDK prints before it."""
    return value.removeprefix("0x") if isinstance(value, str) else value


def wrap_scopes(resource: Message, middle: str, scopes: Any) -> Message:
    """Return the group of a resource that has these scopes. `resource` also has the schema URL."""
    return {
        "resource": {"attributes": resource.get("attributes")},
        "schemaUrl": resource.get("schemaUrl"),
        middle: scopes,
    }


def _group(resource: Message, middle: str, scope: Message | None, url: Any, bottom: str, record: Message) -> Message:
    scoped = {"scope": scope, "schemaUrl": url, bottom: [record]} if scope else {bottom: [record]}
    return wrap_scopes(resource, middle, [scoped])
