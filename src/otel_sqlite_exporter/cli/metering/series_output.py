# SPDX-License-Identifier: Apache-2.0
"""What `metric` prints: facts, plots, a legend, buckets and exemplars."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from otel_sqlite_exporter.cli.formatting import Interval, format_time, format_value, is_terminal
from otel_sqlite_exporter.cli.table_model import Column, Facts, Part, Passage, Table, make_facts
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.metric_series.series_answers import RawPoint, SeriesPoint
from otel_sqlite_exporter.show.line_plot import Values, draw_line, find_bounds, list_drawn, shorten
from otel_sqlite_exporter.show.measures import format_measure, name_unit
from otel_sqlite_exporter.show.units import format_iso_time, format_ms

if TYPE_CHECKING:
    from otel_sqlite_exporter.query.metric_series.metric_summaries import ExemplarSummary
    from otel_sqlite_exporter.query.metric_series.series_answers import MetricLine, MetricSeriesResult
    from otel_sqlite_exporter.query.pages import Page

_WIDTH_IN_PIPE, _LEAST_WIDTH = 80, 20
_SCALE_WIDTH = 14
_BUCKETS = "buckets"
_RAW = "raw"
_HEIGHTS = ((1, 8), (4, 4), (12, 2))
"""How many lines there may be at most for each height of their plots in rows; more lines have one row each."""


class _BucketRow(NamedTuple):
    bounds: str
    values: float
    share: float


def find_width() -> int:
    """Return how many columns a plot may have: one for each step."""
    width = shutil.get_terminal_size().columns if is_terminal() else _WIDTH_IN_PIPE
    return max(_LEAST_WIDTH, width - _SCALE_WIDTH - 4)


def list_parts(
    result: MetricSeriesResult, whole: MetricSeriesResult | None, exemplars: Page[ExemplarSummary] | None
) -> Iterator[Part]:
    """Yield what is printed of an answer, in order; `whole` is the answer for the range as one step."""
    yield _describe(result)
    drawn = [line for line in result.series if line.aggregate not in (_BUCKETS, _RAW)]
    if drawn:
        yield _plot(drawn)
        yield _legend(drawn, () if whole is None else whole.series)
    if not result.series:
        yield Passage("no points", [(0, "there is none of these series in this time")])
    yield from (_list_buckets(line, result.unit) for line in result.series if line.aggregate == _BUCKETS)
    yield from (_list_points(line) for line in result.series if line.aggregate == _RAW)
    if exemplars is not None:
        yield _list_exemplars(exemplars)


def name_labels(labels: Mapping[str, Any]) -> str:
    """Return the labels of a line as one text: `http.route=/buy service_name=shop`; `all` if there are none."""
    return " ".join(f"{key}={format_value(value)}" for key, value in labels.items()) or "all"


def _describe(result: MetricSeriesResult) -> Facts:
    monotonic = "grows" if result.is_monotonic else "up and down"
    facts: dict[str, Any] = {
        "description": result.description or None,
        "kind": result.kind if result.is_monotonic is None else f"{result.kind}, {monotonic}",
        "temporality": result.temporality,
        "unit": name_unit(result.unit) or None,
        "from": format_time(format_iso_time(result.since_unix_nano)),
        "until": format_time(format_iso_time(result.until_unix_nano)),
        "step": None if result.step_s is None else format_ms(result.step_s * 1_000),
    }
    return make_facts(f"metric {result.name}", facts)


def _plot(lines: Sequence[MetricLine]) -> Passage:
    """Return a plot of each line below the other. Lines of one unit have one scale."""
    height = next((rows for most, rows in _HEIGHTS if len(lines) <= most), 1)
    width = find_width()
    short = [shorten([point.value for point in line.points], width) for line in lines]
    scales = _find_scales(lines, [values for values, _ in short])
    texts: list[tuple[int, str]] = []
    for line, (values, _) in zip(lines, short, strict=True):
        texts.append((0, f"{_name(line)}{' (estimated)' if line.is_estimate else ''}"))
        bounds = scales[line.unit]
        if bounds is None:
            texts.append((2, "no value in this time"))
            continue
        low, high = bounds
        marks = [format_measure(high, line.unit), *[""] * (height - 1)]
        if height > 1:
            marks[-1] = format_measure(low, line.unit)
        rows = draw_line(values, low, high, height)
        texts += [(2, f"{mark:>{_SCALE_WIDTH}} {row}".rstrip()) for mark, row in zip(marks, rows, strict=True)]
    steps = max(steps for _, steps in short)
    joined = f"; a column is the largest of {count(steps, 'step')}" if steps > 1 else ""
    return Passage(f"{count(len(lines), 'line')} over time{joined}", texts)


def _find_scales(lines: Sequence[MetricLine], values: Sequence[Values]) -> dict[str, tuple[float, float] | None]:
    """Return the foot and the top of the plots of each unit."""
    together: dict[str, list[int | float | None]] = {}
    for line, its_values in zip(lines, values, strict=True):
        together.setdefault(line.unit, []).extend(its_values)
    return {unit: find_bounds(every) for unit, every in together.items()}


def _name(line: MetricLine) -> str:
    return f"{line.aggregate}  {name_labels(line.labels)}"


def _legend(lines: Sequence[MetricLine], whole: Sequence[MetricLine]) -> Table[MetricLine]:
    known = {(name_labels(line.labels), line.aggregate): line for line in whole}

    def read_whole(line: MetricLine, aggregate: str) -> str | None:
        of_range = known.get((name_labels(line.labels), aggregate))
        value = None if of_range is None or not of_range.points else of_range.points[0].value
        return None if of_range is None or value is None else format_measure(value, of_range.unit)

    def read_amount(line: MetricLine) -> str | None:
        return read_whole(line, "increase") if line.aggregate == "rate" else None

    def pick(choose: Any) -> Any:
        def read(line: MetricLine) -> str | None:
            values = list_drawn([point.value for point in line.points])
            return format_measure(choose(values), line.unit) if values else None

        return read

    columns = [
        Column("line", lambda line: name_labels(line.labels), least=20),
        Column("aggregate", lambda line: line.aggregate),
        Column("whole_time", lambda line: read_whole(line, line.aggregate), right=True),
        Column("amount", read_amount, right=True),
        Column("last", pick(lambda values: values[-1]), right=True),
        Column("min", pick(min), right=True, drop=2),
        Column("max", pick(max), right=True, drop=1),
        Column("series", lambda line: line.series, drop=3),
    ]
    told = [column for column in columns if column.name != "amount" or any(map(read_amount, lines))]
    return Table("lines", told, lines)


def _list_buckets(line: MetricLine, unit: str) -> Table[_BucketRow]:
    totals: dict[tuple[float | None, float | None], float] = {}
    for point in line.points:
        for bucket in (point.buckets or ()) if isinstance(point, SeriesPoint) else ():
            key = (bucket.lower, bucket.upper)
            totals[key] = totals.get(key, 0) + bucket.count
    order = sorted(totals, key=lambda key: (key[0] is not None, key[0] or 0.0, key[1] is None, key[1] or 0.0))
    most = max(totals.values(), default=0) or 1
    rows = [_BucketRow(_name_bounds(*key, unit), totals[key], totals[key] / most) for key in order]
    columns: tuple[Column[_BucketRow], ...] = (
        Column("values from", lambda row: row.bounds),
        Column("share", lambda row: Interval(0, row.share)),
        Column("count", lambda row: int(row.values) if row.values == int(row.values) else row.values),
    )
    return Table(f"buckets of {name_labels(line.labels)} over the whole time", columns, rows)


def _name_bounds(lower: float | None, upper: float | None, unit: str) -> str:
    if lower is None:
        return "any" if upper is None else f"up to {format_measure(upper, unit)}"
    return f"above {format_measure(lower, unit)}" + ("" if upper is None else f" to {format_measure(upper, unit)}")


def _list_points(line: MetricLine) -> Table[RawPoint]:
    points = [point for point in line.points if isinstance(point, RawPoint)]
    columns: tuple[Column[RawPoint], ...] = (
        Column("time", lambda point: format_time(format_iso_time(point.time_unix_nano))),
        Column("value", lambda point: point.value),
        Column("delta", lambda point: point.delta),
        Column("count", lambda point: point.count),
        Column("count_delta", lambda point: point.count_delta, drop=3),
        Column("sum", lambda point: point.sum, drop=2),
        Column("sum_delta", lambda point: point.sum_delta, drop=4),
        Column("min", lambda point: point.min, drop=6),
        Column("max", lambda point: point.max, drop=5),
        Column("change", lambda point: point.change),
        Column("raw_points", lambda point: point.raw_points, drop=7),
    )
    shown = [column for column in columns if column.name == "time" or any(map(_has_value(column), points))]
    return Table(f"points of {name_labels(line.labels)} ({len(points)})", shown, points)


def _has_value(column: Column[RawPoint]) -> Any:
    return lambda point: column.read(point) is not None


def _list_exemplars(exemplars: Page[ExemplarSummary]) -> Table[ExemplarSummary]:
    columns: tuple[Column[ExemplarSummary], ...] = (
        Column("time", lambda one: format_time(one.time)),
        Column("value", lambda one: None if one.value is None else format_measure(one.value, one.unit), right=True),
        Column("trace_id", lambda one: one.trace_id),
        Column("span_id", lambda one: one.span_id, drop=2),
        Column("span", lambda one: one.span_name, least=12, drop=3),
        Column("attributes", lambda one: one.series_attributes, least=20, drop=1),
    )
    return Table(f"exemplars ({exemplars.describe()}), the newest first", columns, exemplars.records)
