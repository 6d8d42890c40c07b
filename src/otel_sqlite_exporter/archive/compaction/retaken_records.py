# SPDX-License-Identifier: Apache-2.0
"""Takes records of a dataset in again, and writes the days that they are on: what `compact` and `delete` do with
them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from types import MappingProxyType
from typing import NamedTuple

from otel_sqlite_exporter.archive.compaction.fresh_rows import FreshRows, write_fresh_rows
from otel_sqlite_exporter.archive.compaction.part_relations import PartRelations
from otel_sqlite_exporter.archive.compaction.rewritten_days import DayRewriter, Keep
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import MERGED, DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest, list_manifests
from otel_sqlite_exporter.archive.day_rows.row_reader import find_id_base
from otel_sqlite_exporter.archive.restoring.gathered_file import make_gathering_settings, merge_restored
from otel_sqlite_exporter.archive.restoring.restored_traces import TraceRestorer
from otel_sqlite_exporter.imports.merging.merger import Merger

Homes = Mapping[int, Sequence[str]]
"""Units, by the number of each manifest that holds some of them."""
Progress = Callable[[int, int, str], None]
"""Is called with how much is done, how much there is, and of what."""
_UNITED = "united.db"


class Retaken(NamedTuple):
    """What was written: the manifests of the days, which are not committed, and how many calls count that did not
    before, or the other way round."""

    manifests: Sequence[Manifest]
    recounted_calls: int


def retake(
    dataset: DatasetFolder,
    manifests: Sequence[Manifest],
    relations: PartRelations,
    homes: Homes,
    folder: str,
    progress: Progress,
    *,
    change: Callable[[str], None] = lambda path: None,
    dates: Collection[str] = (),
    keep: Keep = MappingProxyType({}),
) -> Retaken:
    """Put what `manifests` hold of the units of `homes` together in one SQLite file, and write the parts of their days
    again with the rows of that file in place of theirs.

    Args:
        relations: Those of the manifests; its table `contested` has the units.
        folder: For what is needed meanwhile.
        change: Is called with the path of the file before its rows are read.
        dates: Other days to write again, too.
        keep: See `DayRewriter`.

    Raises:
        DamagedFileError: A part cannot be read, or not all records of it can be taken in.
        sqlite3.Error, OSError: Something cannot be written.
    """
    fresh: FreshRows = {}
    if homes:
        path = unite_records(dataset, manifests, homes, folder, progress)
        change(path)
        # The same for the same parts, and no other run has it.
        id_base = find_id_base(" ".join(manifests[number].name for number in sorted(homes)))
        with closing(sqlite3.connect(path)) as connection:
            fresh = write_fresh_rows(connection, id_base, folder)
    calls = [path for (table, _), path in fresh.items() if table == "llm_interactions"]
    recounted = relations.count_recounted(homes, calls) if homes else 0
    touched = sorted({*dates, *(manifests[number].date for number in homes), *(date for _, date in fresh)})
    rewriter = DayRewriter(dataset, manifests, relations, fresh, keep)
    made = []
    for done, date in enumerate(touched):
        progress(done, len(touched), f"writing {date}")
        numbers = [number for number, manifest in enumerate(manifests) if manifest.date == date]
        made.append(rewriter.rewrite(date, numbers, find_generation(dataset, date)))
    return Retaken(made, recounted)


def unite_records(
    dataset: DatasetFolder, manifests: Sequence[Manifest], homes: Homes, folder: str, progress: Progress
) -> str:
    """Write one file in `folder` with the units of `homes`, and return its path. Computed costs stay as they were
    archived.

    Raises:
        DamagedFileError: A part cannot be read, or not all records of it can be taken in.
        sqlite3.Error, OSError: The file cannot be written.
    """
    path = os.path.join(folder, _UNITED)
    chosen = [manifests[number] for number in homes]
    with (
        closing(Merger(make_gathering_settings(path))) as merger,
        closing(TraceRestorer(dataset, chosen, folder)) as restorer,
    ):
        for done, (number, units) in enumerate(sorted(homes.items())):
            manifest = manifests[number]
            progress(done, len(homes), "taking records in again")
            traces = [unit for unit in units if not unit.startswith("/")]
            sessions = [unit.split("/", 2)[2] for unit in units if unit.startswith("/")]
            merge_restored(merger, restorer, manifest, traces, sessions)
    return path


def find_generation(dataset: DatasetFolder, date: str) -> int:
    """Return the number of the next merged generation of a day."""
    beginning, ending = f"{MERGED}-{date}-", ".json"
    names = [name for name in list_manifests(dataset) if name.startswith(beginning)]
    return max((int(name.removeprefix(beginning).removesuffix(ending)) + 1 for name in names), default=0)
