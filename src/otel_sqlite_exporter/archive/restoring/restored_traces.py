# SPDX-License-Identifier: Apache-2.0
"""Restores records of a dataset, of one manifest after the other, for `merge` to put them together."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import chain

from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest
from otel_sqlite_exporter.archive.dataset_format.part_files import check_parts
from otel_sqlite_exporter.archive.restoring.part_reader import PartReader
from otel_sqlite_exporter.archive.restoring.raw_file import RawFile
from otel_sqlite_exporter.imports.merging.merge_sources import MergeSource

_FILE = "raw.db"
_TABLES = ("traces", "trace_sessions", "spans", "logs", "events", "links", "llm_interactions")


class TraceRestorer:
    """Restores records of `manifests`, of one after the other, in a raw file in `folder`. Close it.

    Raises:
        sqlite3.Error, OSError: The file cannot be written.
    """

    def __init__(self, dataset: DatasetFolder, manifests: Iterable[Manifest], folder: str) -> None:
        self.dataset = dataset
        self._folder = folder
        with ExitStack() as stack:
            self._reader = stack.enter_context(PartReader(dataset, manifests, _TABLES, one_by_one=True))
            self._file = stack.enter_context(closing(RawFile(os.path.join(folder, _FILE))))
            self._opened = stack.pop_all()

    def close(self) -> None:
        """Close the file and the parts."""
        self._opened.close()

    @contextmanager
    def restoring(
        self, manifest: Manifest, trace_ids: Collection[str], sessions: Collection[str] = ()
    ) -> Iterator[MergeSource | None]:
        """Yield what one of the manifests holds of these traces, which is there until the end of the block; None if
        that is nothing. `sessions`: also log records without a trace that show these sessions; the empty one is that
        of those that show none.

        Raises:
            DamagedFileError: A part cannot be read.
            sqlite3.Error, OSError: The file cannot be written.
        """
        check_parts(self.dataset, manifest, _TABLES)
        self._reader.choose(manifest)
        path = os.path.join(self._folder, f"{manifest.source}-{manifest.date}-{manifest.generation}.db")
        with self._file.holding(manifest.source):
            is_filled = _fill(self._file, self._reader, [*trace_ids], [*sessions])
            yield MergeSource(path, path, self._file) if is_filled else None


def _fill(file: RawFile, reader: PartReader, trace_ids: list[str], sessions: list[str]) -> bool:
    """Write what the parts hold to the file, and return whether that is something."""
    rows = [*chain.from_iterable(reader.read("restored_traces", traces=trace_ids))]
    traces = [row["trace_id"] for row in rows]
    logs = reader.read("restored_logs", traces=traces, sessions=sessions)
    first = next(logs, None)
    if not rows and first is None:
        return False
    file.add_traces(rows)
    for add, pages in (
        (file.add_trace_sessions, reader.read("restored_trace_sessions", traces=traces)),
        (file.add_spans, reader.read("restored_spans", traces=traces)),
        (file.add_logs, chain(() if first is None else (first,), logs)),
        (file.add_events, reader.read("restored_events", traces=traces, sessions=sessions)),
        (file.add_links, reader.read("restored_links", traces=traces)),
        (file.add_costs, reader.read("restored_costs", traces=traces, sessions=sessions)),
    ):
        for page in pages:
            add(page)
    file.complete()
    return True
