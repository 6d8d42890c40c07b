# SPDX-License-Identifier: Apache-2.0
"""The rows of a dataset in a form in which those of two datasets can be compared: ids are of a source, so a row that
another refers to is named by what it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from otel_sqlite_exporter.archive.compaction.compaction_report import CompactionReport
from otel_sqlite_exporter.archive.compaction.compactor import compact
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder, open_dataset
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.archive.dataset_format.manifests import read_manifests
from otel_sqlite_exporter.archive.dataset_format.part_files import read_part
from otel_sqlite_exporter.archive.day_rows.day_writer import write_day

Row = dict[str, Any]
_OWN = ("id", "_finish_id")
_REFERENCES = ("start_id", "finish_id", "related_event_id", "event_id", "call_id", "_span", "_log")
_OF_A_RUN = ("price_date", "price_source")
_KINDS = {"llm_interactions": "call", "logs": "log"}
"""What has ids of its own beside those of records."""
_LEFT_OUT = {"trace_sessions": ("start_time_unix_nano", "end_time_unix_nano", "failed_requests")}
"""What depends on the order of arrival, and no view shows: times that only widen, also where records have gone to
another row, and which row of a session has the failed request of a trace."""
_NAMED = {
    "spans": ("trace_id", "span_id", "kind"),
    "events": ("trace_id", "span_id", "source", "ordinal", "name", "start_time_unix_nano"),
    "logs": ("trace_id", "span_id", "event_name", "start_time_unix_nano", "body", "attributes"),
    "llm_interactions": ("trace_id", "span_id", "source", "name", "start_time_unix_nano"),
}
"""By which columns the rows of a table are named that others refer to."""


def archive_days(
    path: Path, dataset: DatasetFolder, source: str, generation: int = 0, traces: Collection[str] | None = None
) -> None:
    """Write all days of a file as parts of a dataset, as one source, beside those of earlier generations."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(
            "SELECT start_time_unix_nano FROM traces"
            " UNION ALL SELECT start_time_unix_nano FROM logs WHERE trace_id IS NULL"
        ).fetchall()
        days = sorted({datetime.fromtimestamp(time // 10**9, UTC).date().isoformat() for (time,) in found})
        for date in days:
            write_day(connection, dataset, source, date, generation, traces=traces)


def compact_quietly(dataset: DatasetFolder) -> CompactionReport:
    """Compact a dataset."""
    return compact(dataset, lambda done, of, note: None)


def read_dataset(dataset: DatasetFolder) -> dict[str, list[str]]:
    """Return the rows of each table that hold, without ids, in an order of their own."""
    rows = read_rows_by_table(dataset)
    names: dict[tuple[str, Any], Any] = {}
    for table, columns in _NAMED.items():
        for row in rows[table]:
            name = (table, *(row[column] for column in columns))
            names[_KINDS.get(table, "record"), row["id"]] = name
            if table == "spans":
                names["record", row["_finish_id"]] = ("finish", *name)
    return {
        table: sorted(repr(_compare(row, names, _LEFT_OUT.get(table, ()))) for row in some if not _is_empty(table, row))
        for table, some in rows.items()
    }


def read_rows_by_table(dataset: DatasetFolder) -> dict[str, list[Row]]:
    """Return the rows of each table that hold."""
    rows: dict[str, list[Row]] = {name: [] for name in TABLES}
    for manifest in read_manifests(open_dataset(dataset.path)):
        for part in manifest.parts:
            rows[part.table] += read_part(dataset, part).to_pylist()
    return rows


def count_parts(dataset: DatasetFolder) -> Mapping[tuple[str, str], int]:
    """Return how many parts hold by table and day."""
    counts: dict[tuple[str, str], int] = {}
    for manifest in read_manifests(dataset):
        for part in manifest.parts:
            key = part.table, manifest.date
            counts[key] = counts.get(key, 0) + 1
    return counts


def _is_empty(table: str, row: Row) -> bool:
    """Whether it is a row that all records have left."""
    return table == "trace_sessions" and not row["spans"] + row["logs"]


def _compare(row: Row, names: Mapping[tuple[str, Any], Any], left_out: Collection[str]) -> Sequence[tuple[str, Any]]:
    compared = []
    for column, value in row.items():
        if column in _OWN or column in _OF_A_RUN or column in left_out:
            continue
        if column in _REFERENCES and value is not None:
            value = names[{"call_id": "call", "_log": "log"}.get(column, "record"), value]
        elif isinstance(value, float):
            value = round(value, 9)
        compared.append((column, value))
    return compared
