# SPDX-License-Identifier: Apache-2.0
"""The calls of tools that messages ask for, and the results that they hold. Pure.

A result belongs to the call with its id. One without an id belongs, in order, to the calls of the messages of the
assistant before it: if it names its tool, to the first such call that has no result yet. Many servers and clients give
no ids. So a call is also known by its tool, its arguments and its place among equal ones: by a digest of these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import orjson

from otel_sqlite_exporter.genai.messages.json_texts import decode_json
from otel_sqlite_exporter.genai.messages.message_names import Message, Part
from otel_sqlite_exporter.genai.messages.message_parts import as_text
from otel_sqlite_exporter.genai.messages.tool_content import is_map, read_result
from otel_sqlite_exporter.model.rows import ToolCallRow, ToolResultRow

DIGEST_BITS = 40
_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS


def find_tool_calls(messages: Iterable[Message]) -> list[ToolCallRow]:
    """Return the calls of tools that messages ask for."""
    return [
        ToolCallRow(_as_optional(part.get("id")), _as_optional(part.get("name")), _as_optional(part.get("arguments")))
        for message in messages
        for part in message["parts"]
        if part["type"] == "tool_call"
    ]


def find_tool_results(messages: Sequence[Message]) -> list[ToolResultRow]:
    """Return the results of tools that come after the last message of the assistant: those that this prompt is the
    first to hold. A result that belongs to no call is in none of them."""
    end = len(messages)
    while end and messages[end - 1]["role"] != "assistant":
        end -= 1
    results = [part for message in messages[end:] for part in message["parts"] if part["type"] == "tool_call_response"]
    if not results:
        return []
    start = end
    while start and messages[start - 1]["role"] == "assistant":
        start -= 1
    return [row for row in join_results(find_asked(messages[start:end]), results) if row is not None]


def find_all_results(messages: Sequence[Message]) -> list[ToolResultRow]:
    """Return the results of tools in an answer. It holds those of tools that the provider runs."""
    results = [part for message in messages for part in message["parts"] if part["type"] == "tool_call_response"]
    return [row for row in join_results(find_asked(messages), results) if row is not None] if results else []


def find_asked(messages: Iterable[Message]) -> list[Part]:
    """Return the parts of messages that ask for a tool."""
    return [part for message in messages for part in message["parts"] if part["type"] == "tool_call"]


def join_results(calls: Sequence[Part], results: Sequence[Part]) -> list[ToolResultRow | None]:
    """Return for each of `results` its row: None if it has no call id and belongs to none of `calls`. Both are parts of
    messages."""
    call_ids = [_as_optional(call.get("id")) for call in calls]
    names = [_as_optional(call.get("name")) for call in calls]
    digests = _digest(zip(names, (call.get("arguments") for call in calls), strict=True))
    by_id: dict[str | None, int] = {id: index for index, id in enumerate(call_ids) if id}
    ids = [as_text(part["id"]) if part.get("id") else None for part in results]
    taken = {by_id.get(id) for id in ids}
    left = [index for index in range(len(calls)) if index not in taken]
    rows: list[ToolResultRow | None] = []
    for part, id in zip(results, ids, strict=True):
        index = by_id.get(id)
        if id is None:
            name = _as_optional(part.get("name"))
            index = next((one for one in left if name is None or names[one] in (name, None)), None)
            if index is not None:
                left.remove(index)
                id = call_ids[index]
        digest = None if index is None else digests[index]
        if id is None and digest is None:
            rows.append(None)
            continue
        result, is_error = read_result(part.get("response", part.get("result")))
        rows.append(ToolResultRow(id, result, digest, int(is_error or part.get("is_error") is True)))
    return rows


def digest_calls(calls: Iterable[ToolCallRow]) -> list[int | None]:
    """Return for each call a digest of its tool, its arguments and its place among equal calls; None if it names no
    tool."""
    return _digest((call.tool_name, call.arguments) for call in calls)


def _digest(calls: Iterable[tuple[str | None, Any]]) -> list[int | None]:
    places: Counter[tuple[str, str]] = Counter()
    digests: list[int | None] = []
    for name, arguments in calls:
        if name is None:
            digests.append(None)
            continue
        asked = (name, _sort_keys(arguments))
        text = f"{name}\0{asked[1]}\0{places[asked]}"
        places[asked] += 1
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BITS // 8).digest()
        digests.append(int.from_bytes(digest))
    return digests


def _sort_keys(arguments: Any) -> str:
    if arguments is None or arguments in ("", "{}"):
        return ""
    decoded = decode_json(arguments) if type(arguments) is str and is_map(arguments) else arguments
    if type(decoded) is dict:
        try:
            return orjson.dumps(decoded, option=_SORTED).decode() if decoded else ""
        except TypeError:  # what is no JSON
            pass
    return as_text(arguments)


def _as_optional(value: object) -> str | None:
    if type(value) is str and value.isascii():
        return value or None
    return None if value is None or value == "" else as_text(value)
