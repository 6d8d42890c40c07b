# SPDX-License-Identifier: Apache-2.0
"""Metrics, agents, scores and marks of a dataset are those of the file."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter import Annotations, TelemetryDatabase
from otel_sqlite_exporter.archive.archive_packages import load_duckdb
from otel_sqlite_exporter.archive.dataset_format.arrow_schemas import make_schema
from otel_sqlite_exporter.archive.dataset_format.dataset_days import DAY_NS
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder, make_dataset
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import EXEMPLARS, METRICS
from otel_sqlite_exporter.archive.day_rows.point_days import count_points, list_point_days
from otel_sqlite_exporter.archive.day_rows.point_rows import read_exemplars, read_points
from otel_sqlite_exporter.archive.day_rows.same_points import unite_rows
from otel_sqlite_exporter.archive.reporting.dataset_reports import DatasetReports
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    CUMULATIVE,
    DELTA,
    SUM,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.values import LARGEST
from tests.drawn_points import point_lists
from tests.hostile_points import write_hostile_points
from tests.metered_datasets import VIEWS, archive_days, read_dataset, read_file, settle
from tests.mixed_points import RESOURCES, encode, mixed_points, write_batches
from tests.otlp_captures.capture_files import import_batches, read_capture
from tests.sample_traces import NOON_NS, write_traces

_MIDNIGHT_NS = 20_600 * DAY_NS
_METERED = ("claude-code", "live-codex", "live-gemini-cli", "live-copilot", "pydai-v5")
_COUNT = InstrumentFields("count", kind=SUM, temporality=CUMULATIVE, is_monotonic=True)


def check_views(path: Path, dataset: DatasetFolder) -> None:
    found = read_dataset(dataset)
    for view in VIEWS:
        assert found[view] == read_file(path, view), view


@pytest.fixture
def dataset(tmp_path: Path) -> DatasetFolder:
    return make_dataset(tmp_path / "dataset")


def test_what_agents_measure_of_themselves_is_that_of_the_file(tmp_path: Path, dataset: DatasetFolder) -> None:
    path = tmp_path / "otel.db"
    for name in _METERED:
        import_batches(path, [read_capture(name).lines])
    archive_days(path, dataset)
    measured = {row.split("'measure', ")[1].split(")")[0] for row in read_file(path, "agent_usage")}
    assert len(measured) > 5
    check_views(path, dataset)


def test_a_report_on_a_session_has_its_points_of_days_without_its_traces(
    tmp_path: Path, dataset: DatasetFolder
) -> None:
    path = write_traces(tmp_path / "otel.db", 1)
    used = InstrumentFields("claude_code.token.usage", unit="tokens", kind=SUM, temporality=DELTA, is_monotonic=True)
    labels = {"session.id": "session-0", "type": "input", "model": "m"}
    points = [
        PointFields(
            used, labels, NOON_NS + day * DAY_NS, NOON_NS + day * DAY_NS + 1, 0, 7, None, [], RESOURCES[0], None
        )
        for day in (1, 2)
    ]
    write_batches(path, [encode(points)])
    archive_days(path, dataset)
    expected = TelemetryDatabase(path).run_report("agents-usage", session_id="session-0").to_dicts()
    assert expected[0]["input_tokens"] == 14
    assert DatasetReports(dataset.path).run_report("agents-usage", session_id="session-0").to_dicts() == expected


def test_hostile_texts_stay_as_they_are(tmp_path: Path, dataset: DatasetFolder) -> None:
    path = tmp_path / "otel.db"
    texts = ["'; DROP VIEW metrics", "\u202e\0\x1b[31m", "\U0001f600\ud800", "{}", "\\u0000", '"', "x" * 3_000]
    write_hostile_points(path, texts, _MIDNIGHT_NS - 90 * 10**9)
    archive_days(path, dataset)
    check_views(path, dataset)


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(points=mixed_points(_MIDNIGHT_NS + 3 * 3_600 * 10**9))
def test_points_around_midnight_are_as_the_file_shows_them(points: list[PointFields]) -> None:
    """What came since the point before counts from that of the day before."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "otel.db"
        write_batches(path, [encode(points)])
        dataset = make_dataset(Path(folder) / "dataset")
        archive_days(path, dataset)
        check_views(path, dataset)


@settings(max_examples=12, deadline=None)
@given(points=point_lists())
def test_numbers_come_back_as_they_were_stored(points: list[PointFields]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "otel.db"
        write_batches(path, [encode(points)])
        with closing(sqlite3.connect(path)) as file:
            stored = file.execute("SELECT value, value_count, sum, min, max FROM _metric_points").fetchall()
            values = file.execute("SELECT value FROM _exemplars").fetchall()
            batches = [*read_points(file, -LARGEST, LARGEST)], [*read_exemplars(file, -LARGEST, LARGEST)]
    rows, exemplars = ([row for batch in one for row in batch.to_pylist()] for one in batches)
    assert sorted(map(repr, map(_get_numbers, rows))) == sorted(map(repr, stored))
    assert sorted(repr((_get_number(row, row["_value"]),)) for row in exemplars) == sorted(map(repr, values))


def _get_numbers(row: dict[str, Any]) -> tuple[Any, ...]:
    """The numbers of a point as a file stores them, by the rules of the table metrics."""
    if row["_point"] is not None:
        return tuple(json.loads(row["_point"]))
    reals = (_name_infinite(row[name]) for name in ("sum", "min", "max"))
    return (_get_number(row, None), row["count"], *reals)


def _get_number(row: dict[str, Any], digits: str | None) -> object:
    if digits is not None:
        return int(digits) if row["value_type"] == "integer" else digits
    if row["value_type"] == "integer":
        return int(row["value"])
    return "NaN" if row["value_type"] == "nan" else _name_infinite(row["value"])


def _name_infinite(value: float | None) -> object:
    return value if value is None or math.isfinite(value) else f"{'-' if value < 0 else ''}Infinity"


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(points=mixed_points(_MIDNIGHT_NS), data=st.data())
def test_points_of_two_files_are_put_together_as_a_merge_does(points: list[PointFields], data: st.DataObject) -> None:
    """Of one day, so that the point before is there."""
    unlike = {(point.instrument, repr(point.resource), *point[2:4]): point for point in points}
    places = data.draw(st.lists(st.sampled_from([(0,), (1,), (0, 1)]), min_size=len(unlike), max_size=len(unlike)))
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("one.db", "two.db", "both.db")]
        for number, path in enumerate(paths[:2]):
            held = [point for point, of in zip(unlike.values(), places, strict=True) if number in of]
            write_batches(path, [encode(held)])
        write_batches(paths[2], [encode(unlike.values())])
        with load_duckdb().connect() as engine:
            for table, read in (("metrics", read_points), ("exemplars", read_exemplars)):
                both = [_read_rows(path, read) for path in paths]
                for name, rows in zip(("one", "two", "truth"), both, strict=True):
                    engine.register(name, rows)
                relation = "(SELECT *, 1 AS _part FROM one UNION ALL SELECT *, 2 AS _part FROM two)"
                united = pyarrow.Table.from_batches([*unite_rows(engine, table, relation)], both[2].schema)
                engine.register("united_rows", united)
                left_out = "EXCLUDE (_late_points)" if table == "metrics" else ""
                found, expected = (
                    settle(table, engine.execute(f"SELECT * {left_out} FROM {name}"))
                    for name in ("united_rows", "truth")
                )
                assert found == expected
                assert united.num_rows == both[2].num_rows


def test_large_integers_of_two_files_are_counted_exactly(tmp_path: Path) -> None:
    """A double holds none of them, and of a count that falls by one it is a reset."""
    values = [2**60, 2**60 + 5, 2**60 + 4, 2**63 - 1, 2.5]
    points = [
        PointFields(_COUNT, {"k": 1}, _MIDNIGHT_NS, _MIDNIGHT_NS + time, 0, value, None, [], RESOURCES[0], None)
        for time, value in enumerate(values, 1)
    ]
    held = {"one": points[::2], "two": points[1::2], "truth": points}
    with load_duckdb().connect() as engine:
        for name, some in held.items():
            write_batches(tmp_path / name, [encode(some)])
            engine.register(name, _read_rows(tmp_path / name, read_points))
        relation = "(SELECT *, 1 AS _part FROM one UNION ALL SELECT *, 2 AS _part FROM two)"
        batches = [*unite_rows(engine, "metrics", relation)]
        engine.register("united_rows", pyarrow.Table.from_batches(batches))
        found, expected = (
            engine.execute(f"SELECT time_unix_nano, value, delta, change FROM {name} ORDER BY ALL").fetchall()
            for name in ("united_rows", "truth")
        )
    assert found == expected
    assert [row[2:] for row in found[1:3]] == [(5, None), (float(2**60 + 4), "reset")]


def test_marks_that_were_changed_and_taken_away(tmp_path: Path, dataset: DatasetFolder) -> None:
    """What was said before is in older parts, and holds no more."""
    path = tmp_path / "otel.db"
    write_traces(path, 3)
    sessions = [row.session_id for row in TelemetryDatabase(path).find_sessions()]
    annotations = Annotations(path)
    for session in sessions[:2]:
        annotations.pin(session_id=session, label="first")
        annotations.note("first", session_id=session)
    archive_days(path, dataset)
    kept = read_file(path, "marks")
    annotations.unpin(session_id=sessions[0])
    annotations.note("second", session_id=sessions[1])
    archive_days(path, dataset, generation=1)
    assert read_dataset(dataset)["marks"] == read_file(path, "marks") != kept
    annotations.pin(session_id=sessions[0], label="third")
    archive_days(path, dataset, generation=2)
    assert read_dataset(dataset)["marks"] == read_file(path, "marks")


def test_a_late_point_changes_the_day_after_it(tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    days = [_MIDNIGHT_NS + day * DAY_NS for day in range(3)]
    points = [
        PointFields(_COUNT, {"k": 1}, days[0], time, 0, value, None, [], RESOURCES[0], None)
        for time, value in ((days[0] + 1, 1), (days[1] + 5, 7), (days[2] + 5, 9), (days[1] - 5, 4))
    ]
    write_batches(path, [encode(points[:3])])
    counts, rows = _describe_days(path, days)
    assert counts == [1, 1, 1]
    assert _describe_days(path, days) == (counts, rows)
    write_batches(path, [encode(points[3:])])
    late_counts, late_rows = _describe_days(path, days)
    assert late_counts == [2, 1, 1]
    assert [before != after for before, after in zip(rows, late_rows, strict=True)] == [True, True, False]


def _describe_days(path: Path, days: list[int]) -> tuple[list[int], list[list[dict[str, Any]]]]:
    with closing(sqlite3.connect(path)) as file:
        assert list_point_days(file, 0, LARGEST) == [day // DAY_NS for day in days]
        ranges = [(file, day, day + DAY_NS) for day in days]
        return [count_points(*one) for one in ranges], [_read_points(*one) for one in ranges]


def _read_points(file: sqlite3.Connection, since: int, until: int) -> list[dict[str, Any]]:
    """The rows of a day, without the counters of their series, which change with points of other days."""
    kept = [name for name in METRICS.columns if name not in ("_late_points", "_refused_points")]
    return [row for batch in read_points(file, since, until) for row in batch.select(kept).to_pylist()]


def _read_rows(path: Path, read: Any) -> pyarrow.Table:
    with closing(sqlite3.connect(path)) as file:
        batches = [*read(file, 0, LARGEST)]
    names = METRICS if read is read_points else EXEMPLARS
    return pyarrow.Table.from_batches(batches, make_schema(names).remove(len(names.columns)))
