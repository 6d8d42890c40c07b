# SPDX-License-Identifier: Apache-2.0
"""The differences of two runs in words: a row for each measure, and a verdict in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.comparisons.call_requests import CallRequest
from otel_sqlite_exporter.query.comparisons.first_divergence import Divergence, RunComparison
from otel_sqlite_exporter.query.comparisons.step_skeletons import StepSkeleton
from otel_sqlite_exporter.show.units import format_cost, format_count, format_ms, format_tokens

_LABELS: Mapping[str, str] = {
    "duration_ms": "duration",
    "llm_p50_ms": "median call",
    "cost_usd": "cost $",
    "total_tokens": "tokens",
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
    "cached_input_tokens": "tokens from a cache",
    "steps": "steps",
    "llm_calls": "model calls",
    "tool_executions": "tool executions",
    "failed_requests": "failed requests",
    "failed_calls": "failed calls",
    "failed_tools": "failed tools",
    "errors": "failed spans",
    "spans": "spans",
    "unpriced_calls": "calls without a price",
}
"""The measures in the order of the page."""
_NEUTRAL = ("steps", "llm_calls", "tool_executions", "spans", "cached_input_tokens", "unpriced_calls")
"""Measures of which neither more nor less is better."""
_USED = (("cost_usd", "cost ${} more", "cost ${} less"), ("duration_ms", "took {} longer", "took {} less"))
_KINDS = {"llm": "a model call", "tool": "the tool", "agent": "the agent", "span": "the span"}
_FIELDS = {
    "model": "the model differs",
    "parameters": "the request parameters differ",
    "tools": "the tools offered differ",
    "prompt": "what was sent differs",
    "completion": "the answer differs",
    "arguments": "the arguments differ",
    "result": "the result differs",
    "status": "the outcome differs",
}


class MeasureRow(NamedTuple):
    """One measure of both runs as text. `better` is `a`, `b`, or empty where they are equal, or neither is better."""

    name: str
    label: str
    a: str
    b: str
    change: str
    better: str


def list_measures(compared: RunComparison) -> list[MeasureRow]:
    """Return the measures that at least one run has."""
    return [
        _make_row(name, *compared.measures[name], compared)
        for name in _LABELS
        if compared.measures.get(name, (None, None)) not in ((None, None), (0, 0))
    ]


def _make_row(name: str, a: float | None, b: float | None, compared: RunComparison) -> MeasureRow:
    unpriced = compared.measures.get("unpriced_calls", (0, 0))
    lacks = unpriced if name == "cost_usd" else (0, 0)
    one, other = (_write(name, value, bool(lack)) for value, lack in zip((a, b), lacks, strict=True))
    better = ""
    if name not in _NEUTRAL and a is not None and b is not None and a != b and not any(lacks):
        better = "a" if a < b else "b"
    return MeasureRow(name, _LABELS[name], one, other, _write_change(name, a, b), better)


def _write(name: str, value: float | None, is_part: bool = False) -> str:
    if value is None:
        return "-"
    if name.endswith("_ms"):
        return format_ms(value) or "-"
    if name == "cost_usd":
        return format_cost(value, is_part) or "-"
    return (format_tokens(int(value)) or "-") if name.endswith("tokens") else format_count(int(value))


def _write_change(name: str, a: float | None, b: float | None) -> str:
    """Return how much more or less the second is, with its share of the first."""
    if a is None or b is None:
        return ""
    if a == b:
        return "same"
    change = f"{'+' if b > a else '−'}{_write(name, abs(b - a))}"
    return change + _write_share(a, b)


def _write_share(a: float, b: float) -> str:
    """Return by how much of the first the second differs: nothing if it is less than a percent, or there is none."""
    share = (b - a) / a if a else 0
    return f" ({share:+,.0%})".replace("-", "−") if abs(share) >= 0.01 else ""


def write_verdict(compared: RunComparison) -> list[str]:
    """Return what differs most, in a few sentences."""
    if compared.first is None:
        said = ["Both runs did and said the same."]
    elif compared.first_step is None:
        said = [f"Both runs did the same, but {_describe_field(compared.first)}."]
    else:
        said = [_describe_step(compared.first_step)]
        if compared.first != compared.first_step:
            said.append(f"Before that, {_describe_field(compared.first)}.")
    return [*_describe_use(compared), *said]


def _describe_use(compared: RunComparison) -> list[str]:
    """Return a sentence on calls, failures, cost and time."""
    parts = []
    for name, one, several in (
        ("llm_calls", "model call", "model calls"),
        ("tool_executions", "tool execution", "tool executions"),
    ):
        a, b = compared.measures.get(name, (None, None))
        if a is not None and b is not None and a != b:
            more = "more" if b > a else "fewer"
            parts.append(f"made {format_count(int(abs(b - a)))} {more} {one if abs(b - a) == 1 else several}")
    failed = [_sum(compared, place) for place in (0, 1)]
    if failed[0] != failed[1]:
        parts.append(f"had {count(failed[1], 'failure')} instead of {format_count(failed[0])}")
    for name, more, less in (
        ("cost_usd", "cost ${} more", "cost ${} less"),
        ("duration_ms", "took {} longer", "took {} less"),
    ):
        a, b = compared.measures.get(name, (None, None))
        if a is not None and b is not None and abs(b - a) > abs(a) / 100:
            parts.append((more if b > a else less).format(_write(name, abs(b - a))) + _write_share(a, b))
    if not parts:
        return []
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    lacks = sum(value or 0 for value in compared.measures.get("unpriced_calls", ()))
    note = f" Cost lacks {count(int(lacks), 'call')} without a price." if lacks else ""
    return [f"b {listed}.{note}"]


def _sum(compared: RunComparison, place: int) -> int:
    names = ("failed_calls", "failed_tools")
    return sum(int(compared.measures.get(name, (0, 0))[place] or 0) for name in names)


def _at(divergence: Divergence) -> str:
    return format_count(divergence.position + 1)


def _describe_field(divergence: Divergence) -> str:
    said = f"{_FIELDS.get(divergence.field, f'the {divergence.field} differs')} at step {_at(divergence)}"
    changes = divergence.request_changes
    if not changes:
        return said
    return f"{said}{': ' if divergence.field in CallRequest._fields else ', and '}{', '.join(changes)}"


def _describe_step(divergence: Divergence) -> str:
    """Return what else was done where two runs part."""
    at = _at(divergence)
    if divergence.a is None or divergence.b is None:
        ended, went_on, step = ("a", "b", divergence.b) if divergence.a is None else ("b", "a", divergence.a)
        return f"They part at step {at}: {ended} had ended, and {went_on} went on with {_name(step)}."
    failed = " It failed." if divergence.b.status == "error" else ""
    return f"They part at step {at}: b did {_name(divergence.b)} instead of {_name(divergence.a)}.{failed}"


def _name(step: StepSkeleton | None) -> str:
    if step is None:
        return "nothing"
    kind = {"llm": "a model call", "tool": "the tool", "agent": "the agent", "span": "the span"}.get(
        step.kind, step.kind
    )
    return f"{kind} {(step.what or '?')[:80]}"
