# SPDX-License-Identifier: Apache-2.0
"""Datasets of the metrics, agents, scores and marks of files, and how views of a file and of a dataset are compared."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from otel_sqlite_exporter.archive.asking.dataset_engine import open_engine
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest, commit_manifest
from otel_sqlite_exporter.archive.dataset_format.part_files import make_batch, write_part
from otel_sqlite_exporter.archive.day_rows.agent_rows import read_agents
from otel_sqlite_exporter.archive.day_rows.metric_rows import read_exemplars, read_points
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.sql.texts import read_query

VIEWS = ("metrics", "metric_points", "exemplars", "agent_usage", "agents", "scores", "marks")
"""The views that these parts hold."""
DAY_NS = 86_400 * 10**9
_TIMES = """
  SELECT time_unix_nano / :day FROM _metric_points UNION SELECT time_unix_nano / :day FROM _marks
  UNION SELECT time_unix_nano / :day FROM _logs
  UNION SELECT start_time_unix_nano / :day FROM _traces WHERE trace_id <> ''
"""
_IDS = {"metrics": ("id",), "metric_points": ("series_id",), "exemplars": ("series_id",)}
"""Columns that are another in each file."""
_COUNTS = ("count", "count_delta")


def archive_metering(path: Path, dataset: DatasetFolder, source: str = "a" * 16, generation: int = 0) -> list[Manifest]:
    """Write the metrics, agents, scores and marks of all days of a file."""
    with closing(sqlite3.connect(path)) as file:
        days = sorted(day for (day,) in file.execute(_TIMES, {"day": DAY_NS}))
        return [_write_day(file, dataset, day, source, generation) for day in days]


def name_day(day: int) -> str:
    """The name of a day since 1970."""
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%d")


def read_file(path: Path, view: str) -> list[str]:
    """The rows of a view of a file, as they can be compared: the number 1 is the number 1.0, as in a dataset."""
    with closing(sqlite3.connect(path)) as file:
        return settle(view, file.execute(f"SELECT * FROM {view}"))


def read_dataset(dataset: DatasetFolder) -> dict[str, list[str]]:
    """The rows of the views of a dataset, as they can be compared."""
    with open_engine(dataset, texts=VIEWS, threads=1) as engine:
        return {view: settle(view, engine.connection.execute(f"SELECT * FROM {view}")) for view in VIEWS}


def settle(view: str, cursor: Any) -> list[str]:
    """Rows that can be compared, in an order of their own."""
    names = [column[0] for column in cursor.description]
    left_out = _IDS.get(view, ())
    rows = (zip(names, row, strict=True) for row in cursor.fetchall())
    return sorted(
        repr([(name, _settle_value(name, value)) for name, value in row if name not in left_out]) for row in rows
    )


def _settle_value(name: str, value: Any) -> Any:
    if name in _COUNTS and isinstance(value, float):
        return float(min(int(value), LARGEST))
    if name == "services":
        return json.loads(value)
    return float(f"{value:.12g}") if isinstance(value, int | float) else value


def _write_day(file: sqlite3.Connection, dataset: DatasetFolder, day: int, source: str, generation: int) -> Manifest:
    since, until = day * DAY_NS, (day + 1) * DAY_NS
    asked = {"since": since, "until": until, "id_base": 0, "traces": None}
    batches: dict[str, Iterable[Any]] = {
        "metrics": read_points(file, since, until),
        "exemplars": read_exemplars(file, since, until),
        "agents": read_agents(file, since, until),
    }
    for table in ("scores", "marks"):
        rows = file.execute(read_query(f"archive_{table}"), asked).fetchall()
        batches[table] = [make_batch(TABLES[table], rows)] if rows else []
    date = name_day(day)
    parts = [
        write_part(dataset, dataset.name_part(table, date, source, generation), TABLES[table], date, of_table)
        for table, of_table in batches.items()
    ]
    manifest = Manifest(source, date, generation, tuple(part for part in parts if part is not None))
    commit_manifest(dataset, manifest)
    return manifest
