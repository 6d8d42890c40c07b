# SPDX-License-Identifier: Apache-2.0
"""Reads lines of event logs: JSON objects `{schema_version, timestamp, trace_id, span_id, parent_span_id, name, level,
attributes, agent_id}`. Other keys become attributes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otel_sqlite_exporter.imports.event_records import EventReader, EventRecord
from otel_sqlite_exporter.model.signals import LogFields, ScopeFields
from otel_sqlite_exporter.otlp.message_levels import UnreadableRecord

EVENT_LOG_SCOPE = ScopeFields("event log")
"""The instrumentation scope of the records of event logs."""


def is_event(value: Any) -> bool:
    """Return whether a parsed JSON value is a line of an event log."""
    return isinstance(value, dict) and "name" in value and "timestamp" in value


def read_event(event: Mapping[str, Any], reader: EventReader) -> LogFields | UnreadableRecord:
    """Return the fields of the log record of a line, as `reader` reads its event. Never raises."""
    name, attributes = event["name"], event.get("attributes")
    if not isinstance(name, str) or not isinstance(attributes, (dict, type(None))):
        return UnreadableRecord(event, "its name is not text, or its attributes are not an object")
    others = {key: value for key, value in event.items() if key not in EventRecord._fields}
    fields: dict[str, Any] = {field: event.get(field) for field in EventRecord._fields}
    fields["attributes"] = {**others, **(attributes or {})}
    return reader.read(EventRecord(**fields))
