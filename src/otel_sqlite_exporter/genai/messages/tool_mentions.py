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

import orjson

from otel_sqlite_exporter.genai.messages.json_texts import decode_json
from otel_sqlite_exporter.genai.messages.message_names import Message, Part
from otel_sqlite_exporter.genai.messages.message_parts import as_text
from otel_sqlite_exporter.genai.messages.tool_content import is_map, read_result
from otel_sqlite_exporter.model.rows import ToolCallRow, ToolResultRow

DIGEST_BITS = 40


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
    return [row for row in join_results(find_tool_calls(messages[start:end]), results) if row is not None]


def find_all_results(messages: Sequence[Message]) -> list[ToolResultRow]:
    """Return the results of tools in an answer. It holds those of tools that the provider runs."""
    results = [part for message in messages for part in message["parts"] if part["type"] == "tool_call_response"]
    return [row for row in join_results(find_tool_calls(messages), results) if row is not None] if results else []


def join_results(calls: Sequence[ToolCallRow], results: Sequence[Part]) -> list[ToolResultRow | None]:
    """Return for each of `results`, which are parts of messages, its row: None if it has no call id and belongs to none
    of `calls`."""
    digests = digest_calls(calls)
    by_id: dict[str | None, int] = {call.tool_call_id: index for index, call in enumerate(calls) if call.tool_call_id}
    ids = [as_text(part["id"]) if part.get("id") else None for part in results]
    taken = {by_id.get(id) for id in ids}
    left = [index for index in range(len(calls)) if index not in taken]
    rows: list[ToolResultRow | None] = []
    for part, id in zip(results, ids, strict=True):
        index = by_id.get(id)
        if id is None:
            name = _as_optional(part.get("name"))
            index = next((one for one in left if name is None or calls[one].tool_name in (name, None)), None)
            if index is not None:
                left.remove(index)
                id = calls[index].tool_call_id
        digest = None if index is None else digests[index]
        if id is None and digest is None:
            rows.append(None)
            continue
        result = read_result(part.get("response", part.get("result")))
        rows.append(ToolResultRow(id, result, digest, int(part.get("is_error") is True)))
    return rows


def digest_calls(calls: Iterable[ToolCallRow]) -> list[int | None]:
    """Return for each call a digest of its tool, its arguments and its place among equal calls; None if it names no
    tool."""
    places: Counter[tuple[str, str]] = Counter()
    digests: list[int | None] = []
    for _, name, arguments in calls:
        if name is None:
            digests.append(None)
            continue
        asked = (name, _sort_keys(arguments))
        text = f"{name}\0{asked[1]}\0{places[asked]}"
        places[asked] += 1
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BITS // 8).digest()
        digests.append(int.from_bytes(digest))
    return digests


def _sort_keys(arguments: str | None) -> str:
    if arguments is None or arguments == "{}":
        return ""
    decoded = decode_json(arguments) if is_map(arguments) else None
    if type(decoded) is not dict:
        return arguments
    try:
        return orjson.dumps(decoded, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # an integer of more than 64 bits
        return arguments


def _as_optional(value: object) -> str | None:
    return None if value is None or value == "" else as_text(value)
