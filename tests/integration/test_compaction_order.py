# SPDX-License-Identifier: Apache-2.0
"""Records that are split over files and generations in any way, archived and compacted, give the rows of the archive of
one file that got all."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

pytest.importorskip("pyarrow", reason="the extra `archive` is not installed")
pytest.importorskip("duckdb", reason="the extra `archive` is not installed")

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import make_dataset
from tests.compacted_datasets import archive_days, compact_quietly, read_dataset
from tests.mixed_records import mixed_records

Record = ReadableSpan | ReadableLogRecord


@pytest.mark.slow
@settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(records=mixed_records(), seed=st.integers(0, 2**32))
def test_a_compacted_dataset_has_the_rows_of_one_file(records: list[Record], seed: int) -> None:
    chance = random.Random(seed)
    window = chance.choice([20, 2_000])
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_SQLITE_PAIRING_WINDOW_MS", str(window))
        _check_split(Path(folder), records, chance, window)


def _check_split(folder: Path, records: Sequence[Record], chance: random.Random, window: int) -> None:
    whole, split = make_dataset(folder / "whole"), make_dataset(folder / "split")
    _export(folder / "one.db", records, window)
    archive_days(folder / "one.db", whole, "one")
    files = [folder / f"{number}.db" for number in range(chance.randrange(1, 5))]
    shares: list[dict[Path, list[Record]]] = [{file: [] for file in files} for _ in range(2)]
    places: dict[object, tuple[dict[Path, list[Record]], Sequence[Path]]] = {}
    for record in records:
        some = 1 if chance.random() < 0.6 else chance.randrange(len(files)) + 1
        key = record.context.span_id if isinstance(record, ReadableSpan) and record.context else id(record)
        # No span runs when its day is archived.
        share, chosen = places.setdefault(key, (chance.choice(shares), chance.sample(files, some)))
        for file in chosen:
            share[file].append(record)
    for generation, share in enumerate(shares):
        for file, some_records in share.items():
            _export(file, some_records, window)
        for file in files:
            if file.exists() and (generation or chance.random() < 0.6):
                archive_days(file, split, file.stem, generation)
        if generation or chance.random() < 0.4:
            compact_quietly(split)
    assert read_dataset(split) == read_dataset(whole)
    assert compact_quietly(split).days == ()


def _export(path: Path, records: Sequence[Record], window: int) -> None:
    if not records:
        return
    spans = SQLiteSpanExporter(path, pairing_window_ms=window)
    logs = SQLiteLogRecordExporter(path, pairing_window_ms=window)
    for record in records:
        if isinstance(record, ReadableLogRecord):
            assert logs.export([record]).name == "SUCCESS"
        else:
            done = spans.export([record]) if record.end_time is not None else spans.export_open([record])
            assert done.name == "SUCCESS"
    spans.shutdown()
    logs.shutdown()
