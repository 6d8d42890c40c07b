# SPDX-License-Identifier: Apache-2.0
"""What packages and programs exported as OTLP, imported in any order, agrees with what the server served."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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


def test_what_is_unrecorded_is_of_a_capture() -> None:
    assert set(UNRECORDED) <= set(list_captures())
