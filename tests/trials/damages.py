# SPDX-License-Identifier: Apache-2.0
"""Random bytes of a file are altered. No export raises or loses a batch, and no command ends in a traceback."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import sqlite3
import traceback
from collections import Counter
from contextlib import closing
from pathlib import Path

from click.testing import CliRunner
from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.cli.commands import cli
from tests.integration.test_damage import spooled_names, written_names
from tests.trials.outcome import Outcome, spawn
from tests.trials.records import make_records
from tests.trials.writers import Notes, noting, write_on

PAGE = 16_384
COMMANDS = (
    *("doctor", "info", "llm", "tools", "logs", "spans", "traces", "sessions", "report cost", "report errors"),
    *("report latency", "tail", "export", "recover", "migrate", "reindex", "index", "session s1", "search hi"),
    *("doctor --repair", "llm --all --json", "sql", "report unrecognised", "reprice"),
)


def try_damages(folder: Path, chance: random.Random) -> Outcome:
    """Each file is a trial."""
    logging.disable()
    path, notes = folder / "otel.db", Notes(folder / "notes")
    assert os.waitpid(spawn(write_on, path, notes, f"{chance.random()}", "exporter", 12), 0)[1] == 0
    sound = path.read_bytes()
    total: Outcome = Counter()
    for number in range(2):
        place = folder / str(number)
        place.mkdir()
        total += _try_damage(place / "otel.db", sound, chance)
    return total


def _try_damage(path: Path, sound: bytes, chance: random.Random) -> Outcome:
    path.write_bytes(_alter(sound, chance))
    notes = Notes(path.with_name("notes"))
    exporter = noting(SQLiteSpanExporter(path, busy_timeout_ms=500), notes)
    for number in range(3):
        records = make_records(chance, f"new{number}", 3, open_spans=False)
        exporter.export([record for record in records if isinstance(record, ReadableSpan)])
    exporter.shutdown()
    lost = set(notes.names()) - spooled_names(path) - written_names(path, 20)
    kept_apart = _read_quarantine(path)
    lost = {name for name in lost if f'"{name}"' not in kept_apart}
    if lost:
        print("lost", sorted(lost), path)
    tracebacks = 0
    for command in chance.sample(COMMANDS, 5):
        tracebacks += _breaks(command, path)
    return Counter(trials=1, acknowledged=len(notes.names()), lost=len(lost), tracebacks=tracebacks)


def _read_quarantine(path: Path) -> str:
    """Return what the quarantine holds: a sound span too, if a damaged table refuses its row."""
    contents = []
    with closing(sqlite3.connect(path)) as connection, contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
        contents = [str(content) for (content,) in connection.execute("SELECT content FROM _quarantine")]
    return "".join(contents)


def _alter(sound: bytes, chance: random.Random) -> bytes:
    """Most of a file is text. What SQLite steers by is at the beginning of pages, and in the schema."""
    content = bytearray(sound)
    for _ in range(chance.choice([1, 8, 64])):
        where = chance.choice(["anywhere", "page header", "page", "schema"])
        page = chance.randrange(len(content) // PAGE) * PAGE
        places = {
            "anywhere": chance.randrange(len(content)),
            "page header": page + chance.randrange(16),
            "page": page + chance.randrange(PAGE),
            "schema": chance.randrange(PAGE * 4),
        }
        content[places[where] % len(content)] = chance.randrange(256)
    return bytes(content[: chance.randrange(len(content))]) if chance.random() < 0.05 else bytes(content)


def _breaks(command: str, path: Path) -> bool:
    """Whether the command ends in a traceback."""
    arguments = command.split()
    if command == "sql":
        arguments += ["SELECT * FROM sessions"]
    result = CliRunner().invoke(cli, [*arguments, str(path)])
    if result.exception is None or isinstance(result.exception, SystemExit):
        return False
    print(command, "".join(traceback.format_exception(result.exception)).replace("Traceback (", "("), path)
    return True
