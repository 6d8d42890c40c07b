# SPDX-License-Identifier: Apache-2.0
"""Compares two sessions, and checks that the second does not use more than is allowed, for example in CI."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.comparisons.step_skeletons import find_call_median
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.timeline import Timeline, read_timeline

MEASURES = (
    *("steps", "traces", "llm_calls", "tool_executions", "failed_requests", "failed_calls", "failed_tools"),
    "failed_spans",
    *("input_tokens", "output_tokens", "tokens", "cost_usd", "unpriced_calls", "duration_ms", "llm_p50_ms"),
)
_ALLOWANCE = re.compile(r"(?P<measure>\w+)=(?P<increase>\d+(?:\.\d+)?)(?P<percent>%?)")
_MOST_STEPS = 10_000


class Allowance(NamedTuple):
    """How much a measure of the second session may exceed that of the first: in units of the measure, or in percent."""

    measure: str
    increase: float
    is_percent: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of two sessions.

    Attributes:
        measures: Each of `MEASURES` of both sessions; None: unknown.
        tools: The number of executions of each tool in both sessions.
        steps: The lines of a unified diff of the steps, by the names of models and tools.
        exceeded: The allowances that the second session exceeds.
    """

    session_ids: tuple[str, str]
    measures: dict[str, tuple[float | None, float | None]]
    tools: dict[str, tuple[int, int]]
    steps: tuple[str, ...]
    exceeded: tuple[Allowance, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return all fields. The result can be written as JSON."""
        return {
            "session_ids": list(self.session_ids),
            "measures": {name: {"a": a, "b": b} for name, (a, b) in self.measures.items()},
            "tools": {name: {"a": a, "b": b} for name, (a, b) in self.tools.items()},
            "steps": list(self.steps),
            "exceeded": [one.measure for one in self.exceeded],
        }


def compare_sessions(
    database: TelemetryDatabase, session_a: str, session_b: str, allowances: Sequence[str] = ()
) -> Comparison:
    """Compare the first 10,000 steps of two sessions, each given by its id or a unique prefix of it.

    Raises:
        NotFoundError: There is no such session, or a prefix is not unique.
        FilterError: An allowance is not `MEASURE=INCREASE`.
    """
    allowed = [_parse_allowance(text) for text in allowances]
    a, b = (read_timeline(database, id, limit=_MOST_STEPS) for id in (session_a, session_b))
    first, second = _measure(a), _measure(b)
    measures = {name: (first[name], second[name]) for name in MEASURES}
    counts = [Counter(step.what or "?" for step in one.steps if step.kind == "tool") for one in (a, b)]
    lines = difflib.unified_diff(_name_steps(a), _name_steps(b), n=1, lineterm="")
    return Comparison(
        (a.session.session_id, b.session.session_id),
        measures,
        {tool: (counts[0][tool], counts[1][tool]) for tool in sorted({*counts[0], *counts[1]})},
        tuple(line for line in lines if not line.startswith(("---", "+++"))),
        tuple(one for one in allowed if _is_exceeded(one, *measures[one.measure])),
    )


def _name_steps(timeline: Timeline) -> list[str]:
    return [f"{step.kind} {step.what}" for step in timeline.steps if step.kind != "trace"]


def _parse_allowance(text: str) -> Allowance:
    match = _ALLOWANCE.fullmatch(text)
    if match is None or match["measure"] not in MEASURES:
        raise FilterError(
            "allow", f"{text!r} is not MEASURE=INCREASE, such as tokens=10%; measures: {', '.join(MEASURES)}"
        )
    return Allowance(match["measure"], float(match["increase"]), match["percent"] == "%")


def _measure(timeline: Timeline) -> dict[str, float | None]:
    session = timeline.session
    return {
        "steps": len(_name_steps(timeline)),
        "traces": session.traces,
        "llm_calls": session.llm_calls,
        "tool_executions": sum(step.kind == "tool" for step in timeline.steps),
        "failed_requests": session.failed_requests,
        "failed_calls": session.failed_calls,
        "failed_tools": session.failed_tools,
        "failed_spans": session.errors,
        "input_tokens": session.input_tokens,
        "output_tokens": session.output_tokens,
        "tokens": session.total_tokens,
        "cost_usd": session.cost_usd,
        "unpriced_calls": session.unpriced_calls,
        "duration_ms": session.duration_ms,
        "llm_p50_ms": find_call_median((step.kind, step.duration_ms, step.status) for step in timeline.steps),
    }


def _is_exceeded(allowance: Allowance, a: float | None, b: float | None) -> bool:
    if b is None:
        return False
    base = a or 0
    return b > base + (base * allowance.increase / 100 if allowance.is_percent else allowance.increase)
