# SPDX-License-Identifier: Apache-2.0
"""Where each span of a trace stands in its tree, by numbers instead of objects: the rules are those of `trees`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class PlacedSpans(NamedTuple):
    """What places the spans of a trace, in order of their start: their ids, those of their parents, whether they
    receive (SERVER, CONSUMER), and their services."""

    span_ids: Sequence[str]
    parent_span_ids: Sequence[str | None]
    receives: Sequence[int]
    services: Sequence[str]


def group_ids(spans: PlacedSpans) -> dict[str, list[int]]:
    """Return the positions of the spans with each id."""
    by_id: dict[str, list[int]] = {}
    for number, span_id in enumerate(spans.span_ids):
        by_id.setdefault(span_id, []).append(number)
    return by_id


def find_parents(spans: PlacedSpans, by_id: Mapping[str, Sequence[int]]) -> list[int | None]:
    """Return the position of the span above each. A span that receives stands below the span that sends with the same
    id. Of two parents with the same id, the one of the same service counts, else the one that receives."""
    if len(by_id) == len(spans.span_ids):  # no two spans share an id
        return [by_id.get(parent or "", _NONE)[0] for parent in spans.parent_span_ids]
    return [_find_parent(number, spans, by_id) for number in range(len(spans.span_ids))]


_NONE = (None,)


def _find_parent(number: int, spans: PlacedSpans, by_id: Mapping[str, Sequence[int]]) -> int | None:
    receives, services = spans.receives, spans.services
    sharing = by_id[spans.span_ids[number]]
    if len(sharing) > 1 and receives[number]:
        return next((one for one in sharing if not receives[one]), None)
    above = by_id.get(spans.parent_span_ids[number] or "", ())
    return min(above, key=lambda one: (services[one] != services[number], not receives[one]), default=None)


def find_recorder(
    spans: PlacedSpans, by_id: Mapping[str, Sequence[int]], span_id: str | None, service: str
) -> int | None:
    """Return the position of the span that recorded a call or an execution of a tool. Of two spans with the same id,
    the one of the same service counts, else the one that sends."""
    found = by_id.get(span_id or "", ())
    return min(found, key=lambda one: (spans.services[one] != service, spans.receives[one]), default=None)


def place_rows(parents: Sequence[int | None]) -> tuple[list[int], list[int]]:
    """Return the positions of all rows, each after the one above it and before those below it, and the depth of each of
    these; in a cycle, the earliest is on top."""
    below: dict[int, list[int]] = {}
    for number, parent in enumerate(parents):
        if parent is not None:
            below.setdefault(parent, []).append(number)
    depths: dict[int, int] = {}
    # Those without a parent in the file come first. One that they do not reach is in a cycle, or below one.
    for number in sorted(range(len(parents)), key=lambda number: parents[number] is not None):
        if number in depths:
            continue
        waiting = [(number if parents[number] is None else _find_top(number, parents), 0)]
        while waiting:
            at, depth = waiting.pop()
            if at not in depths:
                depths[at] = depth
                waiting += [(child, depth + 1) for child in reversed(below.get(at, ()))]
    return list(depths), list(depths.values())


def find_ends(depths: Sequence[int]) -> list[int]:
    """Return for each row the position after the last row below it. Rows are those of `place_rows`."""
    ends = [len(depths)] * len(depths)
    above: list[int] = []
    for at, depth in enumerate(depths):
        while above and depths[above[-1]] >= depth:
            ends[above.pop()] = at
        above.append(at)
    return ends


def _find_top(number: int, parents: Sequence[int | None]) -> int:
    passed: dict[int, None] = {}
    at: int | None = number
    while at is not None and at not in passed:
        passed[at] = None
        at = parents[at]
    line = list(passed)
    return line[-1] if at is None else min(line[line.index(at) :])
