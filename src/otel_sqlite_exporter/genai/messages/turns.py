# SPDX-License-Identifier: Apache-2.0
"""What one answer of a model told in several messages, as one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from otel_sqlite_exporter.genai.messages.message_names import Message, Untold
from otel_sqlite_exporter.genai.messages.stream_pieces import join_parts

# Looked for in the roles of all messages: a comparison of each with the next takes three times as long.
_TWO_ANSWERS = "assistant|assistant"


def join_turns(messages: Sequence[Message], *, are_answers: bool) -> list[Message]:
    """Return the messages with one for each answer: thoughts, calls and words of the assistant that follow each other
    are parts of one message, unless one says why it ended, or both have words. If they `are_answers` (and no prompt),
    and only the last says why it ended, they are the pieces of one."""
    if _TWO_ANSWERS not in "|".join([message["role"] for message in messages]):
        return list(messages)
    if are_answers and _are_pieces(messages):
        return [{**messages[-1], "parts": join_parts([message["parts"] for message in messages])}]
    joined: list[Message] = []
    for message in messages:
        before = joined[-1] if joined else None
        if before is not None and _follow(before, message) and not (_has_words(before) and _has_words(message)):
            if "finish_reason" in before:
                joined.append(message)
            else:
                joined[-1] = {**before, **message, "parts": [*before["parts"], *message["parts"]]}
        else:
            joined.append(message)
    return joined


def are_told(messages: Sequence[Message]) -> bool:
    """Whether messages hold content, or say that there was none."""
    has_parts, has_untold = look_at_parts(messages)
    return has_parts or not has_untold


def look_at_parts(messages: Iterable[Message]) -> tuple[bool, bool]:
    """Return whether a message holds content, and whether there is one whose content was not recorded."""
    has_parts = has_untold = False
    for message in messages:
        parts = message["parts"]
        if parts:
            has_parts = True
        elif isinstance(parts, Untold):
            has_untold = True
    return has_parts, has_untold


def _follow(one: Message, other: Message) -> bool:
    return one["role"] == other["role"] == "assistant" and one.get("name") == other.get("name")


def _are_pieces(messages: Sequence[Message]) -> bool:
    *before, last = messages
    is_one = all(_follow(message, last) for message in before)
    return is_one and "finish_reason" in last and not any("finish_reason" in message for message in before)


def _has_words(message: Message) -> bool:
    return any(part["type"] == "text" for part in message["parts"])
