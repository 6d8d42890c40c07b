# SPDX-License-Identifier: Apache-2.0
"""The answers about one thing: a session, a trace, a span, a call, a tool execution."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import orjson

from otel_sqlite_exporter.errors import FilterError, NotFoundError
from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS, TOOL_INTERACTIONS, AskableView
from otel_sqlite_exporter.query.exports.exported_pieces import ExportedPiece
from otel_sqlite_exporter.query.exports.otlp_export import read_export
from otel_sqlite_exporter.query.pages import RowT, decode_json
from otel_sqlite_exporter.query.position_texts import decode_position, encode_position
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.session_parts.session_usage import read_usage
from otel_sqlite_exporter.query.skeletons.span_marks import MOST_MARKS
from otel_sqlite_exporter.query.sql_builder import Select, build_newest
from otel_sqlite_exporter.query.timeline import read_timeline
from otel_sqlite_exporter.server.api.api_answers import DataAnswer, StreamedAnswer
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.sql.texts import read_query

_MOST_TURNS = 100_000
_MOST_BESIDE = 500
"""The most events, links, calls and tools of one span each."""
_PREFIXES = {"traces": b'{"resourceSpans":[', "logs": b'{"resourceLogs":['}


def get_session(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with one session."""
    return DataAnswer(backend.database.get_session(arguments["id"]).to_dict())


def list_steps(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with steps of a session."""
    timeline = read_timeline(
        backend.database,
        arguments["id"],
        limit=arguments["limit"],
        counted=True if arguments["counted"] else None,
        cursor=arguments.get("cursor"),
    )
    return DataAnswer([*map(asdict, timeline.steps)], timeline.cursor, timeline.total, timeline.cursor is not None)


def list_messages(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with turns of the conversation of a session. What turns before say is left out, so those are read too."""
    given = _decode_turns(arguments.get("cursor"))
    last = given + arguments["limit"]
    session_id = backend.database.resolve_session_id(arguments["id"])
    whole = backend.database.get_conversation(f"session:{session_id}", limit=last + 1).to_dict()
    following = encode_position(["turns", last]) if len(whole["turns"]) > last else None
    data = {**whole, "turns": whole["turns"][given:last]}
    del data["total"]
    return DataAnswer(data, following, whole["total"], following is not None)


def _decode_turns(cursor: str | None) -> int:
    if cursor is None:
        return 0
    match decode_position(cursor):
        case ["turns", int(turns)] if 0 <= turns <= _MOST_TURNS:
            return turns
    raise FilterError("cursor", "it is not from messages of this session: give the `cursor` of such messages")


def sum_usage(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with the tokens and the cost of a session, by one or two groups."""
    session_id = backend.database.resolve_session_id(arguments["id"])
    usage = backend.file.read(read_usage, session_id, arguments["group_by"])
    return DataAnswer(usage.rows, None, usage.total, usage.total != len(usage.rows))


def get_skeleton(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with a trace as columns."""
    skeleton = backend.read_skeleton(arguments["id"])
    note = None if skeleton.is_whole else f"of the events and log records of spans, {MOST_MARKS:,} are among the marks"
    return DataAnswer(skeleton.to_dict(), total=len(skeleton), truncated=not skeleton.is_whole, note=note)


def get_span(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with one span, and what hangs on it."""
    span = backend.database.get_span(arguments["id"], arguments["span"])
    beside, is_cut = backend.file.read(_read_beside, span.id)
    of_span: dict[str, Any] = {"trace_id": span.trace_id, "span_id": span.span_id, "limit": _MOST_BESIDE}
    calls = backend.database.find_llm_interactions(**of_span, newest_first=False)
    tools = backend.database.find_tool_interactions(**of_span, newest_first=False)
    data = {**span.to_dict(), **beside, "llm_interactions": calls.to_dicts(), "tool_interactions": tools.to_dicts()}
    return DataAnswer(data, truncated=is_cut or calls.cursor is not None or tools.cursor is not None)


def _read_beside(connection: sqlite3.Connection, span: int) -> tuple[dict[str, Any], bool]:
    """Return the events and links of a span, as the SDK recorded them, and whether there are more."""
    parameters = {"spans": orjson.dumps([span]).decode()}
    found = {
        name: fetch(connection, Select(read_query(query), parameters))
        for name, query in (("events", "find_events_of_spans"), ("links", "find_links_of_spans"))
    }
    kept = {name: [_decode_row(row) for row in rows[:_MOST_BESIDE]] for name, rows in found.items()}
    return kept, any(len(rows) > _MOST_BESIDE for rows in found.values())


def _decode_row(row: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name not in ("span", "recorded_name")}
    return shown | {name: decode_json(row[name]) for name in ("attributes", "attribute_types")}


def find_row(connection: sqlite3.Connection, view: AskableView[RowT], noun: str, id: int) -> RowT:
    """Return the row of a view that has an id, or that shows what was recorded with this id.

    Raises:
        NotFoundError: There is none.
    """
    for asked in (id, None):
        shown = _find_showing(connection, view, id) if asked is None else asked
        rows = [] if shown is None else fetch(connection, build_newest(view, ("*",), {}, among=f"[{shown}]", limit=1))
        if rows:
            return view.row_type.from_row(rows[0])
    raise NotFoundError(f"there is no {noun} {id} in this file, or no longer: look for it in the list of all")


def _find_showing(connection: sqlite3.Connection, view: AskableView[Any], id: int) -> int | None:
    """Return the id of the row that shows a start record with its finish, or another telling of the same execution."""
    found = connection.execute(read_query("find_showing_row"), {"view": view.name, "id": id}).fetchone()
    return None if found is None else found[0]


def get_row(view: AskableView[Any], noun: str) -> Callable[[ApiBackend, Arguments], DataAnswer]:
    """Return what answers with the row of a view that has an id."""
    return lambda backend, arguments: DataAnswer(backend.file.read(find_row, view, noun, arguments["id"]).to_dict())


get_call = get_row(LLM_INTERACTIONS, "call")
get_tool = get_row(TOOL_INTERACTIONS, "tool execution")


def get_otlp(backend: ApiBackend, arguments: Arguments) -> StreamedAnswer:
    """Answer with a trace as one OTLP message."""
    trace_id = backend.database.resolve_trace_id(arguments["id"])
    signal = arguments["signal"]
    lines = read_export(backend.file, trace_id=trace_id, signal=signal)
    return StreamedAnswer("application/json", _join_lines(lines, _PREFIXES[signal]), f"{trace_id}.json")


def _join_lines(lines: Iterator[ExportedPiece], prefix: bytes) -> Iterator[bytes]:
    """Yield the messages of all lines as one message."""
    yield prefix
    is_first = True
    for line in lines:
        content = line.content.strip()
        inner = content.removeprefix(prefix).removesuffix(b"]}")
        if inner:
            yield inner if is_first else b"," + inner
            is_first = False
    yield b"]}"
