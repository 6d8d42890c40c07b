# SPDX-License-Identifier: Apache-2.0
"""The steps of a session as rows: by turn, with repeats folded."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.query.comparisons.span_folding import group_repeats
from otel_sqlite_exporter.query.comparisons.step_skeletons import StepSkeleton
from otel_sqlite_exporter.query.session_parts.session_turns import SessionTurn
from otel_sqlite_exporter.server.page.page_links import link_call, link_page, link_trace
from otel_sqlite_exporter.server.page.session.lane_chart import (
    find_status,
    find_waiting,
    key_step,
    key_turn,
    name_step,
    place_interval,
    place_step,
    shorten_name,
    show_place,
)
from otel_sqlite_exporter.server.page.session.time_axis import TimeAxis

_LEAST_FOLDED = 3
_WORDS = {"llm": "model", "agent": "agent", "tool": "tool"}
_OPEN_TURNS = 40
"""Of more turns on a page, only those with a failure, and the last, are open."""


class TimelineRow(NamedTuple):
    """One step.

    Attributes:
        offset_ms, in_turn_ms: From the start of the session and, in a turn, from that of the turn.
        since: When it began, as ISO 8601.
        bar, waiting_bar: Where they stand: places and widths in percent.
    """

    step: StepSkeleton
    key: str
    word: str
    name: str
    agent: str | None
    link: str
    trace_link: str | None
    offset_ms: float
    in_turn_ms: float | None
    reason: str | None
    since: str
    bar: tuple[str, str]
    waiting_bar: tuple[str, str] | None

    @property
    def is_failed(self) -> bool:
        """Whether it failed."""
        return self.step.status == "error"


class StepFold(NamedTuple):
    """Steps that follow each other and are alike; a single one is not folded."""

    rows: Sequence[TimelineRow]
    total_ms: float | None

    @property
    def is_folded(self) -> bool:
        """Whether they are shown as one."""
        return len(self.rows) > 1


class TurnRow(NamedTuple):
    """A turn with its steps on this page.

    Attributes:
        number: Among the turns of this page.
        prompt: What the user asked, its first characters.
        name: That of its traces.
        traces: The names of its traces, with their links.
        unpriced: The calls that have no price, or only a part of one.
        is_single: It is one step, which is also its whole trace.
        is_open: Its steps are shown without a click.
    """

    number: int
    key: str
    prompt: str | None
    name: str
    traces: Sequence[tuple[str, str]]
    offset_ms: float
    duration_ms: float
    status: str | None
    since: str
    bar: tuple[str, str]
    folds: Sequence[StepFold]
    calls: int
    tools: int
    failed: int
    tokens: int | None
    cost_usd: float | None
    unpriced: int
    is_single: bool
    is_open: bool


def make_turns(
    axis: TimeAxis, turns: Sequence[SessionTurn], asked: Mapping[int, str], start_unix_nano: int
) -> list[TurnRow]:
    """Return the rows of some turns. `asked` are the texts of users by the ids of calls, for turns without a prompt."""
    rows = []
    for number, turn in enumerate(turns, 1):
        row = _make_turn(axis, number, turn, asked, start_unix_nano)
        is_open = len(turns) <= _OPEN_TURNS or number == len(turns) or row.failed > 0
        rows.append(row._replace(is_open=is_open and bool(turn.steps)))
    return rows


def _make_turn(
    axis: TimeAxis, number: int, turn: SessionTurn, asked: Mapping[int, str], start_unix_nano: int
) -> TurnRow:
    steps = turn.steps
    rows = [make_row(axis, step, start_unix_nano, turn.interval[0]) for step in steps]
    tokens = [count for step in steps if (count := step.tokens) is not None]
    costs = [step.cost_usd for step in steps if step.cost_usd is not None]
    said = turn.prompt.text if turn.prompt else None
    return TurnRow(
        number=number,
        key=key_turn(turn),
        prompt=said or next((asked[step.id] for step in steps if step.kind == "llm" and step.id in asked), None),
        name=shorten_name(", ".join(dict.fromkeys(trace.what or "?" for trace in turn.traces)) or "steps"),
        traces=[(name_step(trace), link_trace(trace.trace_id)) for trace in turn.traces if trace.trace_id],
        offset_ms=(turn.interval[0] - start_unix_nano) / 1e6,
        duration_ms=(turn.interval[1] - turn.interval[0]) / 1e6,
        status=find_status(turn),
        since=_write_time(turn.interval[0]),
        bar=show_place(place_interval(axis, turn.interval)),
        folds=[*_fold(rows)],
        calls=sum(step.kind == "llm" for step in steps),
        tools=sum(step.kind == "tool" for step in steps),
        failed=sum(step.status == "error" for step in steps),
        tokens=sum(tokens) if tokens else None,
        cost_usd=sum(costs) if costs else None,
        unpriced=sum(step.is_unpriced for step in steps),
        is_single=len(steps) == 1 and [trace.span_id for trace in turn.traces] == [steps[0].span_id],
        is_open=True,
    )


def make_row(
    axis: TimeAxis, step: StepSkeleton, start_unix_nano: int, turn_unix_nano: int | None = None
) -> TimelineRow:
    """Return the row of a call, an agent or a tool, in a session and in a turn that began then."""
    extent = place_step(axis, step)
    waited = min(axis.place(find_waiting(step)[1]), extent[1])
    return TimelineRow(
        step=step,
        key=key_step(step),
        word=_WORDS[step.kind],
        name=name_step(step),
        agent=shorten_name(step.agent_name) if step.agent_name else None,
        link=link_page(f"/tools/{step.id}") if step.kind == "tool" else link_call(step.id),
        trace_link=link_trace(step.trace_id, span=step.span_id) if step.trace_id and step.span_id else None,
        offset_ms=(step.start_time_unix_nano - start_unix_nano) / 1e6,
        in_turn_ms=None if turn_unix_nano is None else (step.start_time_unix_nano - turn_unix_nano) / 1e6,
        reason=find_reason(step.error, None) if step.error else None,
        since=_write_time(step.start_time_unix_nano),
        bar=show_place(extent),
        waiting_bar=show_place((extent[0], waited)) if step.waiting_ms and waited > extent[0] else None,
    )


def describe_row(row: TimelineRow) -> Mapping[str, object]:
    """Return the values of a row of CSV, by column."""
    step = row.step
    return {
        **{"kind": step.kind, "id": step.id, "name": row.name, "agent_name": step.agent_name},
        **{"start_time_unix_nano": step.start_time_unix_nano, "offset_ms": row.offset_ms},
        **{"duration_ms": step.duration_ms, "waiting_ms": step.waiting_ms, "status": step.status},
        **{"error": row.reason, "input_tokens": step.input_tokens, "output_tokens": step.output_tokens},
        **{"cost_usd": step.cost_usd, "trace_id": step.trace_id, "span_id": step.span_id},
    }


def _find_shape(row: TimelineRow) -> Hashable:
    """Return what alike steps have in common. Those that run or were interrupted stand alone."""
    step = row.step
    alone = step.id if step.status in ("running", "interrupted") else None
    return step.kind, row.name, step.agent_name, step.status, row.reason, alone


def _fold(rows: Sequence[TimelineRow]) -> Iterator[StepFold]:
    for group in group_repeats(rows, _find_shape):
        lengths = [row.step.duration_ms for row in group if row.step.duration_ms is not None]
        if len(group) >= _LEAST_FOLDED:
            yield StepFold(group, sum(lengths) if lengths else None)
        else:
            yield from (StepFold([row], row.step.duration_ms) for row in group)


def _write_time(unix_nano: int) -> str:
    return datetime.fromtimestamp(unix_nano / 1e9, UTC).isoformat()
