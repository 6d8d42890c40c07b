# SPDX-License-Identifier: Apache-2.0
"""Messages that are one text with a heading before each, as Claude Code records what is new in a prompt. Pure."""

from __future__ import annotations

import re

from otel_sqlite_exporter.genai.messages.message_names import Message

_HEADING = re.compile(r"(?:\A|(?<=\n))\[(?:USER|TOOL RESULT: (?P<id>[^\]\n]+))\]\n")


def read_headed(text: str) -> list[Message] | None:
    """Return the messages of a text such as `[USER]\\nhi` or `[TOOL RESULT: call_1]\\nhi`; None if it begins with no
    such heading."""
    headings = list(_HEADING.finditer(text)) if text[:1] == "[" else []
    if not headings or headings[0].start() != 0:
        return None
    messages: list[Message] = []
    for number, heading in enumerate(headings):
        is_last = number == len(headings) - 1
        said = text[heading.end() : None if is_last else headings[number + 1].start()]
        said = said if is_last else _remove_rule(said)
        if heading["id"] is not None:
            part = {"type": "tool_call_response", "id": heading["id"], "response": said}
            messages.append({"role": "tool", "parts": [part]})
        else:
            messages.append({"role": "user", "parts": [{"type": "text", "content": said}]})
    return messages


def _remove_rule(said: str) -> str:
    """Return a text without the line feeds at its end, and without a rule between them."""
    kept = said.rstrip("\n")
    return kept[:-3].rstrip("\n") if kept != said and kept.endswith("\n---") else kept
