# SPDX-License-Identifier: Apache-2.0
"""The command that lists metrics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from otel_sqlite_exporter.cli import options as opt
from otel_sqlite_exporter.cli.formatting import format_time, is_terminal, print_lines
from otel_sqlite_exporter.cli.table_model import Column, Table
from otel_sqlite_exporter.cli.tables import print_csv, print_json, print_tables

if TYPE_CHECKING:
    from otel_sqlite_exporter.query.metric_series.metric_summaries import MetricSummary
    from otel_sqlite_exporter.query.reader import TelemetryDatabase

# A copy of the kinds, so that `--help` does not import them; a test compares them.
KINDS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
METRIC_KIND = click.option("--kind", type=click.Choice(KINDS), multiple=True, help="Only this kind; may be repeated.")
UNIT = click.option("--unit", metavar="TEXT", multiple=True, help="Only this unit, such as s or By; may be repeated.")
SESSION = click.option("--session", "session_id", metavar="ID", multiple=True, help="Only this session.")
USER = click.option("--user", "user_id", metavar="ID", multiple=True, help="Only this user.")
_COLUMNS: tuple[Column[MetricSummary], ...] = (
    Column("name", lambda metric: metric.name, least=24),
    Column("kind", lambda metric: describe_kind(metric), least=9),
    Column("unit", lambda metric: metric.unit or None, least=6, drop=7),
    Column("series", lambda metric: metric.series, drop=6),
    Column("services", lambda metric: _join(metric.services), least=10, drop=3),
    Column("last_time", lambda metric: format_time(metric.last_time), drop=5),
    Column("description", lambda metric: metric.description or None, least=16, drop=1),
)


def describe_kind(metric: MetricSummary) -> str:
    """Return what an instrument is: `sum, delta`, or `sum, cumulative, up and down`."""
    words = [metric.kind.replace("_", " ")]
    words += [metric.temporality] if metric.temporality is not None else []
    words += ["up and down"] if metric.is_monotonic == 0 else []
    return ", ".join(words)


def _join(services: str) -> str:
    return ", ".join(map(str, json.loads(services)))


@click.command()
@opt.DATABASE
@click.option("--name", metavar="GLOB", multiple=True, help="Only names like this, such as 'http.*'; may be repeated.")
@METRIC_KIND
@UNIT
@opt.SERVICE
@SESSION
@USER
@opt.SINCE
@opt.UNTIL
@opt.LIMIT
@opt.CURSOR
@opt.CSV
@opt.JSON
@click.pass_obj
def metrics(database: TelemetryDatabase, /, *, as_csv: bool, as_json: bool, **options: Any) -> None:
    """List metrics, by name.

    A row is an instrument: its kind, its unit, and how many series it has. `metric NAME` shows how it goes over time.
    """
    from otel_sqlite_exporter.query.pages import field_types

    page = database.find_metrics(**opt.read_given(options))
    if as_json:
        return print_json({"total": page.total, "cursor": page.cursor, "metrics": page.to_dicts()})
    if as_csv:
        names = (*field_types(page.row_type),)
        return print_csv(names, ([getattr(metric, name) for name in names] for metric in page))
    print_tables(Table(f"metrics ({page.describe()})", _COLUMNS, page.records))
    if page.cursor is not None and not is_terminal():
        print_lines(f"next: --cursor {page.cursor}", to_stderr=True)
    return None


COMMANDS = (metrics,)
