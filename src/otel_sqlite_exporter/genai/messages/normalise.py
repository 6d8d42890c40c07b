# SPDX-License-Identifier: Apache-2.0
"""Prompts and completions of every dialect as one shape: OpenTelemetry's GenAI messages schema (`role`, `parts` and, of
an answer, `finish_reason`). Pure, and nothing here raises for any value.

What is not understood becomes one text part that holds it: no content is lost for its shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.genai.messages.flattened import gather
from otel_sqlite_exporter.genai.messages.message_parts import Message, Part, as_text, make_text
from otel_sqlite_exporter.genai.messages.message_parts import read_parts as _read_parts
from otel_sqlite_exporter.genai.messages.message_shapes import read_event as _read_event
from otel_sqlite_exporter.genai.messages.message_shapes import read_shape
from otel_sqlite_exporter.genai.messages.plain_messages import read_plain
from otel_sqlite_exporter.model.rows import ToolCallRow, ToolResultRow
from otel_sqlite_exporter.model.values import encode_value

_MESSAGES, PARTS = ('"parts"', '"type"'), ('"content"', '"type"')
_NULLS = (b":null", b",null", b"[null")
_OF_MESSAGES = frozenset(
    ("content", "tool_calls", "reasoning", "reasoning_content", "finish_reason", "text", "contents")
)
_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS


def read_messages(value: Any, default_role: str) -> list[Message] | None:
    """Return the messages that `value` holds: a list or a map as providers and frameworks have them, the JSON or the
    Python `repr` of one, or plain text. None if there is nothing. `default_role` is the role of messages that name
    none: `user` for a prompt, `assistant` for a completion.

    Content, calls and reasoning that came apart are joined with `{"content": ..., "tool_calls": ..., "reasoning": ...,
    "role": "assistant"}`; each may be the JSON text of what is meant."""
    if _is_nothing(value):
        return None
    try:
        messages = read_shape(value, default_role)
    except Exception:  # values reach an exporter unchecked, with methods of their own
        messages = None
    return messages or [{"role": default_role, "parts": [make_text(value)]}]


def read_event(event: Mapping[str, Any], default_role: str) -> list[Message]:
    """Return the messages of a span event or log record that the GenAI conventions defined up to version 1.36. `event`
    holds its attributes, and the body of a log record as `body`."""
    try:
        return _read_event(event, default_role) or []
    except Exception:
        return [{"role": default_role, "parts": [make_text(event)]}]


def find_native(value: Any, keys: Sequence[str] = _MESSAGES) -> str | None:
    """Return the JSON of messages (with `PARTS`, of parts) that have the schema's form already, as far as a look at the
    text can say; None for all else, as for what was cut at a limit."""
    if isinstance(value, (list, tuple)):
        try:
            value = orjson.dumps(value, option=_OPTIONS).decode()
        except TypeError:
            return None
    if type(value) is not str or value[-1:] != "]" or (value[:3] != '[{"' and value != "[]"):
        return None
    if '"tool_call_response"' in value and '"response"' not in value:  # pydantic-ai calls it `result`
        return None
    return value if value == "[]" or all(key in value for key in keys) else None


def read_parts(value: Any) -> list[Part] | None:
    """Return content that stands alone, as system instructions do, as parts of a message. None if there is nothing."""
    if _is_nothing(value):
        return None
    try:
        messages = read_shape(value, "system")
        parts = [part for message in messages for part in message["parts"]] if messages else _read_parts(value)
    except Exception:
        parts = []
    return parts or [make_text(value)]


def read_flattened(attributes: Mapping[Any, Any], prefix: str, default_role: str) -> list[Message] | None:
    """Return the messages that a dialect spreads over attributes whose names begin with `prefix` and a number, as
    `gen_ai.prompt.0.content` and `gen_ai.prompt.0.tool_calls.1.name` (prefix `gen_ai.prompt`), or
    `llm.input_messages.0.message.contents.1.message_content.text` (prefix `llm.input_messages`). None if there are no
    such."""
    messages: list[Message] = []
    for item in gather(attributes, prefix) or ():
        is_wrapped = type(item) is dict and len(item) == 1 and "message" in item
        plain = read_plain(item["message"] if is_wrapped else item)
        if plain is not None:
            messages.append(plain)
            continue
        if isinstance(item, Mapping) and not _has_content(item.get("message", item)):
            continue
        if isinstance(item, Mapping) and not _OF_MESSAGES.isdisjoint(item) and "message" not in item:
            item = {"role": default_role, **item}
        messages += read_messages(item, default_role) or ()
    return messages or None


def _has_content(message: Any) -> bool:
    return not isinstance(message, Mapping) or any(key not in ("role", "message.role") for key in message)


def encode_messages(messages: Iterable[Any]) -> str:
    """Return messages or parts as JSON text. What JSON cannot hold is repaired, as in attributes."""
    values = list(messages)
    try:
        text = orjson.dumps(values, option=_OPTIONS)
    except TypeError:
        return encode_value(values).text
    # orjson writes NaN and infinities as null.
    has_null = b"null" in text and any(null in text for null in _NULLS)
    return encode_value(values).text if has_null else text.decode()


def find_tool_calls(messages: Iterable[Message]) -> list[ToolCallRow]:
    """Return the calls of tools that messages ask for."""
    return [
        ToolCallRow(_optional(part.get("id")), _optional(part.get("name")), _optional(part.get("arguments")))
        for message in messages
        for part in message["parts"]
        if part["type"] == "tool_call"
    ]


def find_tool_results(messages: Iterable[Message]) -> list[ToolResultRow]:
    """Return the results of tools that come after the last message of the assistant: those that this prompt is the
    first to hold. A result that names no call is in none of them."""
    results: list[ToolResultRow] = []
    for message in messages:
        if message["role"] == "assistant":
            results.clear()
            continue
        results += (
            ToolResultRow(as_text(part["id"]), _optional(part.get("response", part.get("result"))))
            for part in message["parts"]
            if part["type"] == "tool_call_response" and part.get("id")
        )
    return results


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, (str, bytes, list, tuple, dict)) and not value)


def _optional(value: Any) -> str | None:
    return None if value is None or value == "" else as_text(value)
