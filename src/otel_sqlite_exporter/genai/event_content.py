# SPDX-License-Identifier: Apache-2.0
"""What the events of a span tell of tools and errors, where no attribute does, and log records of tools. Pure, and
nothing here raises for any value. The messages themselves are read from events and log records by the views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.genai.column_readers import read_text
from otel_sqlite_exporter.genai.messages.json_texts import decode_text
from otel_sqlite_exporter.genai.messages.normalise import find_tool_calls, find_tool_results, read_messages
from otel_sqlite_exporter.model.rows import ToolCallRow, ToolResultRow

EXCEPTION = "exception"
_DETAILS = "gen_ai.client.inference.operation.details"
_ANSWER, _ASSISTANT = "gen_ai.choice", "gen_ai.assistant.message"
_ASKING = frozenset(("gen_ai.user.message", "gen_ai.tool.message"))
# What holds all that the event tells, and what the event itself may hold.
_WHOLE = ("gen_ai.event.content", "body")
_INNER = (*_WHOLE, "message")
TOOL_RECORDS = frozenset((_DETAILS, _ANSWER, _ASSISTANT, *_ASKING))
"""The names of log records whose messages may tell of tools."""


def find_event_tools(events: Sequence[Any]) -> tuple[Sequence[ToolCallRow], Sequence[ToolResultRow]]:
    """Return the calls of tools that the answer asks for, and the results that are new in the prompt, as `events` (each
    has a `name` and `attributes`) hold them."""
    calls: Sequence[ToolCallRow] = ()
    asked: list[tuple[str, Mapping[str, Any]]] = []
    for name, attributes in _name_events(events):
        if name == _DETAILS:
            output, prompt = attributes.get("gen_ai.output.messages"), attributes.get("gen_ai.input.messages")
            return find_answered_calls(output), find_new_results(prompt)
        if name == _ANSWER:
            calls = find_tool_calls(_read_event(name, "assistant", attributes))
        elif name == _ASSISTANT:
            asked.clear()
        elif name in _ASKING:
            asked.append((name, attributes))
    messages = [message for name, attributes in asked for message in _read_event(name, "user", attributes)]
    return calls, find_tool_results(messages)


def find_logged_tools(
    name: str, attributes: Mapping[str, Any], body: Any
) -> tuple[Sequence[ToolCallRow], Sequence[ToolResultRow]]:
    """Return the calls of tools and the results that one of the `TOOL_RECORDS` tells. An answer that a prompt repeats
    tells again of calls that it once asked for, so only those that an id makes known as the same are taken from it."""
    if name == _DETAILS:
        output, prompt = attributes.get("gen_ai.output.messages"), attributes.get("gen_ai.input.messages")
        return find_answered_calls(output), find_new_results(prompt)
    told = {**attributes, "body": body}
    if name in _ASKING:
        return (), find_tool_results(_read_event(name, "user", told))
    calls = find_tool_calls(_read_event(name, "assistant", told))
    return calls if name == _ANSWER else [call for call in calls if call.tool_call_id is not None], ()


def find_answered_calls(completion: Any) -> Sequence[ToolCallRow]:
    """Return the calls that a completion of OpenTelemetry's form asks for."""
    if type(completion) is str and '"tool_call"' not in completion:
        return ()
    return find_tool_calls(read_messages(completion, "assistant") or ())


def find_new_results(prompt: Any) -> Sequence[ToolResultRow]:
    """Return the results that follow the last answer in a prompt of OpenTelemetry's form. A prompt repeats all that was
    said before, so only its end is read."""
    if type(prompt) is str:
        last = prompt.rfind('"assistant"')
        if last < 0 or prompt.find('"tool_call_response"', last) < 0:
            return ()
        try:
            messages = orjson.loads("[" + prompt[prompt.rindex("{", 0, last) :])
            if isinstance(messages[0], dict) and messages[0].get("role") == "assistant":
                prompt = messages
        except (ValueError, LookupError):
            pass
    return find_tool_results(read_messages(prompt, "user") or ())


def find_exception_type(events: Iterable[Any]) -> str | None:
    """Return the type of the last exception among `events`."""
    found = None
    for name, attributes in _name_events(events):
        if name == EXCEPTION:
            found = read_text(attributes.get("exception.type")) or found
    return found


def find_first_token_ms(events: Iterable[Any], names: frozenset[str], start_time_unix_nano: Any) -> float | None:
    """Return the milliseconds from `start_time_unix_nano` to the first event of one of these names."""
    for event in events:
        if getattr(event, "name", None) in names:
            moment = getattr(event, "timestamp", None)
            known = isinstance(moment, int) and isinstance(start_time_unix_nano, int)
            return max(0, moment - start_time_unix_nano) / 1e6 if known else None
    return None


def _read_event(name: str, role: str, attributes: Mapping[str, Any]) -> Iterable[Any]:
    event = {"event.name": name, **attributes}
    for key in _INNER:
        # Attributes of span events cannot be maps, so these come as JSON.
        value = event.get(key)
        inner = decode_text(value) if isinstance(value, str) else value
        if isinstance(inner, Mapping):
            del event[key]
            event.update(inner if key in _WHOLE else {key: inner})
    return read_messages(event, role) or ()


def _name_events(events: Iterable[Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for event in events:
        name, attributes = getattr(event, "name", None), getattr(event, "attributes", None)
        if type(name) is str and isinstance(attributes, Mapping):
            yield name, attributes
