# SPDX-License-Identifier: Apache-2.0
"""The same data points give the same file contents for any order, split into batches, and repetition, whoever writes
them, and while they are sorted in."""

from __future__ import annotations

import itertools
import math
import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter.encode.metric_encoding.point_encoder import PointEncoder
from otel_sqlite_exporter.model.attribute_sources import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.metric_records.metric_signals import PointFields
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.write.exporter_runs import Run
from otel_sqlite_exporter.write.metric_writing import sorted_points
from otel_sqlite_exporter.write.writer import Writer
from tests.conftest import in_new_process, read
from tests.drawn_points import ARRIVAL_NS, point_lists
from tests.file_checks import check_file
from tests.metric_files import counter, histogram, make_point
from tests.new_files import put_new_file

# Ids are the file's own, and what comes late depends on the order.
_LEFT_OUT = {"metrics": ("id", "late_points"), "metric_points": ("series_id",), "exemplars": ("series_id",)}
_SERIES, _PROCESSES, _BATCHES = 5, 3, 40


class PointWriter:
    """Writes encoded points through a connection of its own."""

    def __init__(self, path: Path) -> None:
        put_new_file(path)
        chosen = resolve_settings(path)
        self.connection = open_file(chosen)
        self.writer, self.run = Writer(self.connection, chosen), Run.begin("metrics", chosen)

    def write(self, batch: Sequence[EncodedPoint]) -> None:
        counts = self.writer.write(Records(points=list(batch)), self.run)
        assert counts is not None
        assert counts.received == counts.written + counts.duplicate == len(batch)


def contents(path: Path) -> dict[str, list[str]]:
    """The rows of the views of metrics, by names and times."""
    found = {}
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
        assert count_misplaced(file) == 0
        for view, left_out in _LEFT_OUT.items():
            columns = [name for (name,) in file.execute("SELECT name FROM pragma_table_info(?)", (view,))]
            kept = ", ".join(f'"{name}"' for name in columns if name not in left_out)
            found[view] = sorted(map(repr, file.execute(f"SELECT {kept} FROM {view}")))
    return found


def count_misplaced(file: sqlite3.Connection) -> int:
    """How many new points are not later than all that are sorted in of their series."""
    (misplaced,) = file.execute(
        "SELECT count(*) FROM _metric_points AS n JOIN _metric_points AS s ON s.series = n.series "
        "WHERE n.is_sorted = 0 AND s.is_sorted = 1 AND s.time_unix_nano >= n.time_unix_nano"
    ).fetchone()
    return int(misplaced)


@contextmanager
def sorting_often() -> Iterator[None]:
    """Sort new points in when there are two of a series, three at a time."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("_LEAST_NEW", 2), ("_NEW_OF_A_SERIES", 2), ("_SLICE", 3)):
            patch.setattr(sorted_points, name, value)
        yield


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(fields=point_lists(), seed=st.integers(0, 2**32))
def test_order_split_and_repetition_do_not_change_any_view(fields: list[PointFields], seed: int) -> None:
    chance = random.Random(seed)
    encoder = PointEncoder(DEFAULT_SESSION_ATTRIBUTES)
    encoded = [encoder.encode_point(one, ARRIVAL_NS) for one in fields]
    other = encoded + chance.choices(encoded, k=chance.randrange(6))
    chance.shuffle(other)
    with TemporaryDirectory() as folder:
        one, many = Path(folder, "one.db"), Path(folder, "many.db")
        with closing(PointWriter(one).connection):
            pass
        for path, written, writers in ((one, [encoded], 1), (many, split(other, chance), 2)):
            each = [PointWriter(path) for _ in range(writers)]
            with sorting_often():
                for batch in written:
                    chance.choice(each).write(batch)
            for writer in each:
                writer.connection.close()
        assert contents(many) == contents(one)


def split(items: list[EncodedPoint], chance: random.Random) -> list[list[EncodedPoint]]:
    batches: list[list[EncodedPoint]] = [[]]
    for item in items:
        if batches[-1] and chance.random() < 0.4:
            batches.append([])
        batches[-1].append(item)
    return batches


def counted_points(first: int, batches: int) -> Iterator[list[EncodedPoint]]:
    """A batch with a point of each of some series for each second, from the second `first`."""
    encoder = PointEncoder(DEFAULT_SESSION_ATTRIBUTES)
    for second in range(first, first + batches):
        batch = [make_point(counter(), second, second, start=0, attributes={"n": n}) for n in range(_SERIES)]
        yield [encoder.encode_point(fields, ARRIVAL_NS) for fields in batch]


def test_new_points_are_sorted_in_while_others_write(path: Path) -> None:
    writers = [PointWriter(path), PointWriter(path)]
    with sorting_often():
        for number, batch in enumerate(counted_points(1, 30)):
            writers[number % 2].write(batch)
            assert count_misplaced(writers[0].connection) == 0
    for writer in writers:
        writer.connection.close()
    assert read(path, "SELECT is_sorted, count(*) > 20 FROM _metric_points WHERE is_sorted = 1 GROUP BY 1") == [(1, 1)]
    assert read(path, "SELECT count(*), sum(delta), sum(change = 'first') FROM metric_points") == [(150, 150, _SERIES)]
    assert read(path, "SELECT sum(late_points) FROM metrics") == [(0,)]


def test_few_new_points_wait_unless_they_are_many_of_a_series(path: Path) -> None:
    """A page of them, and twenty of each series: then all are sorted in, some with each batch."""
    writer = PointWriter(path)
    new: list[int] = []
    for batch in counted_points(1, 100):
        writer.write(batch)
        new += writer.connection.execute("SELECT count(*) FROM _metric_points WHERE is_sorted = 0").fetchone()
    writer.connection.close()
    assert max(new) == 395
    assert new.index(0) == 79
    assert new[-1] == 100


def write_many(folder: str, name: str, first: str) -> None:
    """A program: write the same series as the others, at the times from `first`, when all are there."""
    Path(folder, name).touch()
    while len(os.listdir(folder)) < _PROCESSES:
        time.sleep(0.001)
    writer = PointWriter(Path(folder).parent / "otel.db")
    with sorting_often():
        for batch in counted_points(int(first), _BATCHES):
            writer.write(batch)
    writer.connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("step", [0, _BATCHES, 1], ids=["the same points", "after each other", "half of them the same"])
def test_processes_write_the_same_series_at_once(tmp_path: Path, step: int) -> None:
    (tmp_path / "started").mkdir()
    in_new_process(start_all, tmp_path, step)
    path = tmp_path / "otel.db"
    seconds = {first + second for first in starts(step) for second in range(_BATCHES)}
    expected = [PointWriter(tmp_path / "expected.db")]
    for second in sorted(seconds):
        for batch in counted_points(second, 1):
            expected[0].write(batch)
    expected[0].connection.close()
    assert contents(path) == contents(tmp_path / "expected.db")
    counted = read(path, "SELECT sum(received), sum(written), sum(duplicate) FROM exporter_health")
    written = _SERIES * len(seconds)
    assert counted == [(_PROCESSES * _BATCHES * _SERIES, written, _PROCESSES * _BATCHES * _SERIES - written)]


def starts(step: int) -> list[int]:
    return [1 + number * (step if step != 1 else _BATCHES // 2) for number in range(_PROCESSES)]


def start_all(folder: str, step: str) -> None:
    pids = []
    for number, first in enumerate(starts(int(step))):
        if not (pid := os.fork()):
            write_many(f"{folder}/started", str(number), str(first))
            os._exit(0)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * len(pids)


def test_a_reader_beside_a_writer_sees_whole_batches(path: Path) -> None:
    writer = PointWriter(path)
    query = "SELECT count(*), sum(delta), count(DISTINCT time_unix_nano) FROM metric_points WHERE name = 'requests'"
    with sorting_often(), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as file:
        seen: Counter[int] = Counter()
        for number, batch in enumerate(counted_points(1, 20), 1):
            file.execute("BEGIN")
            before = file.execute(query).fetchone()
            writer.write(batch)
            assert file.execute(query).fetchone() == before
            file.execute("COMMIT")
            assert file.execute(query).fetchone() == (number * _SERIES, number * _SERIES, number)
            seen[before[0]] += 1
    writer.connection.close()
    assert len(seen) == 20


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([3, 7, None], (7, "integer")),
        ([7, 7.0], (7.0, "real")),
        ([7, float("nan"), -math.inf], (None, "nan")),
        ([2**63, 2**63 - 1], (2.0**63, "large")),
    ],
)
def test_versions_of_a_point_are_the_larger_row(path: Path, values: list[Any], kept: tuple[Any, str]) -> None:
    """Whichever comes first: also where only the types of their numbers differ."""
    encoder = PointEncoder(DEFAULT_SESSION_ATTRIBUTES)
    for number, order in enumerate(itertools.permutations(values)):
        file = path.with_name(f"{number}.db")
        writer = PointWriter(file)
        for value in order:
            writer.write([encoder.encode_point(make_point(counter(), 1, value, start=0), ARRIVAL_NS)])
        writer.connection.close()
        assert [(value, kind) for value, kind in read(file, "SELECT value, value_type FROM metric_points")] == [kept]


def test_a_point_is_one_with_its_time_start_and_series_alone(path: Path) -> None:
    writer = PointWriter(path)
    encoder = PointEncoder(DEFAULT_SESSION_ATTRIBUTES)
    fields: list[Any] = [
        make_point(counter(), 1, 5, start=0),
        make_point(counter(), 1, 5),
        make_point(counter(), 2, 5, start=0),
        make_point(counter(), 1, 5, start=0, attributes={"n": 1}),
        make_point(counter(), 1, 5, start=0, service="till"),
        make_point(counter(unit="1"), 1, 5, start=0),
        make_point(counter(temporality="delta"), 1, 5, start=0),
        make_point(counter(description="Others"), 1, 5, start=0),
        make_point(histogram(), 1, start=0),
    ]
    for _ in range(2):
        writer.write([encoder.encode_point(one, ARRIVAL_NS) for one in fields])
    writer.connection.close()
    assert read(path, "SELECT count(*), count(DISTINCT series_id) FROM metric_points") == [(len(fields), 7)]
    assert read(path, "SELECT sum(series), count(*) FROM metrics") == [(7, 5)]
