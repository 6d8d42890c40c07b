# SPDX-License-Identifier: Apache-2.0
"""The results of `delete` as text and as JSON."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.cli.options import ATTENTION
from otel_sqlite_exporter.cli.tables import print_json
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.show.units import format_bytes

if TYPE_CHECKING:
    from otel_sqlite_exporter.maintain.deletion.beside_files import BesideFile
    from otel_sqlite_exporter.maintain.deletion.chosen_records import ChosenRecords
    from otel_sqlite_exporter.maintain.deletion.deletion_run import DeletionPlan, DeletionReport
    from otel_sqlite_exporter.maintain.deletion.left_texts import Verification
    from otel_sqlite_exporter.maintain.deletion.missing_names import MissingName

_NAMED_PINS = 10


def show_plan(path: str, plan: DeletionPlan, backups: Sequence[BesideFile], *, as_json: bool) -> int:
    """Print what would be deleted, and return the exit code."""
    code = ATTENTION if plan.missing else 0
    if as_json:
        chosen = plan.chosen._asdict() | {"pins": [pin._asdict() for pin in plan.chosen.pins]}
        names = [file.path for file in backups]
        told = {"pending": plan.pending, "missing": dump_missing(plan.missing), "backups": names}
        print_json({"path": path, "dry_run": True, **chosen, **told})
        return code
    print_lines(*describe_plan(path, plan, backups))
    return code


def describe_plan(path: str, plan: DeletionPlan, backups: Sequence[BesideFile]) -> list[str]:
    """Return lines that say what would be deleted."""
    chosen = plan.chosen
    lines = []
    if plan.pending:
        lines.append(f"an earlier deletion of {path} was stopped: the next one completes it first")
    lines += describe_missing(path, plan.missing)
    if chosen.is_empty:
        return [*lines, f"nothing in {path} is chosen"]
    lines += [f"of {path} would go:", *_describe_chosen(chosen)]
    for pin in chosen.pins[:_NAMED_PINS]:
        what = f"session {pin.session_id}" if pin.session_id else f"trace {pin.trace_id}"
        lines.append(f"  pinned: {what}{f' ({pin.label})' if pin.label else ''}")
    if len(chosen.pins) > _NAMED_PINS:
        lines.append(f"  pinned: {len(chosen.pins) - _NAMED_PINS} more")
    if backups:
        lines.append("backups beside the file stay, unless --backups is given:")
        lines += [f"  {file.path} ({format_bytes(file.bytes)})" for file in backups]
    return lines


def _describe_chosen(chosen: ChosenRecords) -> list[str]:
    sessions = _count_units(chosen.sessions, chosen.touched_sessions, "session")
    traces = _count_units(chosen.traces, chosen.touched_traces, "trace")
    lines = [
        f"  {sessions}; {traces}",
        f"  {count(chosen.spans, 'span')}, {count(chosen.logs, 'log record')}, {count(chosen.events, 'event')}, "
        f"{count(chosen.calls, 'row')} of calls, {count(chosen.tools, 'row')} of tools",
        *_describe_points(chosen),
        f"  about {format_bytes(chosen.bytes)}",
    ]
    if chosen.running:
        lines.append(f"  {count(chosen.running, 'span')} of these still run: what their process writes later is new")
    return lines


def _describe_points(chosen: ChosenRecords) -> list[str]:
    if not (chosen.points or chosen.exemplars):
        return []
    exemplars = f", {count(chosen.exemplars, 'exemplar')} of others" if chosen.exemplars else ""
    return [f"  {count(chosen.points, 'data point')} of {count(chosen.series, 'series', 'series')}{exemplars}"]


def _count_units(whole: int, touched: int, noun: str) -> str:
    rest = touched - whole
    if not rest:
        return count(whole, noun)
    return (
        f"{count(whole, f'whole {noun}')}, parts of {count(rest, 'other')}"
        if whole
        else f"parts of {count(rest, noun)}"
    )


def describe_missing(path: str, missing: Sequence[MissingName]) -> list[str]:
    """Return a line for each name that no record has."""
    lines = []
    for kind, name, similar in missing:
        is_id = kind in ("session", "trace")
        hint = f": it is gone already, or the {'id' if is_id else 'name'} is wrong"
        if similar is not None:
            hint = f". Did you mean {similar!r}? Ids are given in full"
        what = f"no {kind}" if is_id else f"no record of {kind}"
        lines.append(f"there is {what} {name!r} in {path}{hint}")
    return lines


def dump_missing(missing: Sequence[MissingName]) -> list[dict[str, Any]]:
    """Return names that no record has as values of JSON."""
    return [one._asdict() for one in missing]


def show_deletion(
    path: str,
    report: DeletionReport,
    removed_backups: Sequence[str],
    backups: Sequence[str],
    verification: Verification | None,
    *,
    as_json: bool,
) -> int:
    """Print what was deleted and what is left, and return the exit code."""
    is_left = not report.erasure.is_complete or report.is_still_written or bool(verification and verification.left)
    code = ATTENTION if is_left or report.missing else 0
    if as_json:
        fields: dict[str, Any] = {"path": path, "dry_run": False, "removed": report.removed._asdict()}
        fields |= report._replace(removed=None, erasure=None)._asdict() | {  # type: ignore[arg-type]
            "removed": report.removed._asdict(),
            "erasure": report.erasure._asdict(),
            "missing": dump_missing(report.missing),
            "removed_backups": [*removed_backups],
            "backups": [*backups],
            "verification": None if verification is None else dump_verification(verification),
        }
        print_json(fields)
        return code
    print_lines(*_describe_removed(path, report))
    print_lines(*_describe_erasure(path, report))
    for name in removed_backups:
        print_lines(f"deleted the backup {name}")
    for name in backups:
        print_lines(f"the backup {name} stays: it may hold what was deleted; --backups deletes it")
    if verification is not None:
        print_left(path, verification)
    return code


def _describe_removed(path: str, report: DeletionReport) -> list[str]:
    removed = report.removed
    lines = []
    if report.completed:
        lines.append("completed an earlier deletion that was stopped")
    lines += describe_missing(path, report.missing)
    if not any(removed):
        return [*lines, f"nothing was deleted: no record of {path} meets the options"]
    lines.append(
        f"deleted {count(removed.spans, 'span')} and {count(removed.logs, 'log record')} of {path}, with "
        f"{count(removed.events, 'event')}, {count(removed.calls, 'row')} of calls, {count(removed.tools, 'row')} of "
        f"tools, {count(removed.points, 'data point')} and {count(removed.others, 'other row')}; gone are "
        f"{count(removed.sessions, 'session')} and {count(removed.traces, 'trace')}"
    )
    if report.has_new_index:
        lines.append("the search index was built again: rows cannot be taken out of it")
    return lines


def _describe_erasure(path: str, report: DeletionReport) -> list[str]:
    erasure = report.erasure
    lines = [f"the file had {format_bytes(report.bytes_before)}, and has {format_bytes(report.bytes_after)}"]
    if report.bytes_after > report.bytes_before:
        lines[0] += ": what was written meanwhile, and the notes of the deletion, take more than what went"
    if erasure.is_rewritten:
        lines.append("it was rewritten, as older versions of what was deleted stood in its free space")
    if not erasure.is_log_empty:
        lines.append(
            f"{path}-wal could not be emptied: it may hold what was deleted. End what reads or writes {path}, then run "
            "the same command again"
        )
    if erasure.problem is not None:
        lines.append(f"older versions of what was deleted are left in free space: {erasure.problem}; run it again")
    if report.is_still_written:
        lines.append("records like those that were deleted keep coming: end what writes them, then run it again")
    if report.spool is not None:
        lines.append(f"the spool was not looked through: {report.spool}")
    return lines


def show_verification(path: str, verification: Verification, *, as_json: bool) -> int:
    """Print where texts are left, and return the exit code."""
    if as_json:
        print_json({"path": path} | dump_verification(verification))
    else:
        print_left(path, verification)
    return ATTENTION if verification.left else 0


def dump_verification(verification: Verification) -> dict[str, Any]:
    """Return where texts are left as values of JSON."""
    fields = verification._asdict()
    return fields | {"left": [one._asdict() for one in verification.left], "unread": [*verification.unread]}


def print_left(path: str, verification: Verification) -> None:
    """Print where texts are left."""
    for left in verification.left:
        print_lines(f"left: {left.text!r} in {left.path}: {left.place}, {left.found} x")
    for name in verification.unread:
        print_lines(f"not looked into, as it is compressed: {name}")
    looked = f"{count(verification.files, 'file')} ({format_bytes(verification.bytes)})"
    if not verification.left:
        where = f"all of {path}" if os.path.isdir(path) else f"{path} and what stands beside it"
        print_lines(f"none of the texts is left: looked into {looked}, {where}")
