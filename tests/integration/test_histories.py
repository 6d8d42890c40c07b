# SPDX-License-Identifier: Apache-2.0
"""A file holds what calls repeat once, and no reader can tell."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import exporting, in_new_process, read, span_names

pytestmark = pytest.mark.core

_RESOURCE = Resource({"service.name": "agent"})
_TIME = 1_795_000_000_000_000_000


def _messages(first: int, turns: int) -> str:
    messages = [
        {"role": "user", "parts": [{"type": "text", "content": f'{turn}: "ü" ' + "x" * 800}]}
        for turn in range(first, turns)
    ]
    return json.dumps(messages, ensure_ascii=False)


def _call(
    number: int, turns: int, more: Mapping[str, Any] | None = None, *, first: int = 0, end: int = 5, trace: int = 1
) -> ReadableSpan:
    return ReadableSpan(
        name=f"chat {number:03}",
        context=SpanContext(trace, number + 1, False, TraceFlags(1)),
        resource=_RESOURCE,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": _messages(first, turns),
            "gen_ai.output.messages": _messages(turns, turns + 1),
            "gen_ai.tool.definitions": _messages(90, 94),
            **(more or {}),
        },
        start_time=_TIME + number * 10,
        end_time=_TIME + number * 10 + end if end else None,
    )


def _attributes(path: Path) -> dict[str, Any]:
    return {name: json.loads(text) for name, text in read(path, "SELECT name, attributes FROM spans")}


def test_a_run_of_fifty_turns_takes_little_more_than_what_was_said(path: Path) -> None:
    calls = [_call(number, number + 1) for number in range(50)]
    with exporting(path) as exporter:
        for call in calls:
            exporter.export([call])
    assert _attributes(path) == {call.name: dict(call.attributes or {}) for call in calls}
    said = len(_messages(0, 51))
    ((stored,), (texts,)) = read(
        path, "SELECT sum(length(attributes)) FROM _spans UNION ALL SELECT sum(length(text)) FROM _texts"
    )
    assert stored + texts < 4 * said
    shown = read(path, "SELECT sum(length(attributes)) FROM spans")[0][0]
    assert shown > 8 * (stored + texts)


def test_every_view_shows_the_whole(path: Path) -> None:
    calls = [_call(number, number + 3, {"session.id": "s"}) for number in range(4)]
    with exporting(path) as exporter:
        exporter.export(calls)
    assert read(path, "SELECT count(*) FROM _spans WHERE texts IS NOT NULL") == [(3,)]
    expected = {call.name: dict(call.attributes or {}) for call in calls}
    assert {name: json.loads(text) for name, text in read(path, "SELECT name, attributes FROM events")} == expected
    calls_shown = read(path, "SELECT name, prompt, completion, combined_attributes FROM complete_llm_interactions")
    assert {name: (prompt, completion, json.loads(text)) for name, prompt, completion, text in calls_shown} == {
        name: (told["gen_ai.input.messages"], told["gen_ai.output.messages"], told) for name, told in expected.items()
    }
    for view in ("traces", "sessions"):
        assert json.loads(read(path, f"SELECT attributes FROM {view}")[0][0]) == expected["chat 000"]


def test_tools_with_long_arguments_show_them(path: Path) -> None:
    tools = [
        _call(number, 4, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": _messages(0, 4)})
        for number in range(3)
    ]
    with exporting(path) as exporter:
        exporter.export(tools)
    assert read(path, "SELECT DISTINCT arguments FROM complete_tool_interactions") == [(_messages(0, 4),)]


def test_what_a_failed_transaction_had_shared_is_not_referred_to(path: Path) -> None:
    with exporting(path, busy_timeout_ms=0) as exporter:
        exporter.export([_call(0, 5)])
        with closing(sqlite3.connect(path)) as file:
            # The batch is refused after its texts were written, and so goes span by span.
            file.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON _spans WHEN new.name = 'chat 002' "
                "BEGIN SELECT raise(ABORT, 'no'); END"
            )
            file.commit()
            exporter.export([_call(1, 6), _call(2, 7), _call(3, 8)])
            file.execute("DROP TRIGGER refuse")
            file.commit()
            file.execute("BEGIN IMMEDIATE")
            exporter.export([_call(4, 9)])  # to the spool
        exporter.export([_call(5, 10)])
    expected = {call.name: dict(call.attributes or {}) for call in (_call(n, n + 5) for n in (0, 1, 3, 4, 5))}
    assert _attributes(path) == expected


def test_a_file_that_replaces_another_shares_nothing_with_it(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export([_call(number, number + 2) for number in range(2)])
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
        exporter.export([_call(number, number + 2) for number in range(2, 4)])
    assert read(path, "SELECT count(*) FROM _spans WHERE texts IS NULL") == [(1,)]
    shown = _attributes(path)
    assert [shown[f"chat {number:03}"]["gen_ai.input.messages"] for number in (2, 3)] == [
        _messages(0, number + 2) for number in (2, 3)
    ]


def test_what_is_derived_anew_is_derived_from_the_whole(path: Path) -> None:
    calls = [_call(number, number + 5) for number in range(6)]
    with exporting(path) as exporter:
        for call in calls:
            exporter.export([call])
    shown = "SELECT * FROM complete_llm_interactions ORDER BY span_id"
    before = read(path, shown)
    assert reindex(resolve_settings(path)).changed_spans == 0
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE _llm_interactions SET operation = 'of old rules'")
        file.commit()
    assert reindex(resolve_settings(path)).changed_spans == 6
    assert read(path, shown) == before
    assert _attributes(path) == {call.name: dict(call.attributes or {}) for call in calls}
    assert read(path, "SELECT count(*) FROM _spans WHERE texts IS NOT NULL") == [(5,)]


def write_run(path: str, trace: str) -> None:
    """A program: one of several that write runs of their own."""
    with exporting(path) as exporter:
        for number in range(20):
            exporter.export([_call(number, number + 1, first=int(trace), trace=int(trace))])


def test_processes_share_with_themselves_and_disturb_nobody(path: Path) -> None:
    with exporting(path) as exporter:
        for number in range(20):
            exporter.export([_call(number, number + 1, trace=9, first=9)])
            if number == 10:
                in_new_process(write_run, path, 3)
    for trace, first in ((9, 9), (3, 3)):
        shown = read(path, "SELECT name, attributes FROM spans WHERE trace_id = ?", f"{trace:032x}")
        assert {name: json.loads(text)["gen_ai.input.messages"] for name, text in shown} == {
            f"chat {number:03}": _messages(first, number + 1) for number in range(20)
        }
    assert len(span_names(path)) == 40


@st.composite
def _runs(draw: st.DrawFn) -> list[ReadableSpan]:
    spans = []
    for number in range(draw(st.integers(1, 8))):
        trace, turns = draw(st.integers(1, 2)), draw(st.integers(1, 8))
        spans.append(_call(number, turns, trace=trace))
        if draw(st.booleans()):  # as it was before it ended, with what the SDK forgot; or as it ended once more
            open_or_later = draw(st.sampled_from([0, 5, 6]))
            more = draw(st.sampled_from([None, {"forgotten": "x"}, {"gen_ai.input.messages": None}]))
            spans.append(_call(number, draw(st.integers(1, 8)), more, trace=trace, end=open_or_later))
    return spans


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(spans=_runs(), seed=st.integers(0, 2**32))
def test_order_split_and_repetition_do_not_show(spans: list[ReadableSpan], seed: int) -> None:
    chance = random.Random(seed)
    other = spans + chance.choices(spans, k=3)
    chance.shuffle(other)
    assert _contents([spans]) == _contents([[span] for span in spans]) == _contents([[span] for span in other])


def _contents(batches: Sequence[Sequence[ReadableSpan]]) -> dict[str, list[Any]]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        with exporting(path) as exporter:
            for batch in batches:
                for span in batch:
                    export = exporter.export if span.end_time is not None else exporter.export_open
                    assert export([span]).name == "SUCCESS"
        return {
            view: sorted(read(path, f"SELECT {columns} FROM {view}"), key=repr)
            for view, columns in (
                ("spans", "trace_id, span_id, attributes, attribute_types"),
                ("events", "trace_id, span_id, phase, attributes"),
                ("complete_llm_interactions", "trace_id, span_id, prompt, completion"),
            )
        }
