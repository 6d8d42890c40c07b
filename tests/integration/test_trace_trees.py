# SPDX-License-Identifier: Apache-2.0
"""`get_trace` of large, deep and odd traces: what it reads, how much memory it takes, and what the view says."""

from __future__ import annotations

import json
import sqlite3
import tracemalloc
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.cli.outputs.trace_output import show_trace
from otel_sqlite_exporter.query.pages import ViewRow, field_types
from otel_sqlite_exporter.query.trees import CONTENT, SpanNode
from otel_sqlite_exporter.sql.texts import read_folder, read_query
from tests.conftest import exporting

TRACE = f"{0xDEE:032x}"
BEGAN = 1_769_860_800 * 10**9
NAMED = {"gen_ai.conversation.id": "c-1"}


def make(
    number: int,
    parent: int | None,
    attributes: Mapping[str, Any] | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    failure: str | None = None,
) -> ReadableSpan:
    return ReadableSpan(
        name=f"step {number}",
        context=SpanContext(0xDEE, number, False, TraceFlags(1)),
        parent=None if parent is None else SpanContext(0xDEE, parent, False, TraceFlags(1)),
        attributes=attributes or {},
        start_time=BEGAN + number * 1_000,
        end_time=BEGAN + number * 1_000 + 500,
        resource=Resource({"service.name": "deep", "host.name": "x" * 200}),
        kind=kind,
        status=Status(StatusCode.ERROR, failure) if failure else Status(),
    )


def write(path: Path, *spans: ReadableSpan) -> TelemetryDatabase:
    with exporting(path) as exporter:
        exporter.export(spans)
    return TelemetryDatabase(path)


def call(number: int, parent: int, **more: Any) -> ReadableSpan:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 7}
    said = {"gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "why"}]}])}
    return make(number, parent, attributes | said | more, SpanKind.CLIENT)


ODD = {
    "named at the top": (make(1, None, NAMED), make(2, 1), make(3, 2)),
    "the nearest counts": (make(1, None, NAMED), make(2, 1, {"thread_id": "c-2"}), make(3, 2), make(4, 1)),
    "a child names one": (make(1, None), make(2, 1, NAMED), make(3, 1)),
    "both sides share an id": (
        make(1, None, NAMED),
        make(2, 1, kind=SpanKind.CLIENT),
        make(2, 1, {"thread_id": "c-2"}, kind=SpanKind.SERVER),
        make(3, 2),
    ),
    "both sides name one": (
        make(2, None, {"thread_id": "server"}, kind=SpanKind.SERVER),
        make(2, None, {"thread_id": "client"}, kind=SpanKind.CLIENT),
        make(3, 2),
    ),
    "a cycle": (make(1, 3), make(2, 1), make(3, 2), make(4, 3)),
    "a cycle with a name": (make(1, 3), make(2, 1, NAMED), make(3, 2)),
    "the parent is missing": (make(2, 1, NAMED), make(3, 2), make(5, 4)),
    "1,000 spans away": (make(1, None, NAMED), *(make(number, number - 1) for number in range(2, 1_004))),
}


@pytest.mark.parametrize("spans", ODD.values(), ids=ODD)
def test_a_span_has_the_conversation_that_the_view_gives(path: Path, spans: tuple[ReadableSpan, ...]) -> None:
    database = write(path, *spans)
    tree = {node.span.id: node.span for node in database.get_trace(TRACE)}
    assert tree == {span.id: span for span in database.find_spans(limit=2_000)}


def test_a_span_below_a_cycle_stands_there_though_it_began_earlier(path: Path) -> None:
    database = write(path, make(1, 2), make(2, 3), make(3, 2))
    assert [(node.span.name, node.depth) for node in database.get_trace(TRACE)] == [
        ("step 2", 0),
        ("step 1", 1),
        ("step 3", 1),
    ]


def test_a_tree_without_content_has_all_other_fields(path: Path) -> None:
    failed = make(4, 1, {"error.type": "Timeout", "secret": "no"}, failure="late")
    tool = make(5, 1, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"})
    database = write(path, make(1, None, NAMED), call(2, 1), make(3, 2), failed, tool)
    whole, lean = database.get_trace(TRACE), database.get_trace(TRACE, content=False)
    assert lean.trace == whole.trace
    assert [(node.depth, node.span.name) for node in lean] == [(node.depth, node.span.name) for node in whole]
    left_out = set()
    for one, other in zip(_list_rows(lean.nodes), _list_rows(whole.nodes), strict=True):
        for name in field_types(type(one)):
            if name in CONTENT and getattr(one, name) is None:
                left_out.add(name)
            elif name != "attributes":
                assert getattr(one, name) == getattr(other, name)
    assert left_out == CONTENT
    kept = [node.span for node in lean if node.span.attributes]
    assert [(span.name, json.loads(span.attributes)) for span in kept] == [("step 4", {"error.type": "Timeout"})]


def _list_rows(nodes: tuple[SpanNode, ...]) -> list[ViewRow]:
    return [row for node in nodes for row in (node.span, *node.llm_interactions, *node.tool_interactions)]


def test_a_tree_without_content_takes_little_memory(path: Path) -> None:
    database = write(path, *(make(number, number // 2 or None, {"text": "x" * 3_000}) for number in range(1, 400)))
    database.get_trace(TRACE)  # what is imported and cached
    sizes = []
    for content in (False, True):
        tracemalloc.start()
        tree = database.get_trace(TRACE, content=content)
        sizes.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(tree.nodes) == 399
    assert sizes[0] * 2 < sizes[1]


def test_a_tree_is_printed_as_one_object_span_by_span(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = write(path, make(1, None, {"note": "naïve"}), call(2, 1), make(3, 2, {"ratio": float("nan")}))
    tree = database.get_trace(TRACE)
    show_trace(tree, everything=False, as_json=True)
    assert capsys.readouterr().out == json.dumps(tree.to_dict(), indent=2) + "\n"


def test_both_sides_of_a_call_in_a_circle_of_parents_are_read_once(tmp_path: Path) -> None:
    """Two spans with one id: from each, two paths lead up, and from these four, without an end."""
    path, chat = tmp_path / "otel.db", {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 1}
    sides = [(number, kind) for number in (1, 2) for kind in (SpanKind.INTERNAL, SpanKind.SERVER)]
    write(path, *(make(number, 3 - number, chat, kind, failure="no") for number, kind in sides))
    names = [name for name, _ in read_folder("views")]
    with closing(sqlite3.connect(path)) as file:
        steps = iter(range(2_000))
        file.set_progress_handler(lambda: next(steps, None) is None, 10_000)
        rows = {name: len(file.execute(f"SELECT * FROM {name}").fetchall()) for name in names}
        assert (rows["spans"], rows["complete_llm_interactions"], rows["_enclosing_prompts"]) == (4, 4, 4)
        for (id,) in file.execute("SELECT id FROM _llm_interactions").fetchall():
            assert len(file.execute(read_query("find_counted_above"), {"id": id}).fetchall()) <= 1
