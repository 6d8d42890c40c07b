# SPDX-License-Identifier: Apache-2.0
"""How a server is started, watched and stopped: docs/receiver.md."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from otel_sqlite_exporter.cli.commands import cli
from otel_sqlite_exporter.cli.edges.serve_commands import serve
from otel_sqlite_exporter.errors import ConfigurationError
from otel_sqlite_exporter.server.running import listening
from tests.commands import COMMAND, run_process
from tests.conftest import HANG_S, ROOT, clean_environment, exporting, make_spans, modules_after, span_names
from tests.file_checks import FOREIGN, NOT_SQLITE, snapshot
from tests.integration.test_receiver_contract import as_json
from tests.serving import JSON, LAST_LINE, ask, serving, serving_here

line = pytest.mark.line
DISTRIBUTION = "otel-sqlite-exporter"
CHECK = "tools/check_alive.py"


@line("Missing file")
def test_the_server_makes_the_file_at_its_start(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "otel.db"
    with serving(path) as served:
        assert served.printed.startswith(
            f"serving {path} (a new file in a new folder)\n  http://127.0.0.1:{served.port}\n  http://[::1]:{served.port}\n"
        )
        endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://"
        for line in (
            f"to send: {endpoint}127.0.0.1:{served.port} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            f"or gRPC: {endpoint}{served.grpc} OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
        ):
            assert f"\n{line}\n" in served.printed
        assert ask(served.port, "/readyz").status == 200
        for url in re.search(r"to read: (.*)\n", served.printed)[1].split(", "):  # type: ignore[index]
            assert ask(served.port, url.partition(str(served.port))[2]).status == 200
        assert ask(served.port, "/api/v1/sessions").json["data"] == []
        assert ask(served.port, "/v1/traces", as_json("first"), JSON).status == 200
    assert span_names(path) == ["first"]
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_the_page_is_opened_in_the_browser_of_the_user(tmp_path: Path) -> None:
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}\n', encoding="utf-8")
    browser.chmod(0o755)
    with serving(tmp_path / "otel.db", "--open", BROWSER=f"{browser} %s") as served:
        deadline = time.monotonic() + HANG_S
        while not (opened.exists() and opened.read_text(encoding="utf-8")) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert opened.read_text(encoding="utf-8") == f"{served.url}/"
        assert f"to look: {served.url}/\n" in served.printed
    with serving(
        tmp_path / "otel.db", "--open", errors="Warning: no browser .*\n", BROWSER="/nothing %s", PATH="/nothing"
    ):
        pass
    code, _, said = run_process("serve", tmp_path / "otel.db", "--open", "--no-page", "--port", 0, "--grpc-port", 0)
    assert code == 2
    assert "--open needs the page" in said


@line("Foreign file")
@pytest.mark.parametrize("make", [FOREIGN[0], *NOT_SQLITE], ids=lambda make: make.__name__)
def test_a_file_that_cannot_be_used_is_refused_at_the_start(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    before = snapshot(path)
    code, printed, said = run_process("serve", path, "--port", 0, "--grpc-port", 0)
    assert (code, printed, said.count("\n")) == (2, "", 1)
    assert said.startswith("Error: ")
    assert snapshot(path) == before


@line("Port taken")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken_is_one_sentence(path: Path, host: str) -> None:
    with closing(socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)) as other:
        port = other.getsockname()[1]
        where = listening.format_address(host, port)
        for option, ports in (("--port", (port, 0)), ("--grpc-port", (0, port))):
            assert run_process("serve", path, "--port", ports[0], "--grpc-port", ports[1]) == (
                2,
                "",
                f"Error: {where} is taken: stop the program that listens there, or give another port with {option} "
                "(0: any)\n",
            )
    assert not path.exists()


def test_a_host_that_is_not_of_this_machine_is_one_sentence(path: Path) -> None:
    for host, said in (
        ("192.0.2.1", "192.0.2.1 is no address of this machine: give one with --host, such as 127.0.0.1"),
        ("no host", "--host no host: this name has no address: give one of this machine, such as 127.0.0.1"),
    ):
        with pytest.raises(ConfigurationError, match=re.escape(said)):
            listening.listen((host,), 4318, "--port")
        assert run_process("serve", path, "--host", host) == (2, "", f"Error: {said}\n")  # before tokens and TLS
    assert not path.exists()


@line("No IPv6")
def test_without_ipv6_the_server_listens_on_ipv4(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "LOOPBACK", ("127.0.0.1", "2001:db8::1"))  # an address that no machine has
    with serving_here(path) as server:
        (url,) = server.base_urls
        assert url == f"http://127.0.0.1:{server.port}"
        assert server.warnings == ("2001:db8::1 is not available on this machine: the server is not reached there",)
        assert ask(server.port, "/livez").body == b"alive\n"


def test_an_answer_in_pieces_is_sent_at_once() -> None:
    """asyncio sets TCP_NODELAY where a socket tells its protocol; else the second piece waits for the ACK of the first,
    40 ms."""
    with closing(listening.listen((), 0, "--port")) as listeners:
        assert {bound.proto for bound in listeners.sockets} == {socket.IPPROTO_TCP}


@line("Stop")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_stop_writes_what_was_taken(path: Path, number: signal.Signals) -> None:
    head = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
    bodies = [as_json(f"taken {one}") for one in range(4)]
    with exporting(path) as exporter:
        exporter.export(make_spans("before"))
    with serving(path) as served, closing(sqlite3.connect(path, isolation_level=None)) as other, ExitStack() as stack:
        idle, half, *clients = (
            stack.enter_context(socket.create_connection(("127.0.0.1", served.port), HANG_S)) for _ in range(6)
        )
        other.execute("BEGIN IMMEDIATE")
        for client, body in zip(clients, bodies, strict=True):
            client.sendall(head.format(len(body)).encode() + body)
        half.sendall(head.format(900).encode() + b"{")
        assert ask(served.port, "/livez").status == 200  # by now the server has read what came before
        served.process.send_signal(number)
        assert half.recv(4096).startswith(b"HTTP/1.1 503 ")
        assert idle.recv(4096) == b""
        other.execute("COMMIT")
        assert [client.recv(4096)[:15] for client in clients] == [b"HTTP/1.1 200 OK"] * 4
        assert served.process.wait(HANG_S) == 0
    assert span_names(path) == ["before", *(f"taken {one}" for one in range(4))]


@line("Stop")
def test_a_stop_that_nobody_reads_of_is_one_all_the_same(path: Path) -> None:
    command = [*COMMAND, "serve", str(path), "--port", "0", "--no-grpc"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while process.stdout.readline() != LAST_LINE.encode():
            pass
        process.stdout.close()
        process.terminate()
        assert (process.stderr.read(), process.wait(HANG_S)) == (b"", 0)


@line("Alive and ready")
def test_readiness_follows_the_file(path: Path, tmp_path: Path) -> None:
    with serving_here(path, has_receiver=False) as server:
        missing = ask(server.port, "/readyz")
        assert (missing.status, missing.body.count(b"\n")) == (503, 1)
        for route in ("/api/v1/sessions", "/api/v1/info", "/api/v1/stream"):
            told = ask(server.port, route)
            assert (told.status, told.json["detail"]) == (503, f"no records yet: the file {path} does not exist")
        assert b"does not exist" in missing.body
        assert (ask(server.port, "/livez").status, ask(server.port, "/livez").body) == (200, b"alive\n")
    with exporting(path) as exporter:
        exporter.export(make_spans("there"))
    for has_receiver in (True, False):
        with serving_here(path, has_receiver=has_receiver) as server:
            assert (ask(server.port, "/readyz").status, ask(server.port, "/readyz").body) == (200, b"ready\n")
    assert span_names(path) == ["there"]


@line("Missing package")
@pytest.mark.parametrize(
    ("package", "options", "said"),
    [
        ("starlette", [], "`serve` needs starlette: `pip install 'otel-sqlite-exporter[serve]'`"),
        ("lark", ["--grpc"], "`serve` needs lark: `pip install 'otel-sqlite-exporter[serve,grpc]'`"),
        (
            "grpc",
            ["--grpc"],
            "gRPC needs grpcio: `pip install 'otel-sqlite-exporter[serve,grpc]'`, or leave --grpc out",
        ),
        (
            "mcp",
            ["--tools"],
            "tools for agents need mcp: `pip install 'otel-sqlite-exporter[serve,mcp]'`, or leave --tools out",
        ),
    ],
)
def test_a_missing_package_is_one_sentence(
    path: Path, tmp_path: Path, package: str, options: list[str], said: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"import sys; sys.modules[{package!r}] = None\n")
    assert run_process("serve", path, *options, PYTHONPATH=str(tmp_path)) == (2, "", f"Error: {said}\n")


@line("Missing package")
def test_without_grpcio_and_mcp_the_server_does_the_rest(path: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['grpc'] = sys.modules['mcp'] = None\n")
    with serving(path, PYTHONPATH=str(tmp_path)) as served:
        assert served.grpc == ""
        assert "/mcp" not in served.printed
        command = "`pip install 'otel-sqlite-exporter[serve,grpc,mcp]'`"
        assert f"\noff: gRPC and tools for agents, for which {command}\n" in served.printed
        assert ask(served.port, "/v1/traces", as_json("over http"), JSON).status == 200


def test_the_packages_of_the_server_are_imported_by_it_alone() -> None:
    heavy = {"starlette", "uvicorn", "h11", "grpc", "jinja2", "sse_starlette", "prometheus_client", "lark", "anyio"}
    imported = modules_after(
        "from otel_sqlite_exporter.cli.commands import cli; import otel_sqlite_exporter.receive.receiver"
    )
    assert {name for name in imported if name.partition(".")[0] in heavy} == set()


def find_closure(roots: Iterable[str]) -> set[str]:
    """The names of the distributions that these requirements need here, with what those need."""
    found: set[str] = set()
    waiting = [Requirement(one) for one in roots]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if name in found:
            continue
        found.add(name)
        extras = [{"extra": extra} for extra in (*one.extras, "")]
        for text in metadata.requires(name) or ():
            need = Requirement(text)
            if need.marker is None or any(need.marker.evaluate(extra) for extra in extras):
                waiting.append(need)
    return found


def test_the_extra_brings_few_and_small_packages() -> None:
    """Those that the package itself needs are not counted: they are there without it."""
    closure = find_closure([f"{DISTRIBUTION}[serve]"]) - find_closure([DISTRIBUTION])
    files = [file.locate() for name in closure for file in metadata.files(name) or () if file.suffix != ".pyc"]
    size = sum(os.stat(str(file)).st_size for file in files if os.path.exists(str(file)))
    assert {"starlette", "uvicorn", "opentelemetry-proto"} <= closure
    assert len(closure) <= 20
    assert size <= 30_000_000


def test_the_image_starts_the_server_with_options_that_it_has() -> None:
    text = (ROOT / "Containerfile").read_text()
    (arguments,) = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
    name, *options = shlex.split(arguments.strip("[]").replace(",", " "))
    assert cli.commands[name] is serve
    serve.make_context(name, options)
    defaults = {one.name: one.default for one in serve.params}
    assert re.findall(r"^EXPOSE (.*)$", text, re.MULTILINE) == [f"{defaults['grpc_port']} {defaults['port']}"]
    assert f"COPY {CHECK} " in text
    assert f"{defaults['port']}" in (ROOT / CHECK).read_text()
