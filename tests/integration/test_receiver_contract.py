# SPDX-License-Identifier: Apache-2.0
"""The contract of the receiver, line by line, as senders see it: docs/receiver.md."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import re
import shlex
import socket
import sqlite3
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import backports.zstd as zstd
import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.receive.receiver import Receiver
from otel_sqlite_exporter.receive.requests import ExportAnswer, ReceivedRequest
from otel_sqlite_exporter.server import serving as server_module
from otel_sqlite_exporter.server.request_intake import MIB, RequestLimits
from otel_sqlite_exporter.server.running import patient_protocol
from tests.conftest import HANG_S, ROOT, exporting, make_spans, read, span_names
from tests.serving import JSON, PROTOBUF, Answer, Served, ask, serving, serving_here

line = pytest.mark.line
SMALL = RequestLimits(sent_bytes=MIB, unpacked_bytes=4 * MIB)


def make_trace(*names: str, **fields: Any) -> dict[str, Any]:
    """A request with spans of these names, each a trace of its own."""
    now = time.time_ns()
    spans = [
        {
            "traceId": os.urandom(16).hex(),
            "spanId": os.urandom(8).hex(),
            "name": name,
            "startTimeUnixNano": str(now - 1_000_000),
            "endTimeUnixNano": str(now),
        }
        | fields
        for name in names
    ]
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}


def as_json(*names: str, **fields: Any) -> bytes:
    return json.dumps(make_trace(*names, **fields)).encode()


def as_protobuf(*names: str) -> bytes:
    return encode_spans(make_spans(*names)).SerializeToString()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("receiver") / "otel.db"


@pytest.fixture(scope="module")
def served(written: Path) -> Iterator[Served]:
    """A server that most tests share; each sends spans of names of its own."""
    with serving(written) as one:
        yield one


def names_like(path: Path, pattern: str) -> list[str]:
    return [name for (name,) in read(path, "SELECT name FROM spans WHERE name GLOB ? ORDER BY name", pattern)]


def check_refused(answer: Answer, status: int, code: int) -> str:
    """The message of a refusal as JSON, which must have this status and this code of gRPC."""
    assert (answer.status, answer.json["code"]) == (status, code)
    return str(answer.json["message"])


def read_status(body: bytes) -> tuple[int, str]:
    """The code and the message of a google.rpc.Status, by protobuf itself."""
    from google.rpc.status_pb2 import Status

    status = Status.FromString(body)
    return status.code, status.message


@line("Paths")
def test_each_signal_has_its_path_on_both_loopback_addresses(served: Served, written: Path) -> None:
    for host in ("127.0.0.1", "::1"):
        answer = ask(served.port, "/v1/traces", as_json(f"path {host}"), JSON, host=host)
        assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"{}", "application/json")
    assert names_like(written, "path *") == ["path 127.0.0.1", "path ::1"]
    for path in ("/v1/logs", "/v1/metrics"):
        assert ask(served.port, path, b"{}", JSON).status == 200
    for path in ("/v1/profiles", "/v1/traces/", "/nothing", "/v1"):
        answer = ask(served.port, path, b"{}", JSON)
        assert (answer.status, answer.json["status"]) == (404, 404)
    assert "server" not in answer.headers


@line("Paths")
def test_the_ports_are_those_that_sdks_send_to() -> None:
    from otel_sqlite_exporter.cli.edges.serve_commands import serve

    defaults = {one.name: one.default for one in serve.params}
    assert (defaults["port"], defaults["grpc_port"]) == (4318, 4317)


@line("JSON and protobuf")
def test_json_and_protobuf_are_told_apart_by_their_type(served: Served, written: Path) -> None:
    types = ("application/json; charset=utf-8", "APPLICATION/JSON", "application/x-protobuf", "application/protobuf")
    for number, content_type in enumerate(types):
        body = (as_json if "json" in content_type.lower() else as_protobuf)(f"type {number}")
        answer = ask(served.port, "/v1/traces", body, {"Content-Type": content_type})
        assert answer.status == 200
        assert answer.headers["content-type"] == content_type.lower().partition(";")[0]
        assert answer.body == (b"{}" if "json" in content_type.lower() else b"")
    assert names_like(written, "type *") == ["type 0", "type 1", "type 2", "type 3"]
    for other in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}):
        answer = ask(served.port, "/v1/traces", as_json("type other"), other)
        assert "give Content-Type: application/json or application/x-protobuf" in check_refused(answer, 415, 3)
    assert names_like(written, "type other") == []


@line("JSON alone")
def test_json_needs_no_protobuf_package(path: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['google.protobuf'] = None\n")
    with serving(path, PYTHONPATH=str(tmp_path)) as served:
        assert ask(served.port, "/v1/traces", as_json("alone"), JSON).status == 200
    assert span_names(path) == ["alone"]


@line("Other methods")
def test_another_method_is_405(served: Served) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = ask(served.port, "/v1/logs", headers=JSON, method=method)
        assert answer.headers["allow"] == "POST"
        assert check_refused(answer, 405, 12) == "send telemetry with POST"
    assert ask(served.port, "/v1/logs", method="HEAD").status == 405


def pack_raw(body: bytes) -> bytes:
    """A deflate stream without the header of zlib, as some clients send it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "deflate raw": pack_raw,
    "zstd": zstd.compress,
    "identity": bytes,
    "GZIP": gzip.compress,
}


@line("Packed bodies")
def test_packed_bodies_are_unpacked(served: Served, written: Path) -> None:
    for name, pack in PACKINGS.items():
        headers = {"Content-Encoding": name.removesuffix(" raw")}
        assert ask(served.port, "/v1/traces", pack(as_json(f"packed {name}")), JSON | headers).status == 200
    assert names_like(written, "packed *") == sorted(f"packed {name}" for name in PACKINGS)
    for encoding in ("gzip, identity", "identity,gzip", "identity, identity", " , gzip"):
        body = as_json(encoding)
        headers = JSON | {"Content-Encoding": encoding}
        body = gzip.compress(body) if "gzip" in encoding else body
        assert ask(served.port, "/v1/traces", body, headers).status == 200
    body = as_json("members")
    members = gzip.compress(body[:50]) + gzip.compress(body[50:])
    assert ask(served.port, "/v1/traces", members, JSON | {"Content-Encoding": "gzip"}).status == 200
    assert names_like(written, "members") == ["members"]


@line("Packed bodies")
@pytest.mark.parametrize("name", [name for name in PACKINGS if name != "identity"])
def test_a_damaged_or_cut_body_is_400(served: Served, written: Path, name: str) -> None:
    packed = PACKINGS[name](as_json("damaged"))
    headers = JSON | {"Content-Encoding": name.removesuffix(" raw")}
    for body in (packed[:-5], b"xx", b"", packed[:10] + b"\xff" * 20 + packed[30:], packed + b"more"):
        said = check_refused(ask(served.port, "/v1/traces", body, headers), 400, 3)
        assert (
            said
            == f"the body is not {headers['Content-Encoding'].lower().removeprefix('x-')}, or is damaged or cut short"
        )
    assert names_like(written, "damaged") == []


@line("Packed bodies")
def test_an_unknown_packing_is_415_and_says_which_are_known(served: Served) -> None:
    for encoding in ("br", "gzip, gzip", "compress"):
        answer = ask(served.port, "/v1/traces", b"{}", JSON | {"Content-Encoding": encoding})
        assert answer.headers["accept-encoding"] == "gzip, deflate, zstd"
        check_refused(answer, 415, 3)


@line("Large bodies")
def test_a_body_is_not_read_beyond_the_limit(path: Path) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(3 * 16):
            yield b" " * (MIB // 16)

    with serving_here(path, limits=SMALL) as server:
        for body in (b" " * (MIB + 1), endless()):
            answer = ask(server.port, "/v1/traces", body, JSON)
            assert check_refused(answer, 413, 8) == "the body has more than 1048576 bytes: send smaller batches"
        padded = as_json("fits")
        assert ask(server.port, "/v1/traces", padded + b" " * (MIB - len(padded)), JSON).status == 200
    assert span_names(path) == ["fits"]


@line("Large bodies")
def test_a_bomb_is_unpacked_no_further_than_the_limit(served: Served, written: Path) -> None:
    bomb = gzip.compress(b'{"resourceSpans":[],"x":"' + b"a" * (200 * MIB) + b'"}', 1)
    before = read_peak_mib(served.process.pid)
    for headers in (JSON, PROTOBUF):
        answer = ask(served.port, "/v1/traces", bomb, headers | {"Content-Encoding": "gzip"})
        assert answer.status == 413
    assert read_status(answer.body) == (8, "the body unpacks to more than 67108864 bytes: send smaller batches")
    assert read_peak_mib(served.process.pid) - before < 100


def read_peak_mib(pid: int) -> int:
    """The most memory that a process has had, in MiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


@line("Bad bodies")
def test_a_bad_body_is_400_in_the_encoding_of_the_request(served: Served, written: Path) -> None:
    for body in (b"{nope", b"[]", b"", b'{"resourceSpans": 1}', b"\xff", b"null"):
        said = check_refused(ask(served.port, "/v1/traces", body, JSON), 400, 3)
        assert "nope" not in said
    answer = ask(served.port, "/v1/traces", b"\xff\xff\xff", PROTOBUF)
    assert (answer.status, answer.headers["content-type"]) == (400, "application/x-protobuf")
    assert read_status(answer.body)[0] == 3
    answer = ask(served.port, "/v1/logs", as_json("wrong path"), JSON)
    assert check_refused(answer, 400, 3).endswith("send it to /v1/traces, not to /v1/logs")
    assert names_like(written, "wrong path") == []


@line("HTTP/1.1")
def test_connections_are_kept_and_bodies_may_come_in_chunks(served: Served, written: Path) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=HANG_S)
    with closing(connection):
        for number in range(3):
            body = as_json(f"kept {number}")
            parts = io.BytesIO(body) if number else iter([body[:7], body[7:90], body[90:]])
            connection.request("POST", "/v1/traces", parts, JSON, encode_chunked=True)
            assert connection.getresponse().read() == b"{}"
            connection.request("POST", "/v1/traces", b"{nope" + b" " * 100_000, JSON)
            response = connection.getresponse()
            assert (response.status, response.read()[:1]) == (400, b"{")
            connection.request("POST", "/v1/traces", b"x" * 100_000, {"Content-Type": "text/plain"})
            response = connection.getresponse()
            assert (response.status, response.read()[:1]) == (415, b"{")
    assert names_like(written, "kept *") == ["kept 0", "kept 1", "kept 2"]


@line("HTTP/1.1")
def test_a_client_that_expects_100_continue_is_told_so(served: Served, written: Path) -> None:
    body = as_json("expected")
    head = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\nExpect: 100-continue\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), HANG_S) as client:
        client.sendall(head.format("application/json").encode())
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
    assert names_like(written, "expected") == ["expected"]
    with socket.create_connection(("127.0.0.1", served.port), HANG_S) as client:
        client.sendall(head.format("text/plain").encode())
        answer = b"".join(iter(lambda: client.recv(1000), b""))  # to the end: whether the body follows is not known
    assert answer.startswith(b"HTTP/1.1 415 ")


@line("Durable")
def test_a_span_is_in_the_file_when_its_request_is_answered(served: Served, written: Path) -> None:
    for compression in (Compression.NoCompression, Compression.Gzip, Compression.Deflate):
        exporter = OTLPSpanExporter(f"{served.url}/v1/traces", compression=compression)
        assert exporter.export(make_spans(f"sdk {compression.value}")) is SpanExportResult.SUCCESS
        assert names_like(written, f"sdk {compression.value}") == [f"sdk {compression.value}"]
        exporter.shutdown()  # type: ignore[no-untyped-call]


@line("Partial success")
def test_a_bad_record_costs_itself_alone(served: Served, written: Path) -> None:
    request = make_trace("good beside bad")
    request["resourceSpans"][0]["scopeSpans"][0]["spans"].append({"traceId": "00", "spanId": "zz", "name": "bad"})
    for headers in (JSON, JSON):
        answer = ask(served.port, "/v1/traces", json.dumps(request).encode(), headers)
        success = answer.json["partialSuccess"]
        assert (answer.status, success["rejectedSpans"]) == (200, "1")
        assert success["errorMessage"] == "a span has no valid trace id and span id"
    assert names_like(written, "*beside bad") == ["good beside bad"]
    export = encode_spans(make_spans("good protobuf", "bad protobuf"))
    export.resource_spans[0].scope_spans[0].spans[1].trace_id = b""
    answer = ask(served.port, "/v1/traces", export.SerializeToString(), PROTOBUF)
    assert ExportTraceServiceResponse.FromString(answer.body).partial_success.rejected_spans == 1
    assert names_like(written, "* protobuf") == ["good protobuf"]


@line("Repeated requests")
def test_a_request_that_comes_again_changes_nothing(served: Served, written: Path) -> None:
    record = {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": "said twice"}}
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    spans, first, second = as_json("sent twice"), json.dumps(logs).encode(), json.dumps(logs, indent=1).encode()
    for _ in range(2):
        for path, body in (("/v1/traces", spans), ("/v1/logs", first)):
            answer = ask(served.port, path, body, JSON)
            assert (answer.status, answer.body) == (200, b"{}")
    assert names_like(written, "sent twice") == ["sent twice"]
    count = "SELECT count(*) FROM logs WHERE body = '\"said twice\"'"
    assert read(written, count) == [(1,)]
    assert ask(served.port, "/v1/logs", second, JSON).body == b"{}"
    assert read(written, count) == [(2,)]


@line("Counters")
def test_the_file_counts_what_each_sender_sent(served: Served, written: Path) -> None:
    for name in ("counted", "counted again"):
        body = as_json(name)
        ask(served.port, "/v1/traces", body, JSON | {"User-Agent": "my-agent/1.2 (linux) other/3"})
    counts = "SELECT received, stored, rejected, sent_bytes >= 400 FROM receiver_sources WHERE sender = 'my-agent'"
    assert read(written, counts) == [(2, 2, 0, 1)]
    ask(served.port, "/v1/traces", as_json("long name"), JSON | {"User-Agent": "x" * 1_000})
    ask(served.port, "/v1/traces", as_json("no name"), JSON | {"User-Agent": "\x7f(odd)"})
    names = {sender for (sender,) in read(written, "SELECT sender FROM receiver_sources")}
    assert {"x" * 100, "unknown"} < names


@line("Killed")
def test_what_was_answered_outlives_a_kill(path: Path) -> None:
    bodies = [as_json(f"killed {number}") for number in range(20)]
    answered = 0
    with serving(path, killed=True) as served, ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(ask, served.port, "/v1/traces", body, JSON) for body in bodies]
        while not any(one.done() for one in answers):
            time.sleep(0.001)
        served.process.kill()
        for one in answers:
            answered += one.exception() is None and one.result().status == 200
    assert len(span_names(path)) >= answered > 0
    with serving(path) as served:
        assert {ask(served.port, "/v1/traces", body, JSON).status for body in bodies} == {200}
    assert len(span_names(path)) == 20


@line("Full queue")
def test_a_full_queue_is_503_with_retry_after(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("before"))
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS", "60000")
    with serving_here(path, limits=SMALL._replace(waiting_bytes=50_000)) as server:
        with closing(sqlite3.connect(path, isolation_level=None)) as other, ThreadPoolExecutor(8) as threads:
            other.execute("BEGIN IMMEDIATE")
            bodies = [as_json(f"queued {number}") + b" " * 10_000 for number in range(8)]
            answers = [threads.submit(ask, server.port, "/v1/traces", body, JSON) for body in bodies]
            while not any(one.done() for one in answers):
                time.sleep(0.01)
            (refused, *_) = [one.result() for one in answers if one.done()]
            other.execute("COMMIT")
            taken = [one.result() for one in answers]
        check_refused(refused, 503, 14)
        assert 1 <= int(refused.headers["retry-after"]) <= 30
        (details,) = refused.json["details"]
        assert details["retryDelay"] == f"{refused.headers['retry-after']}s"
        assert {one.status for one in taken} == {200, 503}
    assert len(span_names(path)) == 1 + [one.status for one in taken].count(200)


@line("Full queue")
def test_bodies_in_flight_are_bounded(path: Path) -> None:
    with serving_here(path, limits=SMALL._replace(in_flight_bytes=MIB)) as server:
        with socket.create_connection(("127.0.0.1", server.port), HANG_S) as client:
            head = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            client.sendall(f"{head}Content-Length: 500000\r\n\r\n{' ' * 450_000}".encode())
            assert server._intake is not None
            while server._intake._budget._free > MIB - 450_000:  # else the other request could be first
                time.sleep(0.01)
            answer = ask(server.port, "/v1/traces", b" " * 450_000, JSON)
            assert check_refused(answer, 503, 14) == "too many bodies are being read: send this request again"
            assert answer.headers["retry-after"] == "1"
            # Another client has room all the while.
            assert ask(server.port, "/v1/traces", as_json("room"), JSON | {"User-Agent": "other/1"}).status == 200
        assert span_names(path) == ["room"]


@line("Locked file")
def test_while_the_file_is_locked_records_go_to_the_spool(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("before"))
    settings: dict[str, Any] = {"OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS": "50"}
    with serving(path, errors=".* WARNING .*-spool.*", **settings) as served:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert ask(served.port, "/v1/traces", as_json("spooled"), JSON).status == 200
            other.execute("COMMIT")
        assert ask(served.port, "/v1/traces", as_json("after"), JSON).status == 200
    assert span_names(path) == ["after", "before", "spooled"]


@line("Locked file")
def test_without_a_spool_a_locked_file_is_503(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("before"))
    settings: dict[str, Any] = {
        "OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS": "50",
        "OTEL_EXPORTER_SQLITE_SPOOL_LIMIT_BYTES": "0",
    }
    body = as_json("locked")
    with serving(path, errors=".* WARNING .*", **settings) as served:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = ask(served.port, "/v1/traces", body, JSON)
            check_refused(answer, 503, 14)
            assert int(answer.headers["retry-after"]) >= 1
            assert ask(served.port, "/readyz").status == 503
            assert ask(served.port, "/livez").status == 200
            other.execute("COMMIT")
        assert span_names(path) == ["before"]
        assert ask(served.port, "/v1/traces", body, JSON).status == 200
    assert span_names(path) == ["before", "locked"]


@line("Newer file")
def test_a_file_of_a_newer_version_is_only_read(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("before"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 9999")
    with serving(path, errors="Warning: what is sent is answered with 503 .*") as served:
        answer = ask(served.port, "/v1/traces", as_json("refused"), JSON)
        check_refused(answer, 503, 14)
        ready = ask(served.port, "/readyz")
        assert (ready.status, b"pip install -U otel-sqlite-exporter" in ready.body) == (503, True)
        assert [span.name for span in TelemetryDatabase(path).find_spans()] == ["before"]
    with serving(path, "--no-receiver") as served:
        assert ask(served.port, "/readyz").status == 200
        assert ask(served.port, "/v1/traces", as_json("refused"), JSON).status == 404


SECRET = "what the request held"


class FailingReceiver(Receiver):
    """Fails as no receiver should."""

    def submit(self, request: ReceivedRequest) -> Future[ExportAnswer]:
        if b"at once" in request.body:
            raise ValueError(SECRET)
        answer: Future[ExportAnswer] = Future()
        answer.set_exception(ZeroDivisionError(SECRET))
        return answer


@line("Failures")
def test_whatever_fails_the_request_is_to_be_sent_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server_module, "Receiver", FailingReceiver)
    with serving_here(path) as server:
        for name in ("at once", "later", "later"):
            answer = ask(server.port, "/v1/traces", as_json(name), JSON)
            assert check_refused(answer, 503, 14) == "the request could not be stored: send it again"
            assert answer.headers["retry-after"] == "5"
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert SECRET not in caplog.text


SLOW_HEAD = (
    b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n"
)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), HANG_S)


def read_to_end(client: socket.socket) -> bytes:
    """What the server answers until it ends the connection, with or without the rest of the request."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(4096):
            answer += piece
    return answer


@line("Slow clients")
def test_a_client_without_a_request_is_let_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_protocol, "_HEADERS_S", 0.2)
    with serving_here(path) as server:
        for begun in (b"", SLOW_HEAD[:40]):
            with connect(server.port) as client:
                client.sendall(begun)
                assert read_to_end(client) == b""


@line("Slow clients")
@pytest.mark.parametrize(
    ("limits", "is_sent"),
    [(SMALL._replace(piece_s=0.3, body_s=HANG_S), False), (SMALL._replace(piece_s=HANG_S, body_s=0.3), True)],
    ids=["its next piece", "the whole"],
)
def test_a_body_that_does_not_come_in_time_is_503(path: Path, limits: RequestLimits, is_sent: bool) -> None:
    with serving_here(path, limits=limits) as server, connect(server.port) as client:
        client.sendall(SLOW_HEAD)
        client.settimeout(0.05)
        answer = b""
        while not answer.endswith(b"}"):
            if is_sent and not answer:
                client.sendall(b" ")
            with contextlib.suppress(TimeoutError):
                answer += client.recv(4096)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 5\r\n" in answer
        assert b"the body did not come in time" in answer
        assert ask(server.port, "/v1/traces", as_json("meanwhile"), JSON).status == 200
    assert span_names(path) == ["meanwhile"]


@line("Slow clients")
def test_the_rest_of_a_request_is_awaited_no_longer_than_headers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving_here(path) as server, connect(server.port) as client:
        client.sendall(b"HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += client.recv(4096)
        # From here on, this connection has no time for headers that could end first.
        monkeypatch.setattr(patient_protocol, "_HEADERS_S", 0.2)
        client.sendall(SLOW_HEAD.replace(b"json", b"text") + b"{")
        assert read_to_end(client).startswith(b"HTTP/1.1 415 ")


@line("Other clients")
def test_stalled_clients_do_not_keep_others_from_being_served(served: Served, written: Path) -> None:
    head = (
        b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"
    )
    stalled = [socket.create_connection(("127.0.0.1", served.port), HANG_S) for _ in range(100)]
    try:
        for one in stalled[:50]:
            one.sendall(head)
        assert ask(served.port, "/v1/traces", as_json("served"), JSON).status == 200
    finally:
        for one in stalled:
            one.close()
    assert names_like(written, "served") == ["served"]


@line("Times")
def test_old_and_future_times_are_taken(served: Served, written: Path) -> None:
    for year, start in (("old", 1), ("future", 4_000_000_000_000_000_000)):
        times = {"startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 1)}
        assert ask(served.port, "/v1/traces", as_json(f"time {year}", **times), JSON).body == b"{}"
    assert names_like(written, "time *") == ["time future", "time old"]


@line("Settings")
def test_what_is_received_is_redacted(path: Path) -> None:
    attributes = [
        {"key": "user.password", "value": {"stringValue": "secret"}},
        {"key": "my.session", "value": {"stringValue": "mine"}},
        {"key": "long", "value": {"stringValue": "x" * 100}},
    ]
    settings: dict[str, Any] = {
        "OTEL_EXPORTER_SQLITE_REDACT_KEYS": "*password*",
        "OTEL_EXPORTER_SQLITE_SESSION_ATTRIBUTES": "my.session",
        "OTEL_EXPORTER_SQLITE_CAPTURE_LIMIT": "10",
    }
    with serving(path, **settings) as served:
        assert ask(served.port, "/v1/traces", as_json("private", attributes=attributes), JSON).status == 200
    ((found, session),) = read(path, "SELECT attributes, session_id FROM spans")
    assert session == "mine"
    assert json.loads(found)["user.password"] == "[redacted]"
    assert len(json.loads(found)["long"]) < 50


def test_the_request_by_hand_works_as_shown(served: Served, written: Path) -> None:
    (shown,) = re.findall(r"```text curl\n(.*?)```", (ROOT / "docs/receiver.md").read_text(), re.DOTALL)
    command, url, *arguments = shlex.split(shown)
    assert url == "http://127.0.0.1:4318/v1/traces"
    sent = [command, "-s", url.replace("4318", str(served.port)), *arguments]
    assert subprocess.run(sent, capture_output=True, check=True, timeout=HANG_S).stdout == b"{}"
    assert names_like(written, "by hand") == ["by hand"]


def test_empty_requests_of_each_signal_are_taken(served: Served) -> None:
    assert ExportLogsServiceRequest().SerializeToString() == b""
    for signal in ("traces", "logs", "metrics"):
        for body, headers in ((b"", PROTOBUF), (b"{}", JSON)):
            answer = ask(served.port, f"/v1/{signal}", body, headers)
            assert (answer.status, answer.body) == (200, body)
