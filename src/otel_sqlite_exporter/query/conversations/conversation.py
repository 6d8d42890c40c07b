# SPDX-License-Identifier: Apache-2.0
"""A conversation: what was said to models, what they answered, and the tools that ran, in order of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.conversations.part_texts import describe_part
from otel_sqlite_exporter.query.notebooks.notebook_chats import ChatText, ChatTurn, show_chat
from otel_sqlite_exporter.query.pages import PartialAnswer
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary, SpanSummary, ToolInteractionSummary
from otel_sqlite_exporter.show.units import format_cost, format_ms, format_tokens

Message = dict[str, Any]
"""A message as in docs/content.md: `role` and `parts`, and of an answer `finish_reason`."""
_COMMON = (
    *("id", "trace_id", "span_id", "session_id", "user_id", "agent_name", "service_name", "name", "duration_ms"),
    *("status", "error_type", "error_message", "counted"),
)
_OF_CALL = (
    *("operation", "provider", "request_model", "response_model", "model", "input_tokens", "output_tokens"),
    *("total_tokens", "cost_usd", "cost_status", "prompt_span_id"),
)
_OF_RUNNING = ("trace_id", "span_id", "name", "start_time", "duration_ms")


@dataclass(frozen=True, slots=True)
class CallTurn:
    """A call of a model.

    Attributes:
        call: Its row.
        prompt: The messages of its prompt, system instructions first, that no turn before it shows; all messages if
            the conversation is one call.
        completion: The messages of its answer.
        folded: The number of messages of its prompt that turns before it show.
    """

    call: LLMInteractionSummary
    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]
    folded: int

    def to_dict(self) -> dict[str, Any]:
        """Return what the turn shows. The result can be written as JSON."""
        call = self.call
        return {
            "kind": "llm",
            "start_time": call.request_timestamp,
            **{name: getattr(call, name) for name in (*_COMMON, *_OF_CALL)},
            "folded_messages": self.folded,
            "prompt": list(self.prompt),
            "completion": list(self.completion),
        }


@dataclass(frozen=True, slots=True)
class ToolTurn:
    """An execution of a tool. `is_asked`: an answer before it shows the request."""

    tool: ToolInteractionSummary
    is_asked: bool

    def to_dict(self) -> dict[str, Any]:
        """Return what the turn shows. The result can be written as JSON."""
        tool = self.tool
        whole = tool.to_dict()
        return {
            "kind": "tool",
            "start_time": tool.start_time,
            **{name: getattr(tool, name) for name in (*_COMMON, "tool_name", "tool_call_id")},
            "arguments": whole["arguments"],
            "result": whole["result"],
        }


Turn = CallTurn | ToolTurn


@dataclass(frozen=True, slots=True)
class Conversation(PartialAnswer):
    """The calls and tools of a session, a trace or a span, the oldest first.

    Attributes:
        kind: What `id` is: `session`, `user`, `trace`, `span`, `llm` (a call) or `tool`. Of `span`, the turns are those
            of the spans below it too.
        id: The whole id. Of a call or tool without a span, the id of its row.
        trace_id: The trace of a trace, span, call or tool.
        total: The number of all turns; None: not counted.
        running: The latest span of a session or a trace that runs. Its call may be recorded only when it ends.
    """

    kind: str
    id: str
    trace_id: str | None
    turns: tuple[Turn, ...]
    total: int | None
    running: SpanSummary | None = None

    @property
    def is_one(self) -> bool:
        """Whether it is one call or tool, which is shown as it was recorded."""
        return self.kind in ("llm", "tool")

    def __len__(self) -> int:
        """Return the number of turns."""
        return len(self.turns)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, and `to_dict` of each turn. The result can be written as JSON."""
        turns = [turn.to_dict() for turn in self.turns]
        running = None
        if self.running is not None:
            running = {name: getattr(self.running, name) for name in _OF_RUNNING}
        whole = {"kind": self.kind, "id": self.id, "trace_id": self.trace_id, "total": self.total}
        return {**whole, "running": running, "turns": turns}

    def _repr_html_(self) -> str:
        return show_chat(f"{self.kind} {self.id}", self.describe(), [*map(_tell_turn, self.turns)])


def _tell_turn(turn: Turn) -> ChatTurn:
    return _tell_call(turn) if isinstance(turn, CallTurn) else _tell_tool(turn)


def _tell_call(turn: CallTurn) -> ChatTurn:
    call = turn.call
    tokens = (format_tokens(call.input_tokens), "in"), (format_tokens(call.output_tokens), "out")
    used = [f"{number} tokens {way}" for number, way in tokens if number is not None]
    cost = None if call.cost_usd is None else f"${format_cost(call.cost_usd)}"
    repeated = [ChatText("prompt", f"{count(turn.folded, 'message')} as shown above")] if turn.folded else []
    said = (_tell_message(message) for message in (*turn.prompt, *turn.completion))
    heading = _tell_heading("agent" if call.is_aggregate else "call", call.model or call.name, call, *used, cost)
    return ChatTurn(heading, [*repeated, *said, *_tell_failure(call)])


def _tell_tool(turn: ToolTurn) -> ChatTurn:
    tool = turn.tool
    said = (("arguments", tool.arguments), ("result", tool.result))
    texts = [ChatText(role, text) for role, text in said if text is not None]
    return ChatTurn(_tell_heading("tool", tool.tool_name or tool.name, tool), [*texts, *_tell_failure(tool)])


def _tell_heading(kind: str, name: str, row: LLMInteractionSummary | ToolInteractionSummary, *used: str | None) -> str:
    told = (row.status, row.error_type if row.status == "error" else None, format_ms(row.duration_ms), *used)
    return " · ".join((f"{kind} {name}", *(part for part in told if part is not None)))


def _tell_message(message: Message) -> ChatText:
    role, parts = str(message.get("role")), message.get("parts")
    texts = map(describe_part, parts if isinstance(parts, list) else [parts])
    return ChatText(role, "\n".join(texts), is_folded=role == "system")


def _tell_failure(row: LLMInteractionSummary | ToolInteractionSummary) -> list[ChatText]:
    reason = find_reason(row.error_message, row.error_type) if row.status == "error" else None
    return [] if reason is None else [ChatText("error", reason)]
