# SPDX-License-Identifier: Apache-2.0
"""The messages of OTLP that metrics are made of, and all keys under which JSON may have their fields.

Source: opentelemetry-proto, `metrics.proto`, also of older versions: before 0.9 a metric had `intGauge`, `doubleGauge`
and so on, whose points had one `value`, and their attributes were `labels`, whose values are texts.
"""

from __future__ import annotations

from typing import NamedTuple

from otel_sqlite_exporter.model.metric_records.metric_signals import (
    EXPONENTIAL_HISTOGRAM,
    GAUGE,
    HISTOGRAM,
    SUM,
    SUMMARY,
)
from otel_sqlite_exporter.otlp.message_kinds import MessageKind, describe

_TIMES = ("startTimeUnixNano", "timeUnixNano")
_POINT = ("attributes", *_TIMES, "flags", "labels")
_SUMS = ("count", "sum", "min", "max")
_KEPT_SUMS = ("originalSum", "originalMin", "originalMax")
_VALUES = ("asInt", "asDouble", "value", "originalAsDouble")

METRIC = describe(
    "metric",
    *("name", "description", "unit", "metadata", "gauge", "sum", "histogram", "exponentialHistogram", "summary"),
    *("intGauge", "intSum", "intHistogram"),
    doubleGauge="gauge",
    doubleSum="sum",
    doubleHistogram="histogram",
    doubleSummary="summary",
)
_GAUGE = describe("gauge", "dataPoints")
_SUM = describe("sum", "dataPoints", "aggregationTemporality", "isMonotonic")
_HISTOGRAM = describe("histogram", "dataPoints", "aggregationTemporality")
_EXPONENTIAL = describe("histogram (exponential)", "dataPoints", "aggregationTemporality")
_SUMMARY = describe("summary", "dataPoints")
NUMBER_POINT = describe("data point", *_POINT, *_VALUES, "exemplars")
HISTOGRAM_POINT = describe(
    "point of a histogram", *_POINT, *_SUMS, *_KEPT_SUMS, "explicitBounds", "bucketCounts", "exemplars"
)
EXPONENTIAL_POINT = describe(
    "point of an exponential histogram",
    *(*_POINT, *_SUMS, *_KEPT_SUMS, "scale", "zeroCount", "zeroThreshold", "positive", "negative", "exemplars"),
)
SUMMARY_POINT = describe("point of a summary", *_POINT, *_SUMS[:2], *_KEPT_SUMS[:1], "quantileValues")
BUCKETS = describe("part of a histogram", "offset", "bucketCounts")
QUANTILE = describe("quantile", "quantile", "value")
EXEMPLAR = describe(
    "data point's exemplar", "filteredAttributes", "filteredLabels", "timeUnixNano", *_VALUES, "traceId", "spanId"
)
LABEL = describe("label", "key", "value")


class DataForm(NamedTuple):
    """A field of a metric that holds its points: their kind, the messages, and whether the numbers of older versions in
    it are integers."""

    kind: str
    data: MessageKind
    point: MessageKind
    has_integers: bool = False


FORMS = {
    "gauge": DataForm(GAUGE, _GAUGE, NUMBER_POINT),
    "sum": DataForm(SUM, _SUM, NUMBER_POINT),
    "histogram": DataForm(HISTOGRAM, _HISTOGRAM, HISTOGRAM_POINT),
    "exponentialHistogram": DataForm(EXPONENTIAL_HISTOGRAM, _EXPONENTIAL, EXPONENTIAL_POINT),
    "summary": DataForm(SUMMARY, _SUMMARY, SUMMARY_POINT),
    "intGauge": DataForm(GAUGE, _GAUGE, NUMBER_POINT, has_integers=True),
    "intSum": DataForm(SUM, _SUM, NUMBER_POINT, has_integers=True),
    "intHistogram": DataForm(HISTOGRAM, _HISTOGRAM, HISTOGRAM_POINT, has_integers=True),
}
"""By the field of the metric."""
