# SPDX-License-Identifier: Apache-2.0
"""Commands that maintain a file: migrate, info, doctor, recover, reindex, reprice, index."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.cli.options import ATTENTION, JSON, SETTINGS, TIMEZONE
from otel_sqlite_exporter.cli.progress_bar import show_progress
from otel_sqlite_exporter.cli.tables import print_json
from otel_sqlite_exporter.errors import LegacyFileError
from otel_sqlite_exporter.model.plural import count

if TYPE_CHECKING:
    from otel_sqlite_exporter.settings import Settings

_UNREPAIRABLE = {"file", "version", "integrity"}
"""Checks that find a file that cannot be opened, or is damaged: a repair does not touch it."""


@click.command()
@SETTINGS
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if steps are pending.")
@click.option("--dry-run", is_flag=True, help="Change nothing; print what would be done.")
@click.option("--no-backup", is_flag=True, help="Do not back up the file before the upgrade.")
@click.option("--into", metavar="NEW", help="Attribute rows: write a new file, and leave the old one unchanged.")
@TIMEZONE
@click.option("--drop-legacy", is_flag=True, help="Attribute rows: remove the old tables once they are migrated.")
@JSON
@click.pass_obj
def migrate(
    settings: Settings,
    *,
    check: bool,
    dry_run: bool,
    no_backup: bool,
    into: str | None,
    timezone: str,
    drop_legacy: bool,
    as_json: bool,
) -> int:
    """Create a file, upgrade its schema, or convert it.

    Before an upgrade, a verified copy is written beside the file, and its path is printed. A failed step leaves the
    file as it was before that step. Damaged files, files of other programs and files of newer versions are refused and
    not changed.

    A file of attribute rows (EAV) is recognised by its tables. It is converted in stages, and each stage is verified;
    an interrupted command continues when it is run again. A conversion in place keeps the old tables, renamed to
    legacy_*.
    """
    from otel_sqlite_exporter.cli.legacy_migration import migrate_file
    from otel_sqlite_exporter.cli.outputs import maintain_output
    from otel_sqlite_exporter.legacy.legacy_report import find_legacy_file
    from otel_sqlite_exporter.maintain.written_rules import is_reindex_due
    from otel_sqlite_exporter.storage import migrations
    from otel_sqlite_exporter.storage.identity import identify_file

    path, timeout, backup = settings.path, settings.busy_timeout_ms, not no_backup
    into = None if into is None else os.path.abspath(into)
    old = find_legacy_file(path, into=into, busy_timeout_ms=timeout)
    if old is None and (into is not None or (drop_legacy and not identify_file(path, busy_timeout_ms=timeout)[1])):
        raise LegacyFileError(f"{path} holds no attribute rows: --into and --drop-legacy work on such files only")
    if old is not None and check:
        if as_json:
            print_json({"path": path, "holds_attribute_rows": True, "migrated": old.is_done})
        else:
            print_lines(f"{path} holds attribute rows, {'migrated' if old.is_done else 'not migrated yet'}")
        return 0 if old.is_done else ATTENTION
    if old is not None and not (old.is_done and old.is_in_place and not drop_legacy and into is None):
        migrate_file(old, settings, into, timezone, backup=backup, dry_run=dry_run, drop=drop_legacy, as_json=as_json)
        return 0
    if check or dry_run:
        pending = migrations.find_pending(path, busy_timeout_ms=timeout)
        backup = backup and bool(pending.version and pending.steps)
        is_due = bool(pending.version) and not pending.steps and is_reindex_due(settings)
        maintain_output.show_plan(path, pending, backup=backup, is_reindex_due=is_due, in_full=dry_run, as_json=as_json)
        return ATTENTION if check and (pending.steps or pending.has_old_views) else 0
    with show_progress("rows") as show:
        report = migrations.migrate(
            path, busy_timeout_ms=timeout, backup=backup, on_progress=lambda step, done, of: show(done, of)
        )
    maintain_output.show_migration(report, is_reindex_due=is_reindex_due(settings), as_json=as_json)
    return 0


@click.command()
@SETTINGS
@JSON
@click.pass_obj
def info(settings: Settings, *, as_json: bool) -> None:
    """Show what a file holds.

    That is its schema version, size, rows of each view, newest sessions, and health. All counts are of the same moment,
    also while other processes write. Nothing is created or changed.
    """
    from otel_sqlite_exporter.cli.outputs.maintain_output import show_overview
    from otel_sqlite_exporter.query.overview import read_overview

    show_overview(read_overview(settings.path, busy_timeout_ms=settings.busy_timeout_ms), as_json=as_json)


@click.command()
@SETTINGS
@click.option("--repair", "do_repair", is_flag=True, help="Repair what can be repaired; nothing is deleted.")
@click.option(
    "--assume-gone",
    metavar="HOST",
    multiple=True,
    help="With --repair: also end the spans of processes of this host, which cannot be checked from here. May be "
    "repeated.",
)
@JSON
@click.pass_obj
def doctor(settings: Settings, *, do_repair: bool, assume_gone: tuple[str, ...], as_json: bool) -> int:
    """Find what is wrong with a file, and how to correct it.

    Exit code 1 if there is a problem (with --repair: if one is left). A note is information, not a problem.
    """
    if assume_gone and not do_repair:
        raise click.UsageError("--assume-gone does something only with --repair")
    from otel_sqlite_exporter.cli.outputs.maintain_output import show_findings
    from otel_sqlite_exporter.maintain.doctor import diagnose
    from otel_sqlite_exporter.maintain.repair import repair

    with show_progress("checking") as progress:
        findings, done = diagnose(settings, progress), None
    problems = {finding.check for finding in findings if finding.severity == "problem"}
    if do_repair and not problems & _UNREPAIRABLE:
        done = repair(settings, assume_gone=assume_gone)
        with show_progress("checking again") as progress:
            findings = diagnose(settings, progress)
        problems = {finding.check for finding in findings if finding.severity == "problem"}
    show_findings(settings.path, findings, done, as_json=as_json)
    return ATTENTION if problems else 0


@click.command()
@SETTINGS
@click.option("--spool", type=click.Path(exists=True, dir_okay=False), help="The spool. Default: the one beside PATH.")
@JSON
@click.pass_obj
def recover(settings: Settings, *, spool: str | None, as_json: bool) -> None:
    """Write the batches in the spool of a file into the file.

    An exporter does so itself with its next successful batch. Each batch is written once, even if this command is
    interrupted and run again.
    """
    from otel_sqlite_exporter.maintain import repair

    recovery = repair.recover(settings, spool)
    if as_json:
        print_json({"path": settings.path} | recovery._asdict())
    elif recovery.batches:
        written = f"{count(recovery.records, 'record')} in {count(recovery.batches, 'batch', 'batches')}"
        print_lines(f"wrote {written} from the spool to {settings.path}")
    else:
        print_lines(f"nothing to do: no batch waits for {settings.path}")


@click.command()
@SETTINGS
@JSON
@click.pass_obj
def reindex(settings: Settings, *, as_json: bool) -> None:
    """Recompute sessions, pairs and calls from the stored records.

    Use it for files that an older version or other settings wrote. It does not change records or the search index. The
    command works in short transactions, also while applications write; if interrupted, it continues when it is run
    again. A current file is not changed.
    """
    from otel_sqlite_exporter.maintain import reindex
    from otel_sqlite_exporter.storage.identity import name_command

    with show_progress("reading records") as progress:
        done = reindex.reindex(settings, progress)
    if as_json:
        return print_json({"path": settings.path} | done._asdict())
    print_lines(
        f"read {count(done.spans, 'span')} and {count(done.logs, 'log record')} of {settings.path} in "
        f"{done.seconds:.2f} s",
        f"updated: {count(done.changed_spans, 'span')}, "
        f"{count(done.changed_logs, 'log record')}; "
        f"{count(done.recounted_calls, 'call is', 'calls are')} counted differently",
    )
    for name, after in done.after.items():
        before = done.before[name]
        print_lines(f"  {name.replace('_', ' '):22} {after}" + (f" (was {before})" if before != after else ""))
    if done.unpriced_calls and done.before["calls_with_cost_status"]:
        unpriced = count(done.unpriced_calls, "updated call has no cost", "updated calls have no cost")
        print_lines(f"{unpriced}: run `{name_command('reprice', settings.path)}`")


@click.command()
@SETTINGS
@click.option("--all", "everything", is_flag=True, help="Also price calls that have a price.")
@JSON
@click.pass_obj
def reprice(settings: Settings, *, everything: bool, as_json: bool) -> None:
    """Compute the cost of the model calls of a file.

    The prices are those in the package genai-prices for the day of the call. A cost that instrumentation reported
    stays. A call without a known provider, model or number of tokens gets no cost and the status `unpriced`.
    """
    from otel_sqlite_exporter.maintain import reprice

    with show_progress("pricing calls") as progress:
        done = reprice.reprice(settings, everything=everything, progress=progress)
    if as_json:
        return print_json({"path": settings.path} | done._asdict())
    print_lines(f"checked {count(done.calls, 'call')} of {settings.path}, changed {done.changed} ({done.price_source})")
    return print_lines(
        f"now: {done.exact} exact, {done.partial} partial, {done.unpriced} unpriced, {done.reported} reported"
    )


@click.command()
@SETTINGS
@click.option("--rebuild", is_flag=True, help="Build the search index from scratch.")
@click.option(
    "--attribute",
    "attributes",
    metavar="KEY",
    multiple=True,
    help="Index the attribute KEY of spans, span events and log records instead. May be repeated.",
)
@click.option("--drop", is_flag=True, help="With --attribute: remove its index.")
@click.option("--list", "as_list", is_flag=True, help="List the indexed attributes, and what each costs.")
@JSON
@click.pass_obj
def index(
    settings: Settings, *, rebuild: bool, attributes: tuple[str, ...], drop: bool, as_list: bool, as_json: bool
) -> None:
    """Build or update the index that `search` uses, or index an attribute.

    The search index covers prompts, completions, tool arguments and tool results. An index of an attribute is used by
    the option --attribute of lists, and by SQL on the view indexed_attributes; while applications write, the file keeps
    it. The command works in short transactions, also while applications write; if interrupted, it continues when it is
    run again.
    """
    if (rebuild and (attributes or as_list)) or (attributes and as_list) or (drop and not attributes):
        raise click.UsageError("give --rebuild, --list, or --attribute KEY with or without --drop")
    from otel_sqlite_exporter.cli.outputs import index_output
    from otel_sqlite_exporter.maintain import attribute_index, search_index

    if as_list:
        return index_output.show_attributes(settings.path, attribute_index.read_attributes(settings), as_json=as_json)
    if drop:
        attribute_index.drop_attributes(settings, attributes)
        return index_output.show_dropped(settings.path, attributes, as_json=as_json)
    with show_progress("indexing records" if attributes else "indexing calls and tools") as progress:
        if attributes:
            built = attribute_index.index_attributes(settings, attributes, progress=progress)
            return index_output.show_indexing(settings.path, built, as_json=as_json)
        done = search_index.index_content(settings, rebuild=rebuild, progress=progress)
    if as_json:
        return print_json({"path": settings.path} | done._asdict())
    return print_lines(
        f"added {count(done.llm_interactions, 'call')} and {count(done.tool_interactions, 'tool execution')} of "
        f"{settings.path} to the index in {done.seconds:.2f} s"
    )


COMMANDS = (migrate, info, recover, doctor, index, reindex, reprice)
