# SPDX-License-Identifier: Apache-2.0
"""What came since the point before: `delta`, `count_delta`, `sum_delta` and `change`, against a plain model."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings

from otel_sqlite_exporter.model.metric_records.metric_signals import (
    DELTA,
    SUM,
    SUMMARY,
    DistributionFields,
    InstrumentFields,
    PointFields,
)
from tests.conftest import read
from tests.drawn_points import INSTRUMENTS, point_lists
from tests.integration.test_point_order import sorting_often
from tests.metric_files import at, counter, gauge, histogram, make_point, write_points

Change = tuple[Any, Any, Any, str | None]
"""`delta`, `count_delta`, `sum_delta` and `change` of a point."""
_QUERY = "SELECT delta, count_delta, sum_delta, change FROM metric_points ORDER BY time_unix_nano, start_time_unix_nano"


class Number(NamedTuple):
    """A number as the view shows it, and whether a later one may be compared with it."""

    shown: Any
    is_plain: bool


def read_number(value: Any, *, is_count: bool = False) -> Number:
    if is_count and isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, (str, bytes)):
        value = float(value) if value != b"x" else None
    if value is None or (is_count and value < 0):
        return Number(None, is_plain=False)
    if isinstance(value, float):
        return Number(None if math.isnan(value) else value, is_plain=math.isfinite(value))
    is_plain = -(2**63) <= value < 2**63
    return Number(value if is_plain else float(value), is_plain)


class Told(NamedTuple):
    """What a point tells."""

    time: int
    start: int
    value: Number
    values: Number
    sum: Number


def read_point(point: PointFields, arrival: int) -> Told:
    found = point.distribution or DistributionFields(None)
    numbers = read_number(point.value), read_number(found.count, is_count=True), read_number(found.sum)
    return Told(point.time or arrival, point.start_time or 0, *numbers)


def find_before(points: Iterable[Told], point: Told, name: str) -> Told | None:
    """The last point before this one that counts from the same start and has such a number."""
    first = point.start if point.start < point.time else 0
    same = [
        one
        for one in points
        if first <= one.time < point.time and one.start == point.start and getattr(one, name).is_plain
    ]
    return max(same, key=lambda one: one.time, default=None)


def model_change(instrument: InstrumentFields, points: Sequence[Told], point: Told) -> Change:
    """What the view says of a point among all those of its series."""
    is_sum, is_delta = instrument.kind == SUM, instrument.temporality == DELTA
    can_differ = instrument.temporality is not None or instrument.kind == SUMMARY
    only_grows = instrument.is_monotonic is True or not is_sum
    found: dict[str, Any] = {"value": None, "values": None, "sum": None}
    for name in ["value"] if is_sum else ["values", "sum"]:
        now, before = getattr(point, name).shown, find_before(points, point, name)
        if now is None or not can_differ:
            continue
        if is_delta:
            found[name] = now
        elif before is None:
            found[name] = now if 0 < point.start < point.time else None
        else:
            judged = "value" if is_sum else "values"
            this, last = getattr(point, judged).shown, getattr(before, judged).shown
            fell = only_grows and this is not None and last is not None and this < last
            found[name] = now if fell else now - getattr(before, name).shown
    return found["value"], found["values"], found["sum"], name_change(instrument, points, point, only_grows=only_grows)


def name_change(instrument: InstrumentFields, points: Sequence[Told], point: Told, *, only_grows: bool) -> str | None:
    earlier = [one for one in points if one.time < point.time]
    if not earlier:
        return "first"
    last = max(one.time for one in earlier)
    if instrument.temporality == DELTA:
        return "gap" if point.start > last else "overlap" if 0 < point.start < last else None
    judged = "value" if instrument.kind == SUM else "values"
    now = getattr(point, judged).shown
    if instrument.temporality is None or now is None:
        return None
    before = find_before(points, point, judged)
    return "reset" if before is None or (only_grows and now < getattr(before, judged).shown) else None


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        return one is not None and other is not None and math.isclose(one, other, rel_tol=1e-12)
    return bool(one == other)


def has_one_version(points: Iterable[PointFields]) -> list[PointFields]:
    """The first point of each time and start."""
    return list({(one.time, one.start_time or 0): one for one in reversed(list(points))}.values())


@pytest.mark.slow
@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda one: f"{one.kind} {one.temporality} {one.is_monotonic}")
def test_changes_are_those_of_the_model(instrument: InstrumentFields) -> None:
    @settings(max_examples=10)
    @given(fields=point_lists([instrument], 1))
    def check(fields: list[PointFields]) -> None:
        wanted = has_one_version(one._replace(time=one.time or at(7)) for one in fields)
        with TemporaryDirectory() as folder:
            path = Path(folder, "otel.db")
            remaining = iter(wanted)
            with sorting_often():
                write_points(path, *iter(lambda: list(islice(remaining, 4)), []))
            with closing(sqlite3.connect(path)) as file:
                shown: list[Change] = file.execute(_QUERY).fetchall()
        told = sorted(read_point(one, at(7)) for one in wanted)
        expected = [model_change(instrument, told, one) for one in told]
        assert len(shown) == len(expected)
        for found, modelled in zip(shown, expected, strict=True):
            assert all(map(_same, found, modelled)), (shown, expected)

    check()


def changes(path: Path, *batches: list[PointFields]) -> list[tuple[Any, ...]]:
    write_points(path, *batches)
    return [(delta, change) for delta, _, _, change in read(path, _QUERY)]


def test_a_counter_that_starts_again_with_a_new_start_counts_from_it(path: Path) -> None:
    first = [make_point(counter(), time, value, start=0) for time, value in ((1, 5), (2, 9))]
    again = [make_point(counter(), time, value, start=2.5) for time, value in ((3, 7), (4, 8))]
    assert changes(path, first, again) == [(5, "first"), (4, None), (7, "reset"), (1, None)]


def test_a_counter_that_starts_again_and_does_not_say_so_is_seen_by_its_fall(path: Path) -> None:
    points = [make_point(counter(), time, value, start=0) for time, value in ((1, 5), (2, 9), (3, 2), (4, 4))]
    assert changes(path, points) == [(5, "first"), (4, None), (2, "reset"), (2, None)]


def test_processes_that_write_one_series_are_told_apart_by_their_starts(path: Path) -> None:
    points = [
        make_point(counter(), time, value, start=start)
        for time, start, value in ((1, 0, 5), (2, 0.5, 100), (3, 0, 6), (4, 0.5, 101), (5, 0, 6))
    ]
    assert changes(path, points) == [(5, "first"), (100, "reset"), (1, None), (1, None), (0, None)]


def test_what_came_before_a_first_point_of_an_unknown_start_is_not_known(path: Path) -> None:
    points = [make_point(counter(), time, value) for time, value in ((1, 100), (2, 103), (3, 1))]
    assert changes(path, points) == [(None, "first"), (3, None), (1, "reset")]


def test_a_point_without_a_number_is_passed_over(path: Path) -> None:
    """NaN, and the flag that nothing was recorded."""
    points = [
        make_point(counter(), 1, 5, start=0),
        make_point(counter(), 2, float("nan"), start=0),
        make_point(counter(), 3, start=0, flags=1),
        make_point(counter(), 4, 8, start=0),
    ]
    assert changes(path, points) == [(5, "first"), (None, None), (None, None), (3, None)]
    assert read(path, "SELECT value, value_type, flags FROM metric_points") == [
        (5, "integer", 0),
        (None, "nan", 0),
        (None, None, 1),
        (8, "integer", 0),
    ]


def test_a_sum_that_falls_is_no_reset_if_it_may_fall(path: Path) -> None:
    falling = counter(is_monotonic=False)
    points = [make_point(falling, time, value, start=0) for time, value in ((1, 5), (2, 3), (3, 4))]
    assert changes(path, points) == [(5, "first"), (-2, None), (1, None)]


def test_deltas_tell_gaps_and_overlaps(path: Path) -> None:
    of_delta = counter(temporality=DELTA)
    points = [
        make_point(of_delta, time, 2, start=start)
        for time, start in ((1, 0), (2, 1), (4, 3), (5, 3.5), (6, None), (7, 6))
    ]
    assert changes(path, points) == [(2, "first"), (2, None), (2, "gap"), (2, "overlap"), (2, None), (2, None)]


def test_a_gauge_has_no_deltas(path: Path) -> None:
    points = [make_point(gauge(), time, 20.5) for time in (1, 2)]
    assert changes(path, points) == [(None, "first"), (None, None)]


def test_a_histogram_has_deltas_of_its_count_and_sum(path: Path) -> None:
    told = ((1, 0, 4, 2.0), (2, 0, 6, 2.5), (3, 0, 1, 0.25), (4, 3.5, 2, 1.0))
    points = [
        make_point(
            histogram(), time, start=start, distribution=DistributionFields(count, total, bounds=[1], counts=[count, 0])
        )
        for time, start, count, total in told
    ]
    write_points(path, points)
    assert read(path, _QUERY) == [
        (None, 4, 2.0, "first"),
        (None, 2, 0.5, None),
        (None, 1, 0.25, "reset"),
        (None, 2, 1.0, "reset"),
    ]


def test_a_late_point_changes_what_the_next_one_says(path: Path) -> None:
    assert changes(path, [make_point(counter(), 1, 5, start=0), make_point(counter(), 3, 9, start=0)]) == [
        (5, "first"),
        (4, None),
    ]
    assert changes(path, [make_point(counter(), 2, 6, start=0)]) == [(5, "first"), (1, None), (3, None)]
    assert read(path, "SELECT late_points FROM metrics") == [(1,)]
    write_points(path, [make_point(counter(), 2, 6, start=0)])
    assert read(path, "SELECT late_points FROM metrics") == [(1,)]
