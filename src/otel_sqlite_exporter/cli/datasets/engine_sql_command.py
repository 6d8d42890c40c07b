# SPDX-License-Identifier: Apache-2.0
"""The command `engine-sql`: the SQL with which DuckDB, ClickHouse or Spark ask a dataset."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli.formatting import print_lines

if TYPE_CHECKING:
    from otel_sqlite_exporter.archive.asking.engine_sql import Engine


@click.command("engine-sql")
@click.argument("engine", metavar="ENGINE", type=click.Choice(["duckdb", "clickhouse", "spark"]))
@click.option("--dataset", metavar="URI", help="The folder of the dataset, or a URI such as s3://bucket/folder.")
@click.option("--in-place", is_flag=True, help="ClickHouse: read the files where they are, without tables.")
@click.option(
    "--day",
    "days",
    metavar="DAY",
    type=click.DateTime(["%Y-%m-%d"]),
    multiple=True,
    help="ClickHouse: print only what loads this day (UTC, as 2026-01-31), or loads it again. May be repeated.",
)
def engine_sql(engine: Engine, *, dataset: str | None, in_place: bool, days: tuple[datetime, ...]) -> None:
    """Print the SQL with which another engine asks a dataset.

    ENGINE is duckdb, clickhouse or spark. The tables come first, for ClickHouse with what loads them, then the public
    views: the same as in a file. Without --dataset, /path/to/dataset stands in the text. Engines read all files of the
    folder, so run `compact` before. Nothing is read or changed, and no engine is needed.
    """
    from otel_sqlite_exporter.archive.asking.engine_sql import render_engine_sql

    if (in_place or days) and engine != "clickhouse":
        raise click.UsageError("--in-place and --day are for clickhouse")
    if in_place and days:
        raise click.UsageError("give either --in-place or --day")
    dates = sorted({f"{day:%Y-%m-%d}" for day in days})
    print_lines(*render_engine_sql(engine, dataset, in_place=in_place, days=dates).splitlines())


COMMANDS = (engine_sql,)
