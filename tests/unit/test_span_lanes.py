# SPDX-License-Identifier: Apache-2.0
"""Lanes of spans that ran at the same time: spans stand below one another only as a child below its parent."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.query.exports.span_lanes import Lane, SpanLanes


class Interval(NamedTuple):
    start: int
    end: int | None
    parent: int
    service: str


intervals = st.lists(
    st.builds(
        lambda start, length, *rest: Interval(start, None if length is None else start + length, *rest),
        *(st.integers(0, 12), st.one_of(st.none(), st.integers(0, 8)), st.integers(-1, 9), st.sampled_from("ab")),
    ),
    max_size=14,
).map(lambda spans: sorted(spans, key=lambda span: span.start))


@given(intervals)
def test_spans_nest_as_they_are_related(spans: list[Interval]) -> None:
    lanes = SpanLanes()
    stacks: dict[Lane, list[int]] = {}
    ended: dict[int, int] = {}

    def end(time: int | None) -> None:
        for at, lane in lanes.end_until(time):
            ended[stacks[lane].pop()] = at

    for number, span in enumerate(spans):
        end(span.start)
        parent = str(span.parent) if span.parent >= 0 else None
        lane = lanes.place("trace", str(number), parent, span.service, span.end)
        assert lane.service == span.service
        stack = stacks.setdefault(lane, [])
        if stack:
            above = spans[stack[-1]]
            assert stack[-1] == span.parent
            assert above.end is None or (span.end is not None and span.end <= above.end)
        stack.append(number)
    end(None)
    assert ended == {number: span.end for number, span in enumerate(spans) if span.end is not None}


def test_siblings_that_overlap_have_lanes_of_their_own_and_give_them_back() -> None:
    lanes = SpanLanes()
    root = lanes.place("t", "root", None, "a", 100)
    first = lanes.place("t", "first", "root", "a", 20)
    assert [*lanes.end_until(10)] == []
    second = lanes.place("t", "second", "root", "a", 30)
    assert (first, root.number, second.number) == (root, 1, 2)
    assert [*lanes.end_until(30)] == [(20, root), (30, second)]
    assert lanes.place("t", "third", "root", "a", 50) is root
    assert lanes.place("t", "fourth", "root", "a", 60) is second
    assert lanes.place("t", "elsewhere", "root", "b", 60).number == 1


def test_what_ended_is_forgotten() -> None:
    lanes = SpanLanes()
    for number in range(1_000):
        assert [end for end, _ in lanes.end_until(number)] == [number] * bool(number)
        assert lanes.place("t", str(number), None, "a", number + 1).number == 1
    assert len(lanes._running) == len(lanes._ends) == 1
