# SPDX-License-Identifier: Apache-2.0
"""The command `merge`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from operator import attrgetter
from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli import options as opt
from otel_sqlite_exporter.cli.formatting import format_value, print_lines
from otel_sqlite_exporter.cli.progress_bar import show_progress
from otel_sqlite_exporter.cli.table_model import Column, Table
from otel_sqlite_exporter.cli.tables import print_json, print_tables
from otel_sqlite_exporter.errors import DamagedFileError, SQLiteExporterError
from otel_sqlite_exporter.model.plural import count

if TYPE_CHECKING:
    from otel_sqlite_exporter.imports.merging.merge_report import MergeReport
    from otel_sqlite_exporter.settings import Settings


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--into",
    metavar="TARGET",
    required=True,
    expose_value=False,
    callback=opt.resolve_path,
    help="The file to write to. It may exist; it is none of the FILEs.",
)
@opt.JSON
@click.pass_obj
def merge(settings: Settings, files: tuple[str, ...], *, as_json: bool) -> int:
    """Bring files of hosts, processes or days together in one.

    Each record is in TARGET once, also if several FILEs have it; of log records that are equal, TARGET has as many as
    the FILE that has most of them. Sessions, pairs and counted calls are derived across all of them by the rules and
    settings in force. FILEs are not changed, and may be written meanwhile.

    Run again, also after an interruption, the command writes only what is new. If a FILE cannot be merged (it is
    missing, newer, or of another kind), nothing is written. The exit code is 1 if a part of a FILE is damaged: the rest
    of it is merged.
    """
    from otel_sqlite_exporter.imports.merging.merge_sources import check_merge_source, open_merge_source
    from otel_sqlite_exporter.imports.merging.merger import Merger

    older: dict[str, bool] = {}
    failed: list[str] = []
    for file in map(os.path.abspath, files):
        try:
            older[file] = check_merge_source(file, settings)
        except (SQLiteExporterError, OSError) as error:
            failed.append(file)
            _print_failure(error)
    if failed:
        print_lines("nothing was merged: correct this, or leave out what cannot be merged", to_stderr=True)
        return opt.REFUSED
    reports: list[MergeReport] = []
    with closing(Merger(settings)) as merger:
        for file, is_older in older.items():
            try:
                with open_merge_source(file, settings, is_older=is_older) as source, show_progress(file) as progress:
                    reports.append(merger.merge(source, progress))
            except DamagedFileError as error:
                failed.append(file)
                _print_failure(error)
    _show_merge(settings.path, reports, as_json=as_json)
    is_damaged = any(report.damages or report.unreadable or report.refused for report in reports)
    return opt.ATTENTION if failed or is_damaged else 0


def _print_failure(error: Exception) -> None:
    print_lines(f"Error: {format_value(str(error))}", to_stderr=True)


_COLUMNS: list[Column[MergeReport]] = [
    Column("file", attrgetter("source"), least=24),
    Column("new_spans", attrgetter("new_spans")),
    Column("known_spans", attrgetter("known_spans"), drop=2),
    Column("running_spans", attrgetter("running_spans"), drop=3),
    Column("new_logs", attrgetter("new_logs")),
    Column("known_logs", attrgetter("known_logs"), drop=1),
    Column("new_points", attrgetter("new_points")),
    Column("known_points", attrgetter("known_points"), drop=1),
]


def _show_merge(path: str, reports: Sequence[MergeReport], *, as_json: bool) -> None:
    """Print what was merged, and on stderr what was not."""
    from otel_sqlite_exporter.storage.identity import name_command

    for report in reports:
        file = format_value(report.source)
        for damage in report.damages:
            print_lines(f"{file}: {format_value(damage)}", to_stderr=True)
        if report.unreadable:
            unreadable = count(report.unreadable, "record cannot be read", "records cannot be read")
            print_lines(f"{file}: {unreadable}: run `{name_command('doctor', report.source)}`", to_stderr=True)
        if report.refused:
            refused = count(report.refused, "record is", "records are")
            print_lines(f"{file}: {refused} damaged, and in the quarantine of {path}", to_stderr=True)
        if report.waiting_batches:
            waiting = count(report.waiting_batches, "batch waits", "batches wait")
            again = f"run `{name_command('recover', report.source)}`, then merge again"
            print_lines(f"{file}: {waiting} in its spool and was not merged: {again}", to_stderr=True)
        if report.lost_calls:
            lost = count(report.lost_calls, "pruned call")
            why = "they are not in this copy, but of a day whose calls it brought back"
            print_lines(f"{file}: the usage of {lost} is not counted any more: {why}", to_stderr=True)
        if report.is_unchanged and not as_json:
            print_lines(f"{file}: unchanged since the last merge")
    new = {name: sum(map(attrgetter(name), reports)) for name in ("new_spans", "new_logs", "new_points")}
    if as_json:
        return print_json({"path": path, **new, "files": [*map(asdict, reports)]})
    changed = [report for report in reports if not report.is_unchanged]
    if changed:
        print_tables(Table("files", _COLUMNS, changed))
    spans, logs, points = map(count, new.values(), ("span", "log record", "data point"))
    print_lines(f"added {spans}, {logs} and {points} to {path}")


COMMANDS = (merge,)
