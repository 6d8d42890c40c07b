# SPDX-License-Identifier: Apache-2.0
"""Records that are split over files in any way and merged in any order give the views of one file that got all."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from tests.commands import run
from tests.integration.test_order import span_versions
from tests.mixed_records import mixed_records
from tests.new_files import put_new_file
from tests.trials.orders import read_views

Record = ReadableSpan | ReadableLogRecord


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(records=mixed_records(), seed=st.integers(0, 2**32))
def test_merged_files_have_the_views_of_one_file(records: list[Record], seed: int) -> None:
    _check_split(records, random.Random(seed))


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(records=span_versions(), seed=st.integers(0, 2**32))
def test_versions_of_spans_merge_as_they_are_written(records: list[Record], seed: int) -> None:
    _check_split(records, random.Random(seed))


def _check_split(records: Sequence[Record], chance: random.Random) -> None:
    with TemporaryDirectory() as folder:
        one = Path(folder, "one.db")
        _export(one, records)
        sources = [Path(folder, f"source {number}.db") for number in range(chance.randrange(1, 5))]
        target = Path(folder, "target.db")
        shares: dict[Path, list[Record]] = {path: [] for path in [target, *sources]}
        for record in records:
            places = [*shares] if chance.random() < 0.5 else sources
            chosen = chance.sample(places, 1 if chance.random() < 0.6 else chance.randrange(len(places)) + 1)
            if isinstance(record, ReadableLogRecord) and target in chosen:
                chosen = [target]  # an exporter would write it again after a merge that brought it
            for path in chosen:
                shares[path].append(record)
        # Files grow between runs of the command, and it may meet each of them at any time.
        halves = {path: chance.randrange(len(share) + 1) for path, share in shares.items()}
        for path, share in shares.items():
            chance.shuffle(share)
            _export(path, share[: halves[path]])
        if chance.random() < 0.7:
            _merge(target, [path for path in sources if path.exists() and chance.random() < 0.7], chance)
        for path, share in shares.items():
            _export(path, share[halves[path] :])
        written = [path for path in sources if path.exists()]
        if written and chance.random() < 0.3:
            written.append(Path(folder, "copy.db"))
            shutil.copyfile(written[0], written[-1])
        _merge(target, written, chance)
        assert target.exists() == one.exists()
        if one.exists():
            expected = read_views(one)
            assert read_views(target) == expected
            _merge(target, written, chance)
            assert read_views(target) == expected


def _merge(target: Path, sources: list[Path], chance: random.Random) -> None:
    chance.shuffle(sources)
    runs = [sources] if chance.random() < 0.5 else [[source] for source in sources]
    for some in filter(None, runs):
        code, _, errors = run("merge", *some, "--into", target, OTEL_EXPORTER_SQLITE_PAIRING_WINDOW_MS="20")
        assert (code, errors) == (0, "")


def _export(path: Path, records: Sequence[Record]) -> None:
    if not records:
        return
    put_new_file(path)
    spans = SQLiteSpanExporter(path, pairing_window_ms=20)
    logs = SQLiteLogRecordExporter(path, pairing_window_ms=20)
    for record in records:
        if isinstance(record, ReadableLogRecord):
            assert logs.export([record]).name == "SUCCESS"
        else:
            export: Callable[..., object] = spans.export if record.end_time is not None else spans.export_open
            export([record])
    spans.shutdown()
    logs.shutdown()
