# SPDX-License-Identifier: Apache-2.0
"""Encodes data points of metrics as OTLP messages in the JSON encoding. Pure. What OTLP has no form for is written as
`point_values` says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

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
from otel_sqlite_exporter.model.values import encode_span_id, encode_trace_id
from otel_sqlite_exporter.otlp.metric_messages.point_values import name_original
from otel_sqlite_exporter.otlp.otlp_encoder import dump_message, encode_double, encode_map, without_none

_Message = dict[str, Any]
_TEMPORALITIES = {DELTA: 1, CUMULATIVE: 2}
_FIELDS = {
    GAUGE: "gauge",
    SUM: "sum",
    HISTOGRAM: "histogram",
    EXPONENTIAL_HISTOGRAM: "exponentialHistogram",
    SUMMARY: "summary",
}


def encode_metrics(points: Iterable[PointFields]) -> bytes:
    """Return a MetricsData as one line, without the line's end. Points that share the objects of their resource, scope
    and instrument stand together, in the order in which these first occur."""
    groups: dict[int, tuple[ResourceFields, dict[int, tuple[ScopeFields | None, dict[int, list[PointFields]]]]]] = {}
    for point in points:
        _, scopes = groups.setdefault(id(point.resource), (point.resource, {}))
        _, metrics = scopes.setdefault(id(point.scope), (point.scope, {}))
        metrics.setdefault(id(point.instrument), []).append(point)
    return dump_message(
        {
            "resourceMetrics": [
                without_none(
                    resource={"attributes": encode_map(resource.attributes)},
                    scopeMetrics=[
                        _encode_scope(scope) | {"metrics": [*map(_encode_metric, metrics.values())]}
                        for scope, metrics in scopes.values()
                    ],
                    schemaUrl=resource.schema_url or None,
                )
                for resource, scopes in groups.values()
            ]
        }
    )


def _encode_scope(scope: ScopeFields | None) -> _Message:
    if scope is None:
        return {}
    attributes = encode_map(scope.attributes or {}) or None
    named = without_none(name=scope.name, version=scope.version, attributes=attributes)
    return without_none(scope=named, schemaUrl=scope.schema_url or None)


def _encode_metric(points: list[PointFields]) -> _Message:
    instrument: InstrumentFields = points[0].instrument
    data = without_none(
        dataPoints=[_encode_point(point) for point in points],
        aggregationTemporality=_TEMPORALITIES.get(instrument.temporality or ""),
        isMonotonic=instrument.is_monotonic or None,
    )
    described = without_none(
        name=instrument.name or None,
        description=instrument.description or None,
        unit=instrument.unit or None,
        metadata=encode_map(instrument.metadata or {}) or None,
    )
    return described | {_FIELDS[instrument.kind]: data}


def _encode_point(point: PointFields) -> _Message:
    shared = without_none(
        attributes=encode_map(point.attributes) or None,
        startTimeUnixNano=str(point.start_time) if point.start_time else None,
        timeUnixNano=str(point.time),
        flags=point.flags or None,
        exemplars=[_encode_exemplar(exemplar) for exemplar in point.exemplars] or None,
    )
    found = point.distribution
    return shared | (_encode_value(point.value) if found is None else _encode_distribution(found))


def _encode_exemplar(exemplar: ExemplarFields) -> _Message:
    return without_none(
        filteredAttributes=encode_map(exemplar.attributes or {}) or None,
        timeUnixNano=str(exemplar.time) if exemplar.time else None,
        traceId=encode_trace_id(exemplar.trace_id),
        spanId=encode_span_id(exemplar.span_id),
        **_encode_value(exemplar.value),
    )


def _encode_value(value: Any) -> _Message:
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return {"asInt": str(value)}
    return _encode_number("asDouble", value)


def _encode_distribution(found: DistributionFields) -> _Message:
    sums: _Message = {"count": str(found.count or 0)}
    for field in ("sum", "min", "max"):
        sums |= _encode_number(field, getattr(found, field))
    quantiles = found.quantiles
    return sums | without_none(
        explicitBounds=[*map(_encode_plain, found.bounds or ())] or None,
        bucketCounts=[*map(str, found.counts or ())] or None,
        scale=found.scale,
        zeroCount=None if found.zero_count is None else str(found.zero_count),
        zeroThreshold=None if found.zero_threshold is None else _encode_plain(found.zero_threshold),
        positive=_encode_buckets(found.positive),
        negative=_encode_buckets(found.negative),
        quantileValues=None
        if quantiles is None
        else [{"quantile": _encode_plain(quantile), "value": _encode_plain(value)} for quantile, value in quantiles],
    )


def _encode_buckets(buckets: BucketFields | None) -> Mapping[str, Any] | None:
    return None if buckets is None else {"offset": buckets.offset, "bucketCounts": [*map(str, buckets.counts)]}


def _encode_number(field: str, value: Any) -> _Message:
    """Return a floating-point field, and beside it the digits of an integer."""
    if value is None:
        return {}
    digits = {name_original(field): str(value)} if isinstance(value, int) else {}
    return {field: _encode_plain(value)} | digits


def _encode_plain(value: Any) -> float | str:
    try:
        return encode_double(float(value))
    except OverflowError:  # an integer beyond what floating-point numbers reach
        return encode_double(float("inf") if value > 0 else float("-inf"))
