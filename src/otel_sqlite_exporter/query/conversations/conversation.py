# SPDX-License-Identifier: Apache-2.0
"""A conversation: what was said to models, what they answered, and the tools that ran, in order of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from otel_sqlite_exporter.query.pages import PartialAnswer
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary, SpanSummary, ToolInteractionSummary

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
