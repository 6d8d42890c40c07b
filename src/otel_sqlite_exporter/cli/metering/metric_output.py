# SPDX-License-Identifier: Apache-2.0
"""A metric over time as text, JSON and CSV: charts, a row for each group of series, the buckets of a histogram, and
exemplars."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import click

from otel_sqlite_exporter.cli.formatting import Interval, Value, format_time, print_lines
from otel_sqlite_exporter.cli.metering.column_charts import draw_chart, explain_shades
from otel_sqlite_exporter.cli.metering.metric_listing import describe_kind
from otel_sqlite_exporter.cli.table_model import Column, Facts, Part, Passage, Table, make_facts
from otel_sqlite_exporter.cli.tables import print_csv, print_json, print_tables
from otel_sqlite_exporter.model.timezones import Calendar
from otel_sqlite_exporter.query.filter_values import parse_calendar
from otel_sqlite_exporter.query.metric_series.metric_summaries import ExemplarSummary, MetricDescription
from otel_sqlite_exporter.query.metric_series.series_answers import (
    MetricLine,
    MetricSeriesResult,
    RawPoint,
    SeriesPoint,
    ValueBucket,
    make_series_columns,
    write_label,
)
from otel_sqlite_exporter.query.notebooks.notebook_lines import describe_labels
from otel_sqlite_exporter.query.pages import Page
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.show.measures import format_measure, name_unit
from otel_sqlite_exporter.show.sparklines import draw_sparkline, find_limits
from otel_sqlite_exporter.show.units import format_count

_WIDEST, _HEIGHT, _INDENT = 120, 8, 4
_SPARKLINE = 24
_MOST_BUCKETS = 24
_MOST_POINTS = 1_000
_MOST_EXEMPLARS = 20
_NAMED_VALUES = 5
_DAY_NS = 86_400 * 10**9
_WHOLE = ("last", "avg", "min", "max")
_OF_COUNTS = ("count", "rate", "avg", "p50", "p95", "p99", "max", "buckets")
_FILTERS = ("attributes", "service_name", "session_id", "user_id", "kind", "unit", "timezone", "limit", "group_by")


def show_metric(
    database: TelemetryDatabase,
    name: str,
    given: Mapping[str, Any],
    *,
    with_exemplars: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Print a metric over time; `given` are keywords of `get_metric_series`."""
    if as_csv:
        if with_exemplars:
            raise click.UsageError("--csv has no exemplars: give --json, or leave out --exemplars")
        columns = make_series_columns(database.get_metric_series(name, **given).series)
        return print_csv([*columns], zip(*(values for _, values in columns.values()), strict=True))
    if as_json:
        result = database.get_metric_series(name, **given)
        shown = result.to_dict()
        if with_exemplars:
            shown["exemplars"] = _find_exemplars(database, result, given, limit=_MOST_POINTS).to_dicts()
        return print_json(shown)
    width = min(shutil.get_terminal_size().columns, _WIDEST) - _INDENT
    described = database.get_metric(name)
    result = database.get_metric_series(name, most_steps=width // 2, **given)
    calendar = parse_calendar("timezone", given.get("timezone", "UTC"))
    parts: list[Part] = [_make_facts(described, result, calendar)]
    if result.step_s is None:
        parts += _make_points(result, calendar)
    else:
        parts += _make_lines(database, result, given, calendar, width)
    if with_exemplars:
        parts.append(_make_exemplars(_find_exemplars(database, result, given, limit=_MOST_EXEMPLARS)))
    print_tables(*parts)
    if result.notes:
        print_lines(*result.notes, to_stderr=True)
    return None


def _make_facts(described: MetricDescription, result: MetricSeriesResult, calendar: Calendar) -> Facts:
    facets = [
        f"{facet.field} ({', '.join(str(value) for value, _ in facet.values[:_NAMED_VALUES])}"
        f"{', ...' if len(facet.values) > _NAMED_VALUES or facet.others else ''})"
        for facet in described.attributes
    ]
    instruments = [one for one in described.instruments if one.kind == result.kind and one.unit == result.unit]
    facts: dict[str, Value] = {
        "kind": "; ".join(dict.fromkeys(map(describe_kind, instruments))),
        "unit": result.unit or None,
        "description": result.description or None,
        "services": ", ".join(str(service) for service, _ in described.services.values),
        "series": described.series,
        "attributes": "; ".join(facets) or None,
        "from": _write_moment(result.since_unix_nano, calendar),
        "to": _write_moment(result.until_unix_nano, calendar),
        "step": None if result.step_s is None else format_measure(result.step_s, "s"),
    }
    return make_facts(f"metric {result.name}", facts)


def _make_lines(
    database: TelemetryDatabase,
    result: MetricSeriesResult,
    given: Mapping[str, Any],
    calendar: Calendar,
    width: int,
) -> list[Part]:
    """Return the charts, the rows of groups and the buckets. Their numbers are those of the whole range."""
    if not result.series:
        return [Passage("nothing in this range", [])]
    whole = database.get_metric_series(
        result.name,
        since=result.since_unix_nano,
        until=result.until_unix_nano,
        step="all",
        aggregate=given.get("aggregate") or _choose_numbers(result),
        **{name: given[name] for name in _FILTERS if name in given},
    )
    groups = _group_lines(result)
    numbers = {_key(lines[0]): lines for lines in _group_lines(whole)}
    parts: list[Part] = _draw_charts(groups[0], result, calendar, width) if len(groups) == 1 else []
    parts.append(_make_groups(groups, numbers, result))
    for lines in numbers.values() if len(groups) == 1 else ():
        buckets = [line for line in lines if line.aggregate == "buckets"]
        parts += [_make_buckets(line, result.unit) for line in buckets if _list_buckets(line)]
    return parts


def _choose_numbers(result: MetricSeriesResult) -> str:
    """Return what is told of the whole range, if nothing was asked for."""
    if result.kind.endswith("histogram"):
        return ",".join(_OF_COUNTS)
    if result.aggregates == ("last",):
        return ",".join(_WHOLE)
    return "increase,rate" if result.kind == "sum" else result.aggregate


def _draw_charts(lines: Sequence[MetricLine], result: MetricSeriesResult, calendar: Calendar, width: int) -> list[Part]:
    """Return a chart of the quantiles, and one of each other aggregate."""
    quantiles = [line for line in lines if line.aggregate.startswith("p")][:3]
    charts = [quantiles] if quantiles else []
    charts += [[line] for line in lines if line not in quantiles and line.aggregate != "buckets"]
    is_short = result.until_unix_nano - result.since_unix_nano <= _DAY_NS
    times = [
        _write_moment(moment, calendar)[11:19] if is_short else _write_moment(moment, calendar)[5:16]
        for moment in (result.since_unix_nano, result.until_unix_nano)
    ]
    parts: list[Part] = []
    for chart in charts:
        chart.sort(key=lambda line: float(line.aggregate[1:]) if line in quantiles else 0)
        unit = chart[0].unit
        names = [line.aggregate for line in chart]
        drawn = draw_chart(
            [_list_values(line) for line in chart],
            (times[0], times[1]),
            partial(format_measure, unit=unit),
            width=width,
            height=_HEIGHT,
            from_zero=names[0] not in _WHOLE,
        )
        named = " per second" if unit == "1/s" else f" in {name_unit(unit)}" if name_unit(unit) else ""
        title = f"{explain_shades(names) if len(names) > 1 else names[0]}{named}"
        parts.append(Passage(title, [(0, text) for text in drawn]))
    return parts


def _make_groups(
    groups: Sequence[Sequence[MetricLine]],
    numbers: Mapping[str, Sequence[MetricLine]],
    result: MetricSeriesResult,
) -> Table[Any]:
    first = [_choose_shown(lines) for lines in groups]
    low, high = find_limits(
        [value for line in first for value in _list_values(line)], from_zero=first[0].aggregate not in _WHOLE
    )
    keys = [*first[0].labels] if len(first[0].labels) <= 3 and len({(*line.labels,) for line in first}) == 1 else []
    columns: list[Column[Any]] = [Column(key, partial(_read_label, key), least=12) for key in keys]
    if not keys and first[0].labels:
        columns.append(Column("series", lambda line: describe_labels(line.labels), least=24))
    if len(groups) > 1:
        columns.append(
            Column(
                f"{first[0].aggregate} over time",
                lambda line: draw_sparkline(_list_values(line), _SPARKLINE, low, high),
                least=_SPARKLINE,
                drop=2,
            )
        )
    for aggregate in dict.fromkeys(line.aggregate for lines in numbers.values() for line in lines):
        if aggregate != "buckets":
            columns.append(Column(aggregate, _read_number(numbers, aggregate), right=True, drop=1))
    shown = len(groups) + result.omitted
    return Table(f"whole range ({len(groups):,} of {shown:,})", columns, first)


def _read_label(key: str, line: MetricLine) -> Value:
    return write_label(line.labels.get(key))


def _read_number(numbers: Mapping[str, Sequence[MetricLine]], aggregate: str) -> Callable[[MetricLine], Value]:
    def read(line: MetricLine) -> Value:
        for one in numbers.get(_key(line), ()):
            if one.aggregate == aggregate:
                values = [value for value in _list_values(one) if value is not None]
                return format_measure(values[-1], one.unit) if values else None
        return None

    return read


def _choose_shown(lines: Sequence[MetricLine]) -> MetricLine:
    """Return the line of a group that is shown over time."""
    return next((line for line in lines if line.aggregate == "p95"), lines[0])


def _make_buckets(line: MetricLine, unit: str) -> Table[Any]:
    buckets = _list_buckets(line)
    size = -(-len(buckets) // _MOST_BUCKETS)
    rows = [
        ValueBucket(part[0].lower, part[-1].upper, sum(bucket.count for bucket in part))
        for part in (buckets[place : place + size] for place in range(0, len(buckets), size))
    ]
    largest = max(row.count for row in rows) or 1
    total = sum(row.count for row in rows) or 1
    columns: list[Column[Any]] = [
        Column("above", lambda row: None if row.lower is None else format_measure(row.lower, unit), right=True),
        Column("up to", lambda row: None if row.upper is None else format_measure(row.upper, unit), right=True),
        Column("values", lambda row: row.count),
        Column("part", lambda row: f"{row.count / total:.1%}", right=True),
        Column("of the largest", lambda row: Interval(0, row.count / largest)),
    ]
    return Table("buckets", columns, rows)


def _make_points(result: MetricSeriesResult, calendar: Calendar) -> list[Part]:
    rows = [(line, point) for line in result.series for point in line.points if isinstance(point, RawPoint)]
    shown = rows[-_MOST_POINTS:]
    columns: list[Column[Any]] = [Column("time", lambda row: _write_moment(row[1].time_unix_nano, calendar))]
    columns.append(Column("series", lambda row: describe_labels(row[0].labels), least=24))
    for name in ("value", "delta", "count", "count_delta", "sum", "sum_delta", "min", "max", "change", "raw_points"):
        if any(getattr(point, name) is not None for _, point in shown):
            columns.append(Column(name, partial(_read_field, name)))
    return [Table(f"points ({len(shown):,} of {len(rows):,})", columns, shown)]


def _read_field(name: str, row: tuple[MetricLine, RawPoint]) -> Value:
    value: Value = getattr(row[1], name)
    return value


def _find_exemplars(
    database: TelemetryDatabase, result: MetricSeriesResult, given: Mapping[str, Any], *, limit: int
) -> Page[ExemplarSummary]:
    filters = {name: given[name] for name in ("service_name", "session_id") if name in given}
    return database.find_exemplars(
        name=result.name, since=result.since_unix_nano, until=result.until_unix_nano, limit=limit, **filters
    )


def _make_exemplars(page: Page[ExemplarSummary]) -> Table[Any]:
    columns: list[Column[Any]] = [
        Column("time", lambda one: format_time(one.time)),
        Column("value", lambda one: None if one.value is None else format_measure(one.value, one.unit), right=True),
        Column("trace_id", lambda one: one.trace_id),
        Column("span_id", lambda one: one.span_id),
        Column("span", lambda one: one.span_name, drop=2),
        Column("attributes", lambda one: one.attributes if one.attributes != "{}" else None, drop=1),
        Column("series", lambda one: one.series_attributes, drop=1),
    ]
    return Table(f"exemplars ({page.describe()})", columns, page.records)


def _group_lines(result: MetricSeriesResult) -> list[list[MetricLine]]:
    groups: dict[str, list[MetricLine]] = {}
    for line in result.series:
        groups.setdefault(_key(line), []).append(line)
    return [*groups.values()]


def _key(line: MetricLine) -> str:
    return repr(line.labels)


def _list_values(line: MetricLine) -> list[int | float | None]:
    return [point.value for point in line.points]


def _list_buckets(line: MetricLine) -> list[ValueBucket]:
    return [bucket for point in line.points if isinstance(point, SeriesPoint) for bucket in point.buckets or ()]


def _write_moment(time_unix_nano: int, calendar: Calendar) -> str:
    """Return a moment in the time zone as ISO 8601 text, in seconds."""
    seconds = time_unix_nano // 10**9
    try:
        return datetime.fromtimestamp(seconds, UTC).astimezone(calendar.zone).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return format_count(time_unix_nano)
