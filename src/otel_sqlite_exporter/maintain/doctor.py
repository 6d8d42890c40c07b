# SPDX-License-Identifier: Apache-2.0
"""`doctor`: finds what is wrong with a file or worth knowing, each with its remedy. Changes nothing."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from otel_sqlite_exporter.declarations import find_bad_variables, name_variable
from otel_sqlite_exporter.deliver.loss_ledger import LossLedger, ledger_path
from otel_sqlite_exporter.deliver.spool import Spool, spool_path
from otel_sqlite_exporter.errors import DamagedFileError, FileRefusedError, SpoolError
from otel_sqlite_exporter.genai.prices import INSTALL, is_installed
from otel_sqlite_exporter.maintain.attribute_index import name_completion
from otel_sqlite_exporter.maintain.series_growth import describe_growth
from otel_sqlite_exporter.maintain.unreadable_values import find_unreadable
from otel_sqlite_exporter.maintain.written_rules import find_other_rules
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.query.indexes.indexed_filters import read_indexed
from otel_sqlite_exporter.query.limits.retention_notes import read_excess
from otel_sqlite_exporter.query.metered.usage_differences import describe_differences
from otel_sqlite_exporter.query.session_conflicts import count_conflicts, describe_conflicts
from otel_sqlite_exporter.query.unrecognised import find_unrecognised
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.connection import read_file
from otel_sqlite_exporter.storage.identity import identify_file, migrate_hint, name_command
from otel_sqlite_exporter.storage.open_work import find_open_runs
from otel_sqlite_exporter.storage.steps import load_migrations
from otel_sqlite_exporter.storage.stopped_migrations import describe_stopped_migration, find_stopped_migrations
from otel_sqlite_exporter.storage.system.file_systems import find_network_type
from otel_sqlite_exporter.storage.system.process import is_alive
from otel_sqlite_exporter.storage.system.system_files import HAS_MODES
from otel_sqlite_exporter.storage.views import load_views, read_view_number

_LARGE_WAL_BYTES = 64 * 1024 * 1024
_LITTLE_SPACE_BYTES = 200 * 1024 * 1024
_ANALYZED_SPANS = 10_000
_STALE_FACTOR = 10
_SAMPLED_SPANS = 100_000
"""Spans whose attributes are looked at for what no dialect reads: the newest ones."""
_LOOKS = (
    "pages and indexes",
    "values",
    "references",
    "links and sessions",
    "records that no dialect reads",
    "metrics and calls",
)
"""The steps of the checks that read all records, in their order."""
_Look = Callable[[str], None]


class Finding(NamedTuple):
    """One thing that a check found, and the remedy. A `note` needs no action."""

    check: str
    severity: Literal["problem", "note"]
    what: str
    remedy: str


def diagnose(
    settings: Settings, progress: Callable[[int, int, str], object] = lambda done, total, step: None
) -> list[Finding]:
    """Return the findings for the file at `settings.path`; none if all is well. `progress` is called before each step
    that may take long, with the number of steps before it, of all, and its name."""
    path, command = settings.path, name_command("doctor --repair", settings.path)
    findings = [*_find_around(settings, command)]

    def look(step: str) -> None:
        progress(_LOOKS.index(step), len(_LOOKS), step)

    try:
        kind, version = identify_file(path, busy_timeout_ms=settings.busy_timeout_ms)
        newest = load_migrations()[-1].version
        findings += _find_modes(path)
        if kind == "missing":
            findings.append(Finding("file", "problem", f"{path} does not exist", "give the path of an existing file"))
        elif not version:
            findings.append(Finding("version", "problem", f"{path} has no schema yet", migrate_hint(path)))
        elif version > newest:
            remedy = "upgrade with `pip install -U otel-sqlite-exporter`; until then the file is read-only"
            findings.append(Finding("version", "problem", f"schema version {version} is newer than {newest}", remedy))
        elif version < newest:
            what = f"schema version {version} is older than {newest}"
            findings.append(Finding("version", "problem", what, migrate_hint(path)))
        else:
            findings += read_file(
                path,
                lambda connection: [*_find_inside(connection, settings, command, look)],
                busy_timeout_ms=settings.busy_timeout_ms,
            )
    except FileRefusedError as error:  # its message ends with what to do
        what, _, remedy = str(error).partition(": ")
        check = "integrity" if isinstance(error, DamagedFileError) else "file"
        findings.append(Finding(check, "problem", what, remedy))
    return findings


def diagnose_around(settings: Settings) -> list[Finding]:
    """Return the findings for what is beside the file (its spool, logs, modes, disk): some calls of the system."""
    command = name_command("doctor --repair", settings.path)
    return [*_find_around(settings, command), *_find_modes(settings.path)]


def _find_inside(connection: sqlite3.Connection, settings: Settings, command: str, look: _Look) -> Iterator[Finding]:
    path = settings.path
    repair = f"run `{command}`"
    if read_view_number(connection) < load_views().number:
        yield Finding("views", "note", "the views are older than those of this version", migrate_hint(path))
    look("pages and indexes")
    broken = [row[0] for row in connection.execute("PRAGMA integrity_check(5)") if row[0] != "ok"]
    if broken:
        remedy = "restore a backup, or save what is readable with `sqlite3 FILE .recover`; the file was not touched"
        yield Finding("integrity", "problem", "; ".join(broken), remedy)
        return
    look("values")
    unreadable = [*find_unreadable(connection)]
    if unreadable:
        remedy = "restore a backup; the file was not touched. The other rows can be read with SQL"
        yield Finding("integrity", "problem", "; ".join(unreadable), remedy)
        return
    look("references")
    remedy = "restore a backup: rows were deleted by hand, or written without foreign keys"
    for table, parent, orphans in connection.execute(read_query("count_orphans")):
        one = f"row of {table} refers to a row of {parent} that is not there"
        several = f"rows of {table} refer to rows of {parent} that are not there"
        yield Finding("foreign keys", "problem", count(orphans, one, several), remedy)
    look("links and sessions")
    one_sided, without_session = connection.execute(read_query("count_faults")).fetchone()
    if one_sided:
        records = count(one_sided, "record is", "records are")
        yield Finding("links", "problem", f"{records} linked from one side only", repair)
    if without_session:
        spans = count(without_session, "span does not show its", "spans do not show their")
        yield Finding("sessions", "problem", f"{spans} trace's session", repair)
    for migration in find_stopped_migrations(connection):
        yield Finding("migration", "problem", *describe_stopped_migration(migration, path))
    conflicts = count_conflicts(connection)
    if conflicts:
        yield Finding("sessions", "note", *describe_conflicts(conflicts, path))
    interrupted, dropped, quarantined = connection.execute(read_query("count_interrupted")).fetchone()
    if interrupted:
        spans = count(interrupted, "span was cut off with its", "spans were cut off with their")
        remedy = f"list them with `{name_command('spans --status interrupted', path)}`"
        yield Finding("interrupted", "note", f"{spans} process", remedy)
    if dropped:
        records = count(dropped, "record was", "records were")
        ask = name_command("sql 'SELECT * FROM exporter_health WHERE dropped > 0'", path)
        remedy = f"list their exporters with `{ask}`"
        yield Finding("dropped", "note", f"{records} lost", remedy)
    if quarantined:
        records = count(quarantined, "record could not be a row", "records could not be rows")
        shell = f"sqlite3 -readonly {shlex.quote(path)} 'SELECT reason, content FROM _quarantine'"
        yield Finding("quarantine", "note", records, f"list them with the shell of SQLite: `{shell}`")
    (calls,) = connection.execute(read_query("count_without_cost")).fetchone()
    if calls:
        remedy = f"run `{name_command('reprice', path)}`"
        if not is_installed():
            remedy = f"run `{INSTALL}`: calls are then priced as they are written; for these, {remedy}"
        yield Finding("cost", "note", f"{count(calls, 'call has', 'calls have')} tokens and no cost", remedy)
    yield from find_excess(connection, path)
    for run in find_open_runs(connection):
        alive = is_alive(run.process)
        spans = count(run.spans, "span runs", "spans run")
        owner = f"process {run.process.pid} on {run.process.host}"
        if alive is False:
            yield Finding("running", "problem", f"{spans} in {owner}, which has ended", repair)
        elif alive is None:
            remedy = f"if it has ended: {command} --assume-gone {shlex.quote(run.process.host)}"
            yield Finding("running", "note", f"{spans} in {owner}, which cannot be checked from here", remedy)
    for key, is_complete in read_indexed(connection).items():
        if not is_complete:
            what = f"the index of the attribute {key} is not complete, so nothing uses it"
            yield Finding("attribute index", "note", what, name_completion(key, path))
    look("records that no dialect reads")
    yield from _find_underived(connection, settings)
    for severity, what, remedy in describe_growth(connection, settings.metric_new_series):
        yield Finding("metrics", severity, what, remedy)
    look("metrics and calls")
    for what, remedy in describe_differences(connection, path):
        yield Finding("usage", "note", what, remedy)
    yield from _find_statistics(connection, repair)


def find_excess(connection: sqlite3.Connection, path: str) -> Iterator[Finding]:
    """Yield that the file stays beyond its cap, if an exporter found so."""
    excess = read_excess(connection)
    if excess is not None:
        remedy = f"take pins away, allow more, or see what is left with `{name_command('sessions', path)}`"
        yield Finding("retention", "problem", excess.describe(), remedy)


def _find_underived(connection: sqlite3.Connection, settings: Settings) -> Iterator[Finding]:
    """Yield what other rules, or another dialect, would derive from the records."""
    path = settings.path
    others = find_other_rules(connection, settings)
    if others.versions:
        what = f"rules of another version ({', '.join(others.versions)}) derived rows"
        yield Finding("rules", "note", what, f"run `{name_command('reindex', path)}`")
    for name, there, here in others.settings:
        variable = name_variable(name)
        before = f"the default of {variable}" if there is None else f"{variable}={there}"
        # A dialect is noted by its name; the variable has its path.
        value = "" if name == "dialects" or there is None else f"={shlex.quote(there)}"
        what = f"rows were derived with {before}; here it is {here or 'the default'}"
        first = f"{'unset' if there is None else 'set'} {variable}{value} here before you reindex"
        yield Finding("rules", "note", what, f"{first}; or if it is right here, run `{name_command('reindex', path)}`")
    since = connection.execute(read_query("find_sampled_time"), {"spans": _SAMPLED_SPANS}).fetchone()
    found = find_unrecognised(connection, settings.dialects, since=since[0] + 1 if since else -LARGEST)
    unread = sum(one.records for one in found)
    if unread:
        records = count(unread, "record looks", "records look")
        if since:
            records = f"of what is as new as the newest {_SAMPLED_SPANS:,} spans, {records}"
        remedy = f"see what, and a dialect to start from: `{name_command('report unrecognised', path)}`"
        yield Finding("dialects", "note", f"{records} like model calls or tools, but no dialect reads them", remedy)


def _find_statistics(connection: sqlite3.Connection, repair: str) -> Iterator[Finding]:
    (spans,) = connection.execute("SELECT count(*) FROM _spans").fetchone()
    if spans < _ANALYZED_SPANS:
        return
    noted = 0
    if connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'").fetchone()[0]:
        rows = connection.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = '_spans'")
        noted = max((int(stat.split()[0]) for (stat,) in rows), default=0)  # a partial index has fewer
    if not noted:
        yield Finding("statistics", "note", "the query planner has no statistics", repair)
    elif spans > noted * _STALE_FACTOR:
        yield Finding("statistics", "note", f"the query planner knows {noted} of {spans} spans", repair)


def _find_modes(path: str) -> Iterator[Finding]:
    if not HAS_MODES:
        return
    path = os.path.realpath(path)
    for name in (path, f"{path}-wal", f"{path}-shm", spool_path(path)):
        if os.path.exists(name) and stat.S_IMODE(os.stat(name).st_mode) & 0o077:
            mode = f"{stat.S_IMODE(os.stat(name).st_mode):04o}"
            yield Finding("mode", "note", f"others may read {name} (mode {mode})", f"chmod 600 {shlex.quote(name)}")


def _find_left_logs(path: str) -> Iterator[Finding]:
    """Yield the write-ahead logs whose file is gone."""
    back = "bring back what it holds: docs/operations.md#a-wal-without-its-file"
    whole = os.path.realpath(path)
    wal = f"{whole}-wal"
    if not os.path.exists(whole) and os.path.exists(wal) and os.path.getsize(wal):
        what = f"{wal} was left by a file that is gone, and may hold its last batches"
        yield Finding("write-ahead log", "problem", what, f"before anything writes {path}, {back}")
    folder, name = os.path.split(whole)
    for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        if entry.startswith(f"{name}.orphaned-") and entry.endswith("-wal"):
            left = os.path.join(folder, entry)
            what = f"{left} was left by a file that is gone, and may hold its last batches"
            yield Finding("write-ahead log", "note", what, f"{back}; or delete it")


def _find_around(settings: Settings, command: str) -> Iterator[Finding]:
    for bad in find_bad_variables(Settings):
        yield Finding("settings", "problem", bad.what, f"correct it, here and where exporters run. {bad.effect}")
    path = os.path.realpath(settings.path)
    spool = Spool(spool_path(path), limit_bytes=settings.spool_limit_bytes)
    try:
        batches, size = spool.count()
    except (SpoolError, OSError) as error:
        yield Finding("spool", "problem", str(error), f"move {spool.path} away")
    else:
        if batches:
            what = f"{count(batches, 'batch waits', 'batches wait')} in {spool.path} ({count(size, 'byte')})"
            yield Finding("spool", "problem", what, f"run `{name_command('recover', settings.path)}`")
    unreadable = f"{spool.path}-bad"
    if os.path.exists(unreadable):
        what = f"{unreadable} holds batches of the spool that could not be read"
        yield Finding("spool", "note", what, "keep it for a bug report: docs/debugging.md; or delete it")
    losses = LossLedger(ledger_path(path)).count()
    if losses:
        records = count(losses, "record was", "records were")
        remedy = "the next export adds the number to `exporter_health.dropped`"
        yield Finding(
            "dropped", "note", f"{records} lost while neither the file nor the spool could be written", remedy
        )
    wal = f"{path}-wal"
    if os.path.exists(wal) and os.path.getsize(wal) > _LARGE_WAL_BYTES:
        what = f"the write-ahead log has {os.path.getsize(wal)} bytes: a reader holds it open, or a writer died"
        yield Finding("write-ahead log", "problem", what, f"close readers, and run `{command}`")
    yield from _find_left_logs(settings.path)
    network = find_network_type(path)
    if network is not None:
        what = f"{path} is on a network file system ({network}), where a write-ahead log does not work"
        severity: Literal["problem", "note"] = "problem" if os.path.exists(wal) else "note"
        yield Finding("file system", severity, what, "move the file to a local disk")
    folder = os.path.dirname(path)
    free = shutil.disk_usage(folder).free if os.path.isdir(folder) else _LITTLE_SPACE_BYTES
    if free < _LITTLE_SPACE_BYTES:
        yield Finding("space", "problem", f"{free // 1_000_000} MB are free on the disk of {path}", "make room")
