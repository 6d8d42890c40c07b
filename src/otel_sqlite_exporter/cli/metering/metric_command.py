# SPDX-License-Identifier: Apache-2.0
"""The command that shows how a metric goes over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from otel_sqlite_exporter.cli import options as opt
from otel_sqlite_exporter.cli.metering.metric_listing import METRIC_KIND, SESSION, UNIT, USER

if TYPE_CHECKING:
    from otel_sqlite_exporter.query.reader import TelemetryDatabase


@click.command()
@click.argument("name", metavar="NAME")
@opt.DATABASE
@click.option(
    "--group-by",
    "-g",
    metavar="KEY",
    multiple=True,
    help="A line for each value of an attribute, service_name, session_id or user_id; '*': one for each series.",
)
@opt.ATTRIBUTE
@opt.SERVICE
@SESSION
@USER
@METRIC_KIND
@UNIT
@click.option(
    "--aggregate",
    "-a",
    metavar="NAME",
    multiple=True,
    help="rate, increase, sum, count, last, avg, min, max, p50 or any other pN, buckets. May be repeated.",
)
@click.option(
    "--step",
    metavar="TIME",
    help="From one value to the next: seconds, or 30s, 5m, 1h, 1d; all: the range is one step.",
)
@click.option("--raw", is_flag=True, help="Show every point as it is stored.")
@opt.SINCE
@opt.UNTIL
@click.option(
    "--tz",
    "timezone",
    metavar="ZONE",
    default="UTC",
    show_default=True,
    help="The timezone of days and weeks, and of what is shown: `local`, +02:00 or a name such as Europe/Berlin.",
)
@click.option("--exemplars", "with_exemplars", is_flag=True, help="Also show values with the spans that measured them.")
@click.option("--limit", "-n", type=click.IntRange(1), default=20, show_default=True, help="Maximum groups to show.")
@opt.CSV
@opt.JSON
@click.pass_obj
def metric(
    database: TelemetryDatabase,
    /,
    name: str,
    *,
    raw: bool,
    with_exemplars: bool,
    as_csv: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Show how a metric goes over time.

    NAME is one that `metrics` lists. Without --aggregate, a sum that only grows is shown as a rate, a gauge by its last
    values, and a histogram by estimated quantiles. Steps without points are empty.
    """
    from otel_sqlite_exporter.cli.metering.metric_output import show_metric

    given = opt.read_given(options)
    if "attributes" in given:
        given["attributes"] = opt.parse_conditions(given["attributes"])
    if raw:
        if "step" in given or "aggregate" in given:
            raise click.UsageError("--raw shows points as they are: leave out --step and --aggregate")
        given["step"] = "raw"
    show_metric(database, name, given, with_exemplars=with_exemplars, as_csv=as_csv, as_json=as_json)


COMMANDS = (metric,)
