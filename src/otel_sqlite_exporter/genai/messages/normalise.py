# SPDX-License-Identifier: Apache-2.0
"""Prompts and completions of every dialect as one shape: OpenTelemetry's GenAI messages schema (`role`, `parts` and, of
an answer, `finish_reason`). Pure, and nothing here raises for any value.

What is not understood becomes one text part that holds it: no content is lost for its shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from otel_sqlite_exporter.genai.messages.flat_messages import read_plan
from otel_sqlite_exporter.genai.messages.flattened import Names, find_names, gather, gather_item
from otel_sqlite_exporter.genai.messages.json_texts import decode_json
from otel_sqlite_exporter.genai.messages.message_names import Message, Part, Untold
from otel_sqlite_exporter.genai.messages.message_parts import make_text
from otel_sqlite_exporter.genai.messages.message_parts import read_parts as _read_parts
from otel_sqlite_exporter.genai.messages.message_shapes import read_event as _read_event
from otel_sqlite_exporter.genai.messages.message_shapes import read_shape
from otel_sqlite_exporter.genai.messages.one_message import find_role
from otel_sqlite_exporter.genai.messages.plain_messages import are_native, read_plain
from otel_sqlite_exporter.genai.messages.turns import join_turns
from otel_sqlite_exporter.model.values import encode_value

_NULLS = (b":null", b",null", b"[null")
_OF_MESSAGES = frozenset(
    (
        *("content", "tool_calls", "reasoning", "reasoning_content", "reasoning_summary", "finish_reason", "text"),
        *("contents", "refusal", "function"),
    )
)
_JSON = ("[", '"')
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
    if not messages:
        return [{"role": default_role, "parts": [make_text(value)]}]
    return join_turns(messages, are_answers=default_role == "assistant")


def read_event(event: Mapping[str, Any], default_role: str) -> list[Message]:
    """Return the messages of a span event or log record that the GenAI conventions defined up to version 1.36. `event`
    holds its attributes, and the body of a log record as `body`."""
    try:
        return _read_event(event, default_role) or []
    except Exception:
        return [{"role": default_role, "parts": [make_text(event)]}]


class Recorded(list[Any]):
    """Messages or parts that an attribute holds in the schema's form, as it is; it may say that there are none."""

    def __bool__(self) -> bool:  # noqa: D105
        return True


def read_recorded(
    value: Any, default_role: str, read: Callable[[Any, str], list[Any] | None] = read_messages
) -> list[Any] | None:
    """Return the messages that an attribute of OpenTelemetry's conventions holds (with `read_parts`, the parts):
    `Recorded` if they have the schema's form already, so that whoever has the attribute has them."""
    items = decode_json(value) if type(value) is str and value[:1] in _JSON else value
    if type(items) is str:
        return read(items, default_role)
    if type(items) is not list:
        return read(value, default_role)
    if items and type(items[0]) is not dict:
        # The attribute holds JSON by its definition, so the JSON of a list of texts is that list.
        return read(items if type(items[0]) is str else value, default_role)
    if are_native(items if read is read_messages else [{"role": "system", "parts": items}]):
        return Recorded(items)
    found = read(items, default_role)
    return Recorded(items) if found == items else found


def read_parts(value: Any, default_role: str = "system") -> list[Part] | None:
    """Return content that stands alone, as system instructions do, as parts of a message. None if there is nothing."""
    if _is_nothing(value):
        return None
    try:
        messages = read_shape(value, default_role)
        parts = [part for message in messages for part in message["parts"]] if messages else _read_parts(value)
    except Exception:
        parts = []
    return parts or [make_text(value)]


def read_flattened(
    attributes: Mapping[Any, Any], prefix: str, default_role: str, names: Names | None = None
) -> list[Message] | None:
    """Return the messages that a dialect spreads over attributes whose names begin with `prefix` and a number, as
    `gen_ai.prompt.0.content` and `gen_ai.prompt.0.tool_calls.1.name` (prefix `gen_ai.prompt`), or
    `llm.input_messages.0.message.contents.1.message_content.text` (prefix `llm.input_messages`). None if there are no
    such."""
    gathered = (find_names(attributes) if names is None else names).gather(prefix)
    messages: list[Message] = []
    for index, (_, plan) in enumerate(gathered.items):
        plain = None if plan is None else read_plan(plan, attributes)
        if plain is not None:
            messages.append(plain)
        else:
            messages += _read_item(gather_item(attributes, prefix, gathered, index), default_role)
    if gathered.names and not gathered.items:
        for item in gather(attributes, prefix):
            messages += _read_item(item, default_role)
    return join_turns(messages, are_answers=default_role == "assistant") or None


def _read_item(item: Any, default_role: str) -> list[Message]:
    is_wrapped = type(item) is dict and len(item) == 1 and "message" in item
    plain = read_plain(item["message"] if is_wrapped else item)
    if plain is not None:
        return [plain]
    if isinstance(item, Mapping):
        inner = item.get("message")
        # AutoGen has results of tools beside the message.
        item = {**item, **inner, "message": None} if isinstance(inner, Mapping) else item
        if not _has_content(item):
            role = find_role(item)
            return [{"role": role, "parts": Untold()}] if role else []
        if not _OF_MESSAGES.isdisjoint(item):
            item = {**item, "role": item.get("role") or default_role}
    return read_messages(item, default_role) or []


def _has_content(message: Mapping[Any, Any]) -> bool:
    return any(key not in ("role", "message.role") for key, value in message.items() if value is not None)


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


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, (str, bytes, list, tuple, dict)) and not value)
