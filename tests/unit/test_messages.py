# SPDX-License-Identifier: Apache-2.0
"""Every shape in which instrumentation hands over messages becomes one."""

from __future__ import annotations

import ast
import json
import warnings
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otel_sqlite_exporter.genai.column_readers import read_reasons
from otel_sqlite_exporter.genai.messages.flattened import find_names, gather
from otel_sqlite_exporter.genai.messages.json_texts import decode_text
from otel_sqlite_exporter.genai.messages.message_parts import make_call
from otel_sqlite_exporter.genai.messages.normalise import (
    Recorded,
    encode_messages,
    read_flattened,
    read_messages,
    read_parts,
    read_recorded,
)
from otel_sqlite_exporter.genai.messages.one_message import read_message
from otel_sqlite_exporter.genai.messages.plain_messages import read_plain
from otel_sqlite_exporter.genai.messages.tool_mentions import digest_calls, find_tool_calls, find_tool_results
from otel_sqlite_exporter.model.rows import ToolCallRow
from tests.strategies import attributes, values

IMAGE = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AAAA"}
CALL = {"type": "tool_call", "id": "c1", "name": "add", "arguments": {"a": 1}}
RESULT = {"type": "tool_call_response", "id": "c1", "response": "42"}
THOUGHT = {"type": "reasoning", "content": "hm"}


def _text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


def _message(role: str, *parts: dict[str, Any] | str, **more: str) -> dict[str, Any]:
    return {"role": role, "parts": [_text(part) if isinstance(part, str) else part for part in parts], **more}


USER, SYSTEM, ANSWER = _message("user", "hi"), _message("system", "be brief"), _message("assistant", "yo")
ASKS, GIVES = _message("assistant", CALL), _message("tool", RESULT)
NAMED = _message("tool", {**RESULT, "name": "add"})
LC_HUMAN = {"lc": 1, "type": "constructor", "id": ["langchain", "HumanMessage"], "kwargs": {"content": "hi"}}
LC_AI = {
    "lc": 1,
    "type": "constructor",
    "id": ["langchain", "schema", "messages", "AIMessage"],
    "kwargs": {
        "content": "",
        "type": "ai",
        "tool_calls": [{"name": "add", "args": {"a": 1}, "id": "c1", "type": "tool_call"}],
        "additional_kwargs": {"tool_calls": [{"id": "c1", "function": {"name": "add", "arguments": '{"a":1}'}}]},
    },
}
OPENAI_CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
OPENAI = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": None, "tool_calls": [OPENAI_CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "42"},
]
HAYSTACK_CALL = {"tool_name": "add", "arguments": {"a": 1}, "id": "c1", "extra": None}
INVALID = {"type": "invalid_tool_call", "name": "add", "args": "{a", "id": "c1", "error": "no JSON"}
TEXT_FILE = {"type": "blob", "modality": "document", "mime_type": "text/plain", "content": "Rhine"}
PDF = {"type": "blob", "modality": "document", "mime_type": "application/pdf", "content": "AA=="}
HISTORY = [SYSTEM, USER, ASKS, GIVES]
CASES: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "OpenAI chat": (OPENAI, HISTORY),
    "OpenAI chat as JSON": (json.dumps(OPENAI), HISTORY),
    "OpenAI chat as JSON in JSON": (json.dumps(json.dumps(OPENAI)), HISTORY),
    "OpenAI chat as a repr": (repr(OPENAI), HISTORY),
    "OpenAI chat in a tuple of JSON texts": (tuple(map(json.dumps, OPENAI)), HISTORY),
    "OpenAI content parts": (
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "hi"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                    {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
                    {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "wav"}},
                    {"type": "file", "file": {"file_id": "f1"}},
                ],
            }
        ],
        [
            _message(
                "user",
                "hi",
                IMAGE,
                {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
                {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "BBBB"},
                {"type": "file", "modality": "document", "file_id": "f1"},
            )
        ],
    ),
    "documents with what is said of them": (
        {
            "role": "user",
            "content": [
                {
                    "type": "document",
                    "title": "Rivers",
                    "context": "A list.",
                    "source": {"type": "text", "media_type": "text/plain", "data": "Rhine"},
                },
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="},
                {"type": "file", "file": {"filename": "b.pdf", "file_id": "f1"}},
                {"type": "input_file", "filename": "c.pdf", "file_url": "https://example.org/c.pdf"},
                {"document": {"name": "d", "format": "pdf", "source": {"bytes": "AA=="}}},
            ],
        },
        [
            _message(
                "user",
                {**TEXT_FILE, "title": "Rivers", "context": "A list."},
                {**PDF, "filename": "a.pdf"},
                {"type": "file", "modality": "document", "file_id": "f1", "filename": "b.pdf"},
                {"type": "uri", "modality": "document", "uri": "https://example.org/c.pdf", "filename": "c.pdf"},
                {**PDF, "name": "d"},
            )
        ],
    ),
    "LangChain calls whose arguments are no JSON": (
        [
            {"type": "ai", "content": "", "tool_calls": [], "invalid_tool_calls": [INVALID]},
            USER,
            {
                "type": "ai",
                "content": "",
                "tool_calls": [{"name": "add", "args": {"a": 1}, "id": "c1"}],
                "invalid_tool_calls": [{**INVALID, "id": "c2"}],
                "additional_kwargs": {"tool_calls": [OPENAI_CALL]},
            },
            USER,
            {
                "type": "ai",
                "content": "",
                "invalid_tool_calls": [INVALID],
                "additional_kwargs": {"tool_calls": [{"id": "c1", "function": {"name": "add", "arguments": "{a"}}]},
            },
        ],
        [
            _message("assistant", {**CALL, "arguments": "{a"}),
            USER,
            _message("assistant", CALL, {**CALL, "id": "c2", "arguments": "{a"}),
            USER,
            _message("assistant", {**CALL, "arguments": "{a"}),
        ],
    ),
    "OpenAI completion": (
        {
            "id": "x",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "yo"}, "finish_reason": "stop"}],
        },
        [{**ANSWER, "finish_reason": "stop"}],
    ),
    "OpenAI text completion": (
        {"choices": [{"text": "yo", "index": 0, "finish_reason": "length"}]},
        [_message("user", "yo", finish_reason="length")],
    ),
    "OpenAI completion as a repr": (
        "ChatCompletion(id='x', choices=[Choice(finish_reason='stop', index=0, logprobs=None, "
        "message=ChatCompletionMessage(content='yo', role='assistant', tool_calls=None))], created=1)",
        [{**ANSWER, "finish_reason": "stop"}],
    ),
    "OpenAI function call": (
        [{"role": "assistant", "content": None, "function_call": {"name": "add", "arguments": '{"a": 1}'}}],
        [_message("assistant", {"type": "tool_call", "name": "add", "arguments": {"a": 1}})],
    ),
    "OpenAI Responses request": (
        {
            "model": "m",
            "instructions": "be brief",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
                {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "hm"}]},
                {"type": "function_call", "id": "fc", "call_id": "c1", "name": "add", "arguments": '{"a": 1}'},
                {"type": "function_call_output", "call_id": "c1", "output": "42"},
            ],
        },
        [SYSTEM, USER, _message("assistant", THOUGHT, CALL), GIVES],
    ),
    "OpenAI Responses response": (
        {
            "object": "response",
            "output": [
                {"type": "web_search_call", "id": "ws", "status": "completed"},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "yo"}]},
            ],
        },
        [_message("assistant", {"type": "web_search_call", "id": "ws", "status": "completed"}, "yo")],
    ),
    "Anthropic": (
        {
            "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": "hi"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm", "signature": "x"},
                        {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "42"}]}
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
                    ],
                },
            ],
        },
        [SYSTEM, USER, _message("assistant", {**THOUGHT, "signature": "x"}, CALL), GIVES, _message("user", IMAGE)],
    ),
    "Anthropic response": (
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": "yo"}],
            "stop_reason": "end_turn",
        },
        [{**ANSWER, "finish_reason": "stop"}],
    ),
    "Gemini": (
        {
            "config": {"system_instruction": "be brief"},
            "contents": [
                {"role": "user", "parts": [{"text": "hi"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
                {
                    "role": "model",
                    "parts": [
                        {"text": "hm", "thought": True},
                        {"functionCall": {"id": "c1", "name": "add", "args": {"a": 1}}},
                    ],
                },
                {
                    "role": "user",
                    "parts": [{"function_response": {"id": "c1", "name": "add", "response": {"result": 42}}}],
                },
            ],
        },
        [
            SYSTEM,
            _message("user", "hi", IMAGE),
            _message("assistant", THOUGHT, CALL),
            _message("tool", {**RESULT, "response": {"result": 42}, "name": "add"}),
        ],
    ),
    "Gemini response": (
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "yo"}]}, "finishReason": "STOP"}]},
        [{**ANSWER, "finish_reason": "stop"}],
    ),
    "LangChain constructors in a batch": ([[LC_HUMAN, LC_AI]], [USER, ASKS]),
    "LangChain generations": (
        {"generations": [[{"text": "", "generation_info": {"finish_reason": "stop"}, "message": LC_AI}]]},
        [{**ASKS, "finish_reason": "stop"}],
    ),
    "LangChain types": (
        [
            {"type": "system", "data": {"content": "be brief"}},
            {"type": "human", "content": "hi"},
            {"type": "ai", "content": "yo", "response_metadata": {"finish_reason": "stop"}},
            {"type": "tool", "content": "42", "tool_call_id": "c1", "name": "add"},
        ],
        [SYSTEM, USER, {**ANSWER, "finish_reason": "stop"}, NAMED],
    ),
    "LangChain messages as a repr": (
        "[HumanMessage(content='hi', additional_kwargs={}), AIMessage(content='', tool_calls=[{'name': 'add', "
        "'args': {'a': 1}, 'id': 'c1'}]), ToolMessage(content='42', tool_call_id='c1')]",
        [USER, ASKS, GIVES],
    ),
    "Traceloop workflow of LangChain": (
        json.dumps({"inputs": {"messages": [LC_HUMAN]}, "tags": [], "metadata": {}, "kwargs": {"name": "x"}}),
        [USER],
    ),
    "Traceloop workflow of a text": (json.dumps({"inputs": {"input": "hi"}, "tags": [], "kwargs": {}}), [USER]),
    "LlamaIndex": (
        [{"role": "user", "additional_kwargs": {}, "blocks": [{"block_type": "text", "text": "hi"}]}],
        [USER],
    ),
    "LlamaIndex roles": ("[ChatMessage(role=<MessageRole.USER: 'user'>, content='hi')]", [USER]),
    "Haystack": (
        [
            {"role": "user", "content": [{"text": "hi"}], "meta": {}, "name": None},
            {"role": "assistant", "content": [{"reasoning": {"reasoning_text": "hm"}}, {"tool_call": HAYSTACK_CALL}]},
            {"role": "tool", "content": [{"tool_call_result": {"result": "42", "origin": HAYSTACK_CALL}}]},
            {"role": "assistant", "content": [{"text": "yo"}], "meta": {"finish_reason": "tool_calls"}},
        ],
        [USER, _message("assistant", THOUGHT, CALL), NAMED, {**ANSWER, "finish_reason": "tool_call"}],
    ),
    "Haystack as a repr": (
        [
            "ChatMessage(_role=<ChatRole.USER: 'user'>, _content=[TextContent(text='hi')], _name=None, _meta={})",
            "ChatMessage(_role=<ChatRole.ASSISTANT: 'assistant'>, _content=[ToolCall(tool_name='add', "
            "arguments={'a': 1}, id='c1', extra=None)], _name=None, _meta={'finish_reason': 'tool_calls'})",
            "ChatMessage(_role=<ChatRole.TOOL: 'tool'>, _content=[ToolCallResult(result='42', origin=ToolCall("
            "tool_name='add', arguments={'a': 1}, id='c1', extra=None), error=False)], _name=None, _meta={})",
        ],
        [USER, {**ASKS, "finish_reason": "tool_call"}, NAMED],
    ),
    "bytes in a repr": (
        "[{'role': 'user', 'parts': [{'inline_data': {'data': b'\\xff\\xd8\\'', 'mime_type': 'image/png'}}]}]",
        [_message("user", {**IMAGE, "content": "/9gn"})],
    ),
    "reasoning of Logfire": (
        json.dumps(
            [
                {"event.name": "gen_ai.user.message", "content": "hi", "role": "user"},
                {
                    "event.name": "gen_ai.unknown",
                    "role": "unknown",
                    "content": "reasoning\n\nSee JSON for details",
                    "data": {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "hm"}]},
                },
                {"event.name": "gen_ai.assistant.message", "content": "yo", "role": "assistant"},
            ]
        ),
        [USER, _message("assistant", THOUGHT, "yo")],
    ),
    "Vercel AI SDK": (
        {
            "system": "be brief",
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "hi"}]},
                {
                    "role": "assistant",
                    "content": [{"type": "tool-call", "toolCallId": "c1", "toolName": "add", "input": {"a": 1}}],
                },
                {
                    "role": "tool",
                    "content": [
                        {
                            "type": "tool-result",
                            "toolCallId": "c1",
                            "toolName": "add",
                            "output": {"type": "text", "value": "42"},
                        }
                    ],
                },
            ],
        },
        [SYSTEM, USER, ASKS, NAMED],
    ),
    "Vercel AI SDK prompt": ('{"prompt":"hi"}', [USER]),
    "Vercel AI SDK calls": (
        json.dumps([{"toolCallType": "function", "toolCallId": "c1", "toolName": "add", "args": '{"a":1}'}]),
        [ASKS],
    ),
    "content and calls that came apart": (
        {
            "role": "assistant",
            "content": "yo",
            "reasoning": "hm",
            "tool_calls": json.dumps([{"toolCallId": "c1", "toolName": "add", "input": {"a": 1}}]),
        },
        [_message("assistant", THOUGHT, "yo", CALL)],
    ),
    "OpenInference list": (
        [{"message.role": "user", "message.content": "hi"}, {"message": {"role": "assistant", "content": "yo"}}],
        [USER, ANSWER],
    ),
    "Pydantic AI events": (
        json.dumps(
            [
                {"event.name": "gen_ai.user.message", "content": "hi", "role": "user", "gen_ai.message.index": 0},
                {"event.name": "gen_ai.tool.message", "content": "42", "role": "tool", "id": "c1", "name": "add"},
                {
                    "event.name": "gen_ai.choice",
                    "index": 0,
                    "message": {"role": "assistant", "tool_calls": [OPENAI_CALL]},
                },
            ]
        ),
        [USER, NAMED, ASKS],
    ),
    "log records of old GenAI events": (
        [
            {"event_name": "gen_ai.user.message", "body": {"content": "hi"}},
            {"event_name": "gen_ai.choice", "body": {"finish_reason": "stop", "message": {"content": "yo"}}},
        ],
        [USER, {**ANSWER, "finish_reason": "stop"}],
    ),
    "Pydantic AI model messages": (
        [
            {
                "kind": "request",
                "parts": [
                    {"part_kind": "system-prompt", "content": "be brief"},
                    {"part_kind": "user-prompt", "content": ["hi"]},
                ],
            },
            {
                "kind": "response",
                "parts": [
                    {"part_kind": "thinking", "content": "hm"},
                    {"part_kind": "tool-call", "tool_name": "add", "args": '{"a": 1}', "tool_call_id": "c1"},
                ],
            },
            {
                "kind": "request",
                "parts": [{"part_kind": "tool-return", "tool_name": "add", "content": "42", "tool_call_id": "c1"}],
            },
        ],
        [SYSTEM, USER, _message("assistant", THOUGHT, CALL), NAMED],
    ),
    "Pydantic AI spans": (
        [
            {"role": "assistant", "parts": [{"type": "thinking", "content": "hm"}, CALL]},
            {"role": "user", "parts": [{"type": "tool_call_response", "id": "c1", "name": "add", "result": "42"}]},
        ],
        [_message("assistant", THOUGHT, CALL), NAMED],
    ),
    "Strands and Bedrock": (
        [
            {"role": "user", "content": [{"text": "hi"}]},
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "hm"}}},
                    {"toolUse": {"toolUseId": "c1", "name": "add", "input": {"a": 1}}},
                ],
            },
            {
                "role": "user",
                "content": [{"toolResult": {"toolUseId": "c1", "status": "success", "content": [{"text": "42"}]}}],
            },
            {"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": "AAAA"}}}]},
        ],
        [USER, _message("assistant", THOUGHT, CALL), GIVES, _message("user", IMAGE)],
    ),
    "Strands event": ('[{"text": "hi"}]', [USER]),
    "Bedrock response": (
        {"output": {"message": {"role": "assistant", "content": [{"text": "yo"}]}}, "stopReason": "end_turn"},
        [{**ANSWER, "finish_reason": "stop"}],
    ),
    "Ollama": (
        {"model": "m", "message": {"role": "assistant", "content": "yo"}, "done_reason": "stop"},
        [{**ANSWER, "finish_reason": "stop"}],
    ),
    "smolagents roles": ([{"role": "MessageRole.TOOL_CALL", "content": "yo"}], [_message("tool_call", "yo")]),
    "texts": (("hi", "hi"), [USER, USER]),
    "a number": (42, [_message("user", "42")]),
    "bytes": (b"\x00\xff", [_message("user", "AP8=")]),
    "a lone surrogate": ("a\ud800", [_message("user", "a\ufffd")]),
}
NATIVE = [
    SYSTEM,
    _message("user", "hi", IMAGE, name="ada"),
    _message("assistant", THOUGHT, CALL, {"type": "anything", "x": [1]}, finish_reason="tool_call"),
    GIVES,
]


@pytest.mark.parametrize(("value", "messages"), CASES.values(), ids=CASES)
def test_every_shape_is_read_as_the_same_messages(value: Any, messages: list[dict[str, Any]]) -> None:
    assert read_messages(value, "user") == messages


@pytest.mark.parametrize("value", [NATIVE, json.dumps(NATIVE), repr(NATIVE)])
def test_messages_that_have_the_shape_stay_as_they_are(value: Any) -> None:
    assert read_messages(value, "user") == NATIVE


@pytest.mark.parametrize(
    "text",
    [
        *("What is [this] {that}?", "[INST] hi [/INST]", '{"city": "Paris"}', '["red", "green"]', '"quoted"', "null"),
        *('{"role": "admin", "age": 5}', '{"output": "x", "confidence": 1}', "{'a': 1}", "Sum(1, 2)", "[1, 2", "(a"),
        *("[" * 5000, "{'a':" * 5000, '["' + "x" * 600_000, "[" + "1," * 60_000, "\\d [x", "['\\d', ---1]"),
    ],
)
def test_what_is_not_understood_is_one_text_as_it_came(text: str) -> None:
    assert read_messages(text, "assistant") == [_message("assistant", text)]


@pytest.mark.parametrize("value", [None, "", (), {}])
def test_nothing_is_no_message(value: Any) -> None:
    assert read_messages(value, "user") is None
    assert read_parts(value) is None


@pytest.mark.parametrize(
    "value", ["be brief", [{"type": "text", "text": "be brief"}], '[{"type":"text","content":"be brief"}]', [SYSTEM]]
)
def test_system_instructions_are_parts(value: Any) -> None:
    assert read_parts(value) == [_text("be brief")]


def test_flattened_messages_of_openllmetry() -> None:
    flat = {
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": "be brief",
        "gen_ai.prompt.10.content": '[{"type": "text", "text": "hi"}]',
        "gen_ai.prompt.2.role": "assistant",
        "gen_ai.prompt.2.tool_calls.0.id": "c1",
        "gen_ai.prompt.2.tool_calls.0.name": "add",
        "gen_ai.prompt.2.tool_calls.0.arguments": '{"a": 1}',
        "gen_ai.prompt.3.role": "tool",
        "gen_ai.prompt.3.content": "42",
        "gen_ai.prompt.3.tool_call_id": "c1",
        "gen_ai.prompt.variable.x": "not a message",
        "gen_ai.completion.0.content": "yo",
        "gen_ai.completion.0.finish_reason": "stop",
    }
    assert read_flattened(flat, "gen_ai.prompt", "user") == [SYSTEM, ASKS, GIVES, USER]
    assert read_flattened(flat, "gen_ai.completion", "assistant") == [{**ANSWER, "finish_reason": "stop"}]
    assert read_flattened(flat, "gen_ai", "user") is None


@pytest.mark.parametrize(
    ("flat", "expected"),
    [
        ({"p.0.role": "user", "p.0.content": None, "p.0.content.x": "hi"}, {"role": "user", "content": {"x": "hi"}}),
        (
            {"p.0.role": "user", "p.0.content": "a", "p.0.content.x": "b"},
            {"role": "user", "content": {"": "a", "x": "b"}},
        ),
        ({"p.0.content.x": "b", "p.0.content": "a"}, {"content": {"x": "b", "": "a"}}),
        ({"p.0.content": {"y": 1}, "p.0.content.x": "b"}, {"content": {"y": 1, "x": "b"}}),
        ({"p.0.calls.1.id": "b", "p.0.calls.0.id": "a"}, {"calls": [{"id": "a"}, {"id": "b"}]}),
    ],
)
def test_a_name_that_is_also_the_beginning_of_another_keeps_both(flat: dict[str, Any], expected: Any) -> None:
    assert gather(flat, "p") == [expected]


def test_where_values_belong_is_worked_out_once_for_the_same_names() -> None:
    """It takes 30 us, and half of the time of a span whose messages are spread over attributes."""
    first = find_names({"once.0.role": "user", "once.0.content": "", "once.1.content": "", "other": 1})
    for number in range(3):
        flat = {"once.0.role": "user", "once.0.content": f"{number}", "once.1.content": ["x"], "other": number}
        assert find_names(flat) is first
        assert gather(flat, "once") == [{"role": "user", "content": f"{number}"}, {"content": ["x"]}]
        assert first.gather("once") is find_names(flat).gather("once")


_part = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "reasoning", "tool_call", "tool_call_response", "blob", None, 7])},
    optional={
        "content": st.sampled_from(["", "hi", "h\u00fb", "[1]", None, 7]),
        "id": st.sampled_from(["c1", "", None, 7]),
        "name": st.sampled_from(["add", "", None, 7]),
        "arguments": st.sampled_from([{"a": 1}, '{"a": 1}', "null", "a", "", None]),
        "response": st.sampled_from(["42", {"a": 1}, [{"text": "42"}], "", None]),
    },
)
_texts_in_braces = [
    *('{"a": 1}', '{"type": "text", "content": "hi"}', '{"type": "tool_call", "name": "add"}', '{"a"', '{"a", {}}'),
    *("{'a'}", '{{"type": "text", "content": "hi"}}'),
]
_plain_keys = {
    "role": st.sampled_from(["system", "user", "assistant", "tool", "critic"]),
    "content": st.one_of(
        st.none(),
        st.sampled_from(["", "hi", "h\u00fb", "[1]", "\ud800", *_texts_in_braces]),
        st.just([{"text": "hi"}]),
    ),
    "tool_calls": st.one_of(
        st.none(),
        st.lists(
            st.sampled_from(
                [
                    OPENAI_CALL,
                    {"id": "c1", "name": "add", "arguments": '{"a": 1}'},
                    {"tool_call": {"id": "c2", "function": {"name": "add", "arguments": "{}"}}},
                    "no call",
                ]
            ),
            max_size=2,
        ),
        st.just(json.dumps([OPENAI_CALL])),
    ),
    "finish_reason": st.sampled_from([None, "stop", "", "st\u00f6p", 7]),
    "tool_call_id": st.sampled_from(["c1", None, 7]),
    "name": st.sampled_from(["bob", None]),
    "refusal": st.sampled_from(["no", None]),
    "parts": st.one_of(st.none(), st.just("hi"), st.lists(st.one_of(st.just("hi"), _part), max_size=3)),
}


@given(st.fixed_dictionaries({}, optional=_plain_keys))
def test_the_short_way_and_the_long_one_give_the_same(item: dict[str, Any]) -> None:
    plain = read_plain(item)
    if plain is not None:
        assert [plain] == read_message(item, "user")


_naming = {
    "name": st.sampled_from(["add", "", None, 7]),
    "arguments": st.sampled_from([{"a": 1}, '{"a": 1}', "null", "a", "", None, [1]]),
}
_calls = st.fixed_dictionaries(
    {},
    optional={
        **_naming,
        "id": st.sampled_from(["c1", "", None, 7]),
        "type": st.sampled_from(["function", "tool_call"]),
        "index": st.just(0),
        "function": st.one_of(st.none(), st.just("add"), st.fixed_dictionaries({}, optional=_naming)),
    },
)


@given(st.one_of(_calls, *(st.fixed_dictionaries({name: _calls}) for name in ("tool_call", "custom"))))
def test_a_call_without_other_keys_is_read_as_one_with_them(call: dict[str, Any]) -> None:
    assert make_call(call) == make_call({**call, "other": 1})


def test_a_wrapped_call_whose_function_is_null_is_read() -> None:
    wrapped = {"id": "c1", "type": "custom", "custom": {"function": None, "name": "add"}}
    assert make_call(wrapped) == {"type": "tool_call", "id": "c1", "name": "add"}


def test_flattened_messages_that_lack_a_role_or_content() -> None:
    flat = {
        "gen_ai.completion.0.role": "",
        "gen_ai.completion.0.content": "yo",
        "gen_ai.completion.0.finish_reason": "stop",
        "cut.0.role": "assistant",
        "cut.0.finish_reason": "tool_calls",
        "llm.output_messages.0.message.reasoning_summary": "hm",
        "llm.output_messages.1.message.role": "assistant",
        "llm.output_messages.1.message.content": "yo",
    }
    assert read_flattened(flat, "gen_ai.completion", "assistant") == [{**ANSWER, "finish_reason": "stop"}]
    assert read_flattened(flat, "cut", "assistant") == [_message("assistant", finish_reason="tool_call")]
    assert read_flattened(flat, "llm.output_messages", "assistant") == [_message("assistant", THOUGHT, "yo")]


def test_flattened_results_of_tools_beside_or_inside_a_message() -> None:
    flat = {
        "llm.input_messages.0.message.role": "function",
        "llm.input_messages.0.function.0": '{"name": "add", "content": "42", "call_id": "c1", "is_error": false}',
        "llm.input_messages.1.message.role": "tool",
        "llm.input_messages.1.message.contents.0.message.tool_call_id": "c1",
        "llm.input_messages.1.message.contents.0.message_content.type": "text",
        "llm.input_messages.1.message.contents.0.message_content.text": "42",
    }
    assert read_flattened(flat, "llm.input_messages", "user") == [NAMED, GIVES]


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        *(("stop", "stop"), ("end_turn", "stop"), ("STOP", "stop"), ("FinishReason.STOP", "stop")),
        *(("length", "length"), ("MAX_TOKENS", "length"), ("maxTokens", "length")),
        *(("tool_calls", "tool_call"), ("tool-calls", "tool_call"), ("tool_use", "tool_call")),
        *(("function_call", "tool_call"), ("TOOL_CALL", "tool_call")),
        *(("content-filter", "content_filter"), ("SAFETY", "content_filter"), ("refusal", "content_filter")),
        *(("error", "error"), ("pause_turn", "pause_turn"), ("OTHER", "OTHER"), ("...", "...")),
    ],
)
def test_reasons_have_the_names_of_the_conventions(reason: str, name: str) -> None:
    assert read_reasons(reason) == read_reasons([reason]) == json.dumps([name])
    assert read_messages([{"role": "assistant", "content": "yo", "finish_reason": reason}], "assistant") == [
        {**ANSWER, "finish_reason": name}
    ]
    native = [{**ANSWER, "finish_reason": reason}]
    assert read_recorded(native, "assistant") == [{**ANSWER, "finish_reason": name}]
    assert isinstance(read_recorded(native, "assistant"), Recorded) == (reason == name)


def test_flattened_messages_of_openinference() -> None:
    flat = {
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.contents.0.message_content.type": "text",
        "llm.input_messages.0.message.contents.0.message_content.text": "hi",
        "llm.input_messages.0.message.contents.1.message_content.type": "image",
        "llm.input_messages.0.message.contents.1.message_content.image.image.url": "data:image/png;base64,AAAA",
        "llm.input_messages.1.message.role": "assistant",
        "llm.input_messages.1.message.tool_calls.0.tool_call.id": "c1",
        "llm.input_messages.1.message.tool_calls.0.tool_call.function.name": "add",
        "llm.input_messages.1.message.tool_calls.0.tool_call.function.arguments": '{"a": 1}',
        "llm.input_messages.2.message.role": "tool",
        "llm.input_messages.2.message.tool_call_id": "c1",
        "llm.input_messages.2.message.content": "42",
        "llm.prompts.0.prompt.text": "hi",
    }
    assert read_flattened(flat, "llm.input_messages", "user") == [_message("user", "hi", IMAGE), ASKS, GIVES]
    assert read_flattened(flat, "llm.prompts", "user") == [USER]


def test_arguments_that_are_no_json_stay_text() -> None:
    calls = [{"id": "c1", "function": {"name": "add", "arguments": '{"a": '}}]
    (message,) = read_messages({"role": "assistant", "tool_calls": calls}, "user") or [{}]
    assert message["parts"] == [{**CALL, "arguments": '{"a": '}]


def test_tool_calls_and_new_results_are_found() -> None:
    later = {"type": "tool_call_response", "id": "c2", "response": {"ok": True}}
    history = [ASKS, GIVES, _message("assistant", {**CALL, "id": "c2", "arguments": "raw"}), _message("tool", later)]
    calls = [tuple(call) for call in find_tool_calls(history)]
    assert calls == [("c1", "add", '{"a":1}'), ("c2", "add", "raw")]
    assert [result[:2] for result in find_tool_results(history)] == [("c2", '{"ok":true}')]
    assert find_tool_results([*history, ANSWER]) == []


def _asked(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "name": name, "arguments": arguments}


def _given(response: str, **more: Any) -> dict[str, Any]:
    return {"type": "tool_call_response", "response": response, **more}


def test_results_without_ids_belong_to_the_calls_before_them() -> None:
    calls = [_asked("add", a=1), _asked("add", a=1), {**_asked("sub", a=2), "id": "c3"}, _asked("add", a=3)]
    prompt = [_message("user"), _message("assistant", *calls)]
    digests = digest_calls(find_tool_calls(prompt))
    assert len({*digests}) == 4
    for parts, expected in (
        ([_given("1"), _given("2")], [(None, "1", digests[0], 0), (None, "2", digests[1], 0)]),
        ([_given("2", name="sub")], [("c3", "2", digests[2], 0)]),
        (
            [_given("3", id="c3", is_error=True), *(_given(text) for text in "1245")],
            [
                ("c3", "3", digests[2], 1),
                *((None, text, digests[n], 0) for text, n in zip("124", (0, 1, 3), strict=True)),
            ],
        ),
        ([_given("9", id="other"), _given("8", name="other")], [("other", "9", None, 0)]),
    ):
        assert find_tool_results([*prompt, _message("tool", *parts)]) == expected
    assert find_tool_results([_message("tool", _given("1"))]) == []


def test_the_order_of_keys_does_not_change_what_is_asked_for() -> None:
    one, other = ToolCallRow(None, "add", '{"a":1,"b":2}'), ToolCallRow("c1", "add", '{"b": 2, "a": 1}')
    assert digest_calls([one]) == digest_calls([other]) != digest_calls([one._replace(arguments='{"a":1}')])
    assert digest_calls([ToolCallRow(None, "add", None)]) == digest_calls([ToolCallRow(None, "add", "{}")])
    assert digest_calls([ToolCallRow("c1", None, "{}")]) == [None]


@pytest.mark.parametrize(
    "answer",
    [
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "no", "is_error": True}]},
        {
            "role": "user",
            "content": [{"toolResult": {"toolUseId": "c1", "status": "error", "content": [{"text": "no"}]}}],
        },
        {"role": "tool", "content": [{"tool_call_result": {"result": "no", "origin": {"id": "c1"}, "error": True}}]},
        {
            "role": "tool",
            "tool_call_id": "c1",
            "content": '{"content": [{"type": "text", "text": "no"}], "isError": true}',
        },
    ],
    ids=("Anthropic", "Bedrock", "Haystack", "MCP"),
)
def test_a_result_says_that_its_tool_failed(answer: Any) -> None:
    assert find_tool_results(read_messages([answer], "user") or []) == [("c1", "no", None, 1)]


def test_headings_say_whose_the_texts_are() -> None:
    text = "[USER]\nis it?\n\n---\n\n[TOOL RESULT: c1]\n42\n[TOOL]\n\n\n[USER]\n\nyes\n"
    result = {"type": "tool_call_response", "id": "c1", "response": "42\n[TOOL]"}
    assert read_messages(text, "user") == [
        _message("user", {"type": "text", "content": "is it?"}),
        _message("tool", result),
        _message("user", {"type": "text", "content": "\nyes\n"}),
    ]


@pytest.mark.parametrize("text", ["[USERS]\nhi", "[USER] hi", "so\n[USER]\nhi", "[USER]"])
def test_other_texts_have_no_headings(text: str) -> None:
    assert read_messages(text, "user") == [_message("user", {"type": "text", "content": text})]


def test_what_json_cannot_hold_is_repaired_in_encoding() -> None:
    assert encode_messages([float("nan"), {"a": None, "b": b"\x00"}]) == '["NaN",{"a":null,"b":"AA=="}]'


plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


@given(st.one_of(st.lists(plain, min_size=1), st.dictionaries(st.text(), plain, min_size=1)))
def test_a_repr_is_read_as_python_reads_it(value: Any) -> None:
    with warnings.catch_warnings():
        assert ast.literal_eval(repr(value)) == value
    if not (isinstance(value, list) and isinstance(value[0], str) and repr(value).startswith('["')):
        assert decode_text(repr(value)) == value


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5), st.booleans(), st.data())
def test_of_a_text_that_was_cut_all_that_is_whole_is_read(texts: list[str], as_repr: bool, data: st.DataObject) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    whole = repr(messages) if as_repr else json.dumps(messages)
    cut = whole[: data.draw(st.integers(len(whole) - 60, len(whole) - 1))]
    found = read_messages(cut, "user") if cut else None
    if found is not None and found != [_message("user", cut)]:
        contents = ["".join(part["content"] for part in message["parts"]) for message in found]
        assert contents[:-1] == texts[: len(contents) - 1]
        assert len(contents) >= len(texts) - 2 or not contents


@given(st.one_of(values, attributes), st.sampled_from(["user", "assistant"]))
def test_no_value_raises_and_all_give_messages(value: Any, role: str) -> None:
    messages = read_messages(value, role)
    assert messages is None or _are_messages(messages)
    assert json.loads(encode_messages(messages or [])) is not None
    find_tool_calls(messages or [])
    find_tool_results(messages or [])
    read_parts(value)


words = st.sampled_from(
    [
        *("role", "content", "parts", "type", "text", "tool_calls", "function", "name", "arguments", "message", "data"),
        *("messages", "choices", "kwargs", "lc", "id", "kind", "request", "user", "tool", "tool_result", "image"),
        *(
            "source",
            "event.name",
            "gen_ai.choice",
            "thinking",
            "summary",
            "toolUse",
            "prompt",
            "inputs",
            "finish_reason",
        ),
    ]
)
nearly = st.recursive(
    st.one_of(words, st.none(), st.integers(0, 2), st.just("")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=5), st.builds(json.dumps, inner)
    ),
    max_leaves=25,
)


@example([{"role": "user", "content": [{"type": None, "kind": "role"}]}])
@given(nearly)
def test_what_nearly_has_a_known_shape_gives_messages(value: Any) -> None:
    messages = read_messages(value, "user")
    assert messages is None or _are_messages(messages)
    assert json.loads(encode_messages(messages or [])) == (messages or [])


@given(st.dictionaries(st.lists(st.one_of(words, st.sampled_from("0127")), max_size=5).map(".".join), nearly))
def test_no_flattened_names_raise(flat: dict[str, Any]) -> None:
    messages = read_flattened({f"llm.{name}": value for name, value in flat.items()}, "llm", "user")
    assert messages is None or _are_messages(messages)


def _are_messages(messages: list[dict[str, Any]]) -> bool:
    return bool(messages) and all(
        isinstance(message["role"], str)
        and isinstance(message["parts"], list)
        and all(isinstance(part, dict) and isinstance(part["type"], str) for part in message["parts"])
        for message in messages
    )


def test_places_of_any_length_are_in_order() -> None:
    far = "9" * 5_000
    flat = {f"gen_ai.prompt.{place}.content": place[:2] for place in (far, "10", "2")}
    messages = read_flattened(flat, "gen_ai.prompt", "user") or []
    assert [message["parts"][0]["content"] for message in messages] == ["2", "10", "99"]


def test_a_long_number_in_a_text_is_tried_once() -> None:
    """With one try for each of its digits, this would take an hour."""
    assert decode_text("[" + "9" * 400_000 + "x") is None
    assert decode_text("[1.5, -2, 3e5, .5, 1.x") is None
    assert decode_text("[1.5, -2, 3e5, .5, None") == [1.5, -2, 3e5, 0.5, None]


def test_a_name_of_thousands_of_parts_is_kept_as_deep_as_json_goes() -> None:
    found = gather({"p.0.role": "user", "p.0" + ".a" * 5_000: "x"}, "p")
    assert found[0]["role"] == "user"
    assert len(json.dumps(found)) < 11_000


def test_a_json_text_in_an_attribute_of_messages_is_that_text() -> None:
    assert read_recorded('"Be \\"brief\\"."', "system", read_parts) == [{"type": "text", "content": 'Be "brief".'}]
    assert read_recorded('"hi"', "user") == [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]
