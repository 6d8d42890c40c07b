# SPDX-License-Identifier: Apache-2.0
"""An exporter with retention settings: what goes by itself, and what never does."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter, SQLiteSpanProcessor
from tests.aged_spans import aged_call, aged_log, aged_span
from tests.commands import upgrade_to_next
from tests.conftest import HANG_S, clean_environment, exporting, make_spans, read
from tests.file_checks import check_file

OLD = "SELECT count(*) FROM spans WHERE name LIKE 'old%'"


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + HANG_S
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


def export_old(path: Path, sessions: int, *, text: str = "") -> None:
    with exporting(path) as exporter:
        exporter.export(
            [
                aged_call(f"old {one}", 40, tokens=one, session=f"s{one}", attributes={"text": f"{one}{text}"})
                for one in range(sessions)
            ]
        )


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


def test_without_a_setting_nothing_goes_and_no_thread_starts(path: Path) -> None:
    export_old(path, 3)
    before = threading.active_count(), len(sys._current_frames())
    with exporting(path) as exporter:
        exporter.export(make_spans("new"))
        assert (threading.active_count(), len(sys._current_frames())) == before
    assert read(path, OLD) == [(3,)]


@pytest.mark.parametrize("kind", ["spans", "logs", "processor"])
def test_each_exporter_removes_what_is_old(path: Path, kind: str) -> None:
    export_old(path, 200)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("INSERT INTO _marks VALUES (1, 0, 's7', '', 1, '', 1)")
    exporter: Any
    if kind == "logs":
        exporter = SQLiteLogRecordExporter(path, retention_days=30)
        exporter.export([aged_log("new", 0)])
    elif kind == "spans":
        exporter = SQLiteSpanExporter(path, retention_days=30)
        exporter.export([aged_span("new", 0)])
    else:
        exporter = SQLiteSpanProcessor(path, retention_days=30, schedule_delay_ms=0)
        exporter.on_end(aged_span("new", 0))
    wait_until(lambda: read(path, OLD) == [(1,)])
    wait_until(lambda: read(path, "SELECT min(is_complete) FROM deletions") == [(1,)])
    exporter.shutdown()
    assert read(path, "SELECT command, rule, spans, sessions FROM deletions") == [
        ("retention", '{"older_than_days": 30.0}', 199, 199)
    ]
    assert read(path, "SELECT sum(calls), sum(input_tokens) FROM usage") == [(200, sum(range(200)))]
    with closing(sqlite3.connect(path)) as file:
        check_file(file)


def test_failures_are_kept_for_as_long_as_the_setting_says(path: Path) -> None:
    days = {"well": (40, False), "failed": (40, True), "very old": (100, True)}
    with exporting(path) as exporter:
        exporter.export([aged_span(name, age, session=name, failed=failed) for name, (age, failed) in days.items()])
    with exporting(path, retention_days="30d", retention_keep_failed_days=90) as exporter:
        exporter.export([aged_span("new", 0)])
        wait_until(lambda: read(path, "SELECT min(is_complete) FROM deletions") == [(1,)])
    assert read(path, "SELECT name FROM spans ORDER BY name") == [("failed",), ("new",)]
    (rule,) = read(path, "SELECT rule FROM deletions")
    assert rule == ('{"older_than_days": 30.0, "keep_failed_days": 90.0}',)


def test_a_file_beyond_its_cap_shrinks_and_stays_below(path: Path) -> None:
    export_old(path, 400, text="x" * 50_000)
    assert os.path.getsize(path) > 15_000_000
    with exporting(path, retention_bytes="10MB") as exporter:
        exporter.export(make_spans("new"))
        wait_until(lambda: os.path.getsize(path) <= 10_000_000)
        wait_until(lambda: read(path, "SELECT min(is_complete) FROM deletions") == [(1,)])
        left = read(path, OLD)
        for one in range(30):
            exporter.export([aged_span("more", 0, session=f"m{one}", attributes={"text": f"{one}{'y' * 100_000}"})])
        wait_until(lambda: read(path, OLD) < left)
        wait_until(lambda: os.path.getsize(path) <= 10_000_000)
    assert left > [(0,)]
    assert read(path, "SELECT count(*) FROM spans WHERE name = 'more'") == [(30,)]
    assert read(path, "SELECT sum(spooled), sum(dropped) FROM exporter_health") == [(0, 0)]


def test_an_idle_file_leaves_no_wal_of_what_went_once_its_readers_are_done(path: Path) -> None:
    export_old(path, 100, text="x" * 50_000)
    wal = Path(f"{path}-wal")
    with exporting(path, retention_days=30) as exporter, closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute(OLD).fetchone()
        exporter.export([aged_span("new", 0)])
        wait_until(lambda: read(path, "SELECT min(is_complete) FROM deletions") == [(1,)])
        assert wal.stat().st_size > 0
        reader.rollback()
        wait_until(lambda: wal.stat().st_size == 0)
        assert path.stat().st_size < 3_000_000


def test_a_cap_that_cannot_be_kept_to_is_logged_and_noted(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    export_old(path, 240, text="x" * 50_000)
    with closing(sqlite3.connect(path)) as file, file:
        file.executemany(
            "INSERT INTO _marks (kind, session_id, trace_id, is_set, text, time_unix_nano) VALUES (0, ?, '', 1, '', 1)",
            [(f"s{one}",) for one in range(240)],
        )
    with exporting(path, retention_bytes=10_000_000) as exporter:
        exporter.export(make_spans("new"))
        wait_until(lambda: "allows, and nothing more may be removed" in caplog.text)
    assert read(path, OLD) == [(240,)]


def test_several_processes_and_forks_share_the_work(path: Path) -> None:
    export_old(path, 600)
    program = (
        "import os, sys, time\nfrom otel_sqlite_exporter import SQLiteSpanExporter\n"
        "from tests.conftest import make_spans, read\n"
        "exporter = SQLiteSpanExporter(sys.argv[1], retention_days=30)\n"
        "exporter.export(make_spans('new parent'))\n"
        "time.sleep(1.2)\n"
        "child = os.fork()\n"
        "while True:\n"
        "    exporter.export(make_spans('new'))\n"
        "    if read(sys.argv[1], \"SELECT count(*) FROM spans WHERE name LIKE 'old%'\") == [(0,)]:\n"
        "        break\n"
        "    time.sleep(0.1)\n"
        "exporter.shutdown()\n"
        "if child:\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "os._exit(0)\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(path)], env=clean_environment()) for _ in range(2)]
    assert [one.wait(HANG_S) for one in running] == [0, 0]
    assert read(path, "SELECT sum(spans), count(*) FROM deletions") == [(600, 1)]
    assert read(path, "SELECT sum(spooled), sum(dropped) FROM exporter_health") == [(0, 0)]
    with closing(sqlite3.connect(path)) as file:
        check_file(file)


def test_a_process_that_is_killed_leaves_a_whole_file(path: Path) -> None:
    export_old(path, 1_000)
    program = (
        "import sys, time\nfrom otel_sqlite_exporter import SQLiteSpanExporter\nfrom tests.conftest import make_spans\n"
        "exporter = SQLiteSpanExporter(sys.argv[1], retention_days=30)\n"
        "while True:\n    exporter.export(make_spans('new'))\n    time.sleep(0.01)\n"
    )
    left = read(path, OLD)
    for _ in range(2):
        before = left
        process = subprocess.Popen([sys.executable, "-c", program, str(path)], env=clean_environment())
        wait_until(lambda: read(path, OLD) < before)  # noqa: B023
        process.send_signal(signal.SIGKILL)
        process.wait()
        left = read(path, OLD)
        with closing(sqlite3.connect(path)) as file:
            check_file(file)
        (removed,) = read(path, "SELECT sum(spans) FROM deletions")
        assert [(1_000 - removed[0],)] == left
        assert read(path, "SELECT sum(calls) FROM usage WHERE model IS NOT NULL") == [(1_000,)]


def test_a_full_disk_stops_it_and_no_export(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = small_disk / "otel.db"
    export_old(path, 100)
    with exporting(path, retention_days=30) as exporter:
        filler = small_disk / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4_096)
            except OSError:
                pass
        retention = exporter._delivery._retention
        assert retention is not None
        retention.note_delivery()
        wait_until(lambda: "is not kept within the retention settings now" in caplog.text)
        filler.unlink()
        exporter.export(make_spans("new"))
    with exporting(path, retention_days=30) as exporter:
        exporter.export(make_spans("new"))
        wait_until(lambda: read(path, OLD) == [(0,)])
    with closing(sqlite3.connect(path)) as database:
        check_file(database)


def test_a_newer_file_is_not_touched(path: Path) -> None:
    export_old(path, 5)
    upgrade_to_next(path)
    before = path.read_bytes()
    with exporting(path, retention_days=30, spool_limit_bytes=10**6) as exporter:
        exporter.export(make_spans("new"))
        retention = exporter._delivery._retention
        assert retention is not None
        retention.note_delivery()
        time.sleep(1.5)
    assert path.read_bytes() == before


def test_a_removed_file_is_not_made_again(path: Path) -> None:
    export_old(path, 5)
    with exporting(path, retention_days=30) as exporter:
        exporter.export(make_spans("new"))
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        time.sleep(1.5)
        assert not path.exists()
