# SPDX-License-Identifier: Apache-2.0
"""SIGTERM and SIGINT: `flush_on_sigterm` writes what waits, and the signal has the effect that it has without it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import HANG_S, ROOT, clean_environment, read, span_names
from tests.integration.test_servers import free_port, get

pytestmark = pytest.mark.slow
# Only a flush writes what ended.
NEVER = "schedule_delay_ms=600_000, idle_delay_ms=600_000"
HOOK = "otel_sqlite_exporter.flush_on_sigterm(timeout_ms=120_000)"
PROVIDER = f"""
import os, signal, sys, threading, time
import otel_sqlite_exporter
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from otel_sqlite_exporter import SQLiteSpanExporter, SQLiteSpanProcessor

provider = TracerProvider()
path = os.environ["FILE"]
tracer = provider.get_tracer("tests")
def use_processor(**delays):
    provider.add_span_processor(SQLiteSpanProcessor(path, **delays))
def use_batches():
    provider.add_span_processor(BatchSpanProcessor(SQLiteSpanExporter(path), schedule_delay_millis=600_000))
    trace.set_tracer_provider(provider)
def end_spans():
    for number in range(5):
        tracer.start_span("work").end()
def never():
    use_processor({NEVER})
"""
END = "end_spans()\nsignal.raise_signal(signal.SIGTERM)\n"
APPLICATIONS = """
async def asgi(scope, receive, send):
    if scope["type"] == "http":
        with tracer.start_as_current_span(scope["path"]):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": str(os.getpid()).encode()})

def wsgi(environ, start_response):
    with tracer.start_as_current_span(environ["PATH_INFO"]):
        start_response("200 OK", [])
        return [str(os.getpid()).encode()]
"""
WORKER = ["-k", "uvicorn_worker.UvicornWorker", "-b", "{address}", "web:asgi"]
SERVERS = {
    "uvicorn": ["uvicorn", "--port", "{port}", "web:asgi"],
    "gunicorn": ["gunicorn", "-b", "{address}", "web:wsgi"],
    "gunicorn with uvicorn": ["gunicorn", *WORKER],
    "gunicorn with uvicorn, preloaded": ["gunicorn", "--preload", *WORKER],
}
STATUS = {("uvicorn", "SIGTERM"): -signal.SIGTERM}


def serve(folder: Path, server: str, sent: str, *launcher: str, wait_for: int = 0, **variables: Any) -> list[str]:
    """Start a server, ask it five times, send it the signal at once, and return the names of the spans. With
    `wait_for`, the signal comes when the file has that many."""
    port = free_port()
    arguments = [part.format(port=port, address=f"127.0.0.1:{port}") for part in SERVERS[server]]
    environment = clean_environment(PYTHONPATH=str(ROOT / "src"), FILE=str(folder / "otel.db"), **variables)
    command = [*launcher, sys.executable, "-m", *arguments]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        for number in range(5):
            get(port, f"/{number}")
        deadline = time.monotonic() + HANG_S
        while wait_for and len(written(folder / "otel.db")) < wait_for:
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        process.send_signal(getattr(signal, sent))
        assert process.wait(HANG_S) == STATUS.get((server, sent), 0), (folder / "log").read_text()
    finally:
        process.kill()
        process.wait()
    return [name for name in span_names(folder / "otel.db") if name.startswith("/")]


def written(path: Path) -> list[tuple[str]]:
    tables = read(path, "SELECT 1 FROM sqlite_schema WHERE name = 'spans'") if path.exists() else []
    return read(path, "SELECT name FROM spans") if tables else []


@pytest.mark.parametrize(
    ("server", "sent"), [*((server, "SIGTERM") for server in SERVERS), ("uvicorn", "SIGINT"), ("gunicorn", "SIGINT")]
)
def test_all_spans_of_a_server_survive_with_the_hook(tmp_path: Path, server: str, sent: str) -> None:
    (tmp_path / "web.py").write_text(f"{PROVIDER}\nnever()\n{HOOK}\n{APPLICATIONS}")
    assert serve(tmp_path, server, sent) == [f"/{number}" for number in range(5)]


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn with uvicorn"])
def test_idle_spans_of_a_server_survive_without_the_hook(tmp_path: Path, server: str) -> None:
    (tmp_path / "web.py").write_text(f"{PROVIDER}\nuse_processor()\n{APPLICATIONS}")
    assert serve(tmp_path, server, "SIGTERM", wait_for=5) == [f"/{number}" for number in range(5)]


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn with uvicorn"])
def test_a_variable_is_the_hook_without_code(tmp_path: Path, server: str) -> None:
    application = "import os\nfrom opentelemetry import trace\ntracer = trace.get_tracer('web')\n"
    (tmp_path / "web.py").write_text(application + APPLICATIONS)
    variables: dict[str, Any] = {
        "OTEL_TRACES_EXPORTER": "sqlite",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "600000",
        "OTEL_EXPORTER_SQLITE_PATH": str(tmp_path / "otel.db"),
        "OTEL_EXPORTER_SQLITE_FLUSH_ON_SIGTERM": "true",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*",
    }
    names = serve(tmp_path, server, "SIGTERM", "opentelemetry-instrument", **variables)
    assert names == [f"/{number}" for number in range(5)]


def run_script(folder: Path, *lines: str, status: int = -signal.SIGTERM) -> list[str]:
    """Run a program, which must end with that status and print nothing else than `next`, and return its spans."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([PROVIDER, *lines])],
        cwd=folder,
        env=clean_environment(PYTHONPATH=str(ROOT / "src"), FILE=str(folder / "otel.db")),
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert done.stdout in ("", "next\n")
    return span_names(folder / "otel.db") if (folder / "otel.db").exists() else []


WORK = ["work"] * 5


@pytest.mark.row("SIGTERM, with flush_on_sigterm")
@pytest.mark.parametrize("queue", ["never()", "use_batches()"])
def test_all_spans_of_a_script_survive_with_the_hook(tmp_path: Path, queue: str) -> None:
    assert run_script(tmp_path, queue, HOOK, END) == WORK


def test_without_the_hook_what_a_queue_holds_is_lost(tmp_path: Path) -> None:
    assert run_script(tmp_path, "never()", END) == []


def test_a_provider_that_is_not_the_global_one_is_named(tmp_path: Path) -> None:
    hook = HOOK.replace("(", "(provider, ")
    assert run_script(tmp_path, "use_batches()\ntrace._TRACER_PROVIDER = None", hook, END) == WORK


def test_what_runs_is_written_as_it_is(tmp_path: Path) -> None:
    assert run_script(tmp_path, "never()", HOOK, "span = tracer.start_span('runs')", END) == ["runs", *WORK]
    assert read(tmp_path / "otel.db", "SELECT status FROM spans WHERE name = 'runs'") == [("running",)]


SAY_NEXT = "def handle(number, frame): print('next', flush=True); sys.exit(7)\n"
RAISE = "def handle(number, frame): raise KeyError('next')\n"
SET = "signal.signal(signal.SIGTERM, handle)"


@pytest.mark.parametrize(("handler", "status"), [(SAY_NEXT, 7), (RAISE, 1)])
def test_the_handler_that_was_there_is_called_and_may_raise(tmp_path: Path, handler: str, status: int) -> None:
    atexit = "provider.shutdown = lambda: os._exit(9)"  # the SDK would flush at exit
    lines = ["provider = TracerProvider(shutdown_on_exit=False)", "tracer = provider.get_tracer('tests')", "never()"]
    assert run_script(tmp_path, *lines, handler, SET, HOOK, HOOK, END, atexit, status=status) == WORK


def test_a_server_may_set_the_default_handler_again_and_sees_what_it_set(tmp_path: Path) -> None:
    lines = [
        "assert signal.signal(signal.SIGTERM, lambda *_: None) is signal.SIG_DFL",
        "signal.signal(signal.SIGTERM, signal.SIG_DFL)",
        "assert signal.signal(signal.SIGTERM, signal.SIG_DFL) is signal.SIG_DFL",
        "assert signal.signal(signal.SIGINT, signal.SIG_DFL) is signal.default_int_handler",
    ]
    assert run_script(tmp_path, "never()", HOOK, *lines, END) == WORK


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    assert run_script(tmp_path, "never()", ignore, HOOK, END, "os._exit(5)", status=5) == []


def test_another_thread_changes_nothing(tmp_path: Path) -> None:
    hook = f"thread = threading.Thread(target=lambda: {HOOK})\nthread.start()\nthread.join()"
    same = "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and signal.signal.__module__ == 'signal'"
    assert run_script(tmp_path, "never()", hook, same, END) == []


def test_a_provider_that_hangs_does_not_keep_the_others_nor_the_process(tmp_path: Path) -> None:
    hangs = "class Hangs:\n    def force_flush(self, timeout_ms): time.sleep(600)"
    assert run_script(tmp_path, hangs, "otel_sqlite_exporter.flush_on_sigterm(Hangs(), timeout_ms=50)", END) == []
    waits = "class Waits:\n    def force_flush(self, timeout_ms):\n        while not os.path.exists(path): pass"
    assert run_script(tmp_path, "never()", waits, HOOK.replace("(", "(Waits(), "), END) == WORK


@pytest.mark.parametrize("lock", ["threading._active_limbo_lock", "__import__('logging')._lock"])
def test_a_lock_that_the_main_thread_holds_stops_neither_flush_nor_end(tmp_path: Path, lock: str) -> None:
    start = "tracer.start_span('first').end()"  # the thread of the processor runs
    names = run_script(tmp_path, "never()", start, HOOK, f"with {lock}:", *(f"    {line}" for line in END.splitlines()))
    assert names == ["first", *WORK]


def test_a_forked_child_flushes_its_own(tmp_path: Path) -> None:
    fork = (
        "tracer.start_span('of the parent').end()\npid = os.fork()\nif pid == 0:\n    tracer.start_span('child').end()"
    )
    child = "    signal.raise_signal(signal.SIGTERM)\nassert os.waitpid(pid, 0)[1] == signal.SIGTERM"
    assert run_script(tmp_path, "never()", HOOK, fork, child, END) == ["child", "of the parent", *WORK]
