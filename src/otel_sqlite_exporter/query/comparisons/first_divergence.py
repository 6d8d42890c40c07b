# SPDX-License-Identifier: Apache-2.0
"""Where two runs part: the first step that is not the same, the first in which something else was said, and what only
one of them did. Pure."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from otel_sqlite_exporter.query.comparisons.call_requests import list_request_changes
from otel_sqlite_exporter.query.comparisons.step_alignment import MOST_ALIGNED, find_different_fields
from otel_sqlite_exporter.query.comparisons.step_skeletons import StepSkeleton, find_call_median
from otel_sqlite_exporter.query.summaries import SessionSummary, TraceSummary

_TOTALS = (
    *("llm_calls", "failed_requests", "failed_calls", "failed_tools", "errors", "spans", "input_tokens"),
    *("output_tokens", "total_tokens", "cost_usd", "unpriced_calls", "duration_ms"),
)


@dataclass(frozen=True, slots=True)
class Divergence:
    """A place at which two runs differ.

    Attributes:
        position: The number of steps before it, traces not counted.
        field: `step` if other things were done there, or one run ended; else what differs of the same step, as in
            `AlignedSteps.fields`.
        a, b: The steps; None: this run has no more.
    """

    position: int
    field: str
    a: StepSkeleton | None
    b: StepSkeleton | None

    @property
    def request_changes(self) -> list[str]:
        """What differs of what was sent beside the messages, in words."""
        if self.field == "step" or self.a is None or self.b is None:
            return []
        return list_request_changes(self.a.request, self.b.request)


@dataclass(frozen=True, slots=True)
class RunComparison:
    """The comparison of two sessions or traces.

    Attributes:
        measures: Totals of both; None: unknown.
        tools: The number of executions of each tool.
        first: The first place at which anything differs; None: they are the same in all that is compared.
        first_step: The first place at which other things were done.
        only: The lines of a unified diff of the steps: `-` only in the first run, `+` only in the second.
        is_cut: Whether `only` covers the first steps alone.
    """

    measures: Mapping[str, tuple[float | None, float | None]]
    tools: Mapping[str, tuple[int, int]]
    first: Divergence | None
    first_step: Divergence | None
    only: tuple[str, ...]
    is_cut: bool


Run = tuple[SessionSummary | TraceSummary, Sequence[StepSkeleton]]


def compare_runs(a: Run, b: Run) -> RunComparison:
    """Compare two sessions or traces, each with its steps."""
    steps = [[step for step in run if step.kind != "trace"] for _, run in (a, b)]
    totals = [_measure(summary, run) for (summary, _), run in zip((a, b), steps, strict=True)]
    counts = [Counter(step.what or "?" for step in run if step.kind == "tool") for run in steps]
    different = [*_find_divergences(*steps)]
    names = [[name_step(step) for step in run[:MOST_ALIGNED]] for run in steps]
    lines = difflib.unified_diff(names[0], names[1], n=1, lineterm="")
    return RunComparison(
        {name: (totals[0][name], totals[1][name]) for name in totals[0]},
        {tool: (counts[0][tool], counts[1][tool]) for tool in sorted({*counts[0], *counts[1]})},
        different[0] if different else None,
        next((one for one in different if one.field == "step"), None),
        tuple(line for line in lines if not line.startswith(("---", "+++"))),
        max(map(len, steps)) > MOST_ALIGNED,
    )


def name_step(step: StepSkeleton) -> str:
    """Return what a step is in one line."""
    words = [step.kind, step.what or "?", *([step.model] if step.model else [])]
    return " ".join([*words, *([step.status] if step.status not in (None, "ok") else [])])


def _find_divergences(a: Sequence[StepSkeleton], b: Sequence[StepSkeleton]) -> Iterator[Divergence]:
    """Yield what differs of each step up to the first at which other things were done."""
    for position, (one, other) in enumerate(zip_longest(a, b)):
        if one is None or other is None or (one.kind, one.what) != (other.kind, other.what):
            yield Divergence(position, "step", one, other)
            return
        field = next(find_different_fields(one, other), None)
        if field is not None:
            yield Divergence(position, field, one, other)


def _measure(summary: SessionSummary | TraceSummary, steps: Sequence[StepSkeleton]) -> dict[str, float | None]:
    return {
        "steps": len(steps),
        **{name: getattr(summary, name) for name in _TOTALS},
        "tool_executions": sum(step.kind == "tool" for step in steps),
        "llm_p50_ms": find_call_median((step.kind, step.duration_ms, step.status) for step in steps),
    }
