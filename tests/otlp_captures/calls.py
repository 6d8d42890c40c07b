# SPDX-License-Identifier: Apache-2.0
"""What a file says of each model call, beside what the server served."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.otlp_captures.differences import (
    CUT,
    JSON,
    Difference,
    SearchedRecords,
    differ,
    loaded_json,
    plain,
    same_text,
    unwrap,
)

Pairs = list[tuple[JSON, JSON]]
"""Calls of the truth, each with its row."""

TOKENS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached": "cached_input_tokens",
    "cache_creation": "cache_creation_input_tokens",
    "reasoning": "reasoning_tokens",
}
_FINISHES = {
    **dict.fromkeys(("stop", "completed", "complete", "end_turn"), "stop"),
    **dict.fromkeys(("tool_call", "tool_calls", "tool-calls", "tool_use", "function_calls"), "tool_call"),
}


def call_differences(truth: JSON, rows: list[JSON], records: SearchedRecords) -> Iterator[Difference]:
    """Differences of the calls and of the sums of their tokens."""
    pairs = list(_pair(truth["calls"], rows))
    yield from _unpaired(truth, rows, pairs, records)
    yield from _sums(truth, rows, pairs)
    for call, row in pairs:
        yield from _failed_call(call, row, records) if call["status"] >= 400 else _call(truth, call, row, records)


def _pair(calls: list[JSON], rows: list[JSON]) -> Iterator[tuple[JSON, JSON]]:
    """Calls with the rows that most likely tell of them. Where nothing tells which row it is: in the order of time."""
    pairs = [
        (_likeness(call, row), -abs(i / len(calls) - j / len(rows)), i, j)
        for i, call in enumerate(calls)
        for j, row in enumerate(rows)
    ]
    found: dict[int, int] = {}
    for likeness, _, i, j in sorted(pairs, reverse=True):
        if likeness > 0 and i not in found and j not in found.values():
            found[i] = j
    yield from ((call, rows[found[i]]) for i, call in enumerate(calls) if i in found)


def _likeness(call: JSON, row: JSON) -> int:
    asks_same = _asks_same(call, row)
    if call["status"] >= 400:
        return 2 + 4 * asks_same if row["status"] == "error" else 3 * asks_same
    if row["status"] == "error":
        return -1
    same_id: bool = row["response_id"] == call["id"]
    same_input: bool = row["input_tokens"] == call["input"]
    same_output: bool = same_input and row["output_tokens"] == call["output"]
    answer = plain(call["completion"] or next((asked["id"] for asked in call["tool_calls"]), None) or "")
    same_answer = bool(answer) and answer[:60] in plain(row["completion"] or "")
    same_kind: bool = (call["kind"] == "embeddings") == (row["operation"] == "embeddings")
    return 1 + 20 * same_id + 6 * same_input + 3 * same_output + 6 * same_answer + 4 * same_kind + asks_same


def _asks_same(call: JSON, row: JSON) -> bool:
    text = plain(call["prompt"][-1][1].replace(CUT, "")) if call["prompt"] else ""
    return bool(text) and text in plain(row["prompt"] or "")


def _unpaired(truth: JSON, rows: list[JSON], pairs: Pairs, records: SearchedRecords) -> Iterator[Difference]:
    """Calls without a row, and rows without a call."""
    numbers, ids = {call["n"] for call, _ in pairs}, {row["id"] for _, row in pairs}
    for call in truth["calls"]:
        if call["n"] not in numbers:
            answer = call.get("id") or "", call.get("completion") or ""
            yield differ("call", call["n"], None, call["path"], any(map(records.hold, answer)))
    for number, row in enumerate((row for row in rows if row["id"] not in ids), 1):
        said = [row[name] for name in ("name", "dialect", "source", "status", "input_tokens", "output_tokens")]
        yield differ("call too many", number, said, None)


def _sums(truth: JSON, rows: list[JSON], pairs: Pairs) -> Iterator[Difference]:
    failed = sum(call["status"] >= 400 for call in truth["calls"])
    errors = sum(row["status"] == "error" for row in rows)
    if errors != failed:
        yield Difference("wrong", "failed calls", 0, errors, failed)
    for kind, column in TOKENS.items():
        told = sum(row[column] or 0 for row in rows)
        untold = sum(
            call[kind]
            for call, row in pairs
            if call["status"] < 400 and row[column] is None and call["n"] not in truth["untold_calls"]
        )
        if told + untold != truth["tokens"][kind]:
            yield Difference("wrong", f"sum of {column}", 0, told, truth["tokens"][kind])


def _failed_call(call: JSON, row: JSON, records: SearchedRecords) -> Iterator[Difference]:
    number, asked = call["n"], row["request_model"]
    if row["status"] != "error":
        yield differ("status", number, row["status"], "error")
    if not _same_model(asked, call["model"]):
        yield differ("request_model", number, asked, call["model"], _name_model(records, row, call))


def _call(truth: JSON, call: JSON, row: JSON, records: SearchedRecords) -> Iterator[Difference]:
    number = call["n"]
    if row["status"] != "ok":
        yield differ("status", number, row["status"], "ok")
    yield from _models(call, row, records)
    for kind, column in TOKENS.items():
        want = None if number in truth["untold_calls"] else call[kind]
        if row[column] != want and (row[column] or want):
            is_held = want is not None and records.hold_tokens(row, kind, want)
            yield differ(column, number, row[column], want, is_held)
    if row["response_id"] != call["id"]:
        yield differ("response_id", number, row["response_id"], call["id"], records.hold(call["id"]))
    if call["kind"] != "embeddings":
        yield from _finish_reasons(call, row, records)
        yield from _completion(call, row, records)
    if call["prompt"]:
        yield from _prompt(call, row, records)


def _name_model(records: SearchedRecords, row: JSON, call: JSON) -> bool:
    return records.hold_of(row, f'"{call["model"]}"')


def _models(call: JSON, row: JSON, records: SearchedRecords) -> Iterator[Difference]:
    """A package that names one model names it as the model asked for, also if it is the one that answered."""
    asked, answered = row["request_model"], row["response_model"]
    if not _same_model(asked, call["model"]):
        found = differ("request_model", call["n"], asked, call["model"], _name_model(records, row, call))
        is_other = asked == call["response_model"] and not _name_model(records, row, call)
        yield found._replace(kind="untold") if is_other else found
    if not _same_model(answered, call["response_model"]):
        is_held = call["response_model"] not in (call["model"], asked) and records.hold_of(row, call["response_model"])
        yield differ("response_model", call["n"], answered, call["response_model"], is_held)


def _same_model(got: str | None, want: str) -> bool:
    """Whether a model is named, perhaps without its region or with its provider."""
    return got is not None and (got == want or got.endswith(f"/{want}") or want.endswith(f".{got}"))


def _finish_reasons(call: JSON, row: JSON, records: SearchedRecords) -> Iterator[Difference]:
    got = json.loads(row["finish_reasons"] or "[]")
    want = _FINISHES[call["finish"].lower()]
    # APIs that have no reason of its own for an answer that asks for tools say that the answer has ended.
    fits = [[want], ["tool_call"]] if call["tool_calls"] else [[want]]
    if [_FINISHES.get(str(reason).lower(), reason) for reason in got] not in fits:
        is_held = records.hold_of(row, f'finish_reason":"{call["finish"]}')
        yield differ("finish_reasons", call["n"], got, [call["finish"]], is_held)


def _completion(call: JSON, row: JSON, records: SearchedRecords) -> Iterator[Difference]:
    number, messages = call["n"], _messages(row["completion"])
    parts = [part for message in messages for part in message["parts"]]
    text = "".join(str(part.get("content")) for part in parts if part["type"] == "text")
    asks = [[part.get("id"), part.get("name"), part.get("arguments")] for part in parts if part["type"] == "tool_call"]
    want = call["completion"] or ""
    want_asks = [[asked["id"], asked["name"], asked["arguments"]] for asked in call["tool_calls"]]
    if not same_text(text, want):
        yield differ("completion", number, text, want, records.hold(want.replace(CUT, "")))
    if not _same_asks(asks, want_asks):
        yield differ("tool_calls", number, asks, want_asks, all(records.hold(asked[0]) for asked in want_asks))
    if len(messages) > 1:
        yield differ("messages of the completion", number, len(messages), 1)


def _same_asks(got: list[list[Any]], want: list[list[Any]]) -> bool:
    """Whether the same tools are asked for. An id that is not told is a difference of the tool."""
    return len(got) == len(want) and all(
        g[0] in (None, w[0], f"{w[1]}__{w[0]}") and g[1] == w[1] and same_arguments(g[2], w[2])
        for g, w in zip(got, want, strict=True)
    )


def same_arguments(got: Any, want: Any) -> bool:
    """Whether arguments are the same, up to where a text of them was cut."""
    return got == want or (CUT in json.dumps([got, want]) and same_text(json.dumps(got), json.dumps(want)))


def _prompt(call: JSON, row: JSON, records: SearchedRecords) -> Iterator[Difference]:
    instructions = row["system_instructions"]
    system = _messages(f'[{{"role": "system", "parts": {instructions}}}]' if instructions else None)
    got = [[role, text] for role, text in _texts([*system, *_messages(row["prompt"])])]
    want = [[_role(role), text] for role, text in call["prompt"] if text.strip()]
    if len(got) != len(want) or not all(
        g[0] == w[0] and same_text(unwrap(g[1]), unwrap(w[1])) for g, w in zip(got, want, strict=True)
    ):
        is_held = bool(want) and records.hold(want[-1][1].replace(CUT, ""))
        yield differ("prompt", call["n"], got, want, is_held)


def _messages(text: str | None) -> list[JSON]:
    loaded = loaded_json(text or "[]")
    if isinstance(loaded, list) and all(isinstance(m, dict) and isinstance(m.get("parts"), list) for m in loaded):
        return loaded
    return [{"role": "not of the one shape", "parts": [{"type": "text", "content": str(text)}]}]


def _texts(messages: list[JSON]) -> Iterator[tuple[str, str]]:
    """Role and text of each message that has a text. What a tool answered is a message of its own."""
    for message in messages:
        told = "\n".join(str(part.get("content")) for part in message["parts"] if part["type"] == "text")
        if told.strip():
            yield _role(message["role"]), told
        for part in message["parts"]:
            if part["type"] == "tool_call_response":
                response = part.get("response")
                yield _role(message["role"]), response if isinstance(response, str) else json.dumps(response)


def _role(role: str) -> str:
    return "system" if role == "developer" else role
