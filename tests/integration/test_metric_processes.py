# SPDX-License-Identifier: Apache-2.0
"""Metrics of processes that end, are killed, or fork: each point that `export` accepted is in the file, and what all
points say together is what was counted."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from otel_sqlite_exporter import SQLiteMetricExporter, TelemetryDatabase, flush_on_sigterm
from tests.conftest import health, in_new_process, read
from tests.metering import make_data, make_provider, make_sum, points, totals

SUCCESS, FAILURE = MetricExportResult.SUCCESS, MetricExportResult.FAILURE
HOUR_MS = 3_600_000


def measure_and_end(path: str, ending: str) -> None:
    """A program as users write it: the reader exports every hour, and at the end."""
    reader = PeriodicExportingMetricReader(SQLiteMetricExporter(path), export_interval_millis=HOUR_MS)
    provider = MeterProvider([reader])
    metrics.set_meter_provider(provider)
    counter = metrics.get_meter("tests").create_counter("orders")
    counter.add(2)
    if ending == "SIGTERM":
        flush_on_sigterm(timeout_ms=120_000)
        os.kill(os.getpid(), signal.SIGTERM)
    elif ending == "exception":
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
        raise ValueError
    elif ending == "flush and kill":
        provider.force_flush()
        counter.add(100)
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("ending", "status"),
    [("return", 0), ("exception", 1), ("SIGTERM", -signal.SIGTERM), ("flush and kill", -signal.SIGKILL)],
)
def test_what_was_measured_is_there_when_the_process_has_ended(path: Path, ending: str, status: int) -> None:
    in_new_process(measure_and_end, path, ending, status=status)
    assert totals(path) == {("orders", "{}"): 2}
    assert health(path, "dropped", "quarantined") == (0, 0)


def export_until_killed(path: str) -> None:
    """Print each number after `export` has accepted it."""
    exporter = SQLiteMetricExporter(path)
    for number in range(10**9):
        if exporter.export(make_data(make_sum("orders", number, time=10**18 + number))) is SUCCESS:
            os.write(1, f"{number}\n".encode())


@pytest.mark.slow
def test_kill_9_costs_nothing_that_export_accepted(path: Path) -> None:
    for _ in range(5):
        pipe, out = os.pipe()
        pid = os.fork()
        if not pid:
            os.dup2(out, 1)
            os.execve(
                sys.executable,
                [sys.executable, "-c", f"from {__name__} import *; export_until_killed({str(path)!r})"],
                dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
            )
        os.close(out)
        with open(pipe) as lines:
            seen = [lines.readline() for _ in range(20)]
            time.sleep(0.01)
            os.kill(pid, signal.SIGKILL)
            seen += lines.readlines()
        os.waitpid(pid, 0)
        accepted = [int(line) for line in seen if line.endswith("\n")]
        assert len(accepted) >= 20
        stored = {value for (value,) in read(path, "SELECT value FROM metric_points")}
        assert stored.issuperset(accepted)
        assert read(path, "PRAGMA integrity_check") == [("ok",)]


def test_points_wait_in_the_spool_of_a_locked_file_and_come_in_once(path: Path) -> None:
    exporter = SQLiteMetricExporter(path, busy_timeout_ms=0)
    assert exporter.export(make_data(make_sum("orders", 1, a="é"))) is SUCCESS
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = make_data(make_sum("orders", 1, 2, 2**80, math.nan, a="é"), make_sum("visits", 7))
        assert exporter.export(waiting) is SUCCESS
    assert exporter.export(make_data(make_sum("visits", 7, 8))) is SUCCESS
    exporter.shutdown()
    values = [("orders", 1), ("orders", 2), ("orders", float(2**80)), ("orders", None), ("visits", 7), ("visits", 8)]
    assert points(path, "name", "value") == values
    assert health(path, "received", "written", "duplicate", "spooled") == (8, 6, 2, 5)


def test_without_a_spool_points_of_a_locked_file_are_lost_and_counted(path: Path) -> None:
    exporter = SQLiteMetricExporter(path, busy_timeout_ms=0, spool_limit_bytes=0)
    assert exporter.export(make_data(make_sum("orders", 1))) is SUCCESS
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert exporter.export(make_data(make_sum("orders", 1, 2, 3))) is FAILURE
    exporter.shutdown()
    assert points(path, "value") == [(1,)]
    assert health(path, "dropped") == (3,)


def test_a_full_disk_costs_no_point_that_export_accepted(small_disk: Path) -> None:
    path = small_disk / "otel.db"
    exporter = SQLiteMetricExporter(path, spool_limit_bytes=0)
    accepted, number = [], 0
    results = [SUCCESS]
    while FAILURE not in results and number < 10_000:
        data = make_data(*(make_sum(f"m{number}", number, text="x" * 2_000, key=key) for key in range(20)))
        results.append(exporter.export(data))
        accepted += [number] * 20 if results[-1] is SUCCESS else []
        number += 1
    assert FAILURE in results
    (small_disk / "filler").unlink(missing_ok=True)
    assert sorted(value for (value,) in read(path, "SELECT value FROM metric_points")) == accepted
    assert read(path, "PRAGMA integrity_check") == [("ok",)]
    exporter.shutdown()


def count_in_children(path: str, temporality: str, how: str) -> None:
    """A parent that has counted forks children, which count in the counters that it made."""
    exporter = SQLiteMetricExporter(path, metric_temporality=temporality, metric_histograms=how)
    provider = make_provider(exporter, resource=Resource.create({"service.name": "one"}))
    meter = provider.get_meter("tests")
    orders, took = meter.create_counter("orders"), meter.create_histogram("took")
    waiting = meter.create_up_down_counter("waiting")
    pid = os.getpid()

    def observe(_: CallbackOptions) -> list[Observation]:  # of each process alone
        return [Observation(100 if os.getpid() == pid else 1)]

    meter.create_observable_counter("cpu", [observe])
    for number in range(5):
        orders.add(1, {"kind": "book"})
        took.record(0.001 * 10**number)
    waiting.add(1)
    provider.force_flush()
    for child in range(3):
        if not os.fork():
            if child == 2 and not os.fork():  # a grandchild
                orders.add(1, {"kind": "book"})
                provider.force_flush()
                os._exit(0)
            for number in range(2):
                orders.add(1, {"kind": "book"})
                orders.add(1, {"kind": f"of child {child}"})
                took.record(10.0**number)
                provider.force_flush()
            if child == 2:
                os.wait()
            os._exit(0)
        orders.add(1, {"kind": "book"})
        provider.force_flush()
    for _ in range(3):
        os.wait()
    provider.shutdown()


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
@pytest.mark.parametrize("histograms", ["explicit", "exponential"])
def test_a_forked_child_counts_for_itself(path: Path, temporality: str, histograms: str) -> None:
    in_new_process(count_in_children, path, temporality, histograms)
    counted = totals(path)
    assert counted["orders", '{"kind":"book"}'] == 5 + 3 + 3 * 2 + 1
    assert [counted["orders", f'{{"kind":"of child {child}"}}'] for child in range(3)] == [2, 2, 2]
    assert totals(path, "count_delta")["took", "{}"] == 5 + 3 * 2
    assert totals(path, "sum_delta")["took", "{}"] == pytest.approx(11.111 + 3 * 11, rel=1e-6)
    assert read(path, "SELECT name FROM metric_points WHERE change = 'reset'") == []
    assert read(path, "SELECT count(DISTINCT pid), sum(dropped) FROM exporter_health") == [(5, 0)]
    for (text,) in points(path, "buckets", where="name = 'took'"):
        buckets = json.loads(text)
        counts = buckets["counts"] if histograms == "explicit" else (buckets["positive"] or {"counts": ()})["counts"]
        assert all(count >= 0 for count in counts)


def start_children(path: str, method: str, with_import: str) -> None:
    """Children of multiprocessing, which end before their reader exports."""
    if with_import == "late":
        sys.modules.pop("multiprocessing.util", None)
    set_up(path)
    context: Any = multiprocessing.get_context(method)
    children = [context.Process(target=count_in_child, args=(path,)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0]


def set_up(path: str) -> None:
    if not isinstance(metrics.get_meter_provider(), MeterProvider):
        reader = PeriodicExportingMetricReader(SQLiteMetricExporter(path), export_interval_millis=HOUR_MS)
        metrics.set_meter_provider(MeterProvider([reader]))
        metrics.get_meter("tests").create_counter("orders").add(5, {"of": "parent"})


def count_in_child(path: str) -> None:
    set_up(path)
    metrics.get_meter("tests").create_counter("orders").add(2, {"of": str(os.getpid())})


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_write_what_they_measured(path: Path, method: str) -> None:
    in_new_process(start_children, path, method, "early")
    counted = totals(path)
    assert sorted(total for (_, attributes), total in counted.items() if "parent" not in attributes) == [2, 2]
    assert len(counted) == 3


def shut_down_before_the_end_of_children(path: str) -> None:
    set_up(path)
    context = multiprocessing.get_context("fork")
    child = context.Process(target=count_and_shut_down)
    child.start()
    child.join()
    assert child.exitcode == 0


def count_and_shut_down() -> None:
    metrics.get_meter("tests").create_counter("orders").add(2, {"of": "child"})
    metrics.get_meter_provider().shutdown()  # type: ignore[attr-defined]


def test_a_child_that_shuts_down_itself_flushes_nothing_more(path: Path) -> None:
    in_new_process(shut_down_before_the_end_of_children, path)
    assert totals(path)["orders", '{"of":"child"}'] == 2


def hold_a_lock_across_a_fork(path: str) -> None:
    """Another thread of the parent exports when it forks: in the child, the lock of the reader stays taken."""
    from otel_sqlite_exporter.sdk import child_exits

    child_exits._TIMEOUT_MS = 100
    set_up(path)
    provider: Any = metrics.get_meter_provider()
    for reader in provider._metric_readers:
        reader._export_lock.acquire()
    context = multiprocessing.get_context("fork")
    child = context.Process(target=count_in_child, args=(path,))
    child.start()
    child.join()
    assert child.exitcode == 0
    os._exit(0)


def test_a_lock_that_no_one_releases_does_not_keep_a_child(path: Path) -> None:
    in_new_process(hold_a_lock_across_a_fork, path)


def test_readers_see_points_while_they_are_written(path: Path) -> None:
    exporter = SQLiteMetricExporter(path)
    for number in range(3):
        assert exporter.export(make_data(make_sum("orders", number, time=10**18 + number))) is SUCCESS
        assert len(points(path, "value")) == number + 1
    assert list(TelemetryDatabase(path).find_spans()) == []
    exporter.shutdown()
