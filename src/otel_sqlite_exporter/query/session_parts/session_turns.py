# SPDX-License-Identifier: Apache-2.0
"""The turns of a session: from what a user asked to the end of what followed. Pure.

Where log records tell of prompts, a turn goes from one to the next. Else each trace is a turn.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.query.comparisons.step_skeletons import StepSkeleton
from otel_sqlite_exporter.query.session_parts.time_shares import Interval
from otel_sqlite_exporter.query.session_parts.user_prompts import UserPrompt


class SessionTurn(NamedTuple):
    """A turn.

    Attributes:
        interval: From the prompt, or the start of the trace, to the end of what followed.
        prompt: What the user asked; None: no record tells, or it is the rest of a turn of a page before.
        traces: The traces of its steps, and those that began in it.
        steps: Its calls and tools, in order.
    """

    interval: Interval
    prompt: UserPrompt | None
    traces: Sequence[StepSkeleton]
    steps: Sequence[StepSkeleton]


def split_turns(
    steps: Sequence[StepSkeleton], earlier: Iterable[StepSkeleton], prompts: Sequence[UserPrompt]
) -> list[SessionTurn]:
    """Return the turns of some steps in order of time. `earlier` are traces of steps that began before all of these."""
    traces = {step.trace_id: step for step in (*earlier, *steps) if step.kind == "trace"}
    inside = [step for step in steps if step.kind != "trace"]
    return _split_by_prompts(inside, [*traces.values()], prompts) if prompts else _split_by_traces(inside, traces)


def _split_by_prompts(
    steps: Sequence[StepSkeleton], traces: Sequence[StepSkeleton], prompts: Sequence[UserPrompt]
) -> list[SessionTurn]:
    begins = [prompt.time_unix_nano for prompt in prompts]
    inside: list[list[StepSkeleton]] = [[] for _ in range(len(prompts) + 1)]
    around: list[dict[str | None, StepSkeleton]] = [{} for _ in inside]
    by_id = {trace.trace_id: trace for trace in traces}
    for step in steps:
        place = bisect_right(begins, step.start_time_unix_nano)
        inside[place].append(step)
        if step.trace_id in by_id:
            around[place][step.trace_id] = by_id[step.trace_id]
    for trace in traces:
        around[bisect_right(begins, trace.start_time_unix_nano)].setdefault(trace.trace_id, trace)
    turns = []
    for place, of_turn in enumerate(inside):
        prompt = prompts[place - 1] if place else None
        if prompt is None and not of_turn:
            continue  # what ran before the first prompt, such as the start of the agent
        begin = prompt.time_unix_nano if prompt else of_turn[0].start_time_unix_nano
        after = begins[place] if place < len(begins) else None
        ends = [begin, *(step.end_time_unix_nano for step in of_turn)]
        for trace in around[place].values():
            if after is None or trace.end_time_unix_nano <= after:  # else it covers several turns: the loop of an agent
                ends.append(trace.end_time_unix_nano)
        turns.append(SessionTurn((begin, max(ends)), prompt, [*around[place].values()], of_turn))
    return turns


def _split_by_traces(steps: Sequence[StepSkeleton], traces: dict[str | None, StepSkeleton]) -> list[SessionTurn]:
    inside: dict[str | None, list[StepSkeleton]] = {trace_id: [] for trace_id in traces}
    for step in steps:
        inside.setdefault(step.trace_id, []).append(step)
    turns = []
    for trace_id, of_turn in inside.items():
        trace = traces.get(trace_id)
        records = [*of_turn, *([trace] if trace else [])]
        begin = min(record.start_time_unix_nano for record in records)
        end = max(record.end_time_unix_nano for record in records)
        turns.append(SessionTurn((begin, end), None, [trace] if trace else [], of_turn))
    return sorted(turns, key=lambda turn: turn.interval)
