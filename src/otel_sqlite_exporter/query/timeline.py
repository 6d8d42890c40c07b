# SPDX-License-Identifier: Apache-2.0
"""A session step by step: its traces, model calls and tool executions in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.pages import PartialAnswer
from otel_sqlite_exporter.query.position_texts import decode_position, encode_position
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.sql_builder import check_limit
from otel_sqlite_exporter.query.summaries import (
    LLMInteractionSummary,
    SessionSummary,
    ToolInteractionSummary,
    TraceSummary,
)

_ORDER = {"trace": 0, "agent": 1, "llm": 2, "tool": 3}
_MOST_AT_ONCE = 1_000_000
"""The most steps that a cursor may say to have one start."""


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """One step of a session.

    Attributes:
        kind: `trace`, `agent` (a call that tells of a whole run of an agent), `llm` or `tool`.
        what: The name of the trace, the agent, the model or the tool.
        total_tokens, cost_usd: Only of counted calls.
        counted: 1 or 0, as in the views; None: a trace.
    """

    start_time_unix_nano: int
    start_time: str
    kind: str
    what: str | None
    duration_ms: float | None
    status: str | None
    trace_id: str | None
    span_id: str | None
    error_type: str | None = None
    error_message: str | None = None
    total_tokens: int | None = None
    cost_usd: float | None = None
    counted: int | None = None


@dataclass(frozen=True, slots=True)
class Timeline(PartialAnswer):
    """Steps of a session, the oldest first. `total` is the number of all its steps; None: not counted. `cursor` gives
    the next steps; None: these are the last."""

    session: SessionSummary
    steps: tuple[TimelineStep, ...]
    total: int | None
    cursor: str | None = None

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.steps)

    def to_dict(self) -> dict[str, Any]:
        """Return the session and its steps. The result can be written as JSON."""
        return {"session": self.session.to_dict(), "total": self.total, "steps": [asdict(step) for step in self.steps]}


def read_timeline(
    database: TelemetryDatabase,
    session_id: str,
    *,
    limit: int,
    counted: bool | None = True,
    cursor: str | None = None,
) -> Timeline:
    """Return the first `limit` steps of a session, given by its id or a unique prefix of it, or those after the ones
    that gave `cursor`: its traces, and the calls and tools that count, or all of them if `counted` is None.

    Raises:
        NotFoundError: There is no such session, or the prefix is not unique.
        FilterError: The limit or the cursor cannot be used.
    """
    since, given = (None, 0) if cursor is None else _decode_cursor(cursor)
    last = given + check_limit(limit)
    session = database.get_session(session_id)
    asked: dict[str, Any] = {"session_id": session.session_id, "limit": last + 1, "newest_first": False}
    if since is not None:
        asked["since"] = since
    traces = database.find_traces(**asked)
    calls = database.find_llm_interactions(**asked, counted=counted)
    tools = database.find_tool_interactions(**asked, counted=counted)
    steps = [*map(_step_of_trace, traces), *map(_step_of_call, calls), *map(_step_of_tool, tools)]
    steps.sort(key=lambda step: (step.start_time_unix_nano, _ORDER[step.kind]))
    totals = [page.total for page in (traces, calls, tools)]
    total = None if None in totals or cursor is not None else sum(total or 0 for total in totals)
    return Timeline(session, tuple(steps[given:last]), total, _encode_cursor(steps, last))


def _encode_cursor(steps: Sequence[TimelineStep], last: int) -> str | None:
    """Return the cursor to the steps after the first `last`: the start of the last, and how many of them have it."""
    if len(steps) <= last:
        return None
    start = steps[last - 1].start_time_unix_nano
    position = ["steps", start, sum(step.start_time_unix_nano == start for step in steps[:last])]
    return encode_position(position)


def _decode_cursor(cursor: str) -> tuple[int, int]:
    match decode_position(cursor):
        case ["steps", int(start), int(given)] if 0 <= given <= _MOST_AT_ONCE:
            return start, given
    raise FilterError("cursor", "it is not from steps of this session: give the `cursor` of such steps")


def _step_of_trace(trace: TraceSummary) -> TimelineStep:
    return _make_step(trace, start_time=trace.start_time, kind="trace", what=trace.name, span_id=trace.root_span_id)


def _step_of_call(call: LLMInteractionSummary) -> TimelineStep:
    return _make_step(
        call,
        start_time=call.request_timestamp,
        kind="agent" if call.is_aggregate else "llm",
        what=(call.agent_name if call.is_aggregate else call.model) or call.name,
        span_id=call.span_id,
        error_type=call.error_type,
        error_message=call.error_message,
        counted=call.counted,
        total_tokens=call.total_tokens if call.counted else None,
        cost_usd=call.cost_usd if call.counted else None,
    )


def _step_of_tool(tool: ToolInteractionSummary) -> TimelineStep:
    return _make_step(
        tool,
        start_time=tool.start_time,
        kind="tool",
        what=tool.tool_name or tool.name,
        span_id=tool.span_id,
        error_type=tool.error_type,
        error_message=tool.error_message,
        counted=tool.counted,
    )


def _make_step(row: TraceSummary | LLMInteractionSummary | ToolInteractionSummary, **fields: Any) -> TimelineStep:
    return TimelineStep(
        start_time_unix_nano=row.start_time_unix_nano,
        duration_ms=row.duration_ms,
        status=row.status,
        trace_id=row.trace_id,
        **fields,
    )
