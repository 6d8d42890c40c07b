# SPDX-License-Identifier: Apache-2.0
"""The steps of two runs as rows, and the first difference with what was said, for the template."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.query.comparisons.call_requests import list_request_changes
from otel_sqlite_exporter.query.comparisons.compared_runs import find_difference, read_said
from otel_sqlite_exporter.query.comparisons.first_divergence import Divergence
from otel_sqlite_exporter.query.comparisons.step_alignment import AlignedSteps
from otel_sqlite_exporter.query.comparisons.step_skeletons import SAID, StepSkeleton
from otel_sqlite_exporter.server.page.compare.word_difference import TextDifference, compare_texts
from otel_sqlite_exporter.server.page.page_links import link_call, link_page, link_trace
from otel_sqlite_exporter.show.units import format_cost, format_ms, format_tokens

FIELD_WORDS: Mapping[str, str] = {
    "completion": "answer",
    "parameters": "request parameters",
    "tools": "tools offered",
    "status": "outcome",
}
"""What a field that differs is called where its name says something else."""


class ComparedStep(NamedTuple):
    """One step: its number, what it did, and where it is shown whole."""

    number: int | None
    kind: str
    what: str
    model: str | None
    status: str | None
    error: str | None
    duration_ms: float | None
    tokens: int | None
    cost_usd: float | None
    link: str | None


class ComparedRow(NamedTuple):
    """Two steps side by side. `change` and `fields` are those of `AlignedSteps`; `differences` are in words."""

    change: str
    a: ComparedStep | None
    b: ComparedStep | None
    fields: tuple[str, ...]
    differences: tuple[str, ...]

    @property
    def words(self) -> str:
        """What differs of steps that did the same, as the page calls it."""
        return ", ".join(FIELD_WORDS.get(field, field) for field in self.fields)


class ShownDivergence(NamedTuple):
    """A place at which the runs differ: both steps, what else was sent, and the words that differ."""

    position: int
    field: str
    a: ComparedStep | None
    b: ComparedStep | None
    column: str | None
    said: TextDifference | None
    changes: Sequence[str]

    @property
    def words(self) -> str:
        """What differs, as the page calls it."""
        return FIELD_WORDS.get(self.field, self.field)


def show_step(step: StepSkeleton | None, number: int | None) -> ComparedStep | None:
    """Return a step with its link."""
    if step is None:
        return None
    known = [tokens for tokens in (step.input_tokens, step.output_tokens) if tokens is not None]
    return ComparedStep(
        number,
        step.kind,
        step.what or "?",
        step.model,
        step.status,
        step.error[:300] if step.error else None,
        step.duration_ms,
        sum(known) if known else None,
        step.cost_usd,
        _link(step),
    )


def _link(step: StepSkeleton) -> str | None:
    if step.kind in ("llm", "agent"):
        return link_call(step.id)
    if step.kind == "tool":
        return link_page(f"/tools/{step.id}")
    return None if not step.trace_id else link_trace(step.trace_id, span=step.span_id)


def show_rows(aligned: Sequence[AlignedSteps]) -> list[ComparedRow]:
    """Return rows with what differs in words."""
    return [
        ComparedRow(
            row.change,
            show_step(row.a, row.positions[0]),
            show_step(row.b, row.positions[1]),
            row.fields,
            tuple(_list_differences(row)),
        )
        for row in aligned
    ]


def _list_differences(row: AlignedSteps) -> list[str]:
    """Return what else the second step was sent, and how much more or less it took."""
    a, b = show_step(row.a, None), show_step(row.b, None)
    if a is None or b is None or row.a is None or row.b is None or row.change == "replaced":
        return []
    pairs = (
        (a.duration_ms, b.duration_ms, format_ms),
        (a.tokens, b.tokens, lambda value: f"{format_tokens(int(value))} tokens"),
        (a.cost_usd, b.cost_usd, lambda value: f"${format_cost(value)}"),
    )
    used = [
        f"{'+' if other > one else '−'}{write(abs(other - one))}"
        for one, other, write in pairs
        if one is not None and other is not None and one != other
    ]
    return [*list_request_changes(row.a.request, row.b.request), *used]


def show_divergence(connection: sqlite3.Connection, divergence: Divergence) -> ShownDivergence:
    """Return both steps of a place at which two runs differ, and what they said differently."""
    number, changes = divergence.position + 1, divergence.request_changes
    a, b = show_step(divergence.a, number), show_step(divergence.b, number)
    column = divergence.field
    if divergence.a is None or column not in SAID.get(divergence.a.kind, ()):
        return ShownDivergence(number, column, a, b, None, None, changes)
    found = find_difference(*(read_said(connection, step, column) for step in (divergence.a, divergence.b)))
    return ShownDivergence(number, column, a, b, column, compare_texts(found.a, found.b, found.place), changes)
