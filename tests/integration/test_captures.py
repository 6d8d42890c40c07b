# SPDX-License-Identifier: Apache-2.0
"""What real instrumentation packages have recorded, replayed, gives files that agree with what the server served."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from tests.conftest import ROOT
from tests.file_checks import view_contents
from tests.new_files import put_new_file
from tests.scenarios.capture_file import decode_log, decode_span, encode_log, encode_span, read_capture
from tests.scenarios.comparison import find_differences
from tests.scenarios.packages import PACKAGES
from tests.scenarios.unrecorded import find_unrecorded

pytestmark = pytest.mark.core

CAPTURES = ROOT / "tests/captures"

JSON = dict[str, Any]


@pytest.fixture(scope="module", params=list(PACKAGES))
def capture(request: pytest.FixtureRequest) -> JSON:
    return read_capture(CAPTURES / f"{request.param}.json")


def records(capture: JSON) -> list[tuple[str, JSON]]:
    """All records of a capture, spans as they ended and log records as they came."""
    spans = [("span", span) for scenario in capture["scenarios"].values() for span in scenario["spans"]]
    logs = [("log", log) for scenario in capture["scenarios"].values() for log in scenario["logs"]]
    return sorted(spans, key=lambda record: record[1]["end_time_unix_nano"]) + logs


def replay(path: Path, recorded: list[tuple[str, JSON]], batch: int) -> None:
    """Export records in this order, so many at a time."""
    put_new_file(path)
    spans, logs = SQLiteSpanExporter(path), SQLiteLogRecordExporter(path)
    for start in range(0, len(recorded), batch):
        part = recorded[start : start + batch]
        spans.export([decode_span(record) for kind, record in part if kind == "span"])
        logs.export([decode_log(record) for kind, record in part if kind == "log"])
    spans.shutdown()
    logs.shutdown()


@pytest.fixture(scope="module")
def file(capture: JSON, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("capture") / "otel.db"
    replay(path, records(capture), 512)
    return path


@pytest.fixture(scope="module")
def shown(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    return view_contents(file)


def test_a_file_says_what_was_served(capture: JSON, file: Path) -> None:
    differences = []
    for name, scenario in capture["scenarios"].items():
        unrecorded = find_unrecorded(capture["package"], name)
        differences += [f"{name}: {difference}" for difference in find_differences(file, scenario, unrecorded)]
    assert not differences, "\n".join(differences)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "batch"), [(0, 1), (1, 3), (2, 512)])
def test_the_order_of_records_does_not_matter(
    capture: JSON, shown: dict[str, list[tuple[Any, ...]]], path: Path, seed: int, batch: int
) -> None:
    recorded = records(capture)
    random.Random(seed).shuffle(recorded)
    replay(path, recorded, batch)
    assert view_contents(path) == shown


def test_captures_hold_all_that_was_exported(capture: JSON) -> None:
    for kind, record in records(capture):
        again = encode_span(decode_span(record)) if kind == "span" else encode_log(decode_log(record))
        assert again == record


def test_the_documented_versions_are_the_captured_ones(capture: JSON) -> None:
    page = (ROOT / "docs/captures.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{capture['package']}` |")]
    names = [re.split(r"[\[<=]", requirement)[0] for requirement in PACKAGES[capture["package"]].requirements]
    assert row.split("|")[2].strip() == ", ".join(f"{name} {capture['versions'][name]}" for name in names)


def test_every_package_has_a_capture_and_every_capture_a_package() -> None:
    assert {path.stem for path in CAPTURES.glob("*.json")} == set(PACKAGES)
