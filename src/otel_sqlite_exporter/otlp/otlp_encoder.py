# SPDX-License-Identifier: Apache-2.0
"""Encodes rows of the views as OTLP messages in the JSON encoding. Pure.

Source: the OTLP specification, "JSON Protobuf Encoding": 64-bit integers and times are texts. A field with its default
value is left out. OTLP has no integers beyond 64 bits with a sign: these become texts of their digits, with a field
that tells their type.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.model.event_names import restore_recorded
from otel_sqlite_exporter.model.values import decode_value
from otel_sqlite_exporter.otlp.otlp_values import INTEGER_TYPE, ORIGINAL_TYPE

Row = Mapping[str, Any]
"""A row of a view, by the names of its columns."""
_HAS_IS_REMOTE, _IS_REMOTE = 0x100, 0x200
_KINDS = {kind: number for number, kind in enumerate(("INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"), 1)}
_CODES = {"UNSET": 0, "OK": 1, "ERROR": 2}
_CONTEXT = tuple(
    f"{holder}_{column}"
    for holder in ("resource", "scope")
    for column in ("schema_url", "attributes", "attribute_types")
)


def encode_traces(
    spans: Iterable[Row], events: Mapping[Any, Sequence[Row]], links: Mapping[Any, Sequence[Row]]
) -> bytes:
    """Return a TracesData as one line, without the line's end. `events` and `links` belong to the spans, by the `id` of
    these, in order."""
    encoded = []
    for span in spans:
        key = span["id"]
        encoded.append((span, _encode_span(span, events.get(key, ()), links.get(key, ()))))
    return dump_message({"resourceSpans": _group(encoded, "scopeSpans", "spans")})


def encode_logs(logs: Iterable[Row]) -> bytes:
    """Return a LogsData as one line, without the line's end."""
    return dump_message({"resourceLogs": _group([(log, _encode_log(log)) for log in logs], "scopeLogs", "logRecords")})


def encode_any_value(value: Any) -> dict[str, Any]:
    """Return a value that `decode_attributes` gave as an AnyValue."""
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return {"intValue": str(value)}
        return {"stringValue": str(value), ORIGINAL_TYPE: INTEGER_TYPE}
    if isinstance(value, float):
        return {"doubleValue": encode_double(value)}
    if isinstance(value, bytes):
        return {"bytesValue": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": encode_map(value)}}
    return {"arrayValue": {"values": [encode_any_value(item) for item in value]}}


def encode_map(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return attributes as a list of `KeyValue`."""
    return [{"key": key, "value": encode_any_value(value)} for key, value in attributes.items()]


def encode_double(value: float) -> float | str:
    """Return a floating-point number as JSON has it: by its name if that has none."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def without_none(**fields: Any) -> dict[str, Any]:
    """Return the fields that are set."""
    return {name: value for name, value in fields.items() if value is not None}


def dump_message(message: dict[str, Any]) -> bytes:
    """Return a message as one line, without the line's end."""
    try:
        return orjson.dumps(message)
    except orjson.JSONEncodeError:  # too deep for orjson: each level of an attribute takes four here
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _encode_span(span: Row, events: Sequence[Row], links: Sequence[Row]) -> dict[str, Any]:
    status: dict[str, Any] = {"code": _CODES[span["status_code"]]} if span["status_code"] != "UNSET" else {}
    return without_none(
        traceId=span["trace_id"],
        spanId=span["span_id"],
        traceState=span["trace_state"],
        parentSpanId=span["parent_span_id"],
        flags=_encode_flags(span["trace_flags"], span["parent_is_remote"]),
        name=span["name"],
        kind=_KINDS[span["kind"]],
        startTimeUnixNano=str(span["start_time_unix_nano"]),
        endTimeUnixNano=str(span["end_time_unix_nano"]),
        attributes=_encode_attributes(span),
        droppedAttributesCount=span["dropped_attributes"] or None,
        events=[_encode_event(event) for event in events] or None,
        droppedEventsCount=span["dropped_events"] or None,
        links=[_encode_link(link) for link in links] or None,
        droppedLinksCount=span["dropped_links"] or None,
        status=status | without_none(message=span["status_description"]),
    )


def _encode_event(event: Row) -> dict[str, Any]:
    return without_none(
        timeUnixNano=str(event["start_time_unix_nano"]),
        name=restore_recorded(event["name"], event["recorded_name"]),
        attributes=_encode_attributes(event),
        droppedAttributesCount=event["dropped_attributes"] or None,
    )


def _encode_link(link: Row) -> dict[str, Any]:
    return without_none(
        traceId=link["linked_trace_id"],
        spanId=link["linked_span_id"],
        traceState=link["trace_state"],
        flags=_encode_flags(link["trace_flags"], link["is_remote"]),
        attributes=_encode_attributes(link),
        droppedAttributesCount=link["dropped_attributes"] or None,
    )


def _encode_log(log: Row) -> dict[str, Any]:
    return without_none(
        # A time from elsewhere is not the record's own, which is all that OTLP knows.
        timeUnixNano=str(log["start_time_unix_nano"]) if log["time_source"] == "record" else None,
        observedTimeUnixNano=str(log["observed_time_unix_nano"]),
        severityNumber=log["severity_number"],
        severityText=log["severity_text"],
        eventName=restore_recorded(log["event_name"], log["recorded_event_name"]) or None,
        body=None if log["body"] is None else encode_any_value(_decode(log["body"], log["body_type"])),
        attributes=_encode_attributes(log),
        droppedAttributesCount=log["dropped_attributes"] or None,
        flags=log["trace_flags"],
        traceId=log["trace_id"],
        spanId=log["span_id"],
    )


def _group(records: Iterable[tuple[Row, dict[str, Any]]], middle: str, bottom: str) -> list[dict[str, Any]]:
    """Return the records grouped by resource and scope, in the order in which these first occur."""
    resources: dict[Any, dict[Any, tuple[Row, list[dict[str, Any]]]]] = {}
    for row, record in records:
        resource, scope = tuple(row[name] for name in _CONTEXT[:3]), tuple(row[name] for name in _CONTEXT[3:])
        scopes = resources.setdefault(resource, {})
        scopes.setdefault((row["scope_name"], row["scope_version"], *scope), (row, []))[1].append(record)
    return [
        without_none(
            resource={"attributes": _decode_map(text, types)},
            **{middle: [_encode_scope(row) | {bottom: grouped} for row, grouped in scopes.values()]},
            schemaUrl=schema_url or None,
        )
        for (schema_url, text, types), scopes in resources.items()
    ]


def _encode_scope(row: Row) -> dict[str, Any]:
    if row["scope_name"] is None:
        return {}
    attributes = _decode_map(row["scope_attributes"], row["scope_attribute_types"])
    scope = without_none(name=row["scope_name"], version=row["scope_version"], attributes=attributes or None)
    return without_none(scope=scope, schemaUrl=row["scope_schema_url"] or None)


def _encode_attributes(row: Row) -> list[dict[str, Any]] | None:
    return _decode_map(row["attributes"], row["attribute_types"]) or None


def _decode(text: str, types: str | None) -> Any:
    return decode_value(text, types, restore_keys=True)


def _decode_map(text: str, types: str | None) -> list[dict[str, Any]]:
    return encode_map(_decode(text, types))


def _encode_flags(trace_flags: int, is_remote: int | None) -> int:
    return trace_flags | _HAS_IS_REMOTE | (_IS_REMOTE if is_remote else 0)
