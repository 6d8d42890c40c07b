# SPDX-License-Identifier: Apache-2.0
"""A server as tests run it, in a process of its own or on a thread of this one, and what they ask it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from otel_sqlite_exporter.server.serve_options import ServeOptions
from otel_sqlite_exporter.server.serving import TelemetryServer
from otel_sqlite_exporter.settings import resolve_settings
from tests.commands import COMMAND
from tests.conftest import HANG_S, clean_environment

JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}
LAST_LINE = "Ctrl-C stops it\n"
STOPPING = "stopping: what was taken is written\n"


class Served(NamedTuple):
    """A server that takes requests: the port of HTTP on both loopback addresses, the address of gRPC if it is on, what
    it printed, and its process."""

    port: int
    grpc: str
    printed: str
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(
    path: Path | str, *options: str, errors: str = "", killed: bool = False, **environment: str
) -> Iterator[Served]:
    """Run `serve PATH` on free ports, and stop it by SIGTERM at the end: it must exit with 0, and write to stderr what
    the expression `errors` matches; unless it was `killed`."""
    ports = [] if "--port" in options else ["--port", "0", "--grpc-port", "0"]
    with subprocess.Popen(
        [*COMMAND, "serve", str(path), *ports, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=clean_environment(**environment),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines: list[str] = []
        while not lines or lines[-1] != LAST_LINE:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            lines.append(line)
        printed = "".join(lines)
        url = re.search(r"https?://\S+:(\d+)\n", printed)
        grpc = re.search(r"(\S+) \(gRPC\)", printed)
        assert url is not None
        try:
            yield Served(int(url[1]), grpc[1] if grpc else "", printed, process)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                output, said = process.communicate(timeout=HANG_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert (process.returncode, output) == ((-signal.SIGKILL, "") if killed else (0, STOPPING))
        assert re.fullmatch(errors, said, re.DOTALL), said


@contextmanager
def serving_here(path: Path | str, **options: Any) -> Iterator[TelemetryServer]:
    """Run a server with these `ServeOptions` on a thread of this process."""
    server = TelemetryServer(resolve_settings(path), ServeOptions(**{"port": 0, "grpc_port": 0} | options))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.wait_until_started(HANG_S)
        yield server
    finally:
        server.stop()
        thread.join(HANG_S)
        assert not thread.is_alive()


class Answer(NamedTuple):
    """What was answered: status, headers with names in small letters, and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which must say that it is JSON."""
        assert re.match(r"application/(problem\+)?json\b", self.headers["content-type"])
        return json.loads(self.body)


def ask(
    port: int,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    method: str | None = None,
    host: str = "127.0.0.1",
) -> Answer:
    """Send a request to a server on this machine: GET, or POST if there is a body."""
    connection = http.client.HTTPConnection(host, port, timeout=HANG_S)
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, body, dict(headers or {}))
        response = connection.getresponse()
        answered = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, answered, response.read())
    finally:
        connection.close()
