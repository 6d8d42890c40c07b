# SPDX-License-Identifier: Apache-2.0
"""Runs a FastAPI service as it is, under `opentelemetry-instrument`, and counts what its users asked."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from typing import Any

from tests.conftest import ROOT
from tests.live.environments import ENVIRONMENTS
from tests.scenarios.model_server import ModelServer

JSON = dict[str, Any]

SERVICE = "fastapi"
_SECONDS = 60
_INTERVAL_MS = 500
_MODEL = "gpt-5-mini"
# What one round of users asks: path, body, and the route and status of the answer.
_ROUND: tuple[tuple[str, JSON | None, str, int], ...] = (
    ("/cities/porto", None, "/cities/{city}", 200),
    ("/cities/lisbon", None, "/cities/{city}", 200),
    ("/cities/atlantis", None, "/cities/{city}", 404),
    ("/questions", {"text": "name a river", "model": _MODEL}, "/questions", 200),
    ("/questions", {"text": "name two rivers", "model": _MODEL, "stream": True}, "/questions", 200),
    ("/questions", {"text": "name a lake", "model": "broken"}, "/questions", 502),
)
_ROUNDS = 2


def run_service(endpoint: str) -> tuple[JSON, list[JSON]]:
    """Start the service, let it export to `endpoint`, ask it, and stop it. Returns the scenario (`ledger`, `told`,
    `tool_runs`) and the requests that it has answered: `method`, `route`, `status`, `count`.

    Raises:
        AssertionError: It has not started, has answered otherwise than it should, or has not stopped.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with ModelServer() as models:
        process = _start(port, endpoint, models.openai_url)
        try:
            answered = _ask_all(port)
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(_SECONDS)
        assert code == 0
        ledger = list(models.ledger)
    requests = [
        {"method": method, "route": route, "status": status, "count": count}
        for (method, route, status), count in sorted(answered.items())
    ]
    return {"ledger": ledger, "told": {}, "tool_runs": []}, requests


def _start(port: int, endpoint: str, models: str) -> subprocess.Popen[bytes]:
    programs = ENVIRONMENTS[SERVICE].executable.parent
    arguments = ["--app-dir", str(ROOT / "tests/live"), "city_service:app", "--port", str(port)]
    return subprocess.Popen(
        [str(programs / "opentelemetry-instrument"), str(programs / "uvicorn"), *arguments, "--log-level", "error"],
        env={
            "PATH": os.environ["PATH"],
            "MODELS": models,
            "OTEL_SERVICE_NAME": "cities",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_METRIC_EXPORT_INTERVAL": str(_INTERVAL_MS),
            "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only",
        },
    )


def _ask_all(port: int) -> Counter[tuple[str, str, int]]:
    _wait_for(port)
    answered: Counter[tuple[str, str, int]] = Counter()
    for _ in range(_ROUNDS):
        for path, body, route, status in _ROUND:
            assert _ask(port, path, body) == status
            answered["POST" if body else "GET", route, status] += 1
        time.sleep(2 * _INTERVAL_MS / 1000)  # so that its metrics are exported in between, too
    return answered


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the service has not started")


def _ask(port: int, path: str, body: JSON | None) -> int:
    content = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", content, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
