# SPDX-License-Identifier: Apache-2.0
"""Writers that note what was acknowledged, and the check that a file holds it."""

from __future__ import annotations

import logging
import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otel_sqlite_exporter import (
    SQLiteLogRecordExporter,
    SQLiteMetricExporter,
    SQLiteSpanExporter,
    SQLiteSpanProcessor,
)
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.model.rows import EncodedSpan
from otel_sqlite_exporter.settings import resolve_settings
from tests.file_checks import check_file, settle
from tests.metering import make_data, make_sum
from tests.trials.outcome import Outcome, is_orphan
from tests.trials.records import Record, make_records, name_of

_NAMES = """
SELECT name FROM spans
UNION ALL SELECT body ->> '$' FROM logs
UNION ALL SELECT (attributes ->> 'of') || '/point' || (time_unix_nano / 1000000000) FROM metric_points
"""
WAYS = ("exporter", "batch", "processor")


class Notes:
    """Names of acknowledged records, in a file that outlives the process that writes them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, records: Iterable[Record | EncodedSpan]) -> None:
        """Note the records, in one write."""
        self.add_names(map(name_of, records))

    def add_names(self, names: Iterable[str]) -> None:
        """Note records by their names, in one write."""
        lines = "".join(f"{name}\n" for name in names)
        file = os.open(self.path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        os.write(file, lines.encode())
        os.close(file)

    def names(self) -> list[str]:
        """The names, in the order of their notes."""
        return self.path.read_text().split() if self.path.exists() else []


def noting(exporter: Any, notes: Notes) -> Any:
    """The exporter, or the queue of a processor, of which each export that succeeds is noted."""
    export = exporter.export

    def export_and_note(batch: Any) -> Any:
        result = export(batch)
        if result.name == "SUCCESS":
            notes.add(batch)
        return result

    exporter.export = export_and_note
    return exporter


def make_processor(path: Path, way: str, notes: Notes, **keywords: Any) -> SpanProcessor:
    """A span processor that writes small batches all the time."""
    if way == "batch":
        exporter = noting(SQLiteSpanExporter(path, **keywords), notes)
        return BatchSpanProcessor(exporter, 2048, 5, 32)
    processor = SQLiteSpanProcessor(
        path, open_delay_ms=1, schedule_delay_ms=10, idle_delay_ms=10, batch_size=32, queue_wait_ms=60_000, **keywords
    )
    noting(processor._queue, notes)
    return processor


def write_on(path: Path, notes: Notes, prefix: str, way: str, batches: int = 10**9, **keywords: Any) -> None:
    """A program: write random records, one batch after the other, in one of the `WAYS`."""
    logging.disable()
    chance = random.Random(prefix)
    spans = noting(SQLiteSpanExporter(path, **keywords), notes)
    logs = noting(SQLiteLogRecordExporter(path, **keywords), notes)
    metrics = SQLiteMetricExporter(path, **keywords)
    processor = None if way == "exporter" else make_processor(path, way, notes, **keywords)
    for number in range(batches):
        if is_orphan():
            break
        records = make_records(chance, f"{prefix}/{number}", chance.randrange(1, 9))
        export_records(records, spans, logs, None if processor is None else processor.on_end)
        export_points(metrics, notes, prefix, number + 1)
        time.sleep(chance.uniform(0, 0.005))
    for one in (processor, spans, logs, metrics):
        if one is not None:
            one.shutdown()


def export_records(
    records: list[Record], spans: Any, logs: Any, end: Callable[[ReadableSpan], None] | None = None
) -> None:
    """Export what has ended with `spans` and `logs`, and what has not with `spans.export_open`; if `end` is given, it
    gets the spans that have ended, one by one."""
    of_spans = [record for record in records if isinstance(record, ReadableSpan)]
    running = [span for span in of_spans if span.end_time is None]
    ended = [span for span in of_spans if span.end_time is not None]
    of_logs = [record for record in records if not isinstance(record, ReadableSpan)]
    if running:
        spans.export_open(running)
    if ended and end is None:
        spans.export(ended)
    elif end is not None:
        for span in ended:
            end(span)
    if of_logs:
        logs.export(of_logs)


def export_points(exporter: SQLiteMetricExporter, notes: Notes, prefix: str, number: int) -> None:
    """Export the points of three series of a writer at a time, twice, and note them by the names that `check` gives."""
    data = make_data(*(make_sum("batches", number, time=number * 10**9, of=f"{prefix}/{n}") for n in range(3)))
    if exporter.export(data).name == exporter.export(data).name == "SUCCESS":
        notes.add_names(f"{prefix}/{n}/point{number}" for n in range(3))


def check(path: Path, acknowledged: Iterable[str]) -> Outcome:
    """Bring in the spool, and compare the file with what was acknowledged. The file must be sound, and `reindex` must
    find nothing to change."""
    settle(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        check_file(file)
        names = [name for (name,) in file.execute(_NAMES)]
        (quarantined,) = file.execute("SELECT count(*) FROM _quarantine").fetchone()
    result = reindex(resolve_settings(path, busy_timeout_ms=30_000))
    changed = (result.changed_spans, result.changed_logs, result.recounted_calls)
    expected, found = set(acknowledged), Counter(names)
    lost = sorted(expected - set(found))
    doubled = sorted(name for name, times in found.items() if times > 1)
    for what, values in (
        ("lost", lost),
        ("doubled", doubled),
        ("reindex changed", list(changed) if any(changed) else []),
    ):
        if values:
            print(what, len(values), values[:9], path)
    return Counter(
        acknowledged=len(expected),
        lost=len(lost),
        doubled=len(doubled),
        different=any(changed),
        quarantined=quarantined,
    )
