# SPDX-License-Identifier: Apache-2.0
"""Every shape of messages gives one result, whichever way it was recorded: in an attribute, in an event of the span or
in a log record, as JSON or as the values that it stands for."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import exporting, read
from tests.integration.test_log_exporter import logging_to, make_log

_T = 1_795_000_000_000_000_000
_HOUR = 3_600 * 10**9
_CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
_DETAILS = "gen_ai.client.inference.operation.details"
_EVENTS = {role: f"gen_ai.{role}.message" for role in ("system", "user", "assistant", "tool")}
JSON = dict[str, Any]


class Recorded(NamedTuple):
    """What is recorded of one call: attributes of its span, an event of it, a log record."""

    attributes: JSON = {}  # noqa: RUF012
    event: tuple[str, JSON] | None = None
    log: tuple[str, JSON, Any] | None = None


def _text(content: str) -> JSON:
    return {"type": "text", "content": content}


def _media(type: str, modality: str, **held: str) -> JSON:
    return {"type": type, "modality": modality, **held}


_ADD = {"type": "tool_call", "id": "c1", "name": "add", "arguments": {"a": 1}}
_SUM = {"type": "tool_call_response", "id": "c1", "response": "42"}
_THOUGHT = {"type": "reasoning", "content": "hm"}
_SIGNED = {**_THOUGHT, "signature": "s"}
_REFUSAL = {**_text("no"), "refusal": True}
_SEARCH = {"type": "web_search_call", "id": "w1", "status": "completed", "action": {"query": "q"}}
_PNG = _media("blob", "image", mime_type="image/png", content="aGk=")
_URL = _media("uri", "image", uri="https://example.com/a.png")
_PDF = _media("blob", "document", mime_type="application/pdf", content="aGk=")

# Blocks of a message's content, and the part that each becomes.
BLOCKS: dict[str, tuple[JSON, JSON]] = {
    "text": ({"type": "text", "text": "hi"}, _text("hi")),
    "text of Responses": ({"type": "input_text", "text": "hi"}, _text("hi")),
    "answer of Responses": ({"type": "output_text", "text": "hi", "annotations": []}, _text("hi")),
    "text of Bedrock and Gemini": ({"text": "hi"}, _text("hi")),
    "refusal": ({"type": "refusal", "refusal": "no"}, _REFUSAL),
    "text with citations": (
        {"type": "text", "text": "hi", "citations": [{"cited_text": "c"}]},
        {**_text("hi"), "citations": [{"cited_text": "c"}]},
    ),
    "answer of Responses with annotations": (
        {"type": "output_text", "text": "hi", "annotations": [{"type": "url_citation", "url": "u"}]},
        {**_text("hi"), "annotations": [{"type": "url_citation", "url": "u"}]},
    ),
    "cited text of Bedrock": (
        {"citationsContent": {"content": [{"text": "hi"}], "citations": [{"title": "t"}]}},
        {**_text("hi"), "citations": [{"title": "t"}]},
    ),
    "signed text of Gemini": ({"text": "hi", "thoughtSignature": "s"}, {**_text("hi"), "signature": "s"}),
    "spoken text": (
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}, "transcript": "hey"},
        _media("blob", "audio", mime_type="audio/wav", content="aGk=", transcript="hey"),
    ),
    "image_url": ({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, _URL),
    "image_url with data": ({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}, _PNG),
    "image of Responses": ({"type": "input_image", "image_url": "https://example.com/a.png"}, _URL),
    "image of Anthropic": (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
        _PNG,
    ),
    "image of Anthropic by URL": (
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        _URL,
    ),
    "image of Bedrock": ({"image": {"format": "png", "source": {"bytes": "aGk="}}}, _PNG),
    "image of Gemini": ({"inline_data": {"mime_type": "image/png", "data": "aGk="}}, _PNG),
    "file of Gemini": (
        {"fileData": {"mimeType": "image/png", "fileUri": "gs://b/a.png"}},
        _media("uri", "image", mime_type="image/png", uri="gs://b/a.png"),
    ),
    "audio": (
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
        _media("blob", "audio", mime_type="audio/wav", content="aGk="),
    ),
    "file": ({"type": "file", "file": {"file_id": "f1"}}, _media("file", "document", file_id="f1")),
    "file of Responses": ({"type": "input_file", "file_id": "f1"}, _media("file", "document", file_id="f1")),
    "document of Anthropic": (
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}},
        _PDF,
    ),
    "document of Bedrock": (
        {"document": {"format": "pdf", "name": "d", "source": {"bytes": "aGk="}}},
        {**_PDF, "name": "d"},
    ),
    "thinking": ({"type": "thinking", "thinking": "hm", "signature": "s"}, _SIGNED),
    "redacted thinking": (
        {"type": "redacted_thinking", "data": "opaque"},
        {"type": "reasoning", "content": "", "encrypted_content": "opaque"},
    ),
    "encrypted reasoning of Responses": (
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "opaque"},
        {**_THOUGHT, "encrypted_content": "opaque"},
    ),
    "signed reasoning of Bedrock": ({"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}}, _SIGNED),
    "redacted reasoning of Bedrock": (
        {"reasoningContent": {"redactedContent": "opaque"}},
        {"type": "reasoning", "content": "", "encrypted_content": "opaque"},
    ),
    "signed call of Gemini": (
        {"functionCall": {"id": "c1", "name": "add", "args": {"a": 1}}, "thoughtSignature": "s"},
        {**_ADD, "signature": "s"},
    ),
    "call of Haystack": ({"tool_call": {"id": "c1", "tool_name": "add", "arguments": {"a": 1}}}, _ADD),
    "call of LlamaIndex": (
        {"block_type": "tool_call", "tool_call_id": "c1", "tool_name": "add", "tool_kwargs": {"a": 1}},
        _ADD,
    ),
    "search by the server": (_SEARCH, _SEARCH),
    "call of MCP by the server": (
        {"type": "mcp_call", "id": "m1", "name": "add", "arguments": '{"a": 1}', "output": "42"},
        {"type": "mcp_call", "id": "m1", "name": "add", "arguments": {"a": 1}, "output": "42"},
    ),
    "reasoning of Responses": ({"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}, _THOUGHT),
    "reasoning of Bedrock": ({"reasoningContent": {"reasoningText": {"text": "hm"}}}, _THOUGHT),
    "thought of Gemini": ({"text": "hm", "thought": True}, _THOUGHT),
    "tool_use": ({"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}}, _ADD),
    "toolUse": ({"toolUse": {"toolUseId": "c1", "name": "add", "input": {"a": 1}}}, _ADD),
    "function_call of Responses": (
        {"type": "function_call", "call_id": "c1", "name": "add", "arguments": '{"a": 1}'},
        _ADD,
    ),
    "functionCall of Gemini": ({"functionCall": {"id": "c1", "name": "add", "args": {"a": 1}}}, _ADD),
    "tool_result": ({"type": "tool_result", "tool_use_id": "c1", "content": "42"}, _SUM),
    "tool_result of blocks": (
        {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "42"}]},
        _SUM,
    ),
    "tool_result with is_error": (
        {"type": "tool_result", "tool_use_id": "c1", "content": "bad", "is_error": True},
        {**_SUM, "response": "bad", "is_error": True},
    ),
    "toolResult of text": ({"toolResult": {"toolUseId": "c1", "content": [{"text": "42"}]}}, _SUM),
    "result of Haystack": (
        {"tool_call_result": {"result": "42", "origin": {"id": "c1", "tool_name": "add"}, "error": False}},
        {**_SUM, "name": "add"},
    ),
    "OpenTelemetry's response of blocks": ({**_SUM, "response": [{"text": "42"}]}, _SUM),
    "toolResult of JSON": (
        {"toolResult": {"toolUseId": "c1", "content": [{"json": {"a": 1}}], "status": "success"}},
        {**_SUM, "response": {"a": 1}},
    ),
    "toolResult that failed": (
        {"toolResult": {"toolUseId": "c1", "content": [{"text": "bad"}], "status": "error"}},
        {**_SUM, "response": "bad", "is_error": True},
    ),
    "tool_result without content": (
        {"type": "tool_result", "tool_use_id": "c1"},
        {"type": "tool_call_response", "id": "c1"},
    ),
    "function_call_output of Responses": ({"type": "function_call_output", "call_id": "c1", "output": "42"}, _SUM),
    "functionResponse of Gemini": (
        {"functionResponse": {"id": "c1", "name": "add", "response": {"sum": 3}}},
        {**_SUM, "response": {"sum": 3}, "name": "add"},
    ),
    "OpenTelemetry's text": (_text("hi"), _text("hi")),
    "OpenTelemetry's call": (_ADD, _ADD),
    "OpenTelemetry's response": (_SUM, _SUM),
    "OpenTelemetry's blob": (_PNG, _PNG),
    "OpenTelemetry's uri": (_URL, _URL),
    "code of Gemini": (
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"type": "executable_code", "language": "PYTHON", "code": "1"},
    ),
    "output of code of Gemini": (
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"type": "code_execution_result", "outcome": "OUTCOME_OK", "output": "1"},
    ),
    "guarded text of Bedrock": (
        {"guardContent": {"text": {"text": "hi", "qualifiers": ["query"]}}},
        {"type": "guard_content", "text": {"text": "hi", "qualifiers": ["query"]}},
    ),
    "cache point of Bedrock": ({"cachePoint": {"type": "default"}}, {"type": "cache_point"}),
    "unknown type": ({"type": "hologram", "x": 1}, {"type": "hologram", "x": 1}),
    "no type": ({"x": 1}, _text('{"x":1}')),
}
_OPENAI_CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
# Whole messages of a prompt, and what each becomes.
MESSAGES: dict[str, tuple[JSON, JSON]] = {
    **{
        f"block, {name}": (
            {"role": "user", "content": [block]},
            {"role": "tool" if part["type"] == "tool_call_response" else "user", "parts": [part]},
        )
        for name, (block, part) in BLOCKS.items()
    },
    "plain text": ({"role": "user", "content": "hi"}, {"role": "user", "parts": [_text("hi")]}),
    "text that is JSON": ({"role": "user", "content": '{"a": 1}'}, {"role": "user", "parts": [_text('{"a": 1}')]}),
    "system": ({"role": "system", "content": "be brief"}, {"role": "system", "parts": [_text("be brief")]}),
    "calls of OpenAI": (
        {"role": "assistant", "content": None, "tool_calls": [_OPENAI_CALL]},
        {"role": "assistant", "parts": [_ADD]},
    ),
    "text and calls": (
        {"role": "assistant", "content": "so", "tool_calls": [_OPENAI_CALL]},
        {"role": "assistant", "parts": [_text("so"), _ADD]},
    ),
    "reasoning_content": (
        {"role": "assistant", "content": "so", "reasoning_content": "hm"},
        {"role": "assistant", "parts": [_THOUGHT, _text("so")]},
    ),
    "old function_call": (
        {"role": "assistant", "content": None, "function_call": {"name": "add", "arguments": '{"a": 1}'}},
        {"role": "assistant", "parts": [{key: value for key, value in _ADD.items() if key != "id"}]},
    ),
    "tool message": (
        {"role": "tool", "content": "42", "tool_call_id": "c1"},
        {"role": "tool", "parts": [_SUM]},
    ),
    "tool message of JSON": (
        {"role": "tool", "content": {"sum": 3}, "tool_call_id": "c1"},
        {"role": "tool", "parts": [{**_SUM, "response": {"sum": 3}}]},
    ),
    "two blocks": (
        {"role": "user", "content": [{"type": "text", "text": "look"}, BLOCKS["image_url"][0]]},
        {"role": "user", "parts": [_text("look"), _URL]},
    ),
    "parts of Gemini": (
        {"role": "model", "parts": [{"text": "hi"}]},
        {"role": "assistant", "parts": [_text("hi")]},
    ),
    "OpenTelemetry's own": (
        {"role": "user", "parts": [_text("hi"), _PNG]},
        {"role": "user", "parts": [_text("hi"), _PNG]},
    ),
    "OpenTelemetry's own with a call": (
        {"role": "assistant", "parts": [_text("so"), _ADD]},
        {"role": "assistant", "parts": [_text("so"), _ADD]},
    ),
    "call whose argument is `type`": (
        {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "draw", "args": {"type": "circle"}}}]},
        {"role": "assistant", "parts": [{**_ADD, "name": "draw", "arguments": {"type": "circle"}}]},
    ),
    "call whose argument is `parts`": (
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "order", "input": {"parts": [1]}}]},
        {"role": "assistant", "parts": [{**_ADD, "name": "order", "arguments": {"parts": [1]}}]},
    ),
    "number that JSON lacks": (
        {"role": "assistant", "parts": [{**_ADD, "arguments": {"x": float("nan")}}]},
        {"role": "assistant", "parts": [{**_ADD, "arguments": {"x": "NaN"}}]},
    ),
    "half of a character": (
        {"role": "user", "parts": [_text("a\ud800b")]},
        {"role": "user", "parts": [_text("a\ufffdb")]},
    ),
    "almost OpenTelemetry's own, `text` for `content`": (
        {"role": "user", "parts": [{"type": "text", "text": "hi"}]},
        {"role": "user", "parts": [_text("hi")]},
    ),
    "almost OpenTelemetry's own, Anthropic's call": (
        {"role": "assistant", "parts": [BLOCKS["tool_use"][0]]},
        {"role": "assistant", "parts": [_ADD]},
    ),
    "almost OpenTelemetry's own, role of Gemini": (
        {"role": "model", "parts": [_text("hi")]},
        {"role": "assistant", "parts": [_text("hi")]},
    ),
    "almost OpenTelemetry's own, arguments as JSON": (
        {"role": "assistant", "parts": [{**_ADD, "arguments": '{"a": 1}'}]},
        {"role": "assistant", "parts": [_ADD]},
    ),
    "almost OpenTelemetry's own, response of the user": (
        {"role": "user", "parts": [_SUM]},
        {"role": "tool", "parts": [_SUM]},
    ),
    "almost OpenTelemetry's own, text of a tool": (
        {"role": "tool", "tool_call_id": "c1", "parts": [_text("42")]},
        {"role": "tool", "parts": [_SUM]},
    ),
    "almost OpenTelemetry's own, no reason to end": (
        {"role": "assistant", "parts": [_text("hi")], "finish_reason": None},
        {"role": "assistant", "parts": [_text("hi")]},
    ),
    "almost OpenTelemetry's own, texts": (
        {"role": "user", "parts": ["hi"], "type": "message"},
        {"role": "user", "parts": [_text("hi")]},
    ),
    "refusal of OpenAI": (
        {"role": "assistant", "content": None, "refusal": "no"},
        {"role": "assistant", "parts": [_REFUSAL]},
    ),
    "refusal of OpenAI beside text": (
        {"role": "assistant", "content": "so", "refusal": "no"},
        {"role": "assistant", "parts": [_text("so"), _REFUSAL]},
    ),
    "audio of OpenAI": (
        {"role": "assistant", "content": None, "audio": {"id": "a1", "data": "aGk=", "transcript": "hey"}},
        {"role": "assistant", "parts": [_media("blob", "audio", content="aGk=", transcript="hey")]},
    ),
    "annotations of OpenAI": (
        {"role": "assistant", "content": "hi", "annotations": [{"type": "url_citation", "url": "u"}]},
        {"role": "assistant", "parts": [{**_text("hi"), "annotations": [{"type": "url_citation", "url": "u"}]}]},
    ),
    "reasoning_summary": (
        {"role": "assistant", "content": "so", "reasoning_summary": "hm"},
        {"role": "assistant", "parts": [_THOUGHT, _text("so")]},
    ),
    "thinking_blocks": (
        {
            "role": "assistant",
            "content": "so",
            "reasoning_content": "hm",
            "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}],
        },
        {"role": "assistant", "parts": [_SIGNED, _text("so")]},
    ),
    "arguments in the quotes of Python": (
        {"role": "assistant", "parts": [{**_ADD, "name": "'add'", "arguments": "'{\"a\": 1}'"}]},
        {"role": "assistant", "parts": [_ADD]},
    ),
    "arguments as JSON in JSON": (
        {"role": "assistant", "parts": [{**_ADD, "arguments": json.dumps(json.dumps({"a": 1}))}]},
        {"role": "assistant", "parts": [_ADD]},
    ),
    "OpenTelemetry's own with a response": (
        {"role": "tool", "parts": [_SUM]},
        {"role": "tool", "parts": [_SUM]},
    ),
}


def _name(message: JSON) -> str:
    role = message["role"]
    return _EVENTS["assistant" if role == "model" else role]


def _attributes_of_event(message: JSON) -> JSON:
    """The message as attributes of a span event, which cannot be maps."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in message.items() if value}


WAYS: dict[str, Callable[[JSON], Recorded]] = {
    "attribute, JSON": lambda message: Recorded({"gen_ai.prompt": json.dumps([message])}),
    "attribute, values": lambda message: Recorded({"gen_ai.prompt": [message]}),
    "attribute of the conventions, JSON": lambda message: Recorded({"gen_ai.input.messages": json.dumps([message])}),
    "attribute of the conventions, values": lambda message: Recorded({"gen_ai.input.messages": [message]}),
    "request in an attribute, JSON": lambda message: Recorded(
        {"openinference.span.kind": "LLM", "input.value": json.dumps({"model": "m", "messages": [message]})}
    ),
    "span event, attributes": lambda message: Recorded(event=(_name(message), _attributes_of_event(message))),
    "span event, JSON": lambda message: Recorded(event=(_name(message), {"gen_ai.event.content": json.dumps(message)})),
    "span event of the whole, JSON": lambda message: Recorded(
        event=(_DETAILS, {"gen_ai.input.messages": json.dumps([message])})
    ),
    "oldest span event, JSON": lambda message: Recorded(
        event=("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps([message])})
    ),
    "log record, values": lambda message: Recorded(log=(_name(message), {"gen_ai.system": "openai"}, message)),
    "log record, JSON": lambda message: Recorded(log=(_name(message), {}, json.dumps(message))),
    "log record, JSON in an attribute": lambda message: Recorded(
        log=(_name(message), {"gen_ai.event.content": json.dumps(message)}, None)
    ),
    "log record of the whole, values": lambda message: Recorded(
        log=(_DETAILS, {"gen_ai.input.messages": [message]}, None)
    ),
    "log record of the whole, JSON": lambda message: Recorded(
        log=(_DETAILS, {"gen_ai.input.messages": json.dumps([message])}, None)
    ),
}


def _write(path: Path, recorded: list[tuple[str, Recorded]]) -> None:
    """Write each as a call of its own trace, an hour after the one before: no two of them can be one call."""
    spans: list[ReadableSpan] = []
    logs: list[ReadableLogRecord] = []
    for number, (name, (attributes, event, log)) in enumerate(recorded, 1):
        time = _T + number * _HOUR
        spans.append(
            ReadableSpan(
                name=name,
                context=SpanContext(number, number, False, TraceFlags(1)),
                resource=Resource({"service.name": "one"}),
                attributes={**_CALL, **attributes},
                events=[Event(*event, time)] if event else [],
                start_time=time,
                end_time=time + 1_000,
            )
        )
        if log:
            record = make_log(
                trace=number, span=number, event_name=log[0], attributes=log[1], body=log[2], timestamp=time
            )
            logs.append(record)
    with exporting(path) as exporter, logging_to(path) as log_exporter:
        assert log_exporter.export(logs).name == "SUCCESS"
        assert exporter.export(spans).name == "SUCCESS"


# An attribute of a span event can hold these as text alone, and nothing in it says that it is more than that.
TEXT_ALONE = {
    (shape, "span event, attributes")
    for shape in ("block, no type", "tool message of JSON", "almost OpenTelemetry's own, texts")
}
CASES = [(shape, way) for shape in MESSAGES for way in WAYS if (shape, way) not in TEXT_ALONE]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The prompts that a file shows, by shape and way."""
    path = tmp_path_factory.mktemp("shapes") / "otel.db"
    recorded = [(f"{shape}/{way}", WAYS[way](MESSAGES[shape][0])) for shape, way in CASES]
    _write(path, recorded)
    rows = read(path, "SELECT name, prompt FROM complete_llm_interactions")
    return {name: prompt and json.loads(prompt) for name, prompt in rows}


@pytest.mark.parametrize(("shape", "way"), CASES)
def test_a_shape_gives_one_result_whichever_way_it_was_recorded(shown: dict[str, Any], shape: str, way: str) -> None:
    assert shown[f"{shape}/{way}"] == [MESSAGES[shape][1]]


_EMPTY = {"role": "assistant", "parts": []}
# Messages that say nothing: content that is null or empty, or an answer that ended before any word.
NOTHINGS: dict[str, tuple[JSON, JSON]] = {
    "null": ({"role": "assistant", "content": None}, _EMPTY),
    "empty text": ({"role": "assistant", "content": ""}, _EMPTY),
    "no blocks": ({"role": "assistant", "content": []}, _EMPTY),
    "null parts": ({"role": "assistant", "parts": None}, _EMPTY),
    "no parts": ({"role": "assistant", "parts": []}, _EMPTY),
    "no calls": ({"role": "assistant", "content": None, "tool_calls": []}, _EMPTY),
    "a reason alone": ({"role": "assistant", "finish_reason": "length"}, {**_EMPTY, "finish_reason": "length"}),
    "null and a reason": (
        {"role": "assistant", "content": None, "finish_reason": "max_tokens"},
        {**_EMPTY, "finish_reason": "length"},
    ),
}
NOTHING_WAYS: dict[str, Callable[[JSON], Recorded]] = {
    **{way: record for way, record in WAYS.items() if "attribute" in way and "event" not in way and "log" not in way},
    **{way: WAYS[way] for way in ("span event of the whole, JSON", "log record of the whole, JSON")},
}


@pytest.mark.parametrize("shape", NOTHINGS)
def test_a_message_without_content_has_a_list_of_parts(path: Path, shape: str) -> None:
    message, expected = NOTHINGS[shape]
    _write(path, [(way, record(message)) for way, record in NOTHING_WAYS.items()])
    rows = read(path, "SELECT name, prompt FROM complete_llm_interactions")
    assert {way: prompt and json.loads(prompt) for way, prompt in rows} == {way: [expected] for way in NOTHING_WAYS}


# Bodies of events that are no message, and what each becomes as the body of `gen_ai.user.message`.
BODIES: dict[str, tuple[JSON, JSON]] = {
    "unknown": ({"foo": "bar"}, {"role": "user", "parts": [_text('{"foo":"bar"}')]}),
    "unknown with a role": (
        {"role": "user", "content": None, "foo": 1},
        {"role": "user", "parts": [_text('{"role":"user","content":null,"foo":1}')]},
    ),
    "request": ({"messages": [{"role": "user", "content": "hi"}]}, {"role": "user", "parts": [_text("hi")]}),
    "call of Responses": (BLOCKS["function_call of Responses"][0], {"role": "assistant", "parts": [_ADD]}),
    "custom call of Responses": (
        {"type": "custom_tool_call", "call_id": "c1", "name": "add", "input": "1"},
        {"role": "assistant", "parts": [{**_ADD, "arguments": 1}]},
    ),
    "result of Responses": (BLOCKS["function_call_output of Responses"][0], {"role": "tool", "parts": [_SUM]}),
    "dump of LangChain": (
        {"lc": 1, "type": "constructor", "id": ["langchain", "HumanMessage"], "kwargs": json.dumps({"content": "hi"})},
        {"role": "user", "parts": [_text("hi")]},
    ),
    "item of Responses": (
        {"type": "web_search_call", "id": "w1", "action": {"query": "q"}},
        {"role": "assistant", "parts": [{"type": "web_search_call", "id": "w1", "action": {"query": "q"}}]},
    ),
    "reference of Responses": (
        {"type": "item_reference", "id": "i1"},
        {"role": "user", "parts": [{"type": "item_reference", "id": "i1"}]},
    ),
    "LangChain's": (
        {"lc": 1, "type": "constructor", "id": ["langchain", "HumanMessage"], "kwargs": {"content": "hi"}},
        {"role": "user", "parts": [_text("hi")]},
    ),
    "result of a tool": ({"role": "tool", "id": "c1", "response": "42"}, {"role": "tool", "parts": [_SUM]}),
    "unknown of a tool": (
        {"role": "tool", "id": "c1", "foo": 1},
        {"role": "tool", "parts": [{**_SUM, "response": '{"role":"tool","id":"c1","foo":1}'}]},
    ),
    "piece of an answer": ({"delta": {"content": "hi"}}, {"role": "user", "parts": [_text("hi")]}),
}


@pytest.mark.parametrize("shape", BODIES)
def test_no_body_of_an_event_is_lost_for_its_shape(path: Path, shape: str) -> None:
    body, expected = BODIES[shape]
    name = _EVENTS["user"]
    ways = {
        "log record, values": Recorded(log=(name, {}, body)),
        "log record, values in an attribute": Recorded(log=(name, {"gen_ai.event.content": body}, None)),
    }
    is_known = "foo" not in body and "messages" not in body and "response" not in body
    if is_known:  # any other JSON may be the text that the user wrote
        ways["log record, JSON"] = Recorded(log=(name, {}, json.dumps(body)))
        ways["span event, JSON"] = Recorded(event=(name, {"gen_ai.event.content": json.dumps(body)}))
    _write(path, list(ways.items()))
    rows = read(path, "SELECT name, prompt FROM complete_llm_interactions")
    assert {way: prompt and json.loads(prompt) for way, prompt in rows} == {way: [expected] for way in ways}


class Foreign:
    """An object of the application whose text looks like a message."""

    def __str__(self) -> str:
        return "HumanMessage(content='hi')"


class Kind(Enum):
    """A value that orjson writes and that is not text."""

    USER = "user"


_DEEP = json.loads('["x", ' + "[" * 150 + "]" * 151)


@pytest.mark.parametrize(
    "content",
    [
        {"a"},
        Foreign(),
        [Foreign()],
        Kind.USER,
        2**70,
        b"hello",
        float("inf"),
        "a\ud800",
        _DEEP,
    ],
    ids=lambda content: type(content).__name__,
)
def test_reindex_reads_the_messages_that_were_written(path: Path, content: Any) -> None:
    message = {"role": "user", "content": content}
    ways = {
        "attribute": Recorded({"gen_ai.prompt": [message]}),
        "attribute of the conventions": Recorded({"gen_ai.input.messages": [message]}),
        "event": Recorded(event=(_EVENTS["user"], message)),
        "body": Recorded(log=(_EVENTS["user"], {}, message)),
        "record of the whole": Recorded(log=(_DETAILS, {"gen_ai.input.messages": [message]}, None)),
    }
    _write(path, list(ways.items()))
    rows = read(path, "SELECT name, prompt FROM complete_llm_interactions ORDER BY name")
    done = reindex(resolve_settings(path))
    assert (done.changed_spans, done.changed_logs) == (0, 0)
    assert read(path, "SELECT name, prompt FROM complete_llm_interactions ORDER BY name") == rows
    assert all(prompt for _, prompt in rows)


# Answers, and what each becomes.
ANSWERS: dict[str, tuple[JSON, JSON]] = {
    "text": ({"role": "assistant", "content": "yo"}, {"role": "assistant", "parts": [_text("yo")]}),
    "blocks": (
        {"role": "assistant", "content": [BLOCKS["thinking"][0], BLOCKS["tool_use"][0]]},
        {"role": "assistant", "parts": [_SIGNED, _ADD]},
    ),
    "calls": (
        {"role": "assistant", "content": None, "tool_calls": [_OPENAI_CALL]},
        {"role": "assistant", "parts": [_ADD]},
    ),
    "plain refusal": (
        {"role": "assistant", "content": None, "refusal": "no"},
        {"role": "assistant", "parts": [_REFUSAL]},
    ),
    "refusal": (
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "parts": [_REFUSAL]},
    ),
}
ANSWERS |= {
    "null": ({"role": "assistant", "content": None}, {"role": "assistant", "parts": []}),
    "audio": (
        {"role": "assistant", "content": None, "audio": {"id": "a1", "data": "aGk=", "transcript": "hey"}},
        {"role": "assistant", "parts": [_media("blob", "audio", content="aGk=", transcript="hey")]},
    ),
}
ANSWER_WAYS: dict[str, Callable[[JSON], Recorded]] = {
    "attribute, JSON": lambda message: Recorded({"gen_ai.completion": json.dumps([{**message, "finish_reason": "x"}])}),
    "choices in an attribute, JSON": lambda message: Recorded(
        {
            "openinference.span.kind": "LLM",
            "output.value": json.dumps({"choices": [{"index": 0, "finish_reason": "x", "message": message}]}),
        }
    ),
    "span event, JSON": lambda message: Recorded(
        event=("gen_ai.choice", {"message": json.dumps(message), "finish_reason": "x"})
    ),
    "span event, JSON of the whole": lambda message: Recorded(
        event=("gen_ai.choice", {"gen_ai.event.content": json.dumps({"message": message, "finish_reason": "x"})})
    ),
    "log record, values": lambda message: Recorded(
        log=("gen_ai.choice", {}, {"index": 0, "finish_reason": "x", "message": message})
    ),
    "log record, JSON": lambda message: Recorded(
        log=("gen_ai.choice", {}, json.dumps({"index": 0, "finish_reason": "x", "message": message}))
    ),
    "log record of the whole, values": lambda message: Recorded(
        log=(_DETAILS, {"gen_ai.output.messages": [{**message, "finish_reason": "x"}]}, None)
    ),
}


@pytest.mark.parametrize("shape", ANSWERS)
def test_an_answer_gives_one_result_whichever_way_it_was_recorded(path: Path, shape: str) -> None:
    answer, expected = ANSWERS[shape]
    _write(path, [(way, record(answer)) for way, record in ANSWER_WAYS.items()])
    rows = read(path, "SELECT name, completion FROM complete_llm_interactions")
    shown = {way: completion and json.loads(completion) for way, completion in rows}
    assert shown == {way: [{**expected, "finish_reason": "x"}] for way in ANSWER_WAYS}


def test_a_list_of_texts_gives_one_result_whichever_way_it_was_recorded(path: Path) -> None:
    given = ["hi", "there"]
    # The text of one in `gen_ai.prompt` is not here, as it is as likely what the user wrote.
    ways = {
        "attribute, values": Recorded({"gen_ai.prompt": given}),
        "attribute of the conventions, JSON": Recorded({"gen_ai.input.messages": json.dumps(given)}),
        "attribute of the conventions, values": Recorded({"gen_ai.input.messages": given}),
        "span event of the whole, JSON": Recorded(event=(_DETAILS, {"gen_ai.input.messages": json.dumps(given)})),
        "log record of the whole, values": Recorded(log=(_DETAILS, {"gen_ai.input.messages": given}, None)),
        "log record of the whole, JSON": Recorded(log=(_DETAILS, {"gen_ai.input.messages": json.dumps(given)}, None)),
    }
    _write(path, list(ways.items()))
    rows = read(path, "SELECT name, prompt FROM complete_llm_interactions")
    expected = [{"role": "user", "parts": [_text(text)]} for text in given]
    assert {way: prompt and json.loads(prompt) for way, prompt in rows} == dict.fromkeys(ways, expected)


_TEXT_PIECE = {"index": 0, "delta": {"role": "assistant", "content": "y"}, "finish_reason": None}
# Answers told in several messages or pieces, and the one message that each is.
WHOLES: dict[str, tuple[list[JSON], list[JSON]]] = {
    "items of Responses": (
        [
            {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "hm"}]},
            _SEARCH,
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "yo"}]},
            {"type": "function_call", "call_id": "c1", "name": "add", "arguments": '{"a": 1}'},
        ],
        [{"role": "assistant", "parts": [_THOUGHT, _SEARCH, _text("yo"), _ADD]}],
    ),
    "messages of one answer": (
        [
            {"role": "assistant", "parts": [_THOUGHT]},
            {"role": "assistant", "parts": [_ADD]},
            {"role": "assistant", "parts": [{**_ADD, "id": "c2"}], "finish_reason": "tool_call"},
        ],
        [{"role": "assistant", "parts": [_THOUGHT, _ADD, {**_ADD, "id": "c2"}], "finish_reason": "tool_call"}],
    ),
    "two choices": (
        [
            {"role": "assistant", "parts": [_text("yo")], "finish_reason": "stop"},
            {"role": "assistant", "parts": [_ADD], "finish_reason": "tool_call"},
        ],
        [
            {"role": "assistant", "parts": [_text("yo")], "finish_reason": "stop"},
            {"role": "assistant", "parts": [_ADD], "finish_reason": "tool_call"},
        ],
    ),
    "two choices without a reason": (
        [{"role": "assistant", "content": "yo"}, {"role": "assistant", "content": "hey"}],
        [{"role": "assistant", "parts": [_text("yo")]}, {"role": "assistant", "parts": [_text("hey")]}],
    ),
    "pieces of OpenAI": (
        [
            {"choices": [_TEXT_PIECE]},
            {"choices": [{"index": 0, "delta": {"content": "o"}, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"total_tokens": 3}},
        ],
        [{"role": "assistant", "parts": [_text("yo")], "finish_reason": "stop"}],
    ),
    "pieces of a call of OpenAI": (
        [
            {"delta": {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "add", "arguments": ""}}]}},
            {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"a": '}}]}},
            {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}, "finish_reason": "tool_calls"},
        ],
        [{"role": "assistant", "parts": [_ADD], "finish_reason": "tool_call"}],
    ),
    "deltas": (
        [{"delta": {"content": "y"}}, {"delta": {"content": "o"}}],
        [{"role": "assistant", "parts": [_text("yo")]}],
    ),
    "pieces of Gemini": (
        [
            {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": "y"}]}}]},
            {"candidates": [{"index": 0, "content": {"parts": [{"text": "o"}]}, "finishReason": "MAX_TOKENS"}]},
        ],
        [{"role": "assistant", "parts": [_text("yo")], "finish_reason": "length"}],
    ),
    "contents of Gemini": (
        [{"role": "model", "parts": [{"text": "y"}]}, {"role": "model", "parts": [{"text": "o"}]}],
        [{"role": "assistant", "parts": [_text("yo")]}],
    ),
    "pieces in OpenTelemetry's form, and the whole": (
        [
            {"role": "assistant", "parts": [_text("y")], "finish_reason": ""},
            {"role": "assistant", "parts": [_text("o")], "finish_reason": ""},
            {"role": "assistant", "parts": [_text("yo")], "finish_reason": "stop"},
        ],
        [{"role": "assistant", "parts": [_text("yo")], "finish_reason": "stop"}],
    ),
    "lines of Ollama": (
        [
            {"message": {"role": "assistant", "content": "y"}, "done": False},
            {"message": {"role": "assistant", "content": "o"}, "done": True, "done_reason": "stop"},
        ],
        [{"role": "assistant", "parts": [_text("yo")], "finish_reason": "stop"}],
    ),
}


@pytest.mark.parametrize("shape", WHOLES)
def test_one_answer_is_one_message_whichever_way_it_was_recorded(path: Path, shape: str) -> None:
    given, expected = WHOLES[shape]
    name = "gen_ai.output.messages"
    ways = {
        "attribute, JSON": Recorded({"gen_ai.completion": json.dumps(given)}),
        "attribute, values": Recorded({"gen_ai.completion": given}),
        "attribute of the conventions, JSON": Recorded({name: json.dumps(given)}),
        "output in an attribute, JSON": Recorded(
            {"openinference.span.kind": "LLM", "output.value": json.dumps({"output": given})}
        ),
        "span event of the whole, JSON": Recorded(event=(_DETAILS, {name: json.dumps(given)})),
        "oldest span event, JSON": Recorded(
            event=("gen_ai.content.completion", {"gen_ai.completion": json.dumps(given)})
        ),
        "log record of the whole, values": Recorded(log=(_DETAILS, {name: given}, None)),
    }
    _write(path, list(ways.items()))
    rows = read(path, "SELECT name, completion FROM complete_llm_interactions")
    assert {way: text and json.loads(text) for way, text in rows} == dict.fromkeys(ways, expected)


def test_a_result_that_two_records_tell_is_in_the_prompt_once(path: Path) -> None:
    blocks = [{"toolResult": {"toolUseId": f"c{number}", "content": [{"text": "42"}]}} for number in (1, 2)]
    results = [{**_SUM, "id": "c1"}, {**_SUM, "id": "c2"}]
    tools = [(_EVENTS["tool"], {"id": f"c{number}", "content": json.dumps([{"text": "42"}])}) for number in (1, 2, 3)]
    told: list[tuple[str, JSON]] = [*tools, (_EVENTS["user"], {"content": json.dumps(blocks)})]
    _write(path, [("attributes", Recorded()), ("records", Recorded())])
    span = ReadableSpan(
        name="events",
        context=SpanContext(7, 7, False, TraceFlags(1)),
        attributes=_CALL,
        events=[Event(*event, _T) for event in told],
        start_time=_T,
        end_time=_T + 1_000,
    )
    logs = [
        make_log(trace=2, span=2, event_name=name, attributes=attributes, timestamp=_T)
        for name, attributes in reversed(told)
    ]
    with exporting(path) as exporter, logging_to(path) as log_exporter:
        log_exporter.export(logs)
        exporter.export([span])
    rows = dict(read(path, "SELECT name, prompt FROM complete_llm_interactions"))
    shown = [json.loads(rows[name]) for name in ("events", "records")]
    other = {"role": "tool", "parts": [{**_SUM, "id": "c3"}]}
    assert shown[0] == [other, {"role": "tool", "parts": results}]
    assert sorted(shown[1], key=str) == sorted(shown[0], key=str)


_INPUTS = ["a", "b"]
INPUT_WAYS: dict[str, JSON] = {
    "list of texts": {"gen_ai.prompt": _INPUTS},
    "list of texts as JSON": {"gen_ai.prompt": json.dumps(_INPUTS)},
    "list of texts as a repr": {"gen_ai.prompt": repr(_INPUTS)},
    "quoted texts": {"ai.model.id": "m", "ai.values": ['"a"', '"b"']},
    "request as JSON": {"gen_ai.prompt": json.dumps({"model": "m", "input": _INPUTS})},
    "request as a repr": {"gen_ai.prompt": repr({"model": "m", "texts": _INPUTS})},
    "request of Gemini": {
        "gen_ai.prompt": json.dumps({"requests": [{"content": {"parts": [{"text": text}]}} for text in _INPUTS]})
    },
    "contents of Gemini": {"gen_ai.prompt": json.dumps([{"parts": [{"text": text}]} for text in _INPUTS])},
    "blocks": {"gen_ai.prompt": json.dumps({"inputs": [{"type": "text", "text": text} for text in _INPUTS]})},
    "messages that are spread": {
        f"llm.input_messages.{place}.message.{key}": value
        for place, text in enumerate(_INPUTS)
        for key, value in (("role", "user"), ("content", text))
    },
    "texts that are spread": {f"embedding.embeddings.{place}.embedding.text": text for place, text in enumerate("ab")},
}


@pytest.mark.parametrize("way", INPUT_WAYS)
def test_an_input_of_embeddings_is_one_message(path: Path, way: str) -> None:
    call = {"gen_ai.operation.name": "embeddings", "openinference.span.kind": "EMBEDDING"}
    _write(path, [("call", Recorded({**call, **INPUT_WAYS[way]}))])
    ((prompt, completion),) = read(path, "SELECT prompt, completion FROM complete_llm_interactions")
    assert json.loads(prompt) == [{"role": "user", "parts": [_text(text)]} for text in _INPUTS]
    assert completion is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("plain", ["plain"]),
        ('"quoted"', ["quoted"]),
        ('{"city": "Paris"}', ['{"city": "Paris"}']),
        ([1, 2, 3], ["[1,2,3]"]),
        ("[draft] a", ["[draft] a"]),
    ],
)
def test_one_input_of_embeddings_is_what_was_sent(path: Path, given: Any, expected: list[str]) -> None:
    _write(path, [("call", Recorded({"gen_ai.operation.name": "embeddings", "gen_ai.prompt": given}))])
    ((prompt,),) = read(path, "SELECT prompt FROM complete_llm_interactions")
    assert json.loads(prompt) == [{"role": "user", "parts": [_text(text)]} for text in expected]


INSTRUCTIONS: dict[str, tuple[Any, list[JSON]]] = {
    "parts": ([_text("be brief")], [_text("be brief")]),
    "blocks": ([{"type": "text", "text": "be brief"}], [_text("be brief")]),
    "texts": (["be brief", "be kind"], [_text("be brief"), _text("be kind")]),
    "two": ([_text("be brief"), _text("be kind")], [_text("be brief"), _text("be kind")]),
    "not a number": ([{**_text("be brief"), "weight": float("nan")}], [{**_text("be brief"), "weight": "NaN"}]),
    "block with `content` in its text": ([{"type": "text", "text": '"content"'}], [_text('"content"')]),
}


@pytest.mark.parametrize("shape", INSTRUCTIONS)
def test_instructions_give_one_result_whichever_way_they_were_recorded(path: Path, shape: str) -> None:
    given, expected = INSTRUCTIONS[shape]
    name = "gen_ai.system_instructions"
    ways = {
        "attribute, JSON": Recorded({name: json.dumps(given)}),
        "attribute, values": Recorded({name: given}),
        "span event, JSON": Recorded(event=(_DETAILS, {name: json.dumps(given)})),
        "log record, values": Recorded(log=(_DETAILS, {name: given}, None)),
        "log record, JSON": Recorded(log=(_DETAILS, {name: json.dumps(given)}, None)),
    }
    _write(path, list(ways.items()))
    rows = read(path, "SELECT name, system_instructions FROM complete_llm_interactions")
    assert {way: text and json.loads(text) for way, text in rows} == dict.fromkeys(ways, expected)
