# SPDX-License-Identifier: Apache-2.0
"""Lanes of a session: which steps stand beside each other. Each agent has a lane; runs of one agent at the same time
have one each; and in a lane, steps at the same time have rows below each other. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

Extent = tuple[float, float]
"""Where something begins and ends across the chart."""


class PlacedItem(NamedTuple):
    """What is drawn: its place across the chart, the agent that it is of, and the run of that agent."""

    extent: Extent
    agent: str
    run: Hashable


class AgentLane(NamedTuple):
    """One lane.

    Attributes:
        number: Of the lanes of one agent, from 1 on.
        rows: The numbers of the items of each row, in order.
    """

    agent: str
    number: int
    rows: Sequence[Sequence[int]]


def make_lanes(items: Sequence[PlacedItem]) -> list[AgentLane]:
    """Return the lanes of items that are in order of their begin. No two items of a row overlap."""
    runs: dict[str, dict[Hashable, list[int]]] = {}
    for number, item in enumerate(items):
        runs.setdefault(item.agent, {}).setdefault(item.run, []).append(number)
    lanes: list[AgentLane] = []
    for agent, of_agent in runs.items():
        units = [*of_agent.values()]
        tracks = stack_extents([_span_all(items, unit) for unit in units])
        for place, track in enumerate(tracks, 1):
            members = sorted(number for unit in track for number in units[unit])
            rows = stack_extents([items[number].extent for number in members])
            lanes.append(AgentLane(agent, place, [[members[number] for number in row] for row in rows]))
    return lanes


def stack_extents(extents: Iterable[Extent]) -> list[list[int]]:
    """Return rows of the numbers of extents: each in the first row where it overlaps none that was put there before."""
    rows: list[list[int]] = []
    ends: list[float] = []
    order = sorted(enumerate(extents), key=lambda one: one[1])
    for number, (begin, end) in order:
        row = next((row for row, reached in enumerate(ends) if reached <= begin), len(rows))
        if row == len(rows):
            rows.append([])
            ends.append(end)
        rows[row].append(number)
        ends[row] = max(end, ends[row])
    return rows


def _span_all(items: Sequence[PlacedItem], numbers: Iterable[int]) -> Extent:
    extents = [items[number].extent for number in numbers]
    return min(begin for begin, _ in extents), max(end for _, end in extents)
