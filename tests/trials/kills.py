# SPDX-License-Identifier: Apache-2.0
"""Writers are killed at random moments, while others write, hold the lock, and bring in the spool."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from otel_sqlite_exporter.errors import SQLiteExporterError
from otel_sqlite_exporter.maintain.repair import recover
from otel_sqlite_exporter.settings import resolve_settings
from tests.trials.outcome import Outcome, is_orphan, kill, spawn
from tests.trials.writers import WAYS, Notes, check, write_on

KILLS, WRITERS = 5, 3
LONGEST_LIFE_S = 0.3


def try_kills(folder: Path, chance: random.Random) -> Outcome:
    """Each kill is a trial."""
    path, notes = folder / "otel.db", Notes(folder / "notes")
    others = {lock_now_and_then: 0, recover_now_and_then: 0}
    writers: list[int] = []
    for _number in range(KILLS):
        while len(writers) < WRITERS:
            waits_ms = chance.choice([0, 20, 5_000])
            prefix = f"{chance.random()}"
            writers.append(spawn(_write, path, notes, prefix, chance.choice(WAYS), waits_ms))
        for program, pid in others.items():
            others[program] = pid or spawn(program, path, chance.random())
        time.sleep(chance.uniform(0, LONGEST_LIFE_S))
        kill(writers.pop(chance.randrange(WRITERS)))
        if chance.random() < 0.3 and others[recover_now_and_then]:
            kill(others[recover_now_and_then])
            others[recover_now_and_then] = 0
    for pid in (*writers, *others.values()):
        if pid:
            kill(pid)
    return Counter(trials=KILLS + len(writers)) + check(path, notes.names())


def _write(path: Path, notes: Notes, prefix: str, way: str, waits_ms: int) -> None:
    write_on(path, notes, prefix, way, busy_timeout_ms=waits_ms)


def lock_now_and_then(path: Path, seed: float) -> None:
    """A program: hold the lock, so that others write to the spool."""
    chance = random.Random(seed)
    while not is_orphan():
        time.sleep(chance.uniform(0, 0.1))
        if path.exists():
            with contextlib.suppress(sqlite3.OperationalError), closing(sqlite3.connect(path, timeout=1)) as file:
                file.execute("BEGIN IMMEDIATE")
                time.sleep(chance.uniform(0, 0.06))


def recover_now_and_then(path: Path, seed: float) -> None:
    """A program: do what the command `recover` does, again and again."""
    chance = random.Random(seed)
    while not is_orphan():
        time.sleep(chance.uniform(0, 0.05))
        with contextlib.suppress(SQLiteExporterError, sqlite3.OperationalError):
            recover(resolve_settings(path, busy_timeout_ms=chance.choice([0, 100])))
