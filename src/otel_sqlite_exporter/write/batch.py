# SPDX-License-Identifier: Apache-2.0
"""Gives a batch its keys: encoded spans, and what the file knows of their traces, become the values to write.

Everything a trace or session shows is the smallest, largest or sum of what its spans say, each span counted once. So
the same spans give the same rows in any order, split or repetition.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.encode.open_spans import OPEN, merge_start
from otel_sqlite_exporter.model.rows import NO_INTERACTIONS, EncodedLog, EncodedSpan, Interactions, SpanRow
from otel_sqlite_exporter.write.batch_lookup import look_up_batch
from otel_sqlite_exporter.write.interaction_batch import InteractionBatch, Place
from otel_sqlite_exporter.write.resource_keys import Origins
from otel_sqlite_exporter.write.session_sums import Recount
from otel_sqlite_exporter.write.shared_texts import SHORTEST, Histories, Texts
from otel_sqlite_exporter.write.span_versions import Known, Repeated, choose_version
from otel_sqlite_exporter.write.trace_rows import LOCAL_PARENT, NO_SPAN, NO_TIMES, Trace, TraceSession


class Batch:
    """The values that one batch writes, ready for `statements.Insert`. Reads the file, so make it in the transaction
    that writes."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        spans: Sequence[EncodedSpan],
        logs: Sequence[EncodedLog],
        histories: Histories,
        session_attributes: Sequence[str],
    ) -> None:
        self._connection, self._session_attributes = connection, session_attributes
        self.spans: list[Any] = []
        self.replaced_spans: list[Any] = []
        self.events: list[Any] = []
        self.links: list[Any] = []
        self.messages: list[Any] = []
        self.logs: list[Any] = []
        self.log_events: list[Any] = []
        self.log_spans: set[tuple[int, str]] = set()
        self.naming_spans: list[int] = []
        self.interactions = InteractionBatch()
        self.repeated: list[Repeated] = []
        self.late_starts: list[Repeated] = []
        self.kept_starts: list[tuple[int, str, str | None]] = []
        self.recount = Recount()
        self.candidates: dict[tuple[int, str], int] = {}
        known = look_up_batch(connection, spans, logs)
        self._last_ids = known.last_ids
        self.origins = Origins(known.resource_ids, known.scope_ids, self._next_id)
        self.session_ids, self._traces, self._parts = known.session_ids, known.traces, known.parts
        self._known_parts = {part.id: part for part in known.parts.values()}
        self._known_spans = known.spans
        self.first_span = self._last_ids["_spans"] + 1
        self.first_event = self._last_ids["_events"] + 1
        self.texts = Texts(histories, self._last_ids["_texts"])
        new = self._separate(spans)
        self.last_span = self._last_ids["_spans"] + len(new)
        self._next_event = self.first_event + 2 * len(new)
        if self._starts:
            merged = self._merge_starts(enumerate((span for _, span in new), self.first_span), {})
            new = [(self._find_part(span), span) for span in merged]
        for id, (part, span) in enumerate(new, self.first_span):
            part.count(span)
            if part.own is not None:
                self.naming_spans.append(id)
            self._add_span(self.spans, id, part, span)
        self.opened = sum(span.is_open for _, span in new)
        self.has_logs = bool(logs) or self._last_ids["_logs"] > 0
        for id, log in enumerate(logs, self._last_ids["_logs"] + 1):
            self._add_log(id, log)

    def replace(self, replacing: Sequence[Repeated], starts: Mapping[int, tuple[str, str | None]]) -> None:
        """Let later versions of spans take the place of those in the file. `starts` are what the start records of those
        that were written open know, by the key of the span: attributes and notes of their types."""
        merged = self._merge_starts(((one.known.id, one.span) for one in replacing), starts)
        for (_, known), span in zip(replacing, merged, strict=True):
            self._replace(known, span)

    def _replace(self, known: Known, span: EncodedSpan) -> None:
        part = self._find_part(span)
        before = self._known_parts[known.trace_session]
        is_same_start = known.start_time_unix_nano == span.row.start_time_unix_nano
        if known.end_time_source == OPEN and is_same_start:
            part.complete(span, known, before)
        else:
            self.recount.replaced |= {part.id, before.id}
        if not is_same_start:
            self.recount.restarted.add(part.id)
        if before.shown != part.shown:
            self.recount.left.add(before.id)
        self.naming_spans.append(known.id)
        self._add_span(self.replaced_spans, known.id, part, span)

    def touched_traces(self) -> list[Trace]:
        """Return the traces whose row is to be written."""
        return [trace for trace in self._traces.values() if trace.is_touched]

    def touched_parts(self) -> list[TraceSession]:
        """Return the rows of `_trace_sessions` to write: with new spans, or showing another session than before."""
        return [part for part in self._parts.values() if part.is_touched or part.has_moved]

    def moved_parts(self) -> list[TraceSession]:
        """Return the rows of `_trace_sessions` in the file that now show another session than before."""
        return [part for part in self._parts.values() if part.has_moved]

    def session_id(self, name: str | None) -> int | None:
        """Return the key of the session of this name; a new one is given a key."""
        if name is None:
            return None
        if name not in self.session_ids:
            self.session_ids[name] = self._next_id("_sessions")
        return self.session_ids[name]

    def _separate(self, spans: Sequence[EncodedSpan]) -> Collection[tuple[TraceSession, EncodedSpan]]:
        """Let every span bid, and return those that the file lacks, each once; note those that came again, and the
        starts of those that came open and finished together."""
        self._starts: dict[tuple[str, str], EncodedSpan] = {}
        new: dict[tuple[str, str], tuple[TraceSession, EncodedSpan]] = {}
        for span in spans:
            part = self._find_part(span)
            part.trace.see(span)
            part.see(span)
            if span.interactions is not NO_INTERACTIONS or span.record_interactions:
                self._see_agents(span)
            key = (span.trace_id, span.row.span_id)
            if span.is_open:
                self._starts[key] = span
            known = self._known_spans.get(key)
            if known is not None:
                again = self.late_starts if span.is_open else self.repeated
                again.append(Repeated(span, known))
            elif key in new:
                if choose_version(new[key][1], span) is span:
                    new[key] = part, span
            else:
                new[key] = part, span
        return new.values()

    def _see_agents(self, span: EncodedSpan) -> None:
        row, agents = span.row, self.interactions.agents
        times = row.start_time_unix_nano, row.end_time_unix_nano
        for interactions in (span.interactions, *(records for _, records in span.record_interactions)):
            if interactions.llm is not None:
                agents.see(interactions.llm, span.resource, *times, row.attributes)

    def _merge_starts(
        self, spans: Iterable[tuple[int, EncodedSpan]], held: Mapping[int, tuple[str, str | None]]
    ) -> list[EncodedSpan]:
        """Return spans, which come with their keys, with what only their starts know: those that came with them, else
        those that the file has `held`. Together, both may name a session that neither of them names alone."""
        merged = [self._merge_start(id, span, held.get(id)) for id, span in spans]
        named = [(span, own) for span in merged if (own := span.own_session) is not None]
        missing = [span._replace(session=own) for span, own in named if (span.trace_id, own.name) not in self._parts]
        if missing:
            known = look_up_batch(self._connection, missing, ())
            self.session_ids.update(known.session_ids)
            for key in known.parts.keys() - self._parts.keys():
                part = self._parts[key] = known.parts[key]
                part.trace, self._known_parts[part.id] = self._traces[key[0]], part
        for span, _ in named:
            self._find_part(span).see(span)
        return merged

    def _merge_start(self, id: int, span: EncodedSpan, held: tuple[str, str | None] | None) -> EncodedSpan:
        came = self._starts.get((span.trace_id, span.row.span_id))
        start = held if came is None else (came.row.attributes, came.row.attribute_types)
        merged = None if span.is_open or start is None else merge_start(span, *start, self._session_attributes)
        if merged is None or start is None:
            return span
        self.kept_starts.append((id, *start))
        self._see_agents(merged)
        return merged

    def _find_trace(self, span: EncodedSpan | EncodedLog) -> Trace:
        trace = self._traces.get(span.trace_id)
        if trace is None:
            root = (NO_SPAN, 0, "")
            if isinstance(span, EncodedSpan):
                root = (LOCAL_PARENT, span.row.start_time_unix_nano, span.row.span_id)
            # This may be a version that is not kept, so it gives no times.
            trace = self._traces[span.trace_id] = Trace(
                self._next_id("_traces"), span.trace_id, None, None, root, *NO_TIMES, is_new=True
            )
        return trace

    def _find_part(self, span: EncodedSpan | EncodedLog) -> TraceSession:
        own = span.own_session
        key = (span.trace_id, own.name if own is not None else None)
        part = self._parts.get(key)
        if part is None:
            times = _find_times(span)
            trace, id = self._find_trace(span), self._next_id("_trace_sessions")
            part = self._parts[key] = TraceSession(id, trace, key[1], False, None, None, None, 0, 0, *times, None)
        return part

    def _add_log(self, id: int, log: EncodedLog) -> None:
        known = self._known_spans.get((log.trace_id, log.span_id or "")) if log.own_session is None else None
        part = self._find_part(log) if known is None else self._known_parts[known.trace_session]
        trace, row, stem = part.trace, log.row, log.stem
        if log.trace_id:
            trace.bid(log.session, log.user)
        elif part.own is None:  # paired with nothing: neither in a trace nor in a session
            stem = None
        trace.is_touched = True
        part.see(log)
        part.count_log(row.time_unix_nano)
        self.logs += (id, part.id, trace.id, log.span_id, self.origins.resource_id(log), self.origins.scope_id(log))
        self.logs += row
        if row.event_name is None:
            return
        self.log_events += (self._next_event, part.id, 2, log.phase, row.event_name, row.time_unix_nano)
        self.log_events += (row.time_source, stem, id)
        if log.messages is not None:
            self.messages += (self._next_event, *self.texts.keep(log.messages))
        if log.interactions is not NO_INTERACTIONS:
            if log.interactions.llm is not None:
                time = row.time_unix_nano
                self.interactions.agents.see(log.interactions.llm, log.resource, time, time, row.attributes)
            self._add_interactions(part, log, log.interactions, None, self._next_event, row.time_unix_nano)
            if log.trace_id and log.span_id is not None:
                self.interactions.see_log(trace.id, log.span_id, log.interactions)
        self._next_event += 1
        if stem is not None:
            self._add_candidate(part, stem, row.time_unix_nano)
            if log.trace_id and log.span_id is not None:
                self.log_spans.add((trace.id, log.span_id))

    def _add_candidate(self, part: TraceSession, stem: str, time: int) -> None:
        key = (part.id, stem)
        self.candidates[key] = min(time, self.candidates.get(key, time))
        part.candidate_time = max(time, part.candidate_time or 0)

    def _add_span(self, values: list[Any], id: int, part: TraceSession, span: EncodedSpan) -> None:
        values += (id, part.trace.id, part.id, self.origins.resource_id(span), self.origins.scope_id(span))
        values += span.row
        values.append(None)
        if len(span.row.attributes) > SHORTEST:
            values[-2:] = self.texts.share(span)
        if span.events:
            self._add_events(id, part, span)
        for ordinal, link in enumerate(span.links):
            self.links += (id, ordinal)
            self.links += link
        self.interactions.see_span(id, part.trace, span.row)
        if span.interactions is not NO_INTERACTIONS:
            self._add_interactions(part, span, span.interactions, id)

    def _add_events(self, span: int, part: TraceSession, encoded: EncodedSpan) -> None:
        values, first, part_id = self.events, self._next_event, part.id
        for ordinal, (phase, name, time, source, mate, stem, dropped, types, text) in enumerate(encoded.events):
            related, method = (None, None) if mate is None else (first + mate, "span")
            values += (first + ordinal, part_id, span, 1, ordinal, phase, name, time, source, related, method)
            values += (stem, dropped, types, text)
            if stem is not None:
                self._add_candidate(part, stem, time)
        for place, interactions in encoded.record_interactions:
            self._add_interactions(part, encoded, interactions, span, first + place, encoded.events[place][2])
        for place, messages in encoded.record_messages:
            self.messages += (first + place, *self.texts.keep(messages))
        self._next_event = first + len(encoded.events)

    def _add_interactions(
        self,
        part: TraceSession,
        record: EncodedSpan | EncodedLog,
        interactions: Interactions,
        span: int | None,
        event: int | None = None,
        time: int = 0,
    ) -> None:
        """Add the interactions of a span, or of an event or log record at that time."""
        part.trace.has_interactions |= interactions.llm is not None or interactions.tool is not None
        times = (time, time, 0)
        if event is None and isinstance(record, EncodedSpan):
            row = record.row
            times = (row.start_time_unix_nano, row.end_time_unix_nano, row.status_code)
        place = Place(part.id, part.trace.id, span, event, self.origins.resource_id(record), *times)
        self.interactions.add(interactions, place, record.resource)

    def _next_id(self, table: str) -> int:
        self._last_ids[table] += 1
        return self._last_ids[table]


def _find_times(record: EncodedSpan | EncodedLog) -> tuple[int, int]:
    row = record.row
    if isinstance(row, SpanRow):
        return row.start_time_unix_nano, row.end_time_unix_nano
    return row.time_unix_nano, row.time_unix_nano
