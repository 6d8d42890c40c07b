# SPDX-License-Identifier: Apache-2.0
"""The chart of a session: its turns, and the steps of each agent, as bars of an SVG whose width is that of the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from otel_sqlite_exporter.query.comparisons.step_skeletons import StepSkeleton
from otel_sqlite_exporter.query.session_parts.session_turns import SessionTurn
from otel_sqlite_exporter.query.session_parts.time_shares import Interval
from otel_sqlite_exporter.server.page.session.lane_layout import (
    AgentLane,
    Extent,
    PlacedItem,
    make_lanes,
    stack_extents,
)
from otel_sqlite_exporter.server.page.session.time_axis import TimeAxis, TimeGap
from otel_sqlite_exporter.show.units import format_ms

_THINNEST, _ALL_THINNEST = 0.3, 40.0
"""The least width of a bar in percent, and of all bars together: of many steps, none seem to be at the same time."""
_PIXEL = 0.08
"""About a pixel, in percent."""
_ROW, _THIN_ROW, _LABEL, _TOP = 13, 5, 17, 16
_MANY_ROWS = 40
_LONGEST_NAME = 120
_TICKS = (0, 20, 40, 60, 80)


class ChartBar(NamedTuple):
    """A bar: its place in percent across and in pixels down, and the row of the page that it leads to."""

    x: str
    width: str
    y: int
    height: int
    kind: str
    status: str
    key: str
    title: str


class ChartLane(NamedTuple):
    """A lane with its label above it."""

    label: str
    y: int
    bars: Sequence[ChartBar]


class LaneChart(NamedTuple):
    """What the template draws. `ticks` are places in percent with the time since the start of the session."""

    height: int
    lanes: Sequence[ChartLane]
    ticks: Sequence[tuple[int, str]]
    gaps: Sequence[TimeGap]


def make_chart(
    axis: TimeAxis,
    turns: Sequence[SessionTurn],
    steps: Sequence[StepSkeleton],
    runs: Sequence[str | None],
    *,
    start_unix_nano: int,
    unnamed: str,
) -> LaneChart:
    """Return the chart of some turns and of some calls and tools, in order of their start. `runs` are the runs of
    agents that these belong to. Those of no agent have the lane `unnamed`."""
    thinnest = min(_THINNEST, _ALL_THINNEST / max(len(steps), 1))
    extents = [place_interval(axis, turn.interval, thinnest) for turn in turns]
    items = [
        PlacedItem(_find_room(axis, _get_interval(step), thinnest), step.agent_name or unnamed, run)
        for step, run in zip(steps, runs, strict=True)
    ]
    places = [place_step(axis, step, thinnest) for step in steps]
    rooms = [_find_room(axis, turn.interval, thinnest) for turn in turns]
    lanes, rows_of_turns = make_lanes(items), stack_extents(rooms)
    row = _ROW if sum(len(lane.rows) for lane in lanes) + len(rows_of_turns) <= _MANY_ROWS else _THIN_ROW
    bars = [
        ChartBar(
            *show_place(extent),
            y=_TOP + _LABEL + place * row,
            height=row - 2,
            kind="trace",
            status=_show_status(find_status(turns[number])),
            key=key_turn(turns[number]),
            title=_describe_turn(turns[number]),
        )
        for place, numbers in enumerate(rows_of_turns)
        for number, extent in _cut_row(extents, numbers)
    ]
    drawn = [ChartLane("turns", _TOP + _LABEL - 5, bars)]
    y = _TOP + _LABEL + len(rows_of_turns) * row + 4
    for lane in lanes:
        label = f"{lane.agent}{f' · {lane.number}' if lane.number > 1 else ''}"
        drawn.append(ChartLane(label, y + _LABEL - 5, [*_draw_lane(axis, steps, places, lane, y + _LABEL, row)]))
        y += _LABEL + len(lane.rows) * row + 4
    ticks = [(at, format_ms((axis.find_moment(at) - start_unix_nano) / 1e6) or "") for at in _TICKS]
    return LaneChart(y, drawn, ticks, axis.gaps)


def _draw_lane(
    axis: TimeAxis, steps: Sequence[StepSkeleton], places: Sequence[Extent], lane: AgentLane, y: int, row: int
) -> Iterator[ChartBar]:
    for place, numbers in enumerate(lane.rows):
        for number, extent in _cut_row(places, numbers):
            yield from _draw(axis, steps[number], extent, y + place * row, row - 2)


def _cut_row(places: Sequence[Extent], numbers: Sequence[int]) -> Iterator[tuple[int, Extent]]:
    """Yield the bars of a row. One that is drawn wider than it is ends where the next begins."""
    for number, after in zip_longest(numbers, numbers[1:]):
        begin, end = places[number]
        yield number, (begin, end if after is None else min(end, max(places[after][0], begin)))


def _find_room(axis: TimeAxis, interval: Interval, thinnest: float) -> Extent:
    """Return the room that a bar takes in its row: what is less than a pixel is no overlap, and no length."""
    pixel = min(_PIXEL, thinnest)
    begin, _ = place_interval(axis, interval, thinnest)
    return begin, max(axis.place(interval[1]) - pixel, begin + pixel)


def _get_interval(step: StepSkeleton) -> Interval:
    return step.start_time_unix_nano, step.end_time_unix_nano


def place_step(axis: TimeAxis, step: StepSkeleton, thinnest: float = _THINNEST) -> Extent:
    """Return where a step begins and ends; the shortest has the width `thinnest`."""
    return place_interval(axis, _get_interval(step), thinnest)


def place_interval(axis: TimeAxis, interval: Interval, thinnest: float = _THINNEST) -> Extent:
    """Return where a time begins and ends; the shortest has the width `thinnest`."""
    begin = axis.place(interval[0])
    end = max(axis.place(interval[1]), begin + thinnest)
    return (begin, end) if end <= 100 else (max(min(begin, 100 - thinnest), 0.0), 100.0)


def find_status(turn: SessionTurn) -> str | None:
    """Return the status of a turn: running if anything in it runs; else that of its trace, or of its last call."""
    statuses = [record.status for record in (*turn.traces, *turn.steps)]
    if "running" in statuses:
        return "running"
    if turn.prompt is None and turn.traces:
        return turn.traces[0].status
    return next((step.status for step in reversed(turn.steps) if step.kind in ("llm", "agent")), None)


def key_turn(turn: SessionTurn) -> str:
    """Return the id of the row of a turn on the page."""
    if turn.prompt is None and turn.traces:
        return key_step(turn.traces[0])
    return f"turn-{turn.interval[0]}"


def find_waiting(step: StepSkeleton) -> Interval:
    """Return the time that a tool waited before it ran."""
    begin = step.start_time_unix_nano
    return begin, min(begin + round((step.waiting_ms or 0) * 1e6), step.end_time_unix_nano)


def name_step(step: StepSkeleton) -> str:
    """Return what a step is called: a model call by its model."""
    return shorten_name((step.model if step.kind == "llm" else None) or step.what or "?")


def shorten_name(name: str) -> str:
    """Return a name as a page of many shows it: of one that is longer than 120 characters, the first ones."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def key_step(step: StepSkeleton) -> str:
    """Return the id of the row of a step on the page."""
    return f"{step.kind}-{step.id}"


def show_place(extent: Extent) -> tuple[str, str]:
    """Return a place and a width as SVG has them."""
    return f"{extent[0]:.3f}%", f"{extent[1] - extent[0]:.3f}%"


def _draw(axis: TimeAxis, step: StepSkeleton, extent: Extent, y: int, height: int) -> Iterator[ChartBar]:
    words = [name_step(step), format_ms(step.duration_ms), step.status]
    title = " · ".join(word for word in words if word)
    yield ChartBar(*show_place(extent), y, height, step.kind, _show_status(step.status), key_step(step), title)
    if step.waiting_ms:
        waited = axis.place(find_waiting(step)[1])
        if waited > extent[0]:
            place = show_place((extent[0], min(waited, extent[1])))
            yield ChartBar(*place, y, height, "wait", "ok", key_step(step), f"waited {format_ms(step.waiting_ms)}")


def _show_status(status: str | None) -> str:
    return status if status in ("error", "running", "interrupted") else "ok"


def _describe_turn(turn: SessionTurn) -> str:
    name = (turn.prompt.text if turn.prompt else None) or next((trace.what for trace in turn.traces), None) or "turn"
    return f"{shorten_name(name)} · {format_ms((turn.interval[1] - turn.interval[0]) / 1e6)}"
