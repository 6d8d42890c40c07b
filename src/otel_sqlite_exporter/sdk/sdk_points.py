# SPDX-License-Identifier: Apache-2.0
"""Reads the data points of what a metric reader of the SDK has collected."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from opentelemetry.sdk.metrics.export import AggregationTemporality, ExponentialHistogram, Gauge, Histogram, Sum

from otel_sqlite_exporter.errors import UnknownMetricError
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    CUMULATIVE,
    DELTA,
    EXPONENTIAL_HISTOGRAM,
    GAUGE,
    HISTOGRAM,
    SUM,
    BucketFields,
    DistributionFields,
    ExemplarFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.rows import make_row

_Read = Callable[[Any], tuple[Any, DistributionFields | None]]
_KINDS = {Sum: SUM, Gauge: GAUGE, Histogram: HISTOGRAM, ExponentialHistogram: EXPONENTIAL_HISTOGRAM}
_TEMPORALITIES: dict[Any, str] = {AggregationTemporality.DELTA: DELTA, AggregationTemporality.CUMULATIVE: CUMULATIVE}

_PLAIN = frozenset((str, bool, type(None)))
_instruments: dict[InstrumentFields, InstrumentFields] = {}


class SDKPoint(NamedTuple):
    """A data point of the SDK, and what it is a point of. Where `error` is set, it stands for all that could not be
    read: `point` is None then, and other fields may be."""

    point: Any
    instrument: InstrumentFields | None
    resource: Any
    scope: Any
    error: Exception | None = None

    @property
    def attributes(self) -> Any:
        """The attributes of the point."""
        return getattr(self.point, "attributes", None)


def list_points(metrics_data: Any) -> list[SDKPoint]:
    """Return the points of a MetricsData, in its order. What cannot be read is one item, with the error. Never raises
    an Exception."""
    found: list[SDKPoint] = []
    if metrics_data is None:
        return found
    for _ in range(2):  # an exception may come from a signal handler, which raises it once
        found.clear()
        try:
            _add_all(found, metrics_data)
        except Exception as error:
            found.append(SDKPoint(None, None, None, None, error))
        if all(item.error is None for item in found):
            break
    return found


def _add_all(found: list[SDKPoint], metrics_data: Any) -> None:
    for of_resource in _try_each(found, SDKPoint(None, None, None, None), metrics_data, "resource_metrics"):
        here = SDKPoint(None, None, getattr(of_resource, "resource", None), None)
        for of_scope in _try_each(found, here, of_resource, "scope_metrics"):
            inside = here._replace(scope=getattr(of_scope, "scope", None))
            for metric in _try_each(found, inside, of_scope, "metrics"):
                _add_points(found, inside, metric)


def read_point(item: SDKPoint) -> PointFields:
    """Return the fields of a point.

    Raises:
        Exception: It cannot be read: what went wrong.
    """
    point, instrument, resource, scope, error = item
    if error is not None:
        raise error
    assert instrument is not None
    value, distribution = _READERS[instrument.kind](point)
    exemplars = getattr(point, "exemplars", None)  # since 1.28
    read = [_read_exemplar(exemplar) for exemplar in exemplars] if exemplars else ()
    flags = 0 if distribution is None else getattr(point, "flags", 0)
    times = point.start_time_unix_nano, point.time_unix_nano
    values = (instrument, point.attributes, *times, flags, value, distribution, read, resource, scope)
    return make_row(PointFields, values)


def describe_point(item: SDKPoint) -> PointFields:
    """Return the fields of a point, as far as they can be read."""
    try:
        return read_point(item)
    except Exception:
        point, instrument, resource, scope, _ = item
    known = InstrumentFields("") if instrument is None else instrument
    start, time = (getattr(point, name, None) for name in ("start_time_unix_nano", "time_unix_nano"))
    value = getattr(point, "value", None)
    return PointFields(known, item.attributes or {}, start, time, 0, value, None, (), resource, scope)


def _try_each(found: list[SDKPoint], place: SDKPoint, holder: Any, name: str) -> Iterator[Any]:
    """Yield what `holder` has in its field `name`; what cannot be read is added to `found`."""
    try:
        yield from list(getattr(holder, name))
    except Exception as error:  # what a processor or a reader of others gave
        found.append(place._replace(error=error))


def _add_points(found: list[SDKPoint], place: SDKPoint, metric: Any) -> None:
    try:
        data = metric.data
        kind = next((kind for known, kind in _KINDS.items() if isinstance(data, known)), None)
        temporality = _TEMPORALITIES.get(getattr(data, "aggregation_temporality", None))
        is_monotonic = data.is_monotonic if kind == SUM else None
        texts = metric.name, metric.description, metric.unit
        instrument = InstrumentFields(*texts, kind or type(data).__name__, temporality, is_monotonic)
        place = place._replace(instrument=_find_known(instrument))
        if kind is None:
            raise UnknownMetricError(f"this version does not know metrics of the kind {type(data).__name__}")
        found += [make_row(SDKPoint, (point, *place[1:])) for point in data.data_points]
    except Exception as error:
        found.append(place._replace(error=error))


def _find_known(instrument: InstrumentFields) -> InstrumentFields:
    """Return the one object for this instrument in all exports: who encodes and redacts knows it by identity."""
    if not all(type(field) in _PLAIN for field in instrument):
        return instrument
    known = _instruments.get(instrument)
    if known is None:
        remember(_instruments, instrument, instrument)
    return known or instrument


def _read_number(point: Any) -> tuple[Any, None]:
    return point.value, None


def _read_histogram(point: Any) -> tuple[None, DistributionFields]:
    buckets = point.explicit_bounds, point.bucket_counts
    values = (point.count, point.sum, *_read_limits(point), *buckets, None, None, None, None, None, None)
    return None, make_row(DistributionFields, values)


def _read_exponential(point: Any) -> tuple[None, DistributionFields]:
    low, high = _read_limits(point)
    return None, DistributionFields(
        point.count,
        point.sum,
        low,
        high,
        scale=point.scale,
        zero_count=point.zero_count,
        zero_threshold=getattr(point, "zero_threshold", None),
        positive=_read_buckets(point.positive),
        negative=_read_buckets(point.negative),
    )


_READERS: dict[str, _Read] = {
    SUM: _read_number,
    GAUGE: _read_number,
    HISTOGRAM: _read_histogram,
    EXPONENTIAL_HISTOGRAM: _read_exponential,
}


def _read_limits(point: Any) -> tuple[Any, Any]:
    """Return the smallest and the largest value. The SDK has infinities where a view does not record them."""
    low, high = point.min, point.max
    return (None, None) if low == math.inf and high == -math.inf else (low, high)


def _read_buckets(buckets: Any) -> BucketFields | None:
    return None if buckets is None else BucketFields(buckets.offset, buckets.bucket_counts)


def _read_exemplar(exemplar: Any) -> ExemplarFields:
    value, time = exemplar.value, exemplar.time_unix_nano
    return ExemplarFields(value, time, exemplar.trace_id, exemplar.span_id, exemplar.filtered_attributes)
