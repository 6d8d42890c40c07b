# SPDX-License-Identifier: Apache-2.0
"""The steps of two runs in rows, and two texts by words: nothing is lost, nothing is doubled, and the order stays."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.query.comparisons import step_alignment
from otel_sqlite_exporter.query.comparisons.call_requests import CallRequest
from otel_sqlite_exporter.query.comparisons.step_alignment import align_steps
from otel_sqlite_exporter.query.comparisons.step_skeletons import StepSkeleton
from otel_sqlite_exporter.server.page.compare.word_difference import WordRun, compare_texts


def make_step(what: str, said: str = "", kind: str = "tool", status: str = "ok") -> StepSkeleton:
    nothing: dict[str, Any] = dict.fromkeys(StepSkeleton._fields)
    nothing |= {"said": {"result": said}, "request": CallRequest()}
    return StepSkeleton(**{**nothing, "kind": kind, "id": 1, "what": what, "status": status})


steps = st.lists(st.builds(make_step, st.sampled_from("abcd"), st.sampled_from(["", "x", "y"])), max_size=30)


@given(steps, steps)
def test_every_step_is_in_one_row_in_its_order(a: list[StepSkeleton], b: list[StepSkeleton]) -> None:
    rows = align_steps(a, b)
    assert [row.a for row in rows if row.a is not None] == a
    assert [row.b for row in rows if row.b is not None] == b
    assert [row.positions[0] for row in rows if row.a is not None] == [*range(1, len(a) + 1)]
    assert all(row.a is not None or row.b is not None for row in rows)
    for row in rows:
        assert (row.change == "added") == (row.a is None)
        assert (row.change == "removed") == (row.b is None)
        assert bool(row.fields) == (row.change == "differs")


@given(steps)
def test_a_run_is_the_same_as_itself(run: list[StepSkeleton]) -> None:
    assert [row.change for row in align_steps(run, run)] == ["same"] * len(run)


def changes(a: list[StepSkeleton], b: list[StepSkeleton]) -> list[str]:
    return [row.change for row in align_steps(a, b)]


def test_what_was_added_does_not_shift_what_follows() -> None:
    run = [make_step(what) for what in "abcd"]
    assert changes(run, [run[0], make_step("new"), *run[1:]]) == ["same", "added", "same", "same", "same"]
    assert changes(run, [*run[:2], make_step("new"), run[3]]) == ["same", "same", "replaced", "same"]
    failed = make_step("b", status="error")
    assert [row.fields for row in align_steps(run, [run[0], failed, *run[2:]])] == [(), ("status",), (), ()]


def test_two_failures_are_the_same_only_if_they_say_the_same() -> None:
    failed = make_step("a", status="error")
    a, b = (failed._replace(error=error) for error in ("no such city", "timed out"))
    assert [row.fields for row in align_steps([a], [b])] == [("error",)]
    assert [row.fields for row in align_steps([a], [make_step("a")])] == [("status",)]
    assert changes([a], [a]) == ["same"]


def test_too_many_steps_are_cut_and_traces_are_none() -> None:
    assert len(align_steps([make_step("a")] * 6_000, [])) == step_alignment.MOST_ALIGNED
    assert align_steps([make_step("t", kind="trace")], []) == []


@given(st.text("ab \n<>", max_size=60), st.text("ab \n<>", max_size=60))
def test_the_runs_of_words_are_the_texts(a: str, b: str) -> None:
    found = compare_texts(a, b, 0)
    for text, runs in ((a, found.a), (b, found.b)):
        assert "".join(run.text for run in runs) == text
    assert (found.a == found.b) == (a == b)


def test_a_long_text_is_compared_around_the_difference() -> None:
    begin = "word " * 100_000
    found = compare_texts(f"{begin}one {begin}", f"{begin}two {begin}", len(begin))
    assert WordRun("one ", True) in found.a
    assert WordRun("two ", True) in found.b
    assert found.before == len(begin) - 300
    assert found.after_a == found.after_b == len(begin) - 299  # the space after `one` is alike too
    assert found.before + sum(len(run.text) for run in found.a) + found.after_a == 2 * len(begin) + 4
