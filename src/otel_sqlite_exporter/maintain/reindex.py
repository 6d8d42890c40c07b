# SPDX-License-Identifier: Apache-2.0
"""`reindex`: derives sessions, pairs, interactions and counts again from the records of a file.

A record is rewritten only if the rules of this version derive other data from it than the file holds, and by the code
that writes exported records. So a file of this version stays as it is, and a second run changes nothing.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

import orjson

from otel_sqlite_exporter.encode.logs import LogEncoder
from otel_sqlite_exporter.encode.open_spans import OPEN
from otel_sqlite_exporter.encode.spans import SpanEncoder
from otel_sqlite_exporter.genai.rules import extend_rules
from otel_sqlite_exporter.maintain.saved_costs import SavedCosts
from otel_sqlite_exporter.maintain.stale_records import (
    is_log_current,
    is_naming_current,
    is_session_applied,
    is_span_current,
)
from otel_sqlite_exporter.maintain.written_rules import note_reindexed
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.state import forget_state, read_number, write_state
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.interactions.counted_calls import ChangedRecords, count_calls, find_calls
from otel_sqlite_exporter.write.row_tables.archive_notes import note_rewritten
from otel_sqlite_exporter.write.statements import read_json, read_rows, run_query, run_script
from otel_sqlite_exporter.write.stored.stored_records import StoredLog, StoredResources, decode_span, read_logs
from otel_sqlite_exporter.write.stored_spans import StoredSpan, read_spans
from otel_sqlite_exporter.write.sums import repair_sessions
from otel_sqlite_exporter.write.temporal_links import Change, find_stems
from otel_sqlite_exporter.write.tool_batch import (
    Changes,
    group_tools,
    link_logged_tools,
)
from otel_sqlite_exporter.write.writer import Writer

_BATCH = 256
_KINDS = {"spans": "find_spans_after", "logs": "find_logs_after"}


class Reindexing(NamedTuple):
    """The result of `reindex`.

    Attributes:
        spans: Spans that were read.
        logs: Log records that were read.
        changed_spans: Spans that were rewritten.
        changed_logs: Log records that were rewritten.
        unpriced_calls: Calls of rewritten records without a cost, which `reprice` can compute.
        recounted_calls: Calls that were counted before and are not now, or the other way round.
        before: Numbers of derived rows before, by name.
        after: The same after it.
        seconds: How long it took.
    """

    spans: int
    logs: int
    changed_spans: int
    changed_logs: int
    unpriced_calls: int
    recounted_calls: int
    before: dict[str, int]
    after: dict[str, int]
    seconds: float


def reindex(settings: Settings, progress: Callable[[int, int], None] = lambda done, of: None) -> Reindexing:
    """Derive the data of the file at `settings.path` again from its records. Open spans are left to their exporter.
    `progress` is called with the number of records that are done, and of all.

    Each batch is one transaction that also notes its last record. After an interruption the next run goes on there.

    Raises:
        FileRefusedError, MigrationFailedError: The file cannot be used as it is.
        sqlite3.Error: It cannot be written now.
    """
    began, began_unix_nano = time.monotonic(), time.time_ns()
    with contextlib.closing(open_file(settings, must_exist=True)) as connection:
        before = dict(next(read_rows(connection, "count_derived")))
        reindexer = _Reindexer(connection, settings)
        total = before["spans"] + before["logs"]
        for done in reindexer.run():
            progress(done, max(done, total))
        with transaction(connection):
            note_reindexed(connection, settings, began_unix_nano)
        after = dict(next(read_rows(connection, "count_derived")))
    counts = (reindexer.spans, reindexer.logs, reindexer.changed_spans, reindexer.changed_logs)
    calls = (reindexer.unpriced, reindexer.recounted)
    return Reindexing(*counts, *calls, before, after, time.monotonic() - began)


class _Reindexer:
    def __init__(self, connection: sqlite3.Connection, settings: Settings) -> None:
        self.spans = self.logs = self.changed_spans = self.changed_logs = self.recounted = self.unpriced = 0
        self._connection = connection
        self._writer = Writer(connection, settings)
        self._session_attributes = settings.session_attributes
        rules = extend_rules(settings.dialects)
        self._span_encoder = SpanEncoder(settings.session_attributes, rules)
        self._resources = StoredResources(connection)
        self._log_encoder = LogEncoder(settings.session_attributes, rules)

    def run(self) -> Iterator[int]:
        """Go through all records, and yield after each batch how many are done."""
        # Rewritten log records get new ids, which are not read again.
        last_ids = dict(zip(_KINDS, self._connection.execute(read_query("get_last_ids")).fetchone(), strict=True))
        for kind, query in _KINDS.items():
            while True:
                with transaction(self._connection):
                    after = read_number(self._connection, f"reindex {kind}") or 0
                    chosen = {"after": after, "last": last_ids[kind], "limit": _BATCH}
                    (found,) = self._connection.execute(read_query(query), chosen).fetchone()
                    ids: list[int] = orjson.loads(found)
                    if ids:
                        self._reindex(*((ids, []) if kind == "spans" else ([], ids)))
                        write_state(self._connection, f"reindex {kind}", ids[-1])
                if not ids:
                    break
                yield self.spans + self.logs
        with transaction(self._connection):
            repair_sessions(self._connection)
            forget_state(self._connection, *(f"reindex {kind}" for kind in _KINDS))

    def _reindex(self, span_ids: list[int], log_ids: list[int]) -> None:
        spans, logs = self._encode_spans(span_ids), self._encode_logs(log_ids)
        self.spans += len(spans)
        self.logs += len(logs)
        records: list[tuple[StoredSpan | StoredLog, EncodedSpan | EncodedLog]] = [*spans, *logs]
        renamed = {stored.shown.trace for stored, encoded in records if not self._is_applied(stored, encoded)}
        if renamed:
            # The session of a trace is found from all of its records at once.
            row = run_query(self._connection, "find_records_of_traces", traces=renamed).fetchone()
            whole_spans, whole_logs = map(orjson.loads, row)
            run_script(self._connection, "forget_sessions", traces=renamed)
            spans += self._encode_spans({*whole_spans} - {stored.id for stored, _ in spans})
            logs += self._encode_logs({*whole_logs} - {stored.id for stored, _ in logs})
        changed_spans = [
            (stored, encoded)
            for stored, encoded in spans
            if stored.row.end_time_source != OPEN
            and (stored.shown.trace in renamed or not is_span_current(stored, encoded))
        ]
        changed_logs = [
            (stored, encoded)
            for stored, encoded in logs
            if stored.shown.trace in renamed or not is_log_current(stored, encoded)
        ]
        self._rewrite(changed_spans, changed_logs)
        # Writing has counted the calls of those that changed.
        events = self._find_events([stored.id for stored, _ in logs])
        changed = ChangedRecords(spans=[stored.id for stored, _ in spans], events=events)
        self.recounted += self._count(changed)

    def _rewrite(self, spans: list[tuple[StoredSpan, EncodedSpan]], logs: list[tuple[StoredLog, EncodedLog]]) -> None:
        if not (spans or logs):
            return
        span_ids, log_ids = [stored.id for stored, _ in spans], [stored.id for stored, _ in logs]
        costs = SavedCosts(self._connection, span_ids, log_ids)
        self.changed_spans += len(spans)
        self.changed_logs += len(logs)
        changes: list[Change] = []
        calls: Collection[int] = ()
        partners: Collection[int] = ()
        changed_tools = Changes()
        if logs:
            (partners,) = read_json(self._connection, "find_paired_events", spans=(), logs=log_ids)
            events = [*self._find_events(log_ids), *partners]
            calls = find_calls(self._connection, ChangedRecords(events=events))
            changed_tools.note_removed(self._connection, logs=log_ids)
            parts = list({stored.trace_session for stored, _ in logs})
            changes += find_stems(self._connection, trace_sessions=parts)
            run_script(self._connection, "forget_logs", ids=log_ids)
            run_script(self._connection, "recount_replaced", trace_sessions=parts)
        _, last_log = self._connection.execute(read_query("get_last_ids")).fetchone()
        self._writer.rewrite([encoded for _, encoded in spans], [encoded for _, encoded in logs], changes)
        self.unpriced += costs.restore(span_ids, range(last_log + 1, last_log + 1 + len(logs)))
        if logs:
            span_keys = {(stored.shown.trace, encoded.span_id) for stored, encoded in logs if encoded.span_id}
            link_logged_tools(self._connection, span_keys, changed_tools)
            group_tools(self._connection, changed_tools)
            self._count(ChangedRecords(calls=calls), partners)

    def _count(self, changed: ChangedRecords, partners: Collection[int] = ()) -> int:
        """Count the calls that changed, and price these and those of `partners`, which may have lost a start."""
        recounted, merged = count_calls(self._connection, changed)
        self._writer.prices.price_written(self._connection, calls=merged, events=partners)
        note_rewritten(self._connection, calls={*recounted, *merged})
        return len(recounted)

    def _find_events(self, logs: Collection[int]) -> list[int]:
        """Return the keys of `_events` of these log records that report calls."""
        events: list[int] = []
        if logs:
            (events,) = read_json(self._connection, "find_events_of_logs", logs=logs)
        return events

    def _encode_spans(self, ids: Collection[int]) -> list[tuple[StoredSpan, EncodedSpan]]:
        spans = []
        for stored in read_spans(self._connection, ids):
            fields = decode_span(stored, self._resources)
            encoded = self._span_encoder.encode_span(fields, stored.row.start_time_unix_nano)
            # Notes of repaired, cut and estimated values stay as they were written.
            spans.append((stored, encoded._replace(row=stored.row, repaired=0)))
        return spans

    def _encode_logs(self, ids: Collection[int]) -> list[tuple[StoredLog, EncodedLog]]:
        logs = []
        for stored in read_logs(self._connection, ids, self._resources):
            encoded = self._log_encoder.encode_log(stored.fields, stored.row.observed_time_unix_nano)
            row = stored.row._replace(names_session=encoded.row.names_session)
            logs.append((stored, encoded._replace(row=row, repaired=0)))
        return logs

    def _is_applied(self, stored: StoredSpan | StoredLog, encoded: EncodedSpan | EncodedLog) -> bool:
        if not encoded.trace_id:
            return True
        return is_naming_current(stored.shown, self._session_attributes) and is_session_applied(stored, encoded)
