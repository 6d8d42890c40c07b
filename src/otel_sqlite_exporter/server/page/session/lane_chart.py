# SPDX-License-Identifier: Apache-2.0
"""The chart of a session: its turns, and the steps of each agent, as bars of an SVG whose width is that of the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.query.comparisons.step_skeletons import StepSkeleton
from otel_sqlite_exporter.query.sessions.time_shares import Interval
from otel_sqlite_exporter.server.page.session.lane_layout import Extent, PlacedItem, make_lanes
from otel_sqlite_exporter.server.page.session.time_axis import TimeAxis, TimeGap
from otel_sqlite_exporter.show.units import format_ms

_THINNEST = 0.3
_ROW, _THIN_ROW, _LABEL, _TOP = 13, 5, 17, 16
_MANY_ROWS = 40
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
    axis: TimeAxis, steps: Sequence[StepSkeleton], runs: Sequence[str | None], start_unix_nano: int, unnamed: str
) -> LaneChart:
    """Return the chart of some steps, in order of their start. `runs` are the runs of agents that they belong to.
    Steps of no agent have the lane `unnamed`."""
    items = [
        PlacedItem(place_step(axis, step), None if step.kind == "trace" else step.agent_name or unnamed, run)
        for step, run in zip(steps, runs, strict=True)
    ]
    lanes = sorted(make_lanes(items), key=lambda lane: lane.agent is not None)
    row = _ROW if sum(len(lane.rows) for lane in lanes) <= _MANY_ROWS else _THIN_ROW
    drawn, y = [], _TOP
    for lane in lanes:
        label = "turns" if lane.agent is None else f"{lane.agent}{f' · {lane.number}' if lane.number > 1 else ''}"
        bars: list[ChartBar] = []
        for place, numbers in enumerate(lane.rows):
            top = y + _LABEL + place * row
            for number in numbers:
                bars += _draw(axis, steps[number], items[number].extent, top, row - 2)
        drawn.append(ChartLane(label, y + _LABEL - 5, bars))
        y += _LABEL + len(lane.rows) * row + 4
    ticks = [(at, format_ms((axis.find_moment(at) - start_unix_nano) / 1e6) or "") for at in _TICKS]
    return LaneChart(y, drawn, ticks, axis.gaps)


def place_step(axis: TimeAxis, step: StepSkeleton) -> Extent:
    """Return where a step begins and ends; the shortest can still be seen."""
    begin = axis.place(step.start_time_unix_nano)
    end = max(axis.place(step.end_time_unix_nano), begin + _THINNEST)
    return (begin, end) if end <= 100 else (max(min(begin, 100 - _THINNEST), 0.0), 100.0)


def find_waiting(step: StepSkeleton) -> Interval:
    """Return the time that a tool waited before it ran."""
    begin = step.start_time_unix_nano
    return begin, min(begin + round((step.waiting_ms or 0) * 1e6), step.end_time_unix_nano)


def name_step(step: StepSkeleton) -> str:
    """Return what a step is called: a model call by its model."""
    return (step.model if step.kind == "llm" else None) or step.what or "?"


def key_step(step: StepSkeleton) -> str:
    """Return the id of the row of a step on the page."""
    return f"{step.kind}-{step.id}"


def show_place(extent: Extent) -> tuple[str, str]:
    """Return a place and a width as SVG has them."""
    return f"{extent[0]:.2f}%", f"{extent[1] - extent[0]:.2f}%"


def _draw(axis: TimeAxis, step: StepSkeleton, extent: Extent, y: int, height: int) -> Iterator[ChartBar]:
    words = [name_step(step)[:80], format_ms(step.duration_ms), step.status]
    title = " · ".join(word for word in words if word)
    status = step.status if step.status in ("error", "running", "interrupted") else "ok"
    yield ChartBar(*show_place(extent), y, height, step.kind, status, key_step(step), title)
    if step.waiting_ms:
        waited = axis.place(find_waiting(step)[1])
        if waited > extent[0]:
            place = show_place((extent[0], min(waited, extent[1])))
            yield ChartBar(*place, y, height, "wait", "ok", key_step(step), f"waited {format_ms(step.waiting_ms)}")
