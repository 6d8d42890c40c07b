# SPDX-License-Identifier: Apache-2.0
"""The series of metrics against models that are simple and slow, with random points, and against the real SDK."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult

from otel_sqlite_exporter import SQLiteMetricExporter, TelemetryDatabase
from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.metric_records.metric_signals import PointFields
from tests.conftest import read
from tests.metric_files import SECOND, ask, at, counter, list_buckets, make_point, new_file, write_points
from tests.metric_strategies import messages, read_points

pytestmark = pytest.mark.slow
MANY = 8


def naive_increases(points: Sequence[PointFields], edges: Sequence[int]) -> list[Fraction]:
    """What came in each step, of cumulative points of sums that only grow, with exact fractions."""
    series: dict[Any, dict[int, int]] = defaultdict(dict)
    for point in points:
        series[tuple(point.attributes.items()), point.start_time][point.time] = point.value
    found = [Fraction(0)] * (len(edges) - 1)
    for (_, start), of_start in series.items():
        before: tuple[int, int] | None = None
        for time, value in sorted(of_start.items()):
            begin, amount = start, value
            if before is not None:
                begin, amount = before[0], value - before[1] if value >= before[1] else value
            elif not 0 < start < time:
                begin, amount = time, 0
            before = time, value
            for index, (first, last) in enumerate(pairwise(edges)):
                covered = min(time, last) - max(begin, first)
                if covered > 0:
                    found[index] += Fraction(amount * covered, time - begin)
    return found


@st.composite
def counts_of_processes(draw: st.DrawFn) -> list[PointFields]:
    """Points of up to three series, each of one or two processes that run at the same time, with numbers that shrink,
    gaps and unknown starts."""
    points: dict[Any, PointFields] = {}
    for number in range(draw(st.integers(1, 3))):
        for _ in range(draw(st.integers(1, 2))):
            start = draw(st.one_of(st.none(), st.integers(0, 200)))
            total = 0
            time = (start or 0) + draw(st.integers(0, 60))
            for _ in range(draw(st.integers(1, 6))):
                total = draw(st.integers(0, 9)) if draw(st.integers(0, 9)) == 0 else total + draw(st.integers(0, 100))
                points[number, start, time] = make_point(counter(), time, total, start=start, attributes={"n": number})
                time += draw(st.integers(1, 90))
    return [*points.values()]


@settings(max_examples=MANY, deadline=None)
@given(counts_of_processes(), st.integers(1, 400), st.randoms(use_true_random=False))
def test_increases_are_those_of_a_simple_model_in_any_order(
    points: list[PointFields], step: int, order: random.Random
) -> None:
    """And they are whole numbers that add up to all that came."""
    with new_file() as path:
        shuffled = order.sample(points, len(points))
        cut = order.randint(0, len(points))
        write_points(path, shuffled[:cut], shuffled[cut:])
        (line,) = ask(path, "requests", aggregate="increase", step=step, since=at(-1)).series
    starts = [point.time_unix_nano for point in line.points]
    expected = naive_increases(points, [*starts, starts[-1] + step * SECOND])
    reached, wanted = 0, Fraction(0)
    for point, exact in zip(line.points, expected, strict=True):
        assert type(point.value) is int or (point.value is None and not exact)
        reached, wanted = reached + round(point.value or 0), wanted + exact
        assert abs(reached - wanted) <= Fraction(1, 2) + Fraction(len(points), 2**32)
    assert reached == wanted


@settings(max_examples=MANY, deadline=None)
@given(counts_of_processes(), st.lists(st.integers(-100, 900), min_size=1, max_size=3))
def test_ranges_side_by_side_have_together_what_the_whole_has(points: list[PointFields], cuts: list[int]) -> None:
    def total(since: int, until: int) -> int:
        result = ask(path, "requests", aggregate="increase", since=since, until=until, step=60)
        return sum(round(point.value or 0) for line in result.series for point in line.points)

    moments = sorted({at(-1_000), *map(at, cuts), at(2_000)})
    with new_file() as path:
        write_points(path, points)
        parts = [total(since, until) for since, until in pairwise(moments)]
        whole = total(moments[0], moments[-1])
        assert read(path, "SELECT total(delta) FROM metric_points") == [(whole,)]
    assert abs(sum(parts) - whole) <= len(parts) / 2


@st.composite
def measurements(draw: st.DrawFn) -> list[list[tuple[str, str, float]]]:
    """For each of some exports: what is measured before it, as instrument, attribute and value."""
    names = st.sampled_from(["whole", "part", "level", "spread"])
    one = st.tuples(names, st.sampled_from("ab"), st.floats(0.001, 50))
    return draw(st.lists(st.lists(one, max_size=6), min_size=1, max_size=6))


def _measure(path: Path, temporality: str, kind: str, exports: list[list[tuple[str, str, float]]]) -> None:
    """Measure with the real SDK, and write what it exports."""
    exporter = SQLiteMetricExporter(path, metric_temporality=temporality, metric_histograms=kind)
    reader = InMemoryMetricReader(exporter._preferred_temporality, exporter._preferred_aggregation)
    provider = MeterProvider([reader], shutdown_on_exit=False)
    meter = provider.get_meter("tests")
    counters = {"whole": meter.create_counter("whole"), "part": meter.create_counter("part")}
    level, spread = meter.create_up_down_counter("level"), meter.create_histogram("spread", "s")
    for export in exports:
        for name, key, value in export:
            if name in counters:
                counters[name].add(_read(name, value), {"key": key})
            elif name == "level":
                level.add(_read(name, value), {"key": key})
            else:
                spread.record(value, {"key": key})
        data = reader.get_metrics_data()
        if data is not None:
            assert exporter.export(data) is MetricExportResult.SUCCESS
    provider.shutdown()
    exporter.shutdown()


def _read(name: str, value: float) -> Any:
    """What is measured: whole numbers of two instruments."""
    return {"whole": round(value), "level": round(value) - 20}.get(name, value)


ASKED = {"whole": "increase", "part": "increase", "level": "last", "spread": "count,avg,p50,min,max,buckets"}


@pytest.mark.parametrize("kind", ["explicit", "exponential"])
@settings(max_examples=MANY, deadline=None)
@given(exports=measurements())
def test_both_temporalities_give_the_same_answer(kind: str, exports: list[list[tuple[str, str, float]]]) -> None:
    """Of the same measurements, exported by the real SDK. The times differ, so all is asked in one step."""
    recorded: dict[str, list[Any]] = defaultdict(list)
    for name, _, value in (one for export in exports for one in export):
        recorded[name].append(_read(name, value))
    answers: list[dict[str, Any]] = []
    for temporality in ("cumulative", "delta"):
        found: dict[str, Any] = {}
        with new_file() as path:
            _measure(path, temporality, kind, exports)
            for name in recorded:
                for line in ask(path, name, aggregate=ASKED[name], step="520w").series:
                    (point,) = line.points
                    is_buckets = line.aggregate == "buckets"
                    found[f"{name} {line.aggregate}"] = list_buckets(line) if is_buckets else point.value
        answers.append(found)
    cumulative, delta = answers
    assert cumulative.keys() == delta.keys()
    for name, values in recorded.items():
        for answer in answers:
            _check(name, values, answer)
    if kind == "explicit":  # exponential ones of a short time may be finer
        assert cumulative.get("spread buckets") == delta.get("spread buckets")


def _check(name: str, recorded: list[Any], answer: dict[str, Any]) -> None:
    if name == "spread":
        assert answer["spread count"] == len(recorded)
        assert answer["spread avg"] == pytest.approx(sum(recorded) / len(recorded))
        assert sum(count for _, _, count in answer["spread buckets"][0]) == len(recorded)
        middle = sorted(recorded)[math.ceil(len(recorded) / 2) - 1]
        assert _are_in_a_bucket(answer["spread buckets"][0], middle, answer["spread p50"])
        assert answer["spread min"] == min(recorded)
        assert answer["spread max"] == max(recorded)
    elif name == "part":
        assert answer["part increase"] == pytest.approx(sum(recorded))
    else:
        assert answer[f"{name} {ASKED[name]}"] == sum(recorded)
        assert type(answer[f"{name} {ASKED[name]}"]) is int


def _are_in_a_bucket(buckets: list[tuple[Any, ...]], *values: float) -> bool:
    """Whether values are in one bucket; those of exponential ones are compared with what rounding leaves."""
    return any(
        all(
            (lower is None or value >= lower - 1e-9 * abs(lower))
            and (upper is None or value <= upper + 1e-9 * abs(upper))
            for value in values
        )
        for lower, upper, _ in buckets
    )


@settings(max_examples=MANY, deadline=None)
@given(st.lists(messages, min_size=1, max_size=3))
def test_any_points_can_be_asked_for(made: list[dict[str, Any]]) -> None:
    """Whatever came: odd scales, bounds, times and names. Only an argument can be refused."""
    questions: list[dict[str, Any]] = [{}, {"step": "raw"}, {"group_by": "*", "limit": 2}]
    questions += [{"aggregate": one} for one in ("avg,min,max,count", "p50,p99,buckets,sum", "last,sum", "rate")]
    with new_file() as path:
        write_points(path, [point for message in made for point in read_points(message)])
        database = TelemetryDatabase(path)
        for metric in database.find_metrics(limit=5):
            orjson.dumps(database.get_metric(metric.name).to_dict())
            for keywords in questions:
                try:
                    result = database.get_metric_series(metric.name, **keywords)
                except FilterError:
                    continue
                orjson.dumps(result.to_dict())
                rows = [line for line in result.series for _ in line.points if line.aggregate != "buckets"]
                assert len(result.to_columns()["value"][1]) >= len(rows)
