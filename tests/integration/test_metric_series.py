# SPDX-License-Identifier: Apache-2.0
"""What is asked of the series of metrics: right values computed by hand, and by models that are simple and slow."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.errors import FilterError, NotFoundError, ReadTooLongError
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    CUMULATIVE,
    DELTA,
    EXPONENTIAL_HISTOGRAM,
    NO_RECORDED_VALUE,
    SUM,
    SUMMARY,
    BucketFields,
    DistributionFields,
    InstrumentFields,
)
from otel_sqlite_exporter.storage.running_reads import reading_for
from tests.conftest import read
from tests.metric_files import EPOCH, SECOND, ask, at, counter, gauge, histogram, list_buckets, make_point, write_points

MANY = 60


def values(path: Path | str, name: str, **keywords: Any) -> list[Any]:
    """The values of the only line, in steps of a minute."""
    (line,) = ask(path, name, **{"step": "1m", **keywords}).series
    return [point.value for point in line.points]


# -- increases and rates, by hand


@pytest.mark.parametrize(
    ("kind", "totals"), [(CUMULATIVE, [60, 120, 120, 300]), (DELTA, [60, 60, 0, 180])], ids=["cumulative", "delta"]
)
def test_the_increase_and_the_rate_of_a_counter(path: Path, kind: str, totals: list[int]) -> None:
    times = [60, 120, 180, 240]
    starts = [0, 0, 0, 0] if kind == CUMULATIVE else [0, 60, 120, 180]
    points = [
        make_point(counter(temporality=kind), time, total, start=start)
        for time, total, start in zip(times, totals, starts, strict=True)
    ]
    write_points(path, points)
    until = at(240)
    assert values(path, "requests", aggregate="increase", until=until) == [60, 60, 0, 180]
    assert values(path, "requests", aggregate="rate", until=until) == [1.0, 1.0, 0.0, 3.0]
    assert values(path, "requests", aggregate="increase", step="2m", until=until) == [120, 180]


def test_what_came_between_two_points_is_shared_out_over_the_steps_it_covers(path: Path) -> None:
    write_points(path, [make_point(counter(), 30, 30, start=0), make_point(counter(), 150, 150, start=0)])
    assert values(path, "requests", aggregate="increase", until=at(150)) == [60, 60, 30]
    rates = values(path, "requests", aggregate="rate", until=at(150))
    assert rates == [1.0, 1.0, 1.0]  # also of the last step, half of which has passed


def test_whole_numbers_stay_whole_and_add_up(path: Path) -> None:
    write_points(path, [make_point(counter(), 300, 7, start=0)])
    increases = values(path, "requests", aggregate="increase", step=15, until=at(300))
    assert sum(increases) == 7
    assert {type(value) for value in increases} == {int}
    assert max(increases) == 1
    huge = 2**63 - 1
    write_points(path, [make_point(counter("huge"), 300, huge, start=0)])
    assert sum(values(path, "huge", aggregate="increase", step=7, until=at(300))) == huge


def test_a_count_that_started_again_is_counted_since_then(path: Path) -> None:
    """A restart with a new start, and one that only the number tells."""
    points = [
        make_point(counter(), 60, 100, start=0),
        make_point(counter(), 120, 30, start=60),
        make_point(counter(), 180, 10, start=60),
    ]
    write_points(path, points)
    assert values(path, "requests", aggregate="increase", until=at(180)) == [100, 30, 10]


def test_two_processes_of_one_series_do_not_disturb_each_other(path: Path) -> None:
    points = []
    for minute in range(1, 5):
        points.append(make_point(counter(), 60 * minute, 60 * minute, start=0))
        points.append(make_point(counter(), 60 * minute - 0.001, 1_000 * minute, start=0.001))
    write_points(path, points)
    increases = values(path, "requests", aggregate="increase", until=at(240))
    assert sum(increases) == 240 + 4_000
    assert all(abs(increase - 1_060) <= 1 for increase in increases)


def test_a_first_point_whose_start_is_not_known_counts_nothing(path: Path) -> None:
    """Also if its start is its own time: so an unknown start is told (OpenTelemetry's data model)."""
    points = [make_point(counter("none"), 60, 1_000_000), make_point(counter("none"), 120, 1_000_060)]
    points += [make_point(counter("own"), 60, 5_000, start=60), make_point(counter("own"), 120, 5_060, start=60)]
    write_points(path, points)
    for name in ("none", "own"):
        result = ask(path, name, aggregate="increase", step="1m", until=at(120))
        assert [point.value for line in result.series for point in line.points] == [60]
        assert result.notes == ("1 first point says no start, so what they count is not known, and left out",)
    assert read(path, "SELECT sum(delta) FROM metric_points GROUP BY name") == [(60,), (60,)]


def test_a_range_cuts_what_came_at_both_ends(path: Path) -> None:
    """So ranges side by side have together what the whole has."""
    write_points(path, [make_point(counter(), 60 * minute, 60 * minute, start=0) for minute in range(1, 5)])
    first = values(path, "requests", aggregate="increase", since=at(0), until=at(90))
    second = values(path, "requests", aggregate="increase", since=at(90), until=at(240))
    assert first == [60, 30]
    assert second == [30, 60, 60]


def test_nothing_between_points_is_zero_and_outside_of_them_it_is_not_known(path: Path) -> None:
    points = [make_point(counter(temporality=DELTA), time, 60, start=time - 60) for time in (60, 240)]
    write_points(path, points)
    asked = {"since": at(-60), "until": at(360)}
    assert values(path, "requests", aggregate="increase", **asked) == [None, 60, 0, 0, 60, None, None]
    assert values(path, "requests", aggregate="rate", **asked) == [None, 1.0, 0.0, 0.0, 1.0, None, None]


def test_a_delta_without_a_start_began_at_the_point_before(path: Path) -> None:
    write_points(path, [make_point(counter(temporality=DELTA), 30 + 60 * minute, 60) for minute in range(3)])
    assert values(path, "requests", aggregate="increase", until=at(150)) == [90, 60, 30]


def test_a_point_without_a_value_is_a_gap(path: Path) -> None:
    points = [
        make_point(counter(), 60, 60, start=0),
        make_point(counter(), 120, None, start=0, flags=NO_RECORDED_VALUE),
        make_point(counter(), 180, 180, start=0),
    ]
    write_points(path, points)
    assert values(path, "requests", aggregate="increase", until=at(180)) == [60, 60, 60]
    write_points(path, [make_point(gauge(), 30, 1.0), make_point(gauge(), 90, None, flags=NO_RECORDED_VALUE)])
    assert values(path, "temperature", until=at(120)) == [1.0, None]


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_do_not_poison_the_others(path: Path, odd: float) -> None:
    floats = counter("floats", unit="By")
    points = [make_point(floats, time, value, start=0) for time, value in ((60, 1.5), (120, odd), (180, 4.5))]
    points += [make_point(gauge(), time, value) for time, value in ((10, 2.0), (20, odd), (30, 4.0))]
    write_points(path, points)
    assert sum(values(path, "floats", aggregate="increase", until=at(180))) == pytest.approx(4.5)
    for aggregate, expected in (("avg", 3.0), ("min", 2.0), ("max", 4.0), ("sum", 4.0), ("last", 4.0)):
        assert values(path, "temperature", aggregate=aggregate, until=at(60)) == [expected]
    assert "1 point has no finite number, and are left out" in ask(path, "temperature").notes


def test_late_points_are_in_their_place(path: Path) -> None:
    points = [make_point(counter(), 60 * minute, minute**2, start=0) for minute in range(1, 6)]
    write_points(path, [points[4]], [points[0]], [points[2]], [points[3]], [points[1]])
    assert values(path, "requests", aggregate="increase", until=at(300)) == [1, 3, 5, 7, 9]


# -- groups, filters, notes


def _write_routes(path: Path) -> None:
    points = []
    for route, service, amount in (("/a", "shop", 60), ("/b", "shop", 120), ("/a", "bank", 600)):
        attributes = {"route": route, "code": 200}
        points.append(make_point(counter(), 60, amount, start=0, attributes=attributes, service=service))
    write_points(path, points)


def test_groups_and_filters(path: Path) -> None:
    _write_routes(path)

    def grouped(**keywords: Any) -> dict[Any, Any]:
        result = ask(path, "requests", aggregate="increase", step="1m", until=at(60), **keywords)
        return {tuple(line.labels.items()): [point.value for point in line.points] for line in result.series}

    assert grouped() == {(): [780]}
    assert grouped(group_by="route") == {(("route", "/a"),): [660], (("route", "/b"),): [120]}
    assert grouped(group_by=["service_name"]) == {
        (("service_name", "bank"),): [600],
        (("service_name", "shop"),): [180],
    }
    assert grouped(group_by="service.name").keys() == {(("service.name", "shop"),), (("service.name", "bank"),)}
    assert len(grouped(group_by="*")) == 3
    assert grouped(attributes={"route": "/b"}) == {(): [120]}
    assert grouped(attributes={"code": (">=", 200), "route": ("!=", "/a")}) == {(): [120]}
    assert grouped(service_name="shop", group_by="route") == {(("route", "/b"),): [120], (("route", "/a"),): [60]}
    assert grouped(attributes={"route": "/none"}) == {}


def test_the_groups_with_the_largest_values_come_first_and_the_rest_is_told(path: Path) -> None:
    write_points(
        path, [make_point(counter(), 60, number, start=0, attributes={"n": number}) for number in range(1, 31)]
    )
    result = ask(path, "requests", aggregate="increase", group_by="n", limit=5)
    assert [line.labels["n"] for line in result.series] == [30, 29, 28, 27, 26]
    assert result.omitted == 25
    assert result.describe() == "5 of 30"
    assert result.notes == ("25 groups of series are left out, those with the smallest values: the limit is 5",)


def test_series_with_equal_labels_are_told_apart(path: Path) -> None:
    write_points(
        path, [make_point(gauge(), 5, float(pod), resource={"service.instance.id": str(pod)}) for pod in range(2)]
    )
    labels = [dict(line.labels) for line in ask(path, "temperature", group_by="*").series]
    assert labels == [{"service_name": "shop", "series_id": 2}, {"service_name": "shop", "series_id": 1}]
    assert len(ask(path, "temperature", group_by="service.instance.id").series) == 2


def test_metrics_that_measure_something_else_are_never_added_up(path: Path) -> None:
    points = [make_point(counter("size", unit=unit), 60, 1, start=0, service=f"in {unit}") for unit in ("By", "kBy")]
    points += [make_point(gauge("size", unit="By"), 60, 1, service="now")]
    write_points(path, points)
    with pytest.raises(FilterError) as raised:
        ask(path, "size")
    assert str(raised.value) == (
        "unit: size is 3 metrics, which cannot be added up: gauge in By of now; sum that only grows in By of in By; "
        "sum that only grows in kBy of in kBy: choose one by unit, kind or service_name"
    )
    assert ask(path, "size", unit="kBy").unit == "kBy"
    assert ask(path, "size", kind="gauge").kind == "gauge"
    assert ask(path, "size", service_name="in By").kind == "sum"
    with pytest.raises(FilterError, match="kind: the metric has no such kind: give 'gauge', 'sum'"):
        ask(path, "size", kind="summary")


def test_instruments_that_differ_in_temporality_alone_are_added_up(path: Path) -> None:
    points = [make_point(counter(temporality=kind), 60, 60, start=0, service=kind) for kind in (CUMULATIVE, DELTA)]
    write_points(path, points)
    result = ask(path, "requests", aggregate="increase", step="1m", until=at(60))
    assert [point.value for point in result.series[0].points] == [120]
    assert result.temporality == "mixed"


def test_wrong_arguments_are_named_with_what_is_near(path: Path) -> None:
    _write_routes(path)
    database = TelemetryDatabase(path)
    for ask_name in (database.get_metric, database.get_metric_series):
        with pytest.raises(NotFoundError, match=r"there is no metric 'reqests': did you mean requests\?"):
            ask_name("reqests")
    for keywords, message in (
        ({"group_by": "rout"}, "group_by: no series has the attribute 'rout': give route, or another key"),
        ({"aggregate": "p95"}, "aggregate: requests cannot be asked for 'p95': give rate, increase, sum, count, last"),
        ({"step": "soon"}, "step: 'soon' is not a step: give seconds, a text such as 30s, 5m, 1h or 1d, raw or all"),
        ({"step": 0.001, "until": at(60)}, "step: the range has more than 11,000 such steps: give 1 s or more"),
        ({"since": at(60), "until": at(0)}, "until: the range ends before it begins"),
        ({"timezone": "Mars"}, "timezone: there is no timezone 'Mars'"),
        ({"limit": 0}, "limit: 0 is not a number of rows"),
        ({"color": "red"}, "color: series have no such filter"),
    ):
        with pytest.raises(FilterError) as raised:
            database.get_metric_series("requests", **keywords)
        assert str(raised.value).startswith(message)


def test_a_range_without_points_has_no_lines(path: Path) -> None:
    _write_routes(path)
    result = ask(path, "requests", since=at(10_000), until=at(20_000))
    assert (result.series, result.omitted, result.kind) == ((), 0, "sum")


def test_a_question_that_takes_too_long_is_given_up(path: Path) -> None:
    _write_routes(path)
    with reading_for(0), pytest.raises(ReadTooLongError):
        ask(path, "requests")


# -- steps


def test_the_step_suits_the_range_and_the_interval_of_points(path: Path) -> None:
    write_points(path, [make_point(counter(), 60 * minute, minute, start=0) for minute in range(1, 61)])
    assert ask(path, "requests").step_s == 60
    assert ask(path, "requests", most_steps=10).step_s == 600
    assert ask(path, "requests", since=at(3_400)).step_s == 60  # not shorter than the interval of points
    assert ask(path, "requests", step=90).step_s == 90
    assert ask(path, "requests", step="1.5h").step_s == 5_400


def test_days_are_those_of_the_time_zone(path: Path) -> None:
    """With the hour that a clock repeats in autumn, a day of Madrid has 25 hours."""
    begin = datetime(2026, 10, 24, 22, tzinfo=UTC).timestamp()  # midnight in Madrid, on the day of the change
    hours = [
        make_point(counter(), begin + 3_600 * hour - EPOCH / SECOND, hour, start=begin - EPOCH / SECOND)
        for hour in range(1, 50)
    ]
    write_points(path, hours)
    until = at(begin + 49 * 3_600 - EPOCH / SECOND)
    asked: dict[str, Any] = {"aggregate": "increase", "timezone": "Europe/Madrid", "until": until}
    result = ask(path, "requests", step="1d", **asked)
    assert [point.value for line in result.series for point in line.points] == [25, 24]
    starts = [point.time_unix_nano // SECOND for point in result.series[0].points]
    assert starts == [begin, begin + 25 * 3_600]
    assert values(path, "requests", step="1d", **{**asked, "timezone": "UTC"}) == [2, 24, 23]
    week = ask(path, "requests", step="1w", **asked)
    assert [point.value for point in week.series[0].points] == [25, 24]  # Monday is between


# -- levels


def test_the_last_average_smallest_and_largest_value_of_a_gauge(path: Path) -> None:
    write_points(path, [make_point(gauge(), time, value) for time, value in ((5, 1), (25, 9), (55, 2), (125, 7))])
    for aggregate, expected in (
        ("last", [2, None, 7]),
        ("avg", [4.0, None, 7.0]),
        ("min", [1, None, 7]),
        ("max", [9, None, 7]),
        ("sum", [2, None, 7]),
        ("count", [3, None, 1]),
    ):
        assert values(path, "temperature", aggregate=aggregate) == expected


def test_gauges_of_several_series_are_averaged_and_sums_added_up(path: Path) -> None:
    in_use = InstrumentFields("connections", unit="{connection}", kind=SUM, temporality=CUMULATIVE, is_monotonic=False)
    points = []
    for pod, value in (("a", 10), ("b", 20)):
        points.append(make_point(gauge(), 30, value, attributes={"pod": pod}))
        points.append(make_point(in_use, 30, value, start=0, attributes={"pod": pod}))
    write_points(path, points)
    assert values(path, "temperature") == [15.0]
    assert any("is their average" in note for note in ask(path, "temperature").notes)
    assert values(path, "temperature", aggregate="sum") == [30]
    assert values(path, "connections") == [30]
    assert values(path, "connections", aggregate="avg") == [30]
    assert values(path, "connections", aggregate="increase", until=at(60)) == [30]


def test_a_value_stands_until_the_next_one_but_not_for_long(path: Path) -> None:
    """So a sum does not drop where one series has no point, and what is gone does not count for ever."""
    points = [make_point(gauge(), time, 1, attributes={"pod": "often"}) for time in range(5, 605, 10)]
    points += [make_point(gauge(), time, 100, attributes={"pod": "rare"}) for time in (15, 75, 135)]
    write_points(path, points)
    sums = values(path, "temperature", aggregate="sum", step=10, until=at(600))
    assert sums[0] == 1
    assert set(sums[1:26]) == {101}  # two intervals of a minute after the last point
    assert set(sums[27:]) == {1}


def test_a_value_before_the_range_stands_in_it(path: Path) -> None:
    points = [make_point(gauge(), time, 1, attributes={"pod": "often"}) for time in range(5, 605, 10)]
    points += [make_point(gauge(), time, 100, attributes={"pod": "rare"}) for time in (0, 30, 60, 90, 120, 150)]
    write_points(path, points)
    assert values(path, "temperature", aggregate="sum", step=10, since=at(100), until=at(120)) == [101, 101]


def test_what_has_no_value_any_more_does_not_stand(path: Path) -> None:
    points = [make_point(gauge(), time, 1, attributes={"pod": "here"}) for time in range(5, 125, 10)]
    points += [make_point(gauge(), time, 100, attributes={"pod": "gone"}) for time in (5, 15)]
    points += [make_point(gauge(), 25, None, flags=NO_RECORDED_VALUE, attributes={"pod": "gone"})]
    write_points(path, points)
    sums = values(path, "temperature", aggregate="sum", step=10, until=at(120))
    assert sums == [101, 101, *[1] * 10]


# -- histograms and summaries


def _distribution(bounds: Sequence[float], counts: Sequence[int], **fields: Any) -> DistributionFields:
    return DistributionFields(sum(counts), bounds=bounds, counts=counts, **fields)


def test_quantiles_are_interpolated_and_told_as_estimates(path: Path) -> None:
    """By hand: of 100 values, 50 up to 1, 30 up to 2, 20 up to 4."""
    write_points(
        path, [make_point(histogram(), 60, start=0, distribution=_distribution([1, 2, 4], [50, 30, 20, 0], sum=130.0))]
    )
    result = ask(path, "duration", step="1m", until=at(60), aggregate="p25,p50,p80,p90,avg,count,sum,rate,buckets")
    found = {line.aggregate: line.points[0].value for line in result.series}
    assert found == {
        **{"p25": 0.5, "p50": 1.0, "p80": 2.0, "p90": 3.0},
        **{"avg": 1.3, "count": 100, "sum": 130.0, "rate": 100 / 60, "buckets": 100},
    }
    assert [line.is_estimate for line in result.series] == [True] * 4 + [False] * 5
    assert result.notes == ("estimated from buckets: p25, p50, p80, p90",)
    assert {line.unit for line in result.series if line.aggregate in ("count", "rate")} == {"1", "1/s"}
    (buckets,) = (line.points[0].to_dict()["buckets"] for line in result.series if line.aggregate == "buckets")
    assert [tuple(bucket.values()) for bucket in buckets] == [(None, 1.0, 50), (1.0, 2.0, 30), (2.0, 4.0, 20)]
    default = ask(path, "duration")
    assert default.aggregate == "p50,p95,p99,rate"
    assert default.is_estimate


def test_no_estimate_is_beyond_the_smallest_and_the_largest_value(path: Path) -> None:
    """Bounds of milliseconds for a duration in seconds: all values are in one bucket."""
    fields = _distribution([5, 10], [100, 0, 0], sum=20.0, min=0.1, max=0.3)
    write_points(path, [make_point(histogram(), 60, start=0, distribution=fields)])
    found = ask(path, "duration", step="1m", until=at(60), aggregate="p0,p50,p100,min,max")
    assert [line.points[0].value for line in found.series] == pytest.approx([0.1, 0.2, 0.3, 0.1, 0.3])
    assert [line.is_estimate for line in found.series][3:] == [False, False]


def test_a_quantile_beyond_the_last_bound_is_the_bound(path: Path) -> None:
    write_points(path, [make_point(histogram(), 60, start=0, distribution=_distribution([1, 2], [0, 0, 10]))])
    assert values(path, "duration", aggregate="p99", until=at(60)) == [2.0]
    write_points(path, [make_point(histogram("open"), 60, start=0, distribution=_distribution([], [10]))])
    assert values(path, "open", aggregate="p99", until=at(60)) == [None]


def test_histograms_of_several_series_and_steps_are_added_up(path: Path) -> None:
    points = []
    for pod in ("a", "b"):
        for minute, counts in ((1, [1, 0, 0]), (2, [1, 5, 0]), (3, [4, 5, 1])):
            point = _distribution([1, 2], counts, sum=float(sum(counts)))
            points.append(make_point(histogram(), 60 * minute, start=0, distribution=point, attributes={"pod": pod}))
    write_points(path, points)
    result = ask(path, "duration", step="1m", until=at(180), aggregate="buckets")
    found = list_buckets(result.series[0])
    assert found == [[(None, 1.0, 2)], [(1.0, 2.0, 10)], [(None, 1.0, 6), (2.0, None, 2)]]
    assert values(path, "duration", aggregate="count", until=at(180)) == [2, 10, 8]


def test_histograms_with_other_bounds_are_merged(path: Path) -> None:
    """By hand: 10 values in (0, 2] and 10 in (0, 1] are 15 in (0, 1] and 5 in (1, 2]."""
    points = [
        make_point(histogram(), 60, start=0, distribution=_distribution([0, 2], [0, 10, 0]), service="wide"),
        make_point(histogram(), 60, start=0, distribution=_distribution([0, 1, 2], [0, 10, 0, 0]), service="narrow"),
    ]
    write_points(path, points)
    result = ask(path, "duration", step="1m", until=at(60), aggregate="buckets,p50,p75")
    assert [point.value for line in result.series for point in line.points] == [20, pytest.approx(10 / 15), 1.0]
    assert list_buckets(result.series[0])[0] == [(0.0, 1.0, 15), (1.0, 2.0, 5)]
    assert any("merged" in note for note in result.notes)


def _exponential(scale: int, offset: int, counts: Sequence[int], **fields: Any) -> DistributionFields:
    total = sum(counts) + fields.get("zero_count", 0)
    return DistributionFields(total, scale=scale, positive=BucketFields(offset, counts), **{"zero_count": 0, **fields})


def test_exponential_histograms_are_brought_to_the_smaller_scale(path: Path) -> None:
    """By hand: at scale 1 the buckets from 1 on end at 2 ** 0.5, 2, 2 ** 1.5 and 4; at scale 0 at 2 and 4."""
    kind = histogram(kind=EXPONENTIAL_HISTOGRAM)
    points = [
        make_point(kind, 60, start=0, distribution=_exponential(1, 0, [1, 2, 3, 4]), service="fine"),
        make_point(kind, 60, start=0, distribution=_exponential(0, 0, [10, 20], zero_count=7), service="coarse"),
    ]
    write_points(path, points)
    result = ask(path, "duration", step="1m", until=at(60), aggregate="buckets,p50")
    assert list_buckets(result.series[0])[0] == [*((0.0, 0.0, 7), (1.0, 2.0, 13), (2.0, 4.0, 27))]
    (median,) = result.series[1].points
    assert median.value == pytest.approx(2 * 2 ** ((23.5 - 20) / 27))


def test_the_scale_may_change_between_two_points(path: Path) -> None:
    kind = histogram(kind=EXPONENTIAL_HISTOGRAM)
    points = [
        make_point(kind, 60, start=0, distribution=_exponential(1, 0, [1, 2, 3, 4])),
        make_point(kind, 120, start=0, distribution=_exponential(0, 0, [5, 7, 9])),
    ]
    write_points(path, points)
    result = ask(path, "duration", step="1m", until=at(120), aggregate="buckets")
    found = list_buckets(result.series[0])
    assert found == [[(1.0, 2.0, 3), (2.0, 4.0, 7)], [(1.0, 2.0, 2), (4.0, 8.0, 9)]]


def test_bounds_that_change_without_a_new_start_are_told(path: Path) -> None:
    points = [
        make_point(histogram(), 60, start=0, distribution=_distribution([1], [3, 0])),
        make_point(histogram(), 120, start=0, distribution=_distribution([2], [5, 0])),
    ]
    write_points(path, points)
    result = ask(path, "duration", step="1m", until=at(120), aggregate="p50,count")
    assert [point.value for point in result.series[0].points] == [0.5, None]
    assert [point.value for point in result.series[1].points] == [3, 2]
    assert "of 1 point is not known what came in each bucket, as bounds or counts changed" in result.notes


def test_the_largest_value_of_a_cumulative_histogram_is_an_estimate_unless_it_is_new(path: Path) -> None:
    points = [
        make_point(histogram(), 60, start=0, distribution=_distribution([1, 2], [0, 0, 1], min=9.0, max=9.0)),
        make_point(histogram(), 120, start=0, distribution=_distribution([1, 2], [0, 4, 1], min=1.5, max=9.0)),
    ]
    write_points(path, points)
    result = ask(path, "duration", step="1m", until=at(120), aggregate="max,min")
    assert [[point.value for point in line.points] for line in result.series] == [[9.0, 2.0], [9.0, 1.5]]
    assert [line.is_estimate for line in result.series] == [True, True]


def test_quantiles_of_a_summary_are_as_they_came(path: Path) -> None:
    summary = InstrumentFields("latency", unit="s", kind=SUMMARY)
    points = []
    for pod in ("a", "b"):
        for minute in (1, 2):
            quantiles = [(0.5, 0.1 * minute), (0.99, 0.9 * minute)]
            fields = DistributionFields(10 * minute, sum=2.0 * minute, quantiles=quantiles)
            points.append(make_point(summary, 60 * minute, start=0, distribution=fields, attributes={"pod": pod}))
    write_points(path, points)
    result = ask(path, "latency", step="1m", aggregate="p99,rate,avg", until=at(121))
    assert len(result.series) == 6
    found = {(line.labels["pod"], line.aggregate): [point.value for point in line.points] for line in result.series}
    assert found["a", "p99"] == [None, 0.9, 1.8]
    assert found["b", "avg"] == pytest.approx([0.2, 0.2, None])
    assert not result.is_estimate
    with pytest.raises(FilterError, match="quantiles of a summary cannot be merged"):
        ask(path, "latency", aggregate="p99", group_by="service_name")
    assert values(path, "latency", aggregate="count", group_by="service_name", until=at(120)) == [20, 20]


# -- points as they are stored, points that stand for an hour


def test_raw_points_are_those_of_the_view(path: Path) -> None:
    _write_routes(path)
    fields = _distribution([1], [3, 1], sum=4.0, min=0.5, max=2.0)
    write_points(path, [make_point(histogram(), 60, start=0, distribution=fields)])
    result = ask(path, "duration", step="raw")
    assert result.step_s is None
    assert [point.to_dict() for line in result.series for point in line.points] == [
        {
            **{"time_unix_nano": at(60), "value": None, "start_time_unix_nano": at(0), "count": 4, "count_delta": 4},
            **{"sum": 4.0, "sum_delta": 4.0, "min": 0.5, "max": 2.0, "change": "first", "flags": 0},
            "buckets": {"bounds": [1], "counts": [3, 1]},
        }
    ]
    assert len(ask(path, "requests", step="raw").series) == 3


def test_only_so_many_raw_points_are_returned_the_newest(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otel_sqlite_exporter.query.metric_series.raw_lines.MOST_POINTS", 10)
    write_points(path, [make_point(gauge(), time, time) for time in range(1, 51)])
    result = ask(path, "temperature", step="raw")
    assert [point.value for point in result.series[0].points] == [*range(41, 51)]
    assert result.notes == (f"there are more points: all that are after {_iso(at(41))} are here",)


def _iso(time_unix_nano: int) -> str:
    return f"{datetime.fromtimestamp(time_unix_nano / 1e9, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def _change(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(sql)
    connection.close()


def test_points_that_stand_for_an_hour_count_as_many(path: Path) -> None:
    write_points(path, [make_point(gauge(), 30, 4.0)])
    _change(path, "UPDATE _metric_points SET raw_points = 60, min = 1.0, max = 9.0, sum = 120.0")
    expected = {"last": 4.0, "avg": 2.0, "min": 1.0, "max": 9.0, "count": 60}
    assert {one: values(path, "temperature", aggregate=one)[0] for one in expected} == expected


def test_a_point_that_only_later_ones_are_counted_from_counts_nothing(path: Path) -> None:
    write_points(path, [make_point(counter(), 60 * minute, 1_000 * minute, start=0) for minute in (1, 2)])
    _change(path, f"UPDATE _metric_points SET raw_points = 0 WHERE time_unix_nano = {at(60)}")
    assert values(path, "requests", aggregate="increase", until=at(120)) == [None, 1_000]
