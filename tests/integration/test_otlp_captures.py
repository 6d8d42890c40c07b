# SPDX-License-Identifier: Apache-2.0
"""What packages and programs exported as OTLP, imported in any order, agrees with what the server served."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.otlp.redacted_rows import RowRedactor
from otel_sqlite_exporter.query.exports.otlp_export import read_export
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.redact.known_values import KnownValues
from otel_sqlite_exporter.redact.redacted_signals import SpanRedactor
from otel_sqlite_exporter.redact.share_redactor import ShareRedactor
from otel_sqlite_exporter.settings import resolve_settings
from tests.file_checks import view_contents
from tests.otlp_captures.capture_files import Capture, import_batches, list_captures, read_capture, split_records
from tests.otlp_captures.scoring import find_differences
from tests.otlp_captures.unrecorded import UNRECORDED, find_undeclared


def _shuffle(records: list[str]) -> list[str]:
    return random.Random(len(records)).sample(records, len(records))


# By name: how the records are ordered, and how many are in a batch.
ORDERS: dict[str, tuple[Callable[[list[str]], list[str]], int]] = {
    "log records first": (lambda records: sorted(records, key=lambda record: "resourceSpans" in record[:20]), 7),
    "reversed, one record a batch": (lambda records: records[::-1], 1),
    "shuffled": (_shuffle, 5),
}


@pytest.fixture(scope="module", params=list_captures())
def capture(request: pytest.FixtureRequest) -> Capture:
    return read_capture(request.param)


@pytest.fixture(scope="module")
def file(capture: Capture, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("capture") / "otel.db"
    import_batches(path, [capture.lines])
    return path


@pytest.fixture(scope="module")
def shown(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    return view_contents(file)


def test_a_file_says_what_was_served(capture: Capture, file: Path) -> None:
    differences = find_undeclared(capture.name, find_differences(file, capture.truth, capture.lines))
    assert not differences, "\n".join(differences)


@pytest.mark.slow
@pytest.mark.parametrize("order", list(ORDERS))
def test_the_order_of_records_does_not_matter(
    capture: Capture, shown: dict[str, list[tuple[Any, ...]]], path: Path, order: str
) -> None:
    arrange, size = ORDERS[order]
    records = arrange(list(split_records(capture.lines)))
    import_batches(path, [records[start : start + size] for start in range(0, len(records), size)])
    assert view_contents(path) == shown


def _find_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.strip()[:60].strip()
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _find_texts(item)


def test_what_is_shared_without_content_says_nothing_that_was_served(capture: Capture, file: Path) -> None:
    calls, runs = capture.truth["calls"], capture.truth["tool_runs"]
    said = [[call.get("prompt"), call.get("completion")] for call in calls]
    tools = [[tool.get("arguments") for tool in call.get("tool_calls") or ()] for call in calls]
    texts = {*_find_texts([said, tools, [[run.get("arguments"), run.get("result")] for run in runs]])}
    names = {*_find_texts(capture.truth["told"]), "system", "user", "assistant", "tool"}
    redactor = RowRedactor(SpanRedactor(ShareRedactor(resolve_settings(file, capture_content=False), KnownValues())))
    pieces = read_export(TelemetryFile(str(file), 5_000), session_id=None, trace_id=None, redactor=redactor)
    shared = b"".join(piece.content for piece in pieces).decode()
    looked_for = {text for text in texts - names if len(text) > 3}
    assert looked_for
    spellings = {text: (json.dumps(text)[1:-1], json.dumps(json.dumps(text)[1:-1])[1:-1]) for text in looked_for}
    assert [text for text, spelled in spellings.items() if any(one in shared for one in spelled)] == []


def test_what_is_unrecorded_is_of_a_capture() -> None:
    assert set(UNRECORDED) <= set(list_captures())
