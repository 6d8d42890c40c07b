# SPDX-License-Identifier: Apache-2.0
"""The commands that ask a file or a dataset for rows: sql and report."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import click

from otel_sqlite_exporter.cli import options as opt
from otel_sqlite_exporter.cli.formatting import print_lines

if TYPE_CHECKING:
    from otel_sqlite_exporter.archive.reporting.dataset_reports import DatasetReports
    from otel_sqlite_exporter.query.reader import TelemetryDatabase
    from otel_sqlite_exporter.settings import Settings

# A copy of the names in `query.reports`, so that `--help` does not import it; a test compares them.
REPORT_NAMES = (
    *("sessions", "durations", "histogram", "tokens", "cost", "errors", "tools", "agents-usage", "genai-metrics"),
    *("scores", "slowest", "links", "attributes", "growth", "queries", "unrecognised"),
)


@click.command()
@click.argument("statement", metavar="STATEMENT")
@opt.SETTINGS
@click.option("--limit", "-n", type=click.IntRange(1), default=1_000, show_default=True, help="Maximum rows to show.")
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(0), default=math.inf, help="Give up after so many seconds."
)
@opt.CSV
@opt.JSON
@click.pass_obj
def sql(settings: Settings, statement: str, *, limit: int, timeout_s: float, as_csv: bool, as_json: bool) -> None:
    """Run a SELECT or EXPLAIN and print its rows.

    The statement cannot change anything: writing statements, ATTACH and PRAGMAs that set a value are refused. PATH may
    be a dataset: then it is a statement of DuckDB, on the same views.
    """
    from otel_sqlite_exporter.archive.dataset_format.dataset_folder import is_dataset
    from otel_sqlite_exporter.cli.outputs.query_output import show_rows
    from otel_sqlite_exporter.query.reading import TelemetryFile
    from otel_sqlite_exporter.query.sandbox.statement import run_statement

    if is_dataset(settings.path):
        from otel_sqlite_exporter.archive.asking.dataset_statement import run_on_dataset
        from otel_sqlite_exporter.archive.asking.divided_traces import describe_parts
        from otel_sqlite_exporter.archive.dataset_format.dataset_folder import open_dataset

        dataset = open_dataset(settings.path)
        found = run_on_dataset(dataset, statement, limit=limit, timeout_s=timeout_s, give_up=_end_process)
        show_rows("rows", found, as_json=as_json, as_csv=as_csv)
        return _tell(describe_parts(dataset))
    file = TelemetryFile(settings.path, settings.busy_timeout_ms)
    result = file.read(run_statement, statement, limit=limit, timeout_s=timeout_s)
    return show_rows("rows", result, as_json=as_json, as_csv=as_csv)


def _end_process() -> None:
    """End what cannot be stopped otherwise. The next command on a dataset removes its scratch folder."""
    print_lines(
        "Error: --timeout: the statement took longer, and DuckDB did not stop: ended the process", to_stderr=True
    )
    os._exit(opt.REFUSED)


def _tell(note: str | None) -> None:
    if note is not None:
        print_lines(note, to_stderr=True)


class _Report(click.Command):
    """Lists the groups of each report in its help."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from otel_sqlite_exporter.query.reports import REPORTS

        with formatter.section("Groups of each report, the default first"):
            formatter.write_dl([(name, ", ".join(report.groups)) for name, report in REPORTS.items()])


@click.command(cls=_Report)
@click.argument("name", metavar="NAME", type=click.Choice(REPORT_NAMES))
@opt.REPORTS
@opt.SINCE
@opt.UNTIL
@click.option("--group-by", "-g", metavar="GROUP", multiple=True, help="What a row stands for. May be repeated.")
@opt.SESSION
@opt.USER
@opt.MODEL
@opt.SERVICE
@opt.AGENT
@opt.STATUS
@click.option(
    "--tz",
    "timezone",
    metavar="ZONE",
    default="UTC",
    show_default=True,
    help="The timezone of hours, days and weeks: `local`, +02:00 or a name such as Europe/Berlin.",
)
@click.option(
    "--fail-above",
    metavar="NUMBER",
    type=float,
    help="Fail (exit code 1) if the sum of all rows is more: of cost_usd, total_tokens, or errors.",
)
@click.option("--limit", "-n", type=click.IntRange(1), help="Maximum rows to show.")
@click.option(
    "--plan",
    is_flag=True,
    callback=opt.check_form,
    help="Describe the report and how it reads the file; do not run it.",
)
@opt.CSV
@opt.JSON
@click.pass_obj
def report(
    database: TelemetryDatabase | DatasetReports,
    /,
    name: str,
    *,
    limit: int | None,
    fail_above: float | None,
    plan: bool,
    as_csv: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Print a report.

    NAME is one of those below. The reports durations, tokens, cost, errors, tools and scores take two groups, as in
    `-g day -g model`. PATH may be a dataset.
    """
    from otel_sqlite_exporter.cli.outputs.query_output import show_report
    from otel_sqlite_exporter.query.limits.budgets import check_budget
    from otel_sqlite_exporter.query.reader import TelemetryDatabase
    from otel_sqlite_exporter.query.reports import describe_report

    if plan:
        described = describe_report(name) if isinstance(database, TelemetryDatabase) else database.describe_report(name)
        print_lines(*described.replace(" Plan: ", "\nPlan: ").replace(" :", " --").split("\n"))
        return 0
    criteria = opt.read_criteria(database, given)
    budget = None if fail_above is None else check_budget(database, name, fail_above, criteria)
    result = database.run_report(name, limit=limit, **criteria)
    show_report(result, lambda: database.run_report("histogram", **criteria), as_json=as_json, as_csv=as_csv)
    if budget is not None and budget.sentence:
        print_lines(budget.sentence, to_stderr=True)
    if not isinstance(database, TelemetryDatabase):
        _tell(database.describe_parts())
    return opt.ATTENTION if budget is not None and budget.is_exceeded else 0


COMMANDS = (sql, report)
