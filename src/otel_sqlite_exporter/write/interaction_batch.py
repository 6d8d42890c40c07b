# SPDX-License-Identifier: Apache-2.0
"""The interactions of one batch: model calls, tool executions, and the tool calls and results that messages mention.

Which calls count, and which requested tool calls have a row of their own, depends on all records of a trace, in
whatever order they arrive: both are brought up to date when the batch is written.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from zlib import crc32

from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, Interactions, LLMInteractionRow, SpanRow, make_row
from otel_sqlite_exporter.write.batch_lookup import TraceRow
from otel_sqlite_exporter.write.call_prices import NO_PRICE, CallPrices
from otel_sqlite_exporter.write.interactions.counted_calls import ChangedRecords, Stay, count_calls, find_calls
from otel_sqlite_exporter.write.interactions.kept_ids import KeptIds, find_kept_ids
from otel_sqlite_exporter.write.interactions.reporters import EVENT, LOG, SPAN, Reporter, find_reporters, make_reporter
from otel_sqlite_exporter.write.interactions.whole_traces import TracedSpan, find_repeating_agents
from otel_sqlite_exporter.write.new_tools import RecordKeys
from otel_sqlite_exporter.write.row_tables.archive_notes import note_rewritten
from otel_sqlite_exporter.write.statements import Insert, TableRows, read_json, run_script
from otel_sqlite_exporter.write.sums import AgentSums
from otel_sqlite_exporter.write.tool_batch import ToolBatch

_COST = LLMInteractionRow._fields.index("cost_usd")
_COSTS = ("cost_usd", "cost_status", "price_source", "price_date")
_BEFORE_COSTS, _AFTER_COSTS = slice(_COST), slice(_COST + 2, None)
_LLM_INTERACTIONS = Insert(
    "_llm_interactions",
    (
        *(*RecordKeys._fields, "reporter", "response_key", "is_repeat"),
        *(*LLMInteractionRow._fields[_BEFORE_COSTS], *_COSTS, *LLMInteractionRow._fields[_AFTER_COSTS]),
        "id",
    ),
)


class _Call(NamedTuple):
    record: RecordKeys
    reporter: Reporter
    llm: LLMInteractionRow
    is_priced: bool
    response_key: int | None


class _NotedTrace(NamedTuple):
    """A trace, and its spans that are written."""

    row: TraceRow
    spans: list[TracedSpan]


class InteractionBatch:
    """The rows of interactions that one batch writes, and what to bring up to date because of them. `first_call` is the
    id of the first new call; None: SQLite numbers them."""

    def __init__(self, prices: CallPrices, first_call: int | None = None) -> None:
        self._first_call = first_call
        self.agents = AgentSums()
        self._prices = prices
        self._tools = ToolBatch()
        self._calls: list[_Call] = []
        self._spans: dict[int, _NotedTrace] = {}
        # Calls of spans that report usage, by the key of the span, with the key of the response that each names.
        self._calls_with_usage: dict[int, int | None] = {}
        self._traces_with_records: set[int] = set()
        self._logs: set[tuple[int, str]] = set()
        self._replaced_calls: Collection[int] = ()
        # Keys of `_events` that were in pairs with records of spans that are replaced.
        self._left_events: Collection[int] = ()
        self._kept_ids = KeptIds()
        self._has_peers = self._has_aggregates = False
        # Traces that came whole with this batch, and whose calls are decided.
        self._settled: set[int] = set()
        # The spans that `_find_leaves` finds in each trace with calls.
        self._leaves: dict[int, set[int]] = {}

    def describe_agents(self, span: EncodedSpan) -> None:
        """Note what the calls of a span, and of its events, say of their agents."""
        row, describe = span.row, self.agents.describe
        start, end, attributes = row.start_time_unix_nano, row.end_time_unix_nano, row.attributes
        if span.interactions.llm is not None:
            describe(span.interactions.llm, span.resource, start, end, attributes)
        for index, one in span.record_interactions:
            if one.llm is not None:
                time = span.events[index].time_unix_nano
                describe(one.llm, span.resource, time, time, attributes)

    def note_span(self, span: int, trace: TraceRow, row: SpanRow) -> None:
        """Note a span that is written. One without interactions may stand between calls, too."""
        noted = self._spans.get(trace.id)
        if noted is None:
            noted = self._spans[trace.id] = _NotedTrace(trace, [])
        noted.spans.append(make_row(TracedSpan, (span, row.span_id, row.parent_span_id)))

    def note_log(self, trace: int, span_id: str, interactions: Interactions) -> None:
        """Note a log record with interactions, recorded in a span that need not be in the file yet."""
        if interactions.llm is not None or interactions.tool is not None:
            self._logs.add((trace, span_id))
        else:
            self._tools.note_log(trace, span_id)

    def note_replaced_spans(self, connection: sqlite3.Connection, spans: Collection[int]) -> None:
        """Note what else the interactions of these rows of `_spans` affect, before they are removed."""
        (self._left_events,) = read_json(connection, "find_paired_events", spans=spans, logs=())
        self._replaced_calls = find_calls(connection, ChangedRecords(spans=spans, events=self._left_events))
        self._kept_ids, kept_tools = find_kept_ids(connection, spans)
        self._tools.note_replaced_spans(connection, spans, kept_tools)

    def add(
        self, interactions: Interactions, record: RecordKeys, encoded: EncodedSpan | EncodedLog, trace_row: TraceRow
    ) -> None:
        """Add the interactions of a span, an event or a log record, that is `encoded`, in a trace."""
        resource, scope = encoded.resource, encoded.scope
        llm, tool, tool_calls, tool_results = interactions
        trace, span, end = record.trace, record.span, record.end_time_unix_nano
        reported = llm or tool
        if record.event is not None and reported is not None and reported.duration_ms is not None:
            record = record._replace(start_time_unix_nano=max(0, end - int(reported.duration_ms * 1e6)))
        if llm is not None:
            source = SPAN if record.event is None else EVENT if span is not None else LOG
            scope_name = "" if scope is None else scope.name
            is_aggregate = llm.is_aggregate
            reporter = make_reporter(resource.service_name, source, scope_name, llm.dialect or "", is_aggregate)
            # What an event or log record lacks may come with its start; a span that runs has no usage yet.
            is_priced = source == SPAN and not (isinstance(encoded, EncodedSpan) and encoded.is_open)
            key = None if is_aggregate else _make_response_key(llm.response_id, end)
            self._calls.append(make_row(_Call, (record, reporter, llm, is_priced, key)))
            if span is not None and not is_aggregate and _has_usage(llm):
                self._calls_with_usage[span] = key
        if tool is not None:
            self._tools.add_execution(tool, record, encoded, is_alone=trace_row.is_new)
        if record.event is not None and reported is not None:
            self._traces_with_records.add(trace)
            return
        if tool_calls or tool_results:
            self._tools.add_mentions(interactions, record, encoded, is_alone=trace_row.is_new)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows. Their spans and events are in the file."""
        if self._calls:
            self._write_calls(connection)
        else:
            self.agents.write(connection)
        self._tools.write(connection)

    def _write_calls(self, connection: sqlite3.Connection) -> None:
        reporters = find_reporters(connection, {call.reporter for call in self._calls})
        self._has_peers, self._has_aggregates = reporters.has_peers, reporters.has_aggregates
        repeating = self._settle()
        rows, prices, kept, first_call = TableRows(_LLM_INTERACTIONS), self._prices, self._kept_ids, self._first_call
        if kept.by_span:  # those that SQLite numbers come after the ids that are given
            self._calls.sort(key=lambda call: kept.find(call.record) is None)
        for record, reporter, llm, is_priced, key in self._calls:
            costs: Sequence[Any] = (*llm[_COST : _COST + 2], *NO_PRICE)
            if is_priced:
                costs = prices.price_new(llm, record.start_time_unix_nano)
            is_repeat = record.event is None and record.span in repeating
            has_failed = record.status_code == 2 or llm.error_type is not None
            self.agents.add_call(
                llm, reporter.service_name, record.trace_session, has_failed=has_failed, is_repeat=is_repeat
            )
            keys = (*record, reporters.ids[reporter], key, is_repeat)
            values: tuple[Any, ...] = llm
            id = kept.find(record)
            if id is None:
                id, first_call = first_call, None
            rows.add((*keys, *values[_BEFORE_COSTS], *costs, *values[_AFTER_COSTS], id))
        self.agents.write(connection)
        rows.write(connection)
        events = [call.record.event for call in self._calls if call.record.event is not None]
        if events:
            run_script(connection, "pair_new_calls", events=events)

    def finish(
        self,
        connection: sqlite3.Connection,
        *,
        has_logs: bool,
        relinked: Collection[int],
        moved_trace_sessions: Collection[int],
        stays: Collection[Stay],
    ) -> None:
        """Bring up to date what depends on other records, when all of the batch is written and linked. `has_logs`: the
        file has log records. `relinked` are keys of `_events` that pair with others than before,
        `moved_trace_sessions` rows that show another session, `stays` are of records that left a session or came to
        one."""
        older: list[tuple[int, str]] = []
        between: list[int] = []
        spans: list[int] = []
        leaves: list[tuple[int, int]] = []
        for id, (trace, noted) in self._spans.items():
            if not trace.is_new:  # those of a new trace came with this batch
                older += ((id, span.span_id) for span in noted if has_logs)
                between += (span.id for span in noted if trace.has_interactions)
            own = self._leaves.get(id, set())
            leaves += ((span, key) for span in own if (key := self._calls_with_usage[span]) is not None)
            if trace.has_interactions and id not in self._settled:
                spans += (span.id for span in noted if span.id not in own)
        self._tools.finish(connection, older, between, moved_trace_sessions, has_relinked=bool(relinked))
        trace_sessions: tuple[set[int], set[int]] = (set(), set())
        if self._has_aggregates:
            for record, *_ in self._calls:
                trace_sessions[record.trace in self._settled].add(record.trace_session)
        events = {call.record.event for call in self._calls if call.record.event is not None}
        changed = ChangedRecords(
            spans=spans,
            leaves=leaves,
            logs=self._logs,
            events=events.union(relinked),
            calls=self._replaced_calls,
            trace_sessions=trace_sessions[False].union(moved_trace_sessions),
            settled=trace_sessions[True],
            stays=stays,
        )
        recounted, merged = count_calls(connection, changed)
        if stays:  # of a session that its records have left, no record need tell `archive`
            note_rewritten(connection, calls=recounted, events=relinked)
        self._prices.price_written(connection, calls=merged, events={*changed.events, *self._left_events})

    def _settle(self) -> Collection[int]:
        """Decide the calls of the traces that came whole with this batch, where nothing else can be one of these calls,
        and return the spans whose calls repeat others."""
        calls: defaultdict[int, list[_Call]] = defaultdict(list)
        for call in self._calls:
            calls[call.record.trace].append(call)
        repeating: set[int] = set()
        for id, own_calls in calls.items():
            if (noted := self._spans.get(id)) is None or not (own := self._find_leaves(*noted)):
                continue
            self._leaves[id] = own
            others = [call for call in own_calls if call.record.span not in own]
            aggregates = {call.record.span for call in others if call.record.span is not None and call.llm.is_aggregate}
            found = find_repeating_agents(noted.spans, aggregates, own) if len(aggregates) == len(others) else None
            if found is not None:
                self._settled.add(id)
                repeating.update(found)
        return repeating

    def _find_leaves(self, trace: TraceRow, spans: Collection[TracedSpan]) -> set[int]:
        """Return the spans of a trace that are calls which count as they were written, unless another names their
        response: they report usage, nothing is below them, their whole trace came with this batch, and nothing else
        reports calls of its service. Most calls are such, and asking the file about each costs 11 us."""
        if self._has_peers or not trace.is_new or trace.id in self._traces_with_records:
            return set()
        parents, calls = {parent for _, _, parent in spans}, self._calls_with_usage
        return {id for id, span_id, _ in spans if id in calls and span_id not in parents}


def _has_usage(llm: LLMInteractionRow) -> bool:
    return llm.input_tokens is not None or llm.output_tokens is not None or llm.total_tokens is not None


def _make_response_key(response_id: str | None, end_time_unix_nano: int) -> int | None:
    """Return the key by which other calls of a response are found. It begins with the time (2^36 ns, 69 seconds): those
    of one time are side by side in the index, which then grows at its end only."""
    return None if response_id is None else (end_time_unix_nano >> 36 << 32) + crc32(response_id.encode())
