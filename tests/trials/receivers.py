# SPDX-License-Identifier: Apache-2.0
"""The server is killed between requests and answers, while clients repeat over HTTP and gRPC what was not answered, and
another process holds the lock of the file now and then."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from tests.commands import COMMAND
from tests.conftest import clean_environment
from tests.received import NOON_NS, make_log, make_message, make_span
from tests.trials.kills import lock_now_and_then
from tests.trials.outcome import Outcome, is_orphan, kill, spawn
from tests.trials.writers import Notes, check

KILLS = 4
LONGEST_LIFE_S = 0.2
_PAUSE_S = 0.005
_HOST = "127.0.0.1"
_LAST_LINE = b"Ctrl-C stops it\n"


class Ports(NamedTuple):
    """Where the server is reached, again and again."""

    http: int
    grpc: int


class Wanted(NamedTuple):
    """A request that is to be sent: its body, and the names of its records."""

    signal: str
    body: bytes
    names: list[str]


Send = Callable[[Wanted], bool]
"""Sends a request, and returns whether it was answered as wholly stored."""


def try_receivers(folder: Path, chance: random.Random) -> Outcome:
    """Each kill is a trial."""
    path, notes, ports = folder / "otel.db", Notes(folder / "notes"), _find_ports()
    ways = (*[_send_json] * 4, *[_send_protobuf] * 2, *[_send_by_grpc] * 2)
    others = [spawn(_send_on, way, ports, notes, f"{chance.random()}") for way in ways]
    others.append(spawn(lock_now_and_then, path, chance.random()))
    for _ in range(KILLS):
        before = len(notes.names())
        server = _serve(path, ports, chance.choice([0, 20, 5_000]))
        while len(notes.names()) == before and server.poll() is None:
            time.sleep(_PAUSE_S)
        time.sleep(chance.uniform(0, LONGEST_LIFE_S))
        server.kill()
        assert server.wait() == -signal.SIGKILL
    for pid in others:
        kill(pid)
    return Counter(trials=KILLS) + check(path, notes.names())


def _find_ports() -> Ports:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in Ports._fields]
        for one in sockets:
            one.bind((_HOST, 0))
        return Ports(*(one.getsockname()[1] for one in sockets))


def _serve(path: Path, ports: Ports, busy_timeout_ms: int) -> subprocess.Popen[bytes]:
    """Start a server, and return it when it takes requests."""
    server = subprocess.Popen(
        [*COMMAND, "serve", path, "--host", _HOST, "--port", f"{ports.http}", "--grpc-port", f"{ports.grpc}"],
        stdout=subprocess.PIPE,
        env=clean_environment(OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS=f"{busy_timeout_ms}"),
    )
    assert server.stdout is not None
    with server.stdout as lines:
        assert _LAST_LINE in lines
    return server


def _send_on(way: Callable[[Ports, random.Random], Iterator[Send]], ports: Ports, notes: Notes, prefix: str) -> None:
    """A program: send one request after the other, each until it is answered, and note the names of its records."""
    chance = random.Random(prefix)
    number = 0
    connections = way(ports, chance)
    send = next(connections)
    is_json = way is _send_json
    while not is_orphan():
        number += 1
        wanted = _make_request(chance, f"{prefix}/{number}", is_json=is_json)
        while not is_orphan():
            try:
                if send(wanted):
                    notes.add_names(wanted.names)
                    break
            except (OSError, http.client.HTTPException):
                send = next(connections)
            time.sleep(chance.uniform(0, 2 * _PAUSE_S))


def _send_json(ports: Ports, chance: random.Random) -> Iterator[Send]:
    """JSON over HTTP; some requests are given up before they are answered, and repeated."""
    return _send_by_http(ports, chance, "application/json", b"{}")


def _send_protobuf(ports: Ports, chance: random.Random) -> Iterator[Send]:
    return _send_by_http(ports, chance, "application/x-protobuf", b"")


def _send_by_http(ports: Ports, chance: random.Random, content_type: str, done: bytes) -> Iterator[Send]:
    number = chance.randrange(100)
    while True:
        connection = http.client.HTTPConnection(_HOST, ports.http, timeout=chance.choice([0.02, 10, 10]))

        def send(wanted: Wanted, connection: http.client.HTTPConnection = connection) -> bool:
            connection.request(
                "POST",
                f"/v1/{wanted.signal}",
                wanted.body,
                {"Content-Type": content_type, "User-Agent": f"sender-{number}/1"},
            )
            answer = connection.getresponse()
            return (answer.read(), answer.status) == (done, 200)

        yield send
        connection.close()


def _send_by_grpc(ports: Ports, _: random.Random) -> Iterator[Send]:
    import grpc

    methods = {
        name: f"/opentelemetry.proto.collector.{package}.v1.{service}/Export"
        for name, package, service in (("traces", "trace", "TraceService"), ("logs", "logs", "LogsService"))
    }
    while True:
        channel = grpc.insecure_channel(f"{_HOST}:{ports.grpc}", [("grpc.enable_http_proxy", 0)])
        calls: dict[str, Any] = {name: channel.unary_unary(method) for name, method in methods.items()}

        def send(wanted: Wanted, calls: dict[str, Any] = calls) -> bool:
            try:
                return bool(calls[wanted.signal](wanted.body, timeout=10) == b"")
            except grpc.RpcError as error:
                raise ConnectionError from error

        yield send
        channel.close()


def _make_request(chance: random.Random, prefix: str, *, is_json: bool) -> Wanted:
    names = [f"{prefix}/{place}" for place in range(chance.randrange(1, 6))]
    if chance.random() < 0.5:
        if is_json:
            return Wanted("logs", json.dumps(make_message("logs", *map(make_log, names))).encode(), names)
        logs = LogsData()
        records = logs.resource_logs.add().scope_logs.add().log_records
        for name in names:
            records.add(time_unix_nano=NOON_NS).body.string_value = name
        return Wanted("logs", logs.SerializeToString(), names)
    traces = {name: chance.getrandbits(127) + 1 for name in names}
    if is_json:
        made = [make_span(1, name=name, traceId=f"{trace:032x}") for name, trace in traces.items()]
        return Wanted("traces", json.dumps(make_message("traces", *made)).encode(), names)
    data = TracesData()
    spans = data.resource_spans.add().scope_spans.add().spans
    for name, trace in traces.items():
        spans.add(
            trace_id=trace.to_bytes(16, "big"),
            span_id=b"\1" * 8,
            name=name,
            start_time_unix_nano=NOON_NS,
            end_time_unix_nano=NOON_NS + 1,
        )
    return Wanted("traces", data.SerializeToString(), names)
