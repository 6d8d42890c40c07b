# SPDX-License-Identifier: Apache-2.0
"""Several writers at once, in any order, split and repetition, against one writer that writes one record after the
other: all public views must be the same."""

from __future__ import annotations

import random
import sqlite3
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from tests.trials.outcome import Outcome
from tests.trials.records import Record, make_records, name_of
from tests.trials.writers import Notes, check, export_records, noting

WRITERS = 6
LATER_NS = 1_900_000_000_000_000_000
_REFERENCES = ("event_id", "related_event_id", "start_id", "finish_id", "call_id")
"""Columns that refer to a row of `events`, the last to a call. The rows' own ids say nothing."""


def try_orders(folder: Path, chance: random.Random) -> Outcome:
    """One trial."""
    records = make_records(chance, "r", chance.randrange(2, 40))
    if chance.random() < 0.3:  # some have not ended yet
        names = set(chance.choices([name_of(record) for record in records], k=3))
        records = [record for record in records if not (_has_ended(record) and name_of(record) in names)]
    serial, shared = folder / "serial.db", folder / "shared.db"
    _write(serial, Notes(folder / "notes of serial"), [[record] for record in records])
    again = [record for record in records if isinstance(record, ReadableSpan) and chance.random() < 0.3]
    other = chance.sample([*records, *again], len(records) + len(again))
    shares = [_split(other[writer::WRITERS], chance) for writer in range(WRITERS)]
    notes = Notes(folder / "notes of shared")
    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(partial(_write, shared, notes), shares))
    one, many = read_views(serial), read_views(shared)
    for view in one:
        if one[view] != many[view]:
            print(view, *(Counter(one[view]) - Counter(many[view])), sep="\n- ")
            print(*(Counter(many[view]) - Counter(one[view])), sep="\n+ ", file=sys.stdout)
    outcome = check(shared, notes.names())
    return Counter(trials=1, different=int(one != many)) + outcome


def _has_ended(record: Record) -> bool:
    return isinstance(record, ReadableSpan) and record.end_time is not None


def _split(records: list[Record], chance: random.Random) -> list[list[Record]]:
    batches: list[list[Record]] = [[]]
    for record in records:
        if chance.random() < 0.4:
            batches.append([])
        batches[-1].append(record)
    return batches


def _write(path: Path, notes: Notes, batches: list[list[Record]]) -> None:
    spans = noting(SQLiteSpanExporter(path, busy_timeout_ms=60_000), notes)
    logs = noting(SQLiteLogRecordExporter(path, busy_timeout_ms=60_000), notes)
    for batch in batches:
        export_records(batch, spans, logs)
    spans.shutdown()
    logs.shutdown()


def read_views(path: Path) -> dict[str, list[str]]:
    """The rows of all public views, in an order of their own, where records are known by what they are."""
    rows = {}
    with closing(sqlite3.connect(path)) as file, file:
        # Spans that run end with the last write of their process.
        file.execute("UPDATE _exporter_runs SET last_write_unix_nano = ?", (LATER_NS,))
        known: dict[object, list[object]] = {
            identity: rest
            for identity, *rest in file.execute(
                "SELECT id, trace_id, span_id, source, ordinal, phase, name, start_time_unix_nano FROM events"
            )
        }
        calls = "SELECT id, trace_id, span_id, name, source, start_time_unix_nano FROM complete_llm_interactions"
        known |= {f"call {identity}": rest for identity, *rest in file.execute(calls)}
        views = "SELECT name FROM sqlite_schema WHERE type = 'view' AND name NOT LIKE '\\_%' ESCAPE '\\'"
        for (view,) in file.execute(views).fetchall():
            if view == "exporter_health":
                continue
            found = file.execute(f"SELECT * FROM {view}")
            names = [column[0] for column in found.description]
            rows[view] = sorted(
                repr(
                    [
                        (name, known.get(_name_reference(name, value)) if name in _REFERENCES else value)
                        for name, value in zip(names, row, strict=True)
                        if name != "id"
                    ]
                )
                for row in found
            )
    return rows


def _name_reference(column: str, value: object) -> object:
    return f"call {value}" if column == "call_id" else value
