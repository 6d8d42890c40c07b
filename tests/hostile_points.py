# SPDX-License-Identifier: Apache-2.0
"""Metrics whose every text attacks who shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from otel_sqlite_exporter.encode.metric_encoding.point_encoder import PointEncoder
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    CUMULATIVE,
    DELTA,
    EXPONENTIAL_HISTOGRAM,
    GAUGE,
    HISTOGRAM,
    KINDS,
    SUM,
    BucketFields,
    DistributionFields,
    ExemplarFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from otel_sqlite_exporter.settings import resolve_settings
from tests.sample_points import write_points

_MINUTE_NS = 60 * 10**9
_MINUTES = 3


def write_hostile_points(path: Path, texts: Sequence[str], first_ns: int) -> None:
    """Write a metric of each text: name, unit, description, attributes, resource and scope are that. The exemplars are
    of the traces 1, 2 and so on, and of their spans 101, 201 and so on."""
    encoder = PointEncoder(resolve_settings(path).session_attributes)
    write_points(path, [encoder.encode_point(point, first_ns) for point in _make_points(texts, first_ns)])


def _make_points(texts: Sequence[str], first_ns: int) -> Iterator[PointFields]:
    for number, text in enumerate(texts, start=1):
        kind = KINDS[number % len(KINDS)]
        temporality = {SUM: CUMULATIVE, HISTOGRAM: CUMULATIVE, EXPONENTIAL_HISTOGRAM: DELTA}.get(kind)
        instrument = InstrumentFields(text, text, text, kind, temporality, True if kind == SUM else None)
        resource, scope = ResourceFields({"service.name": text}), ScopeFields(text, text)
        for minute in range(1, _MINUTES + 1):
            time = first_ns + minute * _MINUTE_NS
            start = time - _MINUTE_NS if temporality == DELTA else first_ns
            attributes = {text: text, "session.id": text, "user.id": text}
            exemplar = ExemplarFields(0.5, time - 1, number, number * 100 + 1, {text: text})
            value = minute if kind in (SUM, GAUGE) else None
            yield PointFields(
                instrument, attributes, start, time, 0, value, _measure(kind, minute), [exemplar], resource, scope
            )


def _measure(kind: str, count: int) -> DistributionFields | None:
    if kind == HISTOGRAM:
        return DistributionFields(count, count / 2, bounds=[0.1, 1], counts=[0, count, 0])
    if kind == EXPONENTIAL_HISTOGRAM:
        return DistributionFields(count, count / 2, scale=0, zero_count=0, positive=BucketFields(-1, [count]))
    return DistributionFields(count, count / 2, quantiles=[(0.5, 0.5)]) if kind == "summary" else None
