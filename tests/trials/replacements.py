# SPDX-License-Identifier: Apache-2.0
"""Another program cuts, empties, removes or replaces the file while several processes export. What is exported from
then on, and acknowledged, is there."""

from __future__ import annotations

import logging
import os
import random
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter import SQLiteSpanExporter
from tests.conftest import make_spans
from tests.integration.test_damage import spooled_names, written_names
from tests.trials.outcome import Outcome, is_orphan, spawn
from tests.trials.records import make_records
from tests.trials.writers import check

CHANGES, WRITERS = 2, 2


def _cut(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.choice([0, chance.randrange(path.stat().st_size)]))


def _remove(path: Path, _: random.Random) -> None:
    path.unlink()


def _remove_all(path: Path, _: random.Random) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def _replace(path: Path, _: random.Random) -> None:
    other = path.with_name("other.db")
    with closing(SQLiteFile(other)) as exporter:
        exporter.export(make_spans("of the other"))
    other.rename(path)


class SQLiteFile(SQLiteSpanExporter):
    """An exporter that `closing` closes."""

    close = SQLiteSpanExporter.shutdown


HOW: list[Callable[[Path, random.Random], None]] = [_cut, _cut, _remove, _remove_all, _replace]


def try_replacements(folder: Path, chance: random.Random) -> Outcome:
    """Each change is a trial: it takes place while the processes write."""
    total: Outcome = Counter()
    for number in range(CHANGES):
        place = folder / str(number)
        place.mkdir()
        total += _try_change(place / "otel.db", chance)
    return total


def _try_change(path: Path, chance: random.Random) -> Outcome:
    stop = path.with_name("stop")
    how = chance.choice(HOW)
    writers = [spawn(_write, path, stop, f"{chance.random()}") for _ in range(WRITERS)]
    while not path.exists() or len(written_names(path)) < 3:
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 0.1))
    how(path, chance)
    changed_ns = time.monotonic_ns()
    time.sleep(chance.uniform(0.05, 0.2))
    stop.touch()
    failed = sum(os.waitpid(pid, 0)[1] != 0 for pid in writers)
    began = dict(line.split() for line in path.with_name("notes").read_text().splitlines())
    expected = {name for name, at in began.items() if int(at) > changed_ns}
    outcome: Outcome = Counter(trials=1, acknowledged=len(expected), different=failed)
    if _is_sound(path):
        result = check(path, expected)
        outcome += Counter({name: value for name, value in result.items() if name != "acknowledged"})
    else:
        lost = expected - spooled_names(path)
        outcome += Counter(lost=len(lost))
        if lost:
            print("lost", len(lost), "of", len(expected), how.__name__, sorted(lost)[:5])
    if outcome["lost"] or outcome["different"]:
        print(how.__name__, path)
    return outcome


def _is_sound(path: Path) -> bool:
    """Looked at in a copy: a file that is not sound stays as it is."""
    copy = path.parent / "copy"
    copy.mkdir()
    for name in ("otel.db", "otel.db-wal"):
        if path.with_name(name).exists():
            shutil.copyfile(path.with_name(name), copy / name)
    try:
        with closing(sqlite3.connect(copy / "otel.db")) as file:
            return file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except sqlite3.DatabaseError:
        return False


def _write(path: Path, stop: Path, prefix: str) -> None:
    """A program: export, and note when the export of what was acknowledged began."""
    logging.disable()
    chance, number = random.Random(prefix), 0
    notes = os.open(path.with_name("notes"), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    exporter = SQLiteSpanExporter(path)
    while not stop.exists() and not is_orphan():
        records = make_records(chance, f"{prefix}/{number}", chance.randrange(1, 4), open_spans=False)
        spans = [record for record in records if isinstance(record, ReadableSpan)]
        began_ns = time.monotonic_ns()
        if exporter.export(spans).name == "SUCCESS":
            os.write(notes, "".join(f"{span.name} {began_ns}\n" for span in spans).encode())
        number += 1
    exporter.shutdown()
