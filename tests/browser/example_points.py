# SPDX-License-Identifier: Apache-2.0
"""The metrics of the file of the pictures: twelve hours of the requests that a shop answers, always the same."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from random import Random

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.encode.metric_encoding.point_encoder import PointEncoder
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    CUMULATIVE,
    GAUGE,
    HISTOGRAM,
    SUM,
    DistributionFields,
    ExemplarFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from otel_sqlite_exporter.settings import resolve_settings
from tests.sample_points import write_points

_MINUTE_NS = 60 * 10**9
_MINUTES, _EVERY = 720, 2
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_ROUTES = {"/orders": 0.06, "/search": 0.12, "/support/chat": 1.6}
"""The usual duration of each, in seconds."""
_DURATION = InstrumentFields(
    "http.server.request.duration", "Duration of HTTP server requests.", "s", HISTOGRAM, CUMULATIVE
)
_ACTIVE = InstrumentFields(
    "http.server.active_requests", "Requests that are answered now.", "{request}", SUM, CUMULATIVE
)
_MEMORY = InstrumentFields("process.memory.usage", "The physical memory in use.", "By", GAUGE)
_TOKENS = InstrumentFields("shop.support.tokens", "Tokens that answers took.", "{token}", SUM, CUMULATIVE, True)
_RESOURCE = ResourceFields({"service.name": "shop-api", "service.version": "2.4.1"})
_SCOPE = ScopeFields("opentelemetry.instrumentation.fastapi", "0.60b1")


def write_example_points(path: Path, last_ns: int) -> None:
    """Write points until a moment, with exemplars of spans that the file has."""
    encoder = PointEncoder(resolve_settings(path).session_attributes)
    calls = TelemetryDatabase(path).find_llm_interactions(since=last_ns - _MINUTES * _MINUTE_NS, limit=500)
    spans = [(call.end_time_unix_nano, int(call.trace_id or "0", 16), int(call.span_id or "0", 16)) for call in calls]
    write_points(path, [encoder.encode_point(point, last_ns) for point in _make_points(last_ns, sorted(spans))])


def _make_points(last_ns: int, spans: list[tuple[int, int, int]]) -> Iterator[PointFields]:
    random = Random(20)
    first_ns = last_ns - _MINUTES * _MINUTE_NS
    counts = {route: [0] * (len(_BOUNDS) + 1) for route in _ROUTES}
    sums = dict.fromkeys(_ROUTES, 0.0)
    tokens = 0
    for minute in range(_EVERY, _MINUTES + 1, _EVERY):
        time = first_ns + minute * _MINUTE_NS
        load = 1.2 + math.sin(minute / 110)
        for route, usual in _ROUTES.items():
            slow = 4 if 300 < minute < 360 and route == "/search" else 1
            for _ in range(int(random.uniform(6, 14) * load)):
                value = usual * slow * random.lognormvariate(0, 0.6)
                counts[route][bisect_left(_BOUNDS, value)] += 1
                sums[route] += value
            measured = DistributionFields(sum(counts[route]), sums[route], bounds=_BOUNDS, counts=[*counts[route]])
            attributes = {"http.route": route, "http.request.method": "POST", "http.response.status_code": 200}
            here = [one for one in spans if time - _EVERY * _MINUTE_NS < one[0] <= time and route == "/support/chat"]
            exemplars = [ExemplarFields(1.2 + random.random(), end, trace, span, {}) for end, trace, span in here[:1]]
            yield PointFields(_DURATION, attributes, first_ns, time, 0, None, measured, exemplars, _RESOURCE, _SCOPE)
        tokens += int(900 * load * random.random())
        for instrument, start, value in (
            (_ACTIVE, first_ns, int(4 * load * random.random())),
            (_MEMORY, 0, 180e6 + 40e6 * load + 2e5 * minute),
            (_TOKENS, first_ns, tokens),
        ):
            yield PointFields(instrument, {}, start, time, 0, value, None, [], _RESOURCE, _SCOPE)
