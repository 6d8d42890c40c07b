# SPDX-License-Identifier: Apache-2.0
"""Programs that know nothing of this package are traced by their environment or a configuration file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

from otel_sqlite_exporter import environment_variables
from tests.conftest import clean_environment, health, read, span_names

pytestmark = pytest.mark.slow

pytest.importorskip("opentelemetry.distro")

APPLICATION = """
    import sqlite3, threading
    from opentelemetry import trace

    tracer = trace.get_tracer("application")

    def work():
        with tracer.start_as_current_span("in a thread"):
            connection = sqlite3.connect(":memory:")
            connection.cursor().execute("SELECT 1")
            connection.close()

    with tracer.start_as_current_span("work", attributes={"conversation": "c-1", "session.id": "s-1"}):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
"""
SPANS = ["SELECT", "in a thread", "work"]
# Instrumented, the client of OpenAI takes a second to import.
ONLY_WHAT_IS_USED = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openai,openai-v2"}
# The SDK says this of its own automatic instrumentation.
SDK_WARNING = "OTEL_CONFIG_FILE is set; ignoring configurator kwargs"


class Done(NamedTuple):
    """How an instrumented application ended."""

    status: int
    stderr: list[str]


@pytest.fixture
def application(tmp_path: Path) -> Path:
    file = tmp_path / "application.py"
    file.write_text(dedent(APPLICATION))
    return file


def instrument(application: Path, *options: str, **environment: str) -> Done:
    """Run the application under `opentelemetry-instrument`, in its folder."""
    done = subprocess.run(
        ["opentelemetry-instrument", *options, sys.executable, application],
        cwd=application.parent,
        env=clean_environment(**ONLY_WHAT_IS_USED | environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.stdout == ""
    return Done(done.returncode, [line for line in done.stderr.splitlines() if SDK_WARNING not in line])


def with_sqlite(application: Path, *options: str, **environment: str) -> Done:
    signals = {"OTEL_TRACES_EXPORTER": "sqlite", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    return instrument(application, *options, **signals | environment)


def test_one_variable_chooses_the_exporter(application: Path) -> None:
    assert with_sqlite(application) == Done(0, [])
    assert span_names(application.parent / "otel.db") == SPANS
    assert health(application.parent / "otel.db", "received", "written") == (3, 3)


LOGGING_APPLICATION = """
    from opentelemetry import _logs, trace

    with trace.get_tracer("application").start_as_current_span("work", attributes={"session.id": "s-1"}):
        _logs.get_logger("application").emit(_logs.LogRecord(body="done", event_name="job.finish"))
"""


def test_one_variable_chooses_the_exporter_of_logs(application: Path) -> None:
    application.write_text(dedent(LOGGING_APPLICATION))
    logs = {"OTEL_TRACES_EXPORTER": "sqlite", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "sqlite"}
    assert instrument(application, **logs) == Done(0, [])
    query = "SELECT l.body, l.event_name, l.session_id, s.name FROM logs AS l JOIN spans AS s USING (trace_id, span_id)"
    assert read(application.parent / "otel.db", query) == [('"done"', "job.finish", "s-1", "work")]


def test_a_configuration_file_chooses_the_exporter_of_logs(application: Path) -> None:
    application.write_text(dedent(LOGGING_APPLICATION))
    logs = "logger_provider:\n  processors:\n    - batch: {exporter: {sqlite: {path: logs.db}}}\n"
    assert declare(application, "    - batch: {exporter: {sqlite: {path: logs.db}}}\n" + logs) == Done(0, [])
    query = "SELECT l.body, s.name FROM logs AS l JOIN spans AS s USING (trace_id, span_id)"
    assert read(application.parent / "logs.db", query) == [('"done"', "work")]


MEASURING_APPLICATION = """
    from opentelemetry import metrics, trace

    meter = metrics.get_meter("application")
    with trace.get_tracer("application").start_as_current_span("work", attributes={"session.id": "s-1"}):
        meter.create_counter("orders", "{order}").add(3, {"kind": "book"})
        meter.create_histogram("took", "s").record(0.5)
"""


def test_three_variables_are_the_whole_set_up(application: Path) -> None:
    application.write_text(dedent(MEASURING_APPLICATION + LOGGING_APPLICATION))
    every = {f"OTEL_{signal}_EXPORTER": "sqlite" for signal in ("TRACES", "LOGS", "METRICS")}
    assert instrument(application, **every) == Done(0, [])
    path = application.parent / "otel.db"
    assert read(path, "SELECT name, unit, temporality FROM metrics WHERE scope_name = 'application'") == [
        ("orders", "{order}", "cumulative"),
        ("took", "s", "cumulative"),
    ]
    assert read(path, "SELECT name, span_name, session_id FROM exemplars ORDER BY 1") == [
        ("orders", "work", "s-1"),
        ("took", "work", "s-1"),
    ]
    signals = [("logs", 1, 1), ("metrics", 1, 2), ("traces", 1, 2)]
    assert read(path, "SELECT signal, batches, written FROM exporter_health ORDER BY signal") == signals


@pytest.mark.parametrize("variables", [{}, {"OTEL_EXPORTER_SQLITE_METRIC_TEMPORALITY": "lowmemory"}])
def test_variables_configure_the_exporter_of_metrics(application: Path, variables: dict[str, str]) -> None:
    application.write_text(dedent(MEASURING_APPLICATION))
    variables |= {"OTEL_EXPORTER_SQLITE_METRIC_HISTOGRAMS": "exponential"}
    signals = {"OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "sqlite"}
    assert instrument(application, **signals, **variables) == Done(0, [])
    temporality = "delta" if len(variables) > 1 else "cumulative"
    query = "SELECT kind, temporality FROM metrics WHERE scope_name = 'application' ORDER BY name"
    expected = [("sum", temporality), ("exponential_histogram", temporality)]
    assert read(application.parent / "otel.db", query) == expected


def test_a_configuration_file_chooses_the_exporter_of_metrics(application: Path) -> None:
    application.write_text(dedent(MEASURING_APPLICATION))
    keywords = "{path: metrics.db, metric_temporality: delta, metric_histograms: exponential}"
    readers = f"meter_provider:\n  readers:\n    - periodic: {{exporter: {{sqlite: {keywords}}}}}\n"
    assert declare(application, "    - batch: {exporter: {sqlite: {path: metrics.db}}}\n" + readers) == Done(0, [])
    query = (
        "SELECT name, temporality, kind FROM metric_points JOIN exemplars USING (name, kind) WHERE span_name = 'work'"
    )
    assert read(application.parent / "metrics.db", f"{query} ORDER BY name") == [
        ("orders", "delta", "sum"),
        ("took", "delta", "exponential_histogram"),
    ]


def test_variables_configure_it(application: Path) -> None:
    done = with_sqlite(
        application,
        OTEL_EXPORTER_SQLITE_PATH="folder/chosen.db",
        OTEL_EXPORTER_SQLITE_SESSION_ATTRIBUTES="conversation,session.id",
        OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS="",
    )
    assert done == Done(0, [])
    path = application.parent / "folder" / "chosen.db"
    assert span_names(path) == SPANS
    assert read(path, "SELECT session_id, source FROM sessions") == [("c-1", "conversation")]


def test_options_of_the_command_configure_it(application: Path) -> None:
    done = with_sqlite(
        application,
        *("--exporter_sqlite_path", "option.db", "--exporter_sqlite_session_attributes", "conversation"),
        OTEL_EXPORTER_SQLITE_PATH="variable.db",
    )
    assert done == Done(0, [])
    assert sorted(os.listdir(application.parent)) == ["application.py", "option.db"]
    assert read(application.parent / "option.db", "SELECT DISTINCT session_id FROM spans") == [("c-1",)]


def test_every_variable_is_an_option_of_the_command() -> None:
    command = ["opentelemetry-instrument", "--help"]
    printed = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=True).stdout
    options = re.findall(r"^  --(exporter_sqlite_\w+)", printed, re.MULTILINE)
    assert sorted(options) == sorted(name.removeprefix("OTEL_").lower() for name in dir(environment_variables))


@pytest.mark.row("Bad value of a setting")
def test_a_bad_variable_costs_its_value_and_no_span(application: Path) -> None:
    done = with_sqlite(application, OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS="soon")
    assert done.status == 0
    (warning,) = done.stderr
    assert warning.startswith("OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS='soon' cannot be used: ")
    assert span_names(application.parent / "otel.db") == SPANS


def test_a_path_that_cannot_be_used_costs_the_spans_and_no_more(application: Path) -> None:
    folder = application.parent / "folder"
    folder.mkdir()
    done = with_sqlite(application, OTEL_EXPORTER_SQLITE_PATH=str(folder))
    assert done.status == 0
    (error,) = done.stderr
    assert f"could not be written to {folder} and are lost" in error
    assert os.listdir(folder) == []


def test_a_path_to_another_kind_of_file_keeps_the_spans_beside_it(application: Path) -> None:
    done = with_sqlite(application, OTEL_EXPORTER_SQLITE_PATH=str(application))
    assert done.status == 0
    (warning,) = done.stderr
    assert f"are kept in {application}-spool" in warning
    assert application.read_text() == dedent(APPLICATION)


def test_a_disabled_sdk_makes_no_file(application: Path) -> None:
    assert with_sqlite(application, OTEL_SDK_DISABLED="true") == Done(0, [])
    assert os.listdir(application.parent) == ["application.py"]


def declare(application: Path, processor: str) -> Done:
    pytest.importorskip("opentelemetry.configuration")
    file = application.parent / "otel-config.yaml"
    file.write_text('file_format: "1.0"\ntracer_provider:\n  processors:\n' + processor)
    return instrument(application, OTEL_CONFIG_FILE=str(file))


def test_a_configuration_file_chooses_it_for_a_batch_processor(application: Path) -> None:
    done = declare(
        application,
        """
    - batch:
        schedule_delay: 100
        exporter:
          sqlite:
            path: batch.db
            session_attributes: [conversation, session.id]
            busy_timeout_ms: 250
            synchronous: full
            auto_migrate: never
            pairing_window_ms: 60000
""",
    )
    assert done == Done(0, [])
    path = application.parent / "batch.db"
    assert span_names(path) == SPANS
    assert read(path, "SELECT DISTINCT session_id FROM spans") == [("c-1",)]


def test_a_configuration_file_chooses_it_for_a_simple_processor(application: Path) -> None:
    done = declare(application, "    - simple: {exporter: {sqlite: {path: simple.db, busy_timeout_ms: null}}}\n")
    assert done == Done(0, [])
    assert span_names(application.parent / "simple.db") == SPANS
    assert health(application.parent / "simple.db", "batches") == (3,)


def test_a_configuration_file_says_what_is_not_stored(application: Path) -> None:
    (application.parent / "rules.py").write_text("def redact(key, value):\n    return value.upper()\n")
    done = declare(
        application,
        """
    - batch:
        exporter:
          sqlite:
            redact_keys: ["session.*"]
            redact_values: ['C-\\d', 'NO SUCH']
            redactor: "rules:redact"
            capture_content: false
            capture_limit: 3
""",
    )
    assert done == Done(0, [])
    path = application.parent / "otel.db"
    attributes = '{"conversation":"[re","session.id":"[redacted]"}'
    assert read(path, "SELECT attributes FROM spans WHERE name = 'WO…'") == [(attributes,)]


def test_a_configuration_file_need_not_say_anything_of_it(application: Path) -> None:
    assert declare(application, "    - batch: {exporter: {sqlite: }}\n") == Done(0, [])
    assert span_names(application.parent / "otel.db") == SPANS


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ("{busy_timeout_ms: soon}", "busy_timeout_ms='soon' cannot be used: give a whole number of milliseconds"),
        ("{synchronous: off}", "synchronous=False cannot be used: give one of normal, full"),
        ("{redact_values: ['(']}", "give regular expressions of RE2; number 1 is '(': missing ): ("),
        (
            "{redactor: 'rules:none'}",
            "redactor='rules:none' cannot be used: give a function, or module:function as text",
        ),
        ("{endpoint: here}", "unexpected keyword argument 'endpoint'"),
    ],
)
def test_a_mistake_in_a_configuration_file_is_named(application: Path, keywords: str, sentence: str) -> None:
    done = declare(application, f"    - simple: {{exporter: {{sqlite: {keywords}}}}}\n")
    assert sentence in "\n".join(done.stderr)
    assert not list(application.parent.glob("*.db*"))
