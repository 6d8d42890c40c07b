# SPDX-License-Identifier: Apache-2.0
"""The spool: what is in it comes back in order and once, whatever happens on the way."""

from __future__ import annotations

import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
import zlib
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.deliver import spool_format
from otel_sqlite_exporter.deliver.spool import HeldSpool, Spool, spool_path
from otel_sqlite_exporter.deliver.spool_format import dump_batches, dump_slowly, load_batch
from otel_sqlite_exporter.deliver.spool_replay import replay_spool
from otel_sqlite_exporter.errors import SpoolError, SpoolFullError
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.transactions import Deadline
from otel_sqlite_exporter.write.exporter_runs import Run
from otel_sqlite_exporter.write.writer import Writer
from tests.conftest import clean_environment, exporting, health, in_new_process, make_spans, named, span_names, using
from tests.file_checks import settle


@pytest.fixture
def spool(path: Path) -> Spool:
    return Spool(spool_path(str(path)), limit_bytes=10_000)


def add(spool: Spool, content: bytes, timeout_s: float = 0) -> None:
    spool.append([content], uuid.uuid4().bytes, timeout_s=timeout_s)


def contents(spool: Spool) -> list[bytes]:
    return spool.hold(lambda held: [frame.content for frame in held], timeout_s=0) or []


def test_batches_come_out_in_order_and_what_was_taken_does_not_come_again(spool: Spool) -> None:
    assert spool.is_empty()
    for content in (b"one", b"", b"three"):
        add(spool, content)
    assert (spool.count(), spool.is_empty()) == ((3, 8), False)
    assert contents(spool) == [b"one", b"", b"three"]
    spool.hold(lambda held: held.advance(next(iter(held))), timeout_s=0)
    assert contents(spool) == [b"", b"three"]


@pytest.mark.row("Power failure, crash of the operating system")
@pytest.mark.parametrize(("synchronous", "level"), [("normal", 1), ("full", 3)])
def test_what_is_acknowledged_was_synced_as_far_as_asked(
    path: Path, synchronous: str, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def note(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        sync(descriptor)

    sync = os.fsync
    monkeypatch.setattr(os, "fsync", note)
    with exporting(path, synchronous=synchronous, busy_timeout_ms=0) as exporter:
        exporter.export(make_spans("first"))
        with using(exporter) as connection:
            assert connection.execute("PRAGMA synchronous").fetchone() == (level,)
        with closing(sqlite3.connect(path, isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            exporter.export(make_spans("kept"))
            assert synced[-1] == os.path.getsize(f"{path}-spool")


def test_a_frame_that_was_cut_short_costs_itself_alone(spool: Spool) -> None:
    add(spool, b"one")
    add(spool, b"two" * 100)
    os.truncate(spool.path, os.path.getsize(spool.path) - 5)
    add(spool, b"three")
    assert contents(spool) == [b"one", b"three"]


def test_a_frame_that_was_altered_costs_itself_alone(spool: Spool) -> None:
    for content in (b"one", b"two", b"three"):
        add(spool, content)
    stored = Path(spool.path).read_bytes()
    Path(spool.path).write_bytes(stored.replace(b"two", b"tw0"))
    assert contents(spool) == [b"one", b"three"]


def test_it_does_not_grow_over_its_limit(spool: Spool) -> None:
    add(spool, b"x" * 6_000)
    with pytest.raises(SpoolFullError, match="is full"):
        add(spool, b"x" * 6_000)
    assert os.path.getsize(spool.path) < 10_000
    add(spool, b"x" * 1_000)
    assert spool.count() == (2, 7_000)


def test_what_is_no_spool_is_not_touched(spool: Spool) -> None:
    Path(spool.path).write_bytes(b"somebody's notes, which are long enough")
    for use in (lambda: add(spool, b"x"), lambda: contents(spool), lambda: spool.count()):
        with pytest.raises(SpoolError, match="is not a spool"):
            use()
    assert Path(spool.path).read_bytes() == b"somebody's notes, which are long enough"


@pytest.mark.parametrize("content", [b"notes", bytes(100), b"otel-spool/2" + bytes(100)])
def test_what_only_begins_as_a_spool_is_not_touched(spool: Spool, content: bytes) -> None:
    Path(spool.path).write_bytes(content)
    for use in (lambda: add(spool, b"x"), lambda: contents(spool), lambda: spool.count()):
        with pytest.raises(SpoolError, match="is not a spool"):
            use()
    assert Path(spool.path).read_bytes() == content


@pytest.mark.row("Power failure, crash of the operating system")
def test_a_header_that_was_cut_short_is_written_again(spool: Spool) -> None:
    """As a full disk, a dying process or a power failure leaves it."""
    add(spool, b"x")
    header = Path(spool.path).read_bytes()[:36]
    for size in (0, 1, 11, 12, 28, 35, 36):
        for left in (header[:size], bytes(size)):
            Path(spool.path).write_bytes(left)
            assert spool.count() == (0, 0)
            add(spool, b"one")
            add(spool, b"two")
            assert (spool.count(), contents(spool)) == ((2, 6), [b"one", b"two"])


@pytest.mark.row("Power failure, crash of the operating system")
def test_what_stands_behind_a_lost_header_is_written(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("first"))
    spool_batches(path, ["kept", "more"])
    stored = Path(f"{path}-spool").read_bytes()
    Path(f"{path}-spool").write_bytes(bytes(36) + stored[36:])
    assert Spool(spool_path(str(path)), limit_bytes=0).count()[0] == 2
    spool_batches(path, ["last"])
    settle(path)
    assert span_names(path) == ["first", "kept", "last", "more"]
    assert health(path, "received", "written", "duplicate") == (4, 4, 0)


def test_who_holds_it_keeps_others_out(spool: Spool) -> None:
    add(spool, b"one")

    def add_another(held: HeldSpool) -> None:
        with pytest.raises(SpoolError, match="locked"):
            add(spool, b"two", timeout_s=0.02)

    spool.hold(add_another, timeout_s=0)
    add(spool, b"two")
    assert contents(spool) == [b"one", b"two"]


def test_a_batch_of_a_newer_format_stays_where_it_is() -> None:
    (content,) = dump_batches(Records(), Run.begin("traces", resolve_settings()), 7)
    assert load_batch(content)[2] == 7
    document = orjson.loads(zlib.decompress(content)) | {"format": 99}
    with pytest.raises(SpoolError, match="pip install -U"):
        load_batch(zlib.compress(orjson.dumps(document)))


def spool_batches(path: Path, names: list[str]) -> None:
    with exporting(path, busy_timeout_ms=0) as exporter, closing(sqlite3.connect(path, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        for name in names:
            exporter.export(make_spans(name))
        exporter.shutdown()


@pytest.mark.slow
def test_a_replay_that_is_killed_again_and_again_writes_each_batch_once(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("first"))
    names = named("kept", 60)
    spool_batches(path, names)
    chance = random.Random(3)
    kills = 0
    while os.path.exists(f"{path}-spool"):
        command = [sys.executable, "-m", "otel_sqlite_exporter", "recover", str(path)]
        with subprocess.Popen(command, env=clean_environment(), stdout=subprocess.DEVNULL) as process:
            time.sleep(0.15 + chance.random() * 0.15)
            if process.poll() is None and kills < 25:
                process.send_signal(signal.SIGKILL)
                kills += 1
    assert span_names(path) == sorted([*names, "first"])
    assert health(path, "received", "written", "duplicate", "spooled", "replayed") == (61, 61, 0, 60, 60)


def test_a_batch_that_was_written_and_not_passed_is_passed_over(path: Path) -> None:
    """As where a replay is killed between its commit and its note in the spool."""
    with exporting(path) as exporter:
        exporter.export(make_spans("first"))
    spool_batches(path, ["kept", "more"])
    stored = Path(f"{path}-spool").read_bytes()
    settings = resolve_settings(path)
    with closing(open_file(settings)) as connection:
        spool = Spool(spool_path(str(path)), limit_bytes=0)
        replay_spool(Writer(connection, settings), spool, deadline=Deadline(0))
    Path(f"{path}-spool").write_bytes(stored)
    settle(path)
    assert span_names(path) == ["first", "kept", "more"]
    assert health(path, "received", "written", "duplicate") == (3, 3, 0)


def unreadable_contents() -> list[bytes]:
    document = orjson.loads(zlib.decompress(dump_batches(Records(), Run.begin("traces", resolve_settings()), 7)[0]))
    return [
        b"",
        b"not compressed",
        zlib.compress(b"no JSON"),
        zlib.compress(b"[]"),
        zlib.compress(orjson.dumps({"format": 1})),
        zlib.compress(orjson.dumps(document | {"spans": [1, 2]})),
        zlib.compress(orjson.dumps(document | {"run": None})),
        zlib.compress(bytes(1_000_000)),
    ]


def test_what_cannot_be_read_is_set_aside_and_what_stands_behind_it_comes_in(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spool_format, "_MOST_BYTES", 100_000)
    with exporting(path) as exporter:
        exporter.export(make_spans("first"))
    spool = Spool(spool_path(str(path)), limit_bytes=100_000)
    bad = unreadable_contents()
    for content in bad:
        add(spool, content)
    spool_batches(path, ["kept", "more"])
    settle(path)
    assert span_names(path) == ["first", "kept", "more"]
    assert os.listdir(path.parent).count("otel.db-spool-bad") == 1
    kept = Path(f"{path}-spool-bad")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.stat().st_size > sum(map(len, bad))
    assert sum("is kept in" in record.message for record in caplog.records if record.levelname == "ERROR") == len(bad)


def test_a_batch_too_large_for_a_frame_is_split(path: Path) -> None:
    exporter = SQLiteSpanExporter(path)
    spans = [exporter._encoder.encode_span(span, 7) for span in make_spans("a", "b", "c", "d", "e")]
    run = Run.begin("traces", resolve_settings())
    (whole,) = dump_batches(Records(spans=spans), run, 7)
    most = len(zlib.decompress(whole)) - 1
    parts = dump_batches(Records(spans=spans), run, 7, most_bytes=most)
    assert len(parts) > 1
    loaded = [span for part in parts for span in load_batch(part)[0].spans]
    assert loaded == list(load_batch(whole)[0].spans)
    with pytest.raises(SpoolError, match="too large"):
        dump_batches(Records(spans=spans), run, 7, most_bytes=100)
    Spool(spool_path(str(path)), limit_bytes=100_000).append(parts, uuid.uuid4().bytes, timeout_s=0)
    settle(path)
    assert span_names(path) == ["a", "b", "c", "d", "e"]


def test_without_memory_a_batch_is_dumped_by_the_standard_library_to_the_same_content(path: Path) -> None:
    exporter = SQLiteSpanExporter(path)
    spans = [exporter._encoder.encode_span(span, 7) for span in make_spans("ä\udcff", "b", attributes={"n": 2**63})]
    run = Run.begin("traces", resolve_settings())
    fast, slow = (dump_batches(Records(spans=spans), run, 7, dump=dump) for dump in (None, dump_slowly))
    assert load_batch(slow[0]) == load_batch(fast[0])


@pytest.mark.parametrize("content", [b"", b"otel-spool/1"])
def test_an_empty_spool_goes_away(path: Path, content: bytes) -> None:
    """As a dying process or a full disk leaves it."""
    with exporting(path) as exporter:
        exporter.export(make_spans("first"))
    if content:
        spool = Spool(spool_path(str(path)), limit_bytes=10_000)
        add(spool, b"x")
        os.truncate(spool.path, 36)
    else:
        Path(f"{path}-spool").write_bytes(content)
    with exporting(path) as exporter:
        exporter.export(make_spans("next"))
    assert os.listdir(path.parent) == ["otel.db"]


def test_a_link_is_not_followed(spool: Spool, tmp_path: Path) -> None:
    target = tmp_path / "target"
    os.symlink(target, spool.path)
    for use in (lambda: add(spool, b"x"), lambda: contents(spool), lambda: spool.count()):
        with pytest.raises(OSError, match="symbolic"):
            use()
    assert not target.exists()


def test_one_that_others_may_read_is_closed_to_them(spool: Spool) -> None:
    Path(spool.path).touch()
    os.chmod(spool.path, 0o666)
    add(spool, b"x")
    assert os.stat(spool.path).st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_one_of_another_user_is_refused_unless_the_database_is_theirs(spool: Spool, path: Path) -> None:
    add(spool, b"x")
    os.chown(spool.path, 65534, -1)
    with pytest.raises(SpoolError, match="belongs to another user"):
        add(spool, b"y")
    path.touch()
    os.chown(path, 65534, -1)
    add(spool, b"y")
    assert contents(spool) == [b"x", b"y"]


def test_folders_that_are_made_are_closed_to_others(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with exporting(tmp_path / "one" / "two" / "otel.db") as exporter:
            exporter.export(make_spans("a"))
    finally:
        os.umask(before)
    assert [os.stat(tmp_path / folder).st_mode & 0o777 for folder in ("one", "one/two")] == [0o700, 0o700]


def export_beside_fifo(path: str, suffix: str) -> None:
    logging.disable()
    with exporting(path) as exporter:
        exporter.export(make_spans("first"))
    os.mkfifo(f"{path}{suffix}")
    with closing(sqlite3.connect(path if suffix == "-lost" else ":memory:", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with exporting(path, busy_timeout_ms=10, spool_limit_bytes=1 if suffix == "-lost" else None) as exporter:
            print(f'"{exporter.export(make_spans("second")).name}"')


@pytest.mark.parametrize(
    ("suffix", "result"),
    [("-lost", "FAILURE"), ("-spool", "SUCCESS"), ("-journal", "SUCCESS"), ("-wal", "SUCCESS"), ("-shm", "SUCCESS")],
)
def test_a_fifo_in_place_of_a_file_is_not_waited_for(path: Path, suffix: str, result: str) -> None:
    assert in_new_process(export_beside_fifo, path, suffix) == result
    os.unlink(f"{path}{suffix}")
    with exporting(path) as exporter:
        exporter.export(make_spans("third"))
    assert span_names(path) == ["first", "third"] if suffix == "-lost" else ["first", "second", "third"]
