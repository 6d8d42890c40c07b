# SPDX-License-Identifier: Apache-2.0
"""Data points of metrics as encoding reads them, wherever they come from: the SDK, OTLP, another file, or this one.

Fields are unchecked: a redacted or imported one may hold any value. Source: opentelemetry-proto, `metrics.proto`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields

GAUGE, SUM, HISTOGRAM = "gauge", "sum", "histogram"
EXPONENTIAL_HISTOGRAM, SUMMARY = "exponential_histogram", "summary"
KINDS = (GAUGE, SUM, HISTOGRAM, EXPONENTIAL_HISTOGRAM, SUMMARY)
DELTA, CUMULATIVE = "delta", "cumulative"
TEMPORALITIES = (DELTA, CUMULATIVE)
NO_RECORDED_VALUE = 1
"""The flag of a data point that says that there is no value, as when what it measures is gone."""


class InstrumentFields(NamedTuple):
    """What the points of a metric have in common. Points of one metric share the object.

    Attributes:
        name: Such as `http.server.request.duration`.
        description: Empty if there is none.
        unit: Such as `s`, `By` or `{request}`; empty if there is none.
        kind: One of `KINDS`.
        temporality: One of `TEMPORALITIES`; None for gauges and summaries, and where it is not given.
        is_monotonic: Whether a sum only grows; None for other kinds.
        metadata: Of the metric as OTLP has it.
    """

    name: Any
    description: Any = ""
    unit: Any = ""
    kind: str = GAUGE
    temporality: str | None = None
    is_monotonic: bool | None = None
    metadata: Mapping[Any, Any] | None = None


class BucketFields(NamedTuple):
    """The buckets of one sign of an exponential histogram: the index of the first, and how many values are in each."""

    offset: Any
    counts: Sequence[Any]


class DistributionFields(NamedTuple):
    """The values that a point of a histogram or a summary counts. None stands for what the kind does not have.

    Attributes:
        count: How many values.
        sum: Of the values.
        min: The smallest.
        max: The largest.
        bounds: Of a histogram: the upper bounds of its buckets but the last.
        counts: Of a histogram: how many values are in each bucket, one more than there are bounds; empty: it has no
            buckets.
        scale: Of an exponential histogram: bucket `i` ends at `2 ** ((i + 1) * 2 ** -scale)`.
        zero_count: How many values are in the bucket of zero.
        zero_threshold: How far from zero that bucket reaches.
        positive: The buckets of positive values.
        negative: The buckets of negative values.
        quantiles: Of a summary: pairs of a quantile from 0 to 1 and its value.
    """

    count: Any
    sum: Any = None
    min: Any = None
    max: Any = None
    bounds: Sequence[Any] | None = None
    counts: Sequence[Any] | None = None
    scale: Any = None
    zero_count: Any = None
    zero_threshold: Any = None
    positive: BucketFields | None = None
    negative: BucketFields | None = None
    quantiles: Sequence[Sequence[Any]] | None = None


class ExemplarFields(NamedTuple):
    """A measured value, and the span that measured it. Ids are numbers; 0 or None: there is none."""

    value: Any
    time: Any
    trace_id: Any
    span_id: Any
    attributes: Mapping[Any, Any] | None


class PointFields(NamedTuple):
    """A data point.

    Attributes:
        instrument: What it is a point of.
        attributes: Those of its series.
        start_time: When counting began, in nanoseconds since the epoch; 0 or None: unknown.
        time: When it was read, likewise.
        flags: See `NO_RECORDED_VALUE`.
        value: Of a gauge or a sum: an integer or a floating-point number.
        distribution: Of the other kinds.
        exemplars: Some of the values in it.
        resource: Whose it is.
        scope: The instrumentation scope.
    """

    instrument: InstrumentFields
    attributes: Mapping[Any, Any]
    start_time: Any
    time: Any
    flags: Any
    value: Any
    distribution: DistributionFields | None
    exemplars: Sequence[ExemplarFields]
    resource: ResourceFields | Any
    scope: ScopeFields | Any
