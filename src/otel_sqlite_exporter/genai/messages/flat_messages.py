# SPDX-License-Identifier: Apache-2.0
"""Plain messages whose members are attributes of their own, as `gen_ai.prompt.0.role` and `gen_ai.prompt.0.content`.
Pure.

Which attribute is which member is planned once for the same names. What it gives is what the general way gives of the
gathered values, in a quarter of the time; it gives None for all that it does not know to be so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.genai.messages.message_names import Message, Part
from otel_sqlite_exporter.genai.messages.message_parts import CALL_KEYS, CALLING_KEYS, FUNCTION_KEYS, make_plain_call
from otel_sqlite_exporter.genai.messages.plain_messages import PLAIN, end_plain, make_plain
from otel_sqlite_exporter.model.values import repair_text

_OF_CALLS = ("id", "name", "arguments")
_MEMBERS = frozenset(("role", "content", "name", "tool_call_id", "finish_reason"))
_LISTS = frozenset(("contents", "tool_calls"))
_BLOCK = {"type", "text"}


class PlainPlan(NamedTuple):
    """The names of the attributes that hold the members of a message; None for a member that it has not.

    Attributes:
        roles: The roles that a plain message with these members can have.
        role, content, name, call_id, reason: Of these members.
        texts: Of the type and the text of each block that the message has in place of a content.
        calls: Of the id, the name and the arguments of each call of a tool.
    """

    roles: frozenset[str]
    role: str
    content: str | None
    texts: tuple[tuple[str, str], ...]
    calls: tuple[tuple[str | None, str | None, str | None], ...]
    name: str | None
    call_id: str | None
    reason: str | None

    def begin_with(self, beginning: str) -> PlainPlan:
        """Return the plan for names that begin so."""

        def lengthen(name: str | None) -> str | None:
            return None if name is None else beginning + name

        return PlainPlan(
            self.roles,
            beginning + self.role,
            lengthen(self.content),
            tuple([(beginning + kind, beginning + text) for kind, text in self.texts]),
            tuple([(lengthen(id), lengthen(name), lengthen(arguments)) for id, name, arguments in self.calls]),
            lengthen(self.name),
            lengthen(self.call_id),
            lengthen(self.reason),
        )


def plan_plain(places: Any) -> PlainPlan | None:
    """Return how to read an item of the `places` of gathered names; None if it is none of a plain message."""
    if type(places) is dict and len(places) == 1 and "message" in places:
        places = places["message"]
    if type(places) is not dict:
        return None
    members = {key: place for key, place in places.items() if type(place) is str}
    lists = {key: place for key, place in places.items() if type(place) is list}
    if "role" not in members or not members.keys() <= _MEMBERS or not lists.keys() <= _LISTS:
        return None
    if len(members) + len(lists) < len(places) or ("content" in members and "contents" in lists):
        return None
    texts = [_plan_text(place) for place in lists.get("contents", ())]
    calls = [_plan_call(place) for place in lists.get("tool_calls", ())]
    if None in texts or None in calls:
        return None
    keys = places.keys() - {"contents"}
    roles = frozenset(role for role, known in PLAIN.items() if keys <= known and not (texts and role == "tool"))
    return PlainPlan(
        roles,
        members["role"],
        members.get("content"),
        tuple(text for text in texts if text is not None),
        tuple(call for call in calls if call is not None),
        members.get("name"),
        members.get("tool_call_id"),
        members.get("finish_reason"),
    )


def read_plan(plan: PlainPlan, attributes: Mapping[Any, Any]) -> Message | None:
    """Return the message that these attributes hold; None if it is no plain one."""
    roles, role_name, content_name, texts, call_names, name_name, id_name, reason_name = plan
    role = attributes[role_name]
    if type(role) is not str or role not in roles:
        return None
    content = None
    if content_name is not None:
        content = attributes[content_name]
        if type(content) is not str:
            return None
    calls: list[Part] | None = None
    if call_names:
        calls = []
        for of_id, of_name, of_arguments in call_names:
            id = None if of_id is None else attributes[of_id]
            called = None if of_name is None else attributes[of_name]
            arguments = None if of_arguments is None else attributes[of_arguments]
            if (
                (type(id) is not str and of_id is not None)
                or (type(called) is not str and of_name is not None)
                or (type(arguments) is not str and of_arguments is not None)
            ):
                return None
            calls.append(make_plain_call(id, called, arguments))
    name = None if name_name is None else attributes[name_name]
    call_id = None if id_name is None else attributes[id_name]
    reason = None if reason_name is None else attributes[reason_name]
    if not texts:
        return make_plain(role, content, calls, name, call_id, reason)
    parts: list[Part] = []
    for type_name, text_name in texts:
        text = attributes[text_name]
        if attributes[type_name] != "text" or type(text) is not str or not text:
            return None
        parts.append({"type": "text", "content": text if text.isascii() else repair_text(text)[0]})
    return end_plain({"role": role, "parts": parts + (calls or [])}, name, reason)


def _plan_text(places: Any) -> tuple[str, str] | None:
    block = places["message_content"] if type(places) is dict and places.keys() == {"message_content"} else None
    if type(block) is not dict or block.keys() != _BLOCK:
        return None
    return (block["type"], block["text"]) if type(block["type"]) is type(block["text"]) is str else None


def _plan_call(places: Any) -> tuple[str | None, str | None, str | None] | None:
    if type(places) is not dict:
        return None
    call = places["tool_call"] if places.keys() == {"tool_call"} else places
    if type(call) is not dict:
        return None
    if type(function := call.get("function")) is dict:
        is_plain = function.keys() <= FUNCTION_KEYS and call.keys() <= CALLING_KEYS
        call = {**call, **function}
    else:
        is_plain = call is places and call.keys() <= CALL_KEYS
    id, name, arguments = (call.get(key) for key in _OF_CALLS)
    return (id, name, arguments) if is_plain and {type(id), type(name), type(arguments)} <= {str, type(None)} else None
