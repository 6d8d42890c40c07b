# SPDX-License-Identifier: Apache-2.0
"""The command `serve` with its rules of access: HTTP and gRPC, with tokens and TLS, as a real process."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sqlite_exporter.server.access.tokens import TokenFile
from tests.commands import run_process
from tests.conftest import HANG_S, make_spans, read, span_names
from tests.guarded_server import request
from tests.integration.test_access import bearer, make_certificate
from tests.serving import Served, ask, serving

SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


def get(port: int, path: str, context: ssl.SSLContext | None = None, **headers: Any) -> int:
    return request(port, path, "GET", None, {"host": f"localhost:{port}"} | headers, context).status


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--host", "0.0.0.0"],
            r"0\.0\.0\.0 can be reached by other machines, and \S+ has no tokens: create .*; and the server has no "
            r"TLS: give --tls-cert and --tls-key, or --insecure where something before it speaks TLS "
            r"\(docs/security\.md\)",
        ),
        (["--require-token"], r"--require-token is given, and \S+-tokens has no tokens: create one with `\S+ -m .*"),
        (["--tls-cert", "{cert}"], r"a certificate needs its key: give both --tls-cert and --tls-key"),
        (["--allow-origin", "*"], r"--allow-origin '\*': give scheme and host, such as https://dash\.example"),
    ],
)
def test_what_is_not_safe_is_one_sentence(path: Path, tmp_path: Path, options: list[str], sentence: str) -> None:
    cert, _ = make_certificate(tmp_path)
    code, out, err = run_process("serve", path, *(option.format(cert=cert) for option in options))
    assert (code, out) == (2, "")
    assert re.fullmatch(f"Error: {sentence}\n", err)
    assert not path.exists()


def test_another_address_without_tls_is_refused_or_said_once(path: Path) -> None:
    TokenFile(f"{path}-tokens").create("ada", may_send=True, may_read=True)
    code, _, err = run_process("serve", path, "--host", "0.0.0.0")
    assert (code, "give --tls-cert and --tls-key, or --insecure" in err) == (2, True)
    warning = r"Warning: 0\.0\.0\.0 is served without TLS \(--insecure\): [^\n]*\n"
    with serving(path, "--host", "0.0.0.0", "--insecure", errors=warning) as served:
        assert get(served.port, "/metrics") == 401
        assert "0.0.0.0" not in served.printed
        assert f"to send: OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:{served.port} " in served.printed
        assert "HOST is an address of this machine, or a name that --allow-host gives\n" in served.printed
    with serving(path, "--host", "0.0.0.0", "--insecure", "--allow-host", "traces.example", errors=warning) as served:
        assert f"ENDPOINT=http://traces.example:{served.port} " in served.printed
        assert served.grpc.startswith("traces.example:")


def test_tokens_hold_for_both_protocols_and_name_the_sender(path: Path) -> None:
    file = TokenFile(f"{path}-tokens")
    sends, reads = (
        file.create(name, may_send=name == "sends", may_read=name == "reads") for name in ("sends", "reads")
    )
    with serving(path, "--require-token") as served:
        for secret, expected in ((sends, SUCCESS), (reads, FAILURE), ("wrong", FAILURE)):
            http = HttpSpanExporter(f"{served.url}/v1/traces", headers=bearer(secret), timeout=HANG_S)
            assert http.export(make_spans("by http")) is expected
            rpc = GrpcSpanExporter(f"http://{served.grpc}", headers=bearer(secret), timeout=HANG_S)
            assert rpc.export(make_spans("by gRPC")) is expected
        in_path = HttpSpanExporter(f"{served.url}/t/{sends}/v1/traces", timeout=HANG_S)
        assert in_path.export(make_spans("by path")) is SUCCESS
        assert get(served.port, "/api/v1/info", authorization=f"Bearer {reads}") == 200
        assert get(served.port, "/api/v1/info", authorization=f"Bearer {sends}") == 403
        assert get(served.port, "/metrics", authorization=f"Bearer {reads}") == 200
        assert get(served.port, "/mcp", authorization=f"Bearer {sends}") == 403
        assert get(served.port, "/livez") == 200
    assert sorted(span_names(path)) == ["by gRPC", "by http", "by path"]
    assert read(path, "SELECT sender, received FROM receiver_sources") == [("sends", 3)]


def test_tls_holds_for_both_protocols(path: Path, tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)
    authority = tmp_path / "ca.pem"
    context = ssl.create_default_context(cafile=str(authority))
    secret = TokenFile(f"{path}-tokens").create("ada", may_send=True, may_read=True)
    options = ("--host", "127.0.0.1", "--tls-cert", str(cert), "--tls-key", str(key), "--require-token")
    with serving(path, *options) as served:
        assert f"https://127.0.0.1:{served.port}\n" in served.printed
        assert get(served.port, "/metrics", context) == 401
        assert get(served.port, "/metrics", context, authorization=f"Bearer {secret}") == 200
        credentials = grpc.ssl_channel_credentials(authority.read_bytes())
        rpc = GrpcSpanExporter(
            f"https://{served.grpc}", credentials=credentials, headers=bearer(secret), timeout=HANG_S
        )
        assert rpc.export(make_spans("over TLS")) is SUCCESS
    assert span_names(path) == ["over TLS"]


ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="changes the limit of another process")
NO_FILE_LEFT = r"[^\n]* ERROR socket\.accept[^\n]*\n[^\n]*\n"


@contextlib.contextmanager
def without_files(served: Served) -> Iterator[None]:
    """Connections take all files that a server may open, which are few meanwhile."""
    import resource

    opened = Path(f"/proc/{served.process.pid}/fd")
    _, hard = resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE)
    most = max(int(one.name) for one in opened.iterdir()) + 3
    resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE, (most, hard))
    with contextlib.ExitStack() as held:
        here = ("127.0.0.1", served.port)
        for _ in range(most):
            held.enter_context(closing(socket.create_connection(here)))
        while len([*opened.iterdir()]) < most:
            time.sleep(0.01)
        yield
    resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE, (hard, hard))


@ON_LINUX
def test_too_many_open_files_are_said_once_and_pass(path: Path) -> None:
    file = TokenFile(f"{path}-tokens")
    headers = {"Authorization": f"Bearer {file.create('ada', may_send=False, may_read=True)}"}
    with serving(path, "--require-token", errors=NO_FILE_LEFT) as served:
        with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=HANG_S)) as kept:

            def get_kept() -> int:
                kept.request("GET", "/api/v1/openapi.json", headers=headers)
                answer = kept.getresponse()
                answer.read()
                return answer.status

            assert get_kept() == 200
            with without_files(served):
                os.utime(file.path, ns=(1, 1))  # so that it is read again, which cannot be done now
                assert get_kept() == 401
        assert ask(served.port, "/api/v1/openapi.json", headers=headers).status == 200


@ON_LINUX
def test_a_server_that_could_not_accept_stops_quietly(path: Path) -> None:
    """It would accept again a second after that, and stops in this second, which the half of a request makes longer."""
    head = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n"
    with serving(path, errors=NO_FILE_LEFT) as served, contextlib.ExitStack() as held:
        half = held.enter_context(closing(socket.create_connection(("127.0.0.1", served.port))))
        half.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert half.recv(100).startswith(b"HTTP/1.1 100 ")
        with without_files(served):
            pass
        served.process.terminate()
        assert half.recv(100).startswith(b"HTTP/1.1 503 ")
