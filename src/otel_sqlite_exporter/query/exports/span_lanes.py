# SPDX-License-Identifier: Apache-2.0
"""Lanes of spans that ran at the same time. On a lane, spans stand below one another only as a span stands below its
parent: the child begins and ends within it, and nothing else of the parent runs there. What overlaps gets a lane of its
own. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush


@dataclass(slots=True, eq=False)
class Lane:
    """A lane of one service; `number` counts from 1 in its service. `running` are its spans that run, outer ones
    first."""

    service: str
    number: int
    running: list[_RunningSpan] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _RunningSpan:
    key: tuple[str, str, str]
    end: int | None
    lane: Lane


class SpanLanes:
    """Places spans in the order of their starts. It keeps those alone that run at one time."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, str, str], _RunningSpan] = {}
        self._ends: list[tuple[int, int, _RunningSpan]] = []
        self._free: dict[str, list[tuple[int, Lane]]] = {}
        self._lanes: dict[str, int] = {}
        self._placed = 0

    def end_until(self, time: int | None) -> Iterator[tuple[int, Lane]]:
        """Yield the ends of spans up to a time, in order, each with its lane; None: all. They are over then."""
        while self._ends and (time is None or self._ends[0][0] <= time):
            end, _, span = heappop(self._ends)
            lane = span.lane
            lane.running.pop()
            if self._running.get(span.key) is span:
                del self._running[span.key]
            if not lane.running:
                heappush(self._free.setdefault(lane.service, []), (lane.number, lane))
            yield end, lane

    def place(self, trace_id: str, span_id: str, parent_id: str | None, service: str, end: int | None) -> Lane:
        """Return the lane of the next span, once `end_until` its start was asked. `end` is None while it runs."""
        parent = self._running.get((trace_id, parent_id or "", service))
        lane = self._take_free(service) if parent is None or not _has_room(parent, end) else parent.lane
        span = _RunningSpan((trace_id, span_id, service), end, lane)
        lane.running.append(span)
        self._running[span.key] = span
        if end is not None:
            self._placed += 1
            heappush(self._ends, (end, -self._placed, span))  # of those that end at one time, the inner one first
        return lane

    def _take_free(self, service: str) -> Lane:
        free = self._free.get(service)
        if free:
            return heappop(free)[1]
        number = self._lanes[service] = self._lanes.get(service, 0) + 1
        return Lane(service, number)


def _has_room(parent: _RunningSpan, end: int | None) -> bool:
    """Return whether a span that ends then can stand right below its parent."""
    return parent.lane.running[-1] is parent and (parent.end is None or (end is not None and end <= parent.end))
