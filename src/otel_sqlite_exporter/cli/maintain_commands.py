# SPDX-License-Identifier: Apache-2.0
"""Commands that look after a file: migrate, info, recover, doctor."""

from __future__ import annotations

import os

import click

from otel_sqlite_exporter.cli.exit_codes import ATTENTION, resolve
from otel_sqlite_exporter.errors import LegacyFileError

_UNTOUCHED = {"file", "version", "integrity"}


@click.command()
@click.argument("path", required=False)
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if steps are pending.")
@click.option("--dry-run", is_flag=True, help="Change nothing; print what would be done.")
@click.option("--no-backup", is_flag=True, help="Write no copy of the file before it is upgraded.")
@click.option("--into", metavar="NEW", help="Of a file of attribute rows: write a new file, and leave it as it is.")
@click.option(
    "--timezone",
    metavar="ZONE",
    default="UTC",
    show_default=True,
    help="Of a file of attribute rows: where times without an offset are from; `local`, +02:00 or a name.",
)
@click.option("--drop-legacy", is_flag=True, help="Remove the old tables of a file of attribute rows, once migrated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def migrate(
    ctx: click.Context,
    path: str | None,
    *,
    check: bool,
    dry_run: bool,
    no_backup: bool,
    into: str | None,
    timezone: str,
    drop_legacy: bool,
    as_json: bool,
) -> None:
    """Create a file, upgrade its schema, or turn a file of attribute rows into one of ours.

    A checked copy is written beside a file with a schema before it is upgraded, and its path is printed. A step that
    fails leaves the file as it was before that step. Files of other programs, damaged ones, and those of newer versions
    are refused and not touched.

    A file of attribute rows (EAV) is recognised by its tables. It is migrated in stages that are checked, and a command
    that was cut short goes on where it stood. In place, the old tables stay, under names that begin with legacy_.
    """
    settings = resolve(ctx, path)
    from otel_sqlite_exporter.cli import render_reports
    from otel_sqlite_exporter.cli.legacy_commands import find_file, migrate_file
    from otel_sqlite_exporter.cli.progress_bar import show_count
    from otel_sqlite_exporter.cli.tables import print_json
    from otel_sqlite_exporter.storage import migrations

    file, timeout = settings.path, settings.busy_timeout_ms
    into = None if into is None else os.path.abspath(into)
    old = find_file(file, into, timeout)
    if old is not None and check:
        click.echo(f"{file} holds attribute rows, {'migrated' if old.is_done else 'not migrated yet'}")
        ctx.exit(0 if old.is_done else ATTENTION)
    if old is not None and not (old.is_done and old.is_in_place and not drop_legacy and into is None):
        return migrate_file(
            old,
            settings,
            into=into,
            timezone=timezone,
            backup=not no_backup,
            dry_run=dry_run,
            drop=drop_legacy,
            as_json=as_json,
        )
    if old is None and (into is not None or drop_legacy):
        raise LegacyFileError(f"{file} holds no tables of attribute rows: --into and --drop-legacy are for such files")
    if not (check or dry_run):
        with show_count("rows") as progress:
            report = migrations.migrate(
                file,
                busy_timeout_ms=timeout,
                backup=not no_backup,
                on_progress=lambda step, done, of: progress(done, of),
            )
        return print_json(render_reports.report_as_dict(report)) if as_json else render_reports.render_report(report)
    pending = migrations.find_pending(file, busy_timeout_ms=timeout)
    backup = bool(pending.version and pending.steps and not no_backup)
    if as_json:
        print_json(render_reports.plan_as_dict(file, pending, backup=backup))
    elif dry_run:
        render_reports.render_plan(file, pending, backup=backup)
    else:
        render_reports.render_status(file, pending)
    ctx.exit(ATTENTION if check and (pending.steps or pending.has_old_views) else 0)


@click.command()
@click.argument("path", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def info(ctx: click.Context, path: str | None, *, as_json: bool) -> None:
    """Show what a file holds.

    That is its schema version and size, how much is in it, the newest sessions, and how well it was written. Nothing is
    created or changed. All counts are of the same moment, also while other processes write.
    """
    settings = resolve(ctx, path)
    from otel_sqlite_exporter.cli import render_reports
    from otel_sqlite_exporter.cli.tables import print_json
    from otel_sqlite_exporter.query.overview import read_overview

    overview = read_overview(settings.path, busy_timeout_ms=settings.busy_timeout_ms)
    if as_json:
        print_json(render_reports.overview_as_dict(overview))
    else:
        render_reports.render_overview(overview)


@click.command()
@click.argument("path", required=False)
@click.option("--spool", type=click.Path(dir_okay=False), help="Another spool than the one beside PATH.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def recover(ctx: click.Context, path: str | None, *, spool: str | None, as_json: bool) -> None:
    """Write what waits in the spool beside a file into it.

    Exporters do so by themselves, with the next batch that gets through. Each batch is written once, also if this is
    cut short and run again.
    """
    settings = resolve(ctx, path)
    from otel_sqlite_exporter.cli.tables import print_json
    from otel_sqlite_exporter.maintain import repair
    from otel_sqlite_exporter.model.plural import count

    recovery = repair.recover(settings, spool)
    if as_json:
        print_json({"path": settings.path} | recovery._asdict())
    elif recovery.batches:
        written = f"{count(recovery.records, 'record')} in {count(recovery.batches, 'batch', 'batches')}"
        click.echo(f"wrote {written} from the spool to {settings.path}")
    else:
        click.echo(f"nothing to do: no batch waits for {settings.path}")


@click.command()
@click.argument("path", required=False)
@click.option("--repair", "do_repair", is_flag=True, help="Repair what can be repaired; nothing is deleted.")
@click.option(
    "--assume-gone",
    metavar="HOST",
    multiple=True,
    help="With --repair: also end spans of processes of this host that cannot be seen from here; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor(
    ctx: click.Context, path: str | None, *, do_repair: bool, assume_gone: tuple[str, ...], as_json: bool
) -> None:
    """Look for what is wrong with a file, and say what to do about it.

    Exit code 1 when a problem is found (or is left after --repair). Notes are worth knowing, and no problems.
    """
    settings = resolve(ctx, path)
    from otel_sqlite_exporter.cli import render_reports
    from otel_sqlite_exporter.cli.tables import print_json
    from otel_sqlite_exporter.maintain.doctor import diagnose
    from otel_sqlite_exporter.maintain.repair import repair

    findings = diagnose(settings)
    done = None
    # What cannot be opened, or is not sound, is left alone.
    if do_repair and not any(finding.check in _UNTOUCHED for finding in findings if finding.severity == "problem"):
        done = repair(settings, assume_gone=assume_gone)
        findings = diagnose(settings)
    if as_json:
        repaired = None if done is None else done._asdict() | {"recovery": done.recovery._asdict()}
        listed = [finding._asdict() for finding in findings]
        print_json({"path": settings.path, "repaired": repaired, "findings": listed})
    else:
        if done is not None:
            render_reports.render_repair(done)
        render_reports.render_findings(settings.path, findings)
    ctx.exit(ATTENTION if any(finding.severity == "problem" for finding in findings) else 0)


COMMANDS = (migrate, info, recover, doctor)
