# SPDX-License-Identifier: Apache-2.0
"""What tests share: a path, spans as a provider makes them, readers of a file, and programs in other processes."""

from __future__ import annotations

import gc
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.native.core_state import find_core_state
from tests.new_files import copy_new_files, put_new_file

ROOT = Path(__file__).parents[1]
HANG_S = 180
"""When a test gives up that waits for something. No test asserts how long a thing takes: it says nothing about the code
when the machine is busy."""
EXAMPLES = 40
"""How many examples a test draws unless it says another number."""
TRACED_CASES = 20
"""How many cases of a test with parameters count lines for the coverage: the others run the same lines again, and the
tracer adds a third to their time."""
IS_TRACED = pytest.StashKey[bool]()
TRACES_CHILDREN = "COVERAGE_PROCESS_CONFIG"
"""The environment variable that lets a process that a test starts count lines, too."""
SETTINGS = re.compile(r"OTEL_|PYTHON(?!PATH$)|.*_proxy$", re.IGNORECASE)
CORE_VARIABLE = "OTEL_EXPORTER_SQLITE_NATIVE"
CORE_SETTING = {name: os.environ[name] for name in (CORE_VARIABLE,) if name in os.environ}
"""The one setting from outside that tests keep, also in the programs that they start."""
CORE_IS_REQUIRED = os.environ.get("OTEL_SQLITE_EXPORTER_BUILD_NATIVE") == "1"
CORE_STATE = find_core_state()

WAIT_UNTIL_IT_IS_SEEN_TO_RUN = (
    "import os, time; from otel_sqlite_exporter import TelemetryDatabase as File; file = File(os.environ['WATCHED'])\n"
    "    while not file.find_spans(status='running'): time.sleep(0.05)"
)
"""Statements of a block in a program: they end when the file that the variable WATCHED names, which is
there already, has a span that runs."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a file may be made; nothing is there yet."""
    return tmp_path / "otel.db"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("this user may not mount a file system; RLIMIT_FSIZE stands in for a full disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


def pytest_report_header() -> str:
    return f"compiled core: {CORE_STATE}"


def pytest_configure() -> None:
    """A shell in the background starts programs that ignore SIGINT, and so would the programs that tests interrupt. A
    machine that is busy with other tests draws values slowly, which says nothing about a test."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from hypothesis import HealthCheck, settings  # here: the programs that tests start do without it

    settings.register_profile(
        "shared", max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow], deadline=None
    )
    settings.load_profile("shared")
    copy_new_files()
    gc.disable()  # what is collected stays until the end: to look for garbage in it takes a third of the time


def pytest_collection_finish(session: pytest.Session) -> None:
    cases: Counter[str] = Counter()
    for item in session.items:
        name = item.nodeid.partition("[")[0]
        cases[name] += 1
        item.stash[IS_TRACED] = cases[name] <= TRACED_CASES and item.get_closest_marker("slow") is None
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Count lines for the coverage only where they are new: slow tests, too, run the lines of others again."""
    tracer = sys.modules["coverage"].Coverage.current() if "coverage" in sys.modules else None
    if tracer is None or item.stash[IS_TRACED]:
        return (yield)
    of_children = os.environ.pop(TRACES_CHILDREN, None)
    tracer.stop()
    try:
        return (yield)
    finally:
        tracer.start()
        if of_children is not None:
            os.environ[TRACES_CHILDREN] = of_children


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have counted and noted with `record_property`."""
    counts = [
        f"{report.location[2]}: {name}: {value}"
        for outcome in ("passed", "failed", "skipped")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
    ]
    if counts:
        terminalreporter.section("counts")
        for line in counts:
            terminalreporter.write_line(line)


@contextmanager
def exporting(path: Path | str, **keywords: Any) -> Iterator[SQLiteSpanExporter]:
    """An exporter that is shut down at the end. Where there is no file, it finds one without records."""
    put_new_file(path)
    with creating(path, **keywords) as exporter:
        yield exporter


@contextmanager
def creating(path: Path | str, **keywords: Any) -> Iterator[SQLiteSpanExporter]:
    """The same for tests of how an exporter makes a file: where there is none, it has to."""
    exporter = SQLiteSpanExporter(path, **keywords)
    try:
        yield exporter
    finally:
        exporter.shutdown()


def make_spans(*names: str, attributes: Mapping[str, Any] | None = None) -> list[ReadableSpan]:
    """Finished spans of these names, each a trace of its own, as a provider gives them to an exporter."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("tests")
    for name in names:
        tracer.start_span(name, attributes=attributes).end()
    return list(memory.get_finished_spans())


def named(prefix: str, count: int) -> list[str]:
    """That many names, in alphabetical order."""
    return [f"{prefix}/{number:02}" for number in range(count)]


def export_all(exporter: SQLiteSpanExporter, *names: str) -> None:
    """Export spans of these names, one by one; each must succeed."""
    results = [exporter.export(make_spans(name)) for name in names]
    assert results == [SpanExportResult.SUCCESS] * len(names)


@contextmanager
def using(exporter: Any) -> Iterator[sqlite3.Connection]:
    """The connection of an exporter, while none of its exports runs."""
    yield exporter._delivery._database.run(lambda connection: connection)


def read(path: Path | str, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of a query on a read-only connection."""
    with closing(sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(sql, parameters).fetchall()


def span_names(path: Path | str) -> list[str]:
    """The names of all spans, in alphabetical order; the file must be sound."""
    with closing(sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        return [name for (name,) in connection.execute("SELECT name FROM spans ORDER BY name")]


def health(path: Path | str, *counters: str) -> tuple[int, ...]:
    """The counters of all exporters of a file, added up."""
    sums = ", ".join(f"sum({counter})" for counter in counters)
    return read(path, f"SELECT {sums} FROM exporter_health")[0]


def clean_environment(**environment: str) -> dict[str, str]:
    """The environment without settings of OpenTelemetry and Python, except `CORE_SETTING`, and with the scripts of this
    Python in front."""
    clean = {name: value for name, value in os.environ.items() if not SETTINGS.match(name)}
    scripts = f"{Path(sys.executable).parent}{os.pathsep}{clean.get('PATH', '')}"
    return clean | CORE_SETTING | {"PATH": scripts} | environment


def in_new_process(
    program: Callable[..., None], *arguments: object, status: int = 0, flags: tuple[str, ...] = (), **environment: str
) -> Any:
    """Run a function of a test module in a process of its own, and return what it printed, read as JSON. It must end
    with `status` and write nothing to stderr."""
    done = subprocess.run(
        _command(program, *arguments, flags=flags),
        cwd=ROOT,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.stderr == ""
    assert done.returncode == status
    return json.loads(done.stdout) if done.stdout else None


@contextmanager
def beside_process(program: Callable[..., None], *arguments: object) -> Iterator[None]:
    """Run a function of a test module in another process: it prints `ready`, and ends with its input."""
    process = subprocess.Popen(
        _command(program, *arguments),
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "ready\n"
        yield
        process.stdin.close()
        assert process.wait(HANG_S) == 0


def modules_after(statement: str) -> set[str]:
    """The modules that a fresh interpreter holds after one statement."""
    code = f"import sys; before = set(sys.modules)\n{statement}\nprint(*sorted(set(sys.modules) - before))"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=clean_environment())
    assert printed.stderr == b""
    return set(printed.stdout.decode().splitlines()[-1].split())  # the statement may print, too


def write_and_close(path: str) -> None:
    """A program: another writer, which is done when it is ready."""
    with exporting(path) as exporter:
        export_all(exporter, *named("other", 3))
    print("ready", flush=True)


def _command(program: Callable[..., None], *arguments: object, flags: tuple[str, ...] = ()) -> list[str]:
    code = f"import sys; from {program.__module__} import {program.__name__} as program; program(*sys.argv[1:])"
    return [sys.executable, *flags, "-c", code, *map(str, arguments)]
