# SPDX-License-Identifier: Apache-2.0
"""The short way of reading messages: of the two forms that most have, and in what takes a tenth of the time. Pure.

What it gives is what the general way gives; it gives None for all that it does not know to be so.
"""

from __future__ import annotations

from typing import Any

from otel_sqlite_exporter.genai.finish_reasons import REASONS, name_reason
from otel_sqlite_exporter.genai.messages.message_names import Message, Part
from otel_sqlite_exporter.genai.messages.message_parts import make_call, simplify
from otel_sqlite_exporter.model.values import repair_text

PLAIN: dict[str, frozenset[str]] = {
    **dict.fromkeys(("system", "developer", "user"), frozenset(("role", "content", "name"))),
    "assistant": frozenset(("role", "content", "tool_calls", "finish_reason", "refusal", "name")),
    "tool": frozenset(("role", "content", "tool_call_id", "name")),
}
"""The keys that a plain message of each role may have."""
# What the clients of OpenAI write of a message that has no such thing.
_OFTEN_NONE = frozenset(("annotations", "audio", "function_call", "refusal", "tool_calls", "reasoning_content", "name"))
_TEXT_BLOCK = frozenset(("type", "text"))
_NATIVE_KEYS = frozenset(("role", "parts", "finish_reason", "name"))
_NATIVE_PARTS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("text", "reasoning"), frozenset(("type", "content"))),
    "tool_call": frozenset(("type", "id", "name", "arguments")),
    "tool_call_response": frozenset(("type", "id", "response")),
}


def read_plain(item: Any) -> Message | None:
    """Return what most messages are: a role, a text or blocks of text, calls of tools, and why it ended; or
    OpenTelemetry's own form. It takes 1 us, and the general way 12."""
    if type(item) is not dict:
        return None
    role, content, calls = item.get("role"), item.get("content"), item.get("tool_calls")
    keys = PLAIN.get(role) if type(role) is str else None
    if keys is None:
        return None
    if not keys.issuperset(item):
        if "parts" in item:
            return _read_native(item) if _NATIVE_KEYS.issuperset(item) and item.get("name") is None else None
        if not keys.issuperset([key for key in item if item[key] is not None or key not in _OFTEN_NONE]):
            return None
    if item.get("refusal") is not None:
        return None
    if calls is not None:
        if type(calls) is not list or not all(type(call) is dict for call in calls):
            return None
        calls = list(map(make_call, calls))
    name, call_id, reason = item.get("name"), item.get("tool_call_id"), item.get("finish_reason")
    return make_plain(role, content, calls, name, call_id, reason)  # type: ignore[arg-type]


def make_plain(
    role: str, content: Any, calls: list[Part] | None, name: Any, call_id: Any, reason: Any
) -> Message | None:
    """The same, of a message of one of the `PLAIN` roles that says no more than these."""
    parts: list[Part]
    if type(content) is str and content:
        # A list may be one of parts, and so may Python's text of a set; a JSON object is text.
        if content[0] in "[{" and not content.startswith('{"'):
            return None
        text = content if content.isascii() else repair_text(content)[0]
        if role == "tool":
            if type(call_id) is not str or not (name is None or type(name) is str):
                return None
            part = {"type": "tool_call_response", "id": call_id, "response": text}
            if name:
                part["name"] = name
            return {"role": role, "parts": [part]}
        parts = [{"type": "text", "content": text}]
    elif type(content) is list and content and role != "tool":
        parts = []
        for block in content:
            said = block.get("text") if type(block) is dict and _TEXT_BLOCK.issuperset(block) else None
            if type(said) is not str or not said or said[0] in "[{" or block.get("type", "text") != "text":
                return None
            parts.append({"type": "text", "content": said if said.isascii() else repair_text(said)[0]})
    elif not calls or (content is not None and content != ""):
        return None
    else:
        parts = []
    if calls:
        parts += calls
    return end_plain({"role": role, "parts": parts}, name, reason)


def are_native(items: list[Any]) -> bool:
    """Whether these are messages that have OpenTelemetry's form, so that reading them changes nothing. It knows
    most of them, in 0.3 us a message; False is for all that it does not know."""
    before = None
    try:
        for item in items:
            parts, role = item["parts"], item["role"]
            if len(item) != 2:
                reason = item["finish_reason"]
                if len(item) != 3 or type(reason) is not str or not reason:
                    return False
                if reason not in REASONS and (name_reason(reason) != reason or not reason.isascii()):
                    return False
            if role not in PLAIN or not parts or (role == before and role == "assistant"):
                return False
            before = role
            for part in parts:
                kind = part["type"]
                if kind == "text" and role != "tool" and type(part["content"]) is str and len(part) == 2:
                    continue
                if not _is_native_part(part, kind) or (kind == "tool_call_response") != (role == "tool"):
                    return False
        return True
    except (LookupError, TypeError):
        return False


def _is_native_part(part: dict[str, Any], kind: str) -> bool:
    if kind == "reasoning":
        return type(part["content"]) is str and len(part) == 2
    if kind == "tool_call":
        is_named = type(part["name"]) is str and type(part["arguments"]) is dict
        return is_named and bool(part["id"]) and len(part) == 4
    if kind != "tool_call_response" or "id" not in part or len(part) != 3:
        return False
    response = part["response"]
    return type(response) is str or (response is not None and simplify(response) is response)


def _read_native(item: dict[str, Any]) -> Message | None:
    """Return a message of OpenTelemetry's form whose parts are text, reasoning, calls of tools, or results of them."""
    given = item.get("parts")
    if type(given) is not list:
        return None
    parts: list[Part] = []
    results = 0
    for part in given:
        kind = part.get("type") if type(part) is dict else None
        keys = _NATIVE_PARTS.get(kind) if type(kind) is str else None
        if keys is None or not keys.issuperset(part):
            return None
        if kind == "tool_call":
            parts.append(make_call(part))
            continue
        if kind == "tool_call_response":
            results += 1
            response = part.get("response")
            if response is None:
                return None
            if type(response) is not str:
                part = {**part, "response": simplify(response)}
        elif type(part.get("content")) is not str:
            return None
        parts.append(part)
    role = item["role"]
    if results == len(parts) and parts:
        role = "tool"
    elif role == "tool" and not results:
        return None
    return end_plain({"role": role, "parts": parts}, None, item.get("finish_reason"))


def end_plain(message: Message, name: Any, reason: Any) -> Message | None:
    """Return a plain message with the name of who says it, and the reason why it ended."""
    if name is not None:
        if type(name) is not str or not name.isascii():
            return None
        if name:
            message["name"] = name
    if reason is None:
        return message
    if type(reason) is not str or not reason or not reason.isascii():
        return None
    message["finish_reason"] = name_reason(reason)
    return message
