# SPDX-License-Identifier: Apache-2.0
"""The receiver: its CPU against that of the exporter, and the `serve` command under clients that send all the time."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from opentelemetry.exporter.otlp.json.common.trace_encoder import encode_spans as encode_json
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as encode_protobuf
from opentelemetry.sdk.trace import ReadableSpan

from benchmarks.measure import Result, run_rounds
from benchmarks.producers import count
from benchmarks.rivals import Contender
from benchmarks.sender import JSON, PROTOBUF
from benchmarks.spans import build_spans
from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.otlp.alterations import Alterations
from otel_sqlite_exporter.otlp.otlp_decoder import decode_message
from otel_sqlite_exporter.otlp.parsed_json import parse_json
from otel_sqlite_exporter.otlp.protobuf import parse_protobuf
from otel_sqlite_exporter.receive.receiver import Receiver
from otel_sqlite_exporter.receive.requests import ReceivedRequest
from otel_sqlite_exporter.settings import resolve_settings

CLIENTS = 8
KINDS = {"spans of 1 kB": (840, 0), "calls of 1 kB": (300, 10), "calls of 3 kB": (2_400, 10)}
"""Characters of the texts in a span, and how many of a trace's ten spans are calls."""
EXPORTER = "this exporter"
_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Decoding(Contender):
    """Reads the records of a body, and does nothing with them."""

    def __init__(self, form: str) -> None:
        self._form = form

    def prepare(self, spans: Sequence[ReadableSpan]) -> bytes:
        return encode_body(spans, self._form)

    def write(self, prepared: bytes) -> None:
        message = parse_json(prepared) if self._form == JSON else parse_protobuf(prepared, "traces")
        for _ in decode_message(message, Alterations()):
            pass

    def close(self) -> None:
        pass


class Receiving(Decoding):
    """The receiver without HTTP: a body is taken, decoded, encoded and written, and the answer is waited for."""

    def __init__(self, form: str, path: Path) -> None:
        super().__init__(form)
        self._receiver = Receiver(resolve_settings(path))

    def write(self, prepared: bytes) -> None:
        request = ReceivedRequest("traces", prepared, self._form == JSON, "benchmark", "client", len(prepared))
        answer = self._receiver.submit(request).result()
        if answer.rejected:
            raise RuntimeError(answer.reason)

    def close(self) -> None:
        self._receiver.close()


def compare_with_exporter(folder: Path, rounds: int, kind: str) -> dict[str, Result]:
    """Give the exporter and the receiver the same spans, batch by batch; and decode them alone."""
    folder.mkdir()
    contenders: dict[str, Contender] = {EXPORTER: Contender(SQLiteSpanExporter(folder / "exported.db"))}
    for form in (JSON, PROTOBUF):
        contenders[form] = Receiving(form, folder / f"{form}.db")
        contenders[f"decoding {form}"] = Decoding(form)
    with contextlib.ExitStack() as stack:
        for contender in contenders.values():
            stack.callback(contender.close)
        return run_rounds(contenders, rounds, make_spans=lambda: build_spans(10, *KINDS[kind]))


def encode_body(spans: Sequence[ReadableSpan], form: str) -> bytes:
    """Return the body of one request with these spans."""
    if form == JSON:
        return json.dumps(encode_json(spans).to_dict(), separators=(",", ":")).encode()
    body: bytes = encode_protobuf(spans).SerializeToString()
    return body


class Served(NamedTuple):
    """What a server did for clients that sent all the time.

    Attributes:
        spans: Spans that were acknowledged.
        lost: Those of them that are not in the file.
        spans_a_second: All clients together.
        requests_a_second: All clients together.
        cpu_us_a_span: The CPU of the server's process, user and system.
        busy: Answers that asked a client to come again.
        memory_mib: The resident memory of the server, at the end of each tenth of the time.
    """

    spans: int
    lost: int
    spans_a_second: float
    requests_a_second: float
    cpu_us_a_span: float
    busy: int
    memory_mib: tuple[float, ...]


class Server:
    """A process of the `serve` command, on any free port."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-m", "otel_sqlite_exporter", "serve", str(path), "--port", "0"]
        self._process = subprocess.Popen([*command, "--no-grpc"], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = next(found[0] for line in self._process.stdout if (found := _ADDRESS.search(line)))
        self._folder = Path("/proc", str(self._process.pid))

    def read_cpu_s(self) -> float:
        """Return the seconds of CPU that it used."""
        fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def read_memory_mib(self) -> float:
        """Return its resident memory."""
        return int((self._folder / "statm").read_text().split()[1]) * _PAGE / (1 << 20)

    def close(self) -> None:
        """Let it write what waits, and end."""
        self._process.terminate()
        self._process.communicate()


class _Client:
    """A process that sends."""

    def __init__(self, command: Sequence[str]) -> None:
        folder = Path(__file__).parents[1]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder)

    def wait_until_ready(self) -> None:
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def start(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def finish(self) -> dict[str, Any]:
        """Return what it sent."""
        sent: dict[str, Any] = json.loads(self._process.communicate()[0])
        return sent


def serve_clients(
    folder: Path, kind: str, form: str, *, is_packed: bool, spans_a_request: int, seconds: float, clients: int = CLIENTS
) -> Served:
    """Run the server, and let processes send to it for some time. What a request holds has other ids than all before
    it."""
    folder.mkdir()
    body = encode_body(list(islice(build_spans(10, *KINDS[kind]), spans_a_request)), form)
    (folder / "body").write_bytes(body)
    path = folder / "served.db"
    server = Server(path)
    command = [sys.executable, "-m", "benchmarks.sender", server.url, str(seconds), form, str(int(is_packed))]
    try:
        senders = [_Client([*command, str(number), str(folder / "body")]) for number in range(clients)]
        for sender in senders:
            sender.wait_until_ready()
        began, cpu = time.perf_counter(), server.read_cpu_s()
        for sender in senders:
            sender.start()
        memory = []
        for tenth in range(1, 11):
            time.sleep(max(began + seconds * tenth / 10 - time.perf_counter(), 0))
            memory.append(server.read_memory_mib())
        sent = [sender.finish() for sender in senders]
        taken, cpu = max(one["seconds"] for one in sent), server.read_cpu_s() - cpu
    finally:
        server.close()
    requests = sum(one["requests"] for one in sent)
    stored = requests * spans_a_request
    return Served(
        spans=stored,
        lost=stored - count(path),
        spans_a_second=stored / taken,
        requests_a_second=requests / taken,
        cpu_us_a_span=cpu / stored * 1e6,
        busy=sum(one["busy"] for one in sent),
        memory_mib=tuple(memory),
    )
