# SPDX-License-Identifier: Apache-2.0
"""Files as datasets, and the views of files that were made of them."""

from __future__ import annotations

import ast
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder, make_dataset
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest, read_manifests
from otel_sqlite_exporter.archive.dataset_format.part_files import read_part
from otel_sqlite_exporter.archive.day_rows.day_writer import write_day
from tests.trials.orders import read_views

_DAYS = """
    SELECT start_time_unix_nano / 86400000000000 FROM traces
    UNION SELECT start_time_unix_nano / 86400000000000 FROM logs WHERE trace_id IS NULL
    UNION SELECT time_unix_nano / 86400000000000 FROM metric_points
    UNION SELECT time_unix_nano / 86400000000000 FROM _marks
"""


def archive_all(path: Path, dataset: Path, source: str = "0123456789abcdef") -> tuple[DatasetFolder, list[Manifest]]:
    """Write all days of a file to a dataset."""
    folder = make_dataset(dataset)
    with closing(sqlite3.connect(path)) as file:
        dates = [datetime.fromtimestamp(day * 86_400, UTC).date().isoformat() for (day,) in file.execute(_DAYS)]
        return folder, [write_day(file, folder, source, date, 0) for date in sorted(dates)]


def copy_views(path: Path, folder: Path) -> dict[str, list[list[tuple[str, Any]]]]:
    """The rows of all public views of a file, of which a copy is read; sums of floating-point numbers are rounded."""
    copy = folder / f"copy of {path.name}"
    shutil.copyfile(path, copy)
    views = read_views(copy)
    copy.unlink()
    return {view: sorted((_round(ast.literal_eval(row)) for row in rows), key=repr) for view, rows in views.items()}


def _round(row: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(name, float(f"{value:.12g}") if isinstance(value, float) else value) for name, value in row]


_IDS = {
    *("id", "start_id", "finish_id", "related_event_id", "event_id", "call_id"),
    *("_span", "_log", "_finish_id", "_late_points"),
}
"""Columns with ids that are others wherever records are taken in again; a late point that is gone is counted still."""


def read_parts(dataset: DatasetFolder) -> dict[str, list[str]]:
    """The rows of all tables of a dataset, without ids, in an order of their own. Which row of a session has the failed
    request of its trace depends on the ids; rows without records are left out."""
    rows: dict[str, list[str]] = {name: [] for name in TABLES}
    for manifest in read_manifests(dataset):
        for part in manifest.parts:
            left_out = _IDS | ({"failed_requests"} if part.table == "trace_sessions" else set())
            for row in read_part(dataset, part).to_pylist():
                if part.table != "trace_sessions" or row["spans"] or row["logs"]:
                    rows[part.table].append(repr(_round([pair for pair in row.items() if pair[0] not in left_out])))
    return {table: sorted(found) for table, found in rows.items()}
