# SPDX-License-Identifier: Apache-2.0
"""What nothing refers to goes, and what series of metrics refer to stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from otel_sqlite_exporter.maintain.doctor import diagnose
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.write.removal.idle_series import sweep_bounds
from otel_sqlite_exporter.write.removal.orphans import sweep_orphans
from tests.conftest import read
from tests.sample_points import encode_points, make_points, write_points
from tests.sample_traces import write_traces

_TABLES = ("_resources", "_scopes", "_instruments", "_metric_series", "_histogram_bounds", "_metric_points")


def _count(path: Path) -> dict[str, int]:
    return {table: read(path, f"SELECT count(*) FROM {table}")[0][0] for table in _TABLES}


def _sweep(path: Path, *statements: str) -> int:
    """Run statements, and sweep."""
    with closing(open_file(resolve_settings(path))) as connection:
        for statement in statements:
            connection.execute(statement)
        return sweep_orphans(connection)


def _check(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []
    assert [one for one in diagnose(resolve_settings(path)) if one.severity == "problem"] == []


def test_what_series_refer_to_stays(path: Path) -> None:
    write_points(path, encode_points(make_points(3)))
    before = _count(path)
    assert before["_resources"] == before["_scopes"] == 1
    assert _sweep(path) == 0
    assert _count(path) == before
    write_traces(path, 1)
    assert _sweep(path) == 0
    _check(path)


def test_series_without_points_go_with_what_only_they_have(path: Path) -> None:
    write_points(path, encode_points(make_points(3)))
    before = _count(path)
    tokens = (
        "SELECT m.id FROM _metric_series AS m JOIN _instruments AS i ON i.id = m.instrument WHERE i.name LIKE 'gen_ai%'"
    )
    assert _sweep(path, f"DELETE FROM _metric_points WHERE series IN ({tokens})") == 3
    after = _count(path)
    for table in ("_metric_series", "_instruments", "_histogram_bounds"):
        assert after[table] == before[table] - 1
    assert after["_resources"] == 1
    _check(path)
    _sweep(path, "DELETE FROM _metric_points")
    assert not any(_count(path).values())


def test_ids_of_removed_series_do_not_come_again(path: Path) -> None:
    write_points(path, encode_points(make_points(1)))
    last = "SELECT max(m.id), max(m.instrument) FROM _metric_series AS m"
    ((series, instrument),) = read(path, last)
    _sweep(path, "DELETE FROM _metric_points")
    write_points(path, encode_points(make_points(1)))
    assert read(path, "SELECT min(id) > ? FROM _metric_series", series) == [(1,)]
    assert read(path, "SELECT min(id) > ? FROM _instruments", instrument) == [(1,)]
    _check(path)


def test_bounds_that_a_writer_uses_during_the_sweep_stay(path: Path) -> None:
    points = encode_points(make_points(2))
    write_points(path, points)
    bounds = read(path, "SELECT * FROM _histogram_bounds")
    with closing(open_file(resolve_settings(path))) as connection:
        connection.execute("DELETE FROM _metric_points WHERE bounds IS NOT NULL")
        waiting = [points[:2]]  # which have the bounds of one of the two

        def write(held: float) -> None:
            if waiting:
                write_points(path, waiting.pop())

        assert sweep_bounds(connection, write) == 1
    assert len(read(path, "SELECT * FROM _histogram_bounds")) == len(bounds) - 1
    _check(path)


def test_the_newest_of_two_sweeps_decides(path: Path) -> None:
    points = encode_points(make_points(1))
    write_points(path, points)
    settings = resolve_settings(path)
    with closing(open_file(settings)) as one, closing(open_file(settings)) as other:
        one.execute("DELETE FROM _metric_points WHERE bounds IS NOT NULL")
        steps: list[Callable[[], object]] = [
            lambda: write_points(path, points),
            lambda: sweep_bounds(other, lambda held: None),
        ]

        def go_on(held: float) -> None:
            if steps:
                steps.pop(0)()

        sweep_bounds(one, go_on)
    assert read(path, "SELECT count(*) FROM _histogram_bounds") == [(2,)]
    assert read(path, "SELECT count(*) FROM _histogram_bounds WHERE sweep <> 0") == [(0,)]
    _check(path)


def test_doctor_finds_points_without_their_series(path: Path) -> None:
    write_points(path, encode_points(make_points(2)))
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DELETE FROM _metric_series WHERE id = 1")
        file.execute("DELETE FROM _histogram_bounds")
    found = [one.what for one in diagnose(resolve_settings(path)) if one.check == "foreign keys"]
    assert any("of _metric_points refer to rows of _metric_series" in what for what in found)
    assert any("of _metric_points refer to rows of _histogram_bounds" in what for what in found)
