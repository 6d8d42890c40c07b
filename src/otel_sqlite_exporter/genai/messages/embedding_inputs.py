# SPDX-License-Identifier: Apache-2.0
"""The inputs of a call for embeddings as messages: one message of the user an input. Pure, and nothing here raises for
any value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.genai.messages.json_texts import decode_json, decode_text
from otel_sqlite_exporter.genai.messages.message_names import NAMES, Message, first
from otel_sqlite_exporter.genai.messages.message_parts import make_text, read_parts

_DEEPEST = 6
# What holds the inputs in a request, and what holds the parts of one input.
_HOLDERS: tuple[str, ...] = tuple(NAMES["holders_of_inputs"])
_PARTS = ("content", "parts")


def read_inputs(value: Any) -> list[Message] | None:
    """Return the inputs that `value` holds: a text, a list of texts, of tokens or of blocks, a request that holds them,
    or the JSON or the Python `repr` of one. None if there is nothing."""
    if value is None or value == "":
        return None
    try:
        found = list(_find_inputs(value, 0))
    except Exception:  # values reach an exporter unchecked, with methods of their own
        found = []
    return found or [_make_input(value)]


def _find_inputs(value: Any, depth: int) -> Iterator[Message]:
    if isinstance(value, str):
        decoded = _decode(value, depth)
        if isinstance(decoded, str):
            yield _make_input(decoded)
            return
        value = decoded
    if isinstance(value, Mapping):
        yield from _find_in_map(value, depth)
    elif isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)) and depth < _DEEPEST:
        if all(isinstance(item, (int, float)) for item in value):
            yield _make_input(value)  # the tokens of one text
        else:
            for item in value:
                yield from _find_inputs(item, depth + 1)
    elif value is not None:
        yield _make_input(value)


def _find_in_map(value: Mapping[str, Any], depth: int) -> Iterator[Message]:
    parts = first(value, *_PARTS)
    if isinstance(parts, Mapping):
        parts = first(parts, *_PARTS) or parts
    if parts:
        yield {"role": "user", "parts": read_parts(parts)}
        return
    if "vector" in value and first(value, *_HOLDERS) is None:
        return  # what the model gave
    held = first(value, *_HOLDERS)
    if held and depth < _DEEPEST:
        yield from _find_inputs(held, depth + 1)
    else:
        yield {"role": "user", "parts": read_parts(value)}


def _decode(text: str, depth: int) -> Any:
    """Return the text that quotes hold; where it is all that there is, the list or request that it is the JSON of."""
    if text[:1] == '"':
        decoded = decode_json(text)
        return decoded if isinstance(decoded, str) else text
    decoded = decode_text(text) if depth == 0 and text[:1] in ("[", "{", "(") else None
    if isinstance(decoded, Mapping) and first(decoded, *_PARTS, *_HOLDERS) is None:
        return text
    return decoded or text


def _make_input(value: Any) -> Message:
    return {"role": "user", "parts": [make_text(value)]}
