# SPDX-License-Identifier: Apache-2.0
"""Recognises OTLP's JSON in the forms in which it is written: whole messages, their parts, older names of fields, and
the fields' names of the protobuf files. Pure.

Sources: the OTLP specification; Tempo's `/api/traces` (`batches`); Java's logging-otlp exporter (a part of a message a
line); Phoenix's `/spans/otlpv1` (spans with the names of the protobuf files); opentelemetry-proto before 0.15
(`instrumentationLibrarySpans`) and 0.8 (`instrumentationLibrary`).
"""

from __future__ import annotations

import re
from typing import Any

from otel_sqlite_exporter.imports.formats.otlp_parts import Message, encode_attributes_object
from otel_sqlite_exporter.otlp.metric_messages.metric_kinds import FORMS
from otel_sqlite_exporter.otlp.otlp_decoder import find_signals

_RENAMED = {
    "instrumentationLibrarySpans": "scopeSpans",
    "instrumentationLibraryLogs": "scopeLogs",
    "instrumentationLibraryMetrics": "scopeMetrics",
    "instrumentationLibrary": "scope",
    "logs": "logRecords",
}
_SNAKE = re.compile("_([a-z])")
_SNAKE_FIELDS = (
    *("resource_spans", "resource_logs", "resource_metrics", "resource_profiles"),
    *("scope_spans", "scope_logs", "scope_metrics", "instrumentation_library_spans", "instrumentation_library_logs"),
    *("start_time_unix_nano", "observed_time_unix_nano", "time_unix_nano"),
)
_GROUPS = {
    "scopeSpans": "resourceSpans",
    "scopeLogs": "resourceLogs",
    "scopeMetrics": "resourceMetrics",
    "scopeProfiles": "resourceProfiles",
}
_SCOPED = {
    "spans": ("scopeSpans", "resourceSpans"),
    "logRecords": ("scopeLogs", "resourceLogs"),
    "metrics": ("scopeMetrics", "resourceMetrics"),
}
_SPAN_FIELDS, _LOG_FIELDS = {"traceId", "spanId", "startTimeUnixNano"}, {"observedTimeUnixNano", "timeUnixNano"}


def is_otlp(value: dict[str, Any]) -> bool:
    """Whether this is an OTLP message, or a part of one."""
    return _find_form(value) is not None


def read_otlp(value: dict[str, Any]) -> Message:
    """Return the message that holds all of a value for which `is_otlp` holds."""
    form = _find_form(value)
    assert form is not None
    return form


def _find_form(value: dict[str, Any]) -> Message | None:
    if not value.keys().isdisjoint(_SNAKE_FIELDS):
        value = _use_json_names(value)
    if find_signals(value):
        return _use_new_names(value)
    if isinstance(value.get("batches"), list):
        return _use_new_names({"resourceSpans": value["batches"]})
    renamed = _rename(value)
    for group, top in _GROUPS.items():
        if group in renamed:
            return _use_new_names({top: [value]})
    for records, (group, top) in _SCOPED.items():
        if isinstance(renamed.get(records), list) and isinstance(renamed.get("scope"), dict):
            return {top: [{group: [renamed]}]}
    if value.keys() >= _SPAN_FIELDS:
        return {"resourceSpans": [{"scopeSpans": [{"spans": [_use_lists(value)]}]}]}
    if not value.keys().isdisjoint(_LOG_FIELDS):
        return {"resourceLogs": [{"scopeLogs": [{"logRecords": [_use_lists(value)]}]}]}
    data = [value[field] for field in FORMS if isinstance(value.get(field), dict)]
    if "name" in value and any(isinstance(one.get("dataPoints"), list) for one in data):
        return {"resourceMetrics": [{"scopeMetrics": [{"metrics": [value]}]}]}
    return None


def _use_new_names(message: Message) -> Message:
    """Return a message whose groups have the names of today; itself if they have."""
    changed = {}
    for top in ("resourceSpans", "resourceLogs"):
        groups = message.get(top)
        if isinstance(groups, list) and any(isinstance(group, dict) and _is_old(group) for group in groups):
            changed[top] = [_rename_group(group) if isinstance(group, dict) else group for group in groups]
    return {**message, **changed} if changed else message


def _is_old(group: dict[str, Any]) -> bool:
    return "instrumentationLibrarySpans" in group or "instrumentationLibraryLogs" in group


def _rename_group(group: dict[str, Any]) -> dict[str, Any]:
    both = {}
    for old in ("instrumentationLibrarySpans", "instrumentationLibraryLogs"):
        new, parts = _RENAMED[old], group.get(old)
        if isinstance(parts, list):
            renamed = [_rename(part) if isinstance(part, dict) else part for part in parts]
            today = group.get(new)
            both[new] = [*today, *renamed] if isinstance(today, list) else renamed  # some programs write both names
    return {**{key: part for key, part in group.items() if _RENAMED.get(key) not in both}, **both}


def _rename(value: dict[str, Any]) -> dict[str, Any]:
    if value.keys().isdisjoint(_RENAMED):
        return value
    return {_RENAMED.get(key, key): part for key, part in value.items()}


def _use_lists(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "attributes": encode_attributes_object(record.get("attributes"))}


def _use_json_names(value: Any) -> Any:
    """Return `value` with the names of OTLP's JSON. Attributes are lists, so no object has keys of a user."""
    if isinstance(value, list):
        return [_use_json_names(item) for item in value]
    if isinstance(value, dict):
        return {_SNAKE.sub(lambda found: found[1].upper(), key): _use_json_names(part) for key, part in value.items()}
    return value
