# SPDX-License-Identifier: Apache-2.0
"""An OTLP/HTTP receiver that discards everything. With --count it counts spans and data points first, and returns the
number on GET."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    counting = "--count" in sys.argv
    records = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.counting:
            Sink.records += count_points(body) if self.path.endswith("metrics") else count_spans(body)
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(str(self.records).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def count_spans(body: bytes) -> int:
    request = ExportTraceServiceRequest.FromString(body)
    return sum(len(scope.spans) for part in request.resource_spans for scope in part.scope_spans)


def count_points(body: bytes) -> int:
    request = ExportMetricsServiceRequest.FromString(body)
    scopes = (scope for part in request.resource_metrics for scope in part.scope_metrics)
    held = (getattr(metric, str(metric.WhichOneof("data"))) for scope in scopes for metric in scope.metrics)
    return sum(len(data.data_points) for data in held)


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
