# SPDX-License-Identifier: Apache-2.0
"""The steps of a shared session in order of time, what each model cost, and what failed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.conversations.conversation import Turn
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary
from otel_sqlite_exporter.sharing.shown_share.share_chat import cut_text, get_row, name_turn
from otel_sqlite_exporter.show.html_text import Html, element, join_html
from otel_sqlite_exporter.show.units import format_cost, format_count, format_ms, format_tokens

MOST_STEPS = 5_000
_MOST_FAILURES = 200
_LONGEST_REASON = 300
_SHORTEST_BAR = 0.3


class ShareStep(NamedTuple):
    """A call or tool in the list of steps. Times are in nanoseconds; `anchor` is the id of its turn; `is_unpriced`:
    a call that costs, and nobody knows how much."""

    kind: str
    name: str
    anchor: str
    start: int
    duration_ms: float | None
    status: str | None
    reason: str | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    is_unpriced: bool


def make_step(turn: Turn, anchor: str) -> ShareStep:
    """Return the step of a turn."""
    row = get_row(turn)
    reason = find_reason(row.error_message, row.error_type) if row.status == "error" else None
    fields = (name_turn(turn), anchor, row.start_time_unix_nano, row.duration_ms, row.status)
    if isinstance(row, LLMInteractionSummary):
        used = (row.model or row.name, row.input_tokens, row.output_tokens, row.cost_usd, bool(row.is_unpriced))
        return ShareStep("llm", *fields, reason, *used)
    return ShareStep("tool", *fields, reason, None, None, None, None, False)


def show_steps(steps: Sequence[ShareStep], total: int, start: int, end: int) -> Html:
    """Return the steps as a list, each with a bar that shows when it ran."""
    length = max(end - start, 1)
    first = steps[:MOST_STEPS]
    items = [
        element("li", *_tell_step(step), _draw_bar(step, start, length), class_=f"step-{step.kind}") for step in first
    ]
    note = element("p", f"The first {len(first):,} of {count(total, 'step')}.", class_="quiet")
    return join_html(element("ol", *items, class_="steps"), note if len(first) < total else None)


def show_usage(steps: Sequence[ShareStep]) -> Html:
    """Return tokens and cost of each model."""
    by_model: dict[str, list[ShareStep]] = {}
    for step in steps:
        if step.model is not None:
            by_model.setdefault(step.model, []).append(step)
    return element("ul", *(element("li", _tell_usage(model, found)) for model, found in by_model.items()))


def show_failures(steps: Sequence[ShareStep]) -> Html | None:
    """Return the steps that failed, each with its reason; None: none did."""
    failed = [step for step in steps if step.status == "error"]
    if not failed:
        return None
    items = (
        element("li", _link(step), f": {cut_text(step.reason or 'no reason is recorded', _LONGEST_REASON)}")
        for step in failed[:_MOST_FAILURES]
    )
    note = element("p", f"The first {_MOST_FAILURES} of {count(len(failed), 'failure')}.", class_="quiet")
    return join_html(element("ul", *items), note if len(failed) > _MOST_FAILURES else None)


def _tell_step(step: ShareStep) -> Iterator[Html]:
    yield _link(step)
    tokens = [number for number in (step.input_tokens, step.output_tokens) if number is not None]
    facts = (
        format_ms(step.duration_ms),
        f"{format_tokens(sum(tokens))} tokens" if tokens else None,
        None if step.cost_usd is None else f"${format_cost(step.cost_usd)}",
    )
    yield element("span", " · ".join(fact for fact in facts if fact), class_="quiet")
    if step.status not in (None, "ok"):
        yield element("span", step.status, class_="failed")


def _link(step: ShareStep) -> Html:
    return element("a", step.name, href=f"#{step.anchor}")


def _draw_bar(step: ShareStep, start: int, length: int) -> Html:
    left = min(max(100 * (step.start - start) / length, 0.0), 100 - _SHORTEST_BAR)
    width = min(max(100 * 1e6 * (step.duration_ms or 0) / length, _SHORTEST_BAR), 100 - left)
    bar = element("rect", x=f"{left:.2f}", y="0", width=f"{width:.2f}", height="4", class_=f"bar-{step.kind}")
    return element("svg", bar, viewBox="0 0 100 4", preserveAspectRatio="none", aria_hidden="true")


def _tell_usage(model: str, steps: Sequence[ShareStep]) -> str:
    told = [f"{cut_text(model, 200)}: {count(len(steps), 'call')}"]
    for name, way in (("input_tokens", "in"), ("output_tokens", "out")):
        known = [number for step in steps if (number := getattr(step, name)) is not None]
        if known:
            told.append(f"{format_count(sum(known))} tokens {way}")
    costs = [step.cost_usd for step in steps if step.cost_usd is not None]
    if costs:
        told.append(f"${format_cost(sum(costs), sum(step.is_unpriced for step in steps))}")
    return ", ".join(told)
