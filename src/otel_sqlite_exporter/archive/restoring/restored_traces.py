# SPDX-License-Identifier: Apache-2.0
"""Restores records of a dataset: one raw SQLite file for each manifest that holds some of them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from itertools import chain

from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest
from otel_sqlite_exporter.archive.dataset_format.part_files import check_parts
from otel_sqlite_exporter.archive.restoring.part_reader import PartReader
from otel_sqlite_exporter.archive.restoring.raw_file import RawFile

_TABLES = ("traces", "trace_sessions", "spans", "logs", "events", "links", "llm_interactions")


def restore_each(
    dataset: DatasetFolder,
    manifests: Iterable[Manifest],
    trace_ids: Collection[str],
    folder: str,
    *,
    sessions: Collection[str] = (),
) -> Iterator[str]:
    """Write what these manifests hold of traces to files in `folder`, which `imports.merging` puts together, and yield
    the path of each when it is complete: it may be removed then. `sessions`: also log records without a trace that show
    these sessions; the empty one is that of those that show none.

    Raises:
        DamagedFileError: A part cannot be read.
        sqlite3.Error, OSError: A file cannot be written.
    """
    for manifest in manifests:
        path = os.path.join(folder, f"{manifest.source}-{manifest.date}-{manifest.generation}.db")
        check_parts(dataset, manifest, _TABLES)
        with PartReader(dataset, [manifest], _TABLES) as reader:
            if not _restore(reader, manifest.source, [*trace_ids], [*sessions], path):
                continue
        yield path


def _restore(reader: PartReader, source: str, trace_ids: list[str], sessions: list[str], path: str) -> bool:
    """Write the file of one manifest, and return whether there was something to write."""
    rows = [*chain.from_iterable(reader.read("restored_traces", traces=trace_ids))]
    traces = [row["trace_id"] for row in rows]
    logs = reader.read("restored_logs", traces=traces, sessions=sessions)
    first = next(logs, None)
    if not rows and first is None:
        return False
    with closing(RawFile(path, source)) as file:
        file.write([rows], file.add_traces)
        file.write(reader.read("restored_trace_sessions", traces=traces), file.add_trace_sessions)
        file.write(reader.read("restored_spans", traces=traces), file.add_spans)
        file.write(chain(() if first is None else (first,), logs), file.add_logs)
        file.write(reader.read("restored_events", traces=traces, sessions=sessions), file.add_events)
        file.write(reader.read("restored_links", traces=traces), file.add_links)
        file.write(reader.read("restored_costs", traces=traces, sessions=sessions), file.add_costs)
    return True
