# SPDX-License-Identifier: Apache-2.0
"""Where the time of a session went, its turns, its lanes, and where moments stand in its chart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.query.comparisons.step_skeletons import StepSkeleton
from otel_sqlite_exporter.query.session_parts.session_turns import split_turns
from otel_sqlite_exporter.query.session_parts.time_shares import Interval, TimeShares, share_time
from otel_sqlite_exporter.query.session_parts.user_prompts import UserPrompt, find_asked
from otel_sqlite_exporter.server.page.session.lane_chart import make_chart
from otel_sqlite_exporter.server.page.session.lane_layout import PlacedItem, make_lanes, stack_extents
from otel_sqlite_exporter.server.page.session.time_axis import TimeAxis

WHOLE = (0, 60)
MOMENTS = st.integers(-5, 70)
INTERVALS = st.lists(st.tuples(MOMENTS, MOMENTS), max_size=8)
NAMES = ("model", "tools", "waiting", "turns")


def is_in(moment: int, intervals: Sequence[Interval]) -> bool:
    return any(begin <= moment < end for begin, end in intervals)


def share_slowly(given: dict[str, list[Interval]]) -> TimeShares:
    """What `share_time` says, found for each moment on its own."""
    turns = given["turns"]
    hull = [(min(begin for begin, _ in turns), max(end for _, end in turns))] if turns else []
    counts = dict.fromkeys(TimeShares._fields, 0)
    for moment in range(*WHOLE):
        for name in ("model", "tools", "waiting"):
            if is_in(moment, given[name]):
                counts[name] += 1
                break
        else:
            is_between = not is_in(moment, turns) and is_in(moment, hull)
            counts["user" if is_between else "other"] += 1
    return TimeShares(**counts)


@given(st.fixed_dictionaries(dict.fromkeys(NAMES, INTERVALS)))
def test_each_moment_counts_once_and_the_shares_add_up(given: dict[str, list[Interval]]) -> None:
    shares = share_time(WHOLE, **given)
    assert sum(shares) == 60
    assert shares == share_slowly(given)


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1)), max_size=5))
def test_the_shares_of_any_times_add_up(turns: list[Interval]) -> None:
    whole = (-(2**62), 2**62)
    assert sum(share_time(whole, model=turns[:1], tools=turns[1:2], waiting=turns[2:3], turns=turns)) == 2**63
    assert sum(share_time((5, 5), model=turns, tools=turns, waiting=turns, turns=turns)) == 0
    assert sum(share_time((5, 4), model=turns, tools=turns, waiting=turns, turns=turns)) == 0


EXTENTS = st.tuples(st.floats(0, 100), st.floats(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1]))
ITEMS = st.lists(
    st.builds(PlacedItem, EXTENTS, st.sampled_from(("a", "b")), st.sampled_from((None, "run-1", "run-2"))), max_size=30
)


@given(ITEMS)
def test_nothing_overlaps_in_a_row_of_a_lane_and_nothing_is_lost(items: list[PlacedItem]) -> None:
    lanes = make_lanes(items)
    assert sorted(number for lane in lanes for row in lane.rows for number in row) == [*range(len(items))]
    for lane in lanes:
        members = [number for row in lane.rows for number in row]
        assert {items[number].agent for number in members} == {lane.agent}
        for row in lane.rows:
            extents = [items[number].extent for number in row]
            assert all(one[1] <= other[0] for one, other in pairwise(extents))
        runs: dict[Any, list[tuple[float, float]]] = {}
        for number in members:
            runs.setdefault(items[number].run, []).append(items[number].extent)
        spans = sorted((min(run)[0], max(end for _, end in run)) for run in runs.values())
        assert all(one[1] <= other[0] for one, other in pairwise(spans))


def test_runs_of_an_agent_at_the_same_time_have_lanes_of_their_own() -> None:
    items = [
        PlacedItem((0, 10), "main", None),
        PlacedItem((1, 3), "helper", "first"),
        PlacedItem((2, 4), "helper", "second"),
        PlacedItem((5, 6), "helper", "first"),
        PlacedItem((8, 9), "helper", "third"),
    ]
    lanes = [(lane.agent, lane.number, lane.rows) for lane in make_lanes(items)]
    assert lanes == [("main", 1, [[0]]), ("helper", 1, [[1, 3, 4]]), ("helper", 2, [[2]])]


def test_what_follows_without_a_gap_shares_a_row() -> None:
    assert stack_extents([(0, 1), (1, 2), (1.5, 3), (2, 2.5)]) == [[0, 1, 3], [2]]


@given(INTERVALS, st.lists(MOMENTS, min_size=2, max_size=9))
def test_an_axis_keeps_the_order_of_moments_and_finds_them_again(busy: list[Interval], moments: list[int]) -> None:
    axis = TimeAxis(WHOLE, busy)
    places = [axis.place(moment) for moment in sorted(moments)]
    assert places == sorted(places)
    assert all(0 <= place <= 100.000001 for place in places)
    for moment in range(*WHOLE):
        assert abs(axis.find_moment(axis.place(moment)) - moment) <= 1


def test_time_without_records_is_drawn_shorter_and_says_so() -> None:
    axis = TimeAxis((0, 1_000_000), [(0, 10), (999_990, 1_000_000)])
    assert [(round(gap.width, 1), gap.duration_ms) for gap in axis.gaps] == [(4.8, 0.99998)]
    assert round(axis.place(10), 1) == 47.6
    assert TimeAxis((0, 10), [(0, 10)]).gaps == TimeAxis((0, 10), []).gaps == TimeAxis((7, 7), [(7, 7)]).gaps == ()


def make_step(kind: str, begin: int, end: int, trace_id: str | None = "t", **fields: Any) -> StepSkeleton:
    known: dict[str, Any] = dict.fromkeys(StepSkeleton._fields)
    times = {"start_time_unix_nano": begin, "end_time_unix_nano": end, "duration_ms": (end - begin) / 1e6}
    return StepSkeleton(**{**known, "kind": kind, "id": begin, "trace_id": trace_id, "said": {}, **times, **fields})


def test_without_prompts_each_trace_is_a_turn() -> None:
    steps = [
        make_step("trace", 0, 10, "a"),
        make_step("llm", 1, 5, "a"),
        make_step("trace", 20, 30, "b"),
        make_step("tool", 40, 45, None),
    ]
    earlier = [make_step("trace", -9, 3, "c")]
    turns = split_turns([*steps[:2], make_step("llm", 2, 3, "c"), *steps[2:]], earlier, [])
    found = [(turn.interval, [step.id for step in turn.steps]) for turn in turns]
    assert found == [((-9, 3), [2]), ((0, 10), [1]), ((20, 30), []), ((40, 45), [40])]


def test_a_turn_goes_from_a_prompt_to_the_end_of_what_followed() -> None:
    steps = [
        make_step("trace", 0, 100, "loop"),
        make_step("llm", 12, 15, "loop"),
        make_step("trace", 15, 30, "own"),
        make_step("tool", 16, 20, "own"),
        make_step("llm", 61, 99, "loop"),
    ]
    prompts = [UserPrompt(10, "first", None), UserPrompt(60, None, "loop")]
    turns = split_turns(steps, [], prompts)
    found = [(turn.interval, turn.prompt, [step.id for step in turn.steps]) for turn in turns]
    assert found == [((10, 30), prompts[0], [12, 16]), ((60, 100), prompts[1], [61])]
    shares = share_time((0, 100), model=[(12, 15), (61, 99)], tools=[(16, 20)], waiting=[], turns=[(10, 30), (60, 100)])
    assert shares.user == 30


def test_steps_before_the_first_prompt_of_a_page_are_the_rest_of_a_turn() -> None:
    turns = split_turns([make_step("llm", 1, 2), make_step("llm", 11, 12)], [], [UserPrompt(10, "next", None)])
    assert [(turn.interval, turn.prompt and turn.prompt.text) for turn in turns] == [((1, 2), None), ((10, 12), "next")]


@pytest.mark.parametrize(
    ("messages", "asked"),
    [
        ([], None),
        ([{"role": "user", "parts": [{"type": "text", "content": " hello\n you "}]}], "hello you"),
        ([{"role": "user", "parts": [{"type": "text", "content": "x" * 5_000}]}], "x" * 300),
        ([{"role": "assistant", "parts": [{"type": "text", "content": "no"}]}], None),
        ([{"role": "user", "parts": [{"type": "text", "content": 5}, "odd", {}]}, {"role": "user", "parts": 7}], None),
        (
            [
                {"role": "user", "parts": [{"type": "text", "content": "ask"}]},
                {"role": "user", "parts": [{"type": "tool_call_response", "response": "no"}]},
            ],
            "ask",
        ),
    ],
)
def test_the_last_text_of_a_user_is_what_was_asked(messages: list[Any], asked: str | None) -> None:
    assert find_asked(messages) == asked


def count_rows(*times: Interval) -> int:
    """The rows of the lane of some tools, whose bars lie side by side."""
    whole = (0, max(end for _, end in times))
    steps = [make_step("tool", begin, end) for begin, end in times]
    chart = make_chart(TimeAxis(whole, [whole]), [], steps, [None] * len(steps), start_unix_nano=0, unnamed="agent")
    bars = sorted((bar.y, float(bar.x[:-1]), float(bar.width[:-1])) for bar in chart.lanes[1].bars)
    assert len(bars) == len(times)
    assert all(width > 0 for *_, width in bars)
    for (y, x, width), (other_y, other_x, _) in pairwise(bars):
        assert y != other_y or x + width <= other_x + 0.002
    return len({y for y, *_ in bars})


@pytest.mark.parametrize(
    ("rows", "times"),
    [
        (1, [(0, 5_000), (5_000, 10_000)]),  # one begins when another ends
        (1, [(0, 5_003), (5_000, 10_000)]),  # within a pixel
        (1, [(0, 10), (10, 20), (20, 10_000)]),  # drawn wider than they are
        (2, [(0, 5_000), (4_000, 10_000)]),
        (3, [(0, 10_000), (7, 7), (7, 7)]),
        (2, [(0, 9_000), (9_998, 10_000), (10_000, 10_000)]),
    ],
)
def test_steps_that_do_not_overlap_share_a_row(rows: int, times: list[Interval]) -> None:
    assert count_rows(*times) == rows
