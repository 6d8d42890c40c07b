# SPDX-License-Identifier: Apache-2.0
"""The views and reports of a dataset show what the file shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.archive.asking.dataset_engine import DatasetEngine, open_engine
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import open_dataset
from otel_sqlite_exporter.archive.day_rows.row_reader import find_id_base
from otel_sqlite_exporter.archive.reporting.dataset_reports import REFUSED, DatasetReports
from otel_sqlite_exporter.errors import FilterError, NotFoundError
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.query.reports import REPORTS, ReportResult
from tests.dataset_files import RICH_NAME
from tests.engines.compared_rows import find_difference
from tests.engines.documented_views import VIEWS, find_unlike_columns

pytest.importorskip("duckdb")
_BASE = find_id_base(RICH_NAME[:16])
_IDS = ("id", "start_id", "finish_id", "related_event_id", "call_id", "event_id")
_OWN = {
    "sessions": ("id",),
    "marks": ("id",),
    "metrics": ("id",),
    "metric_points": ("series_id",),
    "exemplars": ("series_id",),
}
"""Keys that a dataset makes of what they are of, not of the key in the file."""
_RANGE = {"since": "2026-01-31T12:00Z", "until": "2026-02-02T01:00Z"}


@pytest.fixture(scope="module")
def engine(rich: Path) -> Iterator[DatasetEngine]:
    with open_engine(open_dataset(rich.with_name("dataset"))) as engine:
        yield engine


@pytest.mark.parametrize("view", VIEWS)
def test_the_columns_of_a_view_are_those_that_are_documented(engine: DatasetEngine, view: str) -> None:
    columns = [(name, type) for name, type, *_ in engine.connection.execute(f"DESCRIBE {view}").fetchall()]
    assert find_unlike_columns(view, columns) == []


@pytest.mark.parametrize("view", [view for view in VIEWS if view != "kept_usage"])
def test_a_view_has_the_rows_of_the_file(rich: Path, engine: DatasetEngine, view: str) -> None:
    columns = [row[0] for row in engine.connection.execute(f"DESCRIBE {view}").fetchall()]
    names = [name for name in columns if name not in _OWN.get(view, ())]
    listed = ", ".join(f'"{name}"' for name in names)
    sql = f"SELECT {listed} FROM {view}"
    rows = TelemetryFile(str(rich), 5_000).read(lambda connection: connection.execute(sql).fetchall())
    assert rows or view in ("framework_events", "security_alerts")
    shown = [tuple(map(_move, names, row)) for row in rows]
    assert find_difference(shown, engine.connection.execute(sql).fetchall()) is None


def _move(name: str, value: Any) -> Any:
    return value + _BASE if name in _IDS and value is not None else value


def test_an_empty_dataset_has_all_views(tmp_path: Path) -> None:
    from otel_sqlite_exporter.archive.dataset_format.dataset_folder import make_dataset

    with open_engine(make_dataset(tmp_path / "empty")) as engine:
        rows = {view: engine.connection.execute(f"SELECT * FROM {view}").fetchall() for view in VIEWS}
    assert {view for view, found in rows.items() if found} == {"link_health", "row_counts"}
    assert rows["link_health"] == [(0, 0, 0, 0, 0, 0, None, 0)]


@pytest.mark.parametrize("name", [name for name in REPORTS if name not in REFUSED])
def test_a_report_has_the_rows_of_that_of_the_file(rich: Path, name: str) -> None:
    report = REPORTS[name]
    of_file, of_dataset = TelemetryDatabase(rich), DatasetReports(rich.with_name("dataset"))
    most = max(1, min(report.most_groups, 2))
    groups = [None, *(report.groups[at : at + most] for at in range(1, len(report.groups), most))]
    filters: list[dict[str, Any]] = [{}, _RANGE]
    if name not in ("links", "growth"):
        filters += [{"service_name": "shop"}, {"session_id": ["both", "evening"]}]
        filters += [{"model": ["gpt-4o", "claude-x"]}] * (name != "agents-usage")
    number = max(len(groups), len(filters))
    questions = [filters[at % len(filters)] | {"group_by": groups[at % len(groups)]} for at in range(number)]
    if "day" in report.groups and name not in ("links", "growth"):
        questions += [{"group_by": "hour", "timezone": "Europe/Berlin"}]
    for question in questions:
        compare(of_file.run_report(name, **question), of_dataset.run_report(name, **question))


def compare(ours: ReportResult, theirs: ReportResult) -> None:
    assert (ours.columns, ours.groups, ours.total) == (theirs.columns, theirs.groups, theirs.total)
    left = {"estimated_bytes", "id", "bytes"} if ours.name in ("growth", "slowest", "attributes") else set()
    kept = [index for index, name in enumerate(ours.columns) if name not in left]
    shown = [[[_cut(row[index]) for index in kept] for row in result.rows] for result in (ours, theirs)]
    assert find_difference(*shown) is None
    # The order is that of the report; rows that it does not order may come in any.
    one, other = ([row[0] for row in rows if not isinstance(row[0], float)] for rows in shown)
    assert one == other or ours.name == "attributes"  # sorted by the bytes of what SQLite cuts


def _cut(value: Any) -> Any:
    """SQLite before 3.43 ends a key of JSON at U+0000."""
    return value.partition("\0")[0] if isinstance(value, str) else value


@pytest.mark.parametrize("name", REFUSED)
def test_a_report_that_a_dataset_has_not_says_why(rich: Path, name: str) -> None:
    reports = DatasetReports(rich.with_name("dataset"))
    with pytest.raises(FilterError, match=f"a dataset has no report {name}: "):
        reports.run_report(name)
    with pytest.raises(FilterError, match=r"ask the file|and a dataset has none"):
        reports.describe_report(name)


def test_a_prefix_names_a_session_of_a_dataset(rich: Path) -> None:
    reports = DatasetReports(rich.with_name("dataset"))
    assert reports.resolve_session_id("bot") == "both"
    with pytest.raises(NotFoundError, match="several sessions start with 'day'"):
        reports.resolve_session_id("day")
    with pytest.raises(NotFoundError, match="there is no trace 'x'"):
        reports.resolve_trace_id("x")
