# SPDX-License-Identifier: Apache-2.0
"""`wait_for`: what appeared or ended since it was called, or since a time. Each look is a short read of its own, so
that no transaction is held while it waits."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from otel_sqlite_exporter.agent_tools.answering.finding import read_filters
from otel_sqlite_exporter.agent_tools.answering.record_rows import KINDS, RecordKind, make_rows
from otel_sqlite_exporter.agent_tools.answers import Answer, Json
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_arguments import ToolArguments
from otel_sqlite_exporter.errors import FileRefusedError
from otel_sqlite_exporter.query.askable_views import CHOICES, AskableView
from otel_sqlite_exporter.query.filter_values import parse_time
from otel_sqlite_exporter.query.pages import field_types
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import build_newest
from otel_sqlite_exporter.storage.identity import identify_file

PAUSE_S = 0.3
"""Between two looks."""
_QUIET_S = 1.0
"""A trace or a session of which nothing runs has ended when nothing was written to it for so long: without
`SQLiteSpanProcessor`, a span is not known to run, and the root comes last."""
_GROWING = ("traces", "sessions")
_LOOKED_AT = ("start_time_unix_nano", "end_time_unix_nano", "status", "spans", "logs")
_MOST = 50
_MOST_RUNNING = 500
_RUNNING = "running"
_ENDED = tuple(status for status in CHOICES["status"] if status != _RUNNING)


@dataclass(slots=True)
class WaitState:
    """One wait.

    Attributes:
        after: The highest id when it began, and the ids of what ran then; None: the first look is yet to come.
        seen: What each candidate looked like, and since when it has looked so, in seconds of the monotonic clock.
    """

    arguments: ToolArguments
    deadline: float
    after: int | None = None
    running: frozenset[int] = frozenset()
    since: int | None = None
    seen: dict[int, tuple[Any, float]] = field(default_factory=dict)


def start_waiting(arguments: ToolArguments) -> WaitState:
    """Return the state of a wait that begins now.

    Raises:
        FilterError: `since` is no time, or the filter cannot be used.
    """
    build_newest(KINDS[arguments["of"]].view, ("id",), read_filters(arguments), limit=1)  # before there is a file
    since = None if arguments["since"] is None else parse_time("since", arguments["since"])
    return WaitState(arguments, time.monotonic() + arguments["timeout_s"], since=since)


def look(asked: AskedFile, state: WaitState) -> Answer | None:
    """Look once: return the answer if something matches, or if the time is up; else None.

    Raises:
        FilterError: The filter cannot be used.
        FileRefusedError: The file cannot be read, or is still missing when the time is up.
    """
    is_over = time.monotonic() >= state.deadline
    kind = KINDS[state.arguments["of"]]
    try:
        records = asked.file.read(_look, kind, state, is_over=is_over)
    except FileRefusedError:
        if is_over or (state.after is None and not _is_to_be_made(asked)):
            raise
        state.after, state.running, records = 0, frozenset(), []  # the program that is waited for makes the file
    ready = [record for record in records if _is_ready(state, record)]
    if not ready and not is_over:
        return None
    shown = ready or records
    rows = make_rows(kind, shown, state.arguments.text_bytes)
    head: Json = {"found": len(ready), "columns": [*kind.columns]}
    if not ready:
        head["note"] = (
            "the time is up, and these had not ended: call wait_for again, or open them"
            if records
            else "the time is up, and nothing matched: call wait_for again, with since if it may have happened before"
        )
    return Answer(head, "rows", rows, lambda count: {"left_out": f"{len(rows) - count} rows: find lists them"})


def _is_to_be_made(asked: AskedFile) -> bool:
    """Return whether there is no file, or one that a program has begun to make."""
    return not identify_file(asked.file.path, busy_timeout_ms=asked.busy_timeout_ms)[1]


def _look(connection: sqlite3.Connection, kind: RecordKind, state: WaitState, *, is_over: bool) -> list[Any]:
    """Return what matches and is new, or ran when the wait began, or began since the time that was given. Of an end,
    what still runs is left out, as it may be more than is read; if there is nothing else when the time is up, that."""
    view = kind.view
    filters = {name: value for name, value in read_filters(state.arguments).items() if name != "since"}
    if state.after is None:
        state.after = _find_last(connection, view)
        state.running = _find_running(connection, view)
    if state.arguments["event"] != "ends" or "status" not in view.arguments:
        return _find(connection, kind, filters, state)
    ended = _find(connection, kind, filters | {"status": _ENDED}, state)
    return ended if ended or not is_over else _find(connection, kind, filters, state)


def _find(connection: sqlite3.Connection, kind: RecordKind, filters: Mapping[str, Any], state: WaitState) -> list[Any]:
    found: dict[int, Any] = {}
    _add(connection, kind, found, filters, after=state.after or 0)
    if state.running:
        _add(connection, kind, found, filters, among=orjson.dumps(sorted(state.running)).decode())
    if state.since is not None:
        _add(connection, kind, found, {**filters, "since": state.since}, after=0)
    return list(found.values())


def _add(
    connection: sqlite3.Connection, kind: RecordKind, found: dict[int, Any], filters: Mapping[str, Any], **of: Any
) -> None:
    row_type = kind.view.row_type
    columns = {*kind.read_columns, *(column for column in _LOOKED_AT if column in field_types(row_type))}
    for row in fetch(connection, build_newest(kind.view, sorted(columns), filters, limit=_MOST, **of)):
        found[row["id"]] = row_type.from_row(row)


def _find_last(connection: sqlite3.Connection, view: AskableView[Any]) -> int:
    rows = fetch(connection, build_newest(view, ("id",), {}, limit=1))
    return rows[0]["id"] if rows else 0


def _find_running(connection: sqlite3.Connection, view: AskableView[Any]) -> frozenset[int]:
    if "status" not in view.arguments:
        return frozenset()
    rows = fetch(connection, build_newest(view, ("id",), {"status": _RUNNING}, limit=_MOST_RUNNING))
    return frozenset(row["id"] for row in rows)


def _is_ready(state: WaitState, record: Any) -> bool:
    """Return whether a record is what is waited for."""
    ran_before = record.id in state.running and record.id <= (state.after or 0)
    if state.arguments["event"] == "appears":
        return not ran_before or (state.since is not None and record.start_time_unix_nano >= state.since)
    if getattr(record, "status", None) == _RUNNING:
        return False
    if state.arguments["of"] not in _GROWING:
        return True
    now = time.monotonic()
    looks = (record.spans, record.logs, record.end_time_unix_nano, record.status)
    before, since = state.seen.get(record.id, (None, now))
    if before != looks:
        state.seen[record.id] = (looks, now)
        is_old = (time.time_ns() - record.end_time_unix_nano) / 1e9 > 60  # imported, or read long after
        return is_old and state.since is not None
    return now - since >= _QUIET_S
