# SPDX-License-Identifier: Apache-2.0
"""Messages in the shape of OpenTelemetry's GenAI messages schema, from what providers and frameworks hand to
instrumentation: requests, responses, lists of messages, dumps of their objects. Pure.

Every function gives None for what it does not understand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.genai.messages.json_texts import CLASS, decode_text
from otel_sqlite_exporter.genai.messages.message_parts import (
    NAMES,
    Message,
    Part,
    as_text,
    find_type,
    first,
    is_bare,
    is_part,
    make_call,
    make_response,
    make_text,
    read_part,
    read_parts,
)
from otel_sqlite_exporter.genai.messages.plain_messages import read_plain
from otel_sqlite_exporter.model.values import repair_text

_DEEPEST = 12
_ROLES: dict[str, str] = NAMES["roles"]
# What LangChain's messages say in `type`, and its and others' classes.
_TYPES = frozenset(NAMES["types_of_messages"])
_CLASSES: dict[str, str] = NAMES["classes_of_messages"]
_PART_ROLES: dict[str, str] = NAMES["roles_of_parts"]
_EVENTS: dict[str, str] = NAMES["events"]
_CONTENTS: tuple[str, ...] = tuple(NAMES["contents"])
_CONTENT_KEYS = frozenset(_CONTENTS)
_CALLS: tuple[str, ...] = tuple(NAMES["calls"])
_REASONS: tuple[str, ...] = tuple(NAMES["reasons"])
_SYSTEM: tuple[str, ...] = tuple(NAMES["system"])
# What holds all of an event, and its answer; attributes of span events cannot be maps, so these come as JSON.
_INNER = ("gen_ai.event.content", "body", "message", "delta")
_OF_EVENTS = frozenset(("role", "message", "delta", "content", "parts", "lc", *_CALLS))
# What says nothing where it stands alone.
_BARE = frozenset(("content", "role", "id", "tool_call_id", "name", "type", *_REASONS))
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
    if isinstance(item.get("role"), str) or (kind in _TYPES and "content" in item):
        return True
    return any(key in item for key in ("event.name", "generation_info", *_REASONS))


def _find_role_of_parts(parts: Iterable[Part], default_role: str) -> str:
    kinds = {part["type"] for part in parts}
    if kinds == {"tool_call_response"}:
        return "tool"
    return "assistant" if kinds & {"tool_call", "reasoning", "server_tool_call"} else default_role


def _read_map(value: Mapping[str, Any], default_role: str, depth: int) -> list[Message] | None:
    if any(isinstance(key, str) and key.startswith("message.") for key in value):
        value = {str(key).removeprefix("message."): item for key, item in value.items()}
    if value.get("lc") == 1 and isinstance(value.get("kwargs"), Mapping):
        names = value.get("id")
        named = {CLASS: names[-1] if isinstance(names, (list, tuple)) and names else None}
        return _read_map({**value["kwargs"], **named}, default_role, depth + 1)
    event = first(value, "event.name", "event_name")
    role = _EVENTS.get(event) if isinstance(event, str) else None
    if role is not None:
        return read_event(value, role, depth)
    if isinstance(value.get("data"), Mapping) and value.get("type") in _TYPES:
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
    for key in _INNER:
        inner = _read_blocks(value.pop(key, None))
        if inner is None or inner == "":
            continue
        decoded = decode_text(inner) if isinstance(inner, str) else inner
        is_said = inner is decoded or is_part(decoded)
        if isinstance(decoded, Mapping) and (is_said or not _OF_EVENTS.isdisjoint(decoded)):
            said = said or decoded
            value |= decoded
            continue
        found = read_shape(decoded, role, depth + 1) if key != "body" and isinstance(decoded, list) else None
        if found is not None and len(found) > 1:
            return found
        value["content"] = found[0]["parts"] if found else inner
    # What else its attributes say, as `gen_ai.system`, is not of the message.
    value = {key: item for key, item in value.items() if key != "index" and "." not in key}
    found = [plain] if (plain := read_plain(value)) is not None else read_message(value, role)
    others = {key: item for key, item in value.items() if item is not None and key not in ("role", "content")}
    if not all(map(is_bare, found or ())):
        return found
    if _BARE.issuperset(others) and not is_part(others):
        return None if value["content"] is None else found
    shaped = read_shape(others, value["role"], depth + 1) if said or is_part(others) else None
    return shaped or (found if not said else read_message({**value, "content": as_text(said)}, role))


def _read_blocks(content: Any) -> Any:
    """Return the content blocks that a text is the JSON of, as an attribute of a span event cannot be a list of maps;
    any other content as it is."""
    blocks = decode_text(content) if type(content) is str and content[:1] == "[" else None
    are_blocks = isinstance(blocks, list) and all(
        type(block) is dict and (block.keys() == {"text"} or find_type(block) or is_part(block)) for block in blocks
    )
    return blocks if are_blocks else content


def read_message(value: Mapping[str, Any], default_role: str) -> list[Message] | None:
    """Return what one message holds (one message; more where a framework puts parts of several roles into one), or None
    if `value` has not the shape of a message."""
    role = _find_role(value)
    content = first(value, *_CONTENTS)
    has_calls = any(value.get(key) for key in _CALLS)
    only_calls = has_calls and content is None
    if isinstance(content, Mapping) and isinstance(content.get("parts"), (list, tuple)):
        role = role or _find_role(content)  # Gemini's candidates, and the events of ADK
        content = content["parts"]
    elif not only_calls and (
        _CONTENT_KEYS.isdisjoint(value) or (role is None and not isinstance(value.get("parts"), (list, tuple)))
    ):
        return None
    role = role or default_role
    if not content and content in (None, ""):  # OpenAI's answers may have one of these instead
        content = value.get("refusal") or ({"audio": value["audio"]} if value.get("audio") else content)
    if isinstance(content, (list, tuple)) and any(find_type(part) in _PART_ROLES for part in _maps(content)):
        return _split_roles(value, content, role)
    parts = _read_reasoning(value) + read_parts(content)
    if role == "tool" and not any(part["type"] in ("tool_call", "tool_call_response") for part in parts):
        parts = [make_response(value, first(value, "response", "output", "result") if content is None else content)]
    given_ids = {part.get("id") for part in parts if part["type"] == "tool_call"}
    calls = [make_call(call) for call in _find_calls(value)]
    parts += [call for call in calls if "id" not in call or call["id"] not in given_ids]
    if parts and all(part["type"] == "tool_call_response" for part in parts):
        role = "tool"
    message: Message = {"role": role, "parts": parts}
    name = value.get("name")
    if isinstance(name, str) and name and role != "tool":
        message["name"] = repair_text(name)[0]
    if (reason := _find_finish_reason(value)) is not None:
        message["finish_reason"] = reason
    return [message]


def _maps(items: Iterable[Any]) -> Iterable[Mapping[str, Any]]:
    return (item for item in items if isinstance(item, Mapping))


def _find_role(value: Mapping[str, Any]) -> str | None:
    role = value.get("role")
    if isinstance(role, str) and role:
        name = role.rpartition(".")[2]  # as in MessageRole.USER
        name = name.lower() if name.isupper() else name
        return _ROLES.get(name, name)
    kind = first(value, "type", "kind")
    is_pydantic = kind in ("request", "response") and isinstance(value.get("parts"), (list, tuple))
    if isinstance(kind, str) and (kind in _TYPES or is_pydantic):
        return _ROLES.get(kind, kind)
    class_name = value.get(CLASS)
    return _CLASSES.get(class_name) if isinstance(class_name, str) else None


def _split_roles(value: Mapping[str, Any], content: Iterable[Any], role: str) -> list[Message]:
    messages: list[Message] = []
    instructions = value.get("instructions")
    if isinstance(instructions, str) and instructions:
        messages.append({"role": "system", "parts": [make_text(instructions)]})
    for block in content:
        parts = read_part(block)
        own = _PART_ROLES.get(find_type(block), role) if isinstance(block, Mapping) else role
        own = "tool" if parts and all(part["type"] == "tool_call_response" for part in parts) else own
        if messages and messages[-1]["role"] == own:
            messages[-1]["parts"] += parts
        else:
            messages.append({"role": own, "parts": parts})
    return messages


def _read_reasoning(value: Mapping[str, Any]) -> list[Part]:
    text = first(value, "reasoning_content", "reasoning", "thinking")
    return [{"type": "reasoning", "content": repair_text(text)[0]}] if isinstance(text, str) and text else []


def _find_calls(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    extra = value.get("additional_kwargs")
    calls = first(value, "tool_calls", "toolCalls") or (extra.get("tool_calls") if isinstance(extra, Mapping) else None)
    if isinstance(calls, str):
        calls = decode_text(calls)
    if isinstance(calls, Mapping):
        calls = [calls]
    found = list(_maps(calls)) if isinstance(calls, (list, tuple)) else []
    function = value.get("function_call")
    function = decode_text(function) if isinstance(function, str) else function
    if not found and isinstance(function, Mapping):
        found.append(function)
    if not found and value.get("function_call_name"):
        arguments = value.get("function_call_arguments_json")
        found.append({"name": value["function_call_name"], "arguments": arguments})
    return found


def _find_finish_reason(value: Mapping[str, Any]) -> str | None:
    inner = first(value, "response_metadata", "generation_info")
    reason = first(value, *_REASONS) or (first(inner, *_REASONS) if isinstance(inner, Mapping) else None)
    return repair_text(reason)[0] if isinstance(reason, str) and reason else None


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
        if len(found) == 1 and (reason := _find_finish_reason(value)) is not None:
            found[0].setdefault("finish_reason", reason)
        return _read_system(value) + found
    text = first(value, "text", "message")
    if isinstance(text, str) and (_find_finish_reason(value) is not None or "generation_info" in value):
        return read_message({**value, "role": default_role, "text": text}, default_role)
    return None


def _read_system(value: Mapping[str, Any]) -> list[Message]:
    config = value.get("config")
    parts = read_parts(first(value, *_SYSTEM) or (first(config, *_SYSTEM) if isinstance(config, Mapping) else None))
    return [{"role": "system", "parts": parts}] if parts else []
