# SPDX-License-Identifier: Apache-2.0
"""Messages in the shape of OpenTelemetry's GenAI messages schema, from what providers and frameworks hand to
instrumentation: requests, responses, lists of messages, dumps of their objects. Pure.

Every function gives None for what it does not understand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.genai.messages.headed_texts import read_headed
from otel_sqlite_exporter.genai.messages.json_texts import CLASS, decode_text
from otel_sqlite_exporter.genai.messages.message_names import NAMES, Message, Part, first
from otel_sqlite_exporter.genai.messages.message_parts import (
    as_text,
    find_type,
    is_bare,
    is_part,
    make_text,
    read_part,
    read_parts,
)
from otel_sqlite_exporter.genai.messages.one_message import CALLS, REASONS, TYPES, find_reason, read_message
from otel_sqlite_exporter.genai.messages.plain_messages import read_plain
from otel_sqlite_exporter.genai.messages.stream_pieces import join_pieces

_DEEPEST = 12
_EVENTS: dict[str, str] = NAMES["events"]
_EVENTS_OF_ITEMS = tuple(NAMES["events_of_items"])
_SYSTEM: tuple[str, ...] = tuple(NAMES["system"])
# Who says an item that names no role: what the model does is of the assistant.
_ITEM_ROLES: dict[str, str] = NAMES["roles_of_items"]
_ITEM_ENDINGS: dict[str, str] = NAMES["endings_of_items"]
# What holds all of an event, and its answer; attributes of span events cannot be maps, so these come as JSON.
_INNER = ("gen_ai.event.content", "body", "message", "delta")
# What is a list or a map beside the content.
_NESTED = frozenset(("audio", *NAMES["reasoning_blocks"], *NAMES["parts"]["beside"]))
_OF_EVENTS = frozenset(("role", "message", "delta", "content", "parts", "lc", *CALLS))
# What says nothing where it stands alone.
_BARE = frozenset(("content", "role", "id", "tool_call_id", "name", "type", *REASONS))
# What holds messages in requests and responses, the surest first.
_HOLDERS: tuple[str, ...] = tuple(NAMES["holders"])
_TEXT_HOLDERS = frozenset(NAMES["holders_of_text"])
# What may stand beside a text that is all there is: `{"inputs": "hi", "tags": [], "metadata": {}, "kwargs": {...}}`.
_BESIDE_TEXT = frozenset((*NAMES["beside_text"], *_SYSTEM, *_TEXT_HOLDERS))


def read_shape(value: Any, default_role: str, depth: int = 0) -> list[Message] | None:
    """Return the messages that a list or map holds, or that the text of one does. `default_role` is given to messages
    that name none."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, str):
        headed = read_headed(value)
        if headed is not None:
            return headed
        decoded = decode_text(value)
        if decoded is None or (isinstance(decoded, list) and not any(isinstance(x, (list, dict)) for x in decoded)):
            return None  # a list of plain texts is as likely what a model has answered
        return read_shape(decoded, default_role, depth + 1)
    if isinstance(value, Mapping):
        return _read_map(value, default_role, depth)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return _read_list(value, default_role, depth)
    return None


def _read_list(items: Sequence[Any], default_role: str, depth: int) -> list[Message] | None:
    joined = join_pieces(items, default_role)
    if joined is not None:
        return joined
    messages: list[Message] = []
    understood = False
    growing = False  # whether the last message is made of single parts
    for item in items:
        plain = read_plain(item)
        if plain is not None:
            messages.append(plain)
            understood, growing = True, False
            continue
        if item is None or item == "":
            continue
        found = None if is_part(item) and not _names_role(item) else read_shape(item, default_role, depth + 1)
        is_item = found is None or (isinstance(item, Mapping) and item.get("type") == "message" and len(found) == 1)
        if found is None:
            parts = read_part(item)
            understood = understood or isinstance(item, str) or is_part(item)
            found = [{"role": _find_role_of_parts(parts, default_role), "parts": parts}] if parts else []
        if is_item and growing and found and messages[-1]["role"] == found[0]["role"] and not isinstance(item, str):
            messages[-1]["parts"] += found[0]["parts"]
            messages[-1] |= {key: found[0][key] for key in ("finish_reason",) if key in found[0]}
        else:
            messages += found
        understood = understood or not is_item or bool(found and isinstance(item, Mapping) and "role" in item)
        growing = is_item and bool(messages)
    return messages if understood else None


def _names_role(item: Mapping[str, Any]) -> bool:
    kind = item.get("type")
    if isinstance(item.get("role"), str) or (kind in TYPES and "content" in item):
        return True
    return any(key in item for key in ("event.name", "generation_info", *REASONS))


def _find_role_of_parts(parts: Iterable[Part], default_role: str) -> str:
    roles = {_find_role_of_item(part["type"]) for part in parts}
    if roles == {"tool"}:
        return "tool"
    return "assistant" if "assistant" in roles else default_role


def _find_role_of_item(kind: str) -> str | None:
    role = _ITEM_ROLES.get(kind)
    if role is None:
        role = next((role for ending, role in _ITEM_ENDINGS.items() if kind.endswith(ending)), None)
    return role


def _read_map(value: Mapping[str, Any], default_role: str, depth: int) -> list[Message] | None:
    plain = read_plain(value)
    if plain is not None:
        return [plain]
    if any(isinstance(key, str) and key.startswith("message.") for key in value):
        value = {str(key).removeprefix("message."): item for key, item in value.items()}
    if "_role" in value:  # Haystack's
        value = {key if key == CLASS else str(key).removeprefix("_"): item for key, item in value.items()}
    if value.get("lc") == 1 and isinstance(value.get("kwargs"), Mapping):
        names = value.get("id")
        named = {CLASS: names[-1] if isinstance(names, (list, tuple)) and names else None}
        return _read_map({**value["kwargs"], **named}, default_role, depth + 1)
    event = first(value, "event.name", "event_name")
    role = _EVENTS.get(event) if isinstance(event, str) else None
    if role is not None:
        return read_event(value, role, depth)
    if event in _EVENTS_OF_ITEMS and isinstance(value.get("data"), Mapping):
        return _read_list((value["data"],), default_role, depth + 1)
    if isinstance(value.get("data"), Mapping) and value.get("type") in TYPES:
        value = {**value["data"], "type": value["type"]}
    messages = read_message(value, default_role)
    if messages is None:
        messages = _read_holder(value, default_role, depth)
    if messages is None and is_part(value):
        messages = _read_list((value,), default_role, depth + 1)
    return messages


def read_event(event: Mapping[str, Any], role: str, depth: int = 0) -> list[Message] | None:
    """Return the messages of an event of the GenAI conventions up to version 1.36. Its attributes, its body, or the
    whole as JSON in one attribute may hold them, and the answer is its `message`."""
    said: Any = None
    value = {"role": role, "content": None, **event}
    value |= {key: _read_blocks(value[key]) for key in ("content", "parts") if key in value}
    if not _NESTED.isdisjoint(value):
        nested = {key: value[key] for key in value if key in _NESTED and type(value[key]) is str}
        value |= {key: decode_text(text) or text for key, text in nested.items()}
    has_content = "content" in event
    for key in _INNER:
        inner = _read_blocks(value.pop(key, None))
        if inner is None or inner == "":
            continue
        decoded = decode_text(inner) if isinstance(inner, str) else inner
        is_said = inner is decoded or is_part(decoded)
        if isinstance(decoded, Mapping) and (is_said or not _OF_EVENTS.isdisjoint(decoded)):
            said = said or decoded
            value |= decoded
            has_content = has_content or "content" in decoded
            continue
        joined = join_pieces(decoded, "assistant") if isinstance(decoded, list) else None
        if joined is not None:
            return joined
        found = read_shape(decoded, role, depth + 1) if key != "body" and isinstance(decoded, list) else None
        if found is not None and len(found) > 1:
            return found
        value["content"] = found[0]["parts"] if found else inner
    if "lc" in value:
        value = _gather_dump(value)
    # What else its attributes say, as `gen_ai.system`, is not of the message.
    value = {key: item for key, item in value.items() if key != "index" and "." not in key}
    found = [plain] if (plain := read_plain(value)) is not None else read_message(value, role)
    others = {key: item for key, item in value.items() if item is not None and key not in ("role", "content")}
    if not all(map(is_bare, found or ())):
        return found
    if _BARE.issuperset(others) and not is_part(others):
        return found if has_content else None
    shaped = read_shape(others, value["role"], depth + 1) if said or is_part(others) else None
    return shaped or (found if not said else read_message({**value, "content": as_text(said)}, role))


def _gather_dump(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the dump of a message of LangChain says, whose members may be attributes."""
    held = value.get("kwargs")
    held = decode_text(held) if isinstance(held, str) else held
    dump = {key: item for key, item in value.items() if key not in ("lc", "type", "id", "kwargs")}
    return {**dump, **(held if isinstance(held, Mapping) else {})}


def _read_blocks(content: Any) -> Any:
    """Return the content blocks that a text is the JSON of, as an attribute of a span event cannot be a list of maps;
    any other content as it is."""
    blocks = decode_text(content) if type(content) is str and content[:1] == "[" else None
    are_blocks = isinstance(blocks, list) and all(
        type(block) is dict and (block.keys() == {"text"} or find_type(block) or is_part(block)) for block in blocks
    )
    return blocks if are_blocks else content


def _read_holder(value: Mapping[str, Any], default_role: str, depth: int) -> list[Message] | None:
    for key in _HOLDERS:
        content = value.get(key)
        if not content:
            continue
        found = read_shape(content, default_role, depth + 1)
        if found is None and key in _TEXT_HOLDERS and _BESIDE_TEXT.issuperset(value):
            found = [{"role": default_role, "parts": [make_text(content)]}]
        if found is None:
            continue
        if len(found) == 1 and (reason := find_reason(value)) is not None:
            found[0].setdefault("finish_reason", reason)
        return _read_system(value) + found
    text = first(value, "text", "message")
    if isinstance(text, str) and (find_reason(value) is not None or "generation_info" in value):
        return read_message({**value, "role": default_role, "text": text}, default_role)
    return None


def _read_system(value: Mapping[str, Any]) -> list[Message]:
    config = value.get("config")
    parts = read_parts(first(value, *_SYSTEM) or (first(config, *_SYSTEM) if isinstance(config, Mapping) else None))
    return [{"role": "system", "parts": parts}] if parts else []
