# SPDX-License-Identifier: Apache-2.0
"""`migrate` for a file of attribute rows: the conversion, its progress and its report."""

from __future__ import annotations

import time
from dataclasses import asdict

from otel_sqlite_exporter.cli.formatting import format_value, print_lines
from otel_sqlite_exporter.cli.progress_bar import show_progress
from otel_sqlite_exporter.cli.table_model import Facts, Table, make_columns
from otel_sqlite_exporter.cli.tables import print_json, print_tables
from otel_sqlite_exporter.legacy.legacy_report import LegacyFile, LegacyReport, find_legacy_file
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.show.units import format_bytes


def migrate_file(
    file: LegacyFile,
    settings: Settings,
    into: str | None,
    timezone: str,
    *,
    backup: bool,
    dry_run: bool,
    drop: bool,
    as_json: bool,
) -> None:
    """Convert `file`, or only try it if `dry_run`, and print what was done."""
    from otel_sqlite_exporter.legacy.conversion import drop_legacy_tables, migrate_legacy_file, try_legacy_file
    from otel_sqlite_exporter.model.timezones import parse_timezone

    zone = parse_timezone(timezone)
    was_done, freed = file.is_done, None
    # The conversion reads every row once, and every event again to verify it.
    total, began, done = sum(file.rows.values()) + file.rows.get("events", 0), time.monotonic(), 0
    with show_progress("migrating") as show:

        def on_progress(stage: str, rows: int) -> None:
            nonlocal done
            done += rows
            show(done, total, f"{stage}, {done / max(time.monotonic() - began, 1e-6):,.0f} rows/s")

        if dry_run and not was_done:
            report = try_legacy_file(file, settings, zone=zone, on_progress=on_progress)
        else:
            report = migrate_legacy_file(file, settings, zone=zone, into=into, backup=backup, on_progress=on_progress)
    if drop and not dry_run:
        migrated = find_legacy_file(file.path, into=into, busy_timeout_ms=settings.busy_timeout_ms)
        freed = drop_legacy_tables(migrated or file, busy_timeout_ms=settings.busy_timeout_ms)
    if as_json:
        return print_json(asdict(report) | {"dry_run": dry_run, "nothing_to_do": was_done, "bytes_freed": freed})
    if was_done and freed is None:
        print_lines(f"nothing to do: {file.path} was migrated" + (f" into {into}" if into else ""))
    elif not was_done:
        _show_report(file, report, into, dry_run=dry_run, backup=backup)
    if freed is not None:
        print_lines(f"the old tables were removed: the file is {format_bytes(freed)} smaller")


def _show_report(file: LegacyFile, report: LegacyReport, into: str | None, *, dry_run: bool, backup: bool) -> None:
    rows = [(name, counts["read"], counts["written"]) for name, counts in report.tables.items()]
    counts = [
        Table(title, make_columns("what", "count"), tuple(counts.items())) for title, counts in report.counts.items()
    ]
    filled = Table("empty tables", make_columns("table", "rows of the view"), tuple(report.filled.items()))
    seconds = [(name, f"{taken:.3f}") for name, taken in report.seconds.items()]
    sizes = [("before", format_bytes(report.bytes_before)), ("after", format_bytes(report.bytes_after))]
    print_tables(
        Table("rows", make_columns("table", "read", "records written"), rows),
        *counts,
        *([filled] if report.filled else []),
        Table("stages", make_columns("stage", "seconds"), seconds),
        Facts("size", sizes),
    )
    print_lines("")
    if dry_run:
        in_place = "in place: the old tables would be renamed to legacy_*"
        print_lines(f"would migrate {file.path} {f'into {into}' if into else in_place}")
        return print_lines(
            "a backup would be written beside it" if backup and not into else "no backup would be written"
        )
    print_lines(f"migrated {file.path} in {sum(report.seconds.values()):.2f} s" + (f" into {into}" if into else ""))
    if not into:
        print_lines(f"backup: {report.backup or 'none'}")
        print_lines("the old tables are now named legacy_*; --drop-legacy removes them")
    if report.left_out:
        print_lines(f"not part of the layout, and unchanged: {', '.join(map(format_value, report.left_out))}")
