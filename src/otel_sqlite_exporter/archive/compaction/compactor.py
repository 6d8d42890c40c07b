# SPDX-License-Identifier: Apache-2.0
"""Compacts a dataset: finds what is contested, takes it in again, and writes the days again that have several parts.

All days that share contested records change in one commit, each other day in one of its own. A run that is killed
leaves the dataset as it was before a commit or as it is after it; the next run does the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import closing

from otel_sqlite_exporter.archive.asking.locator import write_locator
from otel_sqlite_exporter.archive.compaction.compaction_notes import find_settled, note_settled
from otel_sqlite_exporter.archive.compaction.compaction_report import CompactionReport
from otel_sqlite_exporter.archive.compaction.contested_records import find_contested
from otel_sqlite_exporter.archive.compaction.part_relations import PartRelations
from otel_sqlite_exporter.archive.compaction.retaken_records import Homes, Progress, retake
from otel_sqlite_exporter.archive.compaction.unfinished_files import make_work, remove_leftovers, remove_work
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_lock import lock_dataset
from otel_sqlite_exporter.archive.dataset_format.manifests import (
    Manifest,
    commit_manifests,
    measure_parts,
    read_manifests,
)
from otel_sqlite_exporter.settings import resolve_settings


def compact(dataset: DatasetFolder, progress: Progress, *, is_dry: bool = False) -> CompactionReport:
    """Put the parts of all sources of a dataset together. The window for pairs by time is the setting
    `pairing_window_ms`.

    Args:
        is_dry: Say what would be done, and change nothing.

    Raises:
        FileRefusedError: Another run writes the dataset.
        DamagedFileError: A manifest or a part cannot be read. What was committed before stays.
        MissingPackageError: DuckDB or pyarrow is not installed.
        OSError, sqlite3.Error: Something cannot be written.
    """
    with lock_dataset(dataset, alone=True):
        left = None if is_dry else remove_leftovers(dataset)
        manifests = read_manifests(dataset)
        folder = make_work(dataset)
        try:
            with closing(PartRelations(dataset, manifests, folder)) as relations:
                report = _Compactor(dataset, manifests, relations, folder, progress).run(is_dry=is_dry)
        finally:
            remove_work(dataset)
        if left is not None:
            report.removed_parts, report.unnamed_parts = left
        return report


class _Compactor:
    def __init__(
        self,
        dataset: DatasetFolder,
        manifests: Sequence[Manifest],
        relations: PartRelations,
        folder: str,
        progress: Progress,
    ) -> None:
        self._dataset, self._manifests, self._relations = dataset, manifests, relations
        self._folder, self._progress = folder, progress

    def run(self, *, is_dry: bool) -> CompactionReport:
        """Do what is to be done, and return it."""
        report = CompactionReport(manifests=len(self._manifests), is_dry=is_dry)
        report.parts_before, report.bytes_before = measure_parts(self._manifests)
        self._progress(0, 1, "finding what several parts share")
        homes = self._find_homes()
        units = {unit for units in homes.values() for unit in units}
        report.contested_sessions = sum(unit.startswith("/") for unit in units)
        report.contested_traces = len(units) - report.contested_sessions
        dates = Counter(manifest.date for manifest in self._manifests)
        several = {date for date, number in dates.items() if number > 1}
        written = {self._manifests[number].date for number in homes}
        if not is_dry:
            if homes:
                written |= self._commit(homes, (), report)
            for date in sorted(several - written):
                self._commit({}, [date], report)
        report.days = tuple(sorted(several | written))
        after = read_manifests(self._dataset)
        report.parts_after, report.bytes_after = measure_parts(after)
        if not is_dry:
            self._progress(0, 1, "writing the locator")
            write_locator(self._dataset)
            note_settled(self._dataset, after)
        return report

    def _find_homes(self) -> Homes:
        settled = find_settled(self._dataset, self._manifests)
        window_ns = resolve_settings().pairing_window_ms * 1_000_000
        return find_contested(self._relations, self._manifests, settled, window_ns)

    def _commit(self, homes: Homes, dates: Collection[str], report: CompactionReport) -> set[str]:
        retaken = retake(
            self._dataset, self._manifests, self._relations, homes, self._folder, self._progress, dates=dates
        )
        commit_manifests(self._dataset, retaken.manifests)
        report.recounted_calls += retaken.recounted_calls
        return {manifest.date for manifest in retaken.manifests}
