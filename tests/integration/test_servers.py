# SPDX-License-Identifier: Apache-2.0
"""Servers that load the application, with its provider, and then fork their workers: each span is there once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import HANG_S, ROOT, clean_environment, read, span_names

pytestmark = pytest.mark.slow
PROVIDER = """
import os
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from otel_sqlite_exporter import SQLiteSpanProcessor

provider = TracerProvider()
delay_ms = int(os.environ.get("DELAY_MS", "50"))
delays = {"open_delay_ms": 50, "schedule_delay_ms": delay_ms, "idle_delay_ms": delay_ms}
provider.add_span_processor(SQLiteSpanProcessor(os.environ["FILE"], **delays))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("application")
tracer.start_span("loaded").end()
"""
WEB = (
    PROVIDER
    + """
def application(environ, start_response):
    with tracer.start_as_current_span(environ["PATH_INFO"]):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(os.getpid()).encode()]
"""
)
TASKS = (
    PROVIDER
    + """
from celery import Celery
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from otel_sqlite_exporter import SQLiteMetricExporter

reader = PeriodicExportingMetricReader(SQLiteMetricExporter(os.environ["FILE"]), export_interval_millis=3_600_000)
metrics.set_meter_provider(MeterProvider([reader]))
done = metrics.get_meter("tests").create_counter("tasks")
queue = os.environ["QUEUE"]
app = Celery("tasks", broker="filesystem://", backend=None)
app.conf.broker_transport_options = {"data_folder_in": queue, "data_folder_out": queue}
app.conf.worker_max_tasks_per_child = 5
app.conf.task_ignore_result = True

@app.task(name="work")
def work(number):
    with tracer.start_as_current_span(f"task {number:02}"):
        done.add(1)
"""
)


@contextmanager
def serving(command: list[str], folder: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server that is ended as a supervisor ends it."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=clean_environment(PYTHONPATH=str(ROOT / "src"), FILE=str(folder / "otel.db"), **environment),
            stdout=log,
            stderr=log,
        )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        process.wait(HANG_S)
    finally:
        process.kill()
        process.wait()


@contextmanager
def serving_celery(folder: Path, **environment: str) -> Iterator[None]:
    """A Celery worker with two processes, whose main process may stay when these have ended.

    Its pool (billiard) can wait for ever at its exit for a lock that a process held which it ended:
    so it did in 2 of 44 runs of these tasks without any exporter. What the processes owe is checked all the same.
    """
    command = ["celery", "-A", "tasks", "worker", "--pool", "prefork", "--concurrency", "2", "--loglevel", "info"]
    main = 0
    try:
        with serving([*command, "--without-gossip", "--without-mingle"], folder, **environment) as process:
            main = process.pid
            yield
    except subprocess.TimeoutExpired:
        workers = [pid for (pid,) in read(folder / "otel.db", "SELECT DISTINCT pid FROM exporter_health")]
        assert [pid for pid in workers if pid != main and is_alive(pid)] == []


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def get(port: int, path: str) -> int:
    """Ask until there is an answer; return the id of the process that gave it."""
    deadline = time.monotonic() + HANG_S
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=HANG_S) as answer:
                return int(answer.read())
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def wait_for_span(path: Path, name: str) -> None:
    deadline = time.monotonic() + HANG_S
    while read(path, "SELECT count(*) FROM spans WHERE name = ?", name) == [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_for_new_worker(port: int, workers: set[int]) -> None:
    deadline = time.monotonic() + HANG_S
    while get(port, "/") in workers:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("worker", ["sync", "gthread"])
def test_gunicorn_workers_of_a_preloaded_application(tmp_path: Path, worker: str) -> None:
    (tmp_path / "web.py").write_text(WEB)
    port = free_port()
    command = ["gunicorn", "--preload", "-w", "2", "-k", worker, "-b", f"127.0.0.1:{port}", "web:application"]
    with serving(command, tmp_path) as server:
        workers = {get(port, f"/before/{number:02}") for number in range(20)}
        server.send_signal(signal.SIGHUP)  # new workers take over, the old ones end gracefully
        wait_for_new_worker(port, workers)
        workers |= {get(port, f"/after/{number:02}") for number in range(20)}
        victim = get(port, "/killed")
        wait_for_span(tmp_path / "otel.db", "/killed")
        os.kill(victim, signal.SIGKILL)
        workers |= {get(port, f"/last/{number:02}") for number in range(20)}
    names = span_names(tmp_path / "otel.db")
    expected = [f"/{when}/{number:02}" for when in ("before", "after", "last") for number in range(20)]
    assert sorted(name for name in names if name.count("/") == 2) == sorted(expected), (tmp_path / "log").read_text()
    assert (names.count("/killed"), names.count("loaded")) == (1, 1)
    assert len(workers) >= 3


def test_celery_workers_that_are_replaced_after_a_few_tasks(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "queue").mkdir()
    path = tmp_path / "otel.db"
    expected = [f"task {number:02}" for number in range(30)]
    # Nothing is written but what a worker writes when it ends.
    settings = {"QUEUE": str(tmp_path / "queue"), "DELAY_MS": "60000"}
    with serving_celery(tmp_path, **settings):
        send = "import tasks\nfor number in range(30): tasks.work.delay(number)\ntasks.provider.shutdown()"
        environment = clean_environment(
            PYTHONPATH=str(ROOT / "src"), FILE=str(tmp_path / "other.db"), QUEUE=str(tmp_path / "queue")
        )
        subprocess.run([sys.executable, "-c", send], cwd=tmp_path, env=environment, check=True, timeout=HANG_S)
        deadline = time.monotonic() + HANG_S
        while (tmp_path / "log").read_text().count(" succeeded in ") < len(expected):
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.2)
    assert [name for name in span_names(path) if name.startswith("task")] == expected
    assert read(path, "SELECT count(DISTINCT pid) >= 6 FROM exporter_health") == [(1,)]
    assert read(path, "SELECT sum(delta) FROM metric_points WHERE name = 'tasks'") == [(30,)]
