# SPDX-License-Identifier: Apache-2.0
"""The command `delete`: removes records, and proves that a text is gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli import options as opt
from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.cli.options import JSON, REFUSED, SETTINGS
from otel_sqlite_exporter.cli.progress_bar import show_progress
from otel_sqlite_exporter.errors import DeletionRefusedError

if TYPE_CHECKING:
    from otel_sqlite_exporter.maintain.deletion.beside_files import BesideFile
    from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
    from otel_sqlite_exporter.maintain.deletion.deletion_run import DeletionPlan
    from otel_sqlite_exporter.maintain.deletion.left_texts import Verification
    from otel_sqlite_exporter.settings import Settings


def _several(option: str, name: str, metavar: str, what: str) -> opt.Option:
    return click.option(option, name, metavar=metavar, multiple=True, help=f"{what} May be repeated.")


@click.command()
@SETTINGS
@_several("--session", "sessions", "ID", "All records and data points that show this session.")
@_several("--trace", "traces", "ID", "This trace.")
@_several("--user", "users", "ID", "Traces, sessions, log records and data points of this user.")
@_several("--service", "services", "NAME", "Spans, log records and data points of this service.")
@opt.SINCE
@opt.UNTIL
@click.option("--where", "filter", metavar="FILTER", help="Traces that meet a filter, such as 'status:error'.")
@click.option("--dry-run", is_flag=True, help="Change nothing; print what would be deleted.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--backups", is_flag=True, help="Delete backups beside the file, too, without asking.")
@_several("--verify", "texts", "TEXT", "Say where this text is left. Alone: delete nothing.")
@JSON
@click.pass_obj
def delete(
    settings: Settings,
    *,
    sessions: tuple[str, ...],
    traces: tuple[str, ...],
    users: tuple[str, ...],
    services: tuple[str, ...],
    since: str | None,
    until: str | None,
    filter: str | None,
    dry_run: bool,
    yes: bool,
    backups: bool,
    texts: tuple[str, ...],
    as_json: bool,
) -> int:
    """Delete records of a file or a dataset, with everything that belongs to them, and overwrite them on the disk.

    Options of different kinds must all be met; of one kind, one value must be. Pinned and running records go, too; the
    question names pins. Applications may write meanwhile. A command that was stopped is completed when it is run again.
    For a dataset, give any options but --where and --backups.

    Exit code 1: a text of --verify, or something that was deleted, is left, and stdout says where; or no record has an
    id or a name that was given.
    """
    from otel_sqlite_exporter.cli.keeping import delete_output
    from otel_sqlite_exporter.maintain.deletion.deletion_run import delete_records, plan_deletion
    from otel_sqlite_exporter.maintain.deletion.text_forms import SHORTEST_TEXT, is_too_short

    if any(is_too_short(text) for text in texts):
        raise click.UsageError(
            f"--verify needs a text of {SHORTEST_TEXT} bytes or more, as shorter ones stand everywhere by chance: give "
            "something longer, such as an address or a session id"
        )
    rule = _make_rule(sessions, traces, users, services, since, until, filter)
    if os.path.isdir(settings.path):
        from otel_sqlite_exporter.cli.keeping.dataset_removals import delete_in_dataset

        if backups:
            raise click.UsageError("--backups is for files: beside a dataset there are none")
        if rule.has_selectors and not (yes or dry_run):
            _check_dataset_rule(settings, rule)
            _check_can_ask()
        may_ask = (lambda _: True) if yes else (lambda lines: _ask_for(lines, "Delete them?"))
        return delete_in_dataset(settings.path, rule, texts, may_ask, dry_run=dry_run, as_json=as_json)
    if not rule.has_selectors and texts and not backups and not dry_run:
        return delete_output.show_verification(settings.path, _verify(settings, texts), as_json=as_json)
    if dry_run:
        plan = plan_deletion(settings, rule)
        return delete_output.show_plan(settings.path, plan, _find_backups(settings), as_json=as_json)
    with show_progress("deleting") as progress:
        report = delete_records(
            settings,
            rule,
            texts=texts,
            confirm=lambda plan: yes or _ask(settings, plan),
            progress=lambda what, done, of: progress(done, of, what),
        )
    if report is None:
        print_lines("nothing was deleted", to_stderr=True)
        return REFUSED
    removed, left = _remove_backups(settings, delete_all=backups, may_ask=not yes)
    verification = _verify(settings, texts) if texts else None
    return delete_output.show_deletion(settings.path, report, removed, left, verification, as_json=as_json)


def _make_rule(
    sessions: tuple[str, ...],
    traces: tuple[str, ...],
    users: tuple[str, ...],
    services: tuple[str, ...],
    since: str | None,
    until: str | None,
    filter: str | None,
) -> DeletionRule:
    from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
    from otel_sqlite_exporter.query.filter_values import fold_id, parse_time

    begin = None if since is None else parse_time("since", since)
    end = None if until is None else parse_time("until", until)
    return DeletionRule(
        sessions, tuple(fold_id("trace_id", one) for one in traces), users, services, begin, end, filter
    )


def _check_dataset_rule(settings: Settings, rule: DeletionRule) -> None:
    from otel_sqlite_exporter.archive.dataset_format.dataset_folder import open_dataset
    from otel_sqlite_exporter.archive.dataset_removal.dataset_deletion import check_dataset_rule

    check_dataset_rule(open_dataset(settings.path), rule)


def _ask(settings: Settings, plan: DeletionPlan) -> bool:
    """Show what would go, and ask."""
    from otel_sqlite_exporter.cli.keeping.delete_output import describe_plan

    if plan.chosen.is_empty:
        return True
    return _ask_for(describe_plan(settings.path, plan, _find_backups(settings)), "Delete them?")


def _ask_for(lines: Sequence[str], question: str) -> bool:
    _check_can_ask()
    print_lines(*lines, to_stderr=True)
    return _confirm(question)


def _check_can_ask() -> None:
    if not _can_ask():
        raise DeletionRefusedError("nothing was deleted: nobody can be asked here, so give --yes")


def _can_ask() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _confirm(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        return False


def _find_backups(settings: Settings) -> list[BesideFile]:
    from otel_sqlite_exporter.maintain.deletion.beside_files import find_backups

    return find_backups(settings.path)


def _remove_backups(settings: Settings, *, delete_all: bool, may_ask: bool) -> tuple[list[str], list[str]]:
    """Delete backups beside the file, where that is wanted, and return those that went and those that stay."""
    from otel_sqlite_exporter.maintain.deletion.beside_files import remove_backup

    removed, left = [], []
    for file in _find_backups(settings):
        if delete_all or (may_ask and _can_ask() and _confirm(f"Delete the backup {file.path}?")):
            remove_backup(file)
            removed.append(file.path)
        else:
            left.append(file.path)
    return removed, left


def _verify(settings: Settings, texts: tuple[str, ...]) -> Verification:
    from otel_sqlite_exporter.maintain.deletion.left_texts import find_left
    from otel_sqlite_exporter.storage.identity import find_version

    find_version(settings.path, busy_timeout_ms=settings.busy_timeout_ms)
    with show_progress("verifying", in_bytes=True) as progress:
        return find_left(settings.path, texts, busy_timeout_ms=settings.busy_timeout_ms, progress=progress)


COMMANDS = (delete,)
