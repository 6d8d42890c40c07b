# SPDX-License-Identifier: Apache-2.0
"""Reads metrics as Python's SDK prints them (`ConsoleMetricExporter`, `MetricsData.to_json`). Pure.

Their fields have the names of OTLP in snake case; but attributes are plain, ids are numbers, and the data of all kinds
have one name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from otel_sqlite_exporter.imports.formats.otlp_parts import (
    Message,
    encode_attributes_object,
    encode_measured,
    read_each,
    wrap_scopes,
)
from otel_sqlite_exporter.imports.formats.python_records import read_resource
from otel_sqlite_exporter.otlp.metric_messages.point_values import name_original

_LARGEST_IDS = {"trace_id": (32, 2**128), "span_id": (16, 2**64)}


def is_python_metric(value: dict[str, Any]) -> bool:
    """Whether these are metrics of Python's SDK."""
    return isinstance(value.get("resource_metrics"), list) and any(
        isinstance(metric.get("data"), dict) for metric in _list_metrics(value)
    )


def read_python_metrics(value: dict[str, Any]) -> Message:
    """Return the message of metrics."""
    return {"resourceMetrics": read_each(value.get("resource_metrics"), _read_group)}


def _list_metrics(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    holders = [value]
    for field in ("resource_metrics", "scope_metrics", "metrics"):
        held = [holder.get(field) for holder in holders]
        holders = [one for items in held if isinstance(items, list) for one in items if isinstance(one, dict)]
    yield from holders


def _read_group(group: dict[str, Any]) -> Message:
    return wrap_scopes(read_resource(group), "scopeMetrics", read_each(group.get("scope_metrics"), _read_scoped))


def _read_scoped(scoped: dict[str, Any]) -> Message:
    scope = scoped.get("scope")
    if isinstance(scope, dict):
        attributes = encode_attributes_object(scope.get("attributes"))
        scope = {"name": scope.get("name"), "version": scope.get("version") or None, "attributes": attributes}
    return {
        "scope": scope,
        "schemaUrl": scoped.get("schema_url") or None,
        "metrics": read_each(scoped.get("metrics"), _read_metric),
    }


def _read_metric(metric: dict[str, Any]) -> Message:
    data = metric.get("data")
    described = {field: metric.get(field) or None for field in ("name", "description", "unit")}
    if not isinstance(data, dict):
        return described
    points = data.get("data_points")
    first = next((point for point in points if isinstance(point, dict)), {}) if isinstance(points, list) else {}
    kind = _find_kind(data, first)
    held = {"dataPoints": read_each(points, _read_point)}
    if kind != "gauge":
        held["aggregationTemporality"] = data.get("aggregation_temporality")
    if kind == "sum":
        held["isMonotonic"] = data.get("is_monotonic")
    return {**described, kind: held}


def _find_kind(data: dict[str, Any], point: dict[str, Any]) -> str:
    if "is_monotonic" in data:
        return "sum"
    if "scale" in point:
        return "exponentialHistogram"
    return "histogram" if "bucket_counts" in point else "gauge"


def _read_point(point: dict[str, Any]) -> Message:
    fields: Message = {
        "attributes": encode_attributes_object(point.get("attributes")),
        "startTimeUnixNano": point.get("start_time_unix_nano"),
        "timeUnixNano": point.get("time_unix_nano"),
        "flags": point.get("flags"),
        "exemplars": read_each(point.get("exemplars"), _read_exemplar),
        **encode_measured(point.get("value")),
    }
    for field in ("sum", "min", "max"):
        value = point.get(field)
        fields[name_original(field) if type(value) is int else field] = value
    for field, name in (("count", "count"), ("bucket_counts", "bucketCounts"), ("explicit_bounds", "explicitBounds")):
        fields[name] = point.get(field)
    fields |= {"scale": point.get("scale"), "zeroCount": point.get("zero_count")}
    for sign in ("positive", "negative"):
        buckets = point.get(sign)
        if isinstance(buckets, dict):
            buckets = {"offset": buckets.get("offset"), "bucketCounts": buckets.get("bucket_counts")}
        fields[sign] = buckets
    return {name: value for name, value in fields.items() if value is not None}


def _read_exemplar(exemplar: dict[str, Any]) -> Message:
    ids = {field: _write_id(exemplar.get(field), *form) for field, form in _LARGEST_IDS.items()}
    return {
        **encode_measured(exemplar.get("value")),
        "timeUnixNano": exemplar.get("time_unix_nano"),
        "traceId": ids["trace_id"],
        "spanId": ids["span_id"],
        "filteredAttributes": encode_attributes_object(exemplar.get("filtered_attributes")),
    }


def _write_id(value: Any, digits: int, end: int) -> Any:
    return f"{value:0{digits}x}" if type(value) is int and 0 <= value < end else value
