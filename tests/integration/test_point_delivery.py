# SPDX-License-Identifier: Apache-2.0
"""Data points reach the file once and unchanged: through the spool, where one of them is refused, where writers are
killed, and in files of other versions."""

from __future__ import annotations

import itertools
import json
import logging
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from opentelemetry.sdk.metrics.export import MetricExportResult

from otel_sqlite_exporter import SQLiteMetricExporter
from otel_sqlite_exporter.deliver.delivery import Delivery
from otel_sqlite_exporter.encode.metric_encoding.point_encoder import PointEncoder
from otel_sqlite_exporter.model.arrivals.request_rows import RequestRow
from otel_sqlite_exporter.model.attribute_sources import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.metric_records.metric_signals import PointFields
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import health, in_new_process, read
from tests.drawn_points import ARRIVAL_NS, point_lists
from tests.file_checks import check_file, settle, snapshot
from tests.frozen_files.frozen_file import read_views, unpack
from tests.integration.test_point_order import PointWriter, contents, sorting_often
from tests.metering import make_data, make_sum, quarantined
from tests.metric_files import counter, make_point
from tests.upgrades import migrate, version

KILLS, WRITERS, POINTS_PER_BATCH = 12, 3, 4
LONGEST_WAIT_S = 0.05
_OLDER = 14
"""The last version without metrics."""


def encode(*points: PointFields) -> list[EncodedPoint]:
    encoder = PointEncoder(DEFAULT_SESSION_ATTRIBUTES)
    return [encoder.encode_point(point, ARRIVAL_NS) for point in points]


def deliver(path: Path, records: Records, **keywords: Any) -> None:
    delivery = Delivery(resolve_settings(path, **keywords), "metrics")
    assert delivery.deliver(records)
    delivery.close()


@pytest.mark.slow
@settings(max_examples=12)
@given(fields=point_lists())
def test_the_spool_changes_no_point(fields: list[PointFields]) -> None:
    """Also those with NaN, infinities and integers beyond 64 bits, which JSON does not have."""
    points = encode(*fields)
    with TemporaryDirectory() as folder:
        straight, spooled = Path(folder, "straight.db"), Path(folder, "spooled.db")
        writer = PointWriter(straight)
        writer.write(points)
        writer.connection.close()
        PointWriter(spooled).connection.close()
        with closing(sqlite3.connect(spooled, isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            deliver(spooled, Records(points=points), busy_timeout_ms=0)
            assert os.path.getsize(f"{spooled}-spool") > 0
        settle(spooled)
        assert contents(spooled) == contents(straight)
        assert health(spooled, "replayed") == (len(points),)


def test_a_point_that_sqlite_refuses_costs_itself_alone(path: Path) -> None:
    first, bad, last = encode(*(make_point(counter(), time, time, start=0) for time in (1, 2, 3)))
    unusable: Any = object()
    deliver(path, Records(points=[first, bad._replace(row=bad.row._replace(value=unusable)), last]))
    assert read(path, "SELECT value, delta FROM metric_points") == [(1, 1), (3, 2)]
    ((reason, content),) = quarantined(path)
    assert "object" in reason or "type" in reason
    assert "requests" in json.dumps(content)
    assert health(path, "received", "written", "quarantined") == (3, 2, 1)


def test_a_request_that_comes_again_is_written_once(path: Path) -> None:
    points = encode(*(make_point(counter(), time, time, start=0) for time in (1, 2)))
    for digest in ("one", "one", "other"):
        deliver(path, Records(points=points, requests=[RequestRow(digest, "metrics", "curl", 10, len(points))]))
    assert read(path, "SELECT count(*) FROM metric_points") == [(2,)]
    assert health(path, "received", "written", "duplicate") == (6, 2, 4)
    assert read(path, "SELECT received, stored, duplicate, retried_requests FROM receiver_sources") == [(6, 2, 4, 1)]


def write_until_the_end(path: str, name: str) -> None:
    """A program: export batches of one second each, and note each that was acknowledged, in a file that outlives it."""
    notes = os.open(f"{path}.acknowledged", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    exporter = SQLiteMetricExporter(path)
    with sorting_often():
        for number in itertools.count(1):
            if os.getppid() == 1:
                return
            data = make_data(
                *(make_sum("requests", number, time=number * 10**9, writer=name, n=n) for n in range(POINTS_PER_BATCH))
            )
            if exporter.export(data) is MetricExportResult.SUCCESS:
                os.write(notes, f"{name}/{number}\n".encode())
            time.sleep(random.uniform(0, 0.01))


def kill_writers(folder: str, seed: str) -> None:
    """A program: kill one of some writers again and again, each time when some have written."""
    chance = random.Random(int(seed))
    path = f"{folder}/otel.db"
    noted = Path(f"{path}.acknowledged")
    noted.touch()
    writers: list[int] = []
    for number in range(KILLS + WRITERS - 1):
        if not (pid := os.fork()):
            write_until_the_end(path, f"writer{number}")
        writers.append(pid)
        if len(writers) == WRITERS:
            before = noted.stat().st_size
            while noted.stat().st_size == before:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, LONGEST_WAIT_S))
            end(writers.pop(chance.randrange(WRITERS)))
    for pid in writers:
        end(pid)
    settle(path)
    print(json.dumps(check(path)))


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def check(path: str) -> Counter[str]:
    """The file is sound, and holds each batch wholly or not at all, and all that were acknowledged."""
    acknowledged = Path(f"{path}.acknowledged").read_text().split()
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
        query = "SELECT attributes ->> 'writer', time_unix_nano / 1000000000, count(*) FROM metric_points GROUP BY 1, 2"
        batches = {f"{writer}/{number}": points for writer, number, points in file.execute(query)}
    assert set(batches.values()) <= {POINTS_PER_BATCH}
    assert set(acknowledged) <= set(batches)
    return Counter(acknowledged=len(acknowledged), written=len(batches))


@pytest.mark.slow
@pytest.mark.row("os._exit, a signal without a handler, kill -9, out of memory")
def test_what_was_acknowledged_is_there_once_after_many_deaths(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seed = random.randrange(1_000_000)
    print("seed", seed)
    counts = in_new_process(kill_writers, tmp_path, seed)
    record_property("counts", f"seed {seed}, {KILLS + WRITERS - 1} kills, {counts}")
    assert counts["acknowledged"] >= KILLS


def fork_between_exports(path: str) -> None:
    """A program: its children write the series that it writes, too, at other times."""
    exporter = SQLiteMetricExporter(path)
    children = []
    for number in range(1, 7):
        even = 2 * number
        assert exporter.export(make_data(make_sum("requests", even, time=even * 10**9))).name == "SUCCESS"
        if not (pid := os.fork()):
            odd = even + 1
            done = exporter.export(make_data(make_sum("requests", odd, time=odd * 10**9))).name == "SUCCESS"
            exporter.shutdown()
            os._exit(0 if done else 1)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * len(children)
    exporter.shutdown()


def test_children_write_the_series_of_their_parent(path: Path) -> None:
    in_new_process(fork_between_exports, path)
    assert read(path, "SELECT value, delta FROM metric_points ORDER BY time_unix_nano") == [
        *[(2, 2)],
        *((number, 1) for number in range(3, 14)),
    ]
    assert read(path, "SELECT series FROM metrics") == [(1,)]


@pytest.mark.row("Newer file")
def test_a_newer_file_is_not_touched_and_the_points_are_kept(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    deliver(path, Records(points=encode(make_point(counter(), 1, 1, start=0))))
    number = version(path)
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 9999")
    before = snapshot(path)
    with caplog.at_level(logging.WARNING):
        deliver(path, Records(points=encode(make_point(counter(), 2, 3, start=0))))
    assert "pip install -U otel-sqlite-exporter" in caplog.text
    assert {**snapshot(path), f"{path.name}-spool": b""} == {**before, f"{path.name}-spool": b""}
    with closing(sqlite3.connect(path)) as file:
        file.execute(f"PRAGMA user_version = {number}")
    deliver(path, Records(points=encode(make_point(counter(), 3, 4, start=0))))
    assert read(path, "SELECT delta FROM metric_points") == [(1,), (2,), (1,)]


@pytest.mark.row("Older file")
def test_an_older_file_is_upgraded_by_the_exporter_while_others_read_it(path: Path) -> None:
    shown = unpack(_OLDER, path)
    kept = {name: list(rows[0]) for name, rows in shown.items() if rows and name != "exporter_health"}
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode = WAL")
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        query = "SELECT count(*), max(end_time_unix_nano) FROM spans"
        before = reader.execute(query).fetchone()
        exporter = SQLiteMetricExporter(path)
        assert exporter.export(make_data(make_sum("requests", 1, 3))) is MetricExportResult.SUCCESS
        assert reader.execute(query).fetchone() == before
        reader.execute("COMMIT")
        assert reader.execute(query).fetchone() == before
        assert reader.execute("SELECT delta FROM metric_points").fetchall() == [(1,), (2,)]
        exporter.shutdown()
    assert version(path) > _OLDER
    upgraded = path.with_name("upgraded.db")
    unpack(_OLDER, upgraded)
    migrate(upgraded, backup=False)
    exporter = SQLiteMetricExporter(upgraded)
    exporter.export(make_data(make_sum("requests", 1, 3)))
    exporter.shutdown()
    assert read_views(path, kept) == read_views(upgraded, kept)
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
