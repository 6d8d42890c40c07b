# SPDX-License-Identifier: Apache-2.0
"""Puts an event together again from its rows in an attribute-row file. Pure.

The row of the event, the rows that say more of it, and their attributes become one mapping of attributes.
`columns.json` says which column stands for which attribute. Other columns are kept as `legacy.TABLE.COLUMN` unless they
are NULL, and so is a value that differs from another of the same name.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from importlib.resources import files
from typing import Any, NamedTuple

from otel_sqlite_exporter.imports.event_records import ORIGINAL, EventRecord
from otel_sqlite_exporter.imports.timestamps import parse_timestamp
from otel_sqlite_exporter.legacy.layout import TRIGGERS, normalise_key
from otel_sqlite_exporter.legacy.legacy_values import read_json

NAMESPACE = "legacy."
"""Prefix of attributes that keep columns of the layout without an attribute of their own."""
_DATA = json.loads(files(__package__).joinpath("columns.json").read_text(encoding="utf-8"))
_ATTRIBUTES: dict[str, dict[str, str]] = _DATA["attributes"]
_JSON_COLUMNS, _BOOLEAN_COLUMNS = frozenset(_DATA["json"]), frozenset(_DATA["boolean"])
_EVENT_FIELDS = frozenset(("rowid", *EventRecord._fields)) - {"attributes"}
_EXPANDED = ("raw_attributes", "attributes")
_NAMES = {
    "tool_interactions": "tool.execution",
    "security_alerts": "security.alert",
    "framework_events": "framework.event",
}
_CALL = "llm.call."
_OTHER_TIMES = ("timestamp", "detection_timestamp", "detection_time", "request_timestamp", "response_timestamp")
_OTHER_TIME_ATTRIBUTES = ("llm.request.timestamp", "llm.response.timestamp", "timestamp", "security.detection_time")


class Detail(NamedTuple):
    """A row that says more of an event: its table, its columns, and its attributes: each with the table it is from, its
    name, and its value."""

    table: str
    columns: Mapping[str, Any]
    attributes: list[tuple[str, str, Any]]


def build_record(
    event: Mapping[str, Any], details: Sequence[Detail], zone: tzinfo | None, counts: Counter[str]
) -> tuple[EventRecord, str | None]:
    """Return the event of these rows, and the source of its time (None: its own column). `event` is empty if the file
    does not have the event that the details refer to. Counts repairs, sources of sessions and sources of times."""
    attributes: dict[str, Any] = {}
    seen: Counter[str] = Counter()
    for table, columns, rows in details:
        seen[table] += 1
        prefix = f"{NAMESPACE}{table}." if seen[table] == 1 else f"{NAMESPACE}{table}.{seen[table]}."
        _add_attributes(attributes, rows, counts)
        _add_columns(attributes, prefix, table, columns, counts)
        own = event.get("id", event.get("event_id"))
        if attributes.get(f"{prefix}event_id") == own and own is not None:
            del attributes[f"{prefix}event_id"]
    _add_columns(attributes, f"{NAMESPACE}events.", "events", event, counts, skipped=_EVENT_FIELDS)
    raw = attributes.get(f"{NAMESPACE}events.raw_data")
    if isinstance(raw, dict) and isinstance(raw.get("attributes"), dict):
        for name, value in raw["attributes"].items():
            attributes.setdefault(str(name), value)
    time, source = _find_time(event, details, attributes, zone, counts)
    session = _find_session(event, details, attributes, counts)
    fields: dict[str, Any] = {field: event.get(field) for field in EventRecord._fields}
    fields |= {"name": _find_name(event, details), "agent_id": normalise_key(event.get("agent_id"))}
    fields |= {"timestamp": time, "session_id": session, "attributes": attributes}
    return EventRecord(**fields), source


def find_attribute(attributes: Mapping[str, Any], table: str, column: str, value: Any) -> bool:
    """Return whether the attributes of a record hold this value of a column, under any name."""
    if column in _EXPANDED and isinstance(read := read_json(value, Counter()), dict):
        left = attributes.get(f"{NAMESPACE}{table}.{column}", {})
        return all(
            any(_is_same(item, kept.get(str(name))) for kept in (attributes, left)) for name, item in read.items()
        )
    names = [f"{NAMESPACE}{table}.{column}", _ATTRIBUTES.get(table, {}).get(column, ""), f"{ORIGINAL}{column}"]
    names += [name for name in attributes if name.startswith(f"{NAMESPACE}{table}.") and name.endswith(f".{column}")]
    kept_values = [attributes[name] for name in names if name in attributes]
    return any(_is_same(value, kept) or value == kept or read_json(value, Counter()) == kept for kept in kept_values)


def keep_columns(table: str, row: Mapping[str, Any], counts: Counter[str]) -> dict[str, Any]:
    """Return the columns of a row as attributes `legacy.TABLE.COLUMN`."""
    attributes: dict[str, Any] = {}
    _add_columns(attributes, f"{NAMESPACE}{table}.", table, row, counts)
    return attributes


def _add_attributes(attributes: dict[str, Any], rows: Sequence[tuple[str, str, Any]], counts: Counter[str]) -> None:
    """Add attribute rows. If a name occurs twice, the last value counts, and different ones are kept beside it."""
    for table, name, value in rows:
        if table == TRIGGERS:
            attributes.setdefault(f"{NAMESPACE}{TRIGGERS}", []).append(value)
        elif name in attributes and not _is_same(attributes[name], value):
            counts["repaired.name given twice"] += 1
            attributes.setdefault(f"{NAMESPACE}{table}.{name}", []).append(attributes[name])
            attributes[name] = value
        else:
            attributes[name] = value


def _add_columns(
    attributes: dict[str, Any],
    prefix: str,
    table: str,
    columns: Mapping[str, Any],
    counts: Counter[str],
    skipped: frozenset[str] = frozenset(("rowid",)),
) -> None:
    names = _ATTRIBUTES.get(table, {})
    for column, value in columns.items():
        if value is None or column in skipped:
            continue
        if column in _JSON_COLUMNS and isinstance(value, str) and value.lstrip()[:1] in ("{", "[", '"'):
            value = read_json(value, counts)
        elif column in _BOOLEAN_COLUMNS and value in (0, 1):
            value = bool(value)
        if column in _EXPANDED and isinstance(value, dict):
            left = {str(name): item for name, item in value.items() if not _fill(attributes, str(name), item)}
            if left:
                attributes[f"{prefix}{column}"] = left
        elif column not in names or not _fill(attributes, names[column], value):
            attributes[f"{prefix}{column}"] = value


def _fill(attributes: dict[str, Any], name: str, value: Any) -> bool:
    """Set an attribute that has no value; return whether it has this value now."""
    if attributes.get(name) is None:
        attributes[name] = value
    return _is_same(attributes[name], value)


def _is_same(one: Any, other: Any) -> bool:
    """Whether two values are equal as JSON: 1 equals 1.0, but not True."""
    return bool(isinstance(one, bool) == isinstance(other, bool) and one == other)


def _find_name(event: Mapping[str, Any], details: Sequence[Detail]) -> str:
    if event.get("name"):
        return str(event["name"])
    for table, columns, _ in details:
        if table == "llm_interactions":
            return f"{_CALL}{columns.get('interaction_type') or 'finish'}"
        if table in _NAMES:
            return _NAMES[table]
    return "unknown"


def _find_session(
    event: Mapping[str, Any], details: Sequence[Detail], attributes: Mapping[str, Any], counts: Counter[str]
) -> Any:
    if event.get("session_id") is not None:
        counts["sessions.events.session_id"] += 1
        return event["session_id"]
    if attributes.get("session.id") is not None:
        counts["sessions.session.id"] += 1
        return None
    for table, columns, _ in details:
        if columns.get("session_id") is not None:
            counts[f"sessions.{table}.session_id"] += 1
            return columns["session_id"]
    counts["sessions.none"] += 1
    return None


def _find_time(
    event: Mapping[str, Any],
    details: Sequence[Detail],
    attributes: dict[str, Any],
    zone: tzinfo | None,
    counts: Counter[str],
) -> tuple[Any, str | None]:
    """Return the time of a record and its source. A request or response of a model, as its row or else the name of the
    event says, has a column of its own, else the attribute counts, else the time of the event. Any other event has its
    own time, else that of one of its details."""
    own = event.get("timestamp")
    named = str(event.get("name") or "").lower()
    of_name = named.removeprefix(_CALL) if named.startswith(_CALL) else None
    rows = [row.columns for row in details if row.table == "llm_interactions"]
    calls = [(columns, columns.get("interaction_type") or of_name) for columns in rows]
    columns, phase = next((call for call in calls if call[1]), ({}, None))
    candidates: list[tuple[Any, str | None]]
    if phase:
        kind = "request" if str(phase).lower() == "start" else "response"
        reported = attributes.get(f"llm.{kind}.timestamp")
        candidates = [(columns.get(f"{kind}_timestamp"), None), (reported, "attribute"), (own, "event")]
    else:
        kind = "event"
        others = [row.columns.get(column) for row in details for column in _OTHER_TIMES]
        others += [attributes.get(name) for name in _OTHER_TIME_ATTRIBUTES]
        candidates = [(own, None), *((value, "attribute") for value in others)]
    for value, source in candidates:
        time = parse_timestamp(value, zone)
        if time is not None:
            counts[f"timestamps.{kind} from {source or 'column'}"] += 1
            if own is not None and parse_timestamp(own, zone) != time:
                attributes[f"{NAMESPACE}events.timestamp"] = own
            return value, source
    counts[f"timestamps.{kind} from arrival"] += 1
    return own, None
