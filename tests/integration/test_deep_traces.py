# SPDX-License-Identifier: Apache-2.0
"""A span costs the same in a deep or a wide trace: the work for twice as many spans is about twice as much.

Work is counted, never timed: instructions of SQLite's virtual machine, and calls of Python functions.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.query.trees import TraceTree, read_tree
from tests.conftest import exporting, read, using

_START = 1_795_000_000_000_000_000


def _make(
    number: int, parent: int | None, attributes: dict[str, Any], scope: str, times: tuple[int, int]
) -> ReadableSpan:
    return ReadableSpan(
        name=str(number),
        context=_context(number),
        parent=None if parent is None else _context(parent),
        instrumentation_scope=InstrumentationScope(scope),
        attributes=attributes,
        start_time=_START + times[0] * 1_000_000,
        end_time=_START + times[1] * 1_000_000,
    )


def _context(number: int) -> SpanContext:
    return SpanContext(1, number, False, TraceFlags(1))


def _call(number: int, operation: str = "chat") -> dict[str, Any]:
    usage = {"gen_ai.usage.input_tokens": number, "gen_ai.usage.output_tokens": 3}
    return {"gen_ai.operation.name": operation, "gen_ai.request.model": "m-1", **usage}


def _chain(spans: int, *, every: int = 1, scopes: Sequence[str] = ("a",), agents: bool = False) -> list[ReadableSpan]:
    """Each span is the child of the one before; each of some is a call, by turns of these packages."""
    made = []
    for number in range(1, spans + 1):
        operation = "invoke_agent" if agents and number % (2 * every) == 0 else "chat"
        attributes = {} if number % every else _call(number, operation)
        scope = scopes[number // every % len(scopes)]
        made.append(_make(number, number - 1 or None, attributes, scope, (number, 2 * spans - number)))
    return made[::-1]  # as they end


def _beside(spans: int) -> list[ReadableSpan]:
    """Calls that run at the same time, and that two packages report."""
    root = _make(1, None, {}, "a", (0, 9_000))
    return [
        root,
        *(_make(number, 1, _call(number // 2), "ab"[number % 2], (1, 8_000)) for number in range(2, spans + 1)),
    ]


def _tools(spans: int) -> list[ReadableSpan]:
    """Executions of one tool, without call ids, in spans of names of their own."""
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
    return [_make(number, 1 if number > 1 else None, tool, "a", (number, number + 1)) for number in range(1, spans + 1)]


def _work(path: Path, spans: Sequence[ReadableSpan]) -> tuple[int, int]:
    """Return the instructions, in hundreds, and the function calls that writing these spans in two batches takes."""
    half = len(spans) // 2
    with exporting(path) as exporter:
        exporter.export([_make(10**6, None, _call(1), "a", (0, 1))])
        steps: list[None] = []
        with using(exporter) as connection:
            connection.set_progress_handler(lambda: steps.append(None), 100)
        calls = count_calls(lambda: [exporter.export(batch) for batch in (spans[:half], spans[half:])])
    assert read(path, "SELECT count(*) FROM _spans") == [(len(spans) + 1,)]
    return len(steps), calls


def count_calls(run: Callable[[], object]) -> int:
    """Return how many functions `run` calls on this thread."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


_SHAPES: dict[str, Callable[[int], list[ReadableSpan]]] = {
    "each span a call": _chain,
    "each span a call, of two packages": lambda spans: _chain(spans, scopes="ab"),
    "each tenth span a call": lambda spans: _chain(spans, every=10),
    "calls and agents by turns": lambda spans: _chain(spans, agents=True),
    "two packages report calls that run at the same time": _beside,
    "each span a tool of one name": _tools,
}


@pytest.mark.parametrize("shape", _SHAPES)
def test_twice_the_spans_of_a_trace_take_about_twice_the_work(tmp_path: Path, shape: str) -> None:
    few, many = (_work(tmp_path / f"{spans}.db", _SHAPES[shape](spans)) for spans in (120, 240))
    growth = [more / less for less, more in zip(few, many, strict=True)]
    assert max(growth) < 2.3, growth


@pytest.mark.parametrize("shape", ["each span a call", "each tenth span a call"])
def test_reading_twice_the_spans_of_a_trace_takes_about_twice_the_work(tmp_path: Path, shape: str) -> None:
    work = []
    for spans in (120, 240):
        path = tmp_path / f"{spans}.db"
        with exporting(path) as exporter:
            exporter.export(_SHAPES[shape](spans))
        steps: list[None] = []

        def read_tree_of(connection: sqlite3.Connection, steps: list[None] = steps) -> TraceTree:
            connection.set_progress_handler(lambda: steps.append(None), 100)
            return read_tree(connection, f"{1:032x}")

        tree = TelemetryFile(str(path), 1_000).read(read_tree_of)
        assert len(tree.nodes) == spans
        work.append(len(steps))
    assert work[1] / work[0] < 2.3
