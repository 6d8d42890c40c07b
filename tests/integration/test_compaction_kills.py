# SPDX-License-Identifier: Apache-2.0
"""A `compact` that is killed at any moment and run again leaves the rows of an undisturbed run, with their ids. A
reader sees the rows of before or of after, never a trace twice or not at all."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the extra `archive` is not installed")
pytest.importorskip("duckdb", reason="the extra `archive` is not installed")

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder, make_dataset, open_dataset
from tests.archived import list_files
from tests.compacted_datasets import archive_days, read_rows_by_table
from tests.forked_commands import run_forked
from tests.mixed_records import Record, export_batches, make_log

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL"),
]
_KILLS = 4
_Days = dict[str, list[str]]
_DAY = 86_400 * 10**9
_NIGHT = 20_484 * _DAY
"""2026-01-31T00:00:00Z."""


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    """A dataset of traces over a night, and of log records, in two files; one was archived in two generations."""
    folder = tmp_path_factory.mktemp("split")
    shares: list[list[Record]] = [[], [], []]
    for trace in range(1, 13):
        for number in range(3):
            start = _NIGHT + (trace - 6) * 10**9 + number * (2 * 10**9 if trace % 2 else 10**6)
            span = ReadableSpan(
                name="step",
                context=SpanContext(trace, 10 * trace + number, False),
                parent=SpanContext(trace, 10 * trace, False) if number else None,
                resource=Resource({"service.name": f"service {number}"}),
                attributes={"session.id": f"s{trace % 3}"} if number == 1 else {},
                start_time=start,
                end_time=start + 10**6,
            )
            shares[(trace * number) % 3].append(span)
    for number, share in enumerate(shares):
        share.append(make_log(number, {"session.id": "s"}))
    dataset = make_dataset(folder / "dataset")
    for number, records in enumerate(shares):
        source, generation = min(number, 1), number // 2
        export_batches(folder / f"{source}.db", [records])
        archive_days(folder / f"{source}.db", dataset, f"source{source}", generation)
    return dataset


def test_kills_change_nothing(split: DatasetFolder, tmp_path: Path) -> None:
    """Each kill is in another part of the work. A run that follows one is killed too, or undisturbed."""
    undisturbed = _copy(split, tmp_path / "undisturbed")
    compacted = run_forked("compact", undisturbed.path)
    assert (compacted.code, "derived" in compacted.output) == (0, True), compacted.output
    before, after = _read_by_day(split), _read_by_day(undisturbed)
    assert len(after) > 2
    chance = random.Random(7)
    killed = 0
    dataset = _copy(split, tmp_path / "dataset")
    for number in range(_KILLS):
        cpu_s = compacted.cpu_s * (number + chance.random()) / _KILLS
        killed += run_forked("compact", dataset.path, cpu_s=cpu_s).is_killed
        assert _is_between(_read_by_day(dataset), before, after)
        if number % 2:
            assert run_forked("compact", dataset.path).code == 0
            assert _read_by_day(dataset) == after
            assert list_files(Path(dataset.path)) == list_files(Path(undisturbed.path))
            dataset = _copy(split, tmp_path / f"after {number}")
    assert killed > 2


def _copy(dataset: DatasetFolder, path: Path) -> DatasetFolder:
    shutil.copytree(dataset.path, path)
    return open_dataset(path)


def _read_by_day(dataset: DatasetFolder) -> _Days:
    """All rows with their ids."""
    days: _Days = {}
    for table, rows in read_rows_by_table(dataset).items():
        for row in rows:
            days.setdefault(row["date"], []).append(f"{table} {row!r}")
    return {day: sorted(rows) for day, rows in days.items()}


def _is_between(rows: _Days, old: _Days, new: _Days) -> bool:
    """Whether each day is as it was or as it is after: days without contested traces are commits of their own."""
    contested = ("2026-01-30", "2026-01-31")
    is_whole = [rows.get(day) for day in contested] in ([one.get(day) for day in contested] for one in (old, new))
    return is_whole and all(rows.get(day) in (old.get(day), new.get(day)) for day in {*old, *new})
