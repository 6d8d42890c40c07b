# SPDX-License-Identifier: Apache-2.0
"""Writes a day of a file as parts of a dataset, and the manifest that lets them hold."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from otel_sqlite_exporter.archive.asking.day_summaries import DaySummaries
from otel_sqlite_exporter.archive.dataset_format.dataset_days import bound_day, parse_day
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import SUMMARIES, TABLES
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest, Part, commit_manifest
from otel_sqlite_exporter.archive.dataset_format.part_files import write_part
from otel_sqlite_exporter.archive.day_rows.day_facts import DayFacts
from otel_sqlite_exporter.archive.day_rows.day_snapshot import holding_snapshot
from otel_sqlite_exporter.archive.day_rows.row_reader import OTHER_READERS, READERS, DayRows, find_id_base
from otel_sqlite_exporter.version import __version__


def write_day(
    connection: sqlite3.Connection,
    dataset: DatasetFolder,
    source: str,
    date: str,
    generation: int,
    *,
    traces: Collection[str] | None = None,
    sift: Callable[[str, Iterator[Any]], Iterator[Any]] = lambda table, rows: rows,
    replaces: Sequence[str] = (),
    facts: Mapping[str, Any] = MappingProxyType({}),
    summaries: DaySummaries | None = None,
) -> Manifest:
    """Write what a file holds of a day as parts, and commit them. All of them are of one moment of the file: they are
    read in one transaction, that of the caller if it holds one. Written again, parts of the same names are replaced.

    Args:
        connection: A connection to the file.
        source: The name of the file in the dataset.
        date: The day (UTC), as `2026-01-31`. No span of it runs.
        generation: Counts from 0 for each source and day.
        traces: The ids of the traces to write; None: all traces of the day, and what belongs to no trace.
        sift: Returns of the record batches of a table those that are written.
        replaces: The names of the manifests that these parts replace.
        facts: What else the manifest notes. Added are the numbers of `spans`, `logs` and `points`, and the first and
            the last time of what the parts hold, `first_unix_nano` and `last_unix_nano` (None: they hold nothing).
        summaries: Those of the dataset, for several days; None: opened for this one.

    Raises:
        sqlite3.Error: The file cannot be read.
        OSError: The dataset cannot be written.
    """
    since, until = bound_day(parse_day(date))
    noted = DayFacts()
    parts: list[Part] = []
    with holding_snapshot(connection), DayRows(connection, since, until, find_id_base(source), traces) as day:
        for table in (*READERS, *OTHER_READERS):
            rows = noted.note(table, sift(table, day.read(table)))
            parts += _write(dataset, dataset.name_part(table, date, source, generation), table, date, rows)
    with contextlib.nullcontext(summaries) if summaries is not None else DaySummaries(dataset) as opened:
        for table in SUMMARIES:
            rows = opened.summarise(parts, table)
            parts += _write(dataset, dataset.name_part(table, date, source, generation), table, date, rows)
    told = {**facts, **noted.tell()}
    manifest = Manifest(source, date, generation, tuple(parts), tuple(replaces), __version__, told)
    commit_manifest(dataset, manifest)
    return manifest


def _write(dataset: DatasetFolder, path: str, table: str, date: str, rows: Iterable[Any]) -> list[Part]:
    part = write_part(dataset, path, TABLES[table], date, rows)
    return [] if part is None else [part]
