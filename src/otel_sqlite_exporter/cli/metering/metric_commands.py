# SPDX-License-Identifier: Apache-2.0
"""The commands `metrics`, which lists what is measured, and `metric`, which shows one of them over time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from otel_sqlite_exporter.cli import options as opt
from otel_sqlite_exporter.cli.formatting import format_time, print_lines
from otel_sqlite_exporter.cli.table_model import Column, Table
from otel_sqlite_exporter.cli.tables import print_csv, print_json, print_tables
from otel_sqlite_exporter.show.measures import name_unit

if TYPE_CHECKING:
    from otel_sqlite_exporter.query.metric_series.metric_summaries import MetricSummary
    from otel_sqlite_exporter.query.metric_series.series_answers import MetricSeriesResult
    from otel_sqlite_exporter.query.reader import TelemetryDatabase

# A copy of the kinds, so that `--help` does not import them; a test compares them.
METRIC_KINDS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
_KIND = click.option("--kind", type=click.Choice(METRIC_KINDS), multiple=True, help="Only this kind; may be repeated.")
_NAME = click.option(
    "--name", metavar="GLOB", multiple=True, help="Only this name; `*` stands for any characters. May be repeated."
)
_COLUMNS: tuple[Column[MetricSummary], ...] = (
    Column("name", lambda metric: metric.name, least=24),
    Column("kind", lambda metric: metric.kind),
    Column("unit", lambda metric: name_unit(metric.unit) or None, drop=3),
    Column("temporality", lambda metric: metric.temporality, drop=1),
    Column("series", lambda metric: metric.series),
    Column("services", lambda metric: ", ".join(metric.to_dict()["services"]), least=12, drop=4),
    Column("first_time", lambda metric: format_time(metric.first_time), drop=2),
    Column("last_time", lambda metric: format_time(metric.last_time), drop=5),
    Column("scope", lambda metric: metric.scope_name, least=12, drop=1),
)


@click.command()
@opt.DATABASE
@opt.SINCE
@opt.UNTIL
@_NAME
@_KIND
@opt.SESSION
@opt.USER
@opt.SERVICE
@opt.LIMIT
@opt.CURSOR
@opt.CSV
@opt.JSON
@click.pass_obj
def metrics(database: TelemetryDatabase, /, *, as_csv: bool, as_json: bool, **options: Any) -> None:
    """List the metrics of the file, by name."""
    is_whole = not any(value for key, value in options.items() if key != "limit")
    page = database.find_metrics(**_read_criteria(database, options))
    if as_json:
        return print_json({"total": page.total, "cursor": page.cursor, "metrics": page.to_dicts()})
    if as_csv:
        rows = page.to_dicts()
        names = list(rows[0]) if rows else [column.name for column in _COLUMNS]
        return print_csv(names, [[_as_cell(row[name]) for name in names] for row in rows])
    print_tables(Table(f"metrics ({page.describe()})", _COLUMNS, page.records))
    if page.cursor is not None:
        print_lines(f"next: --cursor {page.cursor}", to_stderr=True)
    if not page and is_whole:
        print_lines(
            "no metrics: set OTEL_METRICS_EXPORTER=sqlite; a program writes them once a minute and when it ends, see "
            "docs/metrics.md",
            to_stderr=True,
        )


@click.command()
@click.argument("name", metavar="NAME")
@opt.DATABASE
@opt.SINCE
@opt.UNTIL
@opt.TIMEZONE
@click.option("--step", metavar="STEP", help="The length of a step, such as 30s, 5m, 1h or 1d. Default: what fits.")
@click.option(
    "--aggregate",
    "-a",
    metavar="NAME",
    multiple=True,
    help="sum, increase, rate, last, avg, min, max, count, p95 or another percentile, buckets. May be repeated.",
)
@click.option(
    "--group-by",
    "-g",
    metavar="KEY",
    multiple=True,
    help="A line for each value of this attribute, or of service_name, session_id or user_id; `*`: for each series. "
    "May be repeated.",
)
@opt.ATTRIBUTE
@_KIND
@click.option("--unit", multiple=True, metavar="UNIT", help="Only this unit; may be repeated.")
@opt.SESSION
@opt.USER
@opt.SERVICE
@click.option("--limit", "-n", type=click.IntRange(1), default=10, show_default=True, help="Maximum of groups to show.")
@click.option("--raw", is_flag=True, help="Show every point as it is stored.")
@click.option("--buckets", is_flag=True, help="Also show how the values of a histogram are spread.")
@click.option("--exemplars", is_flag=True, help="Also show values with the span that measured them.")
@opt.CSV
@opt.JSON
@click.pass_obj
def metric(
    database: TelemetryDatabase,
    /,
    name: str,
    *,
    raw: bool,
    buckets: bool,
    exemplars: bool,
    as_csv: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Show a metric over time: a plot, and the values of its lines.

    NAME is one that `metrics` lists. A line is all series of the metric, or with --group-by those of one group.
    """
    from otel_sqlite_exporter.cli.metering.series_output import find_width, list_parts
    from otel_sqlite_exporter.query.metric_series.metric_summaries import ExemplarFilter
    from otel_sqlite_exporter.query.metric_series.series_answers import make_series_columns

    if raw and (options["step"] or options["aggregate"] or buckets):
        raise click.UsageError("--raw shows points as they are stored: leave out --step, --aggregate and --buckets")
    criteria = _read_criteria(database, options)
    if raw:
        criteria["step"] = "raw"
    result = database.get_metric_series(name, most_steps=find_width(), **criteria)
    if buckets:
        result = _ask_for_buckets(database, result, criteria)
    found = None
    if exemplars:
        given = {key: value for key, value in criteria.items() if key in ExemplarFilter.__annotations__}
        found = database.find_exemplars(name=name, **given)
    if as_json:
        more = {} if found is None else {"exemplars": found.to_dicts()}
        return print_json(result.to_dict() | more)
    if as_csv:
        columns = {key: values for key, (_, values) in make_series_columns(result.series).items()}
        return print_csv(list(columns), zip(*columns.values(), strict=True))
    whole = None if raw or not result.series else _ask_for_whole(database, result, criteria)
    print_tables(*list_parts(result, whole, found))
    if result.notes:
        print_lines(*(f"note: {note}" for note in result.notes), to_stderr=True)


def _read_criteria(database: TelemetryDatabase, options: dict[str, Any]) -> dict[str, Any]:
    """Return the filters that were given. The session may be one that only metrics name."""
    from otel_sqlite_exporter.query.metric_series.metric_sessions import resolve_session
    from otel_sqlite_exporter.query.reading import TelemetryFile
    from otel_sqlite_exporter.settings import resolve_settings

    session_id = options.pop("session_id")
    criteria = opt.read_criteria(database, options)
    if session_id is not None:
        file = TelemetryFile(database.path, resolve_settings(database.path).busy_timeout_ms)
        criteria["session_id"] = resolve_session(file, session_id)
    return criteria


def _ask_for_buckets(
    database: TelemetryDatabase, result: MetricSeriesResult, criteria: dict[str, Any]
) -> MetricSeriesResult:
    """Return the answer with the buckets besides what it has."""
    if not result.kind.endswith("histogram"):
        raise click.UsageError(f"a {result.kind} has no buckets: leave out --buckets")
    return database.get_metric_series(
        result.name,
        most_steps=len(result.series[0].points) if result.series else 1,
        **criteria | {"aggregate": [*result.aggregates, "buckets"]},
    )


def _ask_for_whole(
    database: TelemetryDatabase, result: MetricSeriesResult, criteria: dict[str, Any]
) -> MetricSeriesResult:
    """Return what the lines have in the whole range, and how much came in all where a rate is asked for."""
    asked = [one for one in result.aggregates if one != "buckets"]
    range = {"since": result.since_unix_nano, "until": result.until_unix_nano, "step": "all"}
    aggregates = [*asked, "increase"] if "rate" in asked else asked
    return database.get_metric_series(result.name, **criteria | range | {"aggregate": aggregates or result.aggregates})


def _as_cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value


COMMANDS = (metrics, metric)
