# SPDX-License-Identifier: Apache-2.0
"""The lines of a metric as figures: those with the same unit are drawn together, and stand in one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.query.metric_series.series_answers import MetricLine, MetricSeriesResult, RawPoint
from otel_sqlite_exporter.server.page.charts.chart_values import MISSING, float_of
from otel_sqlite_exporter.server.page.charts.svg_columns import MOST_SERIES
from otel_sqlite_exporter.server.page.charts.svg_lines import Line, Mark, draw_lines, list_names
from otel_sqlite_exporter.server.page.charts.time_labels import write_time
from otel_sqlite_exporter.server.page.shown_metrics.listed_metrics import list_values
from otel_sqlite_exporter.show.html_text import Html
from otel_sqlite_exporter.show.measures import format_measure, name_unit

MOST_ROWS, MOST_COLUMNS = 500, 50
"""The most times and lines of a table; the JSON has all."""
_LONGEST_NAME = 120
_COUNTS = ("rate", "increase", "count", "sum")
"""Aggregates of which nothing is 0."""


class TableCell(NamedTuple):
    """A value. `y` is its number, for the plot; None: it is not drawn."""

    text: str
    y: float | None


class TableRow(NamedTuple):
    """The values of one time, which is in seconds since 1970."""

    x: float
    time: str
    cells: Sequence[TableCell]


class SeriesFigure(NamedTuple):
    """Lines with one unit.

    Attributes:
        caption: What the values are.
        names: Of the lines, which are the columns of the table.
        drawn: How many of them are drawn.
        is_from_zero: The scale begins at zero.
        left_out: How many times the table leaves out, the oldest.
        marks: Single values on the plot.
    """

    caption: str
    unit: str
    names: Sequence[str]
    drawn: int
    is_from_zero: bool
    is_estimate: bool
    rows: Sequence[TableRow]
    left_out: int
    plot: Html
    legend: Html | None
    marks: Sequence[Mark]


def make_figures(result: MetricSeriesResult, marks: Sequence[Mark]) -> list[SeriesFigure]:
    """Return the figures of a metric. The marks are values as the metric counts them."""
    groups: dict[str, list[MetricLine]] = {}
    for line in result.series:
        groups.setdefault(line.unit, []).append(line)
    times = result.since_unix_nano / 1e9, result.until_unix_nano / 1e9
    return [
        _make_figure(lines, times, marks if _has_values(lines, result) else (), len(groups) > 1)
        for lines in groups.values()
    ]


def _has_values(lines: Sequence[MetricLine], result: MetricSeriesResult) -> bool:
    """Return whether lines show values of the kind that exemplars are."""
    return lines[0].unit == result.unit and lines[0].aggregate not in (*_COUNTS, "raw")


def _make_figure(
    lines: Sequence[MetricLine], times: tuple[float, float], marks: Sequence[Mark], is_one_of_several: bool
) -> SeriesFigure:
    shown, unit = lines[:MOST_COLUMNS], lines[0].unit
    names = _name_lines(shown)
    drawn = [Line(name, [*_list_drawn(line)]) for name, line in zip(names[:MOST_SERIES], shown, strict=False)]
    aggregates = [*dict.fromkeys(line.aggregate for line in lines)]
    named = name_unit(unit)
    caption = f"{', '.join(aggregates)}{f', {named}' if named else ''}"
    is_from_zero = any(one in _COUNTS for one in aggregates)

    def write(value: float) -> str:
        return format_measure(value, unit)

    plot = draw_lines(drawn, caption=caption, times=times, format=write, marks=marks, has_ground=is_from_zero)
    rows = [*_make_rows(shown, len(drawn))]
    return SeriesFigure(
        caption,
        unit,
        names,
        len(drawn),
        is_from_zero,
        any(line.is_estimate for line in lines),
        rows[:MOST_ROWS],
        max(len(rows) - MOST_ROWS, 0),
        plot,
        list_names(drawn),
        [mark for mark in marks if float_of(mark.value) is not None],
    )


def _name_lines(lines: Sequence[MetricLine]) -> list[str]:
    """Return the names of lines: their labels, and the aggregate where it differs."""
    has_several = len({line.aggregate for line in lines}) > 1
    names = []
    for line in lines:
        one = [*line.labels.values()]
        labels = _write(one[0])[:_LONGEST_NAME] if len(one) == 1 else write_labels(line.labels)
        words = [*([line.aggregate] if has_several or not labels else []), *([labels] if labels else [])]
        names.append(" · ".join(words))
    return names


def write_labels(labels: Mapping[str, Any]) -> str:
    """Return labels, or attributes, in one line."""
    text = ", ".join(f"{key}={_write(value)}" for key, value in labels.items())
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"


def _write(value: Any) -> str:
    return "(none)" if value is None else value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def _list_drawn(line: MetricLine) -> Iterator[tuple[float, float | None]]:
    """Yield what is drawn of a line; of a distribution as it is stored, how many values each point brought."""
    for point, (x, value) in zip(line.points, list_values(line), strict=True):
        yield x, (point.count_delta if value is None and isinstance(point, RawPoint) else value)


def _make_rows(lines: Sequence[MetricLine], drawn: int) -> Iterator[TableRow]:
    """Yield a row for each time, the newest first."""
    columns = [
        {point.time_unix_nano: value for point, (_, value) in zip(line.points, _list_drawn(line), strict=True)}
        for line in lines
    ]
    for time in sorted({time for column in columns for time in column}, reverse=True):
        cells = []
        for number, (line, column) in enumerate(zip(lines, columns, strict=True)):
            value = column.get(time)
            text = "" if time not in column else MISSING if value is None else format_measure(value, line.unit)
            cells.append(TableCell(text, float_of(value) if number < drawn else None))
        yield TableRow(time / 1e9, write_time(time // 10**9), cells)
