# SPDX-License-Identifier: Apache-2.0
"""`prune` on a dataset: removes whole sessions and traces that ended long ago.

Days that lose everything are removed without being read; others are written again, all of them in one commit. What
stays is as if it alone had been archived: calls that others repeated which are gone are counted again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from contextlib import closing, suppress
from typing import NamedTuple

from otel_sqlite_exporter.archive.asking.locator import write_locator
from otel_sqlite_exporter.archive.compaction.compactor import compact
from otel_sqlite_exporter.archive.compaction.contested_records import find_tied
from otel_sqlite_exporter.archive.compaction.part_relations import PartRelations
from otel_sqlite_exporter.archive.compaction.retaken_records import Progress, find_generation, retake
from otel_sqlite_exporter.archive.compaction.rewritten_days import join_facts
from otel_sqlite_exporter.archive.compaction.unfinished_files import make_work, remove_leftovers, remove_work
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import MERGED, DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_lock import lock_dataset
from otel_sqlite_exporter.archive.dataset_format.manifests import (
    Manifest,
    commit_manifests,
    measure_parts,
    read_manifests,
)
from otel_sqlite_exporter.archive.dataset_removal.chosen_units import READ, run_removal
from otel_sqlite_exporter.archive.dataset_removal.gone_rows import GoneRows
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.system.work_folders import make_temporary_folder
from otel_sqlite_exporter.version import __version__


class DatasetPruning(NamedTuple):
    """What `prune_dataset` removed, or would.

    Attributes:
        sessions, traces: Those whose records all go. `traces_without_session`: those of them that have none.
        spans, logs, points: Spans, log records and data points.
        removed_days: Days (UTC) that lose everything, in order.
        written_days: Days whose parts are written again.
        bytes_before, bytes_after: Of all parts that hold.
    """

    sessions: int
    traces: int
    traces_without_session: int
    spans: int
    logs: int
    points: int
    removed_days: tuple[str, ...]
    written_days: tuple[str, ...]
    bytes_before: int
    bytes_after: int


class PruneBounds(NamedTuple):
    """What goes: what ended before a time (nanoseconds since 1970), failed requests before another; and the services
    that it is about (empty: all)."""

    before: int
    failed_before: int
    services: tuple[str, ...] = ()

    @classmethod
    def make(cls, older_than_s: float, keep_failed_s: float | None, services: Sequence[str]) -> PruneBounds:
        """Return the bounds of ages, in seconds, now."""
        now = time.time_ns()
        before = now - int(older_than_s * 1e9)
        failed_before = before if keep_failed_s is None else now - int(keep_failed_s * 1e9)
        return cls(before, failed_before, tuple(services))


def prune_dataset(
    dataset: DatasetFolder,
    bounds: PruneBounds,
    *,
    is_dry: bool = False,
    progress: Progress = lambda done, of, what: None,
) -> DatasetPruning:
    """Remove what is due, or only say what is. Sessions go as a whole, with all traces that show one of them: while any
    of these is younger, runs or is pinned, all stay. First the parts are put together, as `compact` does.

    Raises:
        FileRefusedError: Another run writes the dataset, or a part of it cannot be read.
        sqlite3.Error, OSError: Something cannot be written. The next run goes on there.
    """
    if is_dry:
        with make_temporary_folder(".planning-") as folder:
            return _prune(dataset, bounds, folder, progress, is_dry=True)
    compact(dataset, progress)
    with lock_dataset(dataset, alone=True):
        folder = make_work(dataset)
        try:
            done = _prune(dataset, bounds, folder, progress, is_dry=False)
        finally:
            remove_work(dataset)
        remove_leftovers(dataset)
        write_locator(dataset)
    return done._replace(bytes_after=measure_parts(read_manifests(dataset))[1])


def _prune(
    dataset: DatasetFolder, bounds: PruneBounds, folder: str, progress: Progress, *, is_dry: bool
) -> DatasetPruning:
    progress(0, 1, "finding what is due")
    manifests = read_manifests(dataset)
    everything = range(len(manifests))
    with closing(PartRelations(dataset, manifests, folder)) as relations:
        relations.show(READ, everything)
        due = _find_due(relations, bounds)
        gone = _find_gone(relations, bounds, due)
        touched = {date for (date,) in run_removal(relations, "list_due_days")} | gone.find_days(relations)
        kept_days = {date for (date,) in run_removal(relations, "list_kept_days", **gone.name_rows())}
        whole, rest = sorted(touched - kept_days), touched & kept_days
        ((traces, alone, spans, logs),) = run_removal(relations, "count_due")
        _, points, _ = gone.count(relations)
        counts = len(gone.sessions), int(traces), int(alone), int(spans), int(logs), points
        if not is_dry:
            rest = _write_days(dataset, manifests, relations, due, gone, rest, folder, progress)
            _remove_days(dataset, [manifest for manifest in manifests if manifest.date in whole])
    _, size = measure_parts(manifests)
    return DatasetPruning(*counts, tuple(whole), tuple(sorted(rest)), size, size)


def _find_due(relations: PartRelations, bounds: PruneBounds) -> list[str]:
    values = bounds._asdict() | {"services": [*bounds.services]}
    run_removal(relations, "keep_units", **values)
    while run_removal(relations, "keep_more") != [(0,)]:
        pass
    return [unit for (unit,) in run_removal(relations, "list_due_units")]


def _find_gone(relations: PartRelations, bounds: PruneBounds, due: Sequence[str]) -> GoneRows:
    """Return what goes with these units, and the data points before the bound that name no session that stays."""
    kept = {session for (session,) in run_removal(relations, "list_kept_sessions")}
    series = [
        id
        for id, service, session, *_ in run_removal(relations, "list_series")
        if session not in kept and (not bounds.services or service in bounds.services)
    ]
    sessions = [session for (session,) in run_removal(relations, "list_gone_sessions")]
    traces = [unit for unit in due if not unit.startswith("/")]
    return GoneRows(series, until=bounds.before, sessions=sessions, traces=traces, marked_traces=traces)


def _write_days(
    dataset: DatasetFolder,
    manifests: Sequence[Manifest],
    relations: PartRelations,
    due: Sequence[str],
    gone: GoneRows,
    dates: Collection[str],
    folder: str,
    progress: Progress,
) -> set[str]:
    """Write these days without what goes, and those on which something is counted again; return them."""
    window_ns = resolve_settings().pairing_window_ms * 1_000_000
    away = {*due}
    tied = find_tied(relations, manifests, due, window_ns)
    homes = {number: left for number, units in tied.items() if (left := [one for one in units if one not in away])}
    keep = {"metrics": gone.keep_points, "exemplars": gone.keep_exemplars, "marks": gone.keep_marks}
    retaken = retake(dataset, manifests, relations, homes, folder, progress, dates=dates, keep=keep)
    if retaken.manifests:
        commit_manifests(dataset, retaken.manifests)
    return {manifest.date for manifest in retaken.manifests}


def _remove_days(dataset: DatasetFolder, manifests: Sequence[Manifest]) -> None:
    """Put a manifest without parts in the place of those of each day. It stays, as `archive` sees by it that the day
    was there."""
    days: dict[str, list[Manifest]] = {}
    for manifest in manifests:
        days.setdefault(manifest.date, []).append(manifest)
    empty = [
        Manifest(
            MERGED,
            date,
            find_generation(dataset, date),
            (),
            replaces=tuple(one.name for one in old),
            package_version=__version__,
            facts=join_facts(old),
        )
        for date, old in days.items()
    ]
    if empty:
        commit_manifests(dataset, empty)
    for folder in {os.path.dirname(dataset.join(part.path)) for manifest in manifests for part in manifest.parts}:
        with suppress(OSError):  # another source has files of this day
            os.rmdir(folder)
