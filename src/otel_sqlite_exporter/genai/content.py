# SPDX-License-Identifier: Apache-2.0
"""Prompts, completions, instructions and parameters of a call, in the one form that the views show. Pure, and nothing
here raises for any value.

What the attributes of a span hold under OpenTelemetry's names and in its form is `AS_RECORDED`: the views read it from
there, so that it is neither converted nor stored twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from otel_sqlite_exporter.genai.content_sources import NATIVE, ContentPlan, get_content
from otel_sqlite_exporter.genai.event_content import RecordedMessages, find_event_tools
from otel_sqlite_exporter.genai.messages.embedding_inputs import read_inputs
from otel_sqlite_exporter.genai.messages.flattened import (
    NO_NAMES,
    Names,
    find_below,
    find_names,
    find_result_ids,
    gather,
)
from otel_sqlite_exporter.genai.messages.json_texts import decode_text
from otel_sqlite_exporter.genai.messages.message_names import Message, Part
from otel_sqlite_exporter.genai.messages.normalise import (
    Recorded,
    encode_messages,
    read_flattened,
    read_messages,
    read_parts,
    read_recorded,
)
from otel_sqlite_exporter.genai.messages.tool_mentions import find_all_results, find_tool_calls, find_tool_results
from otel_sqlite_exporter.genai.messages.turns import look_at_parts
from otel_sqlite_exporter.model.dialect import ColumnSource
from otel_sqlite_exporter.model.left_out import TOOL_CALLS, TOOL_RESULTS, find_left_member
from otel_sqlite_exporter.model.rows import ToolCallRow, ToolResultRow
from otel_sqlite_exporter.model.values import encode_sure, encode_value

AS_RECORDED = ""
"""Marks content that the views read from the attributes of the span."""
_NOTHING: Sequence[Message] = ()
_OF_CALLS = ("id", "arguments")
_PARAMETERS = "gen_ai.request."
_SPREAD = ("prompt", "completion", "conversation")
_REPEATED = 4_096
_NOT_PARAMETERS = frozenset(("model", "messages", "prompt", "input", "contents"))


class ToolsOnly(list[Message]):
    """Messages whose content was left out before they were stored. They still tell which tools were called."""


class CallContent(NamedTuple):
    """Columns of `LLMInteractionRow`, and the tool calls and results in its messages."""

    request_parameters: str | None
    system_instructions: str | None
    prompt: str | None
    completion: str | None
    tool_calls: Sequence[ToolCallRow]
    tool_results: Sequence[ToolResultRow]


def plan_content(columns: Mapping[str, Sequence[ColumnSource]]) -> ContentPlan:
    """Return where content is, given the sources of each column that are there. The views read parameters that have
    OpenTelemetry's names."""
    others = [source for source in columns["request_parameters"] if source.names[0].name != _PARAMETERS]
    plan = {column: tuple(columns[column]) for column in (*NATIVE, "conversation")}
    spread = [source for column in _SPREAD for source in plan[column] if source.is_prefix]
    return {**plan, "request_parameters": tuple(others), "spread": (*spread, *others)}


def find_content(
    plan: ContentPlan,
    attributes: Mapping[str, Any],
    records: Sequence[RecordedMessages],
    *,
    is_span: bool,
    has_answer: bool,
    is_aggregate: bool,
) -> CallContent:
    """Return the content of a call that its attributes hold: what has OpenTelemetry's form is `AS_RECORDED` if it
    `is_span`. Tools are read from the messages, or from those of `records` (its events) if attributes hold none; not
    those of an aggregate, whose messages repeat those of its calls. Without `has_answer` the call is one for
    embeddings: its prompt is a list of inputs, and it has no completion."""
    native = NATIVE if is_span else {}
    names = find_names(attributes) if plan["spread"] else NO_NAMES
    completion = _NOTHING
    if not has_answer:
        prompt = _find_inputs(plan["prompt"], attributes, native.get("prompt"))
    else:
        prompt = _find_messages(plan["prompt"], attributes, names, "user", native.get("prompt"))
        completion = _find_messages(
            plan["completion"], attributes, names, "assistant", native.get("completion"), may_be_empty=bool(prompt)
        )
        if not isinstance(completion, (Recorded, ToolsOnly)):
            _complete_calls(completion, plan["completion"], attributes)
    instructions = None
    if plan["system_instructions"]:
        instructions = _find_instructions(plan["system_instructions"], attributes, native.get("system_instructions"))
    if plan["conversation"] and not (prompt and completion):
        before, answer = _split_conversation(_find_messages(plan["conversation"], attributes, names, "user"))
        prompt, completion = prompt or before, completion or answer
    calls: Sequence[ToolCallRow] = ()
    results: list[ToolResultRow] = []
    if is_aggregate:
        pass
    elif records and not prompt and not completion:
        calls, found = find_event_tools(records)
        results += found
    else:
        calls, results = find_tool_calls(completion), find_tool_results(prompt)
        if calls:
            results += find_all_results(completion)
    return CallContent(
        _find_parameters(plan["request_parameters"], attributes, names) if plan["request_parameters"] else None,
        instructions,
        _encode(prompt),
        _encode(completion),
        calls,
        results,
    )


def _encode(messages: Sequence[Message]) -> str | None:
    if isinstance(messages, Recorded):
        return AS_RECORDED
    if isinstance(messages, ToolsOnly):
        return None
    return encode_messages(messages) if messages else None


def _find_messages(
    sources: Sequence[ColumnSource],
    attributes: Mapping[str, Any],
    names: Names,
    role: str,
    native_name: str | None = None,
    *,
    may_be_empty: bool = False,
) -> Sequence[Message]:
    """Return the messages of the first source that tells the content of all, or else of some, or else that there was
    none; those of the attribute `native_name` as `Recorded` if they are. Messages that are spread over attributes
    `may_be_empty` only where other content is recorded: without it, a role and a reason are what is left of them."""
    partly = empty = _NOTHING
    for source in sources:
        messages: Sequence[Message] | None
        if source.is_prefix:
            prefix = source.names[0].name[:-1]
            left = names.find_left(prefix)
            if left == "nothing":
                continue
            if left == "results":
                return _make_results(find_result_ids(attributes, prefix, names))
            messages = read_flattened(attributes, prefix, role, names)
            if messages and left:
                return ToolsOnly(messages)
        else:
            value = get_content(source, attributes)
            if value is None and (tools := _find_left_tools(source, attributes)):
                return tools
            if source.keys and value is not None:
                value = {"role": role, **value}
            read = read_recorded if source.names[0].name == native_name else read_messages
            messages = read(value, role)
        if not messages:
            continue
        has_parts, has_untold = look_at_parts(messages)
        if has_untold and not has_parts:
            continue
        if has_parts or messages == []:
            if source.is_prefix and has_untold:
                partly = partly or messages
            elif len(messages) >= len(partly):
                return messages
        elif may_be_empty or not source.is_prefix:
            empty = empty or messages
    return partly or empty


def _complete_calls(
    completion: Sequence[Message], sources: Sequence[ColumnSource], attributes: Mapping[str, Any]
) -> None:
    """Give calls of tools the ids and arguments that another source of the same answer has."""
    calls = _find_calls(completion)
    if all(key in call for call in calls for key in _OF_CALLS):
        return
    for source in sources:
        others = () if source.is_prefix else _find_calls(read_messages(get_content(source, attributes), "assistant"))
        if [call.get("name") for call in others] == [call.get("name") for call in calls]:
            for call, other in zip(calls, others, strict=True):
                call |= {key: other[key] for key in _OF_CALLS if key not in call and key in other}


def _find_calls(messages: Sequence[Message] | None) -> list[Part]:
    return [part for message in messages or () for part in message["parts"] if part["type"] == "tool_call"]


def _find_inputs(
    sources: Sequence[ColumnSource], attributes: Mapping[str, Any], native_name: str | None
) -> Sequence[Message]:
    for source in sources:
        name = source.names[0].name
        if name == native_name:
            inputs = _find_messages((source,), attributes, NO_NAMES, "user", native_name)
        else:
            inputs = (
                read_inputs(gather(attributes, name[:-1]) if source.is_prefix else get_content(source, attributes))
                or ()
            )
        if inputs:
            return inputs
    return _NOTHING


def _split_conversation(messages: Sequence[Message]) -> tuple[Sequence[Message], Sequence[Message]]:
    """Return what was said before the last answer, and that answer."""
    end = len(messages)
    while end and messages[end - 1]["role"] == "assistant":
        end -= 1
    return messages[:end] or _NOTHING, messages[end:] or _NOTHING


def _find_instructions(
    sources: Sequence[ColumnSource], attributes: Mapping[str, Any], native_name: str | None
) -> str | None:
    for source in sources:
        value = get_content(source, attributes)
        is_native = source.names[0].name == native_name
        parts = read_recorded(value, "system", read_parts) if is_native else read_parts(value)
        if parts:
            return _encode(parts)
    return None


def _find_parameters(sources: Sequence[ColumnSource], attributes: Mapping[str, Any], names: Names) -> str | None:
    """Return all parameters as a JSON object, those of OpenTelemetry's names first; None where only those are there,
    which the view reads."""
    own = find_below(attributes, _PARAMETERS, names)
    if len(sources) == 1 and not own and not sources[0].is_prefix:
        value = get_content(sources[0], attributes)
        if type(value) is str:
            return (_read_parameters if len(value) <= _REPEATED else _encode_parameters)(value)
    found: dict[str, Any] = {}
    for source in sources:
        if source.is_prefix:
            value = find_below(attributes, source.names[0].name, names)
        else:
            value = get_content(source, attributes)
        if isinstance(value, str):
            value = decode_text(value)
        if isinstance(value, dict):
            found = {**value, **found}
    return _encode_parameters({**found, **own}) if found else None


def _encode_parameters(value: Any) -> str | None:
    found = decode_text(value) if isinstance(value, str) else value
    if not isinstance(found, dict):
        return None
    kept = {key: value for key, value in found.items() if key not in _NOT_PARAMETERS}
    if not kept:
        return None
    return encode_sure(kept) or encode_value(kept).text


# An application calls with the same parameters again and again. Memory: at most 128 texts with what they become.
_read_parameters = lru_cache(128)(_encode_parameters)


def _find_left_tools(source: ColumnSource, attributes: Mapping[str, Any]) -> ToolsOnly | None:
    """Return the tools that an answer called, or whose results a prompt held, if their content was left out."""
    values = [attributes.get(name.name) for name in source.names]
    calls, ids = find_left_member(values, TOOL_CALLS), find_left_member(values, TOOL_RESULTS)
    if isinstance(calls, list):
        parts = [{"type": "tool_call", **call} for call in calls if isinstance(call, dict)]
        return ToolsOnly([{"role": "assistant", "parts": parts}])
    if isinstance(ids, list):
        return _make_results(ids)
    return None


def _make_results(ids: Iterable[Any]) -> ToolsOnly:
    return ToolsOnly([{"role": "tool", "parts": [{"type": "tool_call_response", "id": id} for id in ids]}])
