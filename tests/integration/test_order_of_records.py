# SPDX-License-Identifier: Apache-2.0
"""Spans, their events and log records that report the same calls give the same views in any order, split and
repetition of the spans; `reindex` finds nothing to change in the file."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.mixed_records import Record, export_batches, mixed_records, read_views


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(records=mixed_records(), seed=st.integers(0, 2**32))
def test_records_give_the_same_views_in_any_order(records: list[Record], seed: int) -> None:
    chance = random.Random(seed)
    assert _contents([_shuffle(records, chance)]) == _contents([[[record] for record in records]])


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(records=mixed_records(), seed=st.integers(0, 2**32))
def test_several_writers_at_once_give_the_same_views(records: list[Record], seed: int) -> None:
    chance = random.Random(seed)
    batches = _shuffle(records, chance)
    assert _contents([batches[0::3], batches[1::3], batches[2::3]]) == _contents([[records]])


def _shuffle(records: Sequence[Record], chance: random.Random) -> list[list[Record]]:
    """The records in batches, in another order; some of the spans twice."""
    spans = [record for record in records if isinstance(record, ReadableSpan)]
    other = [*records, *chance.choices(spans, k=chance.randrange(3))]
    chance.shuffle(other)
    batches: list[list[Record]] = [[]]
    for record in other:
        if batches[-1] and chance.random() < 0.5:
            batches.append([])
        batches[-1].append(record)
    return batches


def _contents(writers: Sequence[Sequence[Sequence[Record]]]) -> dict[str, list[str]]:
    """The views of a file that threads wrote, each its batches through exporters of its own; also as `reindex` leaves
    them."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        with ThreadPoolExecutor(len(writers)) as threads:
            list(threads.map(partial(export_batches, path), writers))
        before = read_views(path)
        result = reindex(resolve_settings(path))
        assert (result.changed_spans, result.changed_logs, result.recounted_calls) == (0, 0, 0)
        assert read_views(path) == before
        return before
