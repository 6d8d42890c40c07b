# SPDX-License-Identifier: Apache-2.0
"""Points older than `metrics_raw_days` become one a series and hour, and no total of whole hours changes."""

from __future__ import annotations

import json
import math
import random
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Hashable, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter.encode.metric_encoding.point_numbers import encode_number
from otel_sqlite_exporter.maintain.doctor import diagnose
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    CUMULATIVE,
    DELTA,
    EXPONENTIAL_HISTOGRAM,
    HISTOGRAM,
    BucketFields,
    DistributionFields,
    ExemplarFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from otel_sqlite_exporter.retention.hourly.hour_points import HOUR_NS, HourPoint, MetricKind, merge_hours
from otel_sqlite_exporter.retention.hourly.hour_steps import HourSteps
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.transactions import transaction
from tests.aged_spans import DAY_NS, NOW_NS, aged_span
from tests.commands import run, run_killed
from tests.conftest import exporting, read
from tests.file_checks import check_file
from tests.integration.test_retention import wait_until
from tests.mixed_points import encode, mixed_points, read_metrics, write_batches

_END = NOW_NS // HOUR_NS * HOUR_NS - 3 * DAY_NS
_SCOPE, _RESOURCE = ScopeFields("meters"), ResourceFields({"service.name": "shop"})
_TOTALS = """
    SELECT
      m.digest, p.time_unix_nano / 3600000000000, p.kind, p.temporality, p.value, p.value_type, p.delta,
      p.count_delta, p.sum_delta, p.min, p.max, p.sum, p.raw_points, p.buckets
    FROM metric_points AS p JOIN _metric_series AS m ON m.id = p.series_id
    ORDER BY p.time_unix_nano
"""


def make_hours(path: Path, until: int, most: int = 1_000) -> None:
    """Make points before a time one an hour, in steps."""
    with closing(open_file(resolve_settings(path))) as connection:
        steps = HourSteps(connection, until, ())
        is_done = False
        while not is_done:
            with transaction(connection):
                is_done = steps.step(most) is None
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
    assert [one for one in diagnose(resolve_settings(path)) if one.severity == "problem"] == []


def _read_totals(path: Path) -> Mapping[Hashable, Any]:
    """What came in each hour of each series."""
    totals: defaultdict[Hashable, list[Any]] = defaultdict(list)
    for digest, hour, kind, temporality, value, type_, *deltas, smallest, largest, total, raw, buckets in read(
        path, _TOTALS
    ):
        key = (digest, hour)
        for name, number in zip(("delta", "count", "sum"), deltas, strict=True):
            if number is not None:
                totals[(*key, name)].append(number)
        if kind == "gauge":
            if type_ not in (None, "nan"):
                totals[(*key, "last")] = [value]
                totals[(*key, "min")].append(value if raw is None else smallest)
                totals[(*key, "max")].append(value if raw is None else largest)
                totals[(*key, "total")].append(value if raw is None else total)
                totals[(*key, "number")].append(1 if raw is None else raw)
        elif temporality == DELTA and kind == HISTOGRAM:
            read_buckets = json.loads(buckets)
            totals[(*key, "counts", str(read_buckets["bounds"]))].append(read_buckets["counts"])
    return {
        key: min(found) if key[2] == "min" else max(found) if key[2] == "max" else _add(found)  # type: ignore[index]
        for key, found in totals.items()
    }


def _add(found: list[Any]) -> Any:
    if isinstance(found[0], list):
        return [sum(column) for column in zip(*found, strict=True)]
    total = math.fsum(found) if all(map(math.isfinite, found)) else sum(found)
    return None if math.isnan(total) else total


def _assert_close(now: Mapping[Hashable, Any], before: Mapping[Hashable, Any]) -> None:
    assert now.keys() == before.keys()
    for key, total in before.items():
        assert total == now[key] or math.isclose(total, now[key], rel_tol=1e-12, abs_tol=1e-9), key


@settings(max_examples=10)
@given(data=st.data())
def test_no_total_of_whole_hours_changes(data: st.DataObject) -> None:
    points = encode(data.draw(mixed_points(_END, hours=4, most=40)))
    until = _END - data.draw(st.integers(0, 3)) * HOUR_NS
    with TemporaryDirectory() as folder:
        path, other = Path(folder, "otel.db"), Path(folder, "other.db")
        middle = data.draw(st.integers(0, len(points)))
        write_batches(path, [points[:middle], points[middle:]])
        if data.draw(st.booleans()):
            with closing(open_file(resolve_settings(path))) as file:
                file.execute("UPDATE _metric_points SET is_sorted = 1")
        shutil.copy(path, other)
        totals = _read_totals(path)
        later = read(path, "SELECT * FROM _metric_points WHERE time_unix_nano >= ?", until)
        make_hours(path, until)
        _assert_close(_read_totals(path), totals)
        assert read(path, "SELECT * FROM _metric_points WHERE time_unix_nano >= ?", until) == later
        assert read(
            path, "SELECT count(*) FROM _metric_points WHERE time_unix_nano < ? AND raw_points IS NULL", until
        ) == [(0,)]
        done = read_metrics(path)
        make_hours(path, until)
        assert read_metrics(path) == done
        make_hours(other, until, most=data.draw(st.integers(1, 4)))
        assert read_metrics(other) == done


def _point(
    instrument: InstrumentFields, minute: float, value: Any = None, start: float | None = 0.0, **rest: Any
) -> PointFields:
    """A point so many minutes after a whole hour, which counts from a start likewise."""
    first = _END - 10 * HOUR_NS
    at, begin = (None if one is None else first + int(one * 60e9) for one in (minute, start))
    distribution = value if isinstance(value, DistributionFields) else None
    plain = None if distribution is not None else value
    return PointFields(
        instrument, {"k": 1}, begin, at, 0, plain, distribution, rest.get("exemplars", []), _RESOURCE, _SCOPE
    )


def _merge(path: Path, *points: PointFields) -> list[tuple[Any, ...]]:
    write_batches(path, [encode(points)])
    make_hours(path, _END)
    columns = "value, count, sum, min, max, buckets, raw_points, delta"
    return read(path, f"SELECT {columns} FROM metric_points ORDER BY time_unix_nano, start_time_unix_nano")


def test_of_a_count_the_last_point_of_each_start_stays(path: Path) -> None:
    counted = InstrumentFields("counted", "", "1", "sum", CUMULATIVE, True)
    rows = _merge(path, *(_point(counted, minute, value, start) for minute, value, start in (
        (10, 5, 0), (20, 9, 0), (25, 2, 21), (50, 4, 21), (70, 8, 21), (80, 12, 21),
    )))  # fmt: skip
    assert [(row[0], row[6], row[7]) for row in rows] == [(9, 2, 9), (4, 2, 4), (12, 2, 8)]


def test_where_a_count_starts_again_the_point_before_stays_too(path: Path) -> None:
    counted = InstrumentFields("counted", "", "1", "sum", CUMULATIVE, True)
    rows = _merge(path, *(_point(counted, 10 + place, value) for place, value in enumerate((5, 9, 2, 3, 1, 7))))
    assert [(row[0], row[7]) for row in rows] == [(9, 9), (2, 2), (3, 1), (1, 1), (7, 6)]
    assert sum(row[6] for row in rows) == 6


@pytest.mark.parametrize("start", [0, 10, 11, 12.5, 20, 99])
def test_a_count_that_does_not_begin_before_its_points_adds_what_it_did(path: Path, start: float) -> None:
    """As where a receiver takes the first time that it sees a count for its start, or a clock is set back."""
    counted = InstrumentFields("counted", "", "1", "sum", CUMULATIVE, True)
    values = enumerate((100, 104, 109, 110, 116, 117), start=10)
    write_batches(path, [encode(_point(counted, minute, value, start) for minute, value in values)])
    totals = "SELECT sum(delta), sum(coalesce(raw_points, 1)) FROM metric_points"
    before = read(path, totals)
    make_hours(path, _END)
    assert read(path, totals) == before


def test_of_a_count_that_may_shrink_one_point_stays(path: Path) -> None:
    counted = InstrumentFields("counted", "", "1", "sum", CUMULATIVE, False)
    rows = _merge(path, *(_point(counted, 10 + place, value) for place, value in enumerate((5, 9, 2, 3, 1, 7))))
    assert [(row[0], row[6], row[7]) for row in rows] == [(7, 6, 7)]


def test_integers_are_added_up_exactly(path: Path) -> None:
    added = InstrumentFields("added", "", "1", "sum", DELTA, True)
    large = 2**63 - 2
    rows = _merge(path, _point(added, 1, large), _point(added, 2, 1), _point(added, 61, large), _point(added, 62, 2))
    assert [(row[0], row[6]) for row in rows] == [(2**63 - 1, 2), (float(2**63), 2)]
    assert read(path, "SELECT value FROM _metric_points ORDER BY time_unix_nano") == [(2**63 - 1,), (str(2**63),)]


def test_fractions_are_added_without_a_rounding_error_but_the_last(path: Path) -> None:
    added = InstrumentFields("added", "", "1", "sum", DELTA, True)
    rows = _merge(
        path, *(_point(added, minute, value, minute - 1) for minute, value in enumerate([1e16, 1.0, -1e16, 0.5, 3], 1))
    )
    assert [(row[0], row[6]) for row in rows] == [(4.5, 5)]
    ((start, time),) = read(path, "SELECT start_time_unix_nano, time_unix_nano FROM metric_points")
    assert time - start == 5 * 60 * 10**9


def test_sums_beyond_the_largest_number_are_infinite(path: Path) -> None:
    added = InstrumentFields("added", "", "1", "sum", DELTA, False)
    rows = _merge(
        path,
        *(
            _point(added, minute, value)
            for minute, value in ((1, 1.7e308), (2, 1.7e308), (61, -1.7e308), (62, -(10**308)))
        ),
    )
    assert [(row[0], row[6]) for row in rows] == [(math.inf, 2), (-math.inf, 2)]


def test_numbers_of_thousands_of_digits_stay(path: Path) -> None:
    added = InstrumentFields("added", "", "1", "sum", DELTA, False)
    write_batches(path, [encode([_point(added, 1, 5), _point(added, 2, 5)])])
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE _metric_points SET value = ?", ("9" * 5_000,))
    make_hours(path, _END)
    assert read(path, "SELECT raw_points FROM _metric_points") == [(1,), (1,)]


def test_histograms_of_other_bounds_do_not_mix(path: Path) -> None:
    measured = InstrumentFields("measured", "", "s", HISTOGRAM, DELTA)
    values = (
        DistributionFields(3, 1.5, 0.25, 1.0, bounds=[0.5], counts=[2, 1]),
        DistributionFields(1, 3.5, 3.5, 3.5, bounds=[0.5, 2.0], counts=[0, 0, 1]),
        DistributionFields(2, 0.25, 0.125, 0.125, bounds=[0.5], counts=[2, 0]),
    )
    rows = _merge(path, *(_point(measured, minute, value, minute - 1) for minute, value in enumerate(values, 1)))
    assert [row[1:5] for row in rows] == [(1, 3.5, 3.5, 3.5), (5, 1.75, 0.125, 1.0)]
    assert [json.loads(row[5])["counts"] for row in rows] == [[0, 0, 1], [4, 1]]


def test_exponential_histograms_are_brought_to_the_smaller_scale(path: Path) -> None:
    wide = InstrumentFields("wide", "", "s", EXPONENTIAL_HISTOGRAM, DELTA)
    values = (
        DistributionFields(4, 9.0, scale=1, zero_count=1, zero_threshold=0, positive=BucketFields(-1, [1, 1, 1])),
        DistributionFields(2, 3.0, scale=0, zero_count=0, zero_threshold=0, positive=BucketFields(2, [2])),
    )
    rows = _merge(path, *(_point(wide, minute, value, minute - 1) for minute, value in enumerate(values, 1)))
    assert [row[1:3] for row in rows] == [(6, 12.0)]
    assert json.loads(rows[0][5]) == {
        "scale": 0,
        "zero_count": 1,
        "zero_threshold": 0,
        "positive": {"offset": -1, "counts": [1, 2, 0, 2]},
        "negative": None,
    }


def test_buckets_far_from_each_other_become_wider(path: Path) -> None:
    wide = InstrumentFields("wide", "", "s", EXPONENTIAL_HISTOGRAM, DELTA)
    values = [
        DistributionFields(2, scale=20, zero_count=0, zero_threshold=0, positive=BucketFields(offset, [1, 1]))
        for offset in (-(2**31), 2**31 - 2)
    ]
    rows = _merge(path, *(_point(wide, minute, value, minute - 1) for minute, value in enumerate(values, 1)))
    buckets = json.loads(rows[0][5])
    assert len(buckets["positive"]["counts"]) <= 1_024
    assert sum(buckets["positive"]["counts"]) == 4


def test_of_a_gauge_the_last_value_stays_with_what_the_others_were(path: Path) -> None:
    gauge = InstrumentFields("gauge", "", "By")
    rows = _merge(
        path, *(_point(gauge, minute, value, None) for minute, value in enumerate([3, 9.5, math.nan, -2, 4], 1))
    )
    assert rows == [(4, None, 14.5, -2, 9.5, None, 4, None)]


def test_exemplars_of_the_last_point_stay(path: Path) -> None:
    added = InstrumentFields("added", "", "1", "sum", DELTA, True)
    traced = [[ExemplarFields(number, 1, 5, number, {})] for number in (7, 8, 9)]
    _merge(path, *(_point(added, minute, 1, minute - 1, exemplars=traced[minute - 1]) for minute in (1, 2, 3)))
    assert read(path, "SELECT value, point_time_unix_nano FROM exemplars") == [
        (9, _END - 10 * HOUR_NS + 3 * 60 * 10**9)
    ]
    starts = "SELECT point_start_time_unix_nano FROM exemplars"
    assert read(path, starts) == read(path, "SELECT start_time_unix_nano FROM metric_points")


def test_a_point_that_comes_too_late_is_refused_and_counted(path: Path) -> None:
    added = InstrumentFields("added", "", "1", "sum", DELTA, True)
    _merge(path, _point(added, 1, 1), _point(added, 2, 2))
    write_batches(path, [encode([_point(added, 1.5, 5)])])
    assert read(path, "SELECT value, raw_points FROM metric_points") == [(3, 2)]
    assert read(path, "SELECT refused_points FROM metrics") == [(1,)]
    assert read(path, "SELECT sum(refused) FROM exporter_health") == [(1,)]


def test_what_cannot_be_read_stays(path: Path) -> None:
    measured = InstrumentFields("measured", "", "s", HISTOGRAM, DELTA)
    value = DistributionFields(1, 1.0, bounds=[0.5], counts=[1, 0])
    write_batches(path, [encode(_point(measured, minute, value, minute - 1) for minute in (1, 2))])
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE _metric_points SET buckets = '{'")
    with closing(open_file(resolve_settings(path))) as connection:
        steps = HourSteps(connection, _END, ())
        while steps.step(100) is not None:
            pass
    assert read(path, "SELECT raw_points FROM _metric_points") == [(1,), (1,)]


@settings(max_examples=4)
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=30, unique=True))
def test_a_value_that_stays_keeps_all_its_digits(values: list[float]) -> None:
    with TemporaryDirectory() as folder:
        gauges = (InstrumentFields(f"gauge {place:04}") for place in range(len(values)))
        points = [_point(gauge, 1, value, None) for gauge, value in zip(gauges, values, strict=True)]
        path = Path(folder, "otel.db")
        _merge(path, *points)
        rows = read(path, "SELECT value, min, max, sum, raw_points FROM metric_points ORDER BY name")
        assert rows == [(value, value, value, value, 1) for value in values]


@settings(max_examples=100)
@given(data=st.data())
def test_the_order_of_merging_makes_no_difference(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([("sum", DELTA), ("sum", CUMULATIVE), ("gauge", None)]))
    metric = MetricKind(*kind, data.draw(st.booleans()))
    numbers = st.one_of(st.integers(-3, 9), st.sampled_from([math.nan, math.inf, 2**70, 0.25, None]))
    points = [
        HourPoint(1, time, data.draw(st.integers(0, 1)), None, 0, encode_number(data.draw(numbers))[0], *[None] * 7)
        for time in range(5, 5 + data.draw(st.integers(1, 12)))
    ]
    cut = data.draw(st.integers(0, len(points)))
    first = [one.point for one in merge_hours(metric, points[:cut])]
    assert [one.point for one in merge_hours(metric, [*first, *points[cut:]])] == [
        one.point for one in merge_hours(metric, points)
    ]


def _write_days(path: Path, minutes: int = 125) -> None:
    added, gauge = InstrumentFields("added", "", "1", "sum", DELTA, True), InstrumentFields("gauge")
    write_batches(
        path,
        [
            encode(
                point._replace(attributes={"k": one})
                for one in range(30)
                for point in (_point(added, minute, one, minute - 1), _point(gauge, minute, minute, None))
            )
            for minute in range(minutes)
        ],
    )


@pytest.mark.parametrize("seed", range(1))
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(path: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    _write_days(path)
    other = tmp_path / "other.db"
    shutil.copy(path, other)
    command = ["--metrics-raw-days", "2d"]
    assert run("prune", other, *command)[0] == 0
    run_killed(chance, "prune", path, *command)
    assert read_metrics(path) == read_metrics(other)
    assert read(path, "SELECT count(*) FROM metric_points") == [(30 * 2 * 3,)]


def test_the_command_tells_what_it_makes(path: Path) -> None:
    _write_days(path, 90)
    told = run("prune", path, "--metrics-raw-days", "2d", "--dry-run")[1]
    assert "would make about 120 data points, one an hour, of 5,400\n" in told
    planned = json.loads(run("prune", path, "--metrics-raw-days", "2d", "--dry-run", "--json")[1])
    assert (planned["raw_points"], planned["hours"], planned["points"]) == (5_400, 120, 0)
    done = json.loads(run("prune", path, "--metrics-raw-days", "2d", "--json")[1])
    assert done["removed"]["points"] == 5_280
    assert read(path, "SELECT rule, points FROM deletions") == [('{"metrics_raw_days": 2.0}', 5_280)]
    assert "nothing is due" in run("prune", path, "--metrics-raw-days", "2d")[1]


def test_only_points_of_a_service_are_merged_if_one_is_named(path: Path) -> None:
    _write_days(path, 5)
    assert "nothing is due" in run("prune", path, "--metrics-raw-days", "2d", "--service", "mail")[1]
    assert (
        json.loads(run("prune", path, "--metrics-raw-days", "2d", "--dry-run", "--service", "mail", "--json")[1])[
            "hours"
        ]
        == 0
    )
    assert "nothing is due" not in run("prune", path, "--metrics-raw-days", "2d", "--service", "shop")[1]


def test_an_exporter_merges_by_itself(path: Path) -> None:
    _write_days(path)
    with exporting(path, metrics_raw_days=2) as exporter:
        exporter.export([aged_span("new", 0)])
        wait_until(lambda: read(path, "SELECT count(*) FROM metric_points") == [(30 * 2 * 3,)])
        wait_until(lambda: read(path, "SELECT min(is_complete) FROM deletions") == [(1,)])
    assert read(path, "SELECT command, rule FROM deletions") == [("retention", '{"metrics_raw_days": 2.0}')]
