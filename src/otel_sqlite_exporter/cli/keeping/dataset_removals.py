# SPDX-License-Identifier: Apache-2.0
"""`delete` and `prune` on a dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.cli.options import ATTENTION, REFUSED
from otel_sqlite_exporter.cli.progress_bar import show_progress
from otel_sqlite_exporter.cli.tables import print_json
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.show.units import format_bytes

if TYPE_CHECKING:
    from otel_sqlite_exporter.archive.dataset_removal.dataset_deletion import DatasetDeletion
    from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
    from otel_sqlite_exporter.maintain.deletion.deletion_run import DeletionPlan
    from otel_sqlite_exporter.maintain.deletion.left_texts import Verification


def delete_in_dataset(
    path: str,
    rule: DeletionRule,
    texts: Sequence[str],
    confirm: Callable[[Sequence[str]], bool],
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Delete what `rule` chooses, look for `texts`, print both, and return the exit code. `confirm` gets the lines that
    say what would go.

    Raises:
        DeletionRefusedError, FileRefusedError, sqlite3.Error, OSError: As `delete_from_dataset` raises.
    """
    from otel_sqlite_exporter.archive.dataset_format.dataset_folder import open_dataset
    from otel_sqlite_exporter.archive.dataset_removal.dataset_deletion import delete_from_dataset, plan_dataset_deletion
    from otel_sqlite_exporter.archive.dataset_removal.left_in_parts import find_left_in_dataset
    from otel_sqlite_exporter.cli.keeping import delete_output

    dataset = open_dataset(path)

    def verify() -> Verification:
        with show_progress("verifying", in_bytes=True) as progress:
            return find_left_in_dataset(dataset, texts, progress)

    if not rule.has_selectors and texts and not dry_run:
        return delete_output.show_verification(dataset.path, verify(), as_json=as_json)
    with show_progress("deleting") as show:

        def progress(done: int, of: int, what: str) -> None:
            show(done, of, what)

        if dry_run:
            plan = plan_dataset_deletion(dataset, rule, progress)
            return delete_output.show_plan(dataset.path, plan, (), as_json=as_json)

        def ask(plan: DeletionPlan) -> bool:
            return plan.chosen.is_empty or confirm(delete_output.describe_plan(dataset.path, plan, ()))

        done = delete_from_dataset(dataset, rule, confirm=ask, progress=progress)
    if done is None:
        print_lines("nothing was deleted", to_stderr=True)
        return REFUSED
    verification = verify() if texts else None
    return _show_deletion(dataset.path, done, verification, as_json=as_json)


def _show_deletion(path: str, done: DatasetDeletion, verification: Verification | None, *, as_json: bool) -> int:
    from otel_sqlite_exporter.cli.keeping import delete_output

    is_left = bool(done.unnamed_parts or (verification and verification.left))
    # A run that completes one that was killed finds nothing more of it.
    code = ATTENTION if is_left or (done.missing and not done.removed_parts) else 0
    if as_json:
        told = {"removed": done.removed._asdict(), "missing": delete_output.dump_missing(done.missing)}
        verified = None if verification is None else delete_output.dump_verification(verification)
        print_json({"path": path, "dry_run": False, **done._asdict(), **told, "verification": verified})
        return code
    lines = delete_output.describe_missing(path, done.missing)
    removed = done.removed
    if done.removed_parts:
        lines.append(f"removed {count(done.removed_parts, 'file')} that an earlier run left")
    if done.unnamed_parts:
        lines.append(
            f"left {count(done.unnamed_parts, 'part')} as they are, which no manifest names: run the `archive` that "
            "wrote them again, or remove them, and run the same command again"
        )
    if any(removed):
        lines.append(
            f"deleted {count(removed.spans, 'span')} and {count(removed.logs, 'log record')} of {path}, with "
            f"{count(removed.events, 'event')}, {count(removed.calls, 'row')} of calls, "
            f"{count(removed.tools, 'row')} of tools, {count(removed.points, 'data point')} and "
            f"{count(removed.others, 'other row')}; gone are {count(removed.sessions, 'session')} and "
            f"{count(removed.traces, 'trace')}"
        )
        lines.append(
            f"wrote {count(len(done.days), 'day')} again: the files of the dataset had "
            f"{format_bytes(done.bytes_before)}, and have {format_bytes(done.bytes_after)}"
        )
    else:
        lines.append(f"nothing was deleted: no record of {path} meets the options")
    print_lines(*lines)
    if verification is not None:
        delete_output.print_left(path, verification)
    return code


def prune_in_dataset(
    path: str, older_than_s: int, keep_failed_s: int | None, services: Sequence[str], *, dry_run: bool, as_json: bool
) -> int:
    """Remove what ended so many seconds ago, print what that was, and return the exit code.

    Raises:
        FileRefusedError, sqlite3.Error, OSError: As `prune_dataset` raises.
    """
    from otel_sqlite_exporter.archive.dataset_format.dataset_folder import open_dataset
    from otel_sqlite_exporter.archive.dataset_removal.dataset_pruning import PruneBounds, prune_dataset

    dataset = open_dataset(path)
    bounds = PruneBounds.make(older_than_s, keep_failed_s, services)
    with show_progress("removing records") as show:
        done = prune_dataset(dataset, bounds, is_dry=dry_run, progress=lambda done, of, what: show(done, of, what))
    if as_json:
        print_json({"path": dataset.path, "dry_run": dry_run, **done._asdict()})
        return 0
    if not (done.removed_days or done.written_days):
        print_lines(f"nothing is due in {dataset.path}")
        return 0
    print_lines(
        f"{'would remove' if dry_run else 'removed'} {count(done.sessions, 'session')} and "
        f"{count(done.traces, 'trace')} ({done.traces_without_session} of them without a session) from {dataset.path}: "
        f"{count(done.spans, 'span')}, {count(done.logs, 'log record')} and {count(done.points, 'data point')}",
        f"{count(len(done.removed_days), 'whole day')}; {count(len(done.written_days), 'day')} "
        f"{'would be written' if dry_run else 'written'} again",
    )
    if not dry_run:
        print_lines(
            f"the files of the dataset had {format_bytes(done.bytes_before)}, and have {format_bytes(done.bytes_after)}"
        )
    return 0
