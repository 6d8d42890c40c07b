# SPDX-License-Identifier: Apache-2.0
"""Decodes metrics of OTLP into the data points of `model.metric_records`. Pure.

A metric of which nothing was measured is nothing. One whose data are of a kind that OTLP does not know cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from otel_sqlite_exporter.model.metric_records.metric_signals import (
    CUMULATIVE,
    DELTA,
    EXPONENTIAL_HISTOGRAM,
    GAUGE,
    HISTOGRAM,
    SUM,
    SUMMARY,
    DistributionFields,
    ExemplarFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from otel_sqlite_exporter.otlp import message_kinds as kinds
from otel_sqlite_exporter.otlp.alterations import Alterations
from otel_sqlite_exporter.otlp.message_fields import MessageFields
from otel_sqlite_exporter.otlp.message_levels import SignalParts, UnreadableRecord, list_items, open_part
from otel_sqlite_exporter.otlp.metric_messages import metric_kinds
from otel_sqlite_exporter.otlp.metric_messages.point_values import (
    read_exponential,
    read_histogram,
    read_summary,
    read_value,
)

METRICS = SignalParts("resourceMetrics", kinds.RESOURCE_METRICS, "scopeMetrics", kinds.SCOPE_METRICS, "metrics")
_TEMPORALITIES: dict[Any, str | None] = {0: None, 1: DELTA, 2: CUMULATIVE} | {
    "AGGREGATION_TEMPORALITY_UNSPECIFIED": None,
    "AGGREGATION_TEMPORALITY_DELTA": DELTA,
    "AGGREGATION_TEMPORALITY_CUMULATIVE": CUMULATIVE,
}
_LARGEST_FLAGS = 2**32 - 1
_DISTRIBUTIONS: Mapping[str, Callable[[MessageFields, bool], DistributionFields]] = {
    HISTOGRAM: read_histogram,
    EXPONENTIAL_HISTOGRAM: read_exponential,
    SUMMARY: read_summary,
}


def decode_metric(
    values: Any, resource: ResourceFields | None, scope: ScopeFields | None, alterations: Alterations
) -> Iterator[PointFields | UnreadableRecord]:
    """Yield the data points of a metric, and the parts of it that cannot be read. Never raises."""
    metric = open_part(values, metric_kinds.METRIC, alterations)
    if isinstance(metric, UnreadableRecord):
        yield metric._replace(kind="holder")
        return
    held = [field for field in metric_kinds.FORMS if metric.read_raw(field) is not None]
    if not held:
        if any(value for key, value in values.items() if key not in metric_kinds.METRIC.fields):
            yield UnreadableRecord(
                values, "it cannot be read: its data are of a kind that OTLP does not know", "holder"
            )
        return
    if len(held) > 1:
        metric.note("data", "are of several kinds: the first counts")
    form = metric_kinds.FORMS[held[0]]
    data = open_part(metric.read_raw(held[0]), form.data, alterations)
    if isinstance(data, UnreadableRecord):
        yield data._replace(kind="holder")
        return
    instrument = _decode_instrument(metric, data, form.kind)
    for one in list_items(data, "dataPoints"):
        point = open_part(one, form.point, alterations)
        if isinstance(point, UnreadableRecord):
            yield point
        else:
            yield _decode_point(point, instrument, resource, scope, form.has_integers)


def _decode_instrument(metric: MessageFields, data: MessageFields, kind: str) -> InstrumentFields:
    return InstrumentFields(
        name=metric.read_text("name") or "",
        description=metric.read_text("description") or "",
        unit=metric.read_text("unit") or "",
        kind=kind,
        temporality=data.read_member("aggregationTemporality", _TEMPORALITIES, None),
        is_monotonic=data.read_flag("isMonotonic") if kind == SUM else None,
        metadata=metric.read_attributes("metadata") or None,
    )


def _decode_point(
    point: MessageFields,
    instrument: InstrumentFields,
    resource: ResourceFields | None,
    scope: ScopeFields | None,
    has_integers: bool,
) -> PointFields:
    has_value = instrument.kind in (GAUGE, SUM)
    return PointFields(
        instrument=instrument,
        attributes=_read_labels(point, "labels") | point.read_attributes(),
        start_time=point.read_integer("startTimeUnixNano") or None,
        time=point.read_integer("timeUnixNano") or None,
        flags=point.read_integer("flags", _LARGEST_FLAGS) or 0,
        value=read_value(point, has_integers) if has_value else None,
        distribution=None if has_value else _DISTRIBUTIONS[instrument.kind](point, has_integers),
        exemplars=[
            _decode_exemplar(one, has_integers) for one in point.read_messages("exemplars", metric_kinds.EXEMPLAR)
        ],
        resource=resource,
        scope=scope,
    )


def _decode_exemplar(exemplar: MessageFields, has_integers: bool) -> ExemplarFields:
    return ExemplarFields(
        value=read_value(exemplar, has_integers),
        time=exemplar.read_integer("timeUnixNano") or None,
        trace_id=exemplar.read_id("traceId", 16),
        span_id=exemplar.read_id("spanId", 8),
        attributes=_read_labels(exemplar, "filteredLabels") | exemplar.read_attributes("filteredAttributes"),
    )


def _read_labels(holder: MessageFields, field: str) -> dict[Any, Any]:
    """Return the attributes of older versions."""
    if holder.read_raw(field) is None:
        return {}
    labels = holder.read_messages(field, metric_kinds.LABEL)
    return {label.read_text("key") or "": label.read_text("value") or "" for label in labels}
