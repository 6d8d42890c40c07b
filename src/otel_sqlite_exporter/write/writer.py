# SPDX-License-Identifier: Apache-2.0
"""From encoded records to the file: one transaction a batch, one statement a table."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import NamedTuple

from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, QuarantineRow, Records
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.state import write_state
from otel_sqlite_exporter.storage.statistics import are_due, gather_statistics
from otel_sqlite_exporter.storage.transactions import Transaction, transaction
from otel_sqlite_exporter.write.batch import Batch
from otel_sqlite_exporter.write.batch_lookup import RepeatedSpan
from otel_sqlite_exporter.write.call_prices import CallPrices
from otel_sqlite_exporter.write.exporter_runs import Counts, Run, write_run
from otel_sqlite_exporter.write.log_sessions import follow_spans, link_log_records
from otel_sqlite_exporter.write.metric_writing.known_series import KnownSeries
from otel_sqlite_exporter.write.metric_writing.points_batch import NO_POINTS, PointsBatch, WrittenPoints
from otel_sqlite_exporter.write.metric_writing.sorted_points import PointSorter
from otel_sqlite_exporter.write.receipts.known_requests import forget_requests, take_new
from otel_sqlite_exporter.write.receipts.source_counts import count_sources
from otel_sqlite_exporter.write.row_tables.archive_notes import note_rewritten
from otel_sqlite_exporter.write.shared_texts import SharedTexts
from otel_sqlite_exporter.write.span_versions import choose_replacing, find_completed
from otel_sqlite_exporter.write.statements import Insert, TableRows, read_json, run_script
from otel_sqlite_exporter.write.temporal_links import Change, find_stems, relink_records

_QUARANTINE = Insert("_quarantine", QuarantineRow._fields, key="digest")


class Replay(NamedTuple):
    """Marks a batch of a spool as written: which spool, which batch, and when it was put there. The file remembers one
    batch for each spool: whoever takes them holds the spool's lock, and takes them in order."""

    spool_id: str
    batch_id: str
    time_unix_nano: int

    def note(self, connection: sqlite3.Connection) -> bool:
        """Note the mark in the caller's transaction; False if the file had it already."""
        return write_state(connection, f"spool {self.spool_id}", self.batch_id)


class ImportMark(NamedTuple):
    """Marks a part of an imported source as written: the digest of its last piece and of everything before, the name of
    the source, and when it was read. Log records have no identity, so a source is known by its content."""

    digest: str
    source: str
    time_unix_nano: int

    def note(self, connection: sqlite3.Connection) -> bool:
        """Note the mark in the caller's transaction; False if the file had it already."""
        noted = connection.execute(
            "INSERT INTO _imports (digest, source, time_unix_nano) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING",
            self,
        )
        return noted.rowcount > 0


class Writer:
    """Writes batches through one connection, and stores once what the calls of a conversation repeat. Use it on one
    thread at a time. Where a transaction of the caller fails, make a new writer.

    `may_forget` is whether old requests are forgotten: only while no batch waits in the spool, as it may hold a request
    that was written since."""

    def __init__(self, connection: sqlite3.Connection, settings: Settings) -> None:
        self.connection = connection
        self.prices = CallPrices(is_on=settings.cost == "auto")
        self._window_ns = settings.pairing_window_ms * 1_000_000
        self._session_attributes = settings.session_attributes
        self._shared_texts = SharedTexts()
        self._most_new_series = settings.metric_new_series
        self._known_series = KnownSeries()
        self._sorter = PointSorter(self._known_series)
        self.may_forget = False
        self._last: tuple[Records, Transaction] | None = None

    def write(self, records: Records, run: Run, mark: Replay | ImportMark | None = None) -> Counts | None:
        """Write a batch of `run` in one transaction, and return what became of it. When this returns, the batch is in
        the file; when it raises, nothing of it is. A batch with a `mark` is written once: None if it was before.

        Raises:
            sqlite3.Error: The batch cannot be written. The connection is in no transaction.
        """
        self.prices.prepare(records)
        whole = transaction(self.connection)
        self._last = records, whole
        try:
            with whole:
                if mark is not None and not mark.note(self.connection):
                    return None
                return self.add(records, run, mark if isinstance(mark, Replay) else None)
        except BaseException:
            self._shared_texts.clear()
            self._known_series.clear()
            raise

    def has_written(self, records: Records) -> bool:
        """Return whether the last call of `write` had these `records` and they are in the file, also where it raised an
        exception of a signal handler after that."""
        return self._last is not None and self._last[0] is records and self._last[1].is_committed()

    def add(self, records: Records, run: Run, replay: Replay | None = None) -> Counts:
        """Write a batch of `run` in the caller's transaction, and return what became of it.

        Raises:
            sqlite3.Error: The batch cannot be written.
        """
        written_at = time.time_ns()
        now = written_at if replay is None else replay.time_unix_nano
        counts = Counts(batches=1 if records else 0)
        known: Sequence[Records] = ()
        if records.requests:
            records, known = take_new(self.connection, records, written_at)
        batch, points = None, NO_POINTS
        if records.spans or records.logs:
            batch = self._write_records(records.spans, records.logs, counts)
        if records.points:
            points = self._write_points(records.points, counts, written_at)
        if records.quarantine:
            quarantine = TableRows(_QUARANTINE)
            for row in records.quarantine:
                quarantine.add(row)
            quarantine.write(self.connection)
            counts.received += len(records.quarantine)
            counts.quarantined = len(records.quarantine)
        if records.requests or known:
            counts.received += sum(map(len, known))
            counts.duplicate += sum(map(len, known))
            count_sources(self.connection, records, known, batch, points, now)
            if self.may_forget:
                forget_requests(self.connection, len(records.requests), written_at)
        counts.replayed = 0 if replay is None else counts.received
        write_run(self.connection, run, counts, now)
        if batch is not None and counts.opened:
            ids = {"first_span": batch.new_spans[0], "last_span": batch.new_spans[-1]}
            self.connection.execute(read_query("insert_open_spans"), {"run_id": run.run_id, **ids})
        if batch is not None and are_due(self.connection, batch.last_record_before, batch.last_record):
            gather_statistics(self.connection)
        if records.points:
            self._known_series.note(self.connection)
        return counts

    def _write_points(self, points: Sequence[EncodedPoint], counts: Counts, written_at: int) -> WrittenPoints:
        found = PointsBatch(self.connection, points, self._known_series, self._most_new_series).write(written_at)
        self._sorter.sort_in(self.connection, found.written)
        counts.received += len(points)
        counts.written += found.written
        counts.points += found.written
        counts.duplicate += len(points) - found.written - len(found.refused)
        counts.refused += len(found.refused)
        counts.repaired += sum(point.repaired for point in points)
        return found

    def add_copies(self, spans: Sequence[EncodedSpan], logs: Sequence[EncodedLog]) -> Counts:
        """Write records that another file holds, in the caller's transaction, and return what became of them. They
        count for no run, and who ends the open spans among them is for the caller to note.

        Raises:
            sqlite3.Error: They cannot be written.
        """
        counts = Counts(batches=0)
        batch = self._write_records(spans, logs, counts)
        if are_due(self.connection, batch.last_record_before, batch.last_record):
            gather_statistics(self.connection)
        return counts

    def add_copied_points(self, points: Sequence[EncodedPoint]) -> int:
        """Write data points that another file holds, in the caller's transaction, and return how many are new. They
        count for no run, and are not refused.

        Raises:
            sqlite3.Error: They cannot be written.
        """
        found = PointsBatch(self.connection, points, self._known_series, None).write(time.time_ns())
        self._sorter.sort_in(self.connection, found.written)
        self._known_series.note(self.connection)
        return found.written

    def rewrite(self, spans: Sequence[EncodedSpan], logs: Sequence[EncodedLog], changes: Sequence[Change]) -> None:
        """Replace spans in the file, with what is derived from them, in the caller's transaction; and write log records
        again that were removed from it, which made `changes`.

        Raises:
            sqlite3.Error: They cannot be written.
        """
        self._write_records(spans, logs, Counts(), changes, is_rewriting=True)

    def _write_records(
        self,
        spans: Sequence[EncodedSpan],
        logs: Sequence[EncodedLog],
        counts: Counts,
        changes: Sequence[Change] = (),
        *,
        is_rewriting: bool = False,
    ) -> Batch:
        """Write spans and log records, add them to `counts`, and return their rows. `changes` were made before; where
        it `is_rewriting`, spans replace those in the file whatever these are."""
        connection = self.connection
        batch = Batch(connection, spans, logs, self._shared_texts, self._session_attributes, self.prices)
        replacing = batch.repeated if is_rewriting else choose_replacing(connection, batch.repeated)
        replacing = [*replacing, *find_completed(connection, batch.late_starts, replacing, batch.contexts)]
        changes = [*changes, *_replace_spans(connection, batch, replacing)]
        lost = batch.write()
        if replacing:
            run_script(connection, "end_open_spans", ids=[repeated.written.id for repeated in replacing])
            again = [one.written.id for one in replacing if one.written.finish_record is not None]
            note_rewritten(connection, spans=again)
            if again and not is_rewriting:
                connection.execute(read_query("count_replaced"), {"number": len(again)})
        moved = batch.contexts.moved_trace_sessions()
        stays = batch.contexts.find_stays(batch.losing)
        if batch.has_logs and batch.naming_spans:
            shown = {row.id: batch.contexts.session_id(row.shown_before) for row in moved}
            changes += follow_spans(connection, batch.naming_spans, shown, batch.outdated_sums.left, stays)
        relinked: set[int] = set()
        if batch.log_spans:
            changes += link_log_records(connection, batch.log_spans, relinked)
        batch.outdated_sums.update(connection, [row.id for row in moved], lost)
        if batch.kept_starts:
            run_script(connection, "keep_starts", starts=batch.kept_starts)
        relink_records(connection, [*changes, *_find_changes(connection, batch)], self._window_ns, relinked)
        batch.interactions.finish(
            connection,
            has_logs=batch.has_logs,
            relinked=relinked,
            moved_trace_sessions=[row.id for row in moved],
            stays=stays,
        )
        _count(batch, spans, logs, replacing, counts)
        return batch


def _replace_spans(connection: sqlite3.Connection, batch: Batch, replacing: Sequence[RepeatedSpan]) -> list[Change]:
    """Let versions of spans replace those in the file, remove the rows that belong to the latter, and return what the
    removal of their records changes."""
    if not replacing:
        return []
    ids = [repeated.written.id for repeated in replacing]
    changes = find_stems(connection, spans=ids)
    batch.interactions.note_replaced_spans(connection, ids)
    (found,) = read_json(connection, "read_starts", ids=ids)
    starts = {id: start for id, *start in found}
    run_script(connection, "forget_span_details", ids=ids)
    batch.replace(replacing, starts)
    return changes


def _find_changes(connection: sqlite3.Connection, batch: Batch) -> list[Change]:
    """Return which records that may pair by time came with the batch, or moved to another session by it."""
    contexts = batch.contexts
    touched = {row.id: row for row in contexts.touched_trace_sessions()}
    changes = []
    for (id, stem), time_ns in batch.candidates.items():
        row = touched[id]
        if row.trace.trace_id:
            changes.append(Change(row.trace.id, None, stem, time_ns))
        else:
            changes.append(Change(None, contexts.session_id(row.own), stem, time_ns))
    moved = [row for row in contexts.moved_trace_sessions() if row.candidate_time is not None]
    if moved:
        left: dict[int | None, set[int | None]] = {row.trace.id: set() for row in moved}
        for row in moved:
            left[row.trace.id].add(contexts.session_id(row.shown_before))
        for change in find_stems(connection, trace_sessions=[row.id for row in moved]):
            changes.append(change)
            changes += [change._replace(trace=None, session=session) for session in left[change.trace]]
    return changes


def _count(
    batch: Batch,
    spans: Sequence[EncodedSpan],
    logs: Sequence[EncodedLog],
    replacing: Sequence[RepeatedSpan],
    counts: Counts,
) -> None:
    finished = [span for span in spans if not span.is_open]
    written = len(batch.new_spans) - batch.opened + sum(not one.written.is_finished for one in replacing)
    counts.received += len(finished) + len(logs)
    counts.written += written + len(logs)
    counts.duplicate += len(finished) - written
    counts.opened += batch.opened
    counts.repaired += sum(span.repaired for span in finished) + sum(log.repaired for log in logs)
    ends = [span.row.end_time_unix_nano for span in finished]
    ends += [log.row.observed_time_unix_nano for log in logs]
    counts.earliest_end = min(ends, default=None)
