# SPDX-License-Identifier: Apache-2.0
"""Exports what was said in a session or a trace as Markdown, some turns at a time, so that memory stays bounded.

Whatever was recorded stands in fences, so none of it is taken for a heading, a link or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.conversations.conversation import CallTurn, Message, ToolTurn
from otel_sqlite_exporter.query.conversations.turn_window import iterate_windows
from otel_sqlite_exporter.query.exports.exported_pieces import ExportedPiece
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.show.units import format_ms
from otel_sqlite_exporter.show.visible_text import write_visible

_TURNS = 50
_FENCE = re.compile("`{3,}")
_SPECIAL = re.compile(r"([\\`*_\[\]<>&#|~!])")


def read_markdown(
    file: TelemetryFile, *, session_id: str | None = None, trace_id: str | None = None, facts: Sequence[str] = ()
) -> Iterator[ExportedPiece]:
    """Yield what was said in a session or a trace, given by its id or a unique prefix of it; below the title, `facts`:
    lines of Markdown.

    Raises:
        FilterError: Not one of the two is given.
        NotFoundError: There is no such session or trace, or the prefix is not unique.
    """
    if (session_id is None) == (trace_id is None):
        raise FilterError(
            "session_id", "an export as markdown is of one session or one trace: give session_id or trace_id"
        )
    text = f"session:{session_id}" if trace_id is None else f"trace:{trace_id}"
    return _write(file, text, facts)


def _write(file: TelemetryFile, text: str, facts: Sequence[str]) -> Iterator[ExportedPiece]:
    for window in iterate_windows(file, text, _TURNS):
        lines: list[str] = []
        if window.first == 0:
            lines = [f"# {window.kind.capitalize()} {escape_line(window.id)}\n", *facts, *([""] if facts else [])]
        for turn in window.turns:
            lines += _write_call(turn) if isinstance(turn, CallTurn) else _write_tool(turn)
        yield ExportedPiece("\n".join([*lines, ""]).encode("utf-8", "replace"))


def _write_call(turn: CallTurn) -> Iterator[str]:
    call = turn.call
    facts = [call.agent_name, call.request_timestamp, format_ms(call.duration_ms), _name_status(call.status)]
    yield from _head(f"Model {call.model or call.name}", facts)
    if turn.folded:
        yield f"*{turn.folded:,} {'message' if turn.folded == 1 else 'messages'} of the prompt shown above*\n"
    for message in (*turn.prompt, *turn.completion):
        yield from _write_message(message)
    yield from _write_error(call.status, call.error_message or call.error_type)


def _write_tool(turn: ToolTurn) -> Iterator[str]:
    tool = turn.tool
    facts = [tool.agent_name, tool.start_time, format_ms(tool.duration_ms), _name_status(tool.status)]
    yield from _head(f"Tool {tool.tool_name or tool.name}", facts)
    for label, value in (("arguments", tool.arguments), ("result", tool.result)):
        if value is not None:
            yield f"**{label}**\n"
            yield write_fence(value)
    yield from _write_error(tool.status, tool.error_message or tool.error_type)


def _head(title: str, facts: list[str | None]) -> Iterator[str]:
    yield f"## {escape_line(title)}\n"
    yield f"{' · '.join(escape_line(fact) for fact in facts if fact)}\n"


def _write_message(message: Message) -> Iterator[str]:
    parts = message.get("parts")
    yield f"**{escape_line(str(message.get('role')))}**\n"
    for part in parts if isinstance(parts, list) else [parts]:
        if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("content"), str):
            yield write_fence(part["content"])
        else:
            kind = part.get("type") if isinstance(part, dict) else None
            if isinstance(kind, str):
                yield f"{escape_line(kind)}:\n"
            yield write_fence(part)


def _write_error(status: str | None, message: str | None) -> Iterator[str]:
    if status == "error":
        yield "**error**\n"
        yield write_fence(message or "no reason is recorded")


def _name_status(status: str | None) -> str | None:
    return None if status == "ok" else status


def write_fence(value: Any) -> str:
    """Return a value, as JSON unless it is a text, between fences that are longer than any in it."""
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    longest = max((len(found) for found in _FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text}\n{fence}\n"


def escape_line(text: str) -> str:
    """Return a text as one line that Markdown shows as it is, with hidden characters written out."""
    return _SPECIAL.sub(r"\\\1", write_visible(" ".join(text.split())))
