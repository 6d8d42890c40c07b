# SPDX-License-Identifier: Apache-2.0
"""The steps of two runs side by side: the same ones in one row, and between them what only one run did. Pure.

Steps that did and said the same are paired first, as they are rare; between two such pairs, steps that did the same.
The rest stand in one row as they come. The time that it takes is bounded: where too many steps lie between two pairs,
they are paired as they come.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.query.comparisons.call_requests import CallRequest
from otel_sqlite_exporter.query.comparisons.step_skeletons import SAID, StepSkeleton

MOST_ALIGNED = 5_000
"""The number of steps of a run that are aligned."""
_MOST_CELLS = 1_000_000
Pair = tuple[int, int]


class AlignedSteps(NamedTuple):
    """One row.

    Attributes:
        change: `same`; `differs`: the same was done, with another model, outcome or content; `replaced`: something else
            was done; `removed`: only the first run did it; `added`: only the second.
        fields: What differs of steps that did the same: `model`, `parameters`, `tools` (those offered), `status`,
            `error`, or a column of `SAID`.
        positions: The number of each step in its run, from 1; None: it has none here.
    """

    change: str
    a: StepSkeleton | None
    b: StepSkeleton | None
    fields: tuple[str, ...]
    positions: tuple[int | None, int | None]


def align_steps(a: Sequence[StepSkeleton], b: Sequence[StepSkeleton]) -> list[AlignedSteps]:
    """Return the first 5,000 steps of two runs in rows. Traces are no steps."""
    runs = [[step for step in run if step.kind != "trace"][:MOST_ALIGNED] for run in (a, b)]
    return [_make_row(runs[0], runs[1], one, other) for one, other in _pair_all(*runs)]


def _pair_all(a: Sequence[StepSkeleton], b: Sequence[StepSkeleton]) -> Iterator[tuple[int | None, int | None]]:
    """Yield the places of each row."""
    anchors = [*_match(a, b, lambda step: (step.kind, step.what, tuple(step.said.items()))), (len(a), len(b))]
    begin, other_begin = 0, 0
    for end, other_end in anchors:
        yield from _pair_between(a, b, range(begin, end), range(other_begin, other_end))
        if end < len(a):
            yield end, other_end
        begin, other_begin = end + 1, other_end + 1


def _match(
    a: Sequence[StepSkeleton], b: Sequence[StepSkeleton], key: Callable[[StepSkeleton], Hashable]
) -> Iterator[Pair]:
    """Yield the places of steps that have the same key, in the order of both."""
    matcher = difflib.SequenceMatcher(None, [*map(key, a)], [*map(key, b)])
    for one, other, size in matcher.get_matching_blocks():
        yield from zip(range(one, one + size), range(other, other + size), strict=True)


def _pair_between(
    a: Sequence[StepSkeleton], b: Sequence[StepSkeleton], of_a: range, of_b: range
) -> Iterator[tuple[int | None, int | None]]:
    """Yield the rows of what lies between two pairs."""
    begin, other_begin = of_a.start, of_b.start
    for end, other_end in [*_find_common(a, b, of_a, of_b), (of_a.stop, of_b.stop)]:
        size = max(end - begin, other_end - other_begin)
        for step in range(size):
            one, other = begin + step, other_begin + step
            yield one if one < end else None, other if other < other_end else None
        if end < of_a.stop:
            yield end, other_end
        begin, other_begin = end + 1, other_end + 1


def _find_common(a: Sequence[StepSkeleton], b: Sequence[StepSkeleton], of_a: range, of_b: range) -> list[Pair]:
    """Return the pairs of a longest common subsequence of what was done."""
    if not of_a or not of_b or len(of_a) * len(of_b) > _MOST_CELLS:
        return []
    done_a, done_b = ([(run[at].kind, run[at].what) for at in places] for run, places in ((a, of_a), (b, of_b)))
    lengths = [[0] * (len(done_b) + 1)]
    for one in reversed(done_a):
        below, row = lengths[-1], [0] * (len(done_b) + 1)
        for at in range(len(done_b) - 1, -1, -1):
            row[at] = below[at + 1] + 1 if one == done_b[at] else max(below[at], row[at + 1])
        lengths.append(row)
    lengths.reverse()
    pairs, one_at, other_at = [], 0, 0
    while one_at < len(done_a) and other_at < len(done_b):
        if done_a[one_at] == done_b[other_at]:
            pairs.append((of_a[one_at], of_b[other_at]))
            one_at, other_at = one_at + 1, other_at + 1
        elif lengths[one_at + 1][other_at] >= lengths[one_at][other_at + 1]:
            one_at += 1
        else:
            other_at += 1
    return pairs


def _make_row(a: Sequence[StepSkeleton], b: Sequence[StepSkeleton], one: int | None, other: int | None) -> AlignedSteps:
    step_a, step_b = None if one is None else a[one], None if other is None else b[other]
    positions = (None if one is None else one + 1, None if other is None else other + 1)
    if step_a is None or step_b is None:
        return AlignedSteps("added" if step_a is None else "removed", step_a, step_b, (), positions)
    if (step_a.kind, step_a.what) != (step_b.kind, step_b.what):
        return AlignedSteps("replaced", step_a, step_b, (), positions)
    fields = tuple(find_different_fields(step_a, step_b))
    return AlignedSteps("differs" if fields else "same", step_a, step_b, fields, positions)


def find_different_fields(a: StepSkeleton, b: StepSkeleton) -> Iterator[str]:
    """Yield what differs of two steps that did the same, in the order in which it came about: the model, what was
    sent (the parameters and the tools offered first), the outcome, what went wrong, what came back."""
    said = SAID.get(a.kind, ())
    for field in ("model", *CallRequest._fields, *said[:1], "status", "error", *said[1:]):
        one, other = (_get_field(step, field) for step in (a, b))
        if one != other and (field != "error" or a.status == b.status):
            yield field


def _get_field(step: StepSkeleton, field: str) -> object:
    if field in CallRequest._fields:
        return getattr(step.request, field)
    return step.said.get(field) if field in step.said else getattr(step, field, None)
