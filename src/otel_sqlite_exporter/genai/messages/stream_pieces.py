# SPDX-License-Identifier: Apache-2.0
"""Whole answers from the pieces in which a model streamed them. Pure.

Pieces are chunks of OpenAI (`choices` with a `delta`) and of Gemini (`candidates`), LangChain's message chunks,
Ollama's lines (with `done`), and the deltas alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.genai.messages.json_texts import CLASS
from otel_sqlite_exporter.genai.messages.message_names import Message, Part, first
from otel_sqlite_exporter.genai.messages.message_parts import make_call
from otel_sqlite_exporter.genai.messages.one_message import find_reason, read_message

_KEYS = frozenset(("choices", "candidates", "delta", "done"))
_TEXTS = frozenset(("type", "content"))
_GROWING = ("text", "reasoning")

_Piece = tuple[Any, Mapping[str, Any], str | None]
"""Which answer it is of, what it says, and why the answer ended."""


def join_pieces(items: Sequence[Any], default_role: str) -> list[Message] | None:
    """Return the answers whose pieces `items` are; None if they are no pieces. With the `default_role` of an answer,
    contents of Gemini are pieces too: it answers with one."""
    if not items or not isinstance(items[0], Mapping) or not _may_be_piece(items[0], items, default_role):
        return None
    answers: dict[Any, list[_Piece]] = {}
    for item in items:
        pieces = _find_pieces(item) if isinstance(item, Mapping) else None
        if pieces is None:
            return None
        for piece in pieces:
            answers.setdefault(piece[0], []).append(piece)
    return [_join(pieces) for pieces in answers.values()] or None


def join_parts(pieces: Sequence[Sequence[Part]]) -> list[Part]:
    """Return the parts of an answer from those of its pieces: texts that follow each other are one. A last piece that
    repeats all before it is left out."""
    parts: list[Part] = []
    for place, piece in enumerate(pieces, 1):
        if place == len(pieces) > 2 and piece == [part for part in parts if part["type"] == "text"]:
            break
        for part in piece:
            last = parts[-1] if parts else part
            if part is not last and part["type"] == last["type"] in _GROWING and part.keys() == last.keys() == _TEXTS:
                parts[-1] = {**last, "content": last["content"] + part["content"]}
            else:
                parts.append(part)
    return parts


def _may_be_piece(item: Mapping[str, Any], items: Sequence[Any], default_role: str) -> bool:
    if item.get("role") == "model" and "parts" in item:
        return default_role == "assistant" and len(items) > 1
    return not _KEYS.isdisjoint(item) or str(item.get(CLASS, item.get("type"))).endswith("MessageChunk")


def _find_pieces(item: Mapping[str, Any]) -> list[_Piece] | None:
    held = first(item, "choices", "candidates")
    if isinstance(held, (list, tuple)):
        found = [_find_piece(one) for one in held if isinstance(one, Mapping)]
        return None if None in found or len(found) < len(held) else [piece for piece in found if piece is not None]
    if item.get("role") == "model" and "parts" in item:
        return [(0, item, find_reason(item))]
    if "done" in item and isinstance(item.get("message"), Mapping):
        return [(0, item["message"], find_reason(item))]
    if "delta" in item:
        piece = _find_piece(item)
        return None if piece is None else [piece]
    if str(item.get(CLASS, item.get("type"))).endswith("MessageChunk"):
        return [(0, item, find_reason(item))]
    return None


def _find_piece(item: Mapping[str, Any]) -> _Piece | None:
    content = first(item, "delta", "content")
    is_piece = "delta" in item or (isinstance(content, Mapping) and "parts" in content) or "finishReason" in item
    if not is_piece or not isinstance(content, (Mapping, type(None))):
        return None
    return item.get("index", 0), content or {}, find_reason(item)


def _join(pieces: Iterable[_Piece]) -> Message:
    said: list[Sequence[Part]] = []
    calls: dict[Any, dict[str, Any]] = {}
    reason = None
    for _, piece, ended in pieces:
        reason = ended or reason
        given = piece.get("tool_calls")
        for place, call in enumerate(given if isinstance(given, (list, tuple)) else ()):
            if isinstance(call, Mapping):
                _grow_call(calls.setdefault(call.get("index", place), {}), call)
        others = {key: value for key, value in piece.items() if key not in ("tool_calls", "role", "type", CLASS)}
        found = read_message({"content": None, **others, "role": "assistant"}, "assistant")
        said += [message["parts"] for message in found or ()]
    message: Message = {"role": "assistant", "parts": join_parts(said) + [make_call(call) for call in calls.values()]}
    return message if reason is None else {**message, "finish_reason": reason}


def _grow_call(call: dict[str, Any], piece: Mapping[str, Any]) -> None:
    function = piece.get("function")
    for key, value in {**piece, **(function if isinstance(function, Mapping) else {})}.items():
        if key in ("id", "name") and value:
            call[key] = value
        elif key in ("arguments", "args") and value:
            before = call.get("arguments")
            call["arguments"] = before + value if isinstance(before, str) and isinstance(value, str) else value
