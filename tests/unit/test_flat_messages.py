# SPDX-License-Identifier: Apache-2.0
"""The short ways of reading messages give what the general way gives."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from otel_sqlite_exporter.genai.messages.normalise import read_flattened, read_messages
from otel_sqlite_exporter.genai.messages.plain_messages import PLAIN
from otel_sqlite_exporter.genai.messages.turns import join_turns
from otel_sqlite_exporter.genai.recognition import find_interactions, plan_interactions

_member = st.sampled_from(["", "hi", "hé", "[x]", '{"a": 1}', "'f'", "text", "image", "stop", "c1", None, 5, {"a": 1}])
_flat_members = st.dictionaries(
    st.sampled_from(
        [
            *("content", "name", "tool_call_id", "finish_reason", "refusal", "contents.0.message_content.type"),
            *("contents.0.message_content.text", "tool_calls.0.id", "tool_calls.0.name", "tool_calls.0.arguments"),
            *("tool_calls.0.tool_call.id", "tool_calls.0.tool_call.function.name", "tool_calls.1.type"),
            *("tool_calls.1.function.name", "tool_calls.1.function.arguments", "content.0.text", "tool_calls"),
        ]
    ),
    _member,
    max_size=5,
)


@given(
    st.lists(st.tuples(st.sampled_from([*PLAIN, "human", "", None]), _flat_members), max_size=3),
    st.sampled_from(["", "message."]),
)
@example([("assistant", {"tool_calls.0.tool_call.function.name": "f", "name": "ada"})], "message.")
@example([("user", {"contents.0.message_content.type": "text", "contents.0.message_content.text": "[x]"})], "message.")
def test_the_short_way_of_flattened_messages_gives_what_the_general_way_gives(
    messages: list[tuple[str | None, dict[str, Any]]], wrapper: str
) -> None:
    flat: dict[str, Any] = {}
    expected: list[dict[str, Any]] = []
    for number, (role, members) in enumerate(messages):
        one = {f"p.{number}.{wrapper}{name}": value for name, value in {"role": role, **members}.items()}
        flat |= one
        # A member that no short way knows, and that says nothing.
        expected += read_flattened({**one, f"p.{number}.unknown": None}, "p", "user") or []
    assert read_flattened(flat, "p", "user") == (join_turns(expected, are_answers=False) or None)


def test_calls_whose_ids_are_no_texts_are_calls_in_every_way() -> None:
    message = {"role": "assistant", "tool_calls": [{"id": ["x"], "name": "f", "arguments": "{}"}]}
    expected = [{"role": "assistant", "parts": [{"type": "tool_call", "id": ["x"], "name": "f", "arguments": {}}]}]
    assert read_messages([message], "assistant") == expected
    assert read_messages([{**message, "unknown": 1}], "assistant") == expected


def test_what_another_source_completes_stands_in_one_order() -> None:
    """Not in the order of a set, which differs from process to process."""
    attributes = {
        "openinference.span.kind": "LLM",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "f",
        "output.value": '{"output":[{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}]}',
    }
    plan = plan_interactions({name: type(value) for name, value in attributes.items()})
    assert plan is not None
    call = find_interactions(plan, attributes, None).llm
    assert call is not None
    assert call.completion == (
        '[{"role":"assistant","parts":[{"type":"tool_call","name":"f","id":"c1","arguments":{}}]}]'
    )
