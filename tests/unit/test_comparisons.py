# SPDX-License-Identifier: Apache-2.0
"""The critical path of a trace, its folded repeats, and the first divergence of two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from otel_sqlite_exporter.query.comparisons.critical_path import find_critical_path
from otel_sqlite_exporter.query.comparisons.first_divergence import RunComparison, compare_runs
from otel_sqlite_exporter.query.comparisons.span_folding import find_below, fold_tree
from otel_sqlite_exporter.query.comparisons.step_skeletons import read_steps
from otel_sqlite_exporter.query.conversations.turn_window import read_window
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.query.summaries import SpanSummary, TraceSummary
from otel_sqlite_exporter.query.trees import TraceTree, build_tree
from tests.agent_files import RESOURCE, START_NS
from tests.conftest import exporting

Times = Mapping[str, tuple[str | None, int, int]]
"""By the name of a span, the name of its parent, and when it began and ended."""


def make_tree(times: Times, failed: Sequence[str] = ()) -> TraceTree:
    spans = []
    for number, (name, (parent, start, end)) in enumerate(times.items(), 1):
        fields = dict.fromkeys(SpanSummary.__dataclass_fields__)
        fields |= {"id": number, "span_id": f"{number:016x}", "name": name.rstrip("0123456789"), "service_name": "s"}
        fields |= {"parent_span_id": None if parent is None else f"{[*times].index(parent) + 1:016x}"}
        fields |= {"start_time_unix_nano": start, "end_time_unix_nano": end, "duration_ms": (end - start) / 1e6}
        fields |= {"kind": "INTERNAL", "status": "error" if name in failed else "ok"}
        spans.append(SpanSummary.from_row(fields))
    spans.sort(key=lambda span: (span.start_time_unix_nano, span.id))
    return build_tree(TraceSummary.from_row(dict.fromkeys(TraceSummary.__dataclass_fields__)), spans, [], [])


def path_of(times: Times) -> dict[str, int]:
    names = [*times]
    return {names[id - 1]: own for id, own in find_critical_path(make_tree(times)).items()}


def folded(times: Times, failed: Sequence[str] = (), **options: Any) -> list[tuple[int, str, int, int]]:
    tree = make_tree(times, failed)
    return [
        (line.depth, line.node.span.name, line.spans, line.below)
        for line in fold_tree(tree.roots, tree.nodes, **options)
    ]


def test_the_path_goes_through_what_ended_last() -> None:
    times: Times = {
        "root": (None, 0, 100),
        "slow": ("root", 10, 90),
        "beside": ("root", 20, 60),  # runs while `slow` does
        "before": ("root", 2, 9),
        "inner": ("slow", 30, 80),
    }
    assert path_of(times) == {"root": 13, "before": 7, "slow": 30, "inner": 50}


def test_what_outlives_its_parent_counts_up_to_its_end() -> None:
    assert path_of({"root": (None, 0, 100), "late": ("root", 50, 300), "after": ("root", 150, 200)}) == {
        "root": 50,
        "late": 50,
    }


def test_several_roots_are_waited_for_one_after_the_other() -> None:
    assert path_of({"first": (None, 0, 40), "second": (None, 60, 100)}) == {"first": 40, "second": 40}


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 50), st.integers(0, 20)), min_size=1, max_size=25))
def test_the_path_of_one_root_takes_exactly_its_time(drawn: list[tuple[int, int, int]]) -> None:
    times: dict[str, tuple[str | None, int, int]] = {}
    for number, (start, length, parent) in enumerate(drawn):
        above = f"s{parent % number}" if number else None
        times[f"s{number}"] = (above, start, start + length)
    path = path_of(times)
    assert sum(path.values()) == drawn[0][1]
    assert all(own >= 0 for own in path.values())


def test_siblings_that_are_alike_with_all_below_them_are_folded() -> None:
    times: dict[str, tuple[str | None, int, int]] = {"root": (None, 0, 1_000)}
    for number in range(5):
        times[f"step{number}"] = ("root", number * 10, number * 10 + 9)
        for part in range(number + 1):  # how often it repeats does not count
            times[f"call{number}{part}"] = (f"step{number}", number * 10 + part, number * 10 + part)
    assert folded(times) == [(0, "root", 1, 0), (1, "step", 5, 0), (2, "call", 1, 0)]
    assert len(folded(times, is_folded=False)) == len(times)
    assert folded(times, failed=["call20"]) == [
        *((0, "root", 1, 0), (1, "step", 2, 0), (2, "call", 1, 0), (1, "step", 1, 0), (2, "call", 1, 0)),
        *((2, "call", 2, 0), (1, "step", 2, 0), (2, "call", 4, 0)),
    ]
    assert folded(times, deepest=1) == [(0, "root", 1, 0), (1, "step", 5, 15)]


def test_a_group_is_shown_as_what_matters_and_names_its_slowest() -> None:
    tree = make_tree({"root": (None, 0, 100), **{f"a{n}": ("root", n * 10, n * 10 + n) for n in range(4)}})
    _, line = fold_tree(tree.roots, tree.nodes, preferred={3})
    assert (line.node.span.id, line.slowest.span.id, line.spans) == (3, 5, 4)
    assert line.total_ms == 6 / 1e6


def test_a_part_of_a_tree_is_the_span_with_all_below_it() -> None:
    tree = make_tree({"r": (None, 0, 9), "a": ("r", 0, 5), "b": ("a", 1, 2), "c": ("r", 6, 7)})
    assert [node.span.name for node in find_below(tree, f"{2:016x}")] == ["a", "b"]
    assert find_below(tree, "nothing") == []


def write_runs(path: Path, *runs: Sequence[tuple[str, str, str]]) -> None:
    """Write runs, each a session and a trace: steps by kind, what was said, and what came out."""
    with exporting(path, cost="off") as exporter:
        for number, steps in enumerate(runs, 1):
            exporter.export([_make_step(number, place, *step) for place, step in enumerate(steps, 1)])


def _make_step(run: int, place: int, kind: str, said: str, outcome: str) -> ReadableSpan:
    attributes = {"session.id": f"run-{run}", "gen_ai.operation.name": "chat" if kind == "chat" else "execute_tool"}
    if kind == "chat":
        attributes |= {"gen_ai.request.model": "m", "gen_ai.input.messages": _message("user", said)}
        attributes |= {"gen_ai.output.messages": _message("assistant", outcome)}
    else:
        attributes |= {"gen_ai.tool.name": kind, "gen_ai.tool.call.id": f"{run}-{place}"}
        attributes |= {"gen_ai.tool.call.arguments": said, "gen_ai.tool.call.result": outcome}
    failed = outcome == "failed"
    return ReadableSpan(
        name=kind,
        context=SpanContext(run, place, False, TraceFlags(1)),
        attributes=attributes,
        resource=RESOURCE,
        start_time=START_NS + place * 1_000_000,
        end_time=START_NS + place * 1_000_000 + 500,
        status=Status(StatusCode.ERROR, "failed") if failed else Status(),
    )


def _message(role: str, text: str) -> str:
    return f'[{{"role":"{role}","parts":[{{"type":"text","content":"{text}"}}]}}]'


def compared(path: Path, *runs: Sequence[tuple[str, str, str]]) -> RunComparison:
    write_runs(path, *runs)
    database, file = TelemetryDatabase(path), TelemetryFile(str(path), 1_000)
    a, b = ((database.get_session(id), file.read(read_steps, session_id=id, content=True)) for id in ("run-1", "run-2"))
    return compare_runs(a, b)


def test_runs_that_do_and_say_the_same_do_not_diverge(path: Path) -> None:
    steps = [("chat", "hi", "look"), ("search", "{}", "found"), ("chat", "found", "done")]
    told = compared(path, steps, steps)
    assert (told.first, told.first_step, told.only) == (None, None, ())
    assert told.measures["steps"] == (3, 3)


def test_the_first_difference_may_come_before_the_first_divergence(path: Path) -> None:
    told = compared(
        path,
        [("chat", "hi", "look"), ("search", '{"a": 1}', "found"), ("chat", "found", "done")],
        [("chat", "hi", "look"), ("search", '{"a": 2}', "failed"), ("read", "{}", "x"), ("chat", "x", "done")],
    )
    assert told.first is not None
    assert told.first_step is not None
    assert (told.first.position, told.first.field) == (1, "arguments")
    assert (told.first_step.position, told.first_step.field) == (2, "step")
    assert told.first_step.b is not None
    assert told.first_step.b.what == "read"
    assert told.tools == {"search": (1, 1), "read": (0, 1)}
    assert [*told.measures["failed_tools"]] == [0, 1]
    assert "+tool read" in told.only


def test_a_run_that_ends_early_diverges_there(path: Path) -> None:
    told = compared(path, [("chat", "hi", "a"), ("chat", "more", "b")], [("chat", "hi", "a")])
    assert [(one.position, one.field, one.b) for one in (told.first, told.first_step) if one] == [(1, "step", None)] * 2


def test_a_window_shows_what_the_whole_conversation_shows(path: Path) -> None:
    steps = [("chat", f"question {number // 2}", f"answer {number}") for number in range(90)]
    write_runs(path, [*steps, ("search", "{}", "found")])
    file = TelemetryFile(str(path), 1_000)
    whole = TelemetryDatabase(path).get_conversation("run-1")
    window = file.read(read_window, "run-1", first=70, limit=10)
    assert (window.kind, window.first, window.total) == ("session", 70, 91)
    assert window.turns == whole.turns[70:80]
    near = file.read(read_window, "run-1", around="tool:1", limit=10)
    assert (near.first, near.turns) == (88, whole.turns[88:])
    one = file.read(read_window, "llm:72", limit=10)
    assert (one.first, one.turns) == (71, whole.turns[71:72])
