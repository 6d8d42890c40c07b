# SPDX-License-Identifier: Apache-2.0
"""Stock services of FastAPI under `opentelemetry-instrument`: three variables, and the file has how long requests take,
what they did, and what they logged."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

from tests.conftest import HANG_S, clean_environment, health, read
from tests.integration.test_servers import free_port, get

pytestmark = pytest.mark.slow

pytest.importorskip("fastapi")
pytest.importorskip("opentelemetry.instrumentation.fastapi")

SERVICE = """
    import os
    from fastapi import FastAPI, Response
    from opentelemetry import _logs

    app = FastAPI()

    @app.get("/items/{number}")
    def read_item(number: int):
        if number == 3:
            _logs.get_logger("shop").emit(_logs.LogRecord(body="no item"))
        return Response(str(os.getpid()), status_code=203 if number == 3 else 200)
"""
EVERYTHING = {
    "OTEL_TRACES_EXPORTER": "sqlite",
    "OTEL_LOGS_EXPORTER": "sqlite",
    "OTEL_METRICS_EXPORTER": "sqlite",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
    "OTEL_SERVICE_NAME": "shop",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openai,openai-v2",
}
FLUSH = {"OTEL_EXPORTER_SQLITE_FLUSH_ON_SIGTERM": "true"}
WORKER = ["-k", "uvicorn_worker.UvicornWorker"]


class Server(NamedTuple):
    """How a service runs and ends."""

    command: list[str]
    sent: signal.Signals
    variables: dict[str, str] = {}  # noqa: RUF012
    is_preloaded: bool = False


SERVERS = {
    "uvicorn, SIGINT": Server(["uvicorn", "--port", "{port}", "web:app"], signal.SIGINT),
    "uvicorn, SIGTERM": Server(["uvicorn", "--port", "{port}", "web:app"], signal.SIGTERM, FLUSH),
    "uvicorn with workers": Server(["uvicorn", "--port", "{port}", "--workers", "2", "web:app"], signal.SIGTERM, FLUSH),
    "gunicorn": Server(["gunicorn", "-b", "127.0.0.1:{port}", "-w", "2", *WORKER, "web:app"], signal.SIGTERM, FLUSH),
    "gunicorn, preloaded": Server(
        ["gunicorn", "-b", "127.0.0.1:{port}", "-w", "2", "--preload", *WORKER, "web:app"], signal.SIGTERM, FLUSH
    ),
}


def ask(folder: Path, server: Server, requests: int) -> Path:
    """Start a service, ask it so many times, end it, and return its file."""
    (folder / "web.py").write_text(dedent(SERVICE))
    port = free_port()
    command = [part.format(port=port) for part in server.command]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["opentelemetry-instrument", sys.executable, "-m", *command],
            cwd=folder,
            env=clean_environment(**EVERYTHING, **server.variables),
            stdout=log,
            stderr=log,
        )
    try:
        for number in range(requests):
            get(port, f"/items/{number % 5}")
        process.send_signal(server.sent)
        process.wait(HANG_S)
    finally:
        process.kill()
        process.wait()
    return folder / "otel.db"


@pytest.mark.parametrize("name", SERVERS)
def test_three_variables_show_how_long_requests_take(tmp_path: Path, name: str) -> None:
    path = ask(tmp_path, SERVERS[name], requests=20)
    log = (tmp_path / "log").read_text()
    status = "attributes ->> '$.\"http.response.status_code\"'"
    requests = "metric_points WHERE name = 'http.server.request.duration' AND service_name = 'shop'"
    columns = f"{status}, sum(count_delta), min(sum_delta) > 0, min(kind), min(unit)"
    durations = read(path, f"SELECT {columns} FROM {requests} GROUP BY 1 ORDER BY 1")
    assert durations == [(200, 16, 1, "histogram", "s"), (203, 4, 1, "histogram", "s")], log
    # Each exemplar leads to the span of a request.
    spans = "SELECT DISTINCT span_name FROM exemplars WHERE name = 'http.server.request.duration'"
    assert read(path, spans) == [("GET /items/{number}",)], log
    assert read(path, "SELECT count(*) FROM logs JOIN spans USING (trace_id, span_id)") == [(4,)], log
    assert read(path, "SELECT DISTINCT signal FROM exporter_health ORDER BY 1") == [
        ("logs",),
        ("metrics",),
        ("traces",),
    ]
    assert health(path, "quarantined", "dropped", "refused") == (0, 0, 0)
