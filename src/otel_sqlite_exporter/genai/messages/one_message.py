# SPDX-License-Identifier: Apache-2.0
"""One message in the shape of OpenTelemetry's GenAI messages schema, from the map that a provider or framework makes of
it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from otel_sqlite_exporter.genai.finish_reasons import name_reason
from otel_sqlite_exporter.genai.messages.json_texts import CLASS, decode_text
from otel_sqlite_exporter.genai.messages.message_names import NAMES, Message, Part, Untold, first
from otel_sqlite_exporter.genai.messages.message_parts import (
    find_type,
    keep_beside,
    make_call,
    make_response,
    make_text,
    read_part,
    read_parts,
)
from otel_sqlite_exporter.model.values import repair_text

_ROLES: dict[str, str] = NAMES["roles"]
TYPES = frozenset(NAMES["types_of_messages"])
"""What LangChain's messages say in `type`."""
_CLASSES: dict[str, str] = NAMES["classes_of_messages"]
_PART_ROLES: dict[str, str] = NAMES["roles_of_parts"]
_CONTENTS: tuple[str, ...] = tuple(NAMES["contents"])
_CONTENT_KEYS = frozenset(_CONTENTS)
_BESIDE = frozenset(NAMES["parts"]["beside"])
CALLS: tuple[str, ...] = tuple(NAMES["calls"])
"""Keys of a message that hold calls of tools."""
REASONS: tuple[str, ...] = tuple(NAMES["reasons"])
"""Keys of a message that say why it ended."""
_REASONING: tuple[str, ...] = tuple(NAMES["reasoning"])
_REASONING_BLOCKS: tuple[str, ...] = tuple(NAMES["reasoning_blocks"])
_THOUGHTS = frozenset((*_REASONING, *_REASONING_BLOCKS))
# What an answer may have instead of content, and what says nothing beside its role.
_INSTEAD = ("refusal", "audio", "function", *_REASONING, *_REASONING_BLOCKS)
_KNOWN_ROLES = TYPES | frozenset(_ROLES.values())
_OF_ROLES = frozenset(("role", "name", "id", "type", "index", "status", *CALLS, *_INSTEAD, *REASONS))


def read_message(value: Mapping[str, Any], default_role: str) -> list[Message] | None:
    """Return what one message holds (one message; more where a framework puts parts of several roles into one), or None
    if `value` has not the shape of a message. The parts are `Untold` if it tells a role and no content."""
    role = find_role(value)
    content = first(value, *_CONTENTS)
    if isinstance(content, Mapping) and isinstance(content.get("parts"), (list, tuple)):
        role = role or find_role(content)  # Gemini's candidates, and the events of ADK
        content = content["parts"]
    elif not _is_message(value, role, content):
        return None
    role = role or default_role
    if isinstance(content, (list, tuple)) and any(find_type(part) in _PART_ROLES for part in _maps(content)):
        return _split_roles(value, content, role)
    parts = _read_parts(value, content, role)
    given_ids = [part.get("id") for part in parts if part["type"] == "tool_call"]  # of any type
    calls = [make_call(call) for call in _find_calls(value)]
    parts += [call for call in calls if "id" not in call or call["id"] not in given_ids]
    if parts and all(part["type"] == "tool_call_response" for part in parts):
        role = "tool"
    reason = find_reason(value)
    if not parts and (content or (reason is None and _CONTENT_KEYS.isdisjoint(value))):
        parts = Untold()
    message: Message = {"role": role, "parts": parts}
    name = value.get("name")
    if isinstance(name, str) and name and role != "tool":
        message["name"] = repair_text(name)[0]
    if reason is not None:
        message["finish_reason"] = reason
    return [message]


def _is_message(value: Mapping[str, Any], role: str | None, content: Any) -> bool:
    if content is None and any(value.get(key) for key in CALLS):
        return True
    if role is None and not (value.get("role", 0) in (None, "") and content is not None):
        return isinstance(value.get("parts"), (list, tuple))
    if _CONTENT_KEYS.isdisjoint(value):
        is_known = role in _KNOWN_ROLES and _OF_ROLES.issuperset(value)
        return is_known or any(value.get(key) for key in _INSTEAD)
    return True


def _read_parts(value: Mapping[str, Any], content: Any, role: str) -> list[Part]:
    extra = value.get("additional_kwargs")
    extra = extra if isinstance(extra, Mapping) else {}
    results = _find_results(value, content) if role == "tool" else []
    parts = _read_reasoning(value, extra) + (results or read_parts(content))
    if role == "tool" and not any(part["type"] in ("tool_call", "tool_call_response") for part in parts):
        parts = [make_response(value, first(value, "response", "output", "result") if content is None else content)]
    refusal = first(value, "refusal") or extra.get("refusal")
    if isinstance(refusal, str) and refusal:
        parts += read_part({"type": "refusal", "refusal": refusal})
    audio = first(value, "audio") or extra.get("audio")
    if audio and role != "tool":
        parts += read_part({"audio": audio})
    if parts and not _BESIDE.isdisjoint(value):
        texts = [part for part in parts if part["type"] == "text"]
        keep_beside((texts or parts)[-1], value)
    return parts


def _find_results(value: Mapping[str, Any], content: Any) -> list[Part]:
    """Return the results of tools that a message holds in a form of its own: AutoGen's list `function`, and blocks that
    name the call that they answer."""
    given = value.get("function")
    if given is not None and content is None:
        blocks = [
            decode_text(item) if isinstance(item, str) else item
            for item in (given if isinstance(given, (list, tuple)) else [given])
        ]
        return [make_response(block, block.get("content")) for block in _maps(blocks)]
    parts = []
    for block in _maps(content) if isinstance(content, (list, tuple)) else ():
        if "message_content" in block:
            named = block.get("message")
            call = {**value, **named} if isinstance(named, Mapping) else value
            parts.append(make_response(call, [block["message_content"]]))
        elif "call_id" in block and "content" in block and not find_type(block):
            parts.append(make_response(block, block["content"]))
    return parts


def _maps(items: Iterable[Any]) -> Iterable[Mapping[str, Any]]:
    return (item for item in items if isinstance(item, Mapping))


def find_role(value: Mapping[str, Any]) -> str | None:
    """Return the role that a message names, itself or by its type or class; None if it names none."""
    role = value.get("role")
    if isinstance(role, str) and role:
        name = role.rpartition(".")[2]  # as in MessageRole.USER
        name = name.lower() if name.isupper() else name
        return _ROLES.get(name, name)
    kind = first(value, "type", "kind")
    is_pydantic = kind in ("request", "response") and isinstance(value.get("parts"), (list, tuple))
    if isinstance(kind, str) and (kind in TYPES or is_pydantic):
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


def _read_reasoning(value: Mapping[str, Any], extra: Mapping[str, Any]) -> list[Part]:
    if _THOUGHTS.isdisjoint(value) and _THOUGHTS.isdisjoint(extra):
        return []
    blocks = first(value, *_REASONING_BLOCKS) or first(extra, *_REASONING_BLOCKS)
    text = first(value, *_REASONING) or first(extra, *_REASONING)
    if isinstance(text, str) and text.startswith("["):
        text = decode_text(text) or text
    if isinstance(text, str) and text and not blocks:
        return [{"type": "reasoning", "content": repair_text(text)[0]}]
    found = blocks or text
    parts = read_parts(found) if isinstance(found, (list, tuple)) else []
    return [part for part in parts if part["type"] == "reasoning"]


def _find_calls(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    extra = value.get("additional_kwargs")
    calls = first(value, "tool_calls", "toolCalls") or (extra.get("tool_calls") if isinstance(extra, Mapping) else None)
    if isinstance(calls, str):
        calls = decode_text(calls)
    if isinstance(calls, Mapping):
        calls = [calls]
    found = list(_maps(calls)) if isinstance(calls, (list, tuple)) else []
    invalid = value.get("invalid_tool_calls")  # LangChain: calls whose arguments are no JSON
    if isinstance(invalid, (list, tuple)):
        given_ids = [call.get("id") for call in found]
        found += (call for call in _maps(invalid) if call.get("id") is None or call.get("id") not in given_ids)
    function = value.get("function_call")
    function = decode_text(function) if isinstance(function, str) else function
    if not found and isinstance(function, Mapping):
        found.append(function)
    if not found and value.get("function_call_name"):
        arguments = value.get("function_call_arguments_json")
        found.append({"name": value["function_call_name"], "arguments": arguments})
    return found


def find_reason(value: Mapping[str, Any]) -> str | None:
    """Return OpenTelemetry's name of the reason why an answer ended; None if it names none."""
    inner = first(value, "response_metadata", "generation_info", "meta")
    reason = first(value, *REASONS) or (first(inner, *REASONS) if isinstance(inner, Mapping) else None)
    if isinstance(reason, Mapping):  # as {"unified": "stop", "raw": "end_turn"}
        reason = first(reason, "unified", "value", "type", "raw")
    return name_reason(repair_text(reason)[0]) if isinstance(reason, str) and reason else None
