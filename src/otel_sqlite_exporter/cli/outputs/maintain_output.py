# SPDX-License-Identifier: Apache-2.0
"""The results of `migrate`, `info` and `doctor` as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from otel_sqlite_exporter.cli.formatting import Value, format_time, format_value, print_lines
from otel_sqlite_exporter.cli.table_model import Column, Facts, Table, make_columns
from otel_sqlite_exporter.cli.tables import print_json, print_tables
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.native.core_state import find_core_state
from otel_sqlite_exporter.query.limits.retention_notes import RetentionExcess
from otel_sqlite_exporter.query.overview import Overview
from otel_sqlite_exporter.query.session_conflicts import describe_conflicts
from otel_sqlite_exporter.show.units import format_bytes
from otel_sqlite_exporter.storage.identity import migrate_hint, name_command
from otel_sqlite_exporter.storage.migrations import Pending, Report
from otel_sqlite_exporter.storage.steps import Migration
from otel_sqlite_exporter.storage.stopped_migrations import describe_stopped_migration
from otel_sqlite_exporter.version import __version__

if TYPE_CHECKING:
    from otel_sqlite_exporter.maintain.doctor import Finding
    from otel_sqlite_exporter.maintain.repair import Repair

_SESSION_COLUMNS: list[Column[dict[str, Any]]] = [
    Column("session_id", itemgetter("session_id"), least=36),
    Column("user_id", itemgetter("user_id"), drop=4),
    Column("end_time", lambda session: format_time(session["end_time"])),
    Column("traces", itemgetter("traces"), drop=2),
    Column("spans", itemgetter("spans"), drop=3),
    Column("failed_requests", itemgetter("failed_requests"), drop=6),
    Column("llm_calls", itemgetter("llm_calls"), drop=1),
    Column("tokens", itemgetter("total_tokens"), drop=5),
]


def show_plan(path: str, pending: Pending, *, backup: bool, is_reindex_due: bool, in_full: bool, as_json: bool) -> None:
    """Print whether a file lacks steps or views, or needs `reindex`; if `in_full`, also which steps."""
    version, steps, has_old_views = pending
    if as_json:
        lacks = {"pending": _describe_steps(steps), "has_old_views": has_old_views, "needs_backup": backup}
        return print_json({"path": path, "schema_version": version, **lacks, "reindex_due": is_reindex_due})
    if is_reindex_due:
        print_lines(_say_reindex_due(path))
    if not steps:
        if in_full and has_old_views:
            return print_lines(f"would replace the views of {path}")
        state = f"older views: {migrate_hint(path)}" if has_old_views else "nothing to do"
        return print_lines(f"{path} has schema version {version}{', with ' if has_old_views else ': '}{state}")
    newest = steps[-1].version
    if not in_full:
        found = f"schema version {version}, {newest} is needed" if version else "no schema yet"
        return print_lines(f"{path} has {found}: {migrate_hint(path)}")
    print_lines(
        f"would {f'upgrade {path} from {version} to' if version else f'create {path} with'} schema version {newest}:"
    )
    for step in steps:
        print_lines(f"  {step.version:4}  {step.name}  ({'quick' if step.is_quick else 'slow on a large file'})")
    print_lines("a backup would be written beside it" if backup else "no backup would be written")


def show_migration(report: Report, *, is_reindex_due: bool, as_json: bool) -> None:
    """Print what `migrate` did, the path of the backup, and whether `reindex` is due."""
    path, target = report.path, f"schema version {report.to_version}"
    if as_json:
        described = report._asdict() | {"applied": _describe_steps(report.applied)}
        return print_json(described | {"reindex_due": is_reindex_due})
    if not report.from_version:
        print_lines(f"created {path} with {target}")
    elif report.applied:
        print_lines(f"upgraded {path} from {report.from_version} to {target} in {report.seconds:.2f} s")
        print_lines(f"backup: {report.backup or 'none'}")
    elif report.replaced_views:
        print_lines(f"replaced the views of {path}, which has {target}")
    else:
        print_lines(f"{path} has {target}: nothing to do")
    if is_reindex_due:
        print_lines(_say_reindex_due(path))


def _say_reindex_due(path: str) -> str:
    return f"its rows were derived by rules of another version: run `{name_command('reindex', path)}`"


def _describe_steps(steps: Sequence[Migration]) -> list[dict[str, object]]:
    return [{"version": step.version, "name": step.name, "quick": step.is_quick} for step in steps]


def show_findings(path: str, findings: Sequence[Finding], repair: Repair | None, *, as_json: bool) -> None:
    """Print what was repaired, and what is wrong with a file and how to correct it."""
    if as_json:
        repaired = None if repair is None else repair._asdict() | {"recovery": repair.recovery._asdict()}
        return print_json({"path": path, "repaired": repaired, "findings": [finding._asdict() for finding in findings]})
    if repair is not None and repair.backup is not None:
        print_lines(f"backup: {repair.backup}")
    if repair is not None and repair.recovery.batches:
        print_lines(f"wrote {count(repair.recovery.records, 'record')} from the spool")
    if repair is not None and repair.interrupted:
        print_lines(f"marked {count(repair.interrupted, 'span')} as interrupted")
    if not findings:
        print_lines(f"{path}: all is well")
    for finding in findings:
        print_lines(f"{finding.severity}: {finding.check}: {format_value(finding.what)}")
        print_lines(f"  {format_value(finding.remedy)}")


def show_overview(overview: Overview, *, as_json: bool) -> None:
    """Print what a file holds."""
    if as_json:
        print_json({"package_version": __version__, "compiled_core": find_core_state()} | asdict(overview))
        return
    file: dict[str, Value] = {
        "path": overview.path,
        "schema version": _describe_version(overview),
        "package version": __version__,
        "compiled core (of this Python)": find_core_state(),
        "file size": format_bytes(overview.file_bytes),
        "write-ahead log size": format_bytes(overview.wal_bytes),
    }
    contents = overview.contents
    if contents is None:
        print_tables(Facts("file", file.items()))
        return
    file |= {"first span": contents.first_span_time, "last span": contents.last_span_time}
    if contents.indexed_attributes:
        keys = contents.indexed_attributes.items()
        file["indexed attributes"] = ", ".join(
            key if is_complete else f"{key} (not complete)" for key, is_complete in keys
        )
    if contents.has_search_index:
        file["search index"] = "yes"
    views = Table("views", make_columns("view", "rows"), tuple(contents.counts.items()))
    newest = contents.newest_sessions
    title = f"newest sessions ({len(newest)} of {contents.counts['sessions']})"
    print_tables(
        Facts("file", file.items()),
        views,
        *([Table(title, _SESSION_COLUMNS, newest)] if newest else []),
        Facts("exporter health", contents.exporter_health.items()),
        Facts("link health", contents.link_health.items()),
        *([] if contents.last_removal is None else [Facts("last removal", contents.last_removal.items())]),
    )
    if contents.retention_excess is not None:
        print_lines("", f"problem: {RetentionExcess(**contents.retention_excess).describe()}")
    for migration in contents.stopped_migrations:
        what, remedy = describe_stopped_migration(migration, overview.path)
        print_lines("", f"problem: {what}: {remedy}")
    if contents.conflicting_traces:
        what, remedy = describe_conflicts(contents.conflicting_traces, overview.path)
        print_lines("", f"note: {what}: {remedy}")


def _describe_version(overview: Overview) -> str:
    version, ours = overview.schema_version, overview.package_schema_version
    if version > ours:
        return f"{version}, newer than {ours}, which this package writes: `pip install -U otel-sqlite-exporter`"
    if version < ours:
        return f"{version or 'none yet'}, {ours} is needed: {migrate_hint(overview.path)}"
    return str(version)
