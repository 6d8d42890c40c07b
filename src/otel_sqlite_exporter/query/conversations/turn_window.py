# SPDX-License-Identifier: Apache-2.0
"""A part of a conversation: some turns, read without the others. Of a long session, one call may hold all that was said
before it, so that reading all prompts takes the square of what was said."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.errors import NotFoundError
from otel_sqlite_exporter.query.conversations.conversation import Turn
from otel_sqlite_exporter.query.conversations.conversation_reader import (
    CALLS_AND_TOOLS,
    ConversationTarget,
    find_spans_below,
    find_target,
    make_turns,
)
from otel_sqlite_exporter.query.reading import TelemetryFile, fetch, iterate_rows
from otel_sqlite_exporter.query.sql_builder import build_newest

_BEFORE = 30
"""The turns before a window that are read to find what is new in it."""
_COLUMNS = ("id", "trace_id", "span_id", "session_id", "start_time_unix_nano")


class _Place(NamedTuple):
    start_time_unix_nano: int
    is_tool: bool
    id: int

    @property
    def kind(self) -> str:
        return "tool" if self.is_tool else "llm"


class TurnWindow(NamedTuple):
    """Turns of a conversation, in order of time.

    Attributes:
        kind, id: What the conversation is of: `session`, `trace`, `span` or `user`; `llm` or `tool` if it is one call
            or tool that is in no session and no trace, or does not count.
        first: The number of turns before the window.
        total: The number of all turns.
    """

    kind: str
    id: str
    first: int
    total: int
    turns: tuple[Turn, ...]


def read_window(
    connection: sqlite3.Connection, text: str, *, first: int | None = None, around: str | None = None, limit: int
) -> TurnWindow:
    """Return up to `limit` turns of what `text` names, from the one with the number `first` on; without, from two
    before `around`: a call, a tool, or a span that is one. A call or tool is shown alone, with what is new in it.

    Raises:
        NotFoundError: `text` or `around` names nothing of the kind, or several things; or `around` is not in it.
    """
    target = find_target(connection, text)
    if target.kind in CALLS_AND_TOOLS:
        return _read_one(connection, target)
    places = _list_places(connection, target)
    own = _find_own(connection, target) if target.kind == "span" else None
    if own is not None:
        return _read_one(connection, own)
    if first is None:
        first = 0 if around is None else max(_find_around(connection, target, places, around) - 2, 0)
    return TurnWindow(target.kind, target.id, first, len(places), _read_turns(connection, places, first, limit))


def iterate_windows(file: TelemetryFile, text: str, limit: int) -> Iterator[TurnWindow]:
    """Yield all turns of the session or trace that `text` names, up to `limit` at a time, and one window if there are
    none. The calls and tools are listed once: to list them for each window takes the square of their number. What is
    removed meanwhile is not there.

    Raises:
        NotFoundError: `text` names nothing, or several things.
        FileRefusedError, sqlite3.Error: The file cannot be read.
    """
    target, places = file.read(_list_target, text)
    for first in range(0, max(len(places), 1), limit):
        turns = file.read(_read_turns, places, first, limit)
        yield TurnWindow(target.kind, target.id, first, len(places), turns)


def _list_target(connection: sqlite3.Connection, text: str) -> tuple[ConversationTarget, list[_Place]]:
    target = find_target(connection, text)
    return target, _list_places(connection, target)


def _read_one(connection: sqlite3.Connection, target: ConversationTarget) -> TurnWindow:
    select = build_newest(CALLS_AND_TOOLS[target.kind], _COLUMNS, {}, among=f"[{target.id}]", limit=1)
    row = fetch(connection, select)[0]
    for kind in ("session", "trace"):
        if row[f"{kind}_id"]:
            places = _list_places(connection, ConversationTarget(kind, row[f"{kind}_id"]))
            number = _find_number(places, target)
            if number < len(places):
                turns = _read_turns(connection, places, number, 1)
                return TurnWindow(kind, row[f"{kind}_id"], number, len(places), turns)
    place = _Place(row["start_time_unix_nano"], target.kind == "tool", row["id"])
    return TurnWindow(target.kind, target.id, 0, 1, _read_turns(connection, [place], 0, 1))


def _find_around(
    connection: sqlite3.Connection, target: ConversationTarget, places: Sequence[_Place], around: str
) -> int:
    place = find_target(connection, around)
    if place.kind == "span":
        place = _find_own(connection, place) or place
    number = _find_number(places, place)
    if number == len(places):
        raise NotFoundError(
            f"no turn of {target} is {around!r}: give around the llm:ID or tool:ID of one, or that call or tool as id"
        )
    return number


def _find_own(connection: sqlite3.Connection, span: ConversationTarget) -> ConversationTarget | None:
    """Return the call or tool that a span itself is."""
    for kind, view in CALLS_AND_TOOLS.items():
        place = {"trace_id": span.trace_id, "span_id": span.id, "counted": True}
        for row in iterate_rows(connection, view, ("id",), **place):
            return ConversationTarget(kind, str(row["id"]))
    return None


def _list_places(connection: sqlite3.Connection, target: ConversationTarget) -> list[_Place]:
    column = "trace" if target.kind == "span" else target.kind
    filters = {f"{column}_id": target.trace_id if target.kind == "span" else target.id, "counted": True}
    below = find_spans_below(connection, target) if target.kind == "span" else None
    found = [
        (row["session_id"], _Place(row["start_time_unix_nano"], kind == "tool", row["id"]))
        for kind, view in CALLS_AND_TOOLS.items()
        for row in iterate_rows(connection, view, _COLUMNS, **filters)
        if below is None or row["span_id"] in below
    ]
    found.sort(key=lambda one: one[1])
    if target.kind != "user":
        return [place for _, place in found]
    sessions: dict[Any, list[_Place]] = {}  # one session after the other, in the order in which they began
    for session, place in found:
        sessions.setdefault(session, []).append(place)
    return [place for places in sessions.values() for place in places]


def _find_number(places: Sequence[_Place], target: ConversationTarget) -> int:
    wanted = (target.kind, target.id)
    return next((number for number, one in enumerate(places) if (one.kind, str(one.id)) == wanted), len(places))


def _read_turns(connection: sqlite3.Connection, places: Sequence[_Place], first: int, limit: int) -> tuple[Turn, ...]:
    begin = max(first - _BEFORE, 0)
    shown = places[begin : first + limit]
    rows: dict[tuple[str, int], Any] = {}
    for kind, view in CALLS_AND_TOOLS.items():
        ids = [place.id for place in shown if place.kind == kind]
        select = build_newest(view, ("*",), {}, among=orjson.dumps(ids).decode(), limit=max(len(ids), 1))
        rows |= {(kind, row["id"]): _make_record(view.row_type, row) for row in fetch(connection, select)}
    found = [(number, rows.get((place.kind, place.id))) for number, place in enumerate(shown, begin)]
    before = sum(number < first and row is not None for number, row in found)
    return make_turns([row for _, row in found if row is not None])[before:]


def _make_record(row_type: Any, row: Mapping[str, Any]) -> Any:
    return row_type.from_row(row)
