# SPDX-License-Identifier: Apache-2.0
"""Where each span of a trace stands in its tree, by numbers instead of objects: the rules are those of `trees`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class PlacedRow(NamedTuple):
    """What places a span: its ids, whether it receives (SERVER, CONSUMER), and its service."""

    span_id: str
    parent_span_id: str | None
    receives: int
    service: str


def find_parents(rows: Sequence[PlacedRow]) -> list[int | None]:
    """Return the position of the span above each of `rows`, which are in order of their start. A span that receives
    stands below the span that sends with the same id. Of two parents with the same id, the one of the same service
    counts, else the one that receives."""
    first = {row.span_id: number for number, row in reversed([*enumerate(rows)])}
    if len(first) == len(rows):  # no two spans share an id
        return [first.get(row.parent_span_id or "") for row in rows]
    by_id: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        by_id.setdefault(row.span_id, []).append(number)
    return [_find_parent(row, rows, by_id) for row in rows]


def _find_parent(row: PlacedRow, rows: Sequence[PlacedRow], by_id: dict[str, list[int]]) -> int | None:
    sharing = by_id[row.span_id]
    if len(sharing) > 1 and row.receives:
        return next((one for one in sharing if not rows[one].receives), None)
    above = by_id.get(row.parent_span_id or "", ())
    return min(above, key=lambda one: (rows[one].service != row.service, not rows[one].receives), default=None)


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


def _find_top(number: int, parents: Sequence[int | None]) -> int:
    passed: dict[int, None] = {}
    at: int | None = number
    while at is not None and at not in passed:
        passed[at] = None
        at = parents[at]
    line = list(passed)
    return line[-1] if at is None else min(line[line.index(at) :])
