# SPDX-License-Identifier: Apache-2.0
"""What was said to a model and what it answered is one shape, wherever it was recorded and whenever it came."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry._logs import Logger, LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Span, Tracer, set_span_in_context

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from tests.conftest import read
from tests.new_files import put_new_file

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "small"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "add"}
DETAILS = "gen_ai.client.inference.operation.details"
OPENAI_CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
CALL = {"type": "tool_call", "id": "c1", "name": "add", "arguments": {"a": 1}}
RESULT = {"type": "tool_call_response", "id": "c1", "response": "42"}


def _message(role: str, *parts: dict[str, Any] | str, **more: str) -> dict[str, Any]:
    texts = ({"type": "text", "content": part} if isinstance(part, str) else part for part in parts)
    return {"role": role, "parts": list(texts), **more}


SYSTEM, USER, ASKS = _message("system", "be brief"), _message("user", "hi"), _message("assistant", CALL)
GIVES, ANSWER = _message("tool", RESULT), _message("assistant", "yo", finish_reason="stop")
HISTORY = [SYSTEM, USER, ASKS, GIVES]


class Recorded(NamedTuple):
    """An event of a span, or a log record."""

    name: str
    attributes: dict[str, Any] = {}  # noqa: RUF012
    body: Any = None


# As OpenTelemetry's instrumentation of OpenAI and of Anthropic had them: the content is in the bodies of log records.
OPENAI = [
    Recorded("gen_ai.system.message", {"gen_ai.system": "openai"}, {"content": "be brief"}),
    Recorded("gen_ai.user.message", {}, {"content": "hi"}),
    Recorded("gen_ai.assistant.message", {}, {"tool_calls": [OPENAI_CALL]}),
    Recorded("gen_ai.tool.message", {}, {"content": "42", "id": "c1"}),
    Recorded("gen_ai.choice", {}, {"index": 0, "finish_reason": "stop", "message": {"content": "yo"}}),
]
# As Strands has them: in the attributes of span events, blocks as JSON.
STRANDS = [
    Recorded("gen_ai.system.message", {"content": "be brief"}),
    Recorded("gen_ai.user.message", {"content": '[{"text": "hi"}]'}),
    Recorded(
        "gen_ai.assistant.message",
        {"content": json.dumps([{"toolUse": {"toolUseId": "c1", "name": "add", "input": {"a": 1}}}])},
    ),
    Recorded(
        "gen_ai.tool.message",
        {"content": json.dumps([{"toolResult": {"toolUseId": "c1", "content": [{"text": "42"}]}}])},
    ),
    Recorded("gen_ai.choice", {"finish_reason": "stop", "message": '[{"text": "yo"}]'}),
]
# As Azure's packages have them: the whole as JSON in one attribute.
AZURE = [
    Recorded("gen_ai.system.message", {"gen_ai.event.content": json.dumps({"role": "system", "content": "be brief"})}),
    Recorded("gen_ai.user.message", {"gen_ai.event.content": json.dumps({"content": "hi"})}),
    Recorded("gen_ai.assistant.message", {"gen_ai.event.content": json.dumps({"tool_calls": [OPENAI_CALL]})}),
    Recorded("gen_ai.tool.message", {"gen_ai.event.content": json.dumps({"content": "42", "tool_call_id": "c1"})}),
    Recorded(
        "gen_ai.choice",
        {"gen_ai.event.content": json.dumps({"message": {"content": "yo", "tool_calls": []}, "finish_reason": "stop"})},
    ),
]
DETAILED = [
    Recorded(
        DETAILS,
        {
            "gen_ai.system_instructions": [{"type": "text", "content": "be brief"}],
            "gen_ai.input.messages": HISTORY,
            "gen_ai.output.messages": [ANSWER],
        },
    )
]
DETAILED_AS_JSON = [
    Recorded(name, {key: json.dumps(value) for key, value in told.items()}) for name, told, _ in DETAILED
]
# The names before 1.28.
CONTENT = [
    Recorded("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps([{"role": "user", "content": "hi"}])}),
    Recorded("gen_ai.content.completion", {"gen_ai.completion": "yo"}),
]
AS_EVENTS = {"Strands": STRANDS, "Azure": AZURE, "details": DETAILED_AS_JSON}
AS_LOGS = {"OpenAI": OPENAI, "Azure": AZURE, "details": DETAILED, "details as JSON": DETAILED_AS_JSON}


@contextmanager
def _recording(path: Path) -> Iterator[tuple[Tracer, Logger]]:
    spans, logs = TracerProvider(shutdown_on_exit=False), LoggerProvider(shutdown_on_exit=False)
    put_new_file(path)
    spans.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    logs.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
    try:
        yield spans.get_tracer("tests"), logs.get_logger("tests")
    finally:
        spans.shutdown()
        logs.shutdown()


def _add_events(span: Span, events: Sequence[Recorded]) -> None:
    for event in events:
        span.add_event(event.name, event.attributes)


def _emit(logger: Logger, records: Sequence[Recorded], context: Any = None) -> None:
    for record in records:
        logger.emit(LogRecord(event_name=record.name, attributes=record.attributes, body=record.body, context=context))


def _content(path: Path) -> tuple[Any, Any]:
    ((prompt, completion),) = read(path, "SELECT prompt, completion FROM complete_llm_interactions")
    return prompt and json.loads(prompt), completion and json.loads(completion)


@pytest.mark.parametrize("events", AS_EVENTS.values(), ids=AS_EVENTS)
def test_content_in_events_of_the_span_is_in_the_call(path: Path, events: Sequence[Recorded]) -> None:
    with _recording(path) as (tracer, _), tracer.start_as_current_span("chat", attributes=CHAT) as span:
        _add_events(span, events)
    assert _content(path) == (HISTORY, [ANSWER])


@pytest.mark.parametrize("records", AS_LOGS.values(), ids=AS_LOGS)
@pytest.mark.parametrize("late", [False, True])
def test_content_in_log_records_is_in_the_call_whichever_came_first(
    path: Path, records: Sequence[Recorded], late: bool
) -> None:
    with _recording(path) as (tracer, logger):
        with tracer.start_as_current_span("chat", attributes=CHAT) as span:
            if not late:
                _emit(logger, records)
        if late:
            assert _content(path) == (None, None)
            _emit(logger, records, context=set_span_in_context(span))
    assert _content(path) == (HISTORY, [ANSWER])


def test_events_of_the_span_are_taken_before_log_records(path: Path) -> None:
    with _recording(path) as (tracer, logger), tracer.start_as_current_span("chat", attributes=CHAT) as span:
        _add_events(span, [Recorded("gen_ai.user.message", {"content": "from an event"})])
        _emit(logger, DETAILED_AS_JSON)
    assert _content(path) == ([_message("user", {"type": "text", "content": "from an event"})], [ANSWER])


def test_the_oldest_events_hold_the_whole_prompt(path: Path) -> None:
    with _recording(path) as (tracer, _), tracer.start_as_current_span("chat", attributes=CHAT) as span:
        _add_events(span, CONTENT)
    assert _content(path) == ([USER], [_message("assistant", "yo")])


@pytest.mark.parametrize("place", ["event", "log"])
def test_system_instructions_of_details_are_those_of_the_call(path: Path, place: str) -> None:
    with _recording(path) as (tracer, logger), tracer.start_as_current_span("chat", attributes=CHAT) as span:
        if place == "event":
            _add_events(span, DETAILED_AS_JSON)
        else:
            _emit(logger, DETAILED)
    ((instructions,),) = read(path, "SELECT system_instructions FROM complete_llm_interactions")
    assert json.loads(instructions) == SYSTEM["parts"]


def test_the_surest_source_is_taken_for_each_of_prompt_and_completion(path: Path) -> None:
    """Attributes, then events of the span, then log records."""
    attributes = {**CHAT, "gen_ai.input.messages": json.dumps([_message("user", "in an attribute")])}
    with _recording(path) as (tracer, logger), tracer.start_as_current_span("chat", attributes=attributes) as span:
        _emit(logger, OPENAI)
        _add_events(span, [Recorded("gen_ai.choice", {"message": "in an event"})])
    assert _content(path) == ([_message("user", "in an attribute")], [_message("assistant", "in an event")])


@pytest.mark.parametrize(
    ("attributes", "prompt", "completion"),
    [
        ({"gen_ai.prompt": "hi", "gen_ai.completion": json.dumps([ANSWER])}, [USER], [ANSWER]),
        ({"gen_ai.input.messages": "hi", "gen_ai.output.messages": "[]"}, [USER], []),
        (
            {"gen_ai.output.messages": json.dumps([_message("assistant")]), "gen_ai.completion": json.dumps([ANSWER])},
            None,
            [ANSWER],
        ),
        (
            {
                "gen_ai.prompt.0.role": "user",
                "gen_ai.prompt.0.content": "hi",
                "gen_ai.completion.0.role": "assistant",
                "gen_ai.completion.0.finish_reason": "length",
            },
            [USER],
            [_message("assistant", finish_reason="length")],
        ),
        (
            {
                "openinference.span.kind": "LLM",
                "llm.input_messages.0.message.role": "user",
                "llm.input_messages.0.message.content": "hi",
                "llm.input_messages.1.message.role": "assistant",
                "output.value": json.dumps([ANSWER]),
            },
            [USER, _message("assistant")],
            [ANSWER],
        ),
        (
            {
                "openinference.span.kind": "LLM",
                "llm.input_messages.0.message.role": "user",
                "llm.input_messages.0.message.content": "hi",
                "llm.input_messages.1.message.role": "assistant",
                "input.value": json.dumps({"messages": [USER, ANSWER]}),
            },
            [USER, ANSWER],
            None,
        ),
        ({"gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.finish_reason": "stop"}, None, None),
        ({"gen_ai.input.messages": '[{"role":"us'}, [_message("user", '{"role":"us"}')], None),
    ],
)
def test_attributes_are_messages_whatever_they_hold(
    path: Path, attributes: dict[str, str], prompt: Any, completion: Any
) -> None:
    with _recording(path) as (tracer, _):
        tracer.start_span("chat", attributes={**CHAT, **attributes, "gen_ai.system_instructions": "be brief"}).end()
    ((instructions,),) = read(path, "SELECT system_instructions FROM complete_llm_interactions")
    assert (*_content(path), json.loads(instructions)) == (prompt, completion, SYSTEM["parts"])


def test_a_call_without_content_has_none(path: Path) -> None:
    with _recording(path) as (tracer, logger), tracer.start_as_current_span("chat", attributes=CHAT) as span:
        span.add_event("something.else", {"content": "x"})
        _emit(logger, [Recorded("another", {}, {"content": "x"})])
    assert _content(path) == (None, None)


def test_records_of_other_spans_are_not_taken(path: Path) -> None:
    with (
        _recording(path) as (tracer, logger),
        tracer.start_as_current_span("chat", attributes=CHAT),
        tracer.start_as_current_span("inner") as inner,
    ):
        _emit(logger, OPENAI)
        _add_events(inner, STRANDS)
    assert _content(path) == (None, None)


@pytest.mark.parametrize(
    "events",
    [
        [
            Recorded("gen_ai.tool.message", {"content": '{"a":1}', "id": "c1"}),
            Recorded("gen_ai.choice", {"message": "42"}),
        ],
        [
            Recorded(DETAILS, {"gen_ai.input.messages": json.dumps([_message("tool", CALL)])}),
            Recorded(DETAILS, {"gen_ai.output.messages": json.dumps([GIVES])}),
        ],
    ],
)
def test_a_tool_that_tells_its_arguments_and_result_in_events_has_them(path: Path, events: Sequence[Recorded]) -> None:
    with _recording(path) as (tracer, _), tracer.start_as_current_span("execute_tool add", attributes=TOOL) as span:
        _add_events(span, events)
    assert read(path, "SELECT arguments, result FROM complete_tool_interactions") == [('{"a":1}', "42")]


def test_a_tool_that_gives_a_number_in_an_event_has_it(path: Path) -> None:
    given = [_message("tool", {**RESULT, "response": 0})]
    with _recording(path) as (tracer, _), tracer.start_as_current_span("execute_tool add", attributes=TOOL) as span:
        _add_events(span, [Recorded(DETAILS, {"gen_ai.output.messages": json.dumps(given)})])
    assert read(path, "SELECT result FROM complete_tool_interactions") == [("0",)]


@pytest.mark.parametrize("none", ["[]", []])
def test_a_tool_with_an_event_that_tells_of_no_messages_is_written(path: Path, none: Any) -> None:
    told = Recorded(DETAILS, {"gen_ai.input.messages": none, "gen_ai.output.messages": none})
    with _recording(path) as (tracer, _), tracer.start_as_current_span("execute_tool add", attributes=TOOL) as span:
        _add_events(span, [told])
    assert read(path, "SELECT arguments, result FROM complete_tool_interactions") == [(None, None)]


def test_results_that_are_json_stay_json(path: Path) -> None:
    with _recording(path) as (tracer, logger), tracer.start_as_current_span("chat", attributes=CHAT):
        _emit(logger, [Recorded("gen_ai.tool.message", {}, {"content": {"sum": 3}, "id": "c1"})])
    assert _content(path)[0] == [_message("tool", {**RESULT, "response": {"sum": 3}})]


names = st.sampled_from([*(event.name for event in OPENAI), *(event.name for event in CONTENT), DETAILS])
nearly = st.recursive(
    st.sampled_from(["", "hi", None, 1, True, "[", '{"a":', "[1]", '[{"role":"user"},1]', '{"content":[{"text":1}]}']),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["content", "message", "tool_calls", "text", "type", "function", "arguments", "parts"])
            | st.sampled_from(["toolResult", "toolUse", "gen_ai.event.content", "gen_ai.prompt", "role"]),
            inner,
            max_size=4,
        )
        | st.builds(json.dumps, inner)
    ),
    max_leaves=12,
)
keys = st.sampled_from(
    [
        *("content", "message", "tool_calls", "gen_ai.event.content", "gen_ai.prompt", "gen_ai.completion"),
        *("gen_ai.input.messages", "gen_ai.output.messages", "role", "finish_reason", "id"),
    ]
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(names, st.dictionaries(keys, nearly, max_size=4), nearly), min_size=1, max_size=4))
def test_no_record_breaks_the_view(records: list[tuple[str, dict[str, Any], Any]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        with _recording(path) as (tracer, logger):
            for attributes in (CHAT, TOOL):
                with tracer.start_as_current_span("chat", attributes=attributes) as span:
                    _emit(logger, [Recorded(*record) for record in records])
                    for name, told, _ in records:
                        span.add_event(name, {key: json.dumps(value) for key, value in told.items()})
        for prompt, completion in read(path, "SELECT prompt, completion FROM complete_llm_interactions"):
            for text in (prompt, completion):
                messages = None if text is None else json.loads(text)
                # What is told under its current name is taken to be messages if it is an array.
                is_current = any(f"gen_ai.{kind}.messages" in str(records) for kind in ("input", "output"))
                assert messages is None or (isinstance(messages, list) if is_current else _are_messages(messages))
        read(path, "SELECT * FROM complete_tool_interactions")


def _are_messages(messages: Any) -> bool:
    return all("type" in part for message in messages if "role" in message for part in message["parts"])
