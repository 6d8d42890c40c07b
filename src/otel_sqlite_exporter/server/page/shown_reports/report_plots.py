# SPDX-License-Identifier: Apache-2.0
"""The plot that fits a report: columns by time, bars by anything else, and the steps of a distribution."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from otel_sqlite_exporter.model.timezones import Calendar
from otel_sqlite_exporter.query.report_parts.report_texts import TIMES
from otel_sqlite_exporter.query.reports import ReportResult
from otel_sqlite_exporter.server.page.charts.chart_values import Bar, Format, Stack, write_number
from otel_sqlite_exporter.server.page.charts.svg_bars import make_bars, make_histogram, make_stacked_bars
from otel_sqlite_exporter.server.page.shown_reports.report_request import ReportRequest
from otel_sqlite_exporter.server.page.shown_reports.report_table import ReportTable
from otel_sqlite_exporter.server.page.shown_reports.row_links import read_period
from otel_sqlite_exporter.show.html_text import Html
from otel_sqlite_exporter.show.units import format_bytes, format_cost, format_ms, format_tokens

MEASURES: Mapping[str, tuple[str, str]] = {
    "sessions": ("total_tokens", "Tokens"),
    "durations": ("p90_ms", "p90: nine of ten take at most this"),
    "tokens": ("total_tokens", "Tokens"),
    "cost": ("cost_usd", "Cost in US dollars"),
    "errors": ("errors", "Failures"),
    "tools": ("executions", "Executions"),
    "agents-usage": ("input_tokens", "Tokens of the input"),
    "scores": ("scores", "Scores"),
    "links": ("success_rate", "Share of linked records"),
    "growth": ("spans", "Spans"),
}
"""The column that the plot of a report shows, and what that is."""
_LINES = ("p50_ms", "p90_ms", "p99_ms")
_MOST_BARS, _MOST_PERIODS = 20, 400
NO_VALUE = "(none)"


class Series(NamedTuple):
    """One number of a time series: seconds since 1970, the name of the series, the number."""

    x: int
    name: str
    y: float


def draw_report(request: ReportRequest, result: ReportResult, table: ReportTable) -> Html | None:
    """Return the plot of a report; None: it has none, or too few rows."""
    if request.name == "histogram":
        return draw_steps(result) if result.rows else None
    if request.name not in MEASURES or len(result.rows) < 2:
        return None
    name, caption = MEASURES[request.name]
    index = result.columns.index(name)
    format = _find_format(name)
    at = next((place for place, group in enumerate(result.groups) if group in TIMES), None)
    if at is None:
        bars = [
            Bar(_write_groups(result, row), row[index], link=cells[0].link)
            for row, cells in zip(result.rows[:_MOST_BARS], table.rows, strict=False)
        ]
        bars.sort(key=lambda bar: -(bar.value or 0))
        return make_bars(bars, caption=caption, format=format) if any(bar.value for bar in bars) else None
    if len({row[at] for row in result.rows}) > _MOST_PERIODS or name.endswith(("_ms", "_rate")):
        return None  # a line, which a script draws of the table
    stacks = _stack(result, at, index, request.calendar)
    return make_stacked_bars(stacks, caption=f"{caption} by {result.groups[at]}", format=format, with_numbers=False)


def draw_steps(result: ReportResult) -> Html:
    """Return the distribution of durations."""
    bars = [Bar(format_ms(begin) or "", pairs) for begin, _, pairs in _fill_steps(result.rows)]
    total = sum(bar.value or 0 for bar in bars)
    return make_histogram(bars, caption=f"How many take how long ({write_number(total)} in all)", with_numbers=False)


def _fill_steps(rows: Sequence[Sequence[Any]]) -> list[tuple[float, float, int]]:
    """Return the steps with those between them that have no pairs."""
    filled: list[tuple[float, float, int]] = []
    for begin, below, pairs in rows:
        while filled and filled[-1][1] < begin * 0.999 and len(filled) < _MOST_PERIODS and filled[-1][1] > 0:
            last = filled[-1][1]
            leading = float(f"{last:e}".partition("e")[0])
            filled.append((last, last * (2.5 if round(leading) == 2 else 2), 0))
        filled.append((begin, below, pairs))
    return filled


def find_series(request: ReportRequest, result: ReportResult) -> list[list[Series]] | None:
    """Return the numbers of each row as points of time series; None: its groups are no times."""
    at = next((place for place, group in enumerate(result.groups) if group in TIMES), None)
    if at is None or request.name not in MEASURES:
        return None
    name = MEASURES[request.name][0]
    columns = _LINES if name in _LINES and len(result.groups) == 1 else (name,)
    points = []
    for row in result.rows[: request.limit]:
        begin, _ = read_period(result.groups[at], row[at], request.calendar)
        others = " · ".join(_write(one) for place, one in enumerate(row[: len(result.groups)]) if place != at)
        points.append(
            [
                Series(int(begin.timestamp()), others or column.replace("_", " "), value)
                for column in columns
                if (value := row[result.columns.index(column)]) is not None
            ]
        )
    return points


def _stack(result: ReportResult, at: int, index: int, calendar: Calendar) -> list[Stack]:
    """Return a column for each period, also for those between that have no rows."""
    parts: defaultdict[str, dict[str, float | None]] = defaultdict(dict)
    for row in result.rows:
        others = " · ".join(_write(one) for place, one in enumerate(row[: len(result.groups)]) if place != at)
        parts[row[at]][others or result.columns[index].replace("_", " ")] = row[index]
    return [Stack(label, parts.get(label, {})) for label in _fill(sorted(parts), result.groups[at], calendar)]


def _fill(labels: Sequence[str], group: str, calendar: Calendar) -> Sequence[str]:
    """Return the labels with those of the days and weeks between them, unless there are too many."""
    if group == "hour" or not labels:
        return labels
    step = timedelta(days=7 if group == "week" else 1)
    first, last = (datetime.fromisoformat(label) for label in (labels[0], labels[-1]))
    if (last - first) / step > min(_MOST_PERIODS, 4 * len(labels) + 31):
        return labels  # mostly gaps
    return [(first + step * number).date().isoformat() for number in range((last - first) // step + 1)]


def _write_groups(result: ReportResult, row: Sequence[Any]) -> str:
    return " · ".join(_write(one) for one in row[: len(result.groups)])


def _write(value: Any) -> str:
    return NO_VALUE if value is None else str(value)


def _find_format(name: str) -> Format:
    if name.endswith("_ms"):
        return lambda value: format_ms(value) or ""
    if name == "cost_usd":
        return lambda value: f"${format_cost(value)}"
    if name.endswith("_tokens"):
        return lambda value: format_tokens(int(value)) or ""
    if name.endswith("bytes"):
        return format_bytes
    return (lambda value: f"{value:.1%}") if name.endswith("_rate") else write_number
