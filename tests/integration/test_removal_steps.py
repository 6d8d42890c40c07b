# SPDX-License-Identifier: Apache-2.0
"""Records are removed in steps between which others write, and which may end anywhere."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from otel_sqlite_exporter.maintain.attribute_index import index_attributes
from otel_sqlite_exporter.maintain.doctor import diagnose
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.system.file_space import release_pages
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.removal.orphans import sweep_orphans
from otel_sqlite_exporter.write.removal.record_removal import remove_records
from otel_sqlite_exporter.write.removal.removal_steps import remove_in_steps
from otel_sqlite_exporter.write.removal.removed_records import RecordsToRemove, RemovedCounts
from tests.conftest import ROOT, beside_process, clean_environment, exporting, read
from tests.file_checks import check_file, settle
from tests.mixed_records import read_views
from tests.sample_traces import write_traces

_TIME = 1_795_000_000_000_000_000
_SPANS = 2_600


def _giant_trace() -> list[ReadableSpan]:
    """A trace with more spans than are derived again in each step. The first service names its session and its user."""
    spans = []
    for number in range(1, _SPANS + 1):
        is_first = number % 2 == 1
        attributes: dict[str, str | int] = {"number": number}
        if number % 3 == 0:
            attributes |= {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": number}
        if number == 1:
            attributes |= {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 1}
        if is_first:
            attributes |= {"session.id": "first", "user.id": "ada"}
        elif number % 4 == 0:
            attributes |= {"gen_ai.conversation.id": "second"}
        spans.append(
            ReadableSpan(
                name=f"span {number}",
                context=SpanContext(1, number, False, TraceFlags(1)),
                parent=None if number == 1 else SpanContext(1, max(1, number // 50), False, TraceFlags(1)),
                resource=Resource({"service.name": "one" if is_first else "two"}),
                attributes=attributes,
                status=Status(StatusCode.ERROR if number % 7 == 0 else StatusCode.UNSET),
                start_time=_TIME + number * 1_000_000,
                end_time=_TIME + number * 1_000_000 + 500_000,
            )
        )
    return spans


def _remove(path: Path, where: str, note: list[RemovedCounts] | None = None) -> RemovedCounts:
    """Remove the spans of a condition, the oldest first."""
    settings = resolve_settings(path)
    with closing(open_file(settings)) as connection:

        def choose(limit: int) -> RecordsToRemove | None:
            sql = f"SELECT id FROM _spans WHERE {where} ORDER BY id LIMIT ?"
            ids = [id for (id,) in connection.execute(sql, (limit,))]
            return RecordsToRemove(ids) if ids else None

        noted = [] if note is None else note
        return remove_in_steps(connection, settings, choose, noted.append, budget_s=0.005, rest=lambda held: None)


def _check(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
    assert [one for one in diagnose(resolve_settings(path)) if one.severity == "problem"] == []
    assert read(path, "SELECT value FROM _state WHERE name = 'removal due'") == []


def test_a_service_leaves_a_giant_trace(tmp_path: Path) -> None:
    path, other = tmp_path / "otel.db", tmp_path / "other.db"
    spans = _giant_trace()
    steps: list[RemovedCounts] = []
    for file, written in ((path, spans), (other, spans[1::2])):
        with exporting(file) as exporter:
            exporter.export(written)
    counts = _remove(path, "resource = (SELECT id FROM _resources WHERE service_name = 'one')", steps)
    assert len(steps) > 2
    assert counts.spans == sum(step.spans for step in steps) == _SPANS // 2
    assert read_views(path) == read_views(other)
    _check(path)


def test_what_a_stopped_removal_left_is_done_by_the_next(tmp_path: Path) -> None:
    path, other = tmp_path / "otel.db", tmp_path / "other.db"
    spans = _giant_trace()
    for file, written in ((path, spans), (other, spans[300:])):
        with exporting(file) as exporter:
            exporter.export(written)
    settings, left = resolve_settings(path), [RecordsToRemove(range(1, 400, 2)), RecordsToRemove(range(401, 601, 2))]

    def stop(held: float) -> None:
        if not left:
            raise KeyboardInterrupt

    with closing(open_file(settings)) as connection, pytest.raises(KeyboardInterrupt):
        remove_in_steps(connection, settings, lambda limit: left.pop(0), rest=stop)
    assert read(path, "SELECT count(*) FROM _spans") == [(_SPANS - 300,)]
    assert read(path, "SELECT count(*) FROM _state WHERE name = 'removal due'") == [(1,)]
    with closing(open_file(settings)) as connection:
        remove_in_steps(connection, settings, lambda limit: None)
    assert read_views(path) == read_views(other)
    _check(path)


def test_nothing_of_a_killed_removal_is_half_done(tmp_path: Path) -> None:
    path, other = write_traces(tmp_path / "otel.db", 25), tmp_path / "other.db"
    open_file(resolve_settings(other)).close()
    for delay in _delays():
        program = "from tests.integration.test_removal_steps import *; _remove(Path(sys.argv[1]), '1'); print('done')"
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(path)], cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE
        )
        _wait_for_less(path, process)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        assert process.stdout is not None
        with process.stdout as output:
            output.read()
        process.wait()
        with closing(sqlite3.connect(path)) as file:
            check_file(file)
    _remove(path, "1")
    assert read_views(path) == read_views(other)
    _check(path)


def _delays() -> Iterator[float]:
    yield from (0.0, 0.003, 0.01)


def _wait_for_less(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until the process has removed something, or has ended."""
    before = read(path, "SELECT count(*) FROM _spans")
    while process.poll() is None and read(path, "SELECT count(*) FROM _spans") == before:
        time.sleep(0.001)


def test_the_file_shrinks(tmp_path: Path) -> None:
    path = write_traces(tmp_path / "otel.db", 60)
    with closing(open_file(resolve_settings(path))) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        before = path.stat().st_size
        _remove(path, "1")
        assert release_pages(connection, 3) == 3
        assert release_pages(connection, 10_000) > 3
        assert release_pages(connection, 10_000) == 0
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert path.stat().st_size < before
    _check(path)


def test_a_sweep_leaves_what_records_refer_to(tmp_path: Path) -> None:
    path = write_traces(tmp_path / "otel.db", 6)
    with closing(open_file(resolve_settings(path))) as connection:
        assert sweep_orphans(connection) == 0
        before = read_views(path)
        _remove(path, "resource = (SELECT id FROM _resources WHERE service_name = 'orders')")
        assert "orders" in {name for (name,) in read(path, "SELECT service_name FROM _resources")}
        assert sweep_orphans(connection) >= 2  # a resource, and its reporters
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    for table in ("_resources", "_reporters", "_agents"):
        assert read(path, f"SELECT DISTINCT service_name FROM {table}") == [("support",)]
    kept = [row for row in before["spans"] if "'service_name': 'support'" in row]
    assert read_views(path)["spans"] == kept
    _check(path)
    _remove(path, "1")
    with closing(open_file(resolve_settings(path))) as connection:
        sweep_orphans(connection)
    tables = ("_resources", "_scopes", "_reporters", "_agents", "_agent_sessions", "_sessions", "_traces", "_texts")
    assert [table for table in tables if read(path, f"SELECT count(*) FROM {table}") != [(0,)]] == []


def test_many_records_take_no_more_statements_than_a_few(tmp_path: Path) -> None:
    path = write_traces(tmp_path / "otel.db", 40)
    settings = resolve_settings(path)
    counts, agents = [], "name GLOB 'invoke_agent*'"
    for where in ("trace = 1", "trace BETWEEN 2 AND 20", f"trace = 21 AND {agents}", f"trace > 21 AND {agents}"):
        with closing(open_file(settings)) as connection:
            ids = [id for (id,) in connection.execute(f"SELECT id FROM _spans WHERE {where}")]
            texts: list[str] = []
            connection.set_trace_callback(texts.append)
            with transaction(connection):
                assert remove_records(connection, settings, RecordsToRemove(ids)).spans == len(ids) > 0
        counts.append(len(dict.fromkeys(texts)))  # a trigger gives its text each time
    assert counts[1] - counts[0] < 5
    assert counts[3] - counts[2] < 5
    assert max(counts) < 150


def test_indexed_values_go_with_their_records(tmp_path: Path) -> None:
    path = write_traces(tmp_path / "otel.db", 4)
    index_attributes(resolve_settings(path), ["app.is_first", "chunk"])
    _remove(path, "id % 2 = 1 OR name GLOB 'chat *'")
    shown = read(path, "SELECT id FROM spans WHERE attributes ->> '$.\"app.is_first\"' IS NOT NULL")
    assert read(path, "SELECT id FROM indexed_attributes") == shown == []
    export = write_traces(path, 1)
    assert read(export, "SELECT count(*) FROM indexed_attributes") == [(4,)]  # two calls, and an event of each


def write_traces_until_told(path: str) -> None:
    """A program: it writes traces of sessions that repeat their history, until its input ends."""
    end = threading.Thread(target=sys.stdin.read)
    end.start()
    print("ready", flush=True)
    with exporting(path) as exporter:
        for turn in range(1_000_000):
            exporter.export([_make_turn(turn, place) for place in range(8)])
            if not end.is_alive():
                break
            time.sleep(0.005)


def _make_turn(turn: int, place: int) -> ReadableSpan:
    """A call of one of four sessions, with the messages of those before it."""
    session, number = place % 4, turn % 12
    history = [
        {"role": "user", "parts": [{"type": "text", "content": f"{session} {n} " + "word " * 200}]}
        for n in range(number)
    ]
    return ReadableSpan(
        name=f"chat {turn} {place}",
        context=SpanContext(1 + turn * 8 + place, 1, False, TraceFlags(1)),
        resource=Resource({"service.name": "agent"}),
        attributes={
            "gen_ai.operation.name": "chat",
            "session.id": f"session {session}",
            "gen_ai.input.messages": json.dumps(history),
            "gen_ai.usage.input_tokens": turn,
        },
        start_time=_TIME + turn * 1000,
        end_time=_TIME + turn * 1000 + place,
    )


def test_others_write_meanwhile(tmp_path: Path) -> None:
    path, other = tmp_path / "otel.db", tmp_path / "other.db"
    open_file(resolve_settings(path)).close()
    with beside_process(write_traces_until_told, path):
        for _ in range(4):
            _wait_for_spans(path, 200)
            _remove(path, "id % 3 = 1 OR name GLOB '* 2'")
            with closing(open_file(resolve_settings(path))) as connection:
                sweep_orphans(connection)
    settle(path)
    places = [tuple(map(int, name.split()[1:])) for (name,) in read(path, "SELECT name FROM spans ORDER BY id")]
    with exporting(other) as exporter:
        exporter.export([_make_turn(turn, place) for turn, place in places])
    assert read_views(path) == read_views(other)
    _check(path)


def _wait_for_spans(path: Path, spans: int) -> None:
    while read(path, "SELECT count(*) FROM _spans") < [(spans,)]:
        time.sleep(0.01)
