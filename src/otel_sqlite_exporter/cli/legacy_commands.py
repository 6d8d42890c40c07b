# SPDX-License-Identifier: Apache-2.0
"""What `migrate` does with a file of the attribute-row layout, and how it tells of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli.render_reports import format_bytes
from otel_sqlite_exporter.cli.table_cells import Table, format_value
from otel_sqlite_exporter.cli.tables import print_json, print_tables

if TYPE_CHECKING:
    from otel_sqlite_exporter.legacy.legacy_report import LegacyFile, LegacyReport
    from otel_sqlite_exporter.settings import Settings


def find_file(path: str, into: str | None, busy_timeout_ms: int) -> LegacyFile | None:
    """Return what stands at `path` if it is a file of the layout, or was."""
    from otel_sqlite_exporter.legacy.legacy_report import find_legacy_file

    return find_legacy_file(path, into=into, busy_timeout_ms=busy_timeout_ms)


def migrate_file(
    file: LegacyFile,
    settings: Settings,
    *,
    into: str | None,
    timezone: str,
    backup: bool,
    dry_run: bool,
    drop: bool,
    as_json: bool,
) -> None:
    """Migrate `file`, or tell what would be done, and print what was."""
    from otel_sqlite_exporter.imports.timestamps import parse_timezone
    from otel_sqlite_exporter.legacy.conversion import drop_legacy_tables, migrate_legacy_file, try_legacy_file
    from otel_sqlite_exporter.legacy.legacy_report import find_legacy_file

    zone = parse_timezone(timezone)
    was_done, freed = file.is_done, None
    with _show_progress(file) as progress:
        if dry_run and not was_done:
            report = try_legacy_file(file, settings, zone=zone, on_progress=progress)
        else:
            report = migrate_legacy_file(file, settings, zone=zone, into=into, backup=backup, on_progress=progress)
    if drop and not dry_run:
        done = find_legacy_file(file.path, into=into, busy_timeout_ms=settings.busy_timeout_ms)
        freed = drop_legacy_tables(done or file, busy_timeout_ms=settings.busy_timeout_ms)
    if as_json:
        return print_json(asdict(report) | {"dry_run": dry_run, "nothing_to_do": was_done, "bytes_freed": freed})
    _render(file, report, into, dry_run=dry_run, was_done=was_done, backup=backup)
    if freed is not None:
        click.echo(f"the old tables were removed: the file is {format_bytes(freed)} smaller")


def _render(
    file: LegacyFile, report: LegacyReport, into: str | None, *, dry_run: bool, was_done: bool, backup: bool
) -> None:
    target = into or file.path
    if was_done:
        return click.echo(f"nothing to do: {file.path} was migrated" + (f" into {into}" if into else ""))
    print_tables(_tables(report))
    click.echo()
    if dry_run:
        where = f"into {target}" if into else "in place: the old tables would be renamed to legacy_*"
        click.echo(f"would migrate {file.path} {where}")
        click.echo("a backup would be written beside it" if backup and not into else "no backup would be written")
        return None
    click.echo(f"migrated {file.path} in {sum(report.seconds.values()):.2f} s" + (f" into {into}" if into else ""))
    if not into:
        click.echo(f"backup: {report.backup or 'none'}")
        click.echo("the old tables are named legacy_* now; --drop-legacy removes them")
    if report.left_out:
        click.echo(f"no part of the layout, and left as they are: {', '.join(map(format_value, report.left_out))}")
    return None


def _tables(report: LegacyReport) -> list[Table]:
    rows = [(name, counts["read"], counts["written"]) for name, counts in report.tables.items()]
    tables = [Table("rows", ("table", "read", "records written"), rows)]
    tables += [Table(title, ("what", "count"), tuple(counts.items())) for title, counts in report.counts.items()]
    if report.filled:
        tables.append(Table("empty tables", ("table", "rows of the view"), tuple(report.filled.items())))
    seconds = [(name, f"{taken:.3f}") for name, taken in report.seconds.items()]
    tables.append(Table("stages", ("stage", "seconds"), seconds))
    sizes = [("before", format_bytes(report.bytes_before)), ("after", format_bytes(report.bytes_after))]
    tables.append(Table("size", (), sizes))
    return tables


@contextmanager
def _show_progress(file: LegacyFile) -> Iterator[Callable[[str, int], None]]:
    """Yield what shows, on stderr, the stage, the rows that were read, their rate and the time left; where that is no
    terminal, it shows nothing."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda stage, rows: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:20}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:,.0f} rows/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=count_steps(file.rows), rate=0)
        began, done = time.monotonic(), 0

        def show(stage: str, rows: int) -> None:
            nonlocal done
            done += rows
            rate = done / max(time.monotonic() - began, 1e-6)
            bar.update(task, description=stage, completed=done, rate=rate)

        yield show


def count_steps(rows: Mapping[str, int]) -> int:
    """Return how many rows a migration goes through: every row once, and every event again to verify it."""
    return sum(rows.values()) + rows.get("events", 0)
