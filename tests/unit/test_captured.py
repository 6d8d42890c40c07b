# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, Status, StatusCode

from otel_sqlite_exporter.encode.sessions import USER_ATTRIBUTES
from otel_sqlite_exporter.genai.event_content import MESSAGE_RECORDS
from otel_sqlite_exporter.genai.rules import load_rules
from otel_sqlite_exporter.model.attribute_sources import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.model.signals import LogFields, SpanFields
from otel_sqlite_exporter.redact.redacted_signals import SpanRedactor, make_span_redactor
from otel_sqlite_exporter.settings import resolve_settings

CONTEXT = SpanContext(1, 2, False)
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


def make_redactor(**keywords: Any) -> SpanRedactor:
    made = make_span_redactor(resolve_settings(**keywords))
    assert made is not None
    return made


def redact(attributes: dict[str, Any], name: str = "chat", **keywords: Any) -> SpanFields:
    return make_redactor(**keywords).redact_span(ReadableSpan(name, CONTEXT, attributes=attributes))


def redact_log(keywords: dict[str, Any], **fields: Any) -> LogFields:
    made: dict[str, Any] = dict.fromkeys(LogFields._fields) | {
        "attributes": {},
        "dropped_attributes": 0,
        "resource": Resource({}),
    }
    return make_redactor(**keywords).redact_log(LogFields(**made | fields))


def test_only_allowed_keys_are_stored_and_the_others_are_counted() -> None:
    attributes: dict[str, Any] = {"http.route": "/a", "HTTP.method": "GET", "url.full": "/a?b", "n": 1}
    event = Event("noted", {"http.route": "/a", "text": "x"}, 1)
    span = ReadableSpan(
        "GET",
        CONTEXT,
        attributes=attributes,
        events=[event],
        links=[Link(CONTEXT, {"why": "x"})],
        resource=Resource({"service.name": "s", "http.x": 1}),
        instrumentation_scope=InstrumentationScope("scope", attributes={"y": 1}),
        status=Status(StatusCode.ERROR, "in words"),
    )
    stored = make_redactor(allow_keys=["http.*"]).redact_span(span)
    assert stored.attributes == {"http.route": "/a", "HTTP.method": "GET"}
    assert (stored.name, stored.status.description, stored.dropped_attributes) == ("GET", None, 2)
    assert [(one.attributes, one.dropped_attributes) for one in stored.events] == [({"http.route": "/a"}, 1)]
    assert [(one.attributes, one.dropped_attributes) for one in stored.links] == [({}, 1)]
    assert stored.resource.attributes == {"http.x": 1}
    assert stored.instrumentation_scope is not None
    assert (stored.instrumentation_scope.name, stored.instrumentation_scope.attributes) == ("scope", {})
    described = make_redactor(allow_keys=["status.description"]).redact_span(span)
    assert (described.status.description, described.attributes) == ("in words", {})


def test_what_is_allowed_is_masked_and_content_is_never_allowed() -> None:
    attributes = {"a": "x", "b": "y", "gen_ai.prompt": "said"}
    assert redact(attributes, allow_keys=["*"], redact_keys=["b"]).attributes == {**attributes, "b": "[redacted]"}
    assert redact(attributes, allow_keys=["*"], capture_content=False).attributes == {"a": "x", "b": "y"}
    kept = {"a": "x", "gen_ai.request.model": "m"}
    assert redact({**attributes, **kept}, allow_keys=["a", "gen_ai.prompt"], capture="metadata").attributes == kept


@pytest.mark.parametrize("body", ["a line", {"a": 1}])
def test_a_body_is_allowed_by_its_key(body: Any) -> None:
    assert redact_log({"allow_keys": ["a"]}, body=body).body is None
    assert redact_log({"allow_keys": ["log.*"]}, body=body).body == body
    assert redact_log({"capture": "metadata"}, body=body).body is None
    assert redact_log({"capture": "metadata"}, body="job.start").body == "job.start"  # it is its name


METADATA = {
    "n": 1,
    "share": 0.5,
    "ok": True,
    "a.id": "i",
    "sessionId": "i",
    "tool.name": "search",
    "exception.type": "ValueError",
    "gen_ai.response.finish_reasons": ["stop"],
    "langsmith.usage_metadata": '{"input_tokens": 3, "words": "said", "output_token_details": {"reasoning": 1}}',
    "metadata": '{"user_id": "ada", "tags": ["a"], "tools": [{"name": "f"}], "step": 3}',
}


def test_metadata_are_numbers_and_short_texts_that_name_something() -> None:
    others: dict[str, Any] = {
        "note": "said",
        "valid": "said",  # ends in the letters of a word, and not in the word
        "exception.message": "said",
        "exception.stacktrace": "said",
        "process.command_args": ["said"],
        "x.name": "n" * 257,
        "y.name": ["n" * 257],
        "z.name": b"bytes",
        "input.value": 5,
        "embedding.vector": [0.5],
        "some": [1.5],
    }
    stored = redact(METADATA | others, capture="metadata")
    json_texts = {
        "langsmith.usage_metadata": '{"input_tokens":3,"output_token_details":{"reasoning":1}}',
        "metadata": '{"user_id":"ada","step":3}',
    }
    assert stored.attributes == METADATA | json_texts
    assert stored.dropped_attributes == len(others)


def test_sessions_users_and_what_dialects_read_are_metadata() -> None:
    names = [*DEFAULT_SESSION_ATTRIBUTES, *USER_ATTRIBUTES]
    names += [one for dialect in load_rules().dialects for one in dialect.operations if "#" not in one]
    stored = redact(dict.fromkeys(names, "x"), capture="metadata").attributes
    content = {key for key, value in stored.items() if value != "x"}  # only the mark of what was left out
    assert [name for name in names if name not in stored] == []
    assert all(str(stored[key]).startswith('{"content_left_out"') for key in content)
    own = redact({"my.thing": "x"}, capture="metadata", session_attributes=["my.thing"]).attributes
    assert own == {"my.thing": "x"}


def test_parameters_lose_what_is_content_in_them() -> None:
    parameters = {"temperature": 0.5, "tools": [{"function": {"name": "f"}}], "instructions": "said", "stop": ["."]}
    nested = {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}, "input": [1, 2]}
    attributes = {"llm.invocation_parameters": json.dumps(parameters | nested)}
    (stored,) = redact(attributes, capture_content=False).attributes.values()
    assert json.loads(stored) == {"temperature": 0.5, "stop": ["."], "response_format": {"type": "json_schema"}}
    unchanged = {"llm.invocation_parameters": '{"temperature": 0.5}', "metadata": {"a": 1}}
    assert redact(unchanged, capture_content=False).attributes == unchanged
    assert redact({"metadata": "no JSON"}, capture_content=False).attributes == {}


TOOL_CALL = {"id": "c1", "function": {"name": "f", "arguments": "{}"}}
MESSAGE = {"role": "assistant", "content": "said", "tool_calls": [TOOL_CALL]}
ANSWER = {"object": "chat.completion", "model": "answered", "choices": [{"index": 0, "message": MESSAGE}]}


def test_of_an_answer_stays_what_other_columns_are_read_from() -> None:
    (stored,) = redact({"langfuse.observation.output": json.dumps(ANSWER)}, capture_content=False).attributes.values()
    kept = json.loads(stored)
    assert kept["content_left_out"] is True
    assert kept["tool_calls"] == [{"id": "c1", "name": "f"}]
    assert "said" not in stored


def test_the_words_of_errors_are_content_where_a_call_is_told() -> None:
    error = {"exception.type": "ValueError", "exception.message": "no city Atlantis", "error.message": "x"}
    for attributes, scope, is_told in (
        (CHAT, "any", True),
        ({}, "openinference.instrumentation.agno", True),
        ({"http.route": "/"}, "any", False),
    ):
        span = ReadableSpan(
            "a",
            CONTEXT,
            attributes=attributes,
            events=[Event("exception", error, 1)],
            status=Status(StatusCode.ERROR, "no city Atlantis"),
            instrumentation_scope=InstrumentationScope(scope),
        )
        stored = make_redactor(capture_content=False).redact_span(span)
        assert stored.status.description == (None if is_told else "no city Atlantis")
        assert stored.events[0].attributes == ({"exception.type": "ValueError"} if is_told else error)


def test_an_allowed_marker_says_that_its_content_was_left_out() -> None:
    task = {"crewai.task.description": "said", "traceloop.entity.input": "said"}
    left = {"crewai.task.description": '{"content_left_out":true}'}
    assert redact(task, capture_content=False, allow_keys=["crewai.*"]).attributes == left
    assert redact(task, capture_content=False, allow_keys=["other.*"]).attributes == {}


def test_records_of_calls_lose_their_bodies() -> None:
    scope = SimpleNamespace(name="semantic_kernel.kernel")
    for fields in ({"event_name": "gemini_cli.api_error"}, {"scope": scope}):
        assert redact_log({"capture_content": False}, body="Calling f with {}", **fields).body is None
    assert redact_log({"capture_content": False}, body="a line of text").body == "a line of text"


WORDS = {"error": "no city", "error.message": "no city", "error_message": "no city", "exception.stacktrace": "no city"}
TELLING = sorted(
    {
        *MESSAGE_RECORDS,
        *(name for one in load_rules().dialects for name in (*one.records, *one.events, *one.first_token_events)),
        *("qwen-code.user_prompt", "gemini_cli.user_prompt", "codex.user_prompt", "llm.retry", "tool.progress"),
    }
)


@pytest.mark.parametrize("name", TELLING)
@pytest.mark.parametrize("body", ["Tool call: write a secret", {"result": "a secret"}, "hunter2.secret"])
def test_what_records_of_calls_say_in_words_is_content(name: str, body: Any) -> None:
    for attributes, recorded in (({**WORDS}, name), ({**WORDS, "event.name": name}, None)):
        stored = redact_log({"capture_content": False}, event_name=recorded, attributes=attributes, body=body)
        assert (stored.body, stored.attributes.keys() & WORDS.keys()) == (None, set())


@pytest.mark.parametrize("name", TELLING)
def test_a_span_whose_events_tell_of_a_call_loses_the_words_of_errors(name: str) -> None:
    span = ReadableSpan(
        "a",
        CONTEXT,
        events=[Event("exception", {**WORDS, "exception.type": "ValueError"}, 1), Event(name, {**WORDS}, 2)],
        status=Status(StatusCode.ERROR, "no city"),
    )
    stored = make_redactor(capture_content=False).redact_span(span)
    assert (stored.status.description, [one.attributes for one in stored.events]) == (
        None,
        [{"exception.type": "ValueError"}, {}],
    )


@pytest.mark.parametrize("keywords", [{"capture_content": False}, {"capture": "metadata"}])
def test_the_command_line_of_an_agent_is_content(keywords: dict[str, Any]) -> None:
    told = {"process.command_args": ["gemini", "-p", "a secret"], "process.command_line": "gemini -p 'a secret'"}
    resource = Resource({**told, "process.pid": 5, "process.executable.name": "gemini"})
    stored = make_redactor(**keywords).redact_span(ReadableSpan("a", CONTEXT, resource=resource)).resource
    assert stored.attributes == {"process.pid": 5, "process.executable.name": "gemini"}


def test_records_with_a_name_that_a_dialect_of_yours_knows_tell_of_calls(tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"name": "own", "markers": [], "attributes": {}, "records": {"shop.asked": {}}}))
    for name, body in (("shop.asked", None), ("shop.sold", "a line of text")):
        settings = {"capture_content": False, "dialects": [str(file)]}
        assert redact_log(settings, event_name=name, body="a line of text").body == body


@pytest.mark.parametrize("keywords", [{"capture_content": False}, {"capture": "metadata"}])
def test_a_body_is_a_name_only_if_the_record_has_no_other(keywords: dict[str, Any]) -> None:
    def kept(body: str, name: str | None = None, **attributes: Any) -> bool:
        return redact_log(keywords, event_name=name, attributes=attributes, body=body).body is not None

    assert kept("job.start")
    assert kept("job.start", "event src/main.rs:12")
    assert kept("claude_code.user_prompt", None, **{"event.name": "user_prompt"})
    assert kept("codex.sse_event", "log", **{"event.name": "sse_event"})
    assert not kept("github.com", "gen_ai.user.message")
    assert not kept("hunter2.secret", None, **{"event.name": "tool.result"})


@pytest.mark.parametrize("name", ["llm.content.completion.chunk", "gen_ai.content.completion.chunk"])
def test_a_piece_of_a_stream_is_content(name: str) -> None:
    event = Event(name, {"content": "said", "text": "said", "chunk": "said", "event.body": "said", "index": 1}, 1)
    stored = make_redactor(capture_content=False).redact_span(ReadableSpan("a", CONTEXT, events=[event]))
    assert stored.events[0].attributes == {"index": 1}


def test_content_in_a_name_is_masked() -> None:
    attributes = {"crewai.task.description": "weather in Paris?", "crewai.task.id": "weather"}
    assert redact(attributes, name="weather in Paris?.task", capture_content=False).name == "[redacted].task"
    assert redact({"a": "weather in Paris?"}, name="weather in Paris?", capture_content=False).name[:7] == "weather"


@pytest.mark.parametrize("parts", [[{"type": "text", "content": "weather in Paris?"}], "weather in Paris?"])
@pytest.mark.parametrize("hold", [lambda held: held, json.dumps, lambda held: json.dumps(json.dumps(held))])
def test_a_message_in_a_name_is_masked_and_names_stay(parts: Any, hold: Callable[[Any], Any]) -> None:
    messages = [{"role": "user", "parts": parts, "name": "Weather Agent", "model": "a model of mine"}]
    for name, masked in (
        ("chat: weather in Paris? (1)", "chat: [redacted] (1)"),
        ("invoke_agent Weather Agent", "invoke_agent Weather Agent"),
        ("chat a model of mine", "chat a model of mine"),
        ("chat in Paris", "chat in Paris"),
    ):
        stored = redact({**CHAT, "gen_ai.input.messages": hold(messages)}, name=name, capture_content=False)
        assert stored.name == masked


def test_no_value_raises() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError

        __hash__ = object.__hash__

    class Raising(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError

    for keywords in ({"capture_content": False}, {"capture": "metadata"}, {"allow_keys": ["a*"]}):
        values = [Odd(), [Odd()], {"a": Odd()}, Raising(a=1), "{", "[[[", "{}", float("nan"), b"x", None, 2**70]
        for key in ("metadata", "output.value", "a.name", "gen_ai.completion", "exception.message"):
            for value in values:
                redact({key: value}, **keywords)
                redact({**CHAT, key: value}, **keywords)
