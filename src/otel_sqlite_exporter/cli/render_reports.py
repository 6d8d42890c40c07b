# SPDX-License-Identifier: Apache-2.0
"""What commands that look after a file have found out, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli.table_cells import Table, Value, format_value
from otel_sqlite_exporter.cli.tables import format_time, print_tables
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.overview import Overview, SessionSummary
from otel_sqlite_exporter.storage.identity import migrate_hint
from otel_sqlite_exporter.storage.migrations import Pending, Report
from otel_sqlite_exporter.storage.steps import Migration
from otel_sqlite_exporter.version import __version__

if TYPE_CHECKING:
    from otel_sqlite_exporter.maintain.doctor import Finding
    from otel_sqlite_exporter.maintain.repair import Repair

# Of sessions, left out where a terminal has no room, the first of these first.
_SPARE = ("llm_calls", "traces", "spans", "user_id", "tokens", "errors")


def plan_as_dict(path: str, pending: Pending, *, backup: bool) -> dict[str, object]:
    """Return what `migrate --json` says of a file that it would change."""
    return {
        "path": path,
        "schema_version": pending.version,
        "pending": _steps_as_dicts(pending.steps),
        "has_old_views": pending.has_old_views,
        "needs_backup": backup,
    }


def report_as_dict(report: Report) -> dict[str, object]:
    """Return what `migrate --json` says of what it did."""
    return report._asdict() | {"applied": _steps_as_dicts(report.applied)}


def overview_as_dict(overview: Overview) -> dict[str, object]:
    """Return what `info --json` says."""
    return {"package_version": __version__} | asdict(overview)


def render_status(path: str, pending: Pending) -> None:
    """Print one line: whether the file lacks steps or views."""
    version, steps, has_old_views = pending
    if steps and version:
        click.echo(f"{path} has schema version {version}, {steps[-1].version} is needed: {migrate_hint(path)}")
    elif steps:
        click.echo(f"{path} has no schema yet: {migrate_hint(path)}")
    elif has_old_views:
        click.echo(f"{path} has schema version {version}, with older views: {migrate_hint(path)}")
    else:
        click.echo(f"{path} has schema version {version}: nothing to do")


def render_plan(path: str, pending: Pending, *, backup: bool) -> None:
    """Print what would be done."""
    version, steps, has_old_views = pending
    if not steps:
        return click.echo(f"would replace the views of {path}") if has_old_views else render_status(path, pending)
    target = f"schema version {steps[-1].version}"
    click.echo(
        f"would upgrade {path} from {version} to {target}:" if version else f"would create {path} with {target}:"
    )
    for step in steps:
        click.echo(f"  {step.version:4}  {step.name}  ({'quick' if step.is_quick else 'slow on a large file'})")
    click.echo("a backup would be written beside it" if backup else "no backup would be written")


def render_report(report: Report) -> None:
    """Print what was done, and where the backup is."""
    target = f"schema version {report.to_version}"
    if not report.from_version:
        click.echo(f"created {report.path} with {target}")
    elif report.applied:
        click.echo(f"upgraded {report.path} from {report.from_version} to {target} in {report.seconds:.2f} s")
        click.echo(f"backup: {report.backup or 'none'}")
    elif report.replaced_views:
        click.echo(f"replaced the views of {report.path}, which has {target}")
    else:
        click.echo(f"{report.path} has {target}: nothing to do")


def render_findings(path: str, findings: Sequence[Finding]) -> None:
    """Print what is wrong with a file, and what to do."""
    if not findings:
        click.echo(f"{path}: all is well")
    for finding in findings:
        click.echo(f"{finding.severity}: {finding.check}: {format_value(finding.what)}")
        click.echo(f"  {format_value(finding.remedy)}")


def render_repair(repair: Repair) -> None:
    """Print what was repaired; nothing where nothing had to be."""
    if repair.backup is not None:
        click.echo(f"backup: {repair.backup}")
    if repair.recovery.batches:
        click.echo(f"wrote {count(repair.recovery.records, 'record')} from the spool")
    if repair.interrupted:
        click.echo(f"marked {count(repair.interrupted, 'span')} as interrupted")


def render_overview(overview: Overview) -> None:
    """Print an overview."""
    print_tables(_overview_tables(overview))


def _steps_as_dicts(steps: Sequence[Migration]) -> list[dict[str, object]]:
    return [{"version": step.version, "name": step.name, "quick": step.is_quick} for step in steps]


def _overview_tables(overview: Overview) -> list[Table]:
    contents = overview.contents
    file: list[tuple[str, Value]] = [
        ("path", overview.path),
        ("schema version", _describe_version(overview)),
        ("package version", __version__),
        ("file size", format_bytes(overview.file_bytes)),
        ("write-ahead log size", format_bytes(overview.wal_bytes)),
    ]
    if contents is None:
        return [Table("file", (), file)]
    file += [("first span", contents.first_span_time), ("last span", contents.last_span_time)]
    sessions = [_session_columns(session) for session in contents.newest_sessions]
    tables = [Table("file", (), file), Table("views", ("view", "rows"), tuple(contents.counts.items()))]
    if sessions:
        title = f"newest sessions ({len(sessions)} of {contents.counts['sessions']})"
        tables.append(Table(title, tuple(sessions[0]), [tuple(one.values()) for one in sessions], spare=_SPARE))
    tables.append(Table("exporter health", (), tuple(asdict(contents.exporter_health).items())))
    tables.append(Table("link health", (), tuple(asdict(contents.link_health).items())))
    return tables


def _session_columns(session: SessionSummary) -> dict[str, Value]:
    return {
        "session_id": session.session_id,
        "user_id": session.user_id,
        "end_time": format_time(session.end_time),
        "traces": session.traces,
        "spans": session.spans,
        "errors": session.errors,
        "llm_calls": session.llm_calls,
        "tokens": session.total_tokens,
    }


def _describe_version(overview: Overview) -> str:
    version, ours = overview.schema_version, overview.package_schema_version
    if version > ours:
        return f"{version}, newer than {ours}, which this package writes: `pip install -U otel-sqlite-exporter`"
    if version < ours:
        return f"{version or 'none yet'}, {ours} is needed: {migrate_hint(overview.path)}"
    return str(version)


def format_bytes(size: int) -> str:
    """Return a size with its unit."""
    number = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.4g} {unit}"
        number /= 1000
    return f"{number:.4g} TB"
