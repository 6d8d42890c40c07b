# SPDX-License-Identifier: Apache-2.0
"""The plugin of pytest, in runs of pytest of their own: a process has its global providers once."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import pytest

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.testing.allowed_use import BUDGETS, BudgetExceededError, RecordedUse, check_use
from otel_sqlite_exporter.testing.kept_folders import make_folder
from tests.conftest import HANG_S, clean_environment, modules_after, span_names

APPLICATION = """
import logging
from opentelemetry import metrics, trace
from opentelemetry.trace import Status, StatusCode

tracer = trace.get_tracer("application")  # before a test runs
meter = metrics.get_meter("application")
asked = meter.create_counter("asked", unit="{question}")
lengths = meter.create_histogram("length")
waiting = meter.create_up_down_counter("waiting")
USAGE = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 10}
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}

def ask(times=1, **more):
    for _ in range(times):
        tracer.start_span("chat", attributes={**CHAT, **USAGE, "session.id": "s", **more}).end()

def fail(attributes):
    span = tracer.start_span("fails", attributes=attributes)
    span.set_status(Status(StatusCode.ERROR, "no"))
    span.end()
"""
TESTS = """
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest
from opentelemetry import _logs, metrics

from application import CHAT, TOOL, ask, asked, fail, lengths, tracer, waiting

late = []

def test_rows_and_sums(telemetry):
    ask(2)
    fail(TOOL)
    late.append(tracer.start_span("late"))
    _logs.get_logger("application").emit(_logs.LogRecord(body="a line"))
    assert [call.model for call in telemetry.calls] == ["gpt-4o-mini"] * 2
    assert [tool.tool_name for tool in telemetry.tools] == ["search"]
    assert [span.name for span in telemetry.errors] == ["fails"]
    assert [session.session_id for session in telemetry.sessions] == ["s"]
    assert [log.body for log in telemetry.logs] == ['"a line"']
    assert [span.status for span in telemetry.spans] == ["ok", "ok", "error", "running"]
    assert telemetry.tokens == 220
    assert telemetry.cost_usd == pytest.approx(2 * (100 * 0.15 + 10 * 0.60) / 1e6)
    assert telemetry.database.run_report("tokens").total == 1

def test_another_has_a_file_of_its_own(telemetry):
    late[0].end()
    assert (telemetry.spans, telemetry.calls, telemetry.cost_usd, telemetry.tokens) == ([], [], 0, 0)
    with telemetry.tracer_provider.get_tracer("given").start_as_current_span("given"):
        tracer.start_span("inner").end()
    telemetry.tracer_provider.shutdown()
    assert [span.name for span in telemetry.spans] == ["given", "inner"]

def test_after_a_shutdown(telemetry):
    ask()
    assert len(telemetry.calls) == 1

@pytest.mark.parametrize("number", [1, 2, 3])
def test_metrics_of_each_test_are_its_own(telemetry, number):
    assert "asked" not in [metric.name for metric in telemetry.metrics]
    asked.add(number)
    lengths.record(number)
    waiting.add(1)
    assert [metric.name for metric in telemetry.metrics] == ["asked", "length", "waiting"]
    asked.add(number)
    telemetry.meter_provider.shutdown()
    metrics.get_meter("late").create_counter("late").add(1)
    assert [(metric.name, metric.unit) for metric in telemetry.metrics][:2] == [("asked", "{question}"), ("late", "")]
    (line,) = telemetry.database.get_metric_series("asked", aggregate="increase", step="1d").series
    assert sum(point.value or 0 for point in line.points) == 2 * number
    (line,) = telemetry.database.get_metric_series("length", aggregate="sum", step="1d").series
    assert sum(point.value or 0 for point in line.points) == number
    (line,) = telemetry.database.get_metric_series("waiting", aggregate="last", step="1d").series
    assert line.points[-1].value == number  # what is open stays open

def test_children_write_metrics(telemetry):
    assert telemetry.environment["OTEL_METRICS_EXPORTER"] == "sqlite"
    program = (
        "from opentelemetry.sdk.metrics import MeterProvider; "
        "from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader; "
        "from otel_sqlite_exporter import SQLiteMetricExporter; "
        "provider = MeterProvider([PeriodicExportingMetricReader(SQLiteMetricExporter())]); "
        "provider.get_meter('child').create_counter('of.child').add(1); provider.shutdown()"
    )
    subprocess.run([sys.executable, "-c", program], env={**os.environ, **telemetry.environment}, check=True)
    assert "of.child" in [metric.name for metric in telemetry.metrics]

def test_child_processes_write_to_the_same_file(telemetry):
    ask()
    program = (
        "from opentelemetry.sdk.trace import TracerProvider; from otel_sqlite_exporter import SQLiteSpanProcessor; "
        "provider = TracerProvider(); provider.add_span_processor(SQLiteSpanProcessor()); "
        "provider.get_tracer('child').start_span('of a child').end(); provider.shutdown()"
    )
    subprocess.run([sys.executable, "-c", program], env={**os.environ, **telemetry.environment}, check=True)
    assert sorted(span.name for span in telemetry.spans) == ["chat", "of a child"]

@pytest.mark.telemetry_budget(calls=2, tokens=220, cost_usd=0.05, failed_calls=0, tools=0, duration_ms=60_000)
def test_within_its_budget():
    ask(2)

@pytest.mark.telemetry_budget(calls=1, tokens=300, failed_calls=0)
def test_too_many_calls():
    ask(2)
    fail(CHAT)

@pytest.mark.telemetry_budget(cost_usd=1)
def test_unknown_price():
    ask(**{"gen_ai.request.model": "a model of nobody"})

@pytest.mark.telemetry_budget(dollars=1)
def test_unknown_budget():
    ask()

def test_fails_with_a_file(telemetry):
    ask()
    with pytest.raises(AssertionError, match="calls 1, allowed 0"):
        telemetry.check_budget(calls=0)
    assert False, "as it should"

def test_middle_of_a_test(telemetry):
    ask()
    telemetry.check_budget(calls=0)

@pytest.mark.telemetry_budget(calls=1)
def test_saw_nothing():
    pass

@pytest.mark.filterwarnings("default:the telemetry budget saw no spans")
@pytest.mark.telemetry_budget(calls=1)
def test_is_warned():
    pass

@pytest.mark.telemetry_budget(calls=0)
def test_expects_nothing(telemetry):
    telemetry.check_budget(tokens=0)
    with pytest.warns(UserWarning, match="is the library instrumented"):
        telemetry.check_budget(calls=1)

def test_has_no_telemetry():
    ask()
"""
CONFTEST = """
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

own = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(own))
trace.set_tracer_provider(provider)
meters = MeterProvider()
metrics.set_meter_provider(meters)
"""
TESTS_OF_AN_APPLICATION = """
import pytest
from opentelemetry import trace

from application import ask, asked
from conftest import meters, own, provider

@pytest.mark.parametrize("number", range(4))
def test_both_have_each_span_once(telemetry, number):
    own.clear()
    ask(2)
    asked.add(1)
    recorded = ["asked"] if hasattr(meters, "add_metric_reader") else []  # newer SDKs take one more reader
    assert [metric.name for metric in telemetry.metrics] == recorded
    assert trace.get_tracer_provider() is provider
    assert [span.name for span in own.get_finished_spans()] == ["chat", "chat"]
    assert len(telemetry.spans) == 2
"""


PYTEST = (sys.executable, "-m", "pytest", "-W", "error", "--strict-markers", "-p", "no:cacheprovider")
PLUGINS = ("xdist", "otel_sqlite_exporter")


def run_pytest(folder: Path, *arguments: str, plugins: Sequence[str] = PLUGINS, **environment: str) -> tuple[int, str]:
    """The exit code of pytest in a folder, and what it prints. Other plugins take most of the time to start."""
    done = subprocess.run(
        [*PYTEST, *(one for plugin in plugins for one in ("-p", plugin)), *arguments],
        cwd=folder,
        env=clean_environment(**{"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest prints of an application whose tests pass and fail."""
    folder = tmp_path_factory.mktemp("application")
    folder.joinpath("application.py").write_text(APPLICATION)
    folder.joinpath("test_application.py").write_text(TESTS)
    code, printed = run_pytest(folder, "-rA", f"--basetemp={folder / 'temporary'}")
    assert code == 1, printed
    return printed


def test_each_test_has_its_own_telemetry_and_budgets_fail(printed: str) -> None:
    outcomes = {name: outcome for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR) \S+?::(\w+)", printed, re.M)}
    failing = {"test_too_many_calls", "test_unknown_price", "test_unknown_budget", "test_fails_with_a_file"}
    failing |= {"test_middle_of_a_test", "test_saw_nothing"}
    assert set(outcomes) == set(re.findall(r"def (test_\w+)", TESTS))
    assert {name for name, outcome in outcomes.items() if outcome != "PASSED"} == failing
    assert "more than the telemetry budget: calls 3, allowed 1; failed_calls 1, allowed 0\n" in printed
    assert "1 call has no known price, so the cost may be higher" in printed
    assert printed.count("saw no spans: is the library instrumented?") >= 2
    shown = printed[printed.index("test_middle_of_a_test _") :].split("\n____", 1)[0]
    assert ">       telemetry.check_budget(calls=0)" in shown
    assert "allowed_use.py" not in shown.split("Captured")[0]
    assert "6 failed, 12 passed, 1 warning" in printed


def test_the_file_of_a_test_that_failed_is_kept_and_named(printed: str) -> None:
    files = re.findall(r"^(/.*otel\.db)$", printed, re.MULTILINE)
    assert len(files) == len(set(files)) == 6
    assert sorted(len(TelemetryDatabase(file).find_llm_interactions()) for file in files) == [0, 1, 1, 1, 1, 3]
    assert all(f"look at it: python -m otel_sqlite_exporter traces {file}\n" in printed for file in files)
    kept = {str(file) for file in Path(files[0]).parents[1].glob("telemetry-*[0-9]/*.db")}
    assert kept == set(files)


def test_an_application_keeps_its_provider_and_workers_their_files(tmp_path: Path) -> None:
    tmp_path.joinpath("application.py").write_text(APPLICATION)
    tmp_path.joinpath("conftest.py").write_text(CONFTEST)
    tmp_path.joinpath("test_application.py").write_text(TESTS_OF_AN_APPLICATION)
    code, printed = run_pytest(tmp_path, "-n", "2", "--telemetry-keep", "always", "--telemetry-dir", "kept")
    assert code == 0, printed
    files = sorted(tmp_path.glob("kept/*/otel.db"))
    assert [span_names(file) for file in files] == [["chat", "chat"]] * 4


def test_the_plugin_can_be_turned_off(tmp_path: Path) -> None:
    tmp_path.joinpath("test_one.py").write_text("def test_one(telemetry):\n    pass\n")
    code, printed = run_pytest(tmp_path, plugins=("no:otel_sqlite_exporter",), PYTEST_DISABLE_PLUGIN_AUTOLOAD="")
    assert code == 1
    assert "fixture 'telemetry' not found" in printed


def test_a_bad_setting_is_refused(tmp_path: Path) -> None:
    code, printed = run_pytest(tmp_path, "-o", "telemetry_keep=some")
    assert code == 4
    assert "telemetry_keep is 'some': give failed, always, never" in printed


def test_pytest_starts_without_the_sdk() -> None:
    """The plugin is imported wherever this package is installed."""
    (entry,) = metadata.entry_points(group="pytest11", name="otel_sqlite_exporter")
    modules = modules_after(f"import pytest; before = set(sys.modules); import {entry.value}")
    assert modules == {entry.value, "otel_sqlite_exporter.testing", "otel_sqlite_exporter"}


USE = RecordedUse(0.5, 3, 2, 100, 1, 0, 20.0, 0, 4)


@pytest.mark.parametrize("name", BUDGETS)
def test_each_budget_fails_above_its_limit(name: str) -> None:
    used = getattr(USE, name)
    check_use(USE, {name: used})
    check_use(USE, {name: None})
    with pytest.raises(BudgetExceededError, match=f"{name} "):
        check_use(USE._replace(**{name: used + 1}), {name: used})


@pytest.mark.parametrize("limit", ["1", True])
def test_a_limit_is_a_number(limit: object) -> None:
    with pytest.raises(TypeError, match="the budget calls is"):
        check_use(USE, {"calls": limit})  # type: ignore[dict-item]


def test_folders_of_odd_names_are_safe(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    names = ["a/b.py::test[../../x]", "a/b.py::test[..\\..\\x]", "é" * 300, "..", "", "a b\n"]
    folders = [make_folder(tmp_path, name, tmp_path_factory) for name in names]
    assert len(set(folders)) == len(names)
    assert {folder.parent for folder in folders} == {tmp_path}


def test_a_folder_is_empty_again_for_the_next_run(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = make_folder(tmp_path / "kept", "a test", tmp_path_factory)
    folder.joinpath("otel.db").write_text("of the run before")
    assert make_folder(tmp_path / "kept", "a test", tmp_path_factory) == folder
    assert [*folder.iterdir()] == []
