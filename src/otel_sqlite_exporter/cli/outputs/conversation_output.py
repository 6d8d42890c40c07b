# SPDX-License-Identifier: Apache-2.0
"""Conversations as text: each call with its messages, each tool with its arguments and result."""

from __future__ import annotations

from collections.abc import Iterator

from otel_sqlite_exporter.cli.formatting import (
    format_error_type,
    format_status,
    format_time,
    format_value,
    is_terminal,
    print_lines,
)
from otel_sqlite_exporter.cli.outputs.shown_marks import ShownMarks
from otel_sqlite_exporter.cli.table_model import Passage
from otel_sqlite_exporter.cli.tables import print_json, print_tables
from otel_sqlite_exporter.error_reasons import find_reason, strip_modules
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.conversations.conversation import CallTurn, Conversation, Message, ToolTurn, Turn
from otel_sqlite_exporter.query.conversations.part_texts import describe_part
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary, ToolInteractionSummary
from otel_sqlite_exporter.show.units import format_ms

_MOST = 2_000
"""Characters of a text that are shown without --full."""
_INSIDE = 2
_USUAL = ("stop", "tool_call")
"""Reasons to finish that the parts of an answer show."""


def show_conversation(conversation: Conversation, marks: ShownMarks, *, full: bool, as_json: bool) -> None:
    """Print a conversation. Unless `full`, long texts are cut, but for one call or tool in a pipe."""
    if as_json:
        return print_json({**conversation.to_dict(), **marks.to_dict()})
    most = None if full or (conversation.is_one and not is_terminal()) else _MOST
    if conversation.is_one:
        title = f"{'call' if conversation.kind == 'llm' else 'tool'} {conversation.id}"
    else:
        title = f"{conversation.kind} {conversation.id} (calls and tools: {conversation.describe()})"
    print_tables(Passage(title, [*_tell_whole(conversation), *_tell_marks(marks)]), *_tell_turns(conversation, most))
    if len(conversation) != conversation.total:
        print_lines("more: give a higher --limit", to_stderr=True)


def _tell_turns(conversation: Conversation, most: int | None) -> Iterator[Passage]:
    """Yield a passage for each turn; before the first one of each session its name, if there are several."""
    are_several = len({_get_row(turn).session_id for turn in conversation.turns}) > 1
    for number, turn in enumerate(conversation.turns):
        session = _get_row(turn).session_id
        if are_several and (number == 0 or session != _get_row(conversation.turns[number - 1]).session_id):
            yield Passage("no session" if session is None else f"session {session}", [])
        title, *more = _describe_turn(turn)
        yield Passage(title, [*((0, line) for line in more), *_tell_turn(turn, most)])


def _get_row(turn: Turn) -> LLMInteractionSummary | ToolInteractionSummary:
    return turn.call if isinstance(turn, CallTurn) else turn.tool


def describe_row(row: LLMInteractionSummary | ToolInteractionSummary) -> list[str]:
    """Return what a call or a tool is, how it ended and what it took, in the order in which a line shows it."""
    parts = [format_status(row.status, row.error_type) or "-", format_ms(row.duration_ms) or "-"]
    if isinstance(row, LLMInteractionSummary):
        tokens = [
            f"{number:,} {name}" for number, name in ((row.input_tokens, "in"), (row.output_tokens, "out")) if number
        ]
        parts += [f"{' + '.join(tokens)} tokens"] if tokens else []
        parts += [f"${format_value(row.cost_usd)}"] if row.cost_usd is not None else []
        return [row.model or row.name, *parts]
    return [row.tool_name or row.name, *parts]


def _tell_whole(conversation: Conversation) -> Iterator[tuple[int, str]]:
    rows = [*map(_get_row, conversation.turns)]
    for name, values in (
        ("session", {row.session_id for row in rows}),
        ("trace", {row.trace_id for row in rows} if conversation.is_one else set()),
        ("user", {row.user_id for row in rows}),
        ("service", {row.service_name for row in rows}),
    ):
        known = sorted(value for value in values if value is not None)
        if known and name != conversation.kind:
            yield 0, f"{name}: {', '.join(known)}".replace("\n", "\\n")
    if not rows:
        yield 0, "no call of a model and no tool"
    if conversation.running is not None:
        span = conversation.running
        told = f"a span is running: {span.name}, for {format_ms(span.duration_ms)}, span {span.span_id}"
        yield 0, f"{told}; what it does may be recorded when it ends".replace("\n", "\\n")


def _tell_marks(marks: ShownMarks) -> Iterator[tuple[int, str]]:
    for name, value in marks.tell().items():
        if value is not None:
            yield 0, f"{name}: {value}".replace("\n", "\\n")


def _describe_turn(turn: Turn) -> list[str]:
    """Return what a turn is in one line; on a terminal in two, as they are long."""
    row = _get_row(turn)
    start = turn.call.request_timestamp if isinstance(turn, CallTurn) else turn.tool.start_time
    kind = "tool" if isinstance(turn, ToolTurn) else "agent" if turn.call.is_aggregate else "call"
    name, status, duration, *usage = describe_row(row)
    agent = [f"agent {row.agent_name}"] if row.agent_name is not None else []
    span = [f"span {row.span_id}"] if row.span_id is not None else []
    lines = [[format_time(start) or "-", f"{kind} {name}", status, duration], [*usage, *agent, *span]]
    lines = lines if is_terminal() else [[*lines[0], *lines[1]]]
    return ["  ".join(line) for line in lines if line]


def _tell_turn(turn: Turn, most: int | None) -> Iterator[tuple[int, str]]:
    if isinstance(turn, CallTurn):
        yield from _tell_call(turn, most)
    else:
        yield from _tell_tool(turn, most)


def _tell_call(turn: CallTurn, most: int | None) -> Iterator[tuple[int, str]]:
    if turn.folded:
        yield 0, f"({count(turn.folded, 'message')} of the prompt shown above)"
    if turn.prompt and turn.call.prompt_span_id is not None:
        agent = f"agent {turn.call.agent_name}" if turn.call.agent_name is not None else "agent"
        yield (
            0,
            f"(from the {agent} that made the call, span {turn.call.prompt_span_id}; the call recorded no messages)",
        )
    for message in turn.prompt:
        yield from _tell_message(message, most)
    for message in turn.completion:
        if message.get("parts") or turn.call.status != "error":
            yield from _tell_message(message, most)
    if not turn.prompt and not turn.completion and not turn.folded:
        yield 0, "(no messages were recorded)"
    yield from _tell_error(turn.call, most)


def _tell_tool(turn: ToolTurn, most: int | None) -> Iterator[tuple[int, str]]:
    tool = turn.tool
    if tool.arguments is not None:
        yield 0, "arguments:"
        yield _INSIDE, _cut(tool.arguments, most)
    if tool.result is not None:
        yield 0, "result:"
        yield _INSIDE, _cut(tool.result, most)
    yield from _tell_error(tool, most)


def _tell_error(row: LLMInteractionSummary | ToolInteractionSummary, most: int | None) -> Iterator[tuple[int, str]]:
    """Yield why a call or a tool failed: the whole message if no text is cut, else the reason in it."""
    if row.status == "error":
        known, message = row.error_type, row.error_message
        if most is not None or not message:
            message = find_reason(message, known)
        elif known and message.startswith((f"{known}: ", f"{strip_modules(known)}: ")):
            known = None
        yield (
            0,
            f"error: {': '.join(part for part in (format_error_type(known), message) if part) or 'no reason given'}",
        )
    elif row.status in ("running", "interrupted"):
        yield 0, f"({row.status}: no answer)"


def _tell_message(message: Message, most: int | None) -> Iterator[tuple[int, str]]:
    name = f" {message['name']}" if isinstance(message.get("name"), str) else ""
    reason = message.get("finish_reason")
    ending = f" ({reason})" if isinstance(reason, str) and reason not in _USUAL else ""
    yield 0, f"{message.get('role')}{name}{ending}:".replace("\n", "\\n")
    parts = message.get("parts")
    for part in parts if isinstance(parts, list) else [parts]:
        yield _INSIDE, _cut(describe_part(part), most)


def _cut(text: str, most: int | None) -> str:
    if most is None or len(text) <= most:
        return text
    return f"{text[:most]}\n… {count(len(text) - most, 'more character')} (--full shows all)"
