# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies for data points that meet: of few series, times and starts, so that versions of one point,
resets and late points are common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from otel_sqlite_exporter.model.metric_records.metric_signals import (
    CUMULATIVE,
    DELTA,
    EXPONENTIAL_HISTOGRAM,
    GAUGE,
    HISTOGRAM,
    SUM,
    SUMMARY,
    BucketFields,
    DistributionFields,
    ExemplarFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from tests.metric_files import at

ARRIVAL_NS = at(99_999)
INSTRUMENTS = (
    InstrumentFields("requests", "Requests", "{request}", SUM, CUMULATIVE, True),
    InstrumentFields("requests", "Requests", "{request}", SUM, DELTA, True),
    InstrumentFields("requests", "Requests of all", "{request}", SUM, CUMULATIVE, True),
    InstrumentFields("open", unit="{cart}", kind=SUM, temporality=CUMULATIVE, is_monotonic=False),
    InstrumentFields("open", unit="{cart}", kind=SUM),
    InstrumentFields("heap", unit="By", kind=GAUGE),
    InstrumentFields("duration", unit="s", kind=HISTOGRAM, temporality=CUMULATIVE),
    InstrumentFields("duration", unit="s", kind=HISTOGRAM, temporality=DELTA),
    InstrumentFields("sizes", unit="By", kind=EXPONENTIAL_HISTOGRAM, temporality=CUMULATIVE),
    InstrumentFields("sizes", unit="By", kind=EXPONENTIAL_HISTOGRAM, temporality=DELTA),
    InstrumentFields("waits", unit="s", kind=SUMMARY),
)
_RESOURCES = (
    ResourceFields({"service.name": "shop"}, "https://a/schema"),
    ResourceFields({"service.name": "till", "session.id": "of the resource"}),
)
_SCOPES = (ScopeFields("meters", "1"), ScopeFields("meters", "2", attributes={"team": "cart"}), None)
_ATTRIBUTES: tuple[dict[str, Any], ...] = (
    *({}, {"n": 1}, {"n": 1.0}, {"n": True}, {"n": math.nan}, {"n": b"1"}, {"b": 1, "a": [1, None]}),
    *({"a": [1, None], "b": 1}, {"session.id": "s1", "user.id": "ada"}, {"session.id": "s2"}),
)

numbers = st.one_of(
    st.integers(-2, 9),
    st.integers(-2, 9).map(float),
    st.sampled_from([math.nan, math.inf, -math.inf, 2**63 - 1, -(2**63), 2**63, 10**30, 1e300, None, "12", b"x"]),
)
counts = st.one_of(st.integers(0, 5), st.sampled_from([0, 1, 2**63, 2**64 - 1, 3.0, -1, None]))
_bounds = st.sampled_from([(), (0.5, 1.0), (1, 2), (1.0, 2.0), [0.5, math.inf], None])
_buckets = st.builds(BucketFields, st.integers(-2, 2), st.lists(counts, max_size=3))
distributions = st.builds(
    DistributionFields,
    counts,
    sum=numbers,
    min=numbers,
    max=numbers,
    bounds=_bounds,
    counts=st.lists(counts, max_size=3),
    scale=st.integers(-1, 2),
    zero_count=counts,
    zero_threshold=st.sampled_from([None, 0.0, 1e-6]),
    positive=st.one_of(st.none(), _buckets),
    negative=st.one_of(st.none(), _buckets),
    quantiles=st.lists(st.tuples(st.sampled_from([0.5, 0.99]), numbers), max_size=2),
)
exemplars = st.builds(
    ExemplarFields,
    numbers,
    st.sampled_from([0, at(1), at(2)]),
    st.sampled_from([0, 1, 2]),
    st.sampled_from([0, 7, 8]),
    st.sampled_from([None, {}, {"raw": b"\x01"}]),
)


@st.composite
def point_lists(
    draw: st.DrawFn, instruments: Sequence[InstrumentFields] = INSTRUMENTS, most_series: int = 3
) -> list[PointFields]:
    """Data points of a few series."""
    series = st.tuples(
        st.sampled_from(instruments),
        st.sampled_from(_ATTRIBUTES),
        st.sampled_from(_RESOURCES),
        st.sampled_from(_SCOPES),
    )
    drawn = draw(st.lists(series, min_size=1, max_size=most_series))
    return draw(st.lists(st.sampled_from(drawn).flatmap(_points_of), min_size=1, max_size=25))


def _points_of(series: tuple[InstrumentFields, dict[str, Any], ResourceFields, Any]) -> st.SearchStrategy[PointFields]:
    instrument, attributes, resource, scope = series
    is_number = instrument.kind in (SUM, GAUGE)
    return st.builds(
        PointFields,
        st.just(instrument),
        st.just(attributes),
        st.sampled_from([None, at(-1), at(0), at(2)]),
        st.sampled_from([at(0), at(1), at(1), at(2), at(3), at(3.5), 0]),
        st.sampled_from([0, 0, 0, 1]),
        numbers if is_number else st.none(),
        st.none() if is_number else distributions,
        st.lists(exemplars, max_size=2),
        st.just(resource),
        st.just(scope),
    )
