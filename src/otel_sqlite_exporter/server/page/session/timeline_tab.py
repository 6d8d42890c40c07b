# SPDX-License-Identifier: Apache-2.0
"""The timeline of a session: where its time went, a chart, and its steps."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.askable_views import SESSIONS
from otel_sqlite_exporter.query.comparisons.step_skeletons import (
    StepSkeleton,
    StepWindow,
    read_step_window,
    read_traces,
)
from otel_sqlite_exporter.query.reading import get_by_prefix
from otel_sqlite_exporter.query.session_parts.agent_runs import read_agent_runs
from otel_sqlite_exporter.query.session_parts.session_turns import SessionTurn, split_turns
from otel_sqlite_exporter.query.session_parts.time_shares import Interval, TimeShares, share_time
from otel_sqlite_exporter.query.session_parts.user_prompts import read_asked, read_user_prompts
from otel_sqlite_exporter.query.summaries import SessionSummary
from otel_sqlite_exporter.server.api.api_answers import name_file
from otel_sqlite_exporter.server.api.api_backend import Arguments
from otel_sqlite_exporter.server.page.page_answers import CsvTable
from otel_sqlite_exporter.server.page.page_links import link_session
from otel_sqlite_exporter.server.page.session.lane_chart import find_waiting, make_chart
from otel_sqlite_exporter.server.page.session.step_rows import describe_row, make_row, make_turns
from otel_sqlite_exporter.server.page.session.time_axis import TimeAxis

STEPS_OF_A_PAGE = 1_000
_SLOWEST = 5
_ALL = 2**31 - 2
_ASKED_TURNS = 100
"""The turns of a page of which the first call is read, to show what the user asked."""
_LIVE_ROWS, _LIVE_NS = 1_000, 3_600 * 10**9
"""The rows up to which a part of a page is kept up to date by scripts, and how long after its end a session is."""
_SHARES = {
    "model": "model calls",
    "tools": "tools",
    "waiting": "waiting",
    "user": "user",
    "other": "other",
}


class ShownShare(NamedTuple):
    """A part of the time: its place in a bar in percent, and how long it is."""

    name: str
    label: str
    x: float
    percent: float
    duration_ms: float


class _Read(NamedTuple):
    window: StepWindow
    turns: Sequence[SessionTurn]
    runs: Sequence[str | None]
    asked: Mapping[int, str]


def read_timeline_tab(
    connection: sqlite3.Connection, session: SessionSummary, arguments: Arguments
) -> Mapping[str, Any]:
    """Return what the timeline shows of a session: up to 1,000 steps, from `first` on."""
    first, start = arguments.get("first", 0), session.start_time_unix_nano
    window, turns, runs, asked = _read(connection, session, first)
    inside = [step for step in window.steps if step.kind != "trace"]
    whole = find_extent(session, window)
    axis = TimeAxis(whole, [*(turn.interval for turn in turns), *_list_intervals(inside)])
    timed = [step for step in inside if step.kind in ("llm", "tool") and step.duration_ms is not None]
    slowest = sorted(timed, key=lambda step: step.duration_ms or 0, reverse=True)[:_SLOWEST]
    unnamed = session.service_name or "session"
    return {
        "window": window,
        "shares": list_shares(share_steps(whole, inside, [turn.interval for turn in turns])),
        "duration_ms": (whole[1] - whole[0]) / 1e6,
        "chart": make_chart(axis, turns, inside, runs, start_unix_nano=start, unnamed=unnamed) if turns else None,
        "turns": make_turns(axis, turns, asked, start),
        "slowest": [make_row(axis, step, start) for step in slowest],
        "previous_page": link_session(session.session_id, first=_place_before(first)) if first else None,
        "next_page": _link_next(session, window),
        "is_last": window.next_start_unix_nano is None and len(turns) + len(inside) <= _LIVE_ROWS,
    }


def read_step_table(connection: sqlite3.Connection, session_id: str) -> CsvTable:
    """Return all steps of a session."""
    session = get_by_prefix(connection, SESSIONS, "session_id", session_id)
    window = read_step_window(connection, session.session_id, first=0, limit=_ALL)
    axis = TimeAxis((session.start_time_unix_nano, session.end_time_unix_nano), ())
    steps = [step for step in window.steps if step.kind != "trace"]
    rows = [describe_row(make_row(axis, step, session.start_time_unix_nano)) for step in steps]
    name = name_file("steps", session_id=session.session_id)
    return CsvTable(name, [*rows[0]] if rows else ["kind"], [[*row.values()] for row in rows])


def is_live(session: SessionSummary) -> bool:
    """Return whether more of a session may come: it runs, or its last record is not an hour old."""
    return session.status == "running" or time.time_ns() - session.end_time_unix_nano < _LIVE_NS


def find_extent(session: SessionSummary, window: StepWindow) -> Interval:
    """Return the time of a page: that of the session, but for the steps of pages before and after."""
    begin, end = session.start_time_unix_nano, session.end_time_unix_nano
    if window.first and window.steps:
        begin = window.steps[0].start_time_unix_nano
    if window.next_start_unix_nano is not None:
        end = window.next_start_unix_nano
    return begin, max(begin, end)


def share_steps(whole: Interval, steps: Sequence[StepSkeleton], turns: Sequence[Interval]) -> TimeShares:
    """Return where the time of some steps went, in these turns."""
    calls = [step for step in steps if step.kind == "llm"]
    tools = [step for step in steps if step.kind == "tool"]
    ran = [(find_waiting(tool)[1], tool.end_time_unix_nano) for tool in tools]
    waited = [find_waiting(tool) for tool in tools]
    return share_time(whole, model=_list_intervals(calls), tools=ran, waiting=waited, turns=turns)


def list_shares(shares: TimeShares) -> list[ShownShare]:
    """Return the parts of the time that are not empty, in a fixed order."""
    whole, shown, x = sum(shares) or 1, [], 0.0
    for name, length in shares._asdict().items():
        percent = length / whole * 100
        if length:
            shown.append(ShownShare(name, _SHARES[name], x, percent, length / 1e6))
        x += percent
    return shown


def _read(connection: sqlite3.Connection, session: SessionSummary, first: int) -> _Read:
    window = read_step_window(connection, session.session_id, first=first, limit=STEPS_OF_A_PAGE)
    shown = {step.trace_id for step in window.steps if step.kind == "trace"}
    missing = [step.trace_id for step in window.steps if step.trace_id is not None and step.trace_id not in shown]
    whole = find_extent(session, window)
    prompts = read_user_prompts(connection, session.session_id, whole)
    turns = split_turns(window.steps, read_traces(connection, missing), prompts)
    inside = [step for step in window.steps if step.kind != "trace"]
    keys = [(step.trace_id or "", step.span_id or "") for step in inside]
    runs = read_agent_runs(connection, filter(all, keys)) if any(step.agent_name for step in inside) else {}
    silent = [turn for turn in turns if turn.prompt is None or turn.prompt.text is None][:_ASKED_TURNS]
    firsts = [next((step.id for step in turn.steps if step.kind == "llm"), None) for turn in silent]
    asked = read_asked(connection, [id for id in firsts if id is not None])
    return _Read(window, turns, [runs.get(key) for key in keys], asked)


def _list_intervals(steps: Sequence[StepSkeleton]) -> Iterator[Interval]:
    return ((step.start_time_unix_nano, step.end_time_unix_nano) for step in steps)


def _place_before(first: int) -> int | None:
    return max(first - STEPS_OF_A_PAGE, 0) or None


def _link_next(session: SessionSummary, window: StepWindow) -> str | None:
    after = window.first + len(window.steps)
    return link_session(session.session_id, first=after) if after < window.total and window.steps else None
