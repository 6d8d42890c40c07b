# SPDX-License-Identifier: Apache-2.0
"""The steps of a session as rows: by turn, with repeats folded."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.query.comparisons.span_folding import group_repeats
from otel_sqlite_exporter.query.comparisons.step_skeletons import StepSkeleton
from otel_sqlite_exporter.server.page.page_links import link_call, link_page, link_trace
from otel_sqlite_exporter.server.page.session.lane_chart import (
    find_waiting,
    key_step,
    name_step,
    place_step,
    show_place,
)
from otel_sqlite_exporter.server.page.session.time_axis import TimeAxis

_LEAST_FOLDED = 3
_WORDS = {"llm": "model", "agent": "agent", "tool": "tool"}
_OPEN_TURNS = 40
"""Of more turns on a page, only those with a failure, and the last, are open."""


class StepRow(NamedTuple):
    """One step.

    Attributes:
        offset_ms, in_turn_ms: From the start of the session and, in a turn, from that of the turn.
        bar, waiting_bar: Where they stand: places and widths in percent.
    """

    step: StepSkeleton
    key: str
    word: str
    name: str
    link: str
    trace_link: str | None
    offset_ms: float
    in_turn_ms: float | None
    reason: str | None
    bar: tuple[str, str]
    waiting_bar: tuple[str, str] | None

    @property
    def is_failed(self) -> bool:
        """Whether it failed."""
        return self.step.status == "error"


class StepFold(NamedTuple):
    """Steps that follow each other and are alike; a single one is not folded."""

    rows: Sequence[StepRow]
    total_ms: float | None

    @property
    def is_folded(self) -> bool:
        """Whether they are shown as one."""
        return len(self.rows) > 1


class Turn(NamedTuple):
    """A trace with its steps on this page; without a trace, steps of records that name none.

    Attributes:
        number: Among the turns of this page.
        began_before: Its first steps are on a page before.
    """

    number: int
    trace: StepSkeleton | None
    key: str
    name: str
    link: str | None
    offset_ms: float
    bar: tuple[str, str] | None
    folds: Sequence[StepFold]
    calls: int
    tools: int
    failed: int
    tokens: int | None
    cost_usd: float | None
    is_open: bool
    began_before: bool


def make_turns(
    axis: TimeAxis, steps: Sequence[StepSkeleton], earlier: Sequence[StepSkeleton], start_unix_nano: int
) -> list[Turn]:
    """Return the turns of some steps, in order. `earlier` are the traces of steps that began before these."""
    traces = {step.trace_id: step for step in (*earlier, *steps) if step.kind == "trace"}
    before = {step.trace_id for step in earlier}
    members: dict[str | None, list[StepSkeleton]] = {}
    for step in steps:
        of_turn = members.setdefault(step.trace_id, [])
        if step.kind != "trace":
            of_turn.append(step)
    last = len(members)
    turns = []
    for number, (trace_id, of_turn) in enumerate(members.items(), 1):
        turn = _make_turn(axis, number, traces.get(trace_id), of_turn, start_unix_nano)
        is_open = last <= _OPEN_TURNS or number == last or turn.failed > 0
        turns.append(turn._replace(is_open=is_open and bool(of_turn), began_before=trace_id in before))
    return turns


def _make_turn(
    axis: TimeAxis, number: int, trace: StepSkeleton | None, steps: Sequence[StepSkeleton], start_unix_nano: int
) -> Turn:
    first = trace or steps[0]
    rows = [make_row(axis, step, start_unix_nano, first.start_time_unix_nano) for step in steps]
    tokens = [count for step in steps if (count := step.tokens) is not None]
    costs = [step.cost_usd for step in steps if step.cost_usd is not None]
    return Turn(
        number=number,
        trace=trace,
        key=key_step(trace) if trace else f"turn-{number}",
        name=(trace.what if trace else None) or ("a trace of another session" if first.trace_id else "no trace"),
        link=link_trace(first.trace_id) if first.trace_id else None,
        offset_ms=(first.start_time_unix_nano - start_unix_nano) / 1e6,
        bar=show_place(place_step(axis, trace)) if trace else None,
        folds=[*_fold(rows)],
        calls=sum(step.kind == "llm" for step in steps),
        tools=sum(step.kind == "tool" for step in steps),
        failed=sum(step.status == "error" for step in steps),
        tokens=sum(tokens) if tokens else None,
        cost_usd=sum(costs) if costs else None,
        is_open=True,
        began_before=False,
    )


def make_row(
    axis: TimeAxis, step: StepSkeleton, start_unix_nano: int, turn_unix_nano: int | None = None
) -> StepRow:
    """Return the row of a call, an agent or a tool, in a session and in a turn that began then."""
    extent = place_step(axis, step)
    waited = min(axis.place(find_waiting(step)[1]), extent[1])
    return StepRow(
        step=step,
        key=key_step(step),
        word=_WORDS[step.kind],
        name=name_step(step),
        link=link_page(f"/tools/{step.id}") if step.kind == "tool" else link_call(step.id),
        trace_link=link_trace(step.trace_id, span=step.span_id) if step.trace_id and step.span_id else None,
        offset_ms=(step.start_time_unix_nano - start_unix_nano) / 1e6,
        in_turn_ms=None if turn_unix_nano is None else (step.start_time_unix_nano - turn_unix_nano) / 1e6,
        reason=find_reason(step.error, None) if step.error else None,
        bar=show_place(extent),
        waiting_bar=show_place((extent[0], waited)) if step.waiting_ms and waited > extent[0] else None,
    )


def describe_row(row: StepRow) -> Mapping[str, object]:
    """Return the values of a row of CSV, by column."""
    step = row.step
    return {
        **{"kind": step.kind, "id": step.id, "name": row.name, "agent_name": step.agent_name},
        **{"start_time_unix_nano": step.start_time_unix_nano, "offset_ms": row.offset_ms},
        **{"duration_ms": step.duration_ms, "waiting_ms": step.waiting_ms, "status": step.status},
        **{"error": row.reason, "input_tokens": step.input_tokens, "output_tokens": step.output_tokens},
        **{"cost_usd": step.cost_usd, "trace_id": step.trace_id, "span_id": step.span_id},
    }


def _find_shape(row: StepRow) -> Hashable:
    """Return what alike steps have in common. Those that run or were interrupted stand alone."""
    step = row.step
    alone = step.id if step.status in ("running", "interrupted") else None
    return step.kind, row.name, step.agent_name, step.status, row.reason, alone


def _fold(rows: Sequence[StepRow]) -> Iterator[StepFold]:
    for group in group_repeats(rows, _find_shape):
        lengths = [row.step.duration_ms for row in group if row.step.duration_ms is not None]
        if len(group) >= _LEAST_FOLDED:
            yield StepFold(group, sum(lengths) if lengths else None)
        else:
            yield from (StepFold([row], row.step.duration_ms) for row in group)
