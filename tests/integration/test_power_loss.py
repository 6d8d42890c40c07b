# SPDX-License-Identifier: Apache-2.0
"""The power fails after any write: with `synchronous=full` every acknowledged span is there, and with `normal` the file
is sound. The writes of a real process are recorded by a library that is loaded before the C library."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.deliver.loss_ledger import LossLedger
from otel_sqlite_exporter.deliver.spool import HeldSpool, Spool, spool_path
from otel_sqlite_exporter.deliver.spool_format import load_batch
from tests.conftest import ROOT, make_spans, using
from tests.recorded_disk import RecordedDisk, compile_library, read_log, record

CUTS = 80
CALL = {"session.id": "chat", "gen_ai.operation.name": "chat", "gen_ai.request.model": "small", "text": "x" * 3_000}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that records."""
    library = compile_library(ROOT / "tests" / "recorded_writes.c", tmp_path_factory.mktemp("library"))
    if library is None:
        pytest.skip("writes are recorded on Linux, by a library that a C compiler makes")
    return library


def write_all_kinds(path: str, synchronous: str) -> None:
    """A new file, batches, a checkpoint, a spool and its replay, the last close, and the file opened again."""
    acknowledged = os.open(f"{path}.acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def export(name: str, *names: str) -> None:
        if exporter.export(make_spans(name, *names, attributes=CALL)) is SpanExportResult.SUCCESS:
            os.write(acknowledged, f"{name}\n".encode())

    for round in range(2):
        exporter = SQLiteSpanExporter(path, synchronous=synchronous, busy_timeout_ms=0)
        for number in range(4):
            export(f"{round}/file/{number}", *map(str, range(number * 3)))
        with using(exporter) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        with closing(sqlite3.connect(path, isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            for number in range(3):
                export(f"{round}/spool/{number}")
            lock.execute("ROLLBACK")
        for number in range(3):
            export(f"{round}/then/{number}")
        exporter.shutdown()
    os._exit(0)


def names_after_failure(folder: Path) -> set[str]:
    """The names of the spans in the file and in the spool; the file must be sound."""
    path = folder / "otel.db"
    found: set[str] = set()
    if path.exists():
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            if connection.execute("PRAGMA user_version").fetchone() != (0,):
                found.update(name for (name,) in connection.execute("SELECT name FROM _spans"))
    spool = Spool(spool_path(str(path)), limit_bytes=0)
    batches = spool.hold(lambda held: [load_batch(frame.content)[0] for frame in held], timeout_s=0)
    return found | {span.row.name for batch in batches or () for span in batch.spans}


@pytest.mark.slow
@pytest.mark.row("Power failure, crash of the operating system")
@pytest.mark.parametrize("synchronous", ["full", "normal"])
def test_after_a_power_failure_the_file_is_sound_and_has_what_was_acknowledged(
    library: Path, tmp_path: Path, synchronous: str, record_property: Callable[[str, object], None]
) -> None:
    folder, log = tmp_path / "folder", tmp_path / "log"
    folder.mkdir()
    record(f"{__name__}.write_all_kinds", folder, log, library, folder / "otel.db", synchronous)
    operations = list(read_log(log))
    assert {"w", "s", "c", "u", "d"} <= {operation.kind for operation in operations}
    chance = random.Random(11)
    cuts = sorted(chance.choices(range(1, len(operations) + 1), k=CUTS))
    disk, done, acknowledged, missing = RecordedDisk(), 0, set[str](), list[set[str]]()
    for number, cut in enumerate(cuts):
        for operation in operations[done:cut]:
            if operation.name.endswith(".acks"):
                acknowledged.update(operation.data.decode().split())
            else:
                disk.do(operation)
        done = cut
        left = tmp_path / f"cut{number}"
        left.mkdir()
        disk.cut(left, chance)
        found = names_after_failure(left)
        missing.append(acknowledged - found)
        if synchronous == "full":
            assert not missing[-1], f"after {cut} of {len(operations)} operations"
        shutil.rmtree(left)
    assert any(missing) == (synchronous == "normal")  # which shows that this disk forgets
    assert len(acknowledged) == 20
    record_property("power failures", f"{CUTS} in {len(operations)} operations, {synchronous}")


def write_spools(folder: str) -> None:
    """For each sync of a new spool, a process that is killed before it; then batches are added, taken, and added again.
    Notes: + was acknowledged, - is about to be taken, = was taken."""
    notes = os.open(f"{folder}/notes", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(content: bytes) -> None:
        spool.append([content], content.zfill(16), timeout_s=0)
        os.write(notes, b"+" + content)

    def take(held: HeldSpool, most: int | None = None) -> None:
        for frame in islice(held, most):
            os.write(notes, b"-" + frame.content)
            held.advance(frame)
            os.write(notes, b"=" + frame.content)
        if most is None:
            held.remove()

    for syncs in range(4):
        spool = Spool(f"{folder}/{syncs}-spool", limit_bytes=10_000)
        child = os.fork()
        if not child:
            _end_before_sync(syncs)
            spool.append([b"%d child" % syncs], bytes(16), timeout_s=0)
            os._exit(0)
        os.waitpid(child, 0)
        add(b"%d first" % syncs)
        add(b"%d second" % syncs)
        spool.hold(partial(take, most=1), timeout_s=0)
        add(b"%d third" % syncs)
        spool.hold(take, timeout_s=0)
        add(b"%d fourth" % syncs)
    os._exit(0)


def _end_before_sync(number: int) -> None:
    syncs, sync = iter(range(number)), os.fsync
    os.fsync = lambda fd: sync(fd) if next(syncs, None) is not None else os._exit(0)


@pytest.mark.row("Power failure, crash of the operating system")
def test_a_spool_has_what_was_acknowledged_and_can_be_added_to_after_any_power_failure(
    library: Path, tmp_path: Path
) -> None:
    folder, log = tmp_path / "folder", tmp_path / "log"
    folder.mkdir()
    record(f"{__name__}.write_spools", folder, log, library, folder)
    disk, acknowledged, taken, seen = RecordedDisk(), set[bytes](), set[bytes](), set[tuple[object, ...]]()
    for operation in read_log(log):
        if operation.name != "notes":
            disk.do(operation)
        elif operation.data:
            change = {b"+": acknowledged.add, b"-": acknowledged.discard, b"=": taken.add}[operation.data[:1]]
            change(operation.data[1:])
        for files in disk.all_cuts():
            for number in range(4):
                stored = files.get(f"{number}-spool")
                waiting = {content for content in acknowledged if content.startswith(b"%d" % number)}
                if (state := (stored, number, len(waiting), len(taken))) not in seen:
                    seen.add(state)
                    found = _read_and_add(tmp_path / "left", stored)
                    assert waiting <= found
                    assert found.isdisjoint(taken)
    assert (len(acknowledged), len(taken)) == (4, 14)
    assert len(seen) > 100


def _read_and_add(path: Path, stored: bytes | None) -> set[bytes]:
    """What a spool of this content holds, which can also be added to."""
    path.unlink(missing_ok=True)
    if stored is not None:
        path.write_bytes(stored)
    spool = Spool(str(path), limit_bytes=10_000)
    batches, _ = spool.count()
    # By the id in its header, the file knows what it took from this spool before.
    assert not batches or (stored or b"").startswith(b"otel-spool")
    spool.append([b"new"], bytes(16), timeout_s=0)
    found = spool.hold(lambda held: [frame.content for frame in held], timeout_s=0)
    assert found is not None
    assert (len(found), found[-1]) == (batches + 1, b"new")
    return {*found[:-1]}


def write_beside(folder: str) -> None:
    """A batch of a spool is set aside, and losses are counted; then each is acknowledged."""
    notes = os.open(f"{folder}/notes", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    spool = Spool(f"{folder}/otel.db-spool", limit_bytes=10_000)

    def set_aside(held: HeldSpool) -> None:
        (frame,) = held
        held.set_aside(frame)
        held.advance(frame)
        held.remove()

    spool.append([b"unreadable"], bytes(16), timeout_s=0)
    os.write(notes, b"unreadable")
    spool.hold(set_aside, timeout_s=0)
    spool.append([b"next"], bytes(16), timeout_s=0)
    for losses in (3, 4):
        assert LossLedger(f"{folder}/otel.db-lost").add(losses)
        os.write(notes, bytes(losses))
    os._exit(0)


@pytest.mark.row("Power failure, crash of the operating system")
def test_what_is_kept_beside_the_file_survives_a_power_failure(library: Path, tmp_path: Path) -> None:
    folder, log = tmp_path / "folder", tmp_path / "log"
    folder.mkdir()
    record(f"{__name__}.write_beside", folder, log, library, folder)
    disk, kept, losses, cuts = RecordedDisk(), False, 0, 0
    for operation in read_log(log):
        if operation.name != "notes":
            disk.do(operation)
        elif operation.data == b"unreadable":
            kept = True
        else:
            losses += len(operation.data)
        for files in disk.all_cuts():
            cuts += 1
            assert not kept or any(b"unreadable" in content for content in files.values())
            assert len(files.get("otel.db-lost", b"")) >= losses
    assert (kept, losses) == (True, 7)
    assert cuts > 40
