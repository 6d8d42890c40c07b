# SPDX-License-Identifier: Apache-2.0
"""`get_item`: one thing whole, its long fields by windows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson

from otel_sqlite_exporter.agent_tools.answers import Answer, Json, cut_text, shorten, write_json
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_arguments import ToolArguments
from otel_sqlite_exporter.errors import FilterError, NotFoundError
from otel_sqlite_exporter.query.askable_views import (
    LLM_INTERACTIONS,
    LOGS,
    SESSIONS,
    SPANS,
    TOOL_INTERACTIONS,
    TRACES,
    AskableView,
)
from otel_sqlite_exporter.query.conversations.conversation_reader import find_target
from otel_sqlite_exporter.query.reading import fetch, get_first, iterate_rows
from otel_sqlite_exporter.query.sql_builder import Select, build_newest
from otel_sqlite_exporter.sql.texts import read_query

_OF_ROW: Mapping[str, AskableView[Any]] = {"llm": LLM_INTERACTIONS, "tool": TOOL_INTERACTIONS, "log": LOGS}
_METRIC = "metric"
_DIGITS = 18
_JSON = ("attributes", "scope_attributes", "resource_attributes")
_MOST_FIELDS, _LONGEST_FIELD = 5_000, 2_000


def get_item(asked: AskedFile, arguments: ToolArguments) -> Answer:
    """Return the fields of one thing, or a window of one of its fields."""
    id, fields = _read_metric(asked, arguments["id"]) or asked.file.read(_read_item, arguments["id"])
    offset = arguments["offset"]
    if arguments["field"] is not None:
        return _show_window(id, fields, arguments["field"], offset, arguments.most_bytes)
    most = min(2_000, arguments.most_bytes // 8)
    found = [
        _show_field(path, value, most) for path, value in islice(_flatten(fields, most), offset, offset + _MOST_FIELDS)
    ]

    def describe_rest(shown: int) -> Json:
        return {"left_out": "more fields: give next_offset as offset", "next_offset": offset + shown}

    head = {"id": shorten(id, most), "columns": ("field", "value", "chars", "next_offset")}
    tail = describe_rest(len(found)) if len(found) == _MOST_FIELDS else {}
    return Answer(head, "fields", found, describe_rest, tail)


def _read_metric(asked: AskedFile, text: str) -> tuple[str, Json] | None:
    """Return a metric that an id names, and its fields; None: the id is of something else."""
    kind, _, name = text.partition(":")
    return (text, asked.database.get_metric(name).to_dict()) if kind == _METRIC and name else None


def _read_item(connection: sqlite3.Connection, text: str) -> tuple[str, Json]:
    """Return what an id names, in full, and its fields."""
    kind, _, number = text.partition(":")
    if kind == "log" and number.isascii() and number.isdecimal() and len(number) <= _DIGITS:
        target_kind, id, trace_id = "log", str(int(number)), None
    else:
        target_kind, id, trace_id = find_target(connection, text)
    if target_kind in _OF_ROW:
        view = _OF_ROW[target_kind]
        rows = fetch(connection, build_newest(view, ("*",), {}, among=f"[{id}]", limit=1))
        if not rows:
            raise NotFoundError(f"there is no log record {id}: find of=logs lists them")
        return f"{target_kind}:{id}", view.row_type.from_row(rows[0]).to_dict()
    if target_kind == "span":
        return f"{trace_id}/{id}", _read_span(connection, str(trace_id), id)
    of_id: AskableView[Any] = TRACES if target_kind == "trace" else SESSIONS
    if target_kind == "user":
        raise FilterError("id", "a user is no item: find of=sessions lists the sessions of users")
    return f"{target_kind}:{id}", get_first(connection, of_id, **{f"{target_kind}_id": id}).to_dict()


def _read_span(connection: sqlite3.Connection, trace_id: str, span_id: str) -> Json:
    place = {"trace_id": trace_id, "span_id": span_id}
    span = next(iter(iterate_rows(connection, SPANS, **place)), None)
    if span is None:
        raise NotFoundError(
            f"only log records tell of span {span_id}: find of=logs with filter span:{span_id} lists them"
        )
    record = SPANS.row_type.from_row(span)
    spans = {"spans": orjson.dumps([record.id]).decode()}
    recorded = [
        f"{kind}:{row['id']}"
        for kind, view in (("llm", LLM_INTERACTIONS), ("tool", TOOL_INTERACTIONS))
        for row in iterate_rows(connection, view, ("id",), **place)
    ]
    below = [
        row["span_id"]
        for row in iterate_rows(connection, SPANS, ("span_id",), trace_id=trace_id, parent_span_id=span_id)
    ]
    more = {
        "recorded": recorded,
        "children": below,
        "events": [_decode(row) for row in fetch(connection, Select(read_query("find_events_of_spans"), spans))],
        "links": [_decode(row) for row in fetch(connection, Select(read_query("find_links_of_spans"), spans))],
    }
    return record.to_dict() | {name: value for name, value in more.items() if value}


def _decode(row: Json) -> Json:
    row.pop("span")
    for column in _JSON:
        if isinstance(row.get(column), str):
            try:
                row[column] = orjson.loads(row[column])
            except orjson.JSONDecodeError:
                continue
    return row


def _flatten(value: Any, most: int, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the fields of a thing; of one that is too large for a row, its parts."""
    members: Sequence[tuple[Any, Any]] = [*value.items()] if isinstance(value, dict) else [*enumerate(value)]
    for key, one in members:
        name = f"{path}.{key}" if path else str(key)
        if one is None:
            continue
        if (
            isinstance(one, (dict, list))
            and one
            and ((not path and isinstance(one, dict)) or len(orjson.dumps(one)) > most)
        ):
            yield from _flatten(one, most, name)
        else:
            yield name, one


def _show_field(path: str, value: Any, most: int) -> list[Any]:
    name = shorten(path, 300)
    if not isinstance(value, str) or (kept := cut_text(value, most)) == value:
        return [name, value]
    return [name, kept, len(value), len(kept)]


def _show_window(id: str, fields: Json, field: str, offset: int, most_bytes: int) -> Answer:
    if len(field) > _LONGEST_FIELD:
        raise FilterError("field", "it is too long: give the name of a field, as the item shows it")
    value = _find_field(fields, field.split("."), set())
    if value is None:
        known = shorten(", ".join(name for name, one in fields.items() if one is not None), 600)
        raise NotFoundError(f"{id} has no field {field[:80]!r}: its fields are {known}")
    text = value if isinstance(value, str) else write_json(value)
    if offset > len(text):
        raise FilterError("offset", f"the field has {len(text)} characters: give less")
    kept = cut_text(text[offset : offset + most_bytes], most_bytes - 900)
    following = offset + len(kept)
    head: Json = {
        "id": shorten(id, 300),
        "field": shorten(field, 300),
        "chars": len(text),
        "offset": offset,
        "text": kept,
    }
    if not isinstance(value, str):
        head["is_json"] = True
    return Answer(head | ({"next_offset": following} if following < len(text) else {}))


def _find_field(value: Any, parts: Sequence[str], failed: set[tuple[int, int]]) -> Any:
    """Return what stands under a path, None if nothing does. A key may hold dots. `failed`: paths that lead nowhere."""
    if not parts or (place := (id(value), len(parts))) in failed:
        return None if parts else value
    if isinstance(value, list):
        number = parts[0]
        is_there = number.isascii() and number.isdecimal() and len(number) <= _DIGITS and int(number) < len(value)
        return _find_field(value[int(number)], parts[1:], failed) if is_there else None
    if isinstance(value, dict):
        for length in range(len(parts), 0, -1):
            key = ".".join(parts[:length])
            if key in value and (found := _find_field(value[key], parts[length:], failed)) is not None:
                return found
    failed.add(place)
    return None
