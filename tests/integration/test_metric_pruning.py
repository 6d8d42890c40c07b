# SPDX-License-Identifier: Apache-2.0
"""`prune` and retention remove data points, and what later ones add to a count stays right."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter.deliver.delivery import Delivery
from otel_sqlite_exporter.maintain.doctor import diagnose
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    CUMULATIVE,
    DELTA,
    SUM,
    ExemplarFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from otel_sqlite_exporter.retention.prune import PruneResult, prune
from otel_sqlite_exporter.retention.prune_plan import PrunePlan, plan_pruning
from otel_sqlite_exporter.retention.retention_rules import RetentionRules
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from tests.aged_spans import DAY_NS, NOW_NS, aged_span
from tests.commands import run, run_killed
from tests.conftest import exporting, read
from tests.file_checks import check_file
from tests.integration.test_prune import pin
from tests.integration.test_retention import wait_until
from tests.mixed_points import HOUR_NS, encode, mixed_points, read_metrics, read_points, write_batches

DAY_S = 86_400
_COUNTED = InstrumentFields("counted", "", "1", SUM, CUMULATIVE, True)
_ADDED = InstrumentFields("added", "", "1", SUM, DELTA, True)
_SCOPE = ScopeFields("meters")
_ROWS = """
    SELECT
      m.digest, i.kind, i.temporality, p.time_unix_nano, p.start_time_unix_nano,
      typeof(p.value), typeof(p.value_count), typeof(p.sum)
    FROM _metric_points AS p JOIN _metric_series AS m ON m.id = p.series JOIN _instruments AS i ON i.id = m.instrument
"""
_STRAY_EXEMPLARS = """
    SELECT count(*) FROM _exemplars AS e
    WHERE NOT EXISTS (
      SELECT 1 FROM _metric_points AS p
      WHERE p.series = e.series AND p.time_unix_nano = e.point_time_unix_nano
        AND p.start_time_unix_nano = e.point_start_time_unix_nano
    )
"""


def make_point(
    value: float,
    days: float,
    *,
    instrument: InstrumentFields = _COUNTED,
    start_days: float = 90,
    session: str | None = None,
    service: str = "shop",
    **attributes: Any,
) -> PointFields:
    """A point of so many days ago."""
    at = NOW_NS - int(days * DAY_NS)
    named = {} if session is None else {"session.id": session}
    start = NOW_NS - int(start_days * DAY_NS)
    traced = [ExemplarFields(1.0, at, 5, 7, {})]
    return PointFields(
        instrument,
        named | attributes,
        start,
        at,
        0,
        value,
        None,
        traced,
        ResourceFields({"service.name": service}),
        _SCOPE,
    )


def write(path: Path, *points: PointFields) -> None:
    write_batches(path, [encode(points)])


def fill(path: Path, number: int, step_ns: int) -> None:
    """Give each series so many more points before its first."""
    with closing(open_file(resolve_settings(path))) as file:
        file.execute(
            "WITH RECURSIVE steps (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM steps WHERE n < ?)"
            " INSERT INTO _metric_points (is_sorted, series, time_unix_nano, start_time_unix_nano, flags, value)"
            " SELECT 1, p.series, p.time_unix_nano - ? * s.n, p.start_time_unix_nano, 0, 1"
            " FROM _metric_points AS p CROSS JOIN steps AS s ORDER BY 1, 2, 3",
            (number, step_ns),
        )


def prune_file(path: Path, **rules: Any) -> PruneResult:
    done = prune(resolve_settings(path), RetentionRules(**rules), rest=lambda held: None)
    check(path)
    return done


def check(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
    assert [one for one in diagnose(resolve_settings(path)) if one.severity == "problem"] == []


def values(path: Path, columns: str = "value, delta") -> list[tuple[Any, ...]]:
    return read(path, f"SELECT {columns} FROM metric_points ORDER BY time_unix_nano, name")


def plan(path: Path, **rules: Any) -> PrunePlan:
    return plan_pruning(resolve_settings(path), RetentionRules(**rules))


def _choose_kept(rows: list[tuple[Any, ...]], cut: int) -> set[tuple[Any, ...]]:
    """The keys of the points that stay."""
    kept = {row[:5] for row in rows if row[3] >= cut}
    for digest, kind, temporality, _, start, *_ in rows:
        same = [row for row in rows if (row[0], row[4]) == (digest, start)]
        if (temporality == CUMULATIVE or kind == "summary") and max(row[3] for row in same) >= cut:
            for column in (5, 6, 7):
                earlier = [row for row in same if row[3] < cut and row[column] in ("integer", "real")]
                kept |= {max(earlier, key=lambda row: row[3])[:5]} if earlier else set()
    return kept


@settings(max_examples=25)
@given(data=st.data())
def test_what_stays_shows_what_it_did(data: st.DataObject) -> None:
    now = time.time_ns()
    points = encode(data.draw(mixed_points(now - DAY_NS)))
    hours = data.draw(st.integers(0, 6))
    cut = now - DAY_NS - hours * HOUR_NS - 5 * 60 * 10**9
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        middle = data.draw(st.integers(0, len(points)))
        write_batches(path, [points[:middle], points[middle:]])
        if data.draw(st.booleans()):
            with closing(open_file(resolve_settings(path))) as file:
                file.execute("UPDATE _metric_points SET is_sorted = 1")
        rows, shown = read(path, _ROWS), read_points(path, f"time_unix_nano >= {cut}", without=["change"])
        after = "SELECT * FROM exemplars WHERE point_time_unix_nano >= ? ORDER BY name, series_id, 6, 7, ordinal"
        exemplars = read(path, after, cut)
        kept = _choose_kept(rows, cut)
        age = (time.time_ns() - cut) / 1e9
        assert plan(path, older_than_s=age).points == len(rows) - len(kept)
        done = prune_file(path, older_than_s=age)
        assert {row[:5] for row in read(path, _ROWS)} == kept
        assert done.removed.points == len(rows) - len(kept)
        assert read_points(path, f"time_unix_nano >= {cut}", without=["change"]) == shown
        assert read(path, after, cut) == exemplars
        assert read(path, _STRAY_EXEMPLARS) == [(0,)]
        before = read_metrics(path)
        assert prune_file(path, older_than_s=age).run_id is None
        assert read_metrics(path) == before
        assert read(path, "SELECT count(*) FROM metrics WHERE series = 0 OR first_time IS NULL") == [(0,)]


def test_the_last_point_before_the_cut_stays_while_its_count_goes_on(path: Path) -> None:
    write(path, *(make_point(10 * (50 - day), day) for day in range(1, 50, 5)))
    write(path, *(make_point(day, day, start_days=95, k="ended") for day in range(40, 50)))
    assert values(path)[-1] == (490, 50)
    prune_file(path, older_than_s=30 * DAY_S)
    assert values(path, "value, delta, raw_points") == [
        *((190, None, 0), (240, 50, None), (290, 50, None), (340, 50, None)),
        *((390, 50, None), (440, 50, None), (490, 50, None)),
    ]
    assert read(path, "SELECT name, series FROM metrics") == [("counted", 1)]
    prune_file(path, older_than_s=DAY_S // 2)
    assert values(path) == []
    for table in ("_metric_series", "_instruments", "_resources", "_scopes", "_exemplars"):
        assert read(path, f"SELECT count(*) FROM {table}") == [(0,)], table


def test_points_of_a_session_stay_as_long_as_it_does(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(
            [
                aged_span("old", 40, session="old"),
                aged_span("goes on", 40, session="goes on"),
                aged_span("goes on", 1, session="goes on"),
                aged_span("pinned", 40, session="pinned"),
                aged_span("failed", 40, session="failed", failed=True),
            ]
        )
    pin(path, session="pinned")
    for session in ("old", "goes on", "pinned", "failed", "in no record"):
        write(path, make_point(1, 41, instrument=_ADDED, session=session))
    write(path, make_point(2, 20, instrument=_ADDED, session="in no record"))
    planned = plan(path, older_than_s=30 * DAY_S, keep_failed_s=60 * DAY_S)
    done = prune_file(path, older_than_s=30 * DAY_S, keep_failed_s=60 * DAY_S)
    assert sorted(read(path, "SELECT session_id, value FROM metric_points")) == [
        *(("failed", 1), ("goes on", 1), ("in no record", 2), ("pinned", 1))
    ]
    assert planned.points == done.removed.points == 2
    assert read(path, "SELECT points FROM deletions") == [(2,)]


def test_the_points_of_a_session_go_with_it_by_number(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export([aged_span("one", day, session=f"s{day}") for day in range(1, 6)])
    hour = 1 / 24
    for day in range(1, 6):
        write(
            path, *(make_point(1, day - step * hour / 4, instrument=_ADDED, session=f"s{day}") for step in range(-3, 4))
        )
    write(path, make_point(1, 4, instrument=_ADDED), make_point(1, 4 - 2 * hour, session="s4", instrument=_ADDED))
    prune_file(path, max_sessions=2)
    assert read(path, "SELECT session_id, count(*) FROM metric_points GROUP BY 1 ORDER BY 1") == [
        *((None, 1), ("s1", 7), ("s2", 7), ("s4", 1))
    ]


def test_a_count_that_goes_on_after_its_session_has_gone_stays_right(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export([aged_span("old", 40, session="s")])
    write(path, *(make_point(100 - day, day, session="s") for day in range(60, 0, -10)))
    prune_file(path, older_than_s=30.5 * DAY_S)
    assert values(path) == [(60, None), (70, 10), (80, 10), (90, 10)]


def test_only_points_of_a_service_go_if_one_is_named(path: Path) -> None:
    for service in ("shop", "mail"):
        write(path, make_point(1, 40, instrument=_ADDED, service=service))
    assert plan(path, older_than_s=30 * DAY_S, services=("mail",)).points == 1
    prune_file(path, older_than_s=30 * DAY_S, services=("mail",))
    assert read(path, "SELECT service_name FROM metric_points") == [("shop",)]


def test_by_size_the_oldest_points_go_with_the_oldest_records(path: Path) -> None:
    text = "x" * 20_000
    with exporting(path) as exporter:
        exporter.export(
            [aged_span(f"{day:03}", day, session=f"s{day}", attributes={"text": f"{day}{text}"}) for day in range(400)]
        )
    write(path, *(make_point(1, 0, instrument=_ADDED, k=one) for one in range(20)))
    fill(path, 399 * 24, HOUR_NS)
    size = path.stat().st_size
    planned = plan(path, max_bytes=12_000_000)
    done = prune_file(path, max_bytes=12_000_000)
    assert size > 15_000_000
    assert path.stat().st_size <= 12_000_000
    assert done.excess_bytes == 0
    ((oldest,),) = read(path, "SELECT (? - min(time_unix_nano)) / ? FROM metric_points", NOW_NS, DAY_NS)
    spans = len(read(path, "SELECT name FROM spans"))
    assert 0 < spans < 400
    assert abs(oldest - spans) <= 2 * 400 / 64 + 2
    assert done.removed.points > 10_000
    assert 0.5 < planned.points / done.removed.points < 2


def test_a_file_of_points_alone_is_brought_below_its_cap(path: Path) -> None:
    write(path, *(make_point(1, 0, instrument=_ADDED, k=one) for one in range(20)))
    fill(path, 20_000, 60 * 10**9)
    assert path.stat().st_size > 13_000_000
    done = prune_file(path, max_bytes=10_000_000)
    assert 9_000_000 < path.stat().st_size <= 10_000_000
    each = "SELECT count(*) AS points FROM metric_points GROUP BY series_id"
    ((least, most),) = read(path, f"SELECT min(points), max(points) FROM ({each})")
    assert most - least <= 20_000 / 64 + 1
    assert done.removed.points > 50_000


@pytest.mark.parametrize("seed", range(1))
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(path: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with exporting(path) as exporter:
        exporter.export([aged_span("one", 40, session=f"s{one}") for one in range(30)])
    for first in range(0, 400, 20):
        write(
            path,
            *(
                make_point(one * 400 + day, 60 - day / 10, session=f"s{one % 40}" if one % 2 else None, k=one)
                for day in range(first, first + 20)
                for one in range(60)
            ),
        )
    other = tmp_path / "other.db"
    shutil.copy(path, other)
    prune_file(other, older_than_s=30 * DAY_S)
    run_killed(chance, "prune", path, "--older-than", "30d")
    check(path)
    assert read_metrics(path) == read_metrics(other)


def test_the_command_tells_of_points(path: Path) -> None:
    write(path, *(make_point(1, day + 0.5, instrument=_ADDED) for day in range(40)))
    assert "0 log records and 10 data points\n" in run("prune", path, "--older-than", "30d", "--dry-run")[1]
    assert json.loads(run("prune", path, "--older-than", "30d", "--dry-run", "--json")[1])["points"] == 10
    done = json.loads(run("prune", path, "--older-than", "30d", "--json")[1])
    assert done["removed"]["points"] == 10
    assert read(path, "SELECT points, spans FROM deletions") == [(10, 0)]


@pytest.mark.parametrize("rules", [{"retention_days": 30}, {"metrics_raw_days": 30}])
def test_an_exporter_removes_old_points_beside_what_it_writes(path: Path, rules: dict[str, Any]) -> None:
    hours = 40 * 24
    write(path, *(make_point(hours, 1, k=one) for one in range(10)))
    with closing(open_file(resolve_settings(path))) as file:
        file.execute(
            "WITH RECURSIVE steps (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM steps WHERE n < ?)"
            " INSERT INTO _metric_points (is_sorted, series, time_unix_nano, start_time_unix_nano, flags, value)"
            " SELECT 1, p.series, p.time_unix_nano - 1200000000000 * s.n, p.start_time_unix_nano, 0, 10000 - s.n"
            " FROM _metric_points AS p CROSS JOIN steps AS s",
            (3 * hours,),
        )
    old = (NOW_NS - 30 * DAY_NS) // HOUR_NS * HOUR_NS
    recent = "SELECT sum(delta) FROM metric_points WHERE time_unix_nano >= ?"
    before = read(path, recent, old + 2 * HOUR_NS)
    delivery = Delivery(resolve_settings(path, **rules), "metrics")
    points = encode(make_point(20_000 + minute, 0.5 - minute / 1440, k=minute % 10) for minute in range(300))
    for first in range(0, len(points), 10):
        assert delivery.deliver(Records(points=points[first : first + 10]))
    wait_until(lambda: read(path, "SELECT count(*) FROM deletions WHERE is_complete = 1 AND points > 0") == [(1,)])
    delivery.close()
    check(path)
    added = read(path, "SELECT sum(delta) FROM metric_points WHERE time_unix_nano >= ?", NOW_NS - DAY_NS // 2)
    assert read(path, recent, old + 2 * HOUR_NS) == [(before[0][0] + added[0][0],)]
    hour = "series_id || ' ' || (time_unix_nano / 3600000000000)"
    left = f"SELECT count(*), count(DISTINCT {hour}), total(raw_points = 0) FROM metric_points WHERE time_unix_nano < ?"
    ((rows, each_hour, kept),) = read(path, left, old if "metrics_raw_days" in rules else NOW_NS - 30 * DAY_NS + 1)
    assert rows == (10 if "retention_days" in rules else each_hour)
    assert kept == (10 if "retention_days" in rules else 0)
    assert read(path, "SELECT sum(written), sum(spooled), sum(dropped) FROM exporter_health") == [(310, 0, 0)]
