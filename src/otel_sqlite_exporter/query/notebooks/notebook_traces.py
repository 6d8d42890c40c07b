# SPDX-License-Identifier: Apache-2.0
"""A trace in a notebook: its spans as a tree, each with a bar that shows when it ran. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from otel_sqlite_exporter.query.notebooks.notebook_html import (
    LARGEST_CELL,
    NotebookCell,
    cut_text,
    make_facts,
    make_note,
    make_table,
    make_title,
)
from otel_sqlite_exporter.show.html_text import Html, element, join_html
from otel_sqlite_exporter.show.units import format_count, format_ms, format_tokens

MOST_SPANS = 500
_DEEPEST = 20
"""Levels that are indented. Below, the level stands as a number before the name."""
_INDENT = "\u2003"
_WIDTH, _UNITS, _SHORTEST = 200, 1_000, 5
_COLOURS = {"ok": "#4477aa", "error": "#cc3311", "running": "#ee7733"}
_OTHER_COLOUR = "#888888"
_HEADINGS = (
    *(NotebookCell("name"), NotebookCell("when"), NotebookCell("after", is_right=True)),
    *(NotebookCell("duration", is_right=True), NotebookCell("status"), NotebookCell("tokens", is_right=True)),
    NotebookCell("service"),
)


class SpanLine(NamedTuple):
    """A span of a trace as it is shown. `after_ms` is the time from the start of the trace to its own, `reason` why it
    failed."""

    depth: int
    name: str
    service: str
    after_ms: float
    duration_ms: float
    status: str
    reason: str | None
    tokens: int | None


def show_trace(
    trace_id: str, facts: Mapping[str, str | None], duration_ms: float, spans: Iterable[SpanLine], total: int
) -> Html:
    """Return a trace as names and values, and its first spans as a tree."""
    table, shown = make_table(_HEADINGS, (_make_cells(span, duration_ms) for span in spans), MOST_SPANS)
    known = [(name, NotebookCell(value)) for name, value in facts.items() if value is not None]
    rest = [make_note(f"The first {shown} of {format_count(total)} spans.")] if shown < total else []
    return join_html(make_title(f"trace {trace_id}"), make_facts(known), table, *rest)


def _make_cells(span: SpanLine, duration_ms: float) -> list[NotebookCell]:
    level = f"[{span.depth}] " if span.depth > _DEEPEST else ""
    name = cut_text(span.name, LARGEST_CELL)
    return [
        NotebookCell(join_html(f"{_INDENT * min(span.depth, _DEEPEST)}{level}{name}")),
        NotebookCell(_draw_bar(span, max(duration_ms, 1e-6))),
        NotebookCell(format_ms(span.after_ms), is_right=True),
        NotebookCell(format_ms(span.duration_ms), is_right=True),
        NotebookCell(span.status if span.reason is None else f"{span.status}: {span.reason}"),
        NotebookCell(format_tokens(span.tokens), is_right=True),
        NotebookCell(span.service),
    ]


def _draw_bar(span: SpanLine, whole_ms: float) -> Html:
    """Return a drawing of when the span ran: SVG whose attributes hold all of it."""
    begin = min(max(round(span.after_ms / whole_ms * _UNITS), 0), _UNITS - _SHORTEST)
    length = min(max(round(span.duration_ms / whole_ms * _UNITS), _SHORTEST), _UNITS - begin)
    bar = element("rect", x=begin, y=0, width=length, height=10, fill=_COLOURS.get(span.status, _OTHER_COLOUR))
    return element(
        "svg",
        bar,
        width=_WIDTH,
        height=10,
        viewBox=f"0 0 {_UNITS} 10",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"from {format_ms(span.after_ms)} on, for {format_ms(span.duration_ms)}",
    )
