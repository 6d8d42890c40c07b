# SPDX-License-Identifier: Apache-2.0
"""The interactions of one batch: model calls, tool executions, and the tool calls and results that messages mention.

Which calls count, and which requested tool calls have a row of their own, depends on all records of a trace, in
whatever order they arrive: both are brought up to date when the batch is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from otel_sqlite_exporter.model.rows import (
    Interactions,
    LLMInteractionRow,
    ResourceRow,
    SpanRow,
)
from otel_sqlite_exporter.write.batch_lookup import TraceRow
from otel_sqlite_exporter.write.counted_calls import count_calls, find_enclosing_calls
from otel_sqlite_exporter.write.statements import Insert, TableRows, read_json
from otel_sqlite_exporter.write.sums import AgentSums
from otel_sqlite_exporter.write.tool_batch import RecordKeys, ToolBatch

_LLM_INTERACTIONS = Insert("_llm_interactions", (*RecordKeys._fields, *LLMInteractionRow._fields))


class InteractionBatch:
    """The rows of interactions that one batch writes, and what to bring up to date because of them."""

    def __init__(self) -> None:
        self.agents = AgentSums()
        self._tools = ToolBatch()
        self._llm_interactions = TableRows(_LLM_INTERACTIONS)
        self._spans: list[tuple[int, TraceRow, str]] = []
        self._parents: set[tuple[int, str | None]] = set()
        # Calls of spans that report usage, by the key of the span, with the response that each names.
        self._calls_with_usage: dict[int, str | None] = {}
        self._traces_with_records: set[int] = set()
        self._logs: set[tuple[int, str]] = set()
        self._replaced_calls: Collection[int] = ()

    def note_span(self, span: int, trace: TraceRow, row: SpanRow) -> None:
        """Note a span that is written. One without interactions may stand between calls, too."""
        self._spans.append((span, trace, row.span_id))
        self._parents.add((trace.id, row.parent_span_id))

    def note_log(self, trace: int, span_id: str, interactions: Interactions) -> None:
        """Note a log record with interactions, recorded in a span that need not be in the file yet."""
        if interactions.llm is not None or interactions.tool is not None:
            self._logs.add((trace, span_id))
        else:
            self._tools.note_log(trace, span_id)

    def note_replaced_spans(self, connection: sqlite3.Connection, spans: Collection[int]) -> None:
        """Note what else the interactions of these rows of `_spans` affect, before they are removed."""
        same_spans, same_logs = read_json(connection, "find_same_responses", spans=spans)
        self._replaced_calls = find_enclosing_calls(connection, [*spans, *same_spans], same_logs)
        self._tools.note_replaced_spans(connection, spans)

    def add(self, interactions: Interactions, record: RecordKeys, resource: ResourceRow) -> None:
        """Add the interactions of a span, an event or a log record."""
        llm, tool, tool_calls, tool_results = interactions
        trace, span, end = record.trace, record.span, record.end_time_unix_nano
        reported = llm or tool
        if record.event is not None and reported is not None and reported.duration_ms is not None:
            record = record._replace(start_time_unix_nano=max(0, end - int(reported.duration_ms * 1e6)))
        if llm is not None:
            self._llm_interactions.add((*record, *llm))
            self.agents.add_call(llm, resource, record.trace_session)
            if span is not None and not llm.is_aggregate and _has_usage(llm):
                self._calls_with_usage[span] = llm.response_id
        if tool is not None:
            self._tools.add_execution(tool, record)
        if record.event is not None and reported is not None:
            self._traces_with_records.add(trace)
            return
        if tool_calls or tool_results:
            self._tools.add_mentions(tool_calls, tool_results, llm, record)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows. Their spans and events are in the file."""
        self.agents.write(connection)
        self._llm_interactions.write(connection)
        self._tools.write(connection)

    def finish(self, connection: sqlite3.Connection, trace_sessions: Collection[int], *, has_logs: bool) -> None:
        """Bring up to date what depends on other records, when all of the batch is written and linked. `has_logs`: the
        file has log records. `trace_sessions` are rows of `_trace_sessions` that show another session than before."""
        # Those of a new trace came with this batch.
        older = [(trace.id, span_id) for _, trace, span_id in self._spans if has_logs and not trace.is_new]
        between = [span for span, trace, _ in self._spans if trace.has_interactions and not trace.is_new]
        self._tools.finish(connection, older, between, trace_sessions)
        calls = set(self._replaced_calls)
        spans: list[int] = []
        leaves: list[tuple[int, str]] = []
        for id, trace, span_id in self._spans:
            if self._is_leaf(id, trace, span_id):
                response_id = self._calls_with_usage[id]
                if response_id is not None:
                    leaves.append((id, response_id))
            elif trace.has_interactions:
                spans.append(id)
        if spans or leaves or self._logs:
            calls.update(find_enclosing_calls(connection, spans, self._logs, leaves))
        count_calls(connection, calls)

    def _is_leaf(self, span: int, trace: TraceRow, span_id: str) -> bool:
        """Return whether a span is a call that counts as it was written, unless another names its response: it reports
        usage, nothing is below it, and its whole trace came with this batch. Most calls are such, and asking the file
        about each costs 11 us."""
        return (
            trace.is_new
            and span in self._calls_with_usage
            and (trace.id, span_id) not in self._parents
            and trace.id not in self._traces_with_records
        )


def _has_usage(llm: LLMInteractionRow) -> bool:
    return llm.input_tokens is not None or llm.output_tokens is not None or llm.total_tokens is not None
