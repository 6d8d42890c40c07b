# SPDX-License-Identifier: Apache-2.0
"""OTLP over gRPC: docs/receiver.md."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sqlite_exporter.receive.requests import UNREADABLE_HOLDER
from otel_sqlite_exporter.server.request_intake import MIB
from tests.conftest import HANG_S, exporting, make_spans, read, span_names
from tests.integration.test_receiver_contract import SMALL, as_protobuf, names_like
from tests.serving import Served, serving, serving_here

line = pytest.mark.line
SERVICE = "/opentelemetry.proto.collector.{0}.v1.{1}Service/Export"
TRACES = SERVICE.format("trace", "Trace")
PACKINGS = {"plain": grpc.Compression.NoCompression, "gzip": grpc.Compression.Gzip, "zlib": grpc.Compression.Deflate}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("grpc") / "otel.db"


@pytest.fixture(scope="module")
def served(written: Path) -> Iterator[Served]:
    with serving(written) as one:
        yield one


def call(address: str, method: str, message: bytes, compression: Any = None) -> bytes:
    """The answer to a message; whatever its size, the client sends it."""
    with grpc.insecure_channel(address, options=[("grpc.max_send_message_length", -1)]) as channel:
        answer: bytes = channel.unary_unary(method)(message, timeout=HANG_S, compression=compression)
        return answer


def fail(address: str, message: bytes, compression: Any = None) -> Any:
    """The error that a message is answered with."""
    with pytest.raises(grpc.RpcError) as raised:
        call(address, TRACES, message, compression)
    return raised.value


@line("gRPC")
@pytest.mark.parametrize("packing", PACKINGS)
def test_the_exporter_of_python_sends_over_grpc(served: Served, written: Path, packing: str) -> None:
    exporter = OTLPSpanExporter(served.grpc, insecure=True, compression=PACKINGS[packing])
    assert exporter.export(make_spans(f"sdk {packing}")) is SpanExportResult.SUCCESS
    exporter.shutdown()
    assert names_like(written, f"sdk {packing}") == [f"sdk {packing}"]


@line("gRPC")
def test_each_signal_has_its_service_on_both_loopback_addresses(served: Served, written: Path) -> None:
    port = served.grpc.rpartition(":")[2]
    for host in ("127.0.0.1", "[::1]"):
        for service in ("trace", "logs", "metrics"):
            assert call(f"{host}:{port}", SERVICE.format(service, service.capitalize()), b"") == b""
        assert call(f"{host}:{port}", TRACES, as_protobuf(f"at {host}")) == b""
    assert names_like(written, "at *") == ["at 127.0.0.1", "at [::1]"]
    ((sender,),) = read(written, "SELECT DISTINCT sender FROM receiver_sources WHERE sender GLOB 'grpc*'")
    assert sender == "grpc-python"


@line("gRPC", "Partial success")
def test_partial_success_is_told_over_grpc(served: Served) -> None:
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

    export = encode_spans(make_spans("good", "bad"))
    export.resource_spans[0].scope_spans[0].spans[1].span_id = b""
    answer = call(served.grpc, TRACES, export.SerializeToString())
    assert ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans == 1
    metrics = ExportMetricsServiceRequest()
    metric = metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="of a later version")
    metric.MergeFromString(b"\x82\x01\x04\x0a\x02\x08\x01")
    answer = call(served.grpc, SERVICE.format("metrics", "Metrics"), metrics.SerializeToString())
    partial = ExportMetricsServiceResponse.FromString(answer).partial_success
    assert (partial.rejected_data_points, partial.error_message) == (1, UNREADABLE_HOLDER)


@line("gRPC")
def test_what_is_no_message_is_an_invalid_argument(served: Served) -> None:
    for message in (b"\xff\xff", b"\x1f\x8b but not gzip", b"\x78 but not zlib"):
        error = fail(served.grpc, message)
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        status = Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
        assert (status.code, status.message, len(status.details)) == (3, error.details(), 0)
    with pytest.raises(grpc.RpcError) as raised:
        call(served.grpc, "/opentelemetry.proto.collector.profiles.v1.ProfilesService/Export", b"")
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


@line("gRPC", "Large bodies")
def test_a_large_message_is_not_taken(path: Path) -> None:
    with serving_here(path, limits=SMALL) as server:
        (address, *_) = server.grpc_addresses
        for message, compression in (
            (b"\x0a" * (MIB + 1), None),
            (b"\x0a" * (4 * MIB + 1), grpc.Compression.Gzip),
            (b"\x0a" * (4 * MIB + 1), grpc.Compression.Deflate),
        ):
            error = fail(address, message, compression)
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            # Without a RetryInfo, no client sends it again.
            assert not re.search(b"RetryInfo", dict(error.trailing_metadata()).get("grpc-status-details-bin", b""))
        assert call(address, TRACES, as_protobuf("fits"), grpc.Compression.Gzip) == b""
    assert span_names(path) == ["fits"]


@line("Full queue", "Locked file")
def test_under_load_a_client_is_told_when_to_come_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("before"))
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS", "50")
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_SPOOL_LIMIT_BYTES", "0")
    message = as_protobuf("later")
    with serving_here(path) as server:
        (address, *_) = server.grpc_addresses
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            error = fail(address, message)
            other.execute("COMMIT")
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        metadata = dict(error.trailing_metadata())
        status = Status.FromString(metadata["grpc-status-details-bin"])
        assert (status.code, status.message) == (14, error.details())
        told, read_by_python = RetryInfo(), RetryInfo.FromString(metadata["google.rpc.retryinfo-bin"])
        assert status.details[0].Unpack(told)
        assert told == read_by_python
        assert 1 <= told.retry_delay.seconds <= 30
        assert call(address, TRACES, message) == b""
    assert span_names(path) == ["before", "later"]
