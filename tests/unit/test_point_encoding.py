# SPDX-License-Identifier: Apache-2.0
"""Data points as rows: the short ways give what the long ones give, and what is remembered is what comes again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.encode.metric_encoding import series_encoder
from otel_sqlite_exporter.encode.metric_encoding.point_encoder import PointEncoder
from otel_sqlite_exporter.encode.metric_encoding.point_numbers import (
    dump_numbers,
    dump_plain,
    dump_plain_counts,
    encode_count,
    encode_counts,
    encode_number,
    encode_numbers,
)
from otel_sqlite_exporter.model.attribute_sources import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    EXPONENTIAL_HISTOGRAM,
    SUMMARY,
    BucketFields,
    DistributionFields,
    InstrumentFields,
    PointFields,
)
from tests.drawn_points import ARRIVAL_NS, counts, numbers, point_lists
from tests.metric_files import at, counter, gauge, histogram, make_point


def encode(point: PointFields) -> Any:
    return PointEncoder(DEFAULT_SESSION_ATTRIBUTES).encode_point(point, ARRIVAL_NS)


@given(st.lists(st.one_of(numbers, st.integers(-(2**65), 2**65), st.floats()), max_size=5))
def test_plain_numbers_are_dumped_as_all_are(values: list[Any]) -> None:
    encoded, _ = encode_numbers(values)
    assert dump_plain(values) in (None, dump_numbers(encoded))
    if all(type(value) is float and abs(value) < 2**63 for value in values):
        assert dump_plain(values) is not None


@given(st.one_of(st.lists(counts, max_size=5), st.lists(st.integers(0, 9)), st.tuples(counts, counts)))
def test_counts_are_encoded_as_each_is(values: Sequence[Any]) -> None:
    each = [encode_count(value) for value in values]
    expected = [count or 0 for count, _ in each], sum(bad for _, bad in each)
    assert encode_counts(values) == expected
    assert dump_plain_counts(values) in (None, dump_numbers(expected[0]))


@pytest.mark.parametrize(
    "values", [[True], [1, None], ["1"], [[1]], {}, {1: 2}, 5, [math.nan], [2**63], [-1], [1.5], [[]], [2**70]]
)
def test_what_needs_another_form_is_no_plain_count(values: Any) -> None:
    assert dump_plain_counts(values) is None


@pytest.mark.parametrize(
    ("value", "encoded", "bad"),
    [
        (2**63 - 1, 2**63 - 1, 0),
        (-(2**63), -(2**63), 0),
        (2**63, "9223372036854775808", 0),
        (math.inf, "Infinity", 0),
        (math.nan, "NaN", 0),
        (Decimal("1.5"), 1.5, 0),
        (Fraction(1, 4), 0.25, 0),
        (True, 1.0, 1),
        ("12", 12.0, 1),
        ("twelve", None, 1),
        (object(), None, 1),
        (None, None, 0),
    ],
)
def test_a_number_is_kept_as_it_is_or_repaired(value: Any, encoded: Any, bad: int) -> None:
    found, count = encode_number(value)
    assert (found, type(found), count) == (encoded, type(encoded), bad)


@given(point_lists())
def test_what_is_remembered_of_a_series_changes_no_row(points: list[PointFields]) -> None:
    kept = PointEncoder(DEFAULT_SESSION_ATTRIBUTES, keeps_attributes=True)
    for point in (*points, *points):
        assert kept.encode_point(point, ARRIVAL_NS)[:4] == encode(point)[:4]


@given(point_lists())
def test_a_series_is_known_by_its_digest(points: list[PointFields]) -> None:
    by_digest: dict[str, Any] = {}
    for point in points:
        series = encode(point).series
        assert by_digest.setdefault(series.row.digest, series) == series
    names = {repr((one.row[1:], one.instrument, one.resource, one.scope)) for one in by_digest.values()}
    assert len(names) == len(by_digest)


def test_attributes_that_change_in_place_are_another_series() -> None:
    encoder = PointEncoder(DEFAULT_SESSION_ATTRIBUTES, keeps_attributes=True)
    attributes = {"n": 1}
    point = make_point(counter(), 1, 1)._replace(attributes=attributes)
    texts = [encoder.encode_point(point, ARRIVAL_NS).series.row.attributes]
    attributes["n"] = 2
    texts.append(encoder.encode_point(point, ARRIVAL_NS).series.row.attributes)
    assert texts == ['{"n":1}', '{"n":2}']


def test_an_instrument_that_comes_as_another_object_is_the_same() -> None:
    encoder = PointEncoder(DEFAULT_SESSION_ATTRIBUTES, keeps_attributes=True)
    point = make_point(counter(), 1, 1)
    one = encoder.encode_point(point, ARRIVAL_NS).series
    other = encoder.encode_point(make_point(gauge(), 1, 1), ARRIVAL_NS).series
    again = encoder.encode_point(point._replace(instrument=counter()), ARRIVAL_NS).series
    changed = encoder.encode_point(point._replace(instrument=counter(metadata={"a": 1})), ARRIVAL_NS).series
    assert again is one
    assert len({one.row.digest, other.row.digest, changed.row.digest}) == 3


@pytest.mark.parametrize("keeps_attributes", [True, False])
def test_series_are_forgotten_where_they_are_too_many(monkeypatch: pytest.MonkeyPatch, keeps_attributes: bool) -> None:
    monkeypatch.setattr(series_encoder, "_MOST_SERIES", 10)
    encoder = PointEncoder(DEFAULT_SESSION_ATTRIBUTES, keeps_attributes=keeps_attributes)
    points = [make_point(counter(), 1, 1, attributes={"n": n}) for n in range(25)]
    for point in (*points, *points):
        series = encoder.encode_point(point, ARRIVAL_NS).series
        assert series.row.attributes == f'{{"n":{point.attributes["n"]}}}'


def test_each_kind_has_its_columns() -> None:
    rows = [
        make_point(histogram(), 1, distribution=DistributionFields(3, 1.5, 0.25, 1, (0.5, 1), (1, 2, 0))),
        make_point(
            InstrumentFields("sizes", kind=EXPONENTIAL_HISTOGRAM),
            1,
            distribution=DistributionFields(
                3, 4, scale=-1, zero_count=1, zero_threshold=0.5, positive=BucketFields(-2, (1, 0, 1))
            ),
        ),
        make_point(
            InstrumentFields("waits", kind=SUMMARY),
            1,
            distribution=DistributionFields(3, 4.5, quantiles=((0.5, 1.0), (0.99, math.nan))),
        ),
    ]
    found = [(point.row.value_count, point.row.sum, point.row.buckets, point.bounds) for point in map(encode, rows)]
    assert found == [
        (3, 1.5, "[1,2,0]", "[0.5,1.0]"),
        (3, 4, "[-1,1,0.5,-2,[1,0,1],null,null]", None),
        (3, 4.5, '[[0.5,1.0],[0.99,"NaN"]]', None),
    ]


def test_times_and_flags_that_are_none_are_repaired() -> None:
    bad = PointFields(counter(), {}, -5, "now", 2**40, 1, None, (), *make_point(counter(), 1)[-2:])
    point = encode(bad)
    assert point.row[:4] == (ARRIVAL_NS, 0, "arrival", 0)
    assert point.repaired == 3
    unset = encode(bad._replace(start_time=None, time=0, flags=None))
    assert (unset.row[:4], unset.repaired) == ((ARRIVAL_NS, 0, "arrival", 0), 0)
    assert encode(bad._replace(time=at(1))).row[:3] == (at(1), 0, None)
