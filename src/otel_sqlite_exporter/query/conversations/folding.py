# SPDX-License-Identifier: Apache-2.0
"""Finds which messages of a prompt were shown before: the prompt of a call repeats what was said so far. Pure.

Prompts are compared part by part and without ids, finish reasons and reasoning: the next prompt may hold an answer in
another form. A run of parts is a repetition if it begins the prompt and stands in the history of an earlier call. The
last message of a prompt is shown although it stands there, unless it was not answered then: a user may say the same
again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

import orjson

from otel_sqlite_exporter.query.conversations.conversation import Message

_SYSTEM = ("system", "developer")
_COMPARED = 50
"""The number of earlier calls that a prompt is compared with: those of one conversation follow each other."""
_PLACES = 4
_Key = tuple[str, ...]


class Folder:
    """The messages that were shown, call by call."""

    def __init__(self) -> None:
        self._histories: list[tuple[list[_Key], int]] = []
        self._instructions: set[_Key] = set()
        self._results: dict[_Key, int] = {}
        self._result_ids: set[str] = set()

    def add_result(self, call_id: str | None, result: Any) -> None:
        """Note that the result of a tool is shown: prompts that hold it do not show it again."""
        if call_id:
            self._result_ids.add(call_id)
        key = ("result", write_part(result))
        self._results[key] = self._results.get(key, 0) + 1

    def fold(self, prompt: Sequence[Message], completion: Sequence[Message]) -> tuple[list[Message], int]:
        """Return the messages of a prompt that were not shown before, and the number of those that were."""
        said = [message for message in prompt if message.get("role") not in _SYSTEM]
        keys = [[key for key in map(_key_part_of(message), _parts(message)) if key] for message in said]
        flat = [key for of_message in keys for key in of_message]
        run, was_answered = self._find_run(flat)
        shown = [message for message in prompt if message.get("role") in _SYSTEM and self._is_new(message)]
        place = 0
        for number, (message, of_message) in enumerate(zip(said, keys, strict=True)):
            place += len(of_message)
            is_last = number == len(said) - 1 and was_answered and run >= len(flat)
            if place > run or is_last:
                rest = [part for part in _parts(message) if not self._is_shown(part)]
                if rest:
                    shown.append(message if len(rest) == len(_parts(message)) else {**message, "parts": rest})
        self._histories.append((flat + key_messages(completion), len(flat)))
        return shown, len(prompt) - len(shown)

    def _is_new(self, message: Message) -> bool:
        key = tuple(write_part(part) for part in _parts(message))
        if key in self._instructions:
            return False
        self._instructions.add(key)
        return True

    def _is_shown(self, part: Any) -> bool:
        """Whether a part is a result that a tool shows; each tool shows it once."""
        if not isinstance(part, dict) or part.get("type") != "tool_call_response":
            return False
        if part.get("id") in self._result_ids:
            return True
        key = ("result", write_part(part.get("response")))
        if self._results.get(key, 0) < 1:
            return False
        self._results[key] -= 1
        return True

    def _find_run(self, flat: Sequence[_Key]) -> tuple[int, bool]:
        """Return the number of parts that begin a prompt and stand in an earlier history, and whether a call that had
        the same parts as its whole prompt was answered."""
        longest, was_answered = 0, False
        if not flat:
            return 0, False
        for history, asked in self._histories[: -_COMPARED - 1 : -1]:
            for place in _find_places(history, flat[0]):
                pairs = zip(history[place:], flat, strict=False)
                run = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
                if run == 1 and place + run < len(history) and len(flat) > 1:
                    continue  # one part alone may be there by chance
                if run > longest:
                    longest, was_answered = run, place + run <= asked < len(history)
            if longest == len(flat):
                break
        return longest, was_answered


def key_messages(messages: Iterable[Message]) -> list[_Key]:
    """Return a key for each part of some messages, in order: parts that say the same have the same, whatever their ids.
    Reasoning has none."""
    return [key for message in messages for key in map(_key_part_of(message), _parts(message)) if key]


def _find_places(history: Sequence[_Key], key: _Key) -> Iterable[int]:
    place = -1
    for _ in range(_PLACES):
        try:
            place = history.index(key, place + 1)
        except ValueError:
            return
        yield place


def _parts(message: Message) -> list[Any]:
    parts = message.get("parts")
    return parts if isinstance(parts, list) else []


def _key_part_of(message: Message) -> Any:
    role = str(message.get("role"))

    def key_part(part: Any) -> _Key:
        if not isinstance(part, dict):
            return (role, write_part(part))
        kind = part.get("type")
        if kind == "reasoning":
            return ()
        if kind == "tool_call":
            return ("call", str(part.get("name")), write_part(part.get("arguments")))
        if kind == "tool_call_response":
            return ("result", write_part(part.get("response")))
        return (role, str(kind), write_part(part["content"] if kind == "text" and "content" in part else part))

    return key_part


def write_part(value: Any) -> str:
    """Return a text that equal values have, whether as values or as JSON texts."""
    if isinstance(value, str):
        text = value.strip()
        if text[:1] not in ("{", "["):
            return text
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:  # more than 254 levels
        return ""
