# SPDX-License-Identifier: Apache-2.0
"""Prompts, completions, instructions, parameters, arguments and results of a call, in the one form that the views
show. Pure, and nothing here raises for any value.

What attributes already hold under OpenTelemetry's names and in its form is None here: the views read it from there, so
that it is neither converted nor stored twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.genai.column_readers import find_value, read_json_or_text
from otel_sqlite_exporter.genai.event_content import find_answered_calls, find_event_tools, find_new_results
from otel_sqlite_exporter.genai.messages.flattened import find_below
from otel_sqlite_exporter.genai.messages.json_texts import decode_text
from otel_sqlite_exporter.genai.messages.message_parts import Message
from otel_sqlite_exporter.genai.messages.normalise import (
    encode_messages,
    find_tool_calls,
    find_tool_results,
    read_flattened,
    read_messages,
    read_parts,
)
from otel_sqlite_exporter.model.dialect import ColumnSource
from otel_sqlite_exporter.model.rows import ToolCallRow, ToolResultRow
from otel_sqlite_exporter.model.values import encode_sure, encode_value

_INPUT, _OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"
_NATIVE = {
    "prompt": _INPUT,
    "conversation": "",
    "completion": _OUTPUT,
    "system_instructions": "gen_ai.system_instructions",
    "arguments": "gen_ai.tool.call.arguments",
    "result": "gen_ai.tool.call.result",
}
# Two empty sequences that are told apart: there are no messages, and a view reads them.
_NOTHING: Sequence[Message] = ()
_NATIVELY: Sequence[Message] = []
_CALL_ID = '"tool_call_id"'
_CALLBACK = '{"input_str"'
_PARAMETERS = "gen_ai.request."
_NOT_PARAMETERS = frozenset(("model", "messages", "prompt", "input", "contents"))


class ContentPlan(NamedTuple):
    """Where the content may be, the strongest first."""

    prompt: tuple[ColumnSource, ...]
    completion: tuple[ColumnSource, ...]
    conversation: tuple[ColumnSource, ...]
    system_instructions: tuple[ColumnSource, ...]
    parameters: tuple[ColumnSource, ...]
    arguments: tuple[ColumnSource, ...]
    result: tuple[ColumnSource, ...]


class CallContent(NamedTuple):
    """Columns of `LLMInteractionRow`, and what the messages tell of tools."""

    request_parameters: str | None
    system_instructions: str | None
    prompt: str | None
    completion: str | None
    tool_calls: Sequence[ToolCallRow]
    tool_results: Sequence[ToolResultRow]


def plan_content(columns: Mapping[str, Sequence[ColumnSource]]) -> ContentPlan:
    """Return where content is, given the sources of each column that are there."""
    others = [source for source in columns["request_parameters"] if source.names[0].name != _PARAMETERS]
    return ContentPlan(
        prompt=tuple(columns["prompt"]),
        completion=tuple(columns["completion"]),
        conversation=tuple(columns["conversation"]),
        system_instructions=tuple(columns["system_instructions"]),
        parameters=tuple(others),
        arguments=tuple(columns["arguments"]),
        result=tuple(columns["result"]),
    )


def find_content(
    plan: ContentPlan,
    attributes: Mapping[str, Any],
    events: Sequence[Any],
    *,
    is_span: bool,
    has_answer: bool,
    is_aggregate: bool,
) -> CallContent:
    """Return the content of a call. What has OpenTelemetry's form is left to the views if it `is_span`: they read its
    attributes and its `events`. An aggregate's messages repeat those of its calls, so they tell of no tools.
    `has_answer`: there are messages to complete."""
    prompt = _find_messages(plan.prompt, attributes, "prompt", "user", is_span)
    completion = _NOTHING
    if has_answer:
        completion = _find_messages(plan.completion, attributes, "completion", "assistant", is_span)
    instructions = None
    if plan.system_instructions:
        instructions = _find_instructions(plan.system_instructions, attributes, is_span)
    if plan.conversation and (prompt is _NOTHING or completion is _NOTHING):
        talk = _find_messages(plan.conversation, attributes, "conversation", "user", is_span)
        before, answer = _split_conversation(talk)
        prompt = before if prompt is _NOTHING else prompt
        completion = answer if completion is _NOTHING else completion
    calls: Sequence[ToolCallRow] = ()
    results: Sequence[ToolResultRow] = ()
    if is_aggregate:
        pass
    elif events and prompt is _NOTHING and completion is _NOTHING:
        calls, results = find_event_tools(events)
    else:
        native = attributes.get
        calls = find_answered_calls(native(_OUTPUT)) if completion is _NATIVELY else find_tool_calls(completion)
        results = find_new_results(native(_INPUT)) if prompt is _NATIVELY else find_tool_results(prompt)
    return CallContent(
        _find_parameters(plan.parameters, attributes) if plan.parameters else None,
        instructions,
        encode_messages(prompt) if prompt else None,
        encode_messages(completion) if completion else None,
        calls,
        results,
    )


def find_tool_content(
    plan: ContentPlan, attributes: Mapping[str, Any], *, is_span: bool
) -> tuple[str | None, str | None, str | None]:
    """Return the arguments and the result of a tool, each as JSON or as the text that came; None where a view reads
    it. Of what LangChain hands to its callbacks only the tool's own: the third is the id of the call, if its message
    names one."""
    arguments, _ = _find_text(plan.arguments, attributes, "arguments", is_span)
    return arguments, *_find_text(plan.result, attributes, "result", is_span)


def _find_text(
    sources: Sequence[ColumnSource], attributes: Mapping[str, Any], column: str, is_span: bool
) -> tuple[str | None, str | None]:
    for source in sources:
        value = _get(source, attributes)
        if value is None:
            continue
        if type(value) is str and value[:1] == "{":
            if column == "result" and _CALL_ID in value:
                found = find_tool_results(read_messages(value, "tool") or ())
                if len(found) == 1:
                    return found[0].result, found[0].tool_call_id
            elif column == "arguments" and value.startswith(_CALLBACK):
                inputs = find_value(value, ("inputs",))
                value = inputs if isinstance(inputs, dict) else value
        if is_span and source.names[0].name == _NATIVE[column] and type(value) is str:
            return None, None
        text = read_json_or_text(value)
        if text is not None:
            return text, None
    return None, None


def _find_messages(
    sources: Sequence[ColumnSource], attributes: Mapping[str, Any], column: str, role: str, is_span: bool
) -> Sequence[Message]:
    """Return the messages of the first source that has some, or one of the two that stand for none."""
    for source in sources:
        if source.is_prefix:
            messages = read_flattened(attributes, source.names[0].name[:-1], role)
        else:
            value = _get(source, attributes)
            if source.keys and value is not None:
                value = {"role": role, **value}
            if is_span and source.names[0].name == _NATIVE[column] and _is_native(value):
                return _NATIVELY
            messages = read_messages(value, role)
        if messages and any(message["parts"] for message in messages):
            return messages
    return _NOTHING


def _split_conversation(messages: Sequence[Message]) -> tuple[Sequence[Message], Sequence[Message]]:
    """Return what was said before the last answer, and that answer."""
    end = len(messages)
    while end and messages[end - 1]["role"] == "assistant":
        end -= 1
    return messages[:end] or _NOTHING, messages[end:] or _NOTHING


def _is_native(value: Any) -> bool:
    if type(value) is not str or value[-1:] != "]":  # one that was cut at a limit ends otherwise
        return False
    if '"tool_call_response"' in value and '"response"' not in value:
        return False  # pydantic-ai calls it `result`
    return value == "[]" or (value.startswith('[{"') and '"parts"' in value and '"type"' in value)


def _find_instructions(sources: Sequence[ColumnSource], attributes: Mapping[str, Any], is_span: bool) -> str | None:
    for source in sources:
        value = _get(source, attributes)
        is_native = source.names[0].name == _NATIVE["system_instructions"]
        if is_native and is_span and type(value) is str and value.startswith('[{"'):
            return None
        parts = read_parts(value)
        if parts:
            return encode_messages(parts)
    return None


def _find_parameters(sources: Sequence[ColumnSource], attributes: Mapping[str, Any]) -> str | None:
    """Return all parameters as a JSON object, those of OpenTelemetry's names first; None where only those are there,
    which the view reads."""
    found: dict[str, Any] = {}
    for source in sources:
        value = find_below(attributes, source.names[0].name) if source.is_prefix else _get(source, attributes)
        if isinstance(value, str):
            value = decode_text(value)
        if isinstance(value, dict):
            found = {**value, **found}
    if not found:
        return None
    found = {**found, **find_below(attributes, _PARAMETERS)}
    kept = {key: value for key, value in found.items() if key not in _NOT_PARAMETERS}
    if not kept:
        return None
    return encode_sure(kept) or encode_value(kept).text


def _get(source: ColumnSource, attributes: Mapping[str, Any]) -> Any:
    if source.keys:
        found = {}
        for key, name in zip(source.keys, source.names, strict=True):
            value = attributes.get(name.name)
            if name.path is not None:
                value = find_value(value, name.path)
            if value is not None and value != "":
                found[key] = value
        return found or None
    (first, *_) = source.names
    value = attributes.get(first.name)
    return value if first.path is None or value is None else find_value(value, first.path)
