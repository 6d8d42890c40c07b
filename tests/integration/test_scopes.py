# SPDX-License-Identifier: Apache-2.0
"""The name of a scope makes spans known that no attribute tells of, whatever comes first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import exporting, read

_T = 1_795_000_000_000_000_000
_ADK = InstrumentationScope("gcp.vertex.agent")
_LLAMAINDEX = InstrumentationScope("llamaindex.opentelemetry.tracer")
_ASKED: dict[str, Any] = {
    "class_name": "LLMChatStartEvent",
    "model_dict.model_name": "gpt",
    "messages": '[{"role": "user"}]',
}
_ANSWERED: dict[str, Any] = {
    "class_name": "LLMChatEndEvent",
    "response.raw.id": "r1",
    "response.raw.usage.prompt_tokens": 7,
    "response.raw.usage.completion_tokens": 2,
}


def make_span(
    scope: InstrumentationScope,
    number: int,
    parent: int | None,
    name: str,
    attributes: dict[str, Any] | None = None,
    *events: Event,
    is_open: bool = False,
) -> ReadableSpan:
    return ReadableSpan(
        name,
        SpanContext(1, number, False, TraceFlags(1)),
        parent=None if parent is None else SpanContext(1, parent, False, TraceFlags(1)),
        attributes=attributes,
        events=[] if is_open else events,
        instrumentation_scope=scope,
        start_time=_T + number,
        end_time=None if is_open else _T + 1_000 - number,
    )


def _call(number: int, parent: int | None, tokens: int) -> ReadableSpan:
    usage = {"gen_ai.usage.input_tokens": tokens, "gen_ai.usage.output_tokens": 1}
    return make_span(_ADK, number, parent, "call_llm", {"gen_ai.request.model": "gemini-3-pro", **usage})


def _read_counted(path: Path) -> list[tuple[Any, ...]]:
    sql = "SELECT name, agent_name, input_tokens, counted FROM complete_llm_interactions ORDER BY input_tokens"
    return read(path, sql)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_an_agent_that_only_its_name_tells_of_is_between_two_calls(path: Path, order: tuple[int, ...]) -> None:
    spans = [_call(1, None, 156), make_span(_ADK, 2, 1, "agent_run [helper]"), _call(3, 2, 170)]
    with exporting(path) as exporter:
        for place in order:
            exporter.export([spans[place]])
    expected = [("call_llm", None, 156, 1), ("call_llm", "helper", 170, 1)]
    assert _read_counted(path) == expected
    assert read(path, "SELECT agent_name, llm_calls FROM agent_tree") == [("helper", 1)]
    reindex(resolve_settings(path))
    assert _read_counted(path) == expected


@pytest.mark.parametrize("order", [("start", "finish"), ("finish", "start")])
def test_the_events_of_a_span_hold_its_call(path: Path, order: tuple[str, ...]) -> None:
    events = (Event("LLMChatStartEvent", _ASKED, _T + 5), Event("LLMChatEndEvent", _ANSWERED, _T + 9))
    with exporting(path) as exporter:
        for one in order:
            if one == "start":
                early = {"llamaindex.run_id": "r"}
                exporter.export_open([make_span(_LLAMAINDEX, 1, None, "OpenAI.chat", early, is_open=True)])
            else:
                exporter.export([make_span(_LLAMAINDEX, 1, None, "OpenAI.chat", {}, *events)])
    sql = "SELECT dialect, operation, request_model, response_id, total_tokens FROM complete_llm_interactions"
    expected = [("llamaindex", "chat", "gpt", "r1", 9)]
    assert read(path, sql) == expected
    assert reindex(resolve_settings(path)).changed_logs == 0
    assert read(path, sql) == expected


def test_the_same_spans_of_another_scope_are_no_calls(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export([make_span(InstrumentationScope("x"), 1, None, "agent_run [helper]")])
    assert read(path, "SELECT count(*) FROM agent_tree") == [(0,)]
