# SPDX-License-Identifier: Apache-2.0
"""A `compact` that is killed at any moment and run again leaves the rows of an undisturbed run, with their ids. A
reader sees the rows of before or of after, never a trace twice or not at all."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the extra `archive` is not installed")
pytest.importorskip("duckdb", reason="the extra `archive` is not installed")

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder, make_dataset, open_dataset
from tests.compacted_datasets import archive_days, compact_quietly, read_rows_by_table
from tests.conftest import ROOT
from tests.mixed_records import Record, export_batches, make_log

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL"),
]
_ROUNDS, _KILLS = 3, 2
_DAY = 86_400 * 10**9
_NIGHT = 20_484 * _DAY
"""2026-01-31T00:00:00Z."""
_COMPACT = """
import sys
from otel_sqlite_exporter.archive.compaction.compactor import compact
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from otel_sqlite_exporter.archive.dataset_format.dataset_folder import open_dataset
compact(open_dataset(sys.argv[1]), lambda done, of, note: print(note, flush=True))
"""


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
    undisturbed = _copy(split, tmp_path / "undisturbed")
    report = compact_quietly(undisturbed)
    assert report.contested_traces
    assert len(report.days) > 2
    after = _read(undisturbed)
    chance = random.Random(7)
    steps = len(report.days) + 8
    killed = 0
    for number in range(_ROUNDS):
        dataset = _copy(split, tmp_path / str(number))
        for _ in range(_KILLS):
            killed += _kill(dataset, chance.randrange(steps), chance.random() * 0.15)
            assert _is_between(dataset, split, undisturbed)
        compact_quietly(dataset)
        assert _read(dataset) == after
        files = sorted(str(path.relative_to(dataset.path)) for path in Path(dataset.path).rglob("*") if path.is_file())
        expected = Path(undisturbed.path).rglob("*")
        assert files == sorted(str(path.relative_to(undisturbed.path)) for path in expected if path.is_file())
        shutil.rmtree(dataset.path)
    assert killed


def _copy(dataset: DatasetFolder, path: Path) -> DatasetFolder:
    shutil.copytree(dataset.path, path)
    return open_dataset(path)


def _read(dataset: DatasetFolder) -> dict[str, list[str]]:
    return {table: sorted(map(repr, rows)) for table, rows in read_rows_by_table(dataset).items()}


def _is_between(dataset: DatasetFolder, before: DatasetFolder, after: DatasetFolder) -> bool:
    """Whether each day is as it was or as it is after: days without contested traces are commits of their own."""
    rows, old, new = (_by_day(one) for one in (dataset, before, after))
    contested = ("2026-01-30", "2026-01-31")
    is_whole = [rows.get(day) for day in contested] in ([one.get(day) for day in contested] for one in (old, new))
    return is_whole and all(rows.get(day) in (old.get(day), new.get(day)) for day in {*old, *new})


def _by_day(dataset: DatasetFolder) -> dict[str, list[str]]:
    days: dict[str, list[str]] = {}
    for table, rows in read_rows_by_table(dataset).items():
        for row in rows:
            days.setdefault(row["date"], []).append(f"{table} {row!r}")
    return {day: sorted(rows) for day, rows in days.items()}


def _kill(dataset: DatasetFolder, steps: int, seconds: float) -> bool:
    """Kill a run some moments after it began its next step; return whether it had not ended."""
    command = [sys.executable, "-c", _COMPACT, dataset.path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None
        for _, _ in zip(range(steps), process.stdout, strict=False):
            pass
        time.sleep(seconds)
        is_running = process.poll() is None
        process.kill()
    return is_running
