# SPDX-License-Identifier: Apache-2.0
"""Forks, in every way there is: a child writes for itself, and costs its parent nothing.

The programs below run in processes of their own: a fork of the test run would take its threads and open files along.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import logging
import os
import random
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExportResult

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.genai.prices import load_prices
from otel_sqlite_exporter.storage import database
from tests.conftest import (
    beside_process,
    export_all,
    exporting,
    health,
    in_new_process,
    make_spans,
    named,
    read,
    span_names,
    write_and_close,
)
from tests.file_checks import settle

pytestmark = pytest.mark.slow

SUCCESS = SpanExportResult.SUCCESS


def raw_fork() -> int:
    """Fork as a server written in C does: none of Python's hooks run, so both sides would draw the same random ids."""
    pid = int(ctypes.PyDLL(None).fork())
    if pid == 0:
        random.seed()
    return pid


def leave(how: str) -> None:
    if how == "_exit":
        os._exit(0)
    sys.exit(0)


def wait_for(*children: int) -> None:
    for child in children:
        _, status = os.waitpid(child, 0)
        assert status == 0, status


FORKS: dict[str, Callable[[], int]] = {"fork": os.fork, "raw fork": raw_fork}


def fork_during_exports(path: str, processor: str) -> None:
    exporter = SQLiteSpanExporter(path)
    provider = TracerProvider()
    provider.add_span_processor(
        SimpleSpanProcessor(exporter) if processor == "simple" else BatchSpanProcessor(exporter, 2048, 5, 8)
    )
    tracer = provider.get_tracer("tests")
    written: list[str] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            written.append(f"parent/{len(written):05}")
            tracer.start_span(written[-1]).end()
            time.sleep(0.0005)

    thread = threading.Thread(target=work)
    thread.start()
    children: list[int] = []
    for number in range(50):
        pid = os.fork()
        if pid == 0:
            for name in named(f"child{number:02}", 3):
                tracer.start_span(name).end()
            if number % 2 == 0:
                provider.force_flush()
            leave("_exit" if number % 2 == 0 else "exit")
        children.append(pid)
        if len(children) == 4:
            wait_for(*children)
            children.clear()
    wait_for(*children)
    stop.set()
    thread.join()
    provider.shutdown()
    print(json.dumps(written))


@pytest.mark.parametrize("processor", ["simple", "batch"])
def test_fifty_forks_during_exports_lose_and_repeat_nothing(path: Path, processor: str) -> None:
    parent = in_new_process(fork_during_exports, path, processor)
    children = [name for number in range(50) for name in named(f"child{number:02}", 3)]
    names = span_names(path)
    assert len(names) == len(set(names))
    # What waits in the queue of a batch processor at a fork stays with the parent.
    assert names == sorted(children + parent)
    assert read(path, "SELECT count(DISTINCT pid) FROM exporter_health") == [(51,)]
    assert health(path, "received", "written", "quarantined") == (len(names), len(names), 0)


def outlive_the_parents_exporter(path: str, fork: str, how: str) -> None:
    exporter = SQLiteSpanExporter(path)
    export_all(exporter, *named("parent", 2))
    (ready, tell_ready), (go, tell_go) = os.pipe(), os.pipe()
    pid = FORKS[fork]()
    if pid == 0:
        os.close(tell_go)
        export_all(exporter, "child/00")
        os.write(tell_ready, b".")
        os.read(go, 1)
        export_all(exporter, *named("child", 3)[1:])
        leave(how)
    os.read(ready, 1)
    exporter.shutdown()
    with beside_process(write_and_close, path):
        pass
    os.write(tell_go, b".")
    wait_for(pid)


def write_before_and_after(path: str) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "other/00")
        print("ready", flush=True)
        sys.stdin.read()
        export_all(exporter, *named("other", 3)[1:])


def export_when_the_parent_has_closed(path: str, fork: str, other_is: str) -> None:
    logging.disable()
    exporter = SQLiteSpanExporter(path)
    export_all(exporter, *named("parent", 2))
    (heard, tell), (go, tell_go) = os.pipe(), os.pipe()
    pid = FORKS[fork]()
    if pid == 0:
        os.close(tell_go)
        os.read(go, 1)
        for name in named("child", 20):
            if exporter.export(make_spans(name)) is SUCCESS:
                os.write(tell, f"{name}\n".encode())
            if name == "child/10":
                os.read(go, 1)
        leave("_exit")
    exporter.shutdown()
    with contextlib.ExitStack() as other:
        if other_is == "first":
            other.enter_context(beside_process(write_before_and_after, path))
        os.write(tell_go, b".")
        time.sleep(0.3)
        if other_is == "second":
            other.enter_context(beside_process(write_before_and_after, path))
    os.write(tell_go, b".")
    wait_for(pid)
    os.close(tell)
    with open(heard) as acknowledged:
        print(json.dumps(acknowledged.read().split()))


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("how", ["exit", "_exit"])
def test_a_child_goes_on_when_its_parent_closes_the_file(path: Path, fork: str, how: str) -> None:
    in_new_process(outlive_the_parents_exporter, path, fork, how)
    assert span_names(path) == [*named("child", 3), *named("other", 3), *named("parent", 2)]


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("other_is", ["first", "second"])
def test_what_a_child_acknowledges_after_its_parent_closed_the_file_is_there(
    path: Path, fork: str, other_is: str
) -> None:
    acknowledged = in_new_process(export_when_the_parent_has_closed, path, fork, other_is)
    assert acknowledged == named("child", 20)
    settle(path)
    assert span_names(path) == [*acknowledged, *named("other", 3), *named("parent", 2)]


def leave_the_inherited_alone(path: str, fork: str, how: str) -> None:
    exporter = SQLiteSpanExporter(path)
    export_all(exporter, *named("before", 3))
    for _ in range(5):
        inherited = exporter._delivery._database._own.connection
        pid = FORKS[fork]()
        if pid == 0:
            del exporter
            gc.collect()
            if fork == "raw fork":
                # Not closed: of a closed connection this would raise.
                assert inherited is not None
                assert inherited.total_changes > 0
            leave(how)
        wait_for(pid)
        export_all(exporter, f"between/{pid}")
    export_all(exporter, *named("after", 3))
    os._exit(0)


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("how", ["exit", "_exit"])
def test_a_child_that_never_exports_does_no_harm(path: Path, fork: str, how: str) -> None:
    in_new_process(leave_the_inherited_alone, path, fork, how)
    names = span_names(path)
    assert [name for name in names if "between" not in name] == [*named("after", 3), *named("before", 3)]
    assert len(names) == 11
    assert read(path, "SELECT count(*) FROM exporter_health") == [(1,)]


LARGE_INSERT = """
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000)
    INSERT INTO _quarantine (digest, arrival_time_unix_nano, reason, content)
    SELECT n, 0, 'no reason', hex(zeroblob(500)) FROM n
"""


def fork_inside_a_transaction(path: str, fork: str, how: str) -> None:
    logging.disable()
    exporter = SQLiteSpanExporter(path, busy_timeout_ms=100)
    export_all(exporter, *named("before", 3))

    def fork_now(connection: sqlite3.Connection) -> None:
        # More than the cache holds, so that pages of the transaction are in the WAL already.
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE _spans SET name = 'changed' WHERE name = 'before/00'")
        connection.execute(LARGE_INSERT)
        pid = FORKS[fork]()
        if pid == 0:
            if how != "exit at once":
                # The transaction is the parent's: the child waits for it in vain, and its span goes to the spool.
                assert exporter.export(make_spans("child")) is SUCCESS
                gc.collect()
            leave(how)
        wait_for(pid)
        connection.execute("UPDATE _spans SET name = 'changed too' WHERE name = 'before/01'")
        connection.execute("COMMIT")

    exporter._delivery._database.run(fork_now)
    export_all(exporter, "after")
    exporter.shutdown()


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("how", ["exit", "exit at once", "_exit"])
def test_a_child_born_in_the_middle_of_a_write_leaves_it_to_the_parent(path: Path, fork: str, how: str) -> None:
    in_new_process(fork_inside_a_transaction, path, fork, how)
    child = ["child"] * (how != "exit at once")
    assert span_names(path) == ["after", "before/02", "changed", "changed too", *child]
    assert read(path, "SELECT count(*), sum(length(content)) FROM _quarantine") == [(3_000, 3_000_000)]


def fork_with_two_exporters(path: str, other: str) -> None:
    exporters = [SQLiteSpanExporter(path), SQLiteSpanExporter(path), SQLiteSpanExporter(other)]
    for number, exporter in enumerate(exporters):
        export_all(exporter, f"parent{number}")
    pid = os.fork()
    if pid == 0:
        for number, exporter in enumerate(exporters):
            export_all(exporter, f"child{number}")
        leave("_exit")
    exporters[0].shutdown()
    export_all(exporters[1], "parent1 again")
    wait_for(pid)
    export_all(exporters[1], "parent1 at last")
    os.kill(os.getpid(), signal.SIGKILL)


def test_two_exporters_on_one_file_and_one_on_another_are_forked_together(path: Path) -> None:
    other = path.parent / "other.db"
    in_new_process(fork_with_two_exporters, path, other, status=-signal.SIGKILL)
    assert span_names(path) == ["child0", "child1", "parent0", "parent1", "parent1 again", "parent1 at last"]
    assert span_names(other) == ["child2", "parent2"]


def test_an_export_goes_on_where_an_exception_took_the_place_of_the_hook_after_a_fork(path: Path) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "before")
        database._before_fork()
        export_all(exporter, "after")
    assert span_names(path) == ["after", "before"]


def fork_while_prices_are_loaded(path: str) -> None:
    # As another thread does in the middle of a fork, after its first hooks.
    os.register_at_fork(before=load_prices)
    exporter = SQLiteSpanExporter(path)
    pid = os.fork()
    export_all(exporter, f"of {'child' if pid == 0 else 'parent'}")
    if pid == 0:
        leave("_exit")
    wait_for(pid)
    exporter.shutdown()


def test_prices_may_be_loaded_in_the_middle_of_a_fork(path: Path) -> None:
    in_new_process(fork_while_prices_are_loaded, path)  # which fails if anything is written to stderr
    assert span_names(path) == ["of child", "of parent"]
