# SPDX-License-Identifier: Apache-2.0
"""Data points of every kind, of one service, read each minute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from otel_sqlite_exporter.deliver.delivery import Delivery
from otel_sqlite_exporter.encode.metric_encoding.point_encoder import PointEncoder
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
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
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from otel_sqlite_exporter.settings import resolve_settings
from tests.new_files import put_new_file
from tests.sample_traces import NOON_NS

MINUTE_NS = 60_000_000_000
RESOURCE = ResourceFields({"service.name": "shop", "host.name": "one", "session.id": "chat-17"}, "https://a/schema")
SCOPE = ScopeFields("meters", "1.2", "https://b/schema", {"team": "cart"})
REQUESTS = InstrumentFields("shop.requests", "Requests", "{request}", SUM, CUMULATIVE, True)
TOKENS = InstrumentFields("gen_ai.client.token.usage", "Tokens", "{token}", HISTOGRAM, DELTA)
DURATION = InstrumentFields("http.server.request.duration", "Duration of requests", "s", HISTOGRAM, CUMULATIVE)
HEAP = InstrumentFields("shop.heap", "Heap", "By", GAUGE, metadata={"raw": b"\x02"})
OPEN = InstrumentFields("shop.open", "Open carts", "{cart}", SUM, CUMULATIVE, False)
SIZES = InstrumentFields("shop.sizes", "Sizes", "By", EXPONENTIAL_HISTOGRAM, DELTA)
WAITS = InstrumentFields("shop.waits", "Waits", "s", SUMMARY)


def make_points(minutes: int, first_ns: int = NOON_NS) -> Iterator[PointFields]:
    """The points of the first minutes after a time, in the order in which they are read."""
    for minute in range(1, minutes + 1):
        time = first_ns + minute * MINUTE_NS
        before = time - MINUTE_NS
        for route in ("/buy", "/look"):
            attributes = {"http.route": route, "user.id": "ada"}
            spans = [ExemplarFields(0.25, time - 5, minute, 7, {"raw": b"\x01"})]
            yield _make(REQUESTS, attributes, first_ns, time, value=3 * minute)
            measured = DistributionFields(
                2 * minute, 0.75 * minute, 0.25, 0.5, bounds=[0.3, 1.0], counts=[minute, minute, 0]
            )
            yield _make(DURATION, attributes, first_ns, time, distribution=measured, exemplars=spans)
        used = DistributionFields(1, 40 + minute, 40 + minute, 40 + minute, bounds=[16, 64], counts=[0, 1, 0])
        model = {"gen_ai.request.model": "gpt-4o-mini", "gen_ai.token.type": "input", "raw": b"\x03"}
        yield _make(TOKENS, model, before, time, distribution=used)
        yield _make(HEAP, {}, None, time, value=1e6 + minute)
        yield _make(OPEN, {}, first_ns, time, value=5 - minute % 3)
        sizes = DistributionFields(
            4, 15.0, 1.0, 8.0, scale=0, zero_count=0, zero_threshold=0.0, positive=BucketFields(-1, [1, 1, 1, 1])
        )
        yield _make(SIZES, {}, before, time, distribution=sizes)
        waits = DistributionFields(minute, 0.5 * minute, quantiles=[(0.5, 0.5), (0.99, 0.75)])
        yield _make(WAITS, {}, first_ns, time, distribution=waits)


def encode_points(points: Iterable[PointFields]) -> list[EncodedPoint]:
    encoder = PointEncoder(resolve_settings().session_attributes)
    return [encoder.encode_point(point, NOON_NS) for point in points]


def write_points(path: Path, points: list[EncodedPoint]) -> None:
    put_new_file(path)
    delivery = Delivery(resolve_settings(path), "metrics")
    assert delivery.deliver(Records(points=points))
    delivery.close()


def _make(
    instrument: InstrumentFields,
    attributes: Mapping[str, object],
    start: int | None,
    time: int,
    *,
    value: float | None = None,
    distribution: DistributionFields | None = None,
    exemplars: list[ExemplarFields] | None = None,
) -> PointFields:
    return PointFields(instrument, attributes, start, time, 0, value, distribution, exemplars or [], RESOURCE, SCOPE)
