# SPDX-License-Identifier: Apache-2.0
"""The rows of one batch: encoded spans and log records get keys, from what the file holds of their traces."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence

from otel_sqlite_exporter.encode.open_spans import OPEN, merge_start
from otel_sqlite_exporter.model.event_names import SCORE_EVENT
from otel_sqlite_exporter.model.rows import (
    NO_INTERACTIONS,
    EncodedLog,
    EncodedSpan,
    Interactions,
    make_row,
)
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.batch_lookup import (
    RepeatedSpan,
    SpanKey,
    TraceSessionRow,
    WrittenSpan,
    find_key,
    look_up_batch,
)
from otel_sqlite_exporter.write.call_prices import CallPrices
from otel_sqlite_exporter.write.context_rows import ContextRows
from otel_sqlite_exporter.write.interaction_batch import InteractionBatch
from otel_sqlite_exporter.write.new_tools import RecordKeys
from otel_sqlite_exporter.write.row_tables.record_tables import (
    LINKS,
    LOG_EVENTS,
    LOGS,
    MESSAGES,
    REPLACED_SPANS,
    SPAN_EVENTS,
    SPANS,
)
from otel_sqlite_exporter.write.shared_texts import SHORTEST, SharedTexts, TextRows
from otel_sqlite_exporter.write.span_versions import choose_version
from otel_sqlite_exporter.write.statements import TableRows, run_script
from otel_sqlite_exporter.write.sums import OutdatedSums

_SPAN_SOURCE, _LOG_SOURCE = 1, 2


class Batch:
    """The rows that one batch writes. Reads the file: make it in the transaction that writes.

    `repeated` and `late_starts` are spans that the file holds already: finished ones, and open ones. `naming_spans` are
    keys of spans that may show another session than before; `losing` are rows of `_trace_sessions` that lose a version
    of a span; `log_spans` are spans (trace, span id) with new records that pair, if the file has log records;
    `candidates` is the earliest new record that may pair by time, by row of `_trace_sessions` and stem. `new_spans` are
    the keys of spans that the file did not hold, `opened` is how many of these have not ended. `last_record_before` and
    `last_record` are the last ids of records in the view `events`.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        spans: Sequence[EncodedSpan],
        logs: Sequence[EncodedLog],
        shared_texts: SharedTexts,
        session_attributes: Sequence[str],
        prices: CallPrices,
    ) -> None:
        self._connection, self._session_attributes, self._has_lost_last = connection, session_attributes, False
        self.repeated, self.late_starts = list[RepeatedSpan](), list[RepeatedSpan]()
        self.naming_spans: list[int] = []
        self.losing: set[int] = set()
        self.log_spans: set[tuple[int, str]] = set()
        self.candidates: dict[tuple[int, str], int] = {}
        self.kept_starts: list[tuple[int, str, str | None]] = []
        self.outdated_sums = OutdatedSums()
        lookup = look_up_batch(connection, spans, logs)
        self.interactions = InteractionBatch(prices, lookup.first_call)
        last_ids, self._written, self.contexts = lookup.last_ids, lookup.spans, ContextRows(lookup)
        self.has_logs = bool(logs) or last_ids["_logs"] > 0
        shared_texts.forget_removed(lookup.last_removed_text)
        self._texts = TextRows(shared_texts, last_ids["_texts"])
        self._spans, self._replaced_spans = TableRows(SPANS), TableRows(REPLACED_SPANS)
        self._span_events, self._links = TableRows(SPAN_EVENTS), TableRows(LINKS)
        self._logs, self._log_events = TableRows(LOGS), TableRows(LOG_EVENTS)
        self._messages = TableRows(MESSAGES)
        self._scores: list[int] = []
        new = self._separate(spans)
        # The next id is that of the finish record.
        self.last_record_before = last_ids["records"]
        self.new_spans = range(self.last_record_before + 1, self.last_record_before + 1 + 2 * len(new), 2)
        self.last_record = self.last_record_before + 2 * len(new)
        if self._starts:
            merged = self._merge_starts(zip(self.new_spans, (span for _, span in new), strict=True), {})
            new = [(self.contexts.find_trace_session(span), span) for span in merged]
        for id, (trace_session, span) in zip(self.new_spans, new, strict=True):
            trace_session.add_span(span)
            if trace_session.own is not None or (self._sharing and find_key(span) in self._sharing):
                self.naming_spans.append(id)
            self._add_span(self._spans, id, None if span.is_open else id + 1, trace_session, span)
        self.opened = sum(span.is_open for _, span in new)
        for id, log in enumerate(logs, last_ids["_logs"] + 1):
            self._add_log(id, log)

    def replace(self, replacing: Sequence[RepeatedSpan], starts: Mapping[int, tuple[str, str | None]]) -> None:
        """Add versions of spans that replace those in the file. `starts` are attributes, and notes of their types, of
        the start records of those that were written open, by the key of the span."""
        merged = self._merge_starts(((one.written.id, one.span) for one in replacing), starts)
        # `tail` asks for the records after the last: the id of an event that went with its version must not come again.
        if self.last_record == self.last_record_before and not any(span.events for span in merged):
            (last,) = self._connection.execute(read_query("get_last_record")).fetchone()
            self._has_lost_last = last < self.last_record
        for (_, written), span in zip(replacing, merged, strict=True):
            self._replace(written, span)

    def write(self) -> list[int]:
        """Write the rows, and return the keys of the sessions that some records no longer show."""
        connection = self._connection
        lost = self.contexts.write(connection)
        self._texts.write(connection)
        self._spans.write(connection)
        events = (self._span_events, self._logs, self._log_events, self._messages)
        for rows in (self._replaced_spans, *events, self._links):
            rows.write(connection)
        if self._scores:
            run_script(connection, "add_scores", events=self._scores)
        self.interactions.write(connection)
        return lost

    def _separate(self, spans: Sequence[EncodedSpan]) -> Collection[tuple[TraceSessionRow, EncodedSpan]]:
        """Offer what every span names to its trace, and return those that the file lacks, each once; note those that
        came again, and the starts of those that came open and finished together."""
        self._starts: dict[SpanKey, EncodedSpan] = {}
        # New spans that take log records from a span of the file with the same ids.
        self._sharing: set[SpanKey] = set()
        new: dict[SpanKey, tuple[TraceSessionRow, EncodedSpan]] = {}
        stored, find_trace_session = self._written, self.contexts.find_trace_session
        for span in spans:
            trace_session = find_trace_session(span)
            trace_session.trace.offer_span(span)
            trace_session.offer_source(span)
            if span.interactions is not NO_INTERACTIONS or span.record_interactions:
                self.interactions.describe_agents(span)
            key = find_key(span)
            if span.is_open:
                self._starts[key] = span
            if stored and (written := stored.get(key)) is not None:
                (self.late_starts if span.is_open else self.repeated).append(RepeatedSpan(span, written))
            elif key not in new or choose_version(new[key][1], span) is span:
                new[key] = trace_session, span
                if stored and SpanKey(*key[:2], not key.is_receiver) in stored:
                    self._sharing.add(key)
        return new.values()

    def _replace(self, written: WrittenSpan, span: EncodedSpan) -> None:
        trace_session = self.contexts.find_trace_session(span)
        before = self.contexts.stored_trace_session(written.trace_session)
        # While it was open, its times were this start. A span whose clock was set back ends before it starts.
        covers_start = written.start_time_unix_nano == span.row.start_time_unix_nano <= span.row.end_time_unix_nano
        if written.end_time_source == OPEN and covers_start:
            trace_session.finish_span(span, written, before)
        else:
            self.outdated_sums.replaced |= {trace_session.id, before.id}
        if not covers_start:
            self.outdated_sums.restarted.add(trace_session.id)
        if before.shown != trace_session.shown:
            self.outdated_sums.left.add(before.id)
        self.naming_spans.append(written.id)
        self.losing.add(before.id)
        if self.has_logs:
            self.log_spans.add((trace_session.trace.id, span.row.span_id))
        finish = written.finish_record
        if finish is None or self._has_lost_last:
            self._has_lost_last = False
            finish = self.last_record = self.last_record + 1
        self._add_span(self._replaced_spans, written.id, finish, trace_session, span)

    def _merge_starts(
        self, spans: Iterable[tuple[int, EncodedSpan]], stored: Mapping[int, tuple[str, str | None]]
    ) -> list[EncodedSpan]:
        """Return spans, which come with their keys, with the attributes that only their starts have: those of this
        batch, else those that the file has `stored`. Both together may name a session that neither names alone."""
        merged = [self._merge_start(id, span, stored.get(id)) for id, span in spans]
        named = [(span, own) for span in merged if (own := span.own_session) is not None]
        has_session = self.contexts.has_trace_session
        missing = [span._replace(session=own) for span, own in named if not has_session(span.trace_id, own.name)]
        if missing:
            self.contexts.add_stored_sessions(look_up_batch(self._connection, missing, ()))
        for span, _ in named:
            self.contexts.find_trace_session(span).offer_source(span)
        return merged

    def _merge_start(self, id: int, span: EncodedSpan, stored: tuple[str, str | None] | None) -> EncodedSpan:
        new = self._starts.get(find_key(span))
        start = stored if new is None else (new.row.attributes, new.row.attribute_types)
        merged = None if span.is_open or start is None else merge_start(span, *start, self._session_attributes)
        if merged is None or start is None:
            return span
        self.kept_starts.append((id, *start))
        self.interactions.describe_agents(merged)
        return merged

    def _add_span(
        self, rows: TableRows, id: int, finish_record: int | None, trace_session: TraceSessionRow, span: EncodedSpan
    ) -> None:
        row, trace = span.row, trace_session.trace
        resource, scope = self.contexts.find_keys(span)
        keys = (id, finish_record, trace.id, trace_session.id, resource, scope)
        if len(row.attributes) > SHORTEST:
            session = self.contexts.session_id(trace_session.own)
            rows.add((*keys, *row[:-1], *self._texts.share(span, -trace.id if session is None else session)))
        else:
            rows.add((*keys, *row, None))
        if span.events:
            self._add_events(id, trace_session, span)
        for ordinal, link in enumerate(span.links):
            self._links.add((id, ordinal, *link))
        self.interactions.note_span(id, trace, row)
        if span.interactions is not NO_INTERACTIONS:
            start, end = row.start_time_unix_nano, row.end_time_unix_nano
            self._add_interactions(trace_session, span, span.interactions, id, None, start, end, row.status_code)

    def _add_events(self, span: int, trace_session: TraceSessionRow, encoded: EncodedSpan) -> None:
        add, first, trace_session_id = self._span_events.add, self.last_record + 1, trace_session.id
        for ordinal, event in enumerate(encoded.events):
            phase, name, time, source, mate, stem, recorded_name, dropped, types, attributes = event
            related, method = (None, None) if mate is None else (first + mate, "span")
            keys = (first + ordinal, trace_session_id, span, _SPAN_SOURCE, ordinal, phase, name, time, source)
            add((*keys, related, method, stem, recorded_name, dropped, types, attributes))
            if stem is not None:
                self._add_candidate(trace_session, stem, time)
            if name == SCORE_EVENT:
                self._scores.append(first + ordinal)
            if phase is not None and self.has_logs:
                self.log_spans.add((trace_session.trace.id, encoded.row.span_id))
        for index, interactions in encoded.record_interactions:
            time = encoded.events[index].time_unix_nano
            self._add_interactions(trace_session, encoded, interactions, span, first + index, time, time)
        for index, messages in encoded.record_messages:
            self._messages.add((first + index, *self._texts.keep(messages)))
        self.last_record += len(encoded.events)

    def _add_log(self, id: int, log: EncodedLog) -> None:
        contexts = self.contexts
        written = self._find_written(log) if log.own_session is None else None
        if written is None:
            trace_session = contexts.find_trace_session(log)
        else:
            trace_session = contexts.stored_trace_session(written.trace_session)
        trace, row, stem, time = trace_session.trace, log.row, log.stem, log.row.time_unix_nano
        if log.trace_id:
            trace.offer_session(log.session, log.user)
        elif trace_session.own is None:  # paired with nothing: neither in a trace nor in a session
            stem = None
        trace.is_touched = True
        trace_session.offer_source(log)
        if row.event_name == SCORE_EVENT:
            trace_session.add_score(time)
        else:
            trace_session.add_log(time)
        keys = (id, trace_session.id, trace.id, log.span_id, contexts.resource_id(log), contexts.scope_id(log))
        self._logs.add((*keys, *row))
        if row.event_name is None:
            return
        event = self.last_record = self.last_record + 1
        named = (_LOG_SOURCE, log.phase, row.event_name, time, row.time_source, stem, id)
        self._log_events.add((event, trace_session.id, *named))
        if row.event_name == SCORE_EVENT:
            self._scores.append(event)
        if log.messages is not None:
            self._messages.add((event, *self._texts.keep(log.messages)))
        if log.interactions is not NO_INTERACTIONS:
            if log.interactions.llm is not None:
                self.interactions.agents.describe(log.interactions.llm, log.resource, time, time, row.attributes)
            self._add_interactions(trace_session, log, log.interactions, None, event, time, time)
            if log.trace_id and log.span_id is not None:
                self.interactions.note_log(trace.id, log.span_id, log.interactions)
        if stem is not None:
            self._add_candidate(trace_session, stem, time)
            if log.trace_id and log.span_id is not None:
                self.log_spans.add((trace.id, log.span_id))

    def _find_written(self, log: EncodedLog) -> WrittenSpan | None:
        """Return the span of a log record, if the file has it. Which one of two that share an id is found later."""
        keys = (SpanKey(log.trace_id, log.span_id or "", side) for side in (0, 1))
        found = [written for key in keys if (written := self._written.get(key)) is not None]
        if len(found) > 1:
            self.naming_spans += [written.id for written in found]
        return found[0] if found else None

    def _add_candidate(self, trace_session: TraceSessionRow, stem: str, time: int) -> None:
        key = (trace_session.id, stem)
        self.candidates[key] = min(time, self.candidates.get(key, time))
        trace_session.candidate_time = max(time, trace_session.candidate_time or 0)

    def _add_interactions(
        self,
        trace_session: TraceSessionRow,
        record: EncodedSpan | EncodedLog,
        interactions: Interactions,
        span: int | None,
        event: int | None,
        start: int,
        end: int,
        status_code: int = 0,
    ) -> None:
        trace, resource = trace_session.trace, self.contexts.resource_id(record)
        if interactions.llm is not None or interactions.tool is not None:
            trace.has_interactions = True
        keys = (trace_session.id, trace.id, span, event, resource, start, end, status_code)
        self.interactions.add(interactions, make_row(RecordKeys, keys), record, trace)
