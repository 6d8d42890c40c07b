# SPDX-License-Identifier: Apache-2.0
"""Lines of metrics in a notebook: a row for each, with its course as block characters. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.notebooks.notebook_html import NotebookCell, make_note, make_table, make_title
from otel_sqlite_exporter.show.html_text import Html, join_html
from otel_sqlite_exporter.show.line_plot import draw_line, find_bounds, list_drawn, shorten
from otel_sqlite_exporter.show.measures import format_measure

_MOST_LINES, _WIDTH = 100, 40


def show_series(result: Any) -> Html:
    """Return the lines of a `MetricSeriesResult` as a table."""
    title = make_title(f"metric {result.name}", f"({result.describe()})")
    if not result.series:
        return title
    headings = [NotebookCell(name) for name in ("series", "aggregate", "over time")]
    headings += [NotebookCell(name, is_right=True) for name in ("last", "min", "max", "points")]
    table, _ = make_table(headings, [_make_row(line) for line in result.series[:_MOST_LINES]], _MOST_LINES)
    steps = "" if result.step_s is None else f"Steps of {format_measure(result.step_s, 's')}."
    notes = [make_note(text) for text in (steps, *result.notes) if text]
    return join_html(title, table, *notes)


def _make_row(line: Any) -> list[NotebookCell]:
    values = [point.value for point in line.points]
    known = list_drawn(values)
    drawn, _ = shorten(values, _WIDTH)
    low, high = find_bounds(known) or (0, 0)
    (plot,) = draw_line(drawn, low, high, 1)
    numbers = [known[-1], min(known), max(known)] if known else [None] * 3
    return [
        NotebookCell(describe_labels(line.labels)),
        NotebookCell(line.aggregate),
        NotebookCell(plot),
        *(NotebookCell(None if one is None else format_measure(one, line.unit), is_right=True) for one in numbers),
        NotebookCell(count(len(values), "step" if line.aggregate != "raw" else "point"), is_right=True),
    ]


def describe_labels(labels: Mapping[str, Any]) -> str:
    """Return labels as a text: `route=/a code=200`; of none, `all`."""
    return " ".join(f"{key}={'-' if value is None else value}" for key, value in labels.items()) or "all"
