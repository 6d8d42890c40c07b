# SPDX-License-Identifier: Apache-2.0
"""`delete`: removes what a rule chooses with all that hangs on it, and overwrites it on the disk.

What goes is noted in the file before the first record goes. Each step is one transaction with its row in the ledger. So
a run that was killed is completed by the next one, whatever that is asked to delete.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from otel_sqlite_exporter.errors import DeletionStoppedError, SpoolError
from otel_sqlite_exporter.maintain.deletion.chosen_points import forget_exemplars
from otel_sqlite_exporter.maintain.deletion.chosen_records import ChosenRecords, choose_records
from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
from otel_sqlite_exporter.maintain.deletion.erasure import Erasure, Progress, erase
from otel_sqlite_exporter.maintain.deletion.leftovers import RemovedNames, forget_leftovers
from otel_sqlite_exporter.maintain.deletion.marked_points import MarkedPoints
from otel_sqlite_exporter.maintain.deletion.marked_records import (
    MarkedRecords,
    PendingDeletion,
    find_pending,
    forget_unused_marks,
    mark_records,
)
from otel_sqlite_exporter.maintain.deletion.missing_names import MissingName, find_missing
from otel_sqlite_exporter.maintain.repair import recover
from otel_sqlite_exporter.maintain.search_index import drop_index, index_content
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.query.search import has_index
from otel_sqlite_exporter.retention.ledger import LedgerEntry
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.identity import find_version
from otel_sqlite_exporter.storage.statistics import gather_statistics
from otel_sqlite_exporter.storage.system.file_space import count_pages, give_back
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.removal.orphans import sweep_orphans
from otel_sqlite_exporter.write.removal.removal_steps import remove_in_steps
from otel_sqlite_exporter.write.removal.removed_records import RecordsToRemove, RemovedCounts

_MOST_ROUNDS = 8
"""How often to look for what came while others were removed."""
_MOST_PROOFS = 24
_POINTS_OF_A_RECORD = 16
"""So many data points take as long as a span or log record, or less."""


class DeletionPlan(NamedTuple):
    """What would be deleted: how much the rule chooses, how many earlier runs are to be completed first, and the names
    that no record has."""

    chosen: ChosenRecords
    pending: int
    missing: tuple[MissingName, ...]


class DeletionReport(NamedTuple):
    """What `delete_records` did.

    Attributes:
        removed: Rows that went, in this run.
        completed: Earlier runs that were completed first.
        erasure: Whether it is gone from the disk.
        has_new_index: Whether the search index was built again.
        is_still_written: Whether records that the rule chooses kept coming.
        spool: Why batches stay in the spool; None: none does.
        bytes_before: Of the file, with what waits in its write-ahead log.
        bytes_after: Likewise.
        missing: Names of the rule that no record had, nor a run that was completed.
    """

    removed: RemovedCounts
    completed: int
    erasure: Erasure
    has_new_index: bool
    is_still_written: bool
    spool: str | None
    bytes_before: int
    bytes_after: int
    missing: tuple[MissingName, ...]


def plan_deletion(settings: Settings, rule: DeletionRule) -> DeletionPlan:
    """Return what `rule` would delete. Changes nothing.

    Raises:
        DeletionRefusedError: The rule chooses nothing, or everything.
        FilterError, MissingPackageError: Its filter cannot be used.
        FileRefusedError: The file is missing, damaged, not of this package, or too old.
        sqlite3.Error, OSError: It cannot be read.
    """
    rule.check()
    file = TelemetryFile(settings.path, settings.busy_timeout_ms)
    return file.read(lambda connection: _plan(connection, rule))


def _plan(connection: sqlite3.Connection, rule: DeletionRule) -> DeletionPlan:
    pending = find_pending(connection)
    names = {name for one in pending for name in one.rule.names}
    missing = find_missing(connection, rule, names)
    return DeletionPlan(choose_records(connection, rule), len(pending), missing)


def delete_records(
    settings: Settings,
    rule: DeletionRule,
    *,
    texts: Sequence[str] = (),
    confirm: Callable[[DeletionPlan], bool] = lambda plan: True,
    progress: Progress = lambda what, done, of: None,
) -> DeletionReport | None:
    """Delete what `rule` chooses, in short steps beside other writers, and return what was done; None where `confirm`
    returned False for the plan. First the spool is written into the file, and earlier runs are completed. Where `texts`
    or what was removed are still found in free space of the file, it is rewritten. `progress` is called with what is
    done, how much of it, and of how much.

    Raises:
        DeletionRefusedError: The rule chooses nothing, or everything.
        FilterError, MissingPackageError: Its filter cannot be used.
        FileRefusedError, MigrationFailedError: The file cannot be used as it is.
        DeletionStoppedError: It cannot be written any more. The next run completes what this one began.
        sqlite3.Error, OSError: It cannot be written now.
    """
    rule.check()
    find_version(settings.path, busy_timeout_ms=settings.busy_timeout_ms)
    with contextlib.closing(open_file(settings, must_exist=True)) as connection:
        bytes_before = count_pages(connection).file_bytes
        spool = _replay(settings)
        connection.execute("PRAGMA secure_delete = ON")
        run = _Run(connection, settings, rule, progress)
        with _saying_how_to_go_on(settings.path):
            pending = run.complete_pending()
        missing = run.find_missing()
        if not confirm(DeletionPlan(run.choose(), 0, missing)):
            return None
        with _saying_how_to_go_on(settings.path):
            run.remove_all()
        erasure = erase(connection, settings, [*texts, *run.proofs], progress)
        bytes_after = count_pages(connection).file_bytes
    if run.removed.others and len(rule.names) == 1:  # sums, counters or quarantined records had the name
        missing = ()
    return DeletionReport(
        run.removed,
        pending,
        erasure,
        run.has_new_index,
        run.is_still_written,
        spool,
        bytes_before,
        bytes_after,
        missing,
    )


class _Run:
    """One run on one connection."""

    def __init__(
        self, connection: sqlite3.Connection, settings: Settings, rule: DeletionRule, progress: Progress
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._rule = rule
        self._progress = progress
        self._entry = LedgerEntry("delete", rule.describe())
        self.removed = RemovedCounts()
        self.proofs: list[str] = [*rule.names][:_MOST_PROOFS]
        self.has_new_index = False
        self.is_still_written = False
        self._completed_names: set[str] = set()

    def find_missing(self) -> tuple[MissingName, ...]:
        """Return the names of the rule that no record has, but for those of runs that this one has completed."""
        with transaction(self._connection, "BEGIN"):
            return find_missing(self._connection, self._rule, self._completed_names)

    def choose(self) -> ChosenRecords:
        """Return what the rule chooses now."""
        with transaction(self._connection, "BEGIN"):
            return choose_records(self._connection, self._rule)

    def complete_pending(self) -> int:
        """Complete earlier runs that were stopped, and return their number."""
        pending = find_pending(self._connection)
        for one in pending:
            self._complete(one, LedgerEntry("delete", one.rule.describe(), one.run_id))
            self._completed_names.update(one.rule.names)
        return len(pending)

    def remove_all(self) -> None:
        """Remove what the rule chooses, also what comes meanwhile."""
        pending = self._mark()
        if pending is None:
            with transaction(self._connection):
                others = forget_leftovers(self._connection, 0, self._rule, RemovedNames((), ()))
                if others:
                    self._note(self._entry, RemovedCounts(others=others), is_complete=True)
            return
        for _ in range(_MOST_ROUNDS):
            self._remove_marked(pending, self._entry)
            if self._mark() is None:
                break
        else:
            self.is_still_written = True
        self._complete(pending, self._entry)

    def _mark(self) -> PendingDeletion | None:
        """Note what the rule chooses as what this run is to remove; None: nothing."""
        connection = self._connection
        chosen = self.choose()
        if chosen.is_empty:
            return None
        with transaction(connection):
            self._entry.note(connection, RemovedCounts())
            find_key = "SELECT id FROM _deletions WHERE run_id = ?"
            (key,) = connection.execute(find_key, (self._entry.run_id,)).fetchone()
            if not find_pending(connection):
                forget_unused_marks(connection)
        concerns_index = has_index(connection) and chosen.calls + chosen.tools > 0
        mark_records(connection, key, self._rule, chosen=chosen.spans, has_index=concerns_index, rest=time.sleep)
        return PendingDeletion(key, self._entry.run_id, self._rule)

    def _complete(self, pending: PendingDeletion, entry: LedgerEntry) -> None:
        """Remove what is marked, and then what is left of it elsewhere in the file."""
        connection = self._connection
        self._remove_marked(pending, entry)
        marked = MarkedRecords(connection, pending.key)
        names = marked.read_names()
        with transaction(connection):
            others = forget_leftovers(connection, pending.key, pending.rule, names)
            self._note(entry, RemovedCounts(others=others))
        self._progress("sweeping", 0, None)
        sweep_orphans(connection, time.sleep)
        self._renew_derived(marked)
        given = [*pending.rule.names, *sorted(names.sessions)[:_MOST_PROOFS], *sorted(names.traces)[:_MOST_PROOFS]]
        self.proofs += [*dict.fromkeys(given)][:_MOST_PROOFS] + marked.read_proofs()
        with transaction(connection):
            marked.forget_all()
            entry.note(connection, RemovedCounts(), is_complete=True)
        give_back(connection, progress=lambda done, of: self._progress("giving back pages", done, of))

    def _remove_marked(self, pending: PendingDeletion, entry: LedgerEntry) -> None:
        marked = MarkedRecords(self._connection, pending.key)
        points = MarkedPoints(self._connection, pending.key)
        done, of = 0, marked.count() + points.count()

        def choose(limit: int) -> RecordsToRemove | None:
            cuts = points.take(limit * _POINTS_OF_A_RECORD)
            return marked.take(limit) if cuts is None else RecordsToRemove(points=cuts)

        def note(counts: RemovedCounts) -> None:
            nonlocal done
            points.forget_taken()
            marked.forget_taken()
            self._note(entry, counts)
            done += counts.records + counts.points
            self._progress("deleting records", min(done, of), of)

        remove_in_steps(self._connection, self._settings, choose, note)
        exemplars = forget_exemplars(self._connection, pending.rule, marked.read_names().traces, time.sleep)
        if exemplars:
            with transaction(self._connection):
                self._note(entry, RemovedCounts(others=exemplars))

    def _note(self, entry: LedgerEntry, counts: RemovedCounts, *, is_complete: bool = False) -> None:
        entry.note(self._connection, counts, is_complete=is_complete)
        self.removed = self.removed.add(counts)

    def _renew_derived(self, marked: MarkedRecords) -> None:
        """Make the search index and the statistics again, of what stays: they hold pieces and samples of what went."""
        connection = self._connection
        if marked.had_index():
            drop_index(connection)
            index_content(self._settings, progress=partial(self._progress, "building the search index"))
            self.has_new_index = True
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'").fetchone():
            gather_statistics(connection)


@contextlib.contextmanager
def _saying_how_to_go_on(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise DeletionStoppedError(
            f"the deletion from {path} was stopped (SQLite says: {error}): what is deleted so far is gone; end what "
            "locks the file, or make room on its disk, and run the same command again"
        ) from error


def _replay(settings: Settings) -> str | None:
    """Write the spool into the file; return why batches stay there."""
    try:
        recover(settings)
    except (SpoolError, OSError) as error:
        return str(error)
    return None
