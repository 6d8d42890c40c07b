# SPDX-License-Identifier: Apache-2.0
"""Datasets of the metrics, agents, scores and marks of files, and how views of a file and of a dataset are compared."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from otel_sqlite_exporter.archive.asking.dataset_engine import open_engine
from otel_sqlite_exporter.archive.dataset_format.dataset_days import DAY_NS, name_day
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest
from otel_sqlite_exporter.archive.day_rows.day_writer import write_day
from otel_sqlite_exporter.archive.day_rows.row_reader import find_id_base
from otel_sqlite_exporter.model.values import LARGEST

VIEWS = ("metrics", "metric_points", "exemplars", "agent_usage", "agents", "scores", "marks")
SOURCE = "a" * 16
_TIMES = """
  SELECT time_unix_nano / :day FROM _metric_points UNION SELECT time_unix_nano / :day FROM _marks
  UNION SELECT time_unix_nano / :day FROM _logs
  UNION SELECT start_time_unix_nano / :day FROM _traces WHERE trace_id <> ''
"""
_DIGESTS = {"metrics": ("id",), "metric_points": ("series_id",), "exemplars": ("series_id",)}
"""Ids that a dataset makes of what they stand for."""
_IDS = ("id", "call_id")
_COUNTS = ("count", "count_delta")


def archive_days(path: Path, dataset: DatasetFolder, source: str = SOURCE, generation: int = 0) -> list[Manifest]:
    """Write all days of a file."""
    with closing(sqlite3.connect(path)) as file:
        days = sorted(day for (day,) in file.execute(_TIMES, {"day": DAY_NS}))
        return [write_day(file, dataset, source, name_day(day), generation) for day in days]


def read_file(path: Path, view: str) -> list[str]:
    """The rows of a view of a file, as a dataset has them: with ids of its source, and 1 is 1.0."""
    with closing(sqlite3.connect(path)) as file:
        return settle(view, file.execute(f"SELECT * FROM {view}"), find_id_base(SOURCE))


def read_dataset(dataset: DatasetFolder) -> dict[str, list[str]]:
    """The rows of the views of a dataset, as they can be compared."""
    with open_engine(dataset, texts=VIEWS, threads=1) as engine:
        return {view: settle(view, engine.connection.execute(f"SELECT * FROM {view}")) for view in VIEWS}


def settle(view: str, cursor: Any, id_base: int = 0) -> list[str]:
    """Rows that can be compared, in an order of their own."""
    names = [column[0] for column in cursor.description]
    left_out = _DIGESTS.get(view, ())
    rows = (zip(names, row, strict=True) for row in cursor.fetchall())
    return sorted(
        repr([(name, _settle_value(name, value, id_base)) for name, value in row if name not in left_out])
        for row in rows
    )


def _settle_value(name: str, value: Any, id_base: int) -> Any:
    if name in _IDS and value is not None:
        return value + id_base
    if name in _COUNTS and isinstance(value, float):
        return float(min(int(value), LARGEST))
    if name == "services":
        return json.loads(value)
    return float(f"{value:.12g}") if isinstance(value, int | float) else value
