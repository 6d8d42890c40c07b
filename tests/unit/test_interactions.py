# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from typing import Any

import pytest

from otel_sqlite_exporter.genai import recognition
from otel_sqlite_exporter.model.rows import LLMInteractionRow, ToolInteractionRow


def _find(
    attributes: dict[str, Any], user_id: str | None = None
) -> tuple[LLMInteractionRow | None, ToolInteractionRow | None]:
    plan = recognition.plan_interactions({name: type(value) for name, value in attributes.items()})
    if plan is None:
        return None, None
    found = recognition.find_interactions(plan, attributes, user_id)
    return found.llm, found.tool


def _llm(**attributes: Any) -> LLMInteractionRow:
    named = {"gen_ai." + key.replace("__", "."): value for key, value in attributes.items()}
    llm, tool = _find({"gen_ai.operation.name": "chat", **named})
    assert tool is None
    assert llm is not None
    return llm


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"http.method": "GET"},
        {"gen_ai.operation.name": "create_agent", "gen_ai.request.model": "m"},
    ],
)
def test_other_spans_are_no_calls(attributes: dict[str, Any]) -> None:
    assert _find(attributes) == (None, None)


def test_deprecated_names_fill_the_same_columns() -> None:
    old = _llm(system="az.ai.openai", usage__prompt_tokens=3, usage__completion_tokens=4)
    new = _llm(provider__name="azure.ai.openai", usage__input_tokens=3, usage__output_tokens=4)
    assert old == new
    assert (new.provider, new.input_tokens, new.output_tokens, new.total_tokens) == ("azure.ai.openai", 3, 4, 7)


def test_an_empty_text_gives_way_to_the_next_name() -> None:
    assert _llm(provider__name="", system="xai").provider == "x_ai"
    assert _llm(provider__name="").provider is None


def test_the_current_name_wins_over_the_deprecated_one() -> None:
    assert _llm(usage__input_tokens=3, usage__prompt_tokens=9).input_tokens == 3


@pytest.mark.parametrize(
    ("value", "count"),
    [
        *((0, 0), (3.0, 3), ("12", 12), (2**53 + 1, 2**53 + 1)),
        *((bad, None) for bad in (-1, 1.5, math.nan, math.inf, True, "many", [3], 10**400, 2**63)),
    ],
)
def test_token_counts_are_whole_numbers_or_missing(value: Any, count: int | None) -> None:
    assert _llm(usage__input_tokens=value).input_tokens == count


@pytest.mark.parametrize(
    ("attributes", "total"),
    [
        ({"usage__input_tokens": 3, "usage__output_tokens": 0}, 3),
        ({"usage__input_tokens": 3}, None),
        ({"usage__output_tokens": 3}, None),
        ({"usage__input_tokens": 3, "operation__name": "embeddings"}, 3),
        ({"usage__input_tokens": 3, "usage__output_tokens": 4, "usage__total_tokens": 9}, 9),
        ({}, None),
    ],
)
def test_a_total_is_reported_or_the_sum_of_both_and_never_invented(
    attributes: dict[str, Any], total: int | None
) -> None:
    assert _llm(**attributes).total_tokens == total


def test_an_agent_is_a_row_that_repeats_others_and_hides_where_it_reports_no_usage() -> None:
    agent = _llm(operation__name="invoke_agent", usage__input_tokens=3)
    assert (agent.is_aggregate, agent.is_hidden) == (1, 0)
    agent = _llm(operation__name="invoke_agent")
    assert (agent.is_aggregate, agent.is_hidden) == (1, 1)
    call = _llm(operation__name="chat")
    assert (call.is_aggregate, call.is_hidden) == (0, 0)


def test_a_span_without_operation_is_a_call_if_it_names_a_model() -> None:
    llm, _ = _find({"gen_ai.system": "openai", "gen_ai.request.model": "m"}, "ada")
    assert llm is not None
    assert (llm.operation, llm.request_model, llm.user_id) == (None, "m", "ada")


def test_finish_reasons_are_a_json_array_also_when_they_came_as_text() -> None:
    assert _llm(response__finish_reasons=("stop", "length")).finish_reasons == '["stop","length"]'
    assert _llm(response__finish_reasons="stop").finish_reasons == '["stop"]'


def test_time_to_first_chunk_is_given_in_milliseconds() -> None:
    assert _llm(response__time_to_first_chunk=0.25).time_to_first_token_ms == 250


def test_a_tool_execution_is_recognised_by_operation_or_by_tool_name() -> None:
    for attributes in ({"gen_ai.operation.name": "execute_tool"}, {}):
        llm, tool = _find({**attributes, "gen_ai.tool.name": "add", "gen_ai.tool.call.id": "7"})
        assert llm is None
        assert tool is not None
        assert (tool.tool_name, tool.tool_call_id) == ("add", "7")
