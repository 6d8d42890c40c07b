# SPDX-License-Identifier: Apache-2.0
"""`get_messages`: what was said, each message once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.agent_tools.answering.offsets import read_offset
from otel_sqlite_exporter.agent_tools.answers import Answer, Json, cut_text, drop_missing, round_ms, shorten, write_json
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_arguments import ToolArguments
from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.query.conversations.conversation import Message, ToolTurn, Turn
from otel_sqlite_exporter.query.conversations.turn_window import read_window
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary

_TURNS = 40
_MOST_TURNS = 10**15
_PARTS = 40
"""The parts of a message, and the messages of a prompt, that are shown: those at the end."""


def get_messages(asked: AskedFile, arguments: ToolArguments) -> Answer:
    """Return turns of a conversation."""
    first = None if arguments["cursor"] is None else read_offset(arguments, _MOST_TURNS)
    window = asked.file.read(read_window, arguments["id"], first=first, around=arguments["around"], limit=_TURNS)
    read_offset(arguments, window.total)
    part_bytes = max(200, min(2_000, arguments.most_bytes // 12))
    turns = [_describe(turn, part_bytes) for turn in window.turns]
    is_one = len(turns) == 1 < window.total

    def describe_rest(shown: int) -> Json:
        number = window.first + shown
        return {
            "left_out": f"the {window.total - number} turns after these: give next_cursor as cursor",
            "next_cursor": str(number),
        }

    head: Json = {"of": f"{window.kind}:{window.id}", "first_turn": window.first, "turns_in_all": window.total}
    calls = [turn for turn in window.turns if not isinstance(turn, ToolTurn)]
    if not window.total:
        head["note"] = "no model call and no tool execution in it: get_trace shows its spans, find of=logs its logs"
    elif calls and not any(turn.prompt or turn.completion or turn.folded for turn in calls):
        head["note"] = "these calls were recorded without their messages"
    beyond = window.first + len(turns) < window.total and not is_one
    return Answer(head, "turns", turns, describe_rest, describe_rest(len(turns)) if beyond else {})


def _describe(turn: Turn, part_bytes: int) -> Json:
    if isinstance(turn, ToolTurn):
        return _describe_tool(turn, part_bytes)
    call = turn.call
    facts: Json = {
        "id": f"llm:{call.id}",
        "at": call.request_timestamp,
        "model": call.model,
        "agent": call.agent_name,
        "ms": round_ms(call.duration_ms),
        "tokens": call.total_tokens,
        "status": None if call.status == "ok" else call.status,
        "error": find_reason(call.error_message, call.error_type) or call.error_type,
        "messages_shown_before": turn.folded or None,
    }
    paths = _PartPaths(call)
    return drop_missing(facts, 300) | {
        "prompt": _describe_messages(paths, "prompt", turn.prompt, part_bytes),
        "completion": _describe_messages(paths, "completion", turn.completion, part_bytes),
    }


def _describe_tool(turn: ToolTurn, part_bytes: int) -> Json:
    tool = turn.tool
    facts: Json = {
        "id": f"tool:{tool.id}",
        "at": tool.start_time,
        "tool": tool.tool_name,
        "ms": round_ms(tool.duration_ms),
        "status": None if tool.status == "ok" else tool.status,
        "error": find_reason(tool.error_message, tool.error_type) or tool.error_type,
    }
    said = {name: _cut(getattr(tool, name), part_bytes, name) for name in ("arguments", "result")}
    return drop_missing(facts, 300) | {name: value for name, value in said.items() if value is not None}


def _describe_messages(paths: _PartPaths, column: str, messages: Sequence[Message], part_bytes: int) -> list[Json]:
    shown = [_describe_message(paths, column, message, part_bytes) for message in messages[-_PARTS:]]
    if len(messages) > _PARTS:
        shown.insert(0, {"left_out": f"the first {len(messages) - _PARTS}: get_item with field={column}"})
    return shown


def _describe_message(paths: _PartPaths, column: str, message: Message, part_bytes: int) -> Json:
    parts = message.get("parts")
    known = parts if isinstance(parts, list) else [message]
    role = str(message.get("role"))[:40]
    shown = [_describe_part(paths, column, part, part_bytes) for part in known[-_PARTS:]]
    if len(known) > _PARTS:
        shown.insert(0, {"left_out": f"{len(known) - _PARTS} parts: get_item with field={column}"})
    return {"role": role, "parts": shown}


def _describe_part(paths: _PartPaths, column: str, part: Any, part_bytes: int) -> Any:
    if not isinstance(part, dict):
        return _cut(part, part_bytes, column)

    def cut(key: Any) -> Any:
        value = part[key]
        if value is None or _fits(value, part_bytes):
            return value
        return _cut(value, part_bytes, f"{paths.find(column, part)}.{key}")

    if part.get("type") == "text" and isinstance(part.get("content"), str):
        return cut("content")
    return {str(key)[:60]: cut(key) for key in [*part][:_PARTS]}


def _fits(value: Any, most_bytes: int) -> bool:
    text = value if isinstance(value, str) else write_json(value)
    return len(text) <= most_bytes and cut_text(text, most_bytes) == text


def _cut(value: Any, most_bytes: int, field: str) -> Any:
    """Return a value; of a long one the beginning, and the field that `get_item` has the rest under."""
    if value is None or _fits(value, most_bytes):
        return value
    text = value if isinstance(value, str) else write_json(value)
    return {"cut": cut_text(text, most_bytes), "chars": len(text), "field": shorten(field, 300)}


class _PartPaths:
    """Where the parts of the messages of a call stand in its fields. These are decoded once, if any part is cut."""

    def __init__(self, call: LLMInteractionSummary) -> None:
        self._call = call
        self._paths: dict[str, dict[bytes, str]] = {}

    def find(self, column: str, part: Any) -> str:
        """Return the field of the call that holds a part: one that is equal says the same."""
        if column not in self._paths:
            known = self._paths[column] = {}
            for path, one in _list_parts(self._call, column):
                known.setdefault(orjson.dumps(one), path)
        return self._paths[column].get(orjson.dumps(part), column)


def _list_parts(call: LLMInteractionSummary, column: str) -> Iterator[tuple[str, Any]]:
    fields = call.to_dict()
    if column == "prompt" and isinstance(fields["system_instructions"], list):
        for number, part in enumerate(fields["system_instructions"]):
            yield f"system_instructions.{number}", part
    messages = fields[column] if isinstance(fields[column], list) else []
    for place, message in enumerate(messages):
        parts = message.get("parts") if isinstance(message, dict) else None
        for number, part in enumerate(parts if isinstance(parts, list) else ()):
            yield f"{column}.{place}.parts.{number}", part
