# SPDX-License-Identifier: Apache-2.0
"""The oldest SDK that pyproject.toml and the README name writes spans, work in flight, log records and metrics, too."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import run_process
from tests.conftest import ROOT, WAIT_UNTIL_IT_IS_SEEN_TO_RUN, clean_environment, health, read, span_names

PROGRAM = f"""
import logging, sys
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.version import __version__
from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteMetricExporter, SQLiteSpanProcessor

spans, logs = TracerProvider(), LoggerProvider()
spans.add_span_processor(SQLiteSpanProcessor(sys.argv[1], open_delay_ms=20))
logs.add_log_record_processor(BatchLogRecordProcessor(SQLiteLogRecordExporter(sys.argv[1])))
logger = logging.getLogger("application")
logger.addHandler(LoggingHandler(logger_provider=logs))
with spans.get_tracer("tests").start_as_current_span("work", attributes={{"session.id": "s-1"}}):
    logger.warning("begins", extra={{"event.name": "job.start"}})
    {WAIT_UNTIL_IT_IS_SEEN_TO_RUN}
    logger.warning("ends", extra={{"event.name": "job.finish"}})
for histograms in ("explicit", "exponential"):
    exporter = SQLiteMetricExporter(sys.argv[1], metric_histograms=histograms, metric_temporality="lowmemory")
    meter = MeterProvider([PeriodicExportingMetricReader(exporter)]).get_meter("tests")
    meter.create_counter("orders").add(3, {{"session.id": "s-1"}})
    meter.create_up_down_counter("waiting").add(-1)
    meter.create_histogram("took", "s").record(0.5)
    meter.create_observable_gauge("load", [lambda options: [Observation(0.5)]])
print(__version__)
"""


def oldest_version() -> str:
    found = re.search(r'"opentelemetry-sdk>=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def test_the_readme_names_it() -> None:
    assert f"`opentelemetry-sdk` {oldest_version()} or newer" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_it_writes_everything(path: Path, tmp_path: Path) -> None:
    wanted = [f"opentelemetry-{name}=={oldest_version()}.0" for name in ("api", "sdk")]
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]
    done = subprocess.run([*install, tmp_path / "old", *wanted], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no package index: {done.stderr.splitlines()[-1]}")
    assert run_process("migrate", path)[0] == 0
    command = [sys.executable, "-c", PROGRAM, str(path)]
    packages = f"{tmp_path / 'old'}{os.pathsep}{ROOT / 'src'}"
    environment = clean_environment(PYTHONPATH=packages, WATCHED=str(path))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=180)
    assert done.stdout == f"{oldest_version()}.0\n"
    assert span_names(path) == ["work"]
    assert read(path, "SELECT status, session_id FROM spans") == [("ok", "s-1")]
    assert health(path, "received", "opened", "repaired", "quarantined") == (11, 1, 0, 0)
    query = "SELECT body, severity_text, event_name, session_id, resource_attributes LIKE '%service.name%' FROM logs"
    assert read(path, f"{query} ORDER BY id") == [
        ('"begins"', "WARN", "job.start", "s-1", 1),
        ('"ends"', "WARN", "job.finish", "s-1", 1),
    ]
    assert read(path, "SELECT count(*) FROM events WHERE source = 'log' AND link_method = 'span'") == [(2,)]
    query = "SELECT name, kind, temporality, coalesce(value, sum), session_id FROM metric_points"
    assert sorted({*read(path, query)}, key=str) == [
        ("load", "gauge", None, 0.5, None),
        ("orders", "sum", "delta", 3, "s-1"),
        ("took", "exponential_histogram", "delta", 0.5, None),
        ("took", "histogram", "delta", 0.5, None),
        ("waiting", "sum", "cumulative", -1, None),
    ]
