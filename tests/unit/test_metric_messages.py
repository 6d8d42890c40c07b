# SPDX-License-Identifier: Apache-2.0
"""Metrics of OTLP are read as data points, in whatever form of OTLP they come."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from otel_sqlite_exporter.model.metric_records.metric_signals import (
    BucketFields,
    DistributionFields,
    ExemplarFields,
    PointFields,
)
from otel_sqlite_exporter.otlp.alterations import Alterations
from otel_sqlite_exporter.otlp.message_kinds import name_in_proto
from otel_sqlite_exporter.otlp.message_levels import UnreadableRecord
from otel_sqlite_exporter.otlp.otlp_decoder import decode_message
from otel_sqlite_exporter.otlp.protobuf import parse_protobuf
from tests import metric_strategies as strategies
from tests.otlp_messages import as_protobuf, show, show_records

_many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
IDS = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331"}


def hold(*metrics: Any) -> dict[str, Any]:
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": [*metrics]}]}]}


def read(message: Any) -> tuple[list[PointFields], list[UnreadableRecord], dict[str, int], set[str]]:
    """The points of a message, what cannot be read of it, what is altered, and the unknown keys."""
    alterations = Alterations()
    records = list(decode_message(message, alterations))
    points = [record for record in records if isinstance(record, PointFields)]
    unreadable = [record for record in records if isinstance(record, UnreadableRecord)]
    return points, unreadable, dict(alterations.take()), alterations.take_unknown()


def read_point(kind: str, point: Any, **data: Any) -> PointFields:
    """The one point of a metric, of which nothing is altered."""
    (found,), *others = read(hold({"name": "m", kind: {"dataPoints": [point], **data}}))
    assert others == [[], {}, set()]
    return found


def _rename(value: Any) -> Any:
    if isinstance(value, dict):
        return {name_in_proto(key): _rename(item) for key, item in value.items()}
    return [*map(_rename, value)] if isinstance(value, list) else value


@_many
@given(strategies.messages)
def test_all_forms_of_a_message_give_the_same_points(message: dict[str, Any]) -> None:
    """As JSON, as JSON with the names of the protobuf files, and as protobuf, whether its signal is known or not."""
    expected = show_records(message)
    assert show_records(_rename(message)) == expected
    content = as_protobuf(message)
    assert show_records(parse_protobuf(content, "metrics")) == expected
    assert show_records(parse_protobuf(content)) == expected


@_many
@given(strategies.messages)
def test_a_message_is_the_sum_of_its_points(message: dict[str, Any]) -> None:
    parts = strategies.split_message(message)
    assert [show(strategies.read_points(part)) for part in parts] == [
        show([point]) for point in strategies.read_points(message)
    ]


@pytest.mark.parametrize("given_as", [0, 1, 2, "1", 1.0, "AGGREGATION_TEMPORALITY_DELTA"])
def test_a_temporality_is_a_number_or_a_name(given_as: Any) -> None:
    names = {0: None, 2: "cumulative"}
    point = read_point("sum", {"asInt": "1"}, aggregationTemporality=given_as, isMonotonic=True)
    assert point.instrument.temporality == (names.get(given_as, "delta") if type(given_as) is int else "delta")
    assert point.instrument.is_monotonic is True
    assert read_point("gauge", {}).instrument.is_monotonic is None
    assert read_point("sum", {}).instrument.is_monotonic is False


@pytest.mark.parametrize(
    ("point", "value"),
    [
        ({"asInt": "5"}, 5),
        ({"asInt": -5}, -5),
        ({"asInt": str(2**70)}, 2**70),
        ({"asDouble": 5}, 5.0),
        ({"asDouble": "5.5"}, 5.5),
        ({"asDouble": "-Infinity"}, -math.inf),
        ({"as_int": "5", "asDouble": None}, 5),
        ({}, None),
        ({"flags": 1}, None),
    ],
)
def test_a_value_is_an_integer_or_a_floating_point_number(point: dict[str, Any], value: Any) -> None:
    found = read_point("gauge", point).value
    assert (type(found), found) == (type(value), value)


def test_distributions_have_what_their_kind_has() -> None:
    sums = {"count": "3", "sum": 6, "min": 1.5, "max": 2.5}
    histogram = read_point("histogram", {**sums, "explicitBounds": [1, 2], "bucketCounts": ["1", 1, "1"]})
    shared: dict[str, Any] = {"count": 3, "sum": 6.0, "min": 1.5, "max": 2.5}
    assert histogram.distribution == DistributionFields(**shared, bounds=[1.0, 2.0], counts=[1, 1, 1])
    exponential = {
        "scale": -2,
        "zeroCount": "1",
        "positive": {"offset": -3, "bucketCounts": ["1", "2"]},
        "negative": {},
    }
    assert read_point("exponentialHistogram", {**sums, **exponential}).distribution == DistributionFields(
        **shared, scale=-2, zero_count=1, positive=BucketFields(-3, [1, 2]), negative=BucketFields(0, [])
    )
    summary = {"count": "3", "sum": 6, "quantileValues": [{"quantile": 0.5, "value": 2}, {"value": 1}]}
    assert read_point("summary", summary).distribution == DistributionFields(3, 6.0, quantiles=[(0.5, 2.0), (0.0, 1.0)])
    assert read_point("histogram", {}).distribution == DistributionFields(0, bounds=[], counts=[])


def test_an_exemplar_has_its_span_or_none() -> None:
    attributes = [{"key": "k", "value": {"intValue": "1"}}]
    exemplars = [
        {"asDouble": 0.5, "timeUnixNano": "7", "filteredAttributes": attributes, **IDS},
        {"asInt": "1", "traceId": "CvdlGRbNQ92ESOshHIAxnA==", "spanId": "t61rcWkgMzE="},
        {"asInt": "1", "traceId": ""},
    ]
    trace_id, span_id = int(IDS["traceId"], 16), int(IDS["spanId"], 16)
    assert read_point("sum", {"exemplars": exemplars}).exemplars == [
        ExemplarFields(0.5, 7, trace_id, span_id, {"k": 1}),
        ExemplarFields(1, None, trace_id, span_id, {}),
        ExemplarFields(1, None, 0, 0, {}),
    ]


def test_metrics_of_older_versions_are_read() -> None:
    """As opentelemetry-proto 0.5 to 0.8 has them."""
    labels = [{"key": "route", "value": "/"}]
    message = hold(
        {"name": "a", "intGauge": {"dataPoints": [{"value": "5", "labels": labels}]}},
        {"name": "b", "doubleSum": {"dataPoints": [{"value": 5, "labels": labels}], "isMonotonic": True}},
        {"name": "c", "intHistogram": {"dataPoints": [{"count": "1", "sum": "7", "labels": labels}]}},
        {"name": "d", "doubleSummary": {"dataPoints": [{"count": "1", "sum": 7}]}},
        {
            "name": "e",
            "intSum": {"dataPoints": [{"value": 5, "exemplars": [{"value": "3", "filteredLabels": labels}]}]},
        },
    )
    ((group,),) = message.values()
    old = {"resourceMetrics": [{"instrumentationLibraryMetrics": group["scopeMetrics"]}]}
    points, *others = read(old)
    assert others == [[], {}, set()]
    sums = [point.distribution and point.distribution.sum for point in points]
    assert [point.instrument.kind for point in points] == ["gauge", "sum", "histogram", "summary", "sum"]
    values = [5, 5.0, None, None, 5]
    assert [(point.value, type(point.value)) for point in points] == [(value, type(value)) for value in values]
    assert [(value, type(value)) for value in sums] == [(value, type(value)) for value in (None, None, 7, 7.0, None)]
    assert [point.attributes for point in points] == [{"route": "/"}] * 3 + [{}] * 2
    assert points[4].exemplars == [ExemplarFields(3, None, 0, 0, {"route": "/"})]


_LEFT_OUT = "it is left out"


@pytest.mark.parametrize(
    ("kind", "point", "notes"),
    [
        ("gauge", {"asInt": "x"}, {"asInt of a data point is no whole number: it is left out": 1}),
        ("gauge", {"asDouble": []}, {"asDouble of a data point is no number: it is left out": 1}),
        ("gauge", {"asDouble": 10**400}, {"asDouble of a data point is no number: it is left out": 1}),
        ("gauge", {"asInt": 1, "asDouble": 1}, {"value of a data point is given twice: the first counts": 1}),
        ("gauge", {"attributes": 5}, {"attributes of a data point are no list: they are left out": 1}),
        ("gauge", {"exemplars": [5]}, {"a data point's exemplar is no object: it is left out": 1}),
        (
            "histogram",
            {"explicitBounds": [1, "x"], "bucketCounts": ["1", "2", "3"]},
            {"explicitBounds of a point of a histogram is no list of such numbers: it is left out": 1},
        ),
        (
            "histogram",
            {"bucketCounts": [-1]},
            {"bucketCounts of a point of a histogram is no list of such numbers: it is left out": 1},
        ),
        (
            "exponentialHistogram",
            {"positive": {"bucketCounts": 5}},
            {"bucketCounts of a part of a histogram is no list of such numbers: it is left out": 1},
        ),
        (
            "histogram",
            {"count": -1},
            {f"count of a point of a histogram is no whole number from 0 to {2**64 - 1}: it is left out": 1},
        ),
    ],
)
def test_what_cannot_be_read_costs_itself_and_is_noted(kind: str, point: Any, notes: dict[str, int]) -> None:
    (found,), unreadable, altered, unknown = read(hold({"name": "m", kind: {"dataPoints": [point]}}))
    assert (unreadable, altered, unknown) == ([], notes, set())
    if found.distribution is not None:
        empty: list[Any] = [None, []]
        assert all(getattr(found.distribution, part) in empty for part in ("bounds", "counts", "positive"))


def test_parts_that_are_none_are_told_apart() -> None:
    message = hold(
        None,
        {"name": "nothing"},
        {"name": "no points", "gauge": {}},
        {"name": "new", "spline": {"dataPoints": [{}]}},
        {"name": "m", "gauge": 5},
        {"name": "m", "gauge": {"dataPoints": 5}},
        {"name": "m", "gauge": {"dataPoints": [5, {"asInt": 1}]}},
        {"name": "two", "sum": {"dataPoints": [{"asInt": 2}]}, "gauge": {"dataPoints": [{"asInt": 3}]}},
    )
    points, unreadable, altered, unknown = read(message)
    assert [(point.instrument.name, point.value) for point in points] == [("m", 1), ("two", 3)]
    assert [(record.kind, record.reason.removeprefix("it cannot be read: ")) for record in unreadable] == [
        ("holder", "a metric is an object"),
        ("holder", "its data are of a kind that OTLP does not know"),
        ("holder", "a gauge is an object"),
        ("holder", "dataPoints is a list"),
        ("record", "a data point is an object"),
    ]
    assert altered == {"data of a metric are of several kinds: the first counts": 1}
    assert unknown == {"spline of a metric"}


def test_points_of_one_metric_share_what_they_have_in_common() -> None:
    """So that what is encoded once for all of them is found by their identity."""
    points, *_ = read(json.loads(json.dumps(hold({"name": "m", "gauge": {"dataPoints": [{}, {}]}}))))
    assert points[0].instrument is points[1].instrument
    assert points[0].resource is points[1].resource
