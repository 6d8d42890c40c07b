# SPDX-License-Identifier: Apache-2.0
"""What commands say of files with metrics: series that explode, points that come late, damage; and that none of them
breaks."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from otel_sqlite_exporter.cli.options import ATTENTION
from otel_sqlite_exporter.maintain.doctor import Finding, diagnose
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.aged_spans import NOW_NS
from tests.commands import run
from tests.conftest import read
from tests.integration.test_hourly_points import make_hours
from tests.integration.test_metric_deletion import make_point
from tests.mixed_points import HOUR_NS, encode, read_metrics, write_batches
from tests.sample_points import encode_points, make_points, write_points


def find(path: Path) -> list[Finding]:
    return [one for one in diagnose(resolve_settings(path)) if one.check == "metrics"]


def test_a_sound_file_has_no_finding(path: Path) -> None:
    write_points(path, encode_points(make_points(3)))
    assert find(path) == []


def test_points_beyond_the_limit_of_new_series_are_told_with_what_explodes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_METRIC_NEW_SERIES", "1200")
    points = [
        make_point(1, url=f"/{k}", method="GET", user=k % 7, resource={"service.name": "shop", "pod": k % 300})
        for k in range(1500)
    ]
    write_batches(path, [encode(points), encode([make_point(1, k=2)])])
    (found,) = find(path)
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert found.severity == "problem"
    assert found.what == (
        f"301 data points of new series not stored on {today} (the limit of a day is 1200, by"
        " OTEL_EXPORTER_SQLITE_METRIC_NEW_SERIES); most series: added has 1200 series"
        " (values: url 1200, resource pod 300)"
    )
    assert "docs/metrics.md#too-many-series" in found.remedy
    assert run("doctor", path)[0] == ATTENTION
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE _new_series SET day = day - 5")
    (found,) = find(path)
    assert found.severity == "note"


def test_series_that_explode_are_told_before_the_limit_is_reached(path: Path) -> None:
    write_batches(path, [encode([make_point(1, url=f"/{k}") for k in range(1_000)])])
    assert [one.what for one in find(path)] == ["many series: added has 1000 series (values: url 1000)"]


def test_late_points_are_told(path: Path) -> None:
    write_batches(path, [encode([make_point(1, k=1)]), encode([make_point(2, k=1), make_point(3, k=1)])])
    make_hours(path, NOW_NS // HOUR_NS * HOUR_NS + HOUR_NS)
    write_batches(path, [encode([make_point(4, k=1)])])
    assert [one.what for one in find(path)] == [
        "1 data point not stored, as their hour had become one point (all of added)",
        "2 data points came after a later one of the same series (all of added)",
    ]


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("_metric_series", "attributes", "{"),
        ("_instruments", "metadata", "[]"),
        ("_instruments", "kind", "unknown"),
        ("_histogram_bounds", "bounds", "{}"),
        ("_metric_points", "buckets", "1,"),
        ("_metric_points", "value", b"\1"),
        ("_metric_points", "sum", "much"),
        ("_exemplars", "attributes", "no"),
        ("_exemplars", "trace_id", "X"),
    ],
)
def test_values_that_cannot_be_read_are_told(path: Path, table: str, column: str, value: str | bytes) -> None:
    write_points(path, encode_points(make_points(2)))
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(f"UPDATE OR IGNORE {table} SET {column} = ?", (value,))
    (found,) = [one for one in diagnose(resolve_settings(path)) if one.severity == "problem"]
    assert (found.check, f"{table}.{column} cannot be read" in found.what) == ("integrity", True)


def test_commands_leave_metrics_as_they_are(path: Path, tmp_path: Path) -> None:
    write_points(path, encode_points(make_points(30)))
    before = read_metrics(path)
    copy = tmp_path / "copy.db"
    for command in (
        ("backup", path, "--to", copy),
        ("vacuum", path),
        ("vacuum", path, "--full"),
        ("doctor", path, "--repair"),
        ("reindex", path),
        ("reprice", path),
        ("migrate", path),
        ("index", path),
    ):
        code, _, said = run(*command)
        assert code == 0, (command, said)
        assert read_metrics(path) == before
    assert read_metrics(copy) == before


def test_reindex_leaves_the_sessions_of_series(path: Path) -> None:
    write_batches(path, [encode([make_point(1, session_id="s", my_id="m")])])
    reindex(resolve_settings(path, session_attributes=["my.id"]))
    assert read(path, "SELECT session_id FROM metric_points") == [("s",)]


def test_totals_tell_of_refused_points(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_METRIC_NEW_SERIES", "1")
    write_batches(path, [encode([make_point(1, k=1), make_point(1, k=2)])])
    assert json.loads(run("info", path, "--json")[1])["contents"]["exporter_health"]["refused"] == 1
