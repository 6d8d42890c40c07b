# SPDX-License-Identifier: Apache-2.0
"""`delete` on a dataset: the units that a rule may concern are taken in again as a file, the rule is applied to that
file as to any other, and its rows take the place of theirs.

All days change in one commit. A run that is killed before it leaves the dataset as it was, one that is killed after it
leaves only files that hold no longer: the next run removes them first.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import NamedTuple

from otel_sqlite_exporter.archive.asking.locator import write_locator
from otel_sqlite_exporter.archive.compaction.compactor import compact
from otel_sqlite_exporter.archive.compaction.contested_records import find_tied
from otel_sqlite_exporter.archive.compaction.part_relations import PartRelations
from otel_sqlite_exporter.archive.compaction.retaken_records import Homes, Progress, retake
from otel_sqlite_exporter.archive.compaction.unfinished_files import make_work, remove_work
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_lock import lock_dataset
from otel_sqlite_exporter.archive.dataset_format.manifests import (
    Manifest,
    commit_manifests,
    measure_parts,
    read_manifests,
)
from otel_sqlite_exporter.archive.dataset_removal.chosen_units import READ, choose_units
from otel_sqlite_exporter.archive.dataset_removal.gone_rows import GoneRows, find_series
from otel_sqlite_exporter.archive.restoring.gathered_file import make_gathering_settings
from otel_sqlite_exporter.errors import DeletionRefusedError
from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
from otel_sqlite_exporter.maintain.deletion.deletion_run import DeletionPlan, delete_records, plan_deletion
from otel_sqlite_exporter.maintain.deletion.missing_names import MissingName
from otel_sqlite_exporter.settings import Settings, resolve_settings
from otel_sqlite_exporter.sql.texts import read_engine_text, read_query
from otel_sqlite_exporter.storage.connection import read_file
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.system.work_folders import make_temporary_folder
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.removal.removed_records import RemovedCounts

_EMPTY = "empty.db"


class DatasetDeletion(NamedTuple):
    """What `delete_from_dataset` did.

    Attributes:
        removed: Rows that went. Data points are in `points`; exemplars, pins and notes in `others`.
        days: The days (UTC) whose parts were written again, in order.
        missing: Names of the rule that no record of the dataset has.
        removed_parts: Files of a run that was killed before, which were removed first.
        unnamed_parts: Parts of files that no manifest names, and that were left as they are.
        bytes_before, bytes_after: Of all parts that hold.
    """

    removed: RemovedCounts
    days: tuple[str, ...]
    missing: tuple[MissingName, ...]
    removed_parts: int
    unnamed_parts: int
    bytes_before: int
    bytes_after: int


class _StoppedError(Exception):
    """The run ends before it changes anything."""


def delete_from_dataset(
    dataset: DatasetFolder,
    rule: DeletionRule,
    *,
    confirm: Callable[[DeletionPlan], bool] = lambda plan: True,
    progress: Progress = lambda done, of, what: None,
) -> DatasetDeletion | None:
    """Delete what `rule` chooses in a dataset, and return what was done; None where `confirm` returned False for the
    plan. First its parts are put together, as `compact` does: else what one of them lost might count in another.

    Raises:
        DeletionRefusedError: The rule chooses nothing, or has a filter.
        FileRefusedError: Another run writes the dataset, or a part of it cannot be read.
        sqlite3.Error, OSError: Something cannot be written. What was not committed is deleted by the next run.
    """
    check_dataset_rule(dataset, rule)
    compacted = compact(dataset, progress)
    with lock_dataset(dataset, alone=True):
        manifests = read_manifests(dataset)
        folder = make_work(dataset)
        try:
            with closing(PartRelations(dataset, manifests, folder)) as relations:
                run = _DeletionRun(dataset, manifests, relations, folder, rule, confirm)
                run.run(progress)
        finally:
            remove_work(dataset)
        write_locator(dataset)
        after = read_manifests(dataset)
    if run.is_declined:
        return None
    sizes = measure_parts(manifests)[1], measure_parts(after)[1]
    left = compacted.removed_parts, compacted.unnamed_parts
    return DatasetDeletion(run.removed, tuple(run.days), run.missing, *left, *sizes)


def plan_dataset_deletion(
    dataset: DatasetFolder, rule: DeletionRule, progress: Progress = lambda done, of, what: None
) -> DeletionPlan:
    """Return what `rule` would delete. Changes nothing. Of records that several parts hold, all are counted together.

    Raises:
        DeletionRefusedError: The rule chooses nothing, or has a filter.
        FileRefusedError: A part of the dataset cannot be read.
        sqlite3.Error, OSError: The scratch file cannot be written.
    """
    check_dataset_rule(dataset, rule)
    plans: list[DeletionPlan] = []

    def confirm(plan: DeletionPlan) -> bool:
        plans.append(plan)
        return False

    manifests = read_manifests(dataset)
    with (
        make_temporary_folder(".planning-") as folder,
        closing(PartRelations(dataset, manifests, folder)) as relations,
    ):
        _DeletionRun(dataset, manifests, relations, folder, rule, confirm).run(progress)
    return plans[0]


class _DeletionRun:
    """One run. What it is not told to keep, it only plans."""

    def __init__(
        self,
        dataset: DatasetFolder,
        manifests: Sequence[Manifest],
        relations: PartRelations,
        folder: str,
        rule: DeletionRule,
        confirm: Callable[[DeletionPlan], bool],
    ) -> None:
        self._dataset, self._manifests, self._relations = dataset, manifests, relations
        self._folder, self._rule, self._confirm = folder, rule, confirm
        self._dates: set[str] = set()
        self._gone = GoneRows()
        self.removed = RemovedCounts()
        self.missing: tuple[MissingName, ...] = ()
        self.days: list[str] = []
        self.is_declined = False

    def run(self, progress: Progress) -> None:
        """Delete what the rule chooses, if that is confirmed."""
        progress(0, 1, "finding what is to go")
        homes = self._find_homes()
        keep = {
            "metrics": lambda batch: self._gone.keep_points(batch),
            "exemplars": lambda batch: self._gone.keep_exemplars(batch),
            "marks": lambda batch: self._gone.keep_marks(batch),
        }
        try:
            if not homes:
                path = os.path.join(self._folder, _EMPTY)
                open_file(make_gathering_settings(path)).close()
                self._delete(path)
            retaken = retake(
                self._dataset,
                self._manifests,
                self._relations,
                homes,
                self._folder,
                progress,
                change=self._delete,
                dates=self._dates,
                keep=keep,
            )
        except _StoppedError:
            return
        if retaken.manifests:
            commit_manifests(self._dataset, retaken.manifests)
        self.days = [manifest.date for manifest in retaken.manifests]
        counts = self._gone.counts
        others = self.removed.others + counts["exemplars"] + counts["marks"]
        self.removed = self.removed._replace(points=counts["metrics"], others=others)

    def _find_homes(self) -> Homes:
        self._relations.show(READ, range(len(self._manifests)))
        units = choose_units(self._relations, self._rule)
        window_ns = resolve_settings().pairing_window_ms * 1_000_000
        return find_tied(self._relations, self._manifests, units, window_ns)

    def _delete(self, path: str) -> None:
        """Apply the rule to the file of what was taken in again, and find what goes with that.

        Raises:
            _StoppedError: That is not confirmed, or nothing is chosen.
        """
        self._relations.show(READ, range(len(self._manifests)))
        settings = make_gathering_settings(path)
        before = _read_names(settings, self._rule.users)
        self._gone = find_series(self._relations, self._rule, before.of_users)
        self._add_marks(settings, before)
        plan = self._plan(settings)
        self.missing = plan.missing
        if not self._confirm(plan):
            self.is_declined = True
            raise _StoppedError
        marked = _read_marked(settings)
        report = delete_records(settings, self._rule)
        if report is not None:
            # Its marks are copies, which are counted where they go.
            self.removed = report.removed._replace(others=0)
        after = _read_names(settings, ())
        unmarked = marked - _read_marked(settings)
        self._gone.sessions = {session for session, _ in unmarked if session} | {*self._name_alone("sessions")}
        self._gone.marked_traces = {trace for _, trace in unmarked if trace} | {*self._name_alone("traces")}
        self._gone.traces = (before.traces - after.traces) | {*self._name_alone("traces")}
        self._dates |= self._gone.find_days(self._relations)
        if not (self.removed.records or self._dates):
            raise _StoppedError

    def _plan(self, settings: Settings) -> DeletionPlan:
        """Return what would go, with the data points, which the file does not have."""
        plan = plan_deletion(settings, self._rule)
        series, points, exemplars = self._gone.count(self._relations)
        size = _estimate_bytes(self._manifests, plan.chosen.spans + plan.chosen.logs, points)
        chosen = plan.chosen._replace(series=series, points=points, exemplars=exemplars, bytes=size)
        missing = tuple(one for one in plan.missing if one.name not in self._gone.names)
        return plan._replace(chosen=chosen, missing=missing)

    def _add_marks(self, settings: Settings, names: _Names) -> None:
        """Add the pins and notes of what is in the file to it, so that the plan names them."""
        query = read_engine_text("duckdb", "restoring", "restored_marks")
        values = {"sessions": [*names.sessions], "traces": [*names.traces]}
        with self._relations.reading():
            found = self._relations.connection.execute(query, values)
            columns = [column[0] for column in found.description]
            rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
        with closing(open_file(settings, must_exist=True)) as connection, transaction(connection):
            connection.executemany(read_query("merge_marks"), rows)

    def _name_alone(self, kind: str) -> Sequence[str]:
        """Return the ids that are given, where nothing else is: what has pins or notes alone is in no file."""
        given = [name for name, value in self._rule._asdict().items() if value]
        names: Sequence[str] = getattr(self._rule, kind)
        return names if given == [kind] else ()


class _Names(NamedTuple):
    """The sessions and traces of a file, and the sessions whose user is one of some."""

    sessions: set[str]
    traces: set[str]
    of_users: set[str]


def _estimate_bytes(manifests: Sequence[Manifest], records: int, points: int) -> int:
    """Return what so many spans and log records, and so many data points, take in parts, if all take the same."""
    size = rows = size_of_points = rows_of_points = 0
    for part in (part for manifest in manifests for part in manifest.parts):
        if part.table in ("metrics", "exemplars"):
            size_of_points += part.bytes
            rows_of_points += part.rows * (part.table == "metrics")
        else:
            size += part.bytes
            rows += part.rows * (part.table in ("spans", "logs"))
    return size * records // max(rows, 1) + size_of_points * points // max(rows_of_points, 1)


def _read_names(settings: Settings, users: Sequence[str]) -> _Names:
    def read(connection: sqlite3.Connection) -> _Names:
        sessions = dict(connection.execute("SELECT session_id, user_id FROM sessions").fetchall())
        traces = {trace for (trace,) in connection.execute("SELECT trace_id FROM traces")}
        return _Names({*sessions}, traces, {session for session, user in sessions.items() if user in users})

    return read_file(settings.path, read, busy_timeout_ms=settings.busy_timeout_ms)


def _read_marked(settings: Settings) -> set[tuple[str, str]]:
    """Return the sessions and traces of pins and notes, also of those that were taken away: one of the two is empty."""

    def read(connection: sqlite3.Connection) -> set[tuple[str, str]]:
        return {*connection.execute("SELECT session_id, trace_id FROM _marks")}

    return read_file(settings.path, read, busy_timeout_ms=settings.busy_timeout_ms)


def check_dataset_rule(dataset: DatasetFolder, rule: DeletionRule) -> None:
    """Make sure that a dataset takes all options of `rule`.

    Raises:
        DeletionRefusedError: It does not, or the rule says nothing.
    """
    rule.check()
    if rule.filter is not None:
        raise DeletionRefusedError(
            f"nothing was deleted: {dataset.path} is a dataset, which takes no --where: find the traces with `sql`, "
            "and give --trace"
        )
