# SPDX-License-Identifier: Apache-2.0
"""Data points of metrics, as a MeterProvider gives them: what one costs to export, and how many bytes it takes."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult, MetricsData
from opentelemetry.sdk.resources import Resource

from benchmarks.measure import read_written_bytes
from benchmarks.rivals import OverHTTP
from otel_sqlite_exporter import SQLiteMetricExporter

SERIES = (20, 200, 2_000)
KINDS = ("sum", "histogram")
OURS, HTTP, EACH_POINT, NEWEST = "this exporter", "OTLP/HTTP", "a row a point", "the newest of a series"
_RESOURCE = Resource(
    {
        **{"service.name": "shop", "service.version": "1.4.2", "service.namespace": "demo"},
        **{"deployment.environment": "prod", "host.name": "machine-17", "process.runtime.name": "cpython"},
    }
)
_ROUTES, _METHODS, _LEAST_ROUNDS = 500, ("GET", "POST"), 60


class Source:
    """A counter or a histogram of requests, by route, method and status."""

    def __init__(self, kind: str, series: int) -> None:
        self._random = random.Random(11)
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader], _RESOURCE, shutdown_on_exit=False)
        self._record: Callable[[float, Mapping[str, str | int]], None]
        meter = self.provider.get_meter("opentelemetry.instrumentation.shop", "0.66b1")
        if kind == "sum":
            self._record = meter.create_counter("http.server.requests", "{request}", "Requests").add
        else:
            name, description = "http.server.request.duration", "Duration of HTTP server requests."
            self._record = meter.create_histogram(name, "s", description).record
        self._attributes: list[dict[str, str | int]] = [
            {
                "http.request.method": _METHODS[number % len(_METHODS)],
                "http.route": f"/api/carts/{number // len(_METHODS) % _ROUTES}/items",
                "http.response.status_code": 200 + number // (len(_METHODS) * _ROUTES),
                "url.scheme": "https",
            }
            for number in range(series)
        ]

    def collect(self) -> MetricsData:
        """Return the next point of each series."""
        for attributes in self._attributes:
            for _ in range(3):
                self._record(self._random.randrange(1, 4_000) / 1_000, attributes)
        data = self._reader.get_metrics_data()
        assert data is not None
        return data


class PointContender(ABC):
    """Something that takes what a reader collected. `path` is its file, if it has one."""

    path: Path | None = None

    @abstractmethod
    def write(self, data: MetricsData) -> None:
        """Write or send the points."""

    @abstractmethod
    def close(self) -> None:
        """End it."""


class ExportingContender(PointContender):
    def __init__(self, exporter: Any, path: Path | None = None, sink: OverHTTP | None = None) -> None:
        self.path, self._exporter, self.sink = path, exporter, sink

    def write(self, data: MetricsData) -> None:
        if self._exporter.export(data) is not MetricExportResult.SUCCESS:
            raise RuntimeError(f"{type(self._exporter).__name__} failed")

    def close(self) -> None:
        self._exporter.shutdown()
        if self.sink is not None:
            self.sink.close()


class PlainTable(PointContender):
    """The plain way: one table, a row for each point, everything of it as JSON, by `executemany`. With `is_newest`, the
    row of a series is replaced."""

    def __init__(self, path: Path, *, is_newest: bool) -> None:
        self.path = path
        self._connection = sqlite3.connect(path)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        columns = "resource TEXT, scope TEXT, name TEXT, unit TEXT, attributes TEXT, start INTEGER, time INTEGER"
        key = ", PRIMARY KEY (name, attributes, resource, scope)" if is_newest else ""
        self._connection.execute(f"CREATE TABLE points ({columns}, value TEXT{key})")
        if not is_newest:
            self._connection.execute("CREATE INDEX points_name ON points (name, time)")
        replacing = " OR REPLACE" if is_newest else ""
        self._text = f"INSERT{replacing} INTO points VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

    def write(self, data: MetricsData) -> None:
        with self._connection:
            self._connection.executemany(self._text, list(_list_rows(data)))

    def close(self) -> None:
        self._connection.close()


def _list_rows(data: MetricsData) -> Iterator[tuple[Any, ...]]:
    for of_resource in data.resource_metrics:
        resource = json.dumps(dict(of_resource.resource.attributes))
        for of_scope in of_resource.scope_metrics:
            scope = json.dumps([of_scope.scope.name, of_scope.scope.version])
            for metric in of_scope.metrics:
                for point in metric.data.data_points:
                    times = point.start_time_unix_nano, point.time_unix_nano
                    yield resource, scope, metric.name, metric.unit, json.dumps(point.attributes), *times, _dump(point)


def _dump(point: Any) -> str:
    if hasattr(point, "value"):
        return json.dumps(point.value)
    names = ("count", "sum", "min", "max", "explicit_bounds", "bucket_counts")
    return json.dumps({name: getattr(point, name) for name in names})


def make_over_http(*, count: bool = False) -> ExportingContender:
    sink = OverHTTP(count=count)
    return ExportingContender(OTLPMetricExporter(sink.url.replace("traces", "metrics")), sink=sink)


CONTENDERS: dict[str, Callable[[Path], PointContender]] = {
    OURS: lambda folder: ExportingContender(SQLiteMetricExporter(folder / "ours.db"), folder / "ours.db"),
    HTTP: lambda folder: make_over_http(),
    EACH_POINT: lambda folder: PlainTable(folder / "each.db", is_newest=False),
    NEWEST: lambda folder: PlainTable(folder / "newest.db", is_newest=True),
}


class PointCost(NamedTuple):
    """What a point of a known series costs: CPU of the process, bytes that the process writes, WAL and checkpoints
    included, and bytes that stay in the file."""

    cpu_us: float
    written: float
    stored: float


def measure_points(folder: Path, kind: str, series: int, points: int) -> dict[str, PointCost]:
    """Give each contender the same points, in a changing order, and return the costs of the last three quarters."""
    folder.mkdir()
    source = Source(kind, series)
    contenders = {name: make(folder) for name, make in CONTENDERS.items()}
    rounds = max(points // series, min(_LEAST_ROUNDS, points // 100), 4)
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    sizes: dict[str, int] = {}
    names, order = list(contenders), random.Random(5)
    for number in range(rounds):
        data = source.collect()
        if number == rounds // 4:
            sizes = {name: _size(contender) for name, contender in contenders.items()}
        order.shuffle(names)
        for name in names:
            written, cpu = read_written_bytes(), time.process_time()
            contenders[name].write(data)
            cost = (time.process_time() - cpu) * 1e6, read_written_bytes() - written
            if number >= rounds // 4:
                measured[name].append(cost)
    kept = (rounds - rounds // 4) * series
    grown = {name: (_size(contender) - sizes[name]) / kept for name, contender in contenders.items()}
    for contender in contenders.values():
        contender.close()
    source.provider.shutdown()
    found = {}
    for name, costs in measured.items():
        cpu_us, bytes_written = (fmean(parts) / series for parts in zip(*costs, strict=True))
        found[name] = PointCost(cpu_us, bytes_written, grown[name])
    return found


def _size(contender: PointContender) -> int:
    """The bytes of the pages that a file uses."""
    if contender.path is None or not os.path.exists(contender.path):
        return 0
    with closing(sqlite3.connect(contender.path)) as file:
        (pages,), (free,), (size,) = (
            file.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * size)
