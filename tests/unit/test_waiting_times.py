# SPDX-License-Identifier: Apache-2.0
"""The time of a span in which none below it ran."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.query.skeletons.waiting_times import find_critical_times, find_self_times

Spans = Sequence[tuple[int, int, int]]
"""Of each span its start, its length, and a number that gives its parent."""


def self_times(spans: Spans) -> list[int]:
    parents = [number % at if at else None for at, (_, _, number) in enumerate(spans)]
    starts, durations = [start for start, _, _ in spans], [length for _, length, _ in spans]
    order = sorted(range(len(spans)), key=lambda at: starts[at])
    return find_self_times(parents, starts, durations, order)


def count_moments(spans: Spans, at: int) -> int:
    """The moments of a span in which no child runs, one by one."""
    start, length, _ = spans[at]
    below = [spans[child] for child in range(1, len(spans)) if spans[child][2] % child == at]
    return sum(not any(a <= moment < a + b for a, b, _ in below) for moment in range(start, start + length))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 40), st.integers(0, 20)), min_size=1, max_size=20))
def test_self_time_is_what_no_child_covers(spans: list[tuple[int, int, int]]) -> None:
    assert self_times(spans) == [count_moments(spans, at) for at in range(len(spans))]


def test_what_a_child_does_outside_its_parent_counts_for_nothing() -> None:
    assert self_times([(10, 10, 0), (0, 12, 0), (18, 50, 0), (13, 2, 0), (14, 2, 0)])[0] == 3


def test_a_trace_of_no_span_has_no_times() -> None:
    assert find_self_times([], [], [], []) == []
    assert find_critical_times([], [], []) == []
