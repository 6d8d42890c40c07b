# SPDX-License-Identifier: Apache-2.0
"""Metrics that are received: all of them are stored, once, and counted."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson
from opentelemetry.exporter.otlp.json.file import FileMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
from opentelemetry.sdk.metrics.export import MetricExportResult

from otel_sqlite_exporter.receive import message_limits, request_decoder
from otel_sqlite_exporter.receive.requests import (
    UNREADABLE,
    UNREADABLE_HOLDER,
    BadRequestError,
    ExportAnswer,
    ReceivedRequest,
)
from otel_sqlite_exporter.write.metric_writing.points_batch import BEYOND_LIMIT
from tests.conftest import read
from tests.file_checks import settle
from tests.otlp_messages import BYTES, write_field
from tests.received import NOON_NS, ask_for_logs, locked, log_texts, make_request, receiving, source
from tests.sample_metrics import make_metrics as collect_metrics
from tests.serving import JSON, ask, serving
from tests.source_files import view_rows

line = pytest.mark.line
DONE = ExportAnswer()
_MINUTE_NS = 60 * 10**9


def make_metrics(*metrics: Any, service: Any = "shop") -> dict[str, Any]:
    attributes = [{"key": "service.name", "value": {"stringValue": service}}]
    return {"resourceMetrics": [{"resource": {"attributes": attributes}, "scopeMetrics": [{"metrics": [*metrics]}]}]}


def make_gauge(*minutes: int, **fields: Any) -> dict[str, Any]:
    times = (str(NOON_NS + _MINUTE_NS * minute) for minute in minutes)
    return {"name": "load", "gauge": {"dataPoints": [{"timeUnixNano": time, "asInt": "1"} | fields for time in times]}}


def test_a_point_that_cannot_be_read_costs_itself_alone(path: Path) -> None:
    unknown = {"name": "new", "spline": {"dataPoints": [{}]}}
    metrics = [make_gauge(1, 2), {"name": "empty"}, {"gauge": {"data_points": [5, {"asDouble": 2}]}}, unknown, None]
    groups = [*make_metrics(*metrics)["resourceMetrics"], None, {"scopeMetrics": {}}]
    with receiving(path) as receiver:
        answer = receiver.submit(make_request("metrics", {"resourceMetrics": groups})).result()
    assert (answer.rejected, set(answer.reason.split("; "))) == (5, {UNREADABLE, UNREADABLE_HOLDER})
    assert source(path, "signal, service_name, received, stored, duplicate, rejected") == [
        ("metrics", "shop", 8, 3, 0, 5)
    ]
    assert read(path, "SELECT name, value FROM metric_points ORDER BY time_unix_nano") == [
        ("load", 1),
        ("load", 1),
        ("", 2.0),
    ]
    assert read(path, "SELECT count(*) FROM _quarantine") == [(5,)]


def test_a_point_is_known_by_its_series_and_times(path: Path) -> None:
    """Whatever request it comes in. Another value of the same point is another version of it."""
    requests = [
        make_metrics(make_gauge(1, 2)),
        make_metrics(make_gauge(3, 2), make_gauge(1)),
        make_metrics(make_gauge(2, asInt="5"), make_gauge(2, startTimeUnixNano="5")),
        make_metrics(make_gauge(1), service="till"),
    ]
    with receiving(path) as receiver:
        for request in requests:
            assert receiver.submit(make_request("metrics", request)).result() == DONE
    assert source(path, "service_name, received, stored, duplicate, rejected") == [
        ("shop", 7, 4, 3, 0),
        ("till", 1, 1, 0, 0),
    ]
    columns = "received, written, duplicate, quarantined, refused"
    assert read(path, f"SELECT {columns} FROM exporter_health") == [(8, 5, 3, 0, 0)]
    minutes = f"(time_unix_nano - {NOON_NS}) / {_MINUTE_NS}"
    assert read(path, f"SELECT {minutes}, value FROM metric_points WHERE service_name = 'shop' ORDER BY 1, 2") == [
        (1, 1),
        (2, 1),
        (2, 5),
        (3, 1),
    ]


def test_points_wait_in_the_spool_while_the_file_is_locked(path: Path) -> None:
    """Also those of a request that comes again, and beside other signals."""
    message = make_metrics(make_gauge(*range(50)), {"name": "none", "gauge": {"dataPoints": [5]}})
    with receiving(path, busy_timeout_ms=20) as receiver:
        receiver.submit(ask_for_logs("first")).result()
        with locked(path):
            for _ in range(2):
                answer = receiver.submit(make_request("metrics", message)).result()
                assert answer == ExportAnswer(1, UNREADABLE)
            assert receiver.submit(ask_for_logs("second")).result() == DONE
        assert receiver.submit(make_request("metrics", make_metrics(make_gauge(50)))).result() == DONE
    settle(path)
    assert log_texts(path) == ["first", "second"]
    assert read(path, "SELECT count(*), sum(value) FROM metric_points") == [(51, 51)]
    columns = "received, stored, duplicate, rejected, retried_requests"
    assert source(path, columns, "signal = 'metrics'") == [(103, 51, 51, 1, 1)]
    assert read(path, "SELECT count(*) FROM _quarantine") == [(1,)]


def test_points_of_too_many_series_are_counted_by_service(path: Path) -> None:
    metrics = [make_gauge(1) | {"name": f"load {number}"} for number in range(3)]
    with receiving(path, metric_new_series=2) as receiver:
        for service in ("shop", "till"):
            assert receiver.submit(make_request("metrics", make_metrics(*metrics, service=service))).result() == DONE
    assert source(path, "service_name, received, stored, duplicate, rejected, rejected_reasons") == [
        ("shop", 3, 2, 0, 1, json.dumps({BEYOND_LIMIT: 1}, separators=(",", ":"))),
        ("till", 3, 0, 0, 3, json.dumps({BEYOND_LIMIT: 3}, separators=(",", ":"))),
    ]
    assert read(path, "SELECT received, written, refused FROM exporter_health") == [(6, 2, 4)]


@pytest.mark.parametrize("is_json", [False, True])
def test_metrics_are_counted_by_service(path: Path, is_json: bool) -> None:
    data = MetricsData()
    for service, points in (("shop", 3), ("till", 1), ("shop", 2), ("", 1)):
        group = data.resource_metrics.add()
        group.resource.attributes.add(key="host.name").value.string_value = "here"
        group.resource.attributes.add(key="service.name").value.string_value = service
        gauge = group.scope_metrics.add().metrics.add(name=f"load {points}").gauge
        for number in range(points):
            gauge.data_points.add(as_int=1, time_unix_nano=NOON_NS + number)
    body = MessageToJson(data).encode() if is_json else data.SerializeToString()
    request = ReceivedRequest("metrics", body, is_json, "go", "::1", 700)
    with receiving(path) as receiver:
        assert receiver.submit(request).result() == DONE
        assert receiver.submit(request).result() == DONE
    assert source(path, "service_name, received, stored, duplicate, retried_requests, sent_bytes") == [
        ("shop", 10, 5, 5, 1, 1_000),
        ("till", 2, 1, 1, 0, 200),
        ("unknown_service", 2, 1, 1, 0, 200),
    ]


@pytest.mark.parametrize("name", [5, None, {}, "\ud800", "x" * 1_000])
def test_the_name_of_a_service_that_sends_metrics_may_be_anything(path: Path, name: object) -> None:
    groups = [
        *make_metrics(make_gauge(1), service=name)["resourceMetrics"],
        {"resource": 5, "scopeMetrics": [{"metrics": [make_gauge(2)]}]},
    ]
    with receiving(path) as receiver:
        assert receiver.submit(make_request("metrics", {"resourceMetrics": groups})).result() == DONE
    assert sum(count for _, count in source(path, "service_name, stored")) == 2
    assert all(len(service) <= 200 for (service,) in source(path, "service_name"))


def test_metrics_are_redacted(path: Path) -> None:
    attributes = [{"key": "user.name", "value": {"stringValue": "secret"}}]
    exemplar = {"asInt": "1", "timeUnixNano": "5", "filteredAttributes": attributes}
    message = make_metrics(make_gauge(1, attributes=attributes, exemplars=[exemplar]), service="secret")
    with receiving(path, redact_keys=["service.name", "user.*"]) as receiver:
        assert receiver.submit(make_request("metrics", message)).result() == DONE
    assert source(path, "service_name") == [("[redacted]",)]
    for path_of in (path, path.with_name(f"{path.name}-wal")):
        assert not path_of.exists() or b"secret" not in path_of.read_bytes()
    assert read(path, "SELECT attributes FROM exemplars") == [('{"user.name":"[redacted]"}',)]


def _hold_point(content: bytes, data: int = 9) -> bytes:
    """A message of one metric, whose data have this content."""
    held = b"\x0a\x01m" + write_field(data, BYTES, content)
    return write_field(1, BYTES, write_field(2, BYTES, write_field(2, BYTES, held)))


MOST_RECORDS, MOST_OBJECTS = 250, 2_000
"""The limits where floods are tested: a thousandth of those that hold, which take seconds to reach."""
FLOODS = {
    "metrics": (write_field(1, BYTES, write_field(2, BYTES, b"\x12\0" * 300)), False),
    "points": (_hold_point(b"\x0a\0" * 300, 5), False),
    "exemplars": (_hold_point(write_field(1, BYTES, b"\x42\0" * 2_001)), False),
    "buckets": (_hold_point(write_field(1, BYTES, write_field(6, BYTES, bytes(8) * 2_001))), False),
    "empty metrics": (b'{"resourceMetrics": [{"scopeMetrics": [{"metrics": [%s{}]}]}]}' % (b"{}," * 2_001), True),
    "empty points": (json.dumps(make_metrics({"gauge": {"dataPoints": [{}] * 300}})).encode(), True),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_body_of_too_many_points_is_refused(path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_limits, "MOST_RECORDS", MOST_RECORDS)
    for module in (message_limits, request_decoder):
        monkeypatch.setattr(module, "MOST_OBJECTS", MOST_OBJECTS)
    body, is_json = FLOODS[name]
    with receiving(path) as receiver, pytest.raises(BadRequestError, match="send smaller batches"):
        receiver.submit(ReceivedRequest("metrics", body, is_json, "curl", "::1", 0)).result()
    assert not path.exists()


@line("Metrics", "gRPC", "JSON and protobuf")
def test_what_senders_of_python_send_is_all_there_and_once(tmp_path: Path) -> None:
    """Over HTTP as protobuf and as JSON, and over gRPC: three files that say the same."""
    collected = [data for is_delta in (False, True) for data in collect_metrics(is_delta=is_delta, rounds=3)]
    paths = [tmp_path / f"{kind}.db" for kind in ("http", "json", "grpc", "all")]
    for path in paths:
        with serving(path) as served:
            for data in collected:
                if path.stem in ("http", "all"):
                    sender = OTLPMetricExporter(f"{served.url}/v1/metrics", compression=Compression.Gzip)
                    assert sender.export(data) is MetricExportResult.SUCCESS
                    sender.shutdown()
                if path.stem in ("json", "all"):
                    stream = io.StringIO()
                    FileMetricExporter(stream=stream).export(data)
                    headers = {**JSON, "Content-Encoding": "gzip"}
                    answer = ask(served.port, "/v1/metrics", gzip.compress(stream.getvalue().encode()), headers)
                    assert (answer.status, answer.body) == (200, b"{}")
                if path.stem in ("grpc", "all"):
                    grpc_sender = GrpcMetricExporter(served.grpc, insecure=True)
                    assert grpc_sender.export(data) is MetricExportResult.SUCCESS
                    grpc_sender.shutdown()
    first, *others = map(view_rows, paths)
    assert len(first["metrics"]) == 5 + 3  # those of sums and histograms in both temporalities
    assert len(first["metric_points"]) == 2 * 3 * 2 * 5
    assert len(first["exemplars"]) > 10
    for other in others:
        assert other == first
    points = len(first["metric_points"])
    assert source(paths[-1], "sum(received), sum(stored), sum(duplicate), sum(rejected)") == [
        (3 * points, points, 2 * points, 0)
    ]
