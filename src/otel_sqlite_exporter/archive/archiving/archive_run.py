# SPDX-License-Identifier: Apache-2.0
"""`archive`: writes the closed days of a file that a dataset lacks, or has only in part.

A day is noted in the file before it is read, its manifest tells the run that wrote it, and then the file notes that it
is complete. So a run that was killed is told from a copy of the file that was archived too: the former is completed,
and the latter gets a name of its own. Each day is read in one transaction, beside writers.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from glob import glob
from typing import Literal, NamedTuple

from otel_sqlite_exporter.archive.archiving.changed_days import DayChanges, Running, find_due, read_running
from otel_sqlite_exporter.archive.archiving.day_choice import choose_rows
from otel_sqlite_exporter.archive.archiving.held_manifests import HeldManifests
from otel_sqlite_exporter.archive.archiving.noted_days import COUNTED, LastIds, NotedDay, NotedDays, check_folder
from otel_sqlite_exporter.archive.asking.day_summaries import DaySummaries
from otel_sqlite_exporter.archive.dataset_format.dataset_days import DAY_NS, name_day
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import (
    MANIFESTS,
    DatasetFolder,
    make_dataset,
)
from otel_sqlite_exporter.archive.dataset_format.dataset_lock import lock_dataset, lock_source
from otel_sqlite_exporter.archive.dataset_format.durable_files import remove_files
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest
from otel_sqlite_exporter.archive.day_rows.day_snapshot import allowing_temporary
from otel_sqlite_exporter.archive.day_rows.day_writer import write_day
from otel_sqlite_exporter.deliver.interrupted_spans import interrupt_spans
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.storage.connection import open_reader
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.state import read_state
from otel_sqlite_exporter.storage.transactions import transaction

_SOURCE_LENGTH = 16
Kind = Literal["new", "again", "added"]
OnProgress = Callable[[int, int | None, str], None]


class ArchivedDay(NamedTuple):
    """A day that a run wrote.

    Attributes:
        date: The day (UTC), as `2026-01-31`.
        kind: `new`; written `again`, in place of what the dataset had; or `added` to that, as the file has only a part
            of it: `compact` puts both together.
        spans, logs, points: The rows that were written.
        bytes: What all its parts take.
        seconds: How long it took.
    """

    date: str
    kind: Kind
    spans: int
    logs: int
    points: int
    bytes: int
    seconds: float


class LeftTrace(NamedTuple):
    """A trace of a closed day that runs, and is left for a later run."""

    date: str
    trace_id: str


class ArchiveResult(NamedTuple):
    """What `archive` did.

    Attributes:
        dataset: The path of the dataset.
        source: The name of the file in it.
        until: The first day that was not closed.
        days: Those that were written, in order.
        known_days: How many others of this file the dataset has already.
        removed_days: How many of these `delete` or `prune` removed from it: they are not written again.
        running: Traces that were left out.
        seconds: How long it took.
    """

    dataset: str
    source: str
    until: str
    days: tuple[ArchivedDay, ...]
    known_days: int
    removed_days: int
    running: tuple[LeftTrace, ...]
    seconds: float


class ArchiveRun:
    """One run of `archive`. Use `opening`.

    Attributes:
        dataset: What it writes to.
        writer: A connection to the file.
        until_day: Days before this one (since 1970-01-01, UTC) are closed.
        notes: What the file notes of the dataset.
        source: The name of the file in it.
        window_ns: How far records may be from each other that pair by time.
    """

    def __init__(self, settings: Settings, dataset: DatasetFolder, writer: sqlite3.Connection, until_day: int) -> None:
        self.dataset = dataset
        self.writer = writer
        self.until_day = until_day
        self.notes = NotedDays(writer, dataset)
        self.source = _find_source(writer, self.notes)
        self.window_ns = settings.pairing_window_ms * 1_000_000
        self._settings = settings
        self._held = HeldManifests(dataset)
        self._running: Running = {}

    def run(self, progress: OnProgress) -> ArchiveResult:
        """Write what the dataset lacks. `progress` is called with the number of days that are done, of how many, and
        what is written.

        Raises:
            sqlite3.Error: The file cannot be read or written.
            OSError: The dataset cannot be written.
        """
        began = time.monotonic()
        self._settle()
        with self._open_reader() as reader, DaySummaries(self.dataset) as summaries:
            with _reading(reader):
                last = LastIds.read(reader)
                self._running = read_running(reader)
                due = find_due(reader, self.notes.newest, self.until_day, self._running, self.window_ns)
            unchanged = [row for day, row in self.notes.newest.items() if day not in due]
            done: list[ArchivedDay] = []
            for number, (day, changes) in enumerate(due.items()):
                progress(number, len(due), name_day(day))
                written = self._write(reader, summaries, day, changes)
                if written is None:
                    unchanged.append(self.notes.newest[day])
                else:
                    done.append(written)
        self._advance(unchanged, last)
        running = sorted((start, trace_id) for trace_id, start in self._running.values())
        return ArchiveResult(
            self.dataset.path,
            self.source,
            name_day(self.until_day),
            tuple(done),
            len(unchanged),
            sum(map(self.is_removed, unchanged)),
            tuple(LeftTrace(name_day(start // DAY_NS), id) for start, id in running if start < self.until_day * DAY_NS),
            time.monotonic() - began,
        )

    def find_manifests(self, row: NotedDay) -> list[Manifest]:
        """Return the manifests that hold what a row notes: its own, or those of `compact`; none if it is lost."""
        return self._held.find(row)

    def is_removed(self, row: NotedDay) -> bool:
        """Return whether `delete` or `prune` left nothing in the dataset of what a row notes."""
        return self._held.is_removed(row)

    def _settle(self) -> None:
        """Complete what a run that was killed had written, forget what it had not, and what the dataset has lost; and
        take another name if a copy of this file has used this one."""
        forgotten = []
        with transaction(self.writer):
            for row in self.notes.rows:
                manifest = self._held.by_name.get(row.manifest)
                if row.is_complete:
                    is_known = bool(self._held.find(row))
                else:
                    is_known = manifest is not None and manifest.facts.get("run_id") == row.run_id
                if not is_known:
                    forgotten.append(row)
                elif not row.is_complete and manifest is not None:
                    self.notes.complete(row.id, manifest)
            self.notes.forget([row.id for row in forgotten])
        for row in forgotten:
            if not row.is_complete and row.manifest not in self._held.by_name:
                self._remove_leftovers(row)
        self.notes.read()
        if self._held.has_others(self.source, self.notes.rows):
            self.source = secrets.token_hex(_SOURCE_LENGTH // 2)

    def _remove_leftovers(self, row: NotedDay) -> None:
        """Remove the parts that a killed run wrote without a manifest."""
        whole = self.dataset.name_part("*", name_day(row.day), row.source, row.generation)
        pieces = whole.replace(".parquet", "-*.parquet")
        half = whole.replace("/part-", "/.part-").replace(".parquet", "*.tmp")
        found = [name for pattern in (whole, pieces, half) for name in glob(pattern, root_dir=self.dataset.path)]
        found.append(f"{MANIFESTS}/.{row.manifest}.tmp")
        remove_files([self.dataset.join(name) for name in found])

    def _write(
        self, reader: sqlite3.Connection, summaries: DaySummaries, day: int, changes: DayChanges | None
    ) -> ArchivedDay | None:
        """Write a day; None: nothing of it has to be."""
        began = time.monotonic()
        date, rows = name_day(day), [row for row in self.notes.rows if row.day == day]
        generation, run_id = self._held.find_generation(self.source, day, rows), secrets.token_hex(8)
        # Noted before it is read: from then on it counts what comes late.
        with transaction(self.writer):
            id = self.notes.begin(self.source, day, generation, run_id)
        with _reading(reader):
            self._running = read_running(reader)
            last = LastIds.read(reader)
            own = self._held.list_of_day(self.source, day)
            choice = choose_rows(reader, self.dataset, day, changes, self._running, rows, own)
            if choice.is_empty:
                with transaction(self.writer):
                    self.notes.forget([id])
                return None
            facts = {"run_id": run_id, **last.to_facts(), COUNTED: choice.count(reader, day)}
            manifest = write_day(
                reader,
                self.dataset,
                self.source,
                date,
                generation,
                traces=choice.traces,
                sift=choice.sift,
                replaces=choice.replaces,
                facts=facts,
                summaries=summaries,
            )
        with transaction(self.writer):
            self.notes.complete(id, manifest)
        self._held.add(manifest)
        self.notes.read()
        kind: Kind = "new" if changes is None else "again" if choice.replaces else "added"
        spans, logs, points = (manifest.count(table) for table in ("spans", "logs", "metrics"))
        size = sum(part.bytes for part in manifest.parts)
        return ArchivedDay(date, kind, spans, logs, points, size, time.monotonic() - began)

    def _advance(self, rows: Sequence[NotedDay], last: LastIds) -> None:
        """Note of days in which nothing changed that this is known."""
        behind = [row.id for row in rows if row.last != last]
        if behind:
            with transaction(self.writer):
                self.notes.advance(behind, last)
        self.notes.read()

    @contextlib.contextmanager
    def _open_reader(self) -> Iterator[sqlite3.Connection]:
        """Open one connection for all days: SQLite reads the schema and prepares the statements of a day once."""
        path, timeout = self._settings.path, self._settings.busy_timeout_ms
        with contextlib.closing(open_reader(path, busy_timeout_ms=timeout)) as reader, allowing_temporary(reader):
            yield reader


@contextlib.contextmanager
def _reading(reader: sqlite3.Connection) -> Iterator[None]:
    """Read one moment of the file. While it lasts, the write-ahead log grows by what others write."""
    reader.execute("BEGIN")
    try:
        yield
    finally:
        if reader.in_transaction:
            reader.execute("COMMIT")


def _find_source(connection: sqlite3.Connection, notes: NotedDays) -> str:
    """Return the name of a file in the dataset: the one that it used last."""
    newest = max(notes.rows, key=lambda row: row.id, default=None)
    return str(read_state(connection, "file"))[:_SOURCE_LENGTH] if newest is None else newest.source


@contextlib.contextmanager
def opening(settings: Settings, folder: str, until_day: int, *, removes: bool = False) -> Iterator[ArchiveRun]:
    """Yield a run that archives the file of `settings` to a dataset, which is made if the folder is empty or missing;
    but not by a run that `removes`, if the file has been archived elsewhere. Spans of processes that are gone are
    interrupted. Another run of the file is refused meanwhile.

    Raises:
        FileRefusedError, MigrationFailedError, MissingPackageError: The file or the dataset cannot be used as it is.
        sqlite3.Error: The file cannot be written now.
        OSError: The dataset cannot be written.
    """
    with contextlib.closing(open_file(settings, must_exist=True)) as writer:
        if removes:
            check_folder(writer, folder)
        dataset = make_dataset(folder)
        name = str(read_state(writer, "file"))[:_SOURCE_LENGTH]
        with lock_dataset(dataset, alone=False), lock_source(dataset, name):
            interrupt_spans(writer)
            yield ArchiveRun(settings, dataset, writer, until_day)
