# SPDX-License-Identifier: Apache-2.0
"""What is different in the prompt of a call from that of a call before: messages that are new, and messages that are
gone, as after a compaction. Messages are the same if their parts say the same, whatever their ids. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from otel_sqlite_exporter.query.conversations.conversation import Message
from otel_sqlite_exporter.query.conversations.folding import key_messages

_MOST_COMPARED = 2_000
"""The most messages of each prompt that are aligned beyond what both begin and end with."""
_Key = tuple[object, ...]


class PromptStep(NamedTuple):
    """Messages that follow each other. `kind`: `same`, `added` or `removed`."""

    kind: str
    messages: tuple[Message, ...]


def compare_prompts(before: Sequence[Message], now: Sequence[Message]) -> tuple[PromptStep, ...]:
    """Return the steps from one prompt to the other, in order. What stands in place of something else is removed, and
    then added. If nothing is the same, the prompts have nothing to do with each other, and none of `before` is removed.
    """
    old, new = [*map(_key, before)], [*map(_key, now)]
    first = _count_same(old, new)
    last = _count_same(old[first:][::-1], new[first:][::-1])
    if not first + last and not set(old) & set(new):
        return _step("added", now)
    steps = [*_step("same", now[:first])]
    old_end, new_end = len(old) - last, len(new) - last
    steps += _align(before[first:old_end], now[first:new_end], old[first:old_end], new[first:new_end])
    steps += _step("same", now[new_end:])
    return tuple(steps)


def _align(
    before: Sequence[Message], now: Sequence[Message], old: Sequence[_Key], new: Sequence[_Key]
) -> tuple[PromptStep, ...]:
    if max(len(old), len(new)) > _MOST_COMPARED:
        return _step("removed", before) + _step("added", now)
    steps: tuple[PromptStep, ...] = ()
    for kind, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            steps += _step("same", now[new_from:new_to])
        else:
            steps += _step("removed", before[old_from:old_to]) + _step("added", now[new_from:new_to])
    return steps


def _step(kind: str, messages: Sequence[Message]) -> tuple[PromptStep, ...]:
    return (PromptStep(kind, tuple(messages)),) if messages else ()


def _count_same(old: Sequence[_Key], new: Sequence[_Key]) -> int:
    """Return how many messages both begin with."""
    number = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        number += 1
    return number


def _key(message: Message) -> _Key:
    return (str(message.get("role")), *key_messages([message]))
