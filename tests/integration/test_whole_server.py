# SPDX-License-Identifier: Apache-2.0
"""The whole of `serve`, as those use it who send to it and read from it: every part on one port, on loopback as it is,
and elsewhere with tokens and TLS."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import grpc
import httpx
import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sqlite_exporter.server import whole_bodies
from otel_sqlite_exporter.server.access.access_policy import make_policy
from otel_sqlite_exporter.server.access.tokens import TokenFile
from otel_sqlite_exporter.server.running import http_server, patient_protocol, tls_openings
from tests.commands import run_process
from tests.conftest import HANG_S, ROOT, exporting, make_spans
from tests.integration.test_access import make_certificate
from tests.integration.test_receiver_contract import as_json
from tests.serving import JSON, ask, serving, serving_here

line = pytest.mark.line
PATHS = (
    "/",
    "/api/v1",
    "/livez",
    "/readyz",
    "/v1/traces",
    "/api/v1/info",
    "/api/v1/traces",
    "/metrics",
    "/mcp",
    "/nothing",
)
ENDLESS = "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT count(*) FROM t"


class Peer(NamedTuple):
    """How a program reaches the server: `verify` is the authority of its certificate."""

    url: str
    grpc: str
    secret: str | None
    authority: Path | None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.secret is None else {"authorization": f"Bearer {self.secret}"}

    @property
    def tls(self) -> ssl.SSLContext | bool:
        return True if self.authority is None else ssl.create_default_context(cafile=str(self.authority))

    def send(self) -> None:
        """Send a span each as the exporters of Python do, over HTTP and gRPC, and as JSON by hand."""
        over_http = HttpSpanExporter(
            f"{self.url}/v1/traces",
            headers=self.headers,
            certificate_file=None if self.authority is None else str(self.authority),
        )
        credentials = None if self.authority is None else grpc.ssl_channel_credentials(self.authority.read_bytes())
        over_grpc = GrpcSpanExporter(f"{self.url[: self.url.index(':')]}://{self.grpc}", credentials=credentials)
        if self.secret is not None:
            over_grpc = GrpcSpanExporter(f"https://{self.grpc}", credentials=credentials, headers=self.headers)
        for exporter, name in ((over_http, "by HTTP"), (over_grpc, "by gRPC")):
            assert exporter.export(make_spans(name)) is SpanExportResult.SUCCESS
            exporter.shutdown()
        by_hand = httpx.post(
            f"{self.url}/v1/traces", content=as_json("by hand"), headers=JSON | self.headers, verify=self.tls
        )
        assert (by_hand.status_code, by_hand.json()) == (200, {})

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers=self.headers, verify=self.tls, timeout=HANG_S)

    async def ask_tool(self, name: str, **arguments: Any) -> Any:
        """The answer of a tool, by the official client."""
        async with httpx2.AsyncClient(headers=self.headers, verify=self.tls, timeout=HANG_S) as http:
            transport = streamable_http_client(f"{self.url}/mcp", http_client=http)
            async with Client(transport) as client:
                [content] = (await client.call_tool(name, arguments)).content
                assert content.type == "text"
                return json.loads(content.text)


@line("Parts")
@line("Tokens and TLS")
@pytest.mark.slow
@pytest.mark.parametrize("is_open", [False, True], ids=["on loopback", "with tokens and TLS"])
def test_what_is_sent_in_any_way_is_read_in_any_way(
    path: Path, tmp_path: Path, is_open: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # requests prefers them to what the exporter is given
        monkeypatch.delenv(name, raising=False)
    options: tuple[str, ...] = ()
    secret = authority = None
    if is_open:
        cert, key = make_certificate(tmp_path)
        secret = TokenFile(f"{path}-tokens").create("all", may_send=True, may_read=True)
        authority = tmp_path / "ca.pem"
        options = ("--host", "0.0.0.0", "--tls-cert", str(cert), "--tls-key", str(key))
    with serving(path, *options) as served:
        scheme = "https" if is_open else "http"
        assert ("with a token: OTEL_EXPORTER_OTLP_HEADERS=" in served.printed) == is_open
        peer = Peer(f"{scheme}://127.0.0.1:{served.port}", served.grpc.replace("HOST", "127.0.0.1"), secret, authority)
        peer.send()
        sent = {"by HTTP", "by gRPC", "by hand"}
        listed = peer.get("/api/v1/traces").json()["data"]
        assert {one["name"] for one in listed} == sent
        assert "otel_sqlite_received_records_total{" in peer.get("/metrics").text
        found = anyio.run(lambda: peer.ask_tool("find", of="traces"))
        assert len(found["rows"]) == 3
        code, printed, _ = run_process("traces", path, "--json")
        assert code == 0
        assert {one["name"] for one in json.loads(printed)["traces"]} == sent
        if is_open:
            assert peer._replace(secret="wrong").get("/metrics").status_code == 401
        check = [sys.executable, str(ROOT / "tools" / "check_alive.py")]
        checked = [subprocess.run([*check, str(port)], check=False).returncode for port in (served.port, 9)]
        assert checked == [0, 1]


def test_a_body_without_its_type_is_told_which_to_give(path: Path) -> None:
    with serving_here(path) as server:
        for where, types in (("/api/v1/sql", ""), ("/v1/traces", " or application/x-protobuf")):
            for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/xml"}):
                answer = ask(server.port, where, b"{}", headers)
                said = answer.json.get("detail", answer.json.get("message"))
                assert (answer.status, said) == (415, f"give Content-Type: application/json{types}")


def test_what_a_browser_is_led_to_answers(path: Path) -> None:
    with serving_here(path) as server:
        links = ask(server.port, "/api/v1").json["links"]
        assert {"page", "info", "tools", "receiver"} <= {link["name"] for link in links}
        for link in links:
            assert ask(server.port, link["href"]).status == (405 if "POST" in link["title"] else 200), link
        told = ask(server.port, "/mcp", headers={"Accept": "*/*"})
        assert (told.status, told.headers["allow"]) == (405, "POST")
        assert "which ask with POST" in told.json["detail"]
        for where, kind in (("/nothing", "no-such-route"), ("/api/v1/nothing", "no-such-route")):
            assert ask(server.port, where).json["type"] == f"urn:otel-sqlite-exporter:{kind}"
    with serving_here(path, has_api=False, has_receiver=False, has_tools=False) as server:
        assert {link["name"] for link in ask(server.port, "/").json["links"]} == {"metrics", "ready"}
        assert ask(server.port, "/api/v1").status == 404


@line("Parts")
def test_each_part_can_be_switched_off(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("there"))
    served_by: dict[str, Callable[[int], int]] = {
        "has_receiver": lambda port: ask(port, "/v1/traces", as_json("sent"), JSON).status,
        "has_api": lambda port: ask(port, "/api/v1/info").status,
        "has_page": lambda port: ask(port, "/sessions").status,
        "has_metrics": lambda port: ask(port, "/metrics").status,
        "has_tools": lambda port: ask(port, "/mcp", b"{}", JSON).status,
    }
    for off in served_by:
        with serving_here(path, has_grpc=False, **{off: False}) as server:
            assert server.grpc_addresses == ()
            answers = {part: request(server.port) for part, request in served_by.items()}
            assert answers.pop(off) == 404
            assert answers.pop("has_page", 200) == (404 if off == "has_api" else 200)
            assert 404 not in answers.values()
    with serving(path, "--no-receiver", "--no-api", "--no-metrics", "--no-tools") as served:
        assert served.grpc == ""
        assert "to read" not in served.printed
        assert "to look" not in served.printed
        assert "to send" not in served.printed
        assert {request(served.port) for request in served_by.values()} == {404}
        assert ask(served.port, "/readyz").status == 200


def test_a_name_that_was_pointed_here_is_refused_on_every_route(path: Path) -> None:
    with serving_here(path) as server:
        for where in PATHS:
            for method in ("GET", "POST"):
                answer = ask(server.port, where, headers=JSON | {"Host": "evil.example"}, method=method)
                assert answer.status == 421, where


def begin(port: int, method: str, where: str, body: Any = None, *, missing: int = 0, more: str = "") -> socket.socket:
    """Send a request, of which some bytes are missing at the end."""
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {where} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\n"
        f"{more}"
        f"Content-Length: {len(content) + missing}\r\n\r\n"
    )
    client = socket.create_connection(("127.0.0.1", port), HANG_S)
    client.sendall(head.encode() + content)
    return client


def read_all(client: socket.socket) -> bytes:
    """What is answered until the connection is closed."""
    with closing(client):
        return b"".join(iter(lambda: client.recv(65536), b""))


@line("Stop")
@pytest.mark.slow
def test_a_stop_waits_for_nothing_without_an_end(path: Path) -> None:
    """A stream, a statement of half a minute, a tool that waits as long, and bodies that never come."""
    waiting = {"of": "traces", "filter": "service:never", "timeout_s": 30}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "wait_for", "arguments": waiting}}
    with serving(path) as served:
        port = served.port
        assert ask(port, "/v1/traces", as_json("taken"), JSON).status == 200
        anyio.run(lambda: Peer(served.url, "", None, None).ask_tool("overview"))
        stream = begin(port, "GET", "/api/v1/stream")
        statement = begin(port, "POST", "/api/v1/sql", {"sql": ENDLESS, "timeout_s": 30})
        tool = begin(port, "POST", "/mcp", call)
        halves = [begin(port, "POST", where, {}, missing=9) for where in ("/v1/traces", "/api/v1/sql", "/mcp")]
        assert ask(port, "/livez").status == 200  # by now the server has read what came before
        served.process.terminate()
        assert [read_all(half)[:12] for half in halves] == [b"HTTP/1.1 503"] * 3
        assert b"event: ready" in read_all(stream)
        assert b"the server stops: ask again" in read_all(statement)
        assert b"result" not in read_all(tool)
        assert served.process.wait(HANG_S) == 0


@line("Slow clients")
def test_a_body_that_does_not_come_is_said_on_every_route(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_bodies, "PIECE_S", 0.2)
    with serving_here(path) as server:
        for where in ("/api/v1/sql", "/mcp", "/nothing"):
            answer = read_all(begin(server.port, "POST", where, {}, missing=9))
            assert answer.startswith(b"HTTP/1.1 503 "), answer
            assert b"\r\nretry-after: " in answer
            assert b"the body did not come in time" in answer


@line("Connections")
def test_too_many_connections_cost_those_that_ask_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle connection gives way to a new one; where all are in use, the new one is told when to come again."""
    monkeypatch.setattr(patient_protocol, "_MOST_CONNECTIONS", 3)
    with serving_here(path) as server, ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port), HANG_S)) for _ in range(3)]
        assert ask(server.port, "/livez").status == 200
        assert silent[0].recv(1) == b""  # the oldest
        for _ in range(3):
            busy = begin(server.port, "POST", "/v1/traces", {}, missing=9, more="Expect: 100-continue\r\n")
            assert stack.enter_context(busy).recv(4096).startswith(b"HTTP/1.1 100 ")
        for where, member in (("/v1/traces", "message"), ("/api/v1/info", "detail")):
            answer = ask(server.port, where, as_json("late"), JSON)
            assert (answer.status, answer.headers["retry-after"], answer.headers["connection"]) == (503, "1", "close")
            assert answer.json[member] == "too many connections are open: send this request again"


def test_a_client_that_does_not_begin_tls_is_let_go(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "_HANDSHAKE_S", 0.2)
    cert, key = make_certificate(tmp_path)
    policy = make_policy(["127.0.0.1"], token_file=f"{path}-tokens", tls_cert=str(cert), tls_key=str(key))
    with serving_here(path, policy=policy, has_grpc=False) as server:
        assert server.base_urls[0].startswith("https://")
        assert read_all(socket.create_connection(("127.0.0.1", server.port), HANG_S)) == b""


@line("Connections")
def test_clients_that_do_not_begin_tls_keep_nobody_out(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_openings, "_MOST", 2)
    cert, key = make_certificate(tmp_path)
    policy = make_policy(["127.0.0.1"], token_file=f"{path}-tokens", tls_cert=str(cert), tls_key=str(key))
    peer = Peer("", "", None, tmp_path / "ca.pem")
    with serving_here(path, policy=policy, has_grpc=False) as server, ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port), HANG_S)) for _ in range(4)]
        with httpx.Client(verify=peer.tls) as client:
            answers = [client.get(f"https://127.0.0.1:{server.port}/livez").status_code for _ in range(3)]
        assert answers == [200] * 3
        assert [one.recv(1) for one in silent[:2]] == [b""] * 2
