# SPDX-License-Identifier: Apache-2.0
"""Gathers sessions and traces of a dataset in one SQLite file, on which everything works as on any other."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

from otel_sqlite_exporter.archive.asking.locator import find_days
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest, read_manifests
from otel_sqlite_exporter.archive.restoring.asked_ids import resolve_ids
from otel_sqlite_exporter.archive.restoring.part_reader import PartReader
from otel_sqlite_exporter.archive.restoring.restored_points import add_points
from otel_sqlite_exporter.archive.restoring.restored_traces import TraceRestorer
from otel_sqlite_exporter.errors import CopyRefusedError, DamagedFileError
from otel_sqlite_exporter.imports.merging.merge_report import MergeReport
from otel_sqlite_exporter.imports.merging.merger import Merger
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.settings import WHOLE_RECORDS, Settings, resolve_settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.system.system_files import name_file, sync_folder
from otel_sqlite_exporter.storage.system.work_folders import make_work_folder
from otel_sqlite_exporter.storage.transactions import transaction

_FOLDER = ".gathering-"
_MOST_LOCATED = 1_000
"""Traces: each is looked up by itself, so with more of them all parts are looked into."""


@dataclass(slots=True)
class GatheredRecords:
    """What a gathered file holds.

    Attributes:
        sessions, traces: The ids that were asked for, whole.
        days: On which they are.
        spans, logs, points, marks: How many spans, log records, data points, and pins and notes.
    """

    sessions: tuple[str, ...]
    traces: tuple[str, ...]
    days: tuple[str, ...] = ()
    spans: int = 0
    logs: int = 0
    points: int = 0
    marks: int = 0


def make_gathering_settings(path: str) -> Settings:
    """Return the settings that put archived records into the file at `path` as they are: those in force, but nothing is
    redacted or left out again."""
    return resolve_settings(path)._replace(**WHOLE_RECORDS)


def gather(
    dataset: DatasetFolder, path: str, *, session_ids: Sequence[str] = (), trace_ids: Sequence[str] = ()
) -> GatheredRecords:
    """Write a new file to `path` with sessions, each with all traces that show it, and traces of a dataset: whole, with
    their log records, scores, pins, notes, and the data points that name the sessions. It has its name when it is
    complete, with mode 0600.

    Args:
        session_ids, trace_ids: Ids, or unique prefixes of ids.

    Raises:
        CopyRefusedError: `path` is there, or has no folder.
        FilterError, NotFoundError: An id is empty, or is none of the dataset, or of several.
        DamagedFileError: A part cannot be read.
        sqlite3.Error, OSError: The file cannot be written.
    """
    path = os.path.abspath(path)
    _check_place(dataset, path)
    with make_work_folder(path, _FOLDER) as folder:
        made = os.path.join(folder, "gathered.db")
        done = gather_into(dataset, made, folder, session_ids=session_ids, trace_ids=trace_ids)
        _name_file(made, path)
    return done


def gather_into(
    dataset: DatasetFolder, path: str, folder: str, *, session_ids: Sequence[str] = (), trace_ids: Sequence[str] = ()
) -> GatheredRecords:
    """Write as `gather` does to a file in `folder`, which is the caller's and keeps what is needed meanwhile.

    Raises:
        As `gather` raises.
    """
    manifests = read_manifests(dataset)
    done = GatheredRecords(
        resolve_ids(dataset, manifests, "session_id", session_ids),
        resolve_ids(dataset, manifests, "trace_id", trace_ids),
    )
    places = find_days(dataset, session_ids=done.sessions, trace_ids=done.traces)
    traces = {*done.traces, *_find_traces(dataset, _choose(manifests, places), done.sessions)}
    # A part of a trace may be on another day, of another source.
    places |= {} if len(traces) > _MOST_LOCATED else find_days(dataset, trace_ids=traces)
    settings = make_gathering_settings(path)
    days = set()
    chosen = manifests if len(traces) > _MOST_LOCATED else _choose(manifests, places)
    with closing(Merger(settings)) as merger, closing(TraceRestorer(dataset, chosen, folder)) as restorer:
        for manifest in chosen:
            report = merge_restored(merger, restorer, manifest, traces, done.sessions)
            if report is not None:
                done.spans += report.new_spans
                done.logs += report.new_logs
                days.add(manifest.date)
    done.days = tuple(sorted(days))
    done.points = add_points(dataset, manifests, settings, done.sessions)
    done.marks = _add_marks(dataset, manifests, settings, done.sessions, traces)
    return done


def _choose(manifests: Sequence[Manifest], places: Mapping[str, Sequence[str]]) -> list[Manifest]:
    """Return the manifests of these days, which are given by id."""
    dates = {date for days in places.values() for date in days}
    return [manifest for manifest in manifests if manifest.date in dates]


def _find_traces(dataset: DatasetFolder, manifests: Sequence[Manifest], sessions: Sequence[str]) -> list[str]:
    if not sessions:
        return []
    with PartReader(dataset, manifests, ["trace_sessions"]) as reader:
        pages = reader.read("traces_of_sessions", sessions=[*sessions])
        return [row["trace_id"] for row in chain.from_iterable(pages)]


def _add_marks(
    dataset: DatasetFolder,
    manifests: Sequence[Manifest],
    settings: Settings,
    sessions: Collection[str],
    traces: Collection[str],
) -> int:
    with PartReader(dataset, manifests, ["marks"]) as reader, closing(open_file(settings)) as target:
        with transaction(target):
            for page in reader.read("restored_marks", sessions=[*sessions], traces=[*traces]):
                target.executemany(read_query("merge_marks"), page)
        (marks,) = target.execute("SELECT count(*) FROM marks").fetchone()
    return int(marks)


def merge_restored(
    merger: Merger,
    restorer: TraceRestorer,
    manifest: Manifest,
    traces: Collection[str],
    sessions: Collection[str],
) -> MergeReport | None:
    """Merge what a manifest holds of traces and of log records without one, as `restorer` restores it. Return what was
    merged; None if the manifest holds nothing of them.

    Raises:
        DamagedFileError: A part cannot be read, or not all records of it can be taken in.
        sqlite3.Error, OSError: The file cannot be written.
    """
    with restorer.restoring(manifest, traces, sessions) as source:
        if source is None:
            return None
        report = merger.merge(source, lambda done, of: None)
    _check_whole(restorer.dataset, manifest, report)
    return report


def _check_whole(dataset: DatasetFolder, manifest: Manifest, report: MergeReport) -> None:
    """Raise DamagedFileError unless all records that were restored of a manifest were merged."""
    bad = report.unreadable + report.refused
    if bad or report.damages:
        what = "; ".join(report.damages) or f"{count(bad, 'record')} cannot be read"
        raise DamagedFileError(
            f"{dataset.path}: the parts of {manifest.name} are damaged ({what}): copy them from a backup"
        )


def _check_place(dataset: DatasetFolder, path: str) -> None:
    if os.path.lexists(path):
        raise CopyRefusedError(f"{path} is there already: give another path")
    if not os.path.isdir(os.path.dirname(path)):
        raise CopyRefusedError(f"there is no folder {os.path.dirname(path)}: make it, or give another path")
    if os.path.commonpath([os.path.realpath(dataset.path), os.path.realpath(path)]) == os.path.realpath(dataset.path):
        raise CopyRefusedError(f"{path} is in the dataset itself: give another path")


def _name_file(made: str, path: str) -> None:
    """Give a complete file its name, unless another has got it meanwhile."""
    try:
        name_file(made, path)
    except FileExistsError:
        raise CopyRefusedError(f"{path} is there now: give another path") from None
    sync_folder(os.path.dirname(path))
