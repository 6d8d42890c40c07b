# SPDX-License-Identifier: Apache-2.0
"""Where the time of a session went. Pure.

Each moment counts once, for the first that applies: a model was called; a tool ran; a tool waited, for a permission or
a human; a turn ran, but none of these; the time is between two turns. What remains is `other`, as is the third last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

Interval = tuple[int, int]
"""A begin and an end, in nanoseconds. One that ends before it begins is empty."""


class TimeShares(NamedTuple):
    """Nanoseconds. Their sum is the whole time.

    Attributes:
        waiting: Tools waited before they ran.
        user: Between turns.
        other: Within a turn, or outside all turns, and none of the above.
    """

    model: int
    tools: int
    waiting: int
    user: int
    other: int


def share_time(
    whole: Interval,
    *,
    model: Iterable[Interval],
    tools: Iterable[Interval],
    waiting: Iterable[Interval],
    turns: Iterable[Interval],
) -> TimeShares:
    """Return the shares of the time `whole`; what lies outside it is left out. Intervals may overlap."""
    turns = [*turns]
    between = [(min(begin for begin, _ in turns), max(end for _, end in turns))] if turns else []
    covered: list[Interval] = []
    added, length = [], 0
    for intervals in (model, tools, waiting, turns, between):
        covered = [*merge_intervals([*covered, *_clip(intervals, whole)])]
        longer = sum(end - begin for begin, end in covered)
        added.append(longer - length)
        length = longer
    in_model, in_tools, in_waiting, in_turns, of_user = added
    outside = max(whole[1] - whole[0], 0) - length
    return TimeShares(in_model, in_tools, in_waiting, of_user, in_turns + outside)


def merge_intervals(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """Yield the moments that intervals cover, as intervals that do not touch, in order. Empty ones are left out."""
    waiting: Interval | None = None
    for begin, end in sorted(interval for interval in intervals if interval[1] > interval[0]):
        if waiting is None:
            waiting = (begin, end)
        elif begin <= waiting[1]:
            waiting = (waiting[0], max(waiting[1], end))
        else:
            yield waiting
            waiting = (begin, end)
    if waiting is not None:
        yield waiting


def _clip(intervals: Iterable[Interval], whole: Interval) -> Iterator[Interval]:
    for begin, end in intervals:
        yield max(begin, whole[0]), min(end, whole[1])
