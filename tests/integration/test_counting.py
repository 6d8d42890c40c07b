# SPDX-License-Identifier: Apache-2.0
"""Each call and each token counts once, in whatever order the spans that report it arrive."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter import TelemetryDatabase
from tests.conftest import exporting, read, using

_START = 1_795_000_000_000_000_000


class Span(NamedTuple):
    """A span to be made: its number, its parent's, its operation, its usage (input, output), its response id, and if
    it holds messages."""

    number: int
    parent: int | None
    operation: str | None
    usage: tuple[int, int] | None = None
    response_id: str | None = None
    has_messages: bool = False


def _span(one: Span) -> ReadableSpan:
    attributes: dict[str, Any] = {}
    if one.operation is not None:
        attributes["gen_ai.operation.name"] = one.operation
    if one.usage is not None:
        attributes |= {"gen_ai.usage.input_tokens": one.usage[0], "gen_ai.usage.output_tokens": one.usage[1]}
    if one.response_id is not None:
        attributes["gen_ai.response.id"] = one.response_id
    if one.has_messages:
        attributes["gen_ai.output.messages"] = '[{"role":"assistant","parts":[{"type":"text","content":"yes"}]}]'
    return ReadableSpan(
        name=f"{one.number}",
        context=_context(one.number),
        parent=None if one.parent is None else _context(one.parent),
        attributes=attributes,
        start_time=_START + one.number,
        end_time=_START + 1000,
    )


def _context(number: int) -> SpanContext:
    return SpanContext(1, number, False, TraceFlags(1))


def _counted(folder: Path, batches: Sequence[Sequence[Span]]) -> list[int]:
    path = folder / "otel.db"
    for file in folder.iterdir():
        file.unlink()
    with exporting(path) as exporter:
        for batch in batches:
            assert exporter.export([_span(one) for one in batch]).name == "SUCCESS"
    rows = read(path, "SELECT name FROM complete_llm_interactions WHERE counted = 1")
    return sorted(int(name) for (name,) in rows)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spans", "counted"),
    [
        pytest.param(
            [Span(1, None, "invoke_agent", (9, 9)), Span(2, 1, "chat", (4, 4)), Span(3, 1, "chat", (5, 5))],
            [2, 3],
            id="an agent repeats its calls",
        ),
        pytest.param(
            [Span(1, None, "chat", (9, 9), "r", True), Span(2, 1, "chat", (9, 9), "r")],
            [1],
            id="of one response the span with the messages counts",
        ),
        pytest.param(
            [
                Span(1, None, "chat", (9, 9), "r", True),
                Span(2, 1, "chat", (4, 4), "q"),
                Span(3, 1, "chat", (5, 5), "r"),
            ],
            [2, 3],
            id="a call around several repeats them, also if it names the response of one",
        ),
        pytest.param(
            [Span(1, None, "invoke_agent", (9, 9)), Span(2, 1, "chat"), Span(3, 2, None)],
            [1, 2],
            id="an agent counts as long as no call reports usage",
        ),
        pytest.param(
            [Span(1, None, "invoke_agent", (9, 9)), Span(2, 1, None), Span(3, 2, None), Span(4, 3, "chat", (9, 9))],
            [4],
            id="also through spans of other kinds",
        ),
        pytest.param(
            [Span(1, None, "invoke_workflow", (9, 9)), Span(2, 1, "invoke_agent", (9, 9)), Span(3, 2, "execute_tool")],
            [2],
            id="of agents in agents the innermost counts",
        ),
        pytest.param(
            [Span(1, None, "chat", (9, 9)), Span(2, 1, "chat", (9, 9))],
            [2],
            id="a framework's call repeats the provider's",
        ),
        pytest.param(
            [Span(1, None, "chat", (9, 9)), Span(2, 1, None), Span(3, 2, "chat")],
            [1],
            id="unless it alone knows the usage",
        ),
        pytest.param(
            [Span(1, None, "chat", (9, 9)), Span(2, 1, "chat"), Span(3, 1, "chat", (9, 9))],
            [2, 3],
            id="a failed attempt is a call of its own beside the one that reports usage",
        ),
        pytest.param(
            [Span(1, None, "chat"), Span(2, 1, "chat")],
            [2],
            id="of two that know nothing the inner one counts",
        ),
        pytest.param(
            [Span(1, None, "chat", (9, 9)), Span(2, 1, "execute_tool"), Span(3, 2, "chat", (2, 2))],
            [1, 3],
            id="what a tool calls is its own",
        ),
        pytest.param(
            [Span(1, None, "chat", (9, 9)), Span(2, 1, "invoke_agent"), Span(3, 2, "chat", (2, 2))],
            [1, 3],
            id="and what an agent calls",
        ),
        pytest.param(
            [Span(1, None, None), Span(2, 1, "chat", (9, 9), "r"), Span(3, 1, "chat", (9, 9), "r")],
            [3],
            id="two spans of one response side by side",
        ),
        pytest.param(
            [Span(1, None, "chat", (9, 9), "r"), Span(2, 1, "chat", (9, 9), "r"), Span(3, None, "chat", None, "r")],
            [2],
            id="one response, nested and side by side",
        ),
        pytest.param(
            [Span(1, 9, "chat", (1, 1)), Span(2, 1, "chat", (0, 0)), Span(3, 3, "chat", (2, 2)), Span(4, 5, "chat")],
            [2, 3, 4],
            id="zero is a usage, and a span may be its own parent",
        ),
    ],
)
def test_what_counts_follows_from_who_called_whom_in_any_order(
    tmp_path: Path, spans: list[Span], counted: list[int]
) -> None:
    assert _counted(tmp_path, [spans]) == counted
    for order in permutations(spans):
        assert _counted(tmp_path, [[one] for one in order]) == counted


def test_two_spans_of_one_response_count_once_across_traces_and_one_id_of_two_responses_twice(path: Path) -> None:
    """As where two instrumentations make a trace each, and as with servers that give few ids."""
    first = _span(Span(1, None, "chat", (9, 9), "r"))
    twin = _span(Span(2, None, "chat", (9, 9), "r"))
    twin._context = SpanContext(2, 2, False, TraceFlags(1))
    later = _span(Span(3, None, "chat", (9, 9), "r"))
    later._start_time, later._end_time = _START + 1001, _START + 2000
    with exporting(path) as exporter:
        for span in (later, first, twin):
            exporter.export([span])
    assert read(path, "SELECT name FROM complete_llm_interactions WHERE counted = 1 ORDER BY 1") == [("2",), ("3",)]


def test_a_later_version_of_a_call_changes_what_counts(path: Path) -> None:
    """As after a fork: the same span, with another end, now without usage."""
    agent, call = _span(Span(1, None, "invoke_agent", (9, 9))), _span(Span(2, 1, "chat", (9, 9)))
    with exporting(path) as exporter:
        exporter.export([agent, call])
        assert read(path, "SELECT name FROM complete_llm_interactions WHERE counted = 1") == [("2",)]
        later = _span(Span(2, 1, "chat"))
        later._end_time = _START + 2000
        exporter.export([later])
    assert read(path, "SELECT name FROM complete_llm_interactions WHERE counted = 1 ORDER BY 1") == [("1",), ("2",)]


def test_a_later_version_that_names_another_response_gives_the_other_call_back(path: Path) -> None:
    one, twin = _span(Span(1, None, "chat", (9, 9), "r")), _span(Span(2, None, "chat", (9, 9), "r"))
    with exporting(path) as exporter:
        exporter.export([one, twin])
        assert read(path, "SELECT name FROM complete_llm_interactions WHERE counted = 1") == [("2",)]
        later = _span(Span(2, None, "chat", (9, 9), "other"))
        later._end_time = _START + 2000
        exporter.export([later])
    assert read(path, "SELECT name FROM complete_llm_interactions WHERE counted = 1 ORDER BY 1") == [("1",), ("2",)]


def test_an_agent_without_usage_is_no_call_and_stands_in_the_agent_tree(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export([_span(Span(1, None, "invoke_agent")), _span(Span(2, 1, "chat", (3, 4)))])
    assert read(path, "SELECT name, counted FROM complete_llm_interactions") == [("2", 1)]
    assert read(path, "SELECT llm_calls, total_tokens FROM traces") == [(1, 7)]
    assert read(path, "SELECT name, llm_calls, total_tokens FROM agent_tree") == [("1", 1, 7)]


def test_what_is_below_an_agent_shows_its_name(path: Path) -> None:
    spans = [
        _span(Span(1, None, "invoke_agent")),
        _span(Span(2, 1, "chain")),
        _span(Span(3, 2, "chat", (3, 4))),
        _span(Span(4, 1, "invoke_agent")),
        _span(Span(5, 4, "execute_tool")),
        _span(Span(6, 4, "chat", (1, 1))),
        _span(Span(7, None, "chat", (1, 1))),
    ]
    for number, agent in ((0, "outer"), (3, "inner"), (5, "own")):
        spans[number]._attributes = {**(spans[number].attributes or {}), "gen_ai.agent.name": agent}
    with exporting(path) as exporter:
        for span in spans:
            exporter.export([span])
    calls = read(path, "SELECT name, agent_name FROM complete_llm_interactions ORDER BY 1")
    assert calls == [("3", "outer"), ("6", "own"), ("7", None)]
    assert read(path, "SELECT name, agent_name FROM complete_tool_interactions") == [("5", "inner")]
    tokens = TelemetryDatabase(path).run_report("tokens", group_by="agent").rows
    assert [(row[0], row[1]) for row in tokens] == [(None, 1), ("outer", 1), ("own", 1)]


def test_spans_that_are_each_others_parents_have_an_end(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export([_span(Span(1, 2, "chat", (3, 4))), _span(Span(2, 1, "chat", (3, 4)))])
    assert read(path, "SELECT DISTINCT agent_name FROM complete_llm_interactions") == [(None,)]


def test_a_chain_that_reports_usage_is_no_agent(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(
            [
                _span(Span(1, None, "invoke_agent")),
                _span(Span(2, 1, "chain", (3, 4))),
                _span(Span(3, 2, "invoke_agent")),
            ]
        )
    ((outer,),) = read(path, "SELECT span_id FROM spans WHERE name = '1'")
    rows = read(path, "SELECT name, parent_agent_span_id, depth FROM agent_tree ORDER BY 1")
    assert rows == [("1", None, 0), ("3", outer, 1)]


def test_the_agent_tree_rolls_up_what_is_below_each_agent(path: Path) -> None:
    spans = [
        Span(1, None, "invoke_workflow"),
        Span(2, 1, "invoke_agent", (30, 3)),
        Span(3, 2, "chat", (10, 1)),
        Span(4, 2, "execute_tool"),
        Span(5, 4, "invoke_agent", (20, 2)),
        Span(6, 5, "chat", (20, 2)),
        Span(7, None, "chat", (99, 99)),
    ]
    with exporting(path) as exporter:
        exporter.export([_span(one) for one in reversed(spans)])
    rows = read(
        path,
        """
        SELECT a.name, p.name, a.depth, a.llm_calls, a.tool_calls, a.input_tokens, a.output_tokens
        FROM agent_tree AS a LEFT JOIN spans AS p ON p.trace_id = a.trace_id AND p.span_id = a.parent_agent_span_id
        ORDER BY a.name""",
    )
    assert rows == [("1", None, 0, 2, 1, 30, 3), ("2", "1", 1, 2, 1, 30, 3), ("5", "2", 2, 1, 0, 20, 2)]


def test_a_trace_that_comes_whole_is_decided_before_it_is_written(path: Path) -> None:
    """Else each batch would update the rows of its agents, and add up their sums twice."""
    whole = [
        Span(1, None, "invoke_agent", (30, 3)),
        Span(2, 1, None),
        Span(3, 2, "chat", (10, 1), "a"),
        Span(4, 2, "chat", (20, 2), "b"),
    ]
    statements: list[str] = []
    with exporting(path) as exporter:
        exporter.export([])
        with using(exporter) as connection:
            connection.set_trace_callback(statements.append)
        exporter.export([_span(one) for one in whole])
    assert [text for text in statements if "UPDATE _llm_interactions" in text or "UPDATE _agents" in text] == []
    assert read(path, "SELECT span_id, counted FROM complete_llm_interactions ORDER BY span_id") == [
        (f"{1:016x}", 0),
        (f"{3:016x}", 1),
        (f"{4:016x}", 1),
    ]
    assert read(path, "SELECT sum(llm_calls), sum(input_tokens) FROM agents") == [(2, 30)]
