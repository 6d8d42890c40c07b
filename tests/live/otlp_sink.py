# SPDX-License-Identifier: Apache-2.0
"""An OTLP receiver on the loopback address, for tests: it keeps what comes as lines that `import` reads."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

JSON = dict[str, Any]

_SIGNALS: dict[str, tuple[str, Any]] = {
    "/v1/traces": ("resourceSpans", ExportTraceServiceRequest),
    "/v1/logs": ("resourceLogs", ExportLogsServiceRequest),
    "/v1/metrics": ("resourceMetrics", ExportMetricsServiceRequest),
}
_IDS = ("traceId", "spanId", "parentSpanId")


class OTLPSink(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1 for as long as its `with` block lasts. It takes OTLP over HTTP as JSON or
    protobuf, packed with gzip or not."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lines: list[str] = []
        """OTLP as JSON, a message a line, as it came."""
        self.tokens: set[str | None] = set()
        """Those that requests had in their header or before their path; None: one had none."""

    @property
    def url(self) -> str:
        """What an exporter takes as its endpoint, to which it adds `/v1/traces`."""
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> OTLPSink:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: OTLPSink

    def do_POST(self) -> None:
        body = self._read_body()
        is_json = self.headers.get_content_type() == "application/json"
        before, _, path = self.path.rpartition("/v1/")
        header = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.server.tokens.add(header or before.removeprefix("/t/") or None)
        if f"/v1/{path}" in _SIGNALS:
            key, message = _SIGNALS[f"/v1/{path}"]
            read = json.loads(body) if is_json else _to_json(message.FromString(body))
            if read.get(key):
                self.server.lines.append(json.dumps(read, ensure_ascii=False))
        self.send_response(200)
        self.send_header("Content-Type", "application/json" if is_json else "application/x-protobuf")
        answer = b"{}" if is_json else b""
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the lines are the log."""


def _to_json(message: Any) -> JSON:
    """A message in OTLP's JSON: ids are hexadecimal and enumerations are numbers, unlike in protobuf's own."""
    read: JSON = MessageToDict(message, use_integers_for_enums=True)
    _hexadecimal(read)
    return read


def _hexadecimal(value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _hexadecimal(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in _IDS:
                value[key] = base64.b64decode(item).hex()
            else:
                _hexadecimal(item)
