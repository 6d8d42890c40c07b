# SPDX-License-Identifier: Apache-2.0
"""From encoded spans to the file: one transaction a batch, one statement a table."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from otel_sqlite_exporter.model.rows import (
    EncodedLog,
    EncodedSpan,
    EventRow,
    LinkRow,
    LogRow,
    MessagesRow,
    QuarantineRow,
    Records,
    SpanRow,
)
from otel_sqlite_exporter.settings import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.statistics import are_due, gather_statistics
from otel_sqlite_exporter.write.batch import Batch
from otel_sqlite_exporter.write.context_rows import write_contexts
from otel_sqlite_exporter.write.exporter_runs import Counts, Run, write_run
from otel_sqlite_exporter.write.import_marks import Part, note_part
from otel_sqlite_exporter.write.late_starts import find_late
from otel_sqlite_exporter.write.log_links import follow_spans, link_log_records
from otel_sqlite_exporter.write.shared_texts import Histories
from otel_sqlite_exporter.write.span_versions import Repeated, find_replacing
from otel_sqlite_exporter.write.statements import Insert, run_query, run_script, take_new
from otel_sqlite_exporter.write.temporal_links import Change, find_stems, relink_records

_SPAN_COLUMNS = ("id", "trace", "trace_session", "resource", "scope", *SpanRow._fields, "texts")
_TEXTS = Insert("_texts", ("id", "text"))
_SPANS = Insert("_spans", _SPAN_COLUMNS)
_REPLACED_SPANS = Insert("_spans", _SPAN_COLUMNS, key="id", update=take_new(_SPAN_COLUMNS[1:]))
_EVENTS = Insert(
    "_events",
    (
        *("id", "trace_session", "span", "source", "ordinal", "phase", "name", "time_unix_nano", "time_source"),
        *("related_event", "link_method", *EventRow._fields[5:]),
    ),
)
_LINKS = Insert("_links", ("span", "ordinal", *LinkRow._fields))
_LOGS = Insert("_logs", ("id", "trace_session", "trace", "span_id", "resource", "scope", *LogRow._fields))
_LOG_EVENTS = Insert(
    "_events",
    ("id", "trace_session", "source", "phase", "name", "time_unix_nano", "time_source", "stem", "log"),
)
_MESSAGES = Insert("_messages", ("event", *MessagesRow._fields))
_QUARANTINE = Insert("_quarantine", QuarantineRow._fields, key="digest")


class Replay(NamedTuple):
    """That a batch was in a spool: which spool, which batch, and when it was put there."""

    spool_id: str
    batch_id: str
    time_unix_nano: int


def write_batch(
    connection: sqlite3.Connection,
    records: Records,
    run: Run,
    *,
    pairing_window_ns: int,
    session_attributes: Sequence[str] = DEFAULT_SESSION_ATTRIBUTES,
    replay: Replay | None = None,
    part: Part | None = None,
    histories: Histories | None = None,
) -> Counts | None:
    """Write a batch of `run` in one transaction and return what became of it. When this returns, the batch is in the
    file; when it raises, nothing of it is, and the connection is in no transaction. A batch that is a `replay`, or a
    `part` of a source that is imported, is written once: None if it was before. What calls repeat is stored once where
    the same `histories` come with one batch after another. `session_attributes` name sessions, the strongest first.

    Raises:
        sqlite3.Error: What SQLite said.
    """
    histories = Histories() if histories is None else histories
    histories.bind(connection)
    connection.execute("BEGIN IMMEDIATE")
    try:
        is_known = replay is not None and not _note_replay(connection, replay)
        if is_known or (part is not None and not note_part(connection, part)):
            connection.execute("ROLLBACK")
            return None
        now = time.time_ns() if replay is None else replay.time_unix_nano
        counts = add_batch(
            connection,
            records,
            run,
            now,
            pairing_window_ns=pairing_window_ns,
            session_attributes=session_attributes,
            has_waited=part is None,
            is_replay=replay is not None,
            histories=histories,
        )
        connection.execute("COMMIT")
    except BaseException:
        histories.clear()
        # A full disk and some I/O errors have rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return counts


def add_batch(
    connection: sqlite3.Connection,
    records: Records,
    run: Run,
    now_unix_nano: int,
    *,
    pairing_window_ns: int,
    session_attributes: Sequence[str] = DEFAULT_SESSION_ATTRIBUTES,
    is_replay: bool = False,
    has_waited: bool = True,
    histories: Histories | None = None,
) -> Counts:
    """Write a batch of `run` in the transaction that the caller has begun, and return what became of it. What is of
    old, and has not waited to be written, tells nothing of how long that takes.

    Raises:
        sqlite3.Error: What SQLite said; the caller is to roll back, and to clear `histories`.
    """
    counts = Counts(batches=1 if records else 0)
    new: dict[str, int] = {}
    if records.spans or records.logs:
        known = Histories() if histories is None else histories
        new = _write_spans_and_logs(connection, records, pairing_window_ns, session_attributes, counts, known)
    if records.quarantine:
        _QUARANTINE.run(connection, [value for row in records.quarantine for value in row])
        counts.received += len(records.quarantine)
        counts.quarantined = len(records.quarantine)
    counts.replayed = counts.received if is_replay else 0
    if not has_waited:
        counts.earliest_end = None
    write_run(connection, run, counts, now_unix_nano)
    if counts.opened:
        connection.execute(read_query("insert_open_spans"), {"run_id": run.run_id, **new})
    if new and are_due(new["first_span"] - 1, new["last_span"]):
        gather_statistics(connection)
    return counts


def rewrite_records(
    connection: sqlite3.Connection,
    spans: Sequence[EncodedSpan],
    logs: Sequence[EncodedLog],
    changes: Sequence[Change],
    *,
    pairing_window_ns: int,
    session_attributes: Sequence[str],
    histories: Histories,
) -> None:
    """Write spans that the file holds, with what is derived from them, in the place of what it holds; and log records
    that were taken out of it, whose going made `changes`. The caller holds the transaction.

    Raises:
        sqlite3.Error: What SQLite said.
    """
    records = Records(spans, logs)
    _write_spans_and_logs(
        *(connection, records, pairing_window_ns, session_attributes, Counts(), histories, changes), is_rewriting=True
    )


def _note_replay(connection: sqlite3.Connection, replay: Replay) -> bool:
    """Note that a batch was taken from its spool; False if it had been before. One batch is remembered for each spool:
    whoever takes them holds the spool's lock, and goes through it in order."""
    noted = connection.execute(
        "INSERT INTO _replays (spool, batch) VALUES (?, ?)"
        " ON CONFLICT (spool) DO UPDATE SET batch = excluded.batch WHERE batch <> excluded.batch",
        (replay.spool_id, replay.batch_id),
    )
    return noted.rowcount > 0


def _write_spans_and_logs(
    connection: sqlite3.Connection,
    records: Records,
    window_ns: int,
    session_attributes: Sequence[str],
    counts: Counts,
    histories: Histories,
    changes: Sequence[Change] = (),
    *,
    is_rewriting: bool = False,
) -> dict[str, int]:
    """Write spans and log records, add them to `counts`, and return the range of the ids of the new spans. `changes`
    were made before; where it `is_rewriting`, spans take the place of those in the file whatever these are."""
    spans, logs = records.spans, records.logs
    batch = Batch(connection, spans, logs, histories, session_attributes)
    replacing: Sequence[Repeated] = batch.repeated
    if replacing and not is_rewriting:
        replacing = find_replacing(connection, replacing)
    if batch.late_starts:
        replacing = [*replacing, *find_late(connection, batch, replacing)]
    changes = [*changes, *_replace(connection, batch, replacing)]
    lost = write_contexts(connection, batch)
    _TEXTS.run(connection, batch.texts.values)
    _SPANS.run(connection, batch.spans)
    new = {"first_span": batch.first_span, "last_span": batch.last_span}
    if batch.spans:
        connection.execute(read_query("insert_span_records"), {"first_event": batch.first_event, **new})
    _REPLACED_SPANS.run(connection, batch.replaced_spans)
    _EVENTS.run(connection, batch.events)
    _LOGS.run(connection, batch.logs)
    _LOG_EVENTS.run(connection, batch.log_events)
    _MESSAGES.run(connection, batch.messages)
    _LINKS.run(connection, batch.links)
    batch.interactions.write(connection)
    if replacing:
        run_script(connection, "update_span_records", ids=[repeated.known.id for repeated in replacing])
    if batch.has_logs and batch.naming_spans:
        shown = {part.id: batch.session_id(part.shown_before) for part in batch.moved_parts()}
        changes += follow_spans(connection, batch.naming_spans, shown, batch.recount.left)
    if batch.log_spans:
        changes += link_log_records(connection, batch.log_spans)
    batch.recount.run(connection, [part.id for part in batch.moved_parts()], lost)
    if batch.kept_starts:
        run_script(connection, "keep_starts", starts=batch.kept_starts)
    relink_records(connection, [*changes, *_find_changes(connection, batch)], window_ns)
    batch.interactions.settle(connection, has_logs=batch.has_logs)
    finished = [span for span in spans if not span.is_open]
    written = len(batch.spans) // len(_SPAN_COLUMNS) - batch.opened
    written += sum(not repeated.known.is_finished for repeated in replacing)
    counts.received += len(finished) + len(logs)
    counts.written += written + len(logs)
    counts.duplicate += len(finished) - written
    counts.opened += batch.opened
    counts.repaired += sum(span.repaired for span in finished) + sum(log.repaired for log in logs)
    ends = [span.row.end_time_unix_nano for span in finished]
    ends += [log.row.observed_time_unix_nano for log in logs]
    counts.earliest_end = min(ends, default=None)
    return new


def _replace(connection: sqlite3.Connection, batch: Batch, replacing: Sequence[Repeated]) -> list[Change]:
    """Let versions of spans take the place of those in the file, remove what hangs on the latter, and return what the
    going of their records changes."""
    if not replacing:
        return []
    ids = [repeated.known.id for repeated in replacing]
    changes = find_stems(connection, spans=ids)
    batch.interactions.forget_spans(connection, ids)
    (found,) = run_query(connection, "read_starts", ids=ids).fetchone()
    starts = {id: start for id, *start in orjson.loads(found)}
    run_script(connection, "forget_span_details", ids=ids)
    batch.replace(replacing, starts)
    return changes


def _find_changes(connection: sqlite3.Connection, batch: Batch) -> list[Change]:
    """Return which records that may pair by time came with the batch, or moved to another session by it."""
    parts = {part.id: part for part in batch.touched_parts()}
    changes = []
    for (id, stem), time_ns in batch.candidates.items():
        part = parts[id]
        if part.trace.trace_id:
            changes.append(Change(part.trace.id, None, stem, time_ns))
        else:
            changes.append(Change(None, batch.session_id(part.own), stem, time_ns))
    # Of one trace only those spans can move that name no session themselves.
    moved = {part.trace.id: part for part in batch.moved_parts() if part.candidate_time is not None}
    if moved:
        for change in find_stems(connection, trace_sessions=[part.id for part in moved.values()]):
            left = None if change.trace is None else batch.session_id(moved[change.trace].shown_before)
            changes += (change, change._replace(trace=None, session=left))
    return changes
