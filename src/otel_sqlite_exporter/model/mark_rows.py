# SPDX-License-Identifier: Apache-2.0
"""Pins and notes: the rows of `_marks`, and the log records in which they leave a file and come into another. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import UnreadableMarkError
from otel_sqlite_exporter.model.signals import LogFields
from otel_sqlite_exporter.model.values import LARGEST, encode_attributes, encode_trace_id, encode_value, repair_text

SCOPE = "otel_sqlite_exporter"
"""The scope of the log records that this package makes itself."""
PIN, NOTE = 0, 1
_EVENTS = {f"{SCOPE}.pin": PIN, f"{SCOPE}.note": NOTE}
SESSION_KEY, _IS_SET = "session.id", f"{SCOPE}.is_set"
LATEST_NS = LARGEST - 10**18
"""Later a mark cannot be said: so whoever takes one away can always do so later than that."""
LONGEST_LABEL, LONGEST_NOTE = 200, 10_000
"""Characters."""

_NONE = (
    *("span_id", "recorded_event_name", "severity_number", "severity_text", "trace_flags", "scope_version"),
    *("scope_schema_url", "scope_attribute_types", "resource_attribute_types"),
)


class MarkRow(NamedTuple):
    """A row of `_marks`: what was said last of one session or trace. One of the two ids is empty."""

    kind: int
    session_id: str
    trace_id: str
    is_set: int
    text: str
    time_unix_nano: int


def is_mark(fields: LogFields) -> bool:
    """Return whether a log record is a pin or a note that left a file of this package."""
    name = fields.event_name
    return type(name) is str and name in _EVENTS and getattr(fields.scope, "name", None) == SCOPE


def read_mark(fields: LogFields) -> MarkRow:
    """Return the row of a log record that is a mark.

    Raises:
        UnreadableMarkError: It is not as this package writes it, or what it is about was masked.
    """
    trace_id = encode_trace_id(fields.trace_id) or ""
    session_id, is_set = fields.attributes.get(SESSION_KEY, ""), fields.attributes.get(_IS_SET)
    time, text = fields.timestamp, fields.body
    if not isinstance(session_id, str) or bool(session_id) == bool(trace_id) or "\0" in session_id:
        raise UnreadableMarkError("a pin or note is of a session or of a trace, and this one does not say of which")
    if type(is_set) is not bool or type(time) is not int or not 0 <= time <= LATEST_NS:
        raise UnreadableMarkError("a pin or note without its time, or whether it is set")
    shown = repair_text(text)[0] if isinstance(text, str) else ""
    return MarkRow(_EVENTS[fields.event_name], repair_text(session_id)[0], trace_id, int(is_set), shown, time)


def write_mark(mark: MarkRow) -> dict[str, Any]:
    """Return the log record of a mark as a row of the view `logs`."""
    attributes: dict[str, Any] = {SESSION_KEY: mark.session_id} if mark.session_id else {}
    own = encode_attributes({**attributes, _IS_SET: bool(mark.is_set)})
    body = encode_value(mark.text)
    return {
        **dict.fromkeys(_NONE),
        "trace_id": mark.trace_id or None,
        "event_name": next(name for name, kind in _EVENTS.items() if kind == mark.kind),
        "body": body.text,
        "body_type": body.types,
        "start_time_unix_nano": mark.time_unix_nano,
        "observed_time_unix_nano": mark.time_unix_nano,
        "time_source": "record",
        "dropped_attributes": 0,
        "scope_name": SCOPE,
        "scope_attributes": "{}",
        "resource_schema_url": "",
        "resource_attributes": "{}",
        "attributes": own.text,
        "attribute_types": own.types,
    }
