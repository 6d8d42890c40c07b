# SPDX-License-Identifier: Apache-2.0
"""The messages that span events and log records hold, with the tool calls and results in them; also errors and first
tokens of events. Pure, and nothing here raises for any value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.genai.column_readers import read_text
from otel_sqlite_exporter.genai.messages.message_names import NAMES, Message, Part, Untold
from otel_sqlite_exporter.genai.messages.normalise import (
    Recorded,
    encode_messages,
    read_event,
    read_messages,
    read_parts,
    read_recorded,
)
from otel_sqlite_exporter.genai.messages.tool_mentions import (
    find_asked,
    find_tool_calls,
    find_tool_results,
    join_results,
)
from otel_sqlite_exporter.genai.messages.turns import are_told
from otel_sqlite_exporter.model.event_names import find_name
from otel_sqlite_exporter.model.rows import MessagesRow, ToolCallRow, ToolResultRow

EXCEPTION = "exception"
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
    messages = [one for one in found or () if not isinstance(one["parts"], Untold)]
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
    that these once asked for: only calls with an id, which makes them known as the same, are taken from it. What has no
    id stands among the results, without one: which call it belongs to, the records of its span tell together."""
    name = record.name
    if name == _DETAILS:
        return find_tool_calls(record.completion), find_tool_results(record.prompt)
    if name in _ASKING:
        parts = [part for message in record.prompt for part in message["parts"]]
        has_others = any(part["type"] == "tool_call_response" and not part.get("id") for part in parts)
        return (), [*find_tool_results(record.prompt), *([ToolResultRow(None, None)] if has_others else ())]
    if name == _ASSISTANT:
        calls = find_tool_calls(record.prompt)
        return [call for call in calls if call.tool_call_id is not None], [
            ToolResultRow(None, None) for call in calls if call.tool_call_id is None
        ]
    return find_tool_calls(record.completion) if name == _ANSWER else (), ()


def find_logged_results(records: Sequence[RecordedMessages]) -> list[list[ToolResultRow]]:
    """Return the results that each of the log records of one span holds, which are in the order of their times. Those
    of earlier turns are told again, so only their call ids are known."""
    found: list[list[ToolResultRow]] = [[] for _ in records]
    calls: list[Part] = []
    results: list[tuple[int, Part]] = []
    has_asked = False

    def end_turn(*, is_last: bool = False) -> None:
        rows = join_results(calls, [part for _, part in results])
        for (index, _), row in zip(results, rows, strict=True):
            if row is not None and (is_last or row.tool_call_id is not None):
                found[index].append(row if is_last else row._replace(asked_digest=None))
        calls.clear()
        results.clear()

    for index, record in enumerate(records):
        if record.name == _DETAILS:
            found[index] = [*find_tool_results(record.prompt)]
            continue
        for message in record.prompt:
            is_asking = message["role"] == "assistant"
            if is_asking and not has_asked:
                end_turn()
            has_asked = is_asking
            if is_asking:
                calls += find_asked([message])
            else:
                results += ((index, part) for part in message["parts"] if part["type"] == "tool_call_response")
    end_turn(is_last=True)
    return found


def find_exception_type(events: Iterable[Any]) -> str | None:
    """Return the type of the last exception among `events`."""
    found = None
    for event in events:
        attributes = getattr(event, "attributes", None)
        if isinstance(attributes, Mapping) and find_name(getattr(event, "name", None), attributes) == EXCEPTION:
            found = read_text(attributes.get("exception.type")) or found
    return found


def find_first_token_ms(events: Iterable[Any], names: frozenset[str], start_time_unix_nano: Any) -> float | None:
    """Return the milliseconds from `start_time_unix_nano` to the first event of one of these names."""
    for event in events:
        if find_name(getattr(event, "name", None), getattr(event, "attributes", None) or {}) in names:
            moment = getattr(event, "timestamp", None)
            has_times = isinstance(moment, int) and isinstance(start_time_unix_nano, int)
            return max(0, moment - start_time_unix_nano) / 1e6 if has_times else None
    return None


def _read_whole(value: Any, role: str) -> Sequence[Message]:
    messages = read_recorded(value, role) or ()
    return messages if are_told(messages) else ()


def _find_first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def _find_in_part(messages: Sequence[Message], key: str) -> Any:
    return next((part.get(key) for message in messages[:1] for part in message["parts"][:1]), None)
