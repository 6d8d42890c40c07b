# SPDX-License-Identifier: Apache-2.0
"""The command `archive`: writes closed days of a file to a dataset of Parquet."""

from __future__ import annotations

import time
from operator import attrgetter
from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli.formatting import format_value, print_lines
from otel_sqlite_exporter.cli.options import JSON, SETTINGS
from otel_sqlite_exporter.cli.progress_bar import show_progress
from otel_sqlite_exporter.cli.table_model import Column, Table
from otel_sqlite_exporter.cli.tables import print_json, print_tables
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.show.units import format_bytes

if TYPE_CHECKING:
    from otel_sqlite_exporter.archive.archiving.archive_file import ArchivedFile
    from otel_sqlite_exporter.archive.archiving.archive_plan import ArchivePlan, PlannedDay
    from otel_sqlite_exporter.archive.archiving.archive_run import ArchivedDay, ArchiveResult
    from otel_sqlite_exporter.settings import Settings

_NAMED = 5


def _parse_bound(context: click.Context, parameter: click.Parameter, text: str) -> int:
    from otel_sqlite_exporter.archive.archiving.closed_days import parse_bound

    try:
        return parse_bound(text, time.time_ns())
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from None


@click.command()
@SETTINGS
@click.option(
    "--to",
    "dataset",
    metavar="DATASET",
    required=True,
    type=click.Path(file_okay=False),
    help="The folder of the dataset: a new or an empty one becomes one.",
)
@click.option(
    "--before",
    "until_day",
    metavar="AGE",
    default="2d",
    show_default=True,
    callback=_parse_bound,
    help="Archive days (UTC) that ended this long ago or earlier, such as 2d; or those before a date as 2026-01-31.",
)
@click.option("--prune", "removes", is_flag=True, help="Then remove from the file what the dataset has.")
@click.option("--dry-run", is_flag=True, help="Change nothing; print which days would be written.")
@JSON
@click.pass_obj
def archive(settings: Settings, *, dataset: str, until_day: int, removes: bool, dry_run: bool, as_json: bool) -> None:
    """Write the closed days of a file to a dataset of Parquet.

    A day (UTC) has the traces that started on it, whole. It is written once, and again if records of it came late or
    were computed again since. Traces that run are left for a later run. Applications may write meanwhile. Run it every
    night, also from many hosts to one dataset; after an interruption, it goes on where it was.

    --prune then removes whole sessions that ended before these days, by the rules of `prune`: none that is pinned, that
    runs, or that the dataset has only in part. Their daily sums stay in the file.
    """
    from otel_sqlite_exporter.archive.archive_packages import load_duckdb, load_pyarrow

    load_pyarrow()
    load_duckdb()
    if dry_run:
        from otel_sqlite_exporter.archive.archiving.archive_plan import plan_archive

        plan = plan_archive(settings, dataset, until_day, removes=removes)
        _show_plan(settings.path, dataset, plan, as_json=as_json)
        return
    from otel_sqlite_exporter.archive.archiving.archive_file import archive_file

    with show_progress("archiving days") as progress, show_progress("removing records") as removing:
        done = archive_file(settings, dataset, until_day, removes=removes, progress=progress, removing=removing)
    _show_archive(settings.path, done, as_json=as_json)


_PLANNED: list[Column[PlannedDay]] = [
    Column("date", attrgetter("date")),
    Column("kind", attrgetter("kind")),
    Column("traces", attrgetter("traces")),
]
_WRITTEN: list[Column[ArchivedDay]] = [
    Column("date", attrgetter("date")),
    Column("kind", attrgetter("kind")),
    Column("spans", attrgetter("spans")),
    Column("logs", attrgetter("logs")),
    Column("points", attrgetter("points")),
    Column("size", lambda day: format_bytes(day.bytes), drop=1),
    Column("seconds", lambda day: f"{day.seconds:.2f}", drop=2),
]


def _show_plan(path: str, dataset: str, plan: ArchivePlan, *, as_json: bool) -> None:
    if as_json:
        days = [day._asdict() for day in plan.days]
        return print_json({"path": path, "dataset": dataset} | plan._asdict() | {"days": days})
    if plan.days:
        print_tables(Table("days that would be written", _PLANNED, list(plan.days)))
    else:
        print_lines(_describe_known(plan))
    for line in _describe_removed(plan):
        print_lines(line)
    if plan.running:
        print_lines(f"would leave {count(plan.running, 'trace that runs', 'traces that run')} for later")
    return None


def _show_archive(path: str, done: ArchivedFile, *, as_json: bool) -> None:
    from otel_sqlite_exporter.cli.outputs import prune_output

    archived, pruned = done
    if as_json:
        told = archived._asdict() | {
            "days": [day._asdict() for day in archived.days],
            "running": [trace._asdict() for trace in archived.running],
            "pruned": None if pruned is None else prune_output.dump_pruning(pruned),
        }
        return print_json({"path": path} | told)
    if archived.days:
        print_tables(Table("days", _WRITTEN, list(archived.days)))
        size = format_bytes(sum(day.bytes for day in archived.days))
        written = f"{count(len(archived.days), 'day')} ({size}) of {path} to {archived.dataset}"
        print_lines(f"archived {written} in {archived.seconds:.2f} s")
    else:
        print_lines(_describe_known(archived))
    for line in _describe_rest(archived):
        print_lines(line)
    if pruned is not None:
        prune_output.show_pruning(path, pruned, "", as_json=False)
    return None


def _describe_known(told: ArchivePlan | ArchiveResult) -> str:
    days = count(told.known_days - told.removed_days, "day")
    return f"nothing is to be written: the dataset has {days} of the file before {told.until}"


def _describe_removed(told: ArchivePlan | ArchiveResult) -> list[str]:
    days = count(told.removed_days, "day that was", "days that were")
    return [f"left alone: {days} removed from the dataset"] if told.removed_days else []


def _describe_rest(archived: ArchiveResult) -> list[str]:
    lines = _describe_removed(archived)
    added = [day.date for day in archived.days if day.kind == "added"]
    if added:
        lines.append(
            f"of {_name(added)} the file has only a part: what changed was added, and `compact` puts both together"
        )
    if archived.running:
        named = _name([f"{trace.trace_id} of {trace.date}" for trace in archived.running])
        number = count(len(archived.running), "trace runs and is", "traces run and are")
        lines.append(f"{number} left for later: {named}")
    return lines


def _name(names: list[str]) -> str:
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return ", ".join([*map(format_value, names[:_NAMED]), *more])


COMMANDS = (archive,)
