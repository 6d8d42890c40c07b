# SPDX-License-Identifier: Apache-2.0
"""The power fails between any two writes: with `synchronous=full`, everything that was acknowledged is there."""

from __future__ import annotations

import logging
import os
import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter import SQLiteSpanExporter
from tests.conftest import ROOT
from tests.integration.test_power_loss import names_after_failure
from tests.recorded_disk import RecordedDisk, compile_library, read_log, record
from tests.trials.outcome import Outcome
from tests.trials.records import make_records
from tests.trials.writers import Notes, noting

CUTS, BATCHES = 20, 12


def try_power_cuts(folder: Path, chance: random.Random) -> Outcome:
    """Each cut of one recording is a trial."""
    library = compile_library(ROOT / "tests" / "recorded_writes.c", folder)
    if library is None:
        return Counter()
    disk_folder, log = folder / "disk", folder / "log"
    disk_folder.mkdir()
    record(f"{__name__}.write_at_random", disk_folder, log, library, disk_folder / "otel.db", chance.random())
    operations = list(read_log(log))
    total: Outcome = Counter()
    disk, done, acknowledged = RecordedDisk(), 0, set[str]()
    for number, cut in enumerate(sorted(chance.choices(range(1, len(operations) + 1), k=CUTS))):
        for operation in operations[done:cut]:
            if operation.name == "notes":
                acknowledged.update(operation.data.decode().split())
            else:
                disk.do(operation)
        done = cut
        left = folder / f"cut{number}"
        left.mkdir()
        disk.cut(left, chance)
        lost = sorted(acknowledged - names_after_failure(left))
        total += Counter(trials=1, acknowledged=len(acknowledged), lost=len(lost))
        if lost:
            print(f"cut {cut} of {len(operations)}: lost", lost)
        else:
            shutil.rmtree(left)
    return total


def write_at_random(path: str, seed: str) -> None:
    """A program: batches into the file and the spool, checkpoints, replays, closes."""
    logging.disable()
    chance, notes = random.Random(seed), Notes(Path(path).with_name("notes"))
    exporter = _open(path, notes)
    for number in range(BATCHES):
        records = make_records(chance, f"{number}", chance.choice([1, 5, 40]), open_spans=False)
        spans = [record for record in records if isinstance(record, ReadableSpan)]
        locked = chance.random() < 0.2 and os.path.exists(path)
        with closing(sqlite3.connect(path if locked else ":memory:", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            exporter.export(spans)
        if chance.random() < 0.2:
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute(f"PRAGMA wal_checkpoint({chance.choice(['PASSIVE', 'TRUNCATE'])})").fetchall()
        if chance.random() < 0.15:
            exporter.shutdown()
            exporter = _open(path, notes)
    os._exit(0)


def _open(path: str, notes: Notes) -> SQLiteSpanExporter:
    exporter: SQLiteSpanExporter = noting(SQLiteSpanExporter(path, synchronous="full", busy_timeout_ms=0), notes)
    return exporter
