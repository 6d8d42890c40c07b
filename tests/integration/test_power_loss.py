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
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.deliver.spool import Spool, spool_path
from otel_sqlite_exporter.deliver.spool_format import load_batch
from tests.conftest import ROOT, make_spans, using
from tests.recorded_disk import RecordedDisk, compile_library, read_log, record

CUTS = 150
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
