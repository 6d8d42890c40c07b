# SPDX-License-Identifier: Apache-2.0
"""`/metrics`: counters of the receiver, and what the file says of calls, durations, links and attributes, as the text
format of Prometheus or OpenMetrics."""

from __future__ import annotations

import asyncio

import anyio
import anyio.to_thread
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from otel_sqlite_exporter.server.prometheus.metric_values import QUICK_S, MetricValues
from otel_sqlite_exporter.server.prometheus.telemetry_collector import TelemetryCollector
from otel_sqlite_exporter.server.query_times import query_times
from otel_sqlite_exporter.server.server_context import ServerContext


def make_routes(context: ServerContext) -> list[BaseRoute]:
    """Return the route of this page."""
    return [Route("/metrics", MetricsPage(MetricValues(context.settings)).answer)]


class MetricsPage:
    """Answers scrapes from what was last read, and reads again now and then."""

    def __init__(self, values: MetricValues) -> None:
        self._values = values
        self._registry = CollectorRegistry()
        self._registry.register(TelemetryCollector(values, query_times))
        self._reading = anyio.CapacityLimiter(1)
        self._writing = anyio.CapacityLimiter(1)
        self._look: asyncio.Task[None] | None = None

    async def answer(self, request: Request) -> Response:
        """Answer one scrape."""
        if self._look is None and self._values.is_due():
            self._look = asyncio.create_task(self._read_file())
        if self._look is not None and (self._values.took_s <= QUICK_S):
            await asyncio.shield(self._look)
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        text = await anyio.to_thread.run_sync(encode, self._registry, limiter=self._writing)
        return Response(text, headers={"content-type": content_type})

    async def _read_file(self) -> None:
        try:
            await anyio.to_thread.run_sync(self._values.look, limiter=self._reading, abandon_on_cancel=True)
        finally:
            self._look = None
