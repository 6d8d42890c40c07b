# SPDX-License-Identifier: Apache-2.0
"""The command `prune`: removes what is old from a file, or what is too much."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.cli.options import ATTENTION, JSON, LIMIT, SETTINGS
from otel_sqlite_exporter.cli.progress_bar import show_progress
from otel_sqlite_exporter.parsing import parse_age, parse_size

if TYPE_CHECKING:
    from otel_sqlite_exporter.settings import Settings


def _parse_by(parse: Callable[[Any], int]) -> Callable[[click.Context, click.Parameter, str | None], int | None]:
    def convert(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
        try:
            return None if text is None else parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error), context, parameter) from None

    return convert


@click.command()
@SETTINGS
@click.option(
    "--older-than",
    metavar="AGE",
    callback=_parse_by(parse_age),
    help="Remove what ended longer ago than this, such as 30d or 12h.",
)
@click.option(
    "--max-size",
    metavar="SIZE",
    callback=_parse_by(parse_size),
    help="Remove what is oldest, if the file holds more than this, such as 2GiB, until it holds 5% less.",
)
@click.option("--max-sessions", type=click.IntRange(0), help="Keep only this many sessions, the newest.")
@click.option(
    "--service",
    "services",
    metavar="NAME",
    multiple=True,
    help="Remove only sessions, traces and log records of this service; may be repeated.",
)
@click.option(
    "--keep-failed",
    metavar="AGE",
    callback=_parse_by(parse_age),
    help="Keep sessions and traces with a failed request until they are as old as this.",
)
@click.option(
    "--metrics-raw-days",
    metavar="AGE",
    callback=_parse_by(parse_age),
    help="Make data points of metrics that are older than this one a series and hour.",
)
@click.option("--keep-users", is_flag=True, help="Keep the daily sums of what is removed by user too.")
@click.option("--dry-run", is_flag=True, help="Change nothing; print what would be removed.")
@LIMIT
@JSON
@click.pass_obj
def prune(
    settings: Settings,
    *,
    older_than: int | None,
    max_size: int | None,
    max_sessions: int | None,
    services: tuple[str, ...],
    keep_failed: int | None,
    metrics_raw_days: int | None,
    keep_users: bool,
    dry_run: bool,
    limit: int,
    as_json: bool,
) -> int:
    """Remove what is old or too much from a file, and keep daily sums of its usage; or what is old from a dataset.

    Whole sessions go, the oldest end first, and traces, log records and data points without a session. What runs and
    what is pinned stays. The command works in short transactions, also while applications write. It may be stopped at
    any time, and goes on when it is run again. Then free space is given back to the system.

    For a dataset, give --older-than, and if you like --keep-failed, --service, --dry-run and --json.

    Exit code 1 if the file stays beyond --max-size or --max-sessions.
    """
    from otel_sqlite_exporter.cli.outputs import prune_output
    from otel_sqlite_exporter.deliver.interrupted_spans import interrupt_spans
    from otel_sqlite_exporter.retention.prune import prune as remove
    from otel_sqlite_exporter.retention.prune_plan import plan_pruning
    from otel_sqlite_exporter.retention.retention_rules import RetentionRules

    if all(rule is None for rule in (older_than, max_size, max_sessions, metrics_raw_days)):
        raise click.UsageError("give --older-than, --max-size, --max-sessions or --metrics-raw-days")
    if os.path.isdir(settings.path):
        from otel_sqlite_exporter.cli.keeping.dataset_removals import prune_in_dataset

        of_files = (max_size, max_sessions, metrics_raw_days, keep_users or None)
        if older_than is None or any(rule is not None for rule in of_files):
            raise click.UsageError(
                f"{settings.path} is a dataset: give --older-than; --max-size, --max-sessions, "
                "--metrics-raw-days and --keep-users are for files"
            )
        return prune_in_dataset(settings.path, older_than, keep_failed, services, dry_run=dry_run, as_json=as_json)
    rules = RetentionRules(older_than, max_size, max_sessions, services, keep_failed, keep_users, metrics_raw_days)
    if dry_run:
        prune_output.show_plan(settings.path, plan_pruning(settings, rules), limit=limit, as_json=as_json)
        return 0
    with show_progress("removing records") as progress:
        done = remove(settings, rules, progress=progress, tidy=interrupt_spans)
    excess = prune_output.describe_excess(settings.path, done, rules)
    prune_output.show_pruning(settings.path, done, excess, as_json=as_json)
    if excess:
        print_lines(excess, to_stderr=True)
    return ATTENTION if excess else 0


COMMANDS = (prune,)
