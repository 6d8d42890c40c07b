# SPDX-License-Identifier: Apache-2.0
"""Reads metrics as JavaScript's SDK holds them, which programs write as JSON: Gemini CLI, and Copilot CLI in lines of
its own. Pure.

Source: `ResourceMetrics` of @opentelemetry/sdk-metrics, versions 1 and 2. A line of Copilot CLI has one metric, without
its kind and temporality: numbers are read as a gauge, which OTLP has for an unknown aggregation. Gemini CLI writes
`"[Circular]"` for an array that stood in the same document before, as all points of a collection share one end time.
"""

from __future__ import annotations

from typing import Any

from otel_sqlite_exporter.imports.formats.javascript_records import read_resource, read_scope
from otel_sqlite_exporter.imports.formats.otlp_parts import (
    Message,
    encode_attributes_object,
    encode_measured,
    encode_time,
    read_each,
    wrap_scopes,
)

_KINDS = {0: "histogram", 1: "exponentialHistogram", 2: "gauge", 3: "sum"}
_TEMPORALITIES = {0: 1, 1: 2}  # to that of OTLP
_INTEGERS = 0
_AGAIN = "[Circular]"
_PRIVATE = ("_rawAttributes", "_attributes")


def is_javascript_metric(value: dict[str, Any]) -> bool:
    """Whether these are metrics: of the SDK's `ResourceMetrics`, or a line of Copilot CLI."""
    if value.get("type") == "metric":
        return isinstance(value.get("dataPoints"), list)
    scopes, resource = value.get("scopeMetrics"), value.get("resource")
    if not isinstance(scopes, list):
        return False
    if isinstance(resource, dict) and not resource.keys().isdisjoint(_PRIVATE):
        return True
    held = [scoped.get("metrics") for scoped in scopes if isinstance(scoped, dict)]
    metrics = [metric for one in held if isinstance(one, list) for metric in one]
    return any(isinstance(metric, dict) and "descriptor" in metric for metric in metrics)


def read_javascript_metrics(value: dict[str, Any]) -> Message:
    """Return the message of metrics."""
    resource, seen = read_resource(value), _SeenArrays()
    if value.get("type") == "metric":
        scope, url = read_scope(value)
        scopes: Any = [{"scope": scope, "schemaUrl": url, "metrics": [_read_metric(value, seen)]}]
    else:
        scopes = read_each(value.get("scopeMetrics"), lambda scoped: _read_scoped(scoped, seen))
    return {"resourceMetrics": [wrap_scopes(resource, "scopeMetrics", scopes)]}


class _SeenArrays:
    """The arrays that stood in a document so far, by field."""

    def __init__(self) -> None:
        self._arrays: dict[str, dict[str, Any]] = {}

    def restore(self, field: str, value: Any, size: int | None = None) -> Any:
        """Return the array for which `"[Circular]"` stands: the one of this size that stood in this field. Where it may
        be one of several, it stays what it is."""
        seen = self._arrays.setdefault(field, {})
        if value != _AGAIN:
            seen[str(value)] = value
            return value
        fitting = [one for one in seen.values() if size is None or (isinstance(one, list) and len(one) == size)]
        return fitting[0] if len(fitting) == 1 else value


def _read_scoped(scoped: dict[str, Any], seen: _SeenArrays) -> Message:
    scope, url = read_scope({"instrumentationScope": scoped.get("scope")})
    metrics = read_each(scoped.get("metrics"), lambda metric: _read_metric(metric, seen))
    return {"scope": scope, "schemaUrl": url, "metrics": metrics}


def _read_metric(metric: dict[str, Any], seen: _SeenArrays) -> Message:
    descriptor = metric.get("descriptor")
    descriptor = descriptor if isinstance(descriptor, dict) else metric
    points = metric.get("dataPoints")
    kind = _KINDS.get(metric["dataPointType"]) if type(metric.get("dataPointType")) is int else None
    kind = kind or _find_kind(points)
    are_integers = descriptor.get("valueType") == _INTEGERS
    data = {"dataPoints": read_each(points, lambda point: _read_point(point, kind, are_integers, seen))}
    if kind != "gauge":
        temporality = metric.get("aggregationTemporality")
        data["aggregationTemporality"] = _TEMPORALITIES.get(temporality) if type(temporality) is int else None
    if kind == "sum":
        data["isMonotonic"] = metric.get("isMonotonic")
    return {**{field: descriptor.get(field) for field in ("name", "description", "unit")}, kind: data}


def _find_kind(points: Any) -> str:
    """Return the kind that points show."""
    values = [point.get("value") for point in points if isinstance(point, dict)] if isinstance(points, list) else []
    first = next((value for value in values if isinstance(value, dict)), None)
    if first is None:
        return "gauge"
    return "exponentialHistogram" if "scale" in first else "histogram"


def _read_point(point: dict[str, Any], kind: str, are_integers: bool, seen: _SeenArrays) -> Message:
    value = point.get("value")
    return {
        "attributes": encode_attributes_object(point.get("attributes")),
        "startTimeUnixNano": encode_time(seen.restore("startTime", point.get("startTime"))),
        "timeUnixNano": encode_time(seen.restore("endTime", point.get("endTime"))),
        **(_read_distribution(value, seen) if isinstance(value, dict) else encode_measured(value, are_integers)),
    }


def _read_distribution(value: dict[str, Any], seen: _SeenArrays) -> Message:
    fields = {field: value.get(field) for field in ("count", "sum", "min", "max")}
    if "scale" in value:
        return fields | {field: value.get(field) for field in ("scale", "zeroCount", "positive", "negative")}
    buckets = value.get("buckets")
    if not isinstance(buckets, dict):
        return fields
    counts = buckets.get("counts")
    size = len(counts) - 1 if isinstance(counts, list) else None
    bounds = seen.restore("boundaries", buckets.get("boundaries"), size)
    return fields | {"explicitBounds": bounds, "bucketCounts": counts}
