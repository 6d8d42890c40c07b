# SPDX-License-Identifier: Apache-2.0
"""The messages that span events and log records hold, with the tool calls and results in them; also errors and first
tokens of events. Pure, and nothing here raises for any value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.genai.column_readers import read_text
from otel_sqlite_exporter.genai.messages.message_parts import NAMES, Message, Part
from otel_sqlite_exporter.genai.messages.normalise import (
    Recorded,
    encode_messages,
    find_tool_calls,
    find_tool_results,
    read_event,
    read_messages,
    read_parts,
    read_recorded,
)
from otel_sqlite_exporter.model.rows import MessagesRow, ToolCallRow, ToolResultRow

_EXCEPTION = "exception"
_DETAILS = "gen_ai.client.inference.operation.details"
_ANSWER, _ASSISTANT, _TOOL = "gen_ai.choice", "gen_ai.assistant.message", "gen_ai.tool.message"
_ASKING = frozenset(("gen_ai.user.message", _TOOL))
# The names before 1.28, and the attributes that hold their messages.
_OLDEST = {"gen_ai.content.prompt": "gen_ai.prompt", "gen_ai.content.completion": "gen_ai.completion"}
_ROLES: dict[str, str] = {**NAMES["events"], "gen_ai.content.prompt": "user", "gen_ai.content.completion": "assistant"}
_COMPLETIONS = frozenset((_ANSWER, "gen_ai.content.completion"))
MESSAGE_RECORDS = frozenset((_DETAILS, *_ROLES))
"""The names of events and log records that hold messages."""


class RecordedMessages(NamedTuple):
    """The messages of one of the `MESSAGE_RECORDS`."""

    name: str
    attributes: Mapping[str, Any]
    prompt: Sequence[Message] = ()
    completion: Sequence[Message] = ()
    system_instructions: Sequence[Part] = ()

    def encode(self) -> MessagesRow | None:
        """Return what is stored of them; None if there are no messages."""
        contents = self[2:]
        if not any(contents):
            return None
        ends = slice(None) if self.name == _DETAILS else slice(1, -1)
        return MessagesRow(
            *(None if not one else "" if isinstance(one, Recorded) else encode_messages(one)[ends] for one in contents)
        )


def read_record(name: str, attributes: Mapping[str, Any], body: Any = None) -> RecordedMessages:
    """Return the messages of one of the `MESSAGE_RECORDS`; `body` is that of a log record."""
    if name == _DETAILS:
        get = attributes.get
        return RecordedMessages(
            name,
            attributes,
            _read_whole(get("gen_ai.input.messages"), "user"),
            _read_whole(get("gen_ai.output.messages"), "assistant"),
            read_recorded(get("gen_ai.system_instructions"), "system", read_parts) or (),
        )
    content = attributes.get(_OLDEST.get(name, ""))
    role = _ROLES[name]
    found = read_event({**attributes, "body": body}, role) if content is None else read_messages(content, role)
    messages = [one for one in found or () if one["parts"]]
    if name in _COMPLETIONS:
        return RecordedMessages(name, attributes, completion=messages)
    return RecordedMessages(name, attributes, prompt=messages)


def find_event_tools(records: Iterable[RecordedMessages]) -> tuple[Sequence[ToolCallRow], Sequence[ToolResultRow]]:
    """Return the calls of tools that the answer of a span asks for, and the results that are new in its prompt, as its
    events hold them."""
    prompt: list[Message] = []
    completion: Sequence[Message] = ()
    for record in records:
        if record.name == _DETAILS:
            return find_tool_calls(record.completion), find_tool_results(record.prompt)
        prompt += record.prompt
        completion = record.completion if record.name in _COMPLETIONS else completion
    return find_tool_calls(completion), find_tool_results(prompt)


def find_tool_events(records: Sequence[RecordedMessages]) -> tuple[Any, Any]:
    """Return the arguments and the result of a tool: the first and the last that the events of its span hold."""
    arguments = (
        _find_in_part(record.prompt, "arguments") if record.name == _DETAILS else record.attributes.get("content")
        for record in records
        if record.name in (_DETAILS, _TOOL)
    )
    results = (
        _find_in_part(record.completion, "response") if record.name == _DETAILS else record.attributes.get("message")
        for record in reversed(records)
        if record.name in (_DETAILS, _ANSWER)
    )
    return _find_first(arguments), _find_first(results)


def find_logged_tools(record: RecordedMessages) -> tuple[Sequence[ToolCallRow], Sequence[ToolResultRow]]:
    """Return the calls of tools and the results that a log record holds. A prompt repeats answers, and so the calls
    that these once asked for: only calls with an id, which makes them known as the same, are taken from it."""
    name = record.name
    if name == _DETAILS:
        return find_tool_calls(record.completion), find_tool_results(record.prompt)
    if name in _ASKING:
        return (), find_tool_results(record.prompt)
    if name == _ASSISTANT:
        return [call for call in find_tool_calls(record.prompt) if call.tool_call_id is not None], ()
    return find_tool_calls(record.completion) if name == _ANSWER else (), ()


def find_exception_type(events: Iterable[Any]) -> str | None:
    """Return the type of the last exception among `events`."""
    found = None
    for event in events:
        attributes = getattr(event, "attributes", None)
        if getattr(event, "name", None) == _EXCEPTION and isinstance(attributes, Mapping):
            found = read_text(attributes.get("exception.type")) or found
    return found


def find_first_token_ms(events: Iterable[Any], names: frozenset[str], start_time_unix_nano: Any) -> float | None:
    """Return the milliseconds from `start_time_unix_nano` to the first event of one of these names."""
    for event in events:
        if getattr(event, "name", None) in names:
            moment = getattr(event, "timestamp", None)
            has_times = isinstance(moment, int) and isinstance(start_time_unix_nano, int)
            return max(0, moment - start_time_unix_nano) / 1e6 if has_times else None
    return None


def find_in_events(events: Iterable[Any], names: Mapping[str, Sequence[str]]) -> Any:
    """Return the last value that an event with one of these `names` holds in one of its attributes there."""
    found = None
    for event in events:
        attributes = getattr(event, "attributes", None)
        keys = names.get(getattr(event, "name", None) or "", ()) if isinstance(attributes, Mapping) else ()
        found = _find_first((*(attributes.get(key) for key in keys), found))  # type: ignore[union-attr]
    return found


def _read_whole(value: Any, role: str) -> Sequence[Message]:
    messages = read_recorded(value, role) or ()
    return messages if messages == [] or any(message["parts"] for message in messages) else ()


def _find_first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def _find_in_part(messages: Sequence[Message], key: str) -> Any:
    return messages[0]["parts"][0].get(key) if messages and messages[0]["parts"] else None
