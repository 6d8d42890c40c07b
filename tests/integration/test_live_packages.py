# SPDX-License-Identifier: Apache-2.0
"""Instrumentation packages that share the environment of the tests, run against a server while the exporter writes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter, SQLiteSpanProcessor
from tests.conftest import in_new_process
from tests.scenarios.comparison import find_differences
from tests.scenarios.packages import PACKAGES
from tests.scenarios.run import run_scenarios
from tests.scenarios.unrecorded import find_unrecorded

pytestmark = pytest.mark.slow

# The rest names its entry point as one of these does, or takes long to install: see tests/captures.
LIVE = ("genai-openai", "genai-openai-events", "pydantic-ai")
PROCESSORS: dict[str, Callable[[str], SpanProcessor]] = {
    "exporter": lambda path: BatchSpanProcessor(SQLiteSpanExporter(path)),
    "processor": lambda path: SQLiteSpanProcessor(path, open_delay_ms=0, schedule_delay_ms=20),
}


def run_package(name: str, processor: str, path: str) -> None:
    """A program: run the scenarios of a package, and print what they were about."""
    os.environ.update(PACKAGES[name].environment)
    logs = BatchLogRecordProcessor(SQLiteLogRecordExporter(path))
    print(json.dumps(run_scenarios(PACKAGES[name], PROCESSORS[processor](path), logs)))


@pytest.mark.parametrize("processor", list(PROCESSORS))
@pytest.mark.parametrize("name", LIVE)
def test_a_file_written_live_says_what_was_served(name: str, processor: str, path: Path) -> None:
    scenarios: dict[str, Any] = in_new_process(run_package, name, processor, path, flags=("-W", "ignore"))
    differences = []
    for scenario, about in scenarios.items():
        found = find_differences(path, about, find_unrecorded(name, scenario))
        differences += [f"{scenario}: {difference}" for difference in found]
    assert not differences, "\n".join(differences)
