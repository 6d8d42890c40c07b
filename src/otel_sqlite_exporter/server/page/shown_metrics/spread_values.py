# SPDX-License-Identifier: Apache-2.0
"""How the values of a histogram are spread: its buckets, over time and in all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from otel_sqlite_exporter.query.metric_series.metric_aggregates import BUCKETS
from otel_sqlite_exporter.query.metric_series.series_answers import (
    MetricLine,
    MetricSeriesResult,
    SeriesPoint,
    ValueBucket,
)
from otel_sqlite_exporter.server.page.charts.chart_values import Bar
from otel_sqlite_exporter.server.page.charts.svg_bars import make_histogram
from otel_sqlite_exporter.server.page.charts.svg_heat import MOST_CELLS, HeatColumn, draw_heat
from otel_sqlite_exporter.show.html_text import Html
from otel_sqlite_exporter.show.measures import format_measure

Bounds = tuple[float, float]


class SpreadValues(NamedTuple):
    """The drawings: the buckets of each step, and all steps together."""

    over_time: Html
    in_all: Html


def split_buckets(result: MetricSeriesResult) -> tuple[MetricSeriesResult, Sequence[MetricLine]]:
    """Return a result without its lines of buckets, and these."""
    others = tuple(line for line in result.series if line.aggregate != BUCKETS)
    buckets = [line for line in result.series if line.aggregate == BUCKETS]
    aggregates = tuple(one for one in result.aggregates if one != BUCKETS)
    return replace(result, series=others, aggregates=aggregates), buckets


def draw_spread(lines: Sequence[MetricLine], unit: str, step_s: float) -> SpreadValues | None:
    """Return the drawings of lines of buckets, added up; None: nothing is counted."""
    by_time: dict[int, dict[Bounds, float]] = {}
    for line in lines:
        for point in line.points:
            if isinstance(point, SeriesPoint):
                _add_counts(by_time.setdefault(point.time_unix_nano, {}), point.buckets or ())
    counts = [(time / 1e9, found) for time, found in sorted(by_time.items())]
    cells = _merge_cells(sorted({bounds for _, found in counts for bounds in found}))
    if not cells:
        return None
    columns = [HeatColumn(time_s, _count_cells(found, cells)) for time_s, found in counts]
    names = [_name_cell(cell, unit) for cell in cells]
    sums = [sum(amounts) for amounts in zip(*(column.counts for column in columns), strict=True)]
    bars = [Bar(name, amount) for name, amount in zip(names, sums, strict=True)]
    return SpreadValues(
        draw_heat(columns, names, caption="Values by size over time", step_s=step_s),
        make_histogram(bars, caption="Values by size, of all times"),
    )


def _add_counts(counts: dict[Bounds, float], buckets: Sequence[ValueBucket]) -> None:
    for bucket in buckets:
        lower = -math.inf if bucket.lower is None else bucket.lower
        upper = math.inf if bucket.upper is None else bucket.upper
        counts[lower, upper] = counts.get((lower, upper), 0) + bucket.count


def _merge_cells(bounds: Sequence[Bounds]) -> list[Sequence[Bounds]]:
    """Return the buckets of each cell: several that follow each other where there are many."""
    size = -(-len(bounds) // MOST_CELLS) or 1
    return [bounds[place : place + size] for place in range(0, len(bounds), size)]


def _count_cells(counts: Mapping[Bounds, float], cells: Sequence[Sequence[Bounds]]) -> list[float]:
    return [sum(counts.get(bounds, 0) for bounds in cell) for cell in cells]


def _name_cell(cell: Sequence[Bounds], unit: str) -> str:
    lower, upper = min(one for one, _ in cell), max(one for _, one in cell)
    if math.isinf(lower) and math.isinf(upper):
        return "all values"
    if math.isinf(lower):
        return f"up to {format_measure(upper, unit)}"
    if math.isinf(upper):
        return f"above {format_measure(lower, unit)}"
    if lower == upper:
        return format_measure(lower, unit)
    return f"{format_measure(lower, unit)} to {format_measure(upper, unit)}"
