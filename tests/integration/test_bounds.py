# SPDX-License-Identifier: Apache-2.0
"""Whatever an export has to do first, its waits end by one deadline: no test here looks at a clock but for a hang."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.deliver.refusals import Refusals
from otel_sqlite_exporter.errors import ForeignFileError
from tests.conftest import exporting, health, in_new_process, make_spans, span_names
from tests.integration.test_processor import run_and_be_killed, start

TIMEOUT_MS = 20_000
_LIMIT = re.compile(r"PRAGMA busy_timeout = (\d+)")


def leave_open_spans(path: Path) -> None:
    start(run_and_be_killed, path, "kill").communicate()


def leave_a_spool(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("first"))
    with exporting(path, busy_timeout_ms=0) as exporter, closing(sqlite3.connect(path, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        for number in range(5):
            exporter.export(make_spans(f"kept/{number}"))
        exporter.shutdown()


def leave_both(path: Path) -> None:
    leave_open_spans(path)
    leave_a_spool(path)


def leave_nothing(path: Path) -> None:
    """The export makes the file."""


def export_once_traced(path: str) -> None:
    exporter = SQLiteSpanExporter(path, busy_timeout_ms=TIMEOUT_MS)
    assert exporter.export(make_spans("one")) is SpanExportResult.SUCCESS
    os._exit(0)


@pytest.mark.parametrize("make", [leave_nothing, leave_open_spans, leave_a_spool, leave_both])
def test_each_lock_is_waited_for_as_long_as_the_export_has_left(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    trace = path.with_name("trace")
    in_new_process(
        export_once_traced, path, OTEL_EXPORTER_SQLITE_DEBUG="sql", OTEL_EXPORTER_SQLITE_DEBUG_FILE=str(trace)
    )
    lines = trace.read_text().splitlines()
    # 0: asked again and again, as long as the export has left.
    limits = [int(found[1]) for found in map(_LIMIT.search, lines) if found and found[1] != "0"]
    assert limits[0] <= TIMEOUT_MS
    assert limits == sorted(limits, reverse=True)
    # No lock is taken that was not limited just before.
    begins = [number for number, line in enumerate(lines) if "BEGIN IMMEDIATE" in line]
    assert begins
    assert all(_LIMIT.search(lines[number - 1]) for number in begins)


def fork_beside_exports(path: str) -> None:
    """Another thread holds each exporter."""
    timeout_s = 1
    exporters = [SQLiteSpanExporter(f"{path}{number}", busy_timeout_ms=timeout_s * 1_000) for number in range(60)]
    locks = [exporter._delivery._database._own.lock for exporter in exporters]
    for lock in locks:
        lock.acquire()
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    assert time.monotonic() - began < 30  # a minute, if each had its own bound
    os.waitpid(pid, 0)
    for lock in locks:
        lock.release()
    assert exporters[0].export(make_spans("after")) is SpanExportResult.SUCCESS
    os._exit(0)


def test_a_fork_waits_once_for_all_exporters(path: Path) -> None:
    in_new_process(fork_beside_exports, path)


@pytest.mark.row("Foreign file")
def test_a_file_that_is_refused_is_looked_at_again_after_growing_pauses(path: Path) -> None:
    path.mkdir()
    now = [0.0]
    refusals = Refusals(str(path), clock=lambda: now[0])
    looks = []
    while now[0] < 60:
        try:
            refusals.check()
        except ForeignFileError:
            pass
        else:
            looks.append(now[0])
            refusals.note(ForeignFileError("a folder"))
        now[0] += 0.05
    pauses = [round(later - earlier, 1) for earlier, later in pairwise(looks)]
    assert pauses[:3] == sorted(pauses[:3])
    assert max(pauses) <= 5.1
    assert len(looks) < 20


@pytest.mark.row("Foreign file")
def test_a_path_that_is_refused_is_used_at_once_when_it_may_be(path: Path) -> None:
    path.mkdir()
    with exporting(path) as exporter:
        for _ in range(20):
            assert exporter.export(make_spans("lost")) is SpanExportResult.FAILURE
        path.rmdir()
        assert exporter.export(make_spans("kept")) is SpanExportResult.SUCCESS
    assert span_names(path) == ["kept"]
    assert health(path, "dropped") == (20,)
