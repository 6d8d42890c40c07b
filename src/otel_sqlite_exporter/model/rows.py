# SPDX-License-Identifier: Apache-2.0
"""Rows between encoding and writing: one NamedTuple for each table, in the order of its columns.

Only the transaction that writes knows integer keys. So a row here refers to a span by its trace id and span id (hex
text), and to a session by its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from otel_sqlite_exporter.model.arrivals.request_rows import RequestRow, count_records
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.origin_rows import ResourceRow, ScopeRow

RECEIVERS = (1, 4)
"""The kinds of span that receive a call, SERVER and CONSUMER. Such a span may have the id of the span that sent it."""
make_row = tuple.__new__
"""`make_row(SpanRow, values)` takes half the time of `SpanRow(*values)` and of `SpanRow._make(values)`."""


class SpanRow(NamedTuple):
    """Columns of `_spans` after `scope`."""

    span_id: str
    parent_span_id: str | None
    parent_is_remote: int | None
    trace_flags: int
    trace_state: str | None
    name: str
    kind: int
    start_time_unix_nano: int
    end_time_unix_nano: int
    start_time_source: str | None
    end_time_source: str | None
    status_code: int
    status_description: str | None
    dropped_attributes: int
    dropped_events: int
    dropped_links: int
    attribute_types: str | None
    attributes: str


class EventRow(NamedTuple):
    """A span's own event. `mate` is the index, among the span's events, of its partner in a pair. `stem` is set while
    the event may still be paired by time. `recorded_name` as in `LogRow`."""

    phase: str | None
    name: str
    time_unix_nano: int
    time_source: str | None
    mate: int | None
    stem: str | None
    recorded_name: str | None
    dropped_attributes: int
    attribute_types: str | None
    attributes: str


class LinkRow(NamedTuple):
    """Columns of `_links` after `ordinal`."""

    linked_trace_id: str
    linked_span_id: str
    is_remote: int
    trace_flags: int
    trace_state: str | None
    dropped_attributes: int
    attribute_types: str | None
    attributes: str


class LLMInteractionRow(NamedTuple):
    """Columns of `_llm_interactions` that attributes fill.

    The row of an agent or workflow has `is_aggregate`; it also has `is_hidden` if it reports no usage, and
    messages then only if it failed. Instructions,
    prompt and completion are empty texts if attributes of the span hold them with the names and forms of
    OpenTelemetry's conventions: the views read these attributes, and those of parameters. `duration_ms` is set if an
    event or log record reports it.
    """

    is_aggregate: int
    is_hidden: int
    operation: str | None
    provider: str | None
    request_model: str | None
    response_model: str | None
    response_id: str | None
    user_id: str | None
    agent_name: str | None
    finish_reasons: str | None
    error_type: str | None
    time_to_first_token_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cached_input_tokens: int | None
    cache_creation_input_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None
    cost_status: str | None
    dialect: str | None = None
    request_parameters: str | None = None
    system_instructions: str | None = None
    prompt: str | None = None
    completion: str | None = None
    duration_ms: float | None = None


class ToolInteractionRow(NamedTuple):
    """Columns of `_tool_interactions` that attributes fill. Arguments and result are None if the attributes
    `gen_ai.tool.call.*` hold them. `duration_ms` is set if an event or log record reports it,
    `waiting_ms` if the record tells only how long the tool waited for a user."""

    tool_name: str | None
    tool_call_id: str | None
    tool_type: str | None
    user_id: str | None
    agent_name: str | None
    error_type: str | None
    dialect: str | None = None
    arguments: str | None = None
    result: str | None = None
    duration_ms: float | None = None
    waiting_ms: float | None = None


class ToolCallRow(NamedTuple):
    """A tool call that a model's answer requests. `arguments` is JSON, or the text as it came."""

    tool_call_id: str | None
    tool_name: str | None
    arguments: str | None


class ToolResultRow(NamedTuple):
    """The result of a tool, as a prompt passes it to the model. `asked_digest` is that of the call in the prompt:
    genai/messages/tool_mentions.py. `is_error`: 1 if the prompt says that the tool failed."""

    tool_call_id: str | None
    result: str | None
    asked_digest: int | None = None
    is_error: int = 0


class MessagesRow(NamedTuple):
    """The texts of `_messages`: JSON of the content that an event of a span, or a log record, holds. Messages that are
    recorded one by one have no brackets around them. An empty text: the record's own attribute is that JSON."""

    prompt: str | None = None
    completion: str | None = None
    system_instructions: str | None = None


class Interactions(NamedTuple):
    """The model call or tool execution that a span, span event or log record reports: at most one of `llm` and `tool`.

    `tool_calls` are the calls that the answer requests, `tool_results` the results that are new in the prompt. A log
    record may report only these.
    """

    llm: LLMInteractionRow | None = None
    tool: ToolInteractionRow | None = None
    tool_calls: Sequence[ToolCallRow] = ()
    tool_results: Sequence[ToolResultRow] = ()


NO_INTERACTIONS = Interactions()


class Naming(NamedTuple):
    """The session or user that an attribute of a span names. The smallest tuple is the strongest: first the attribute's
    `rank` in the list of sources, then a span without parent, then the earliest time, then the text itself."""

    rank: int
    is_child: int
    time_unix_nano: int
    name: str
    source: str


class LogRow(NamedTuple):
    """Columns of `_logs` after `span_id`, `resource` and `scope`. `recorded_name` is what the record's own field for
    the name holds, if `event_name` comes from elsewhere (an empty text: nothing)."""

    event_name: str | None
    recorded_name: str | None
    time_unix_nano: int
    observed_time_unix_nano: int
    time_source: str | None
    severity_number: int | None
    severity_text: str | None
    trace_flags: int | None
    dropped_attributes: int
    names_session: int
    body_type: str | None
    body: str | None
    attribute_types: str | None
    attributes: str


class QuarantineRow(NamedTuple):
    """Columns of `_quarantine` after `id`."""

    digest: str
    arrival_time_unix_nano: int
    reason: str
    content: str


class EncodedSpan(NamedTuple):
    """One span as rows, without keys yet.

    `own_session` is the session that the span itself names. `session` and `user` are its candidates for its trace. A
    span that `is_open` has not ended: its end equals its start. `record_interactions` and `record_messages` are those
    of its events, each with the index of the event.
    """

    trace_id: str
    row: SpanRow
    resource: ResourceRow
    scope: ScopeRow | None
    own_session: Naming | None
    session: Naming | None
    user: Naming | None
    events: Sequence[EventRow]
    links: Sequence[LinkRow]
    repaired: int
    is_open: bool = False
    interactions: Interactions = NO_INTERACTIONS
    record_interactions: Sequence[tuple[int, Interactions]] = ()
    record_messages: Sequence[tuple[int, MessagesRow]] = ()


class EncodedLog(NamedTuple):
    """One log record as rows, without keys yet. `trace_id` is empty if the record names no trace. `own_session`,
    `session` and `user` are as in `EncodedSpan`. `phase` and `stem` are set on a start or finish record."""

    trace_id: str
    span_id: str | None
    row: LogRow
    resource: ResourceRow
    scope: ScopeRow | None
    own_session: Naming | None
    session: Naming | None
    user: Naming | None
    phase: str | None
    stem: str | None
    repaired: int
    interactions: Interactions = NO_INTERACTIONS
    messages: MessagesRow | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """The encoded records of one export, or of the `requests` that were received together: then all of these."""

    spans: Sequence[EncodedSpan] = ()
    logs: Sequence[EncodedLog] = ()
    quarantine: Sequence[QuarantineRow] = ()
    requests: Sequence[RequestRow] = ()
    points: Sequence[EncodedPoint] = ()

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.spans) + len(self.logs) + len(self.points) + len(self.quarantine)

    def __bool__(self) -> bool:
        """Return whether there is something to write."""
        return len(self) > 0 or len(self.requests) > 0

    def split(self) -> tuple[Records, Records]:
        """Return the records in two parts: requests stay whole. Neither is empty if there are two or more of them, or
        of records without requests."""
        first = self.requests[: len(self.requests) // 2]
        sizes, left = list(count_records(first)), len(self) // 2
        if not self.requests:
            for place, kind in enumerate((self.spans, self.logs, self.points, self.quarantine)):
                sizes[place] = min(left, len(kind))
                left -= sizes[place]
        spans, logs, points, quarantined = sizes
        return (
            Records(
                self.spans[:spans], self.logs[:logs], self.quarantine[:quarantined], first, points=self.points[:points]
            ),
            Records(
                self.spans[spans:],
                self.logs[logs:],
                self.quarantine[quarantined:],
                self.requests[len(first) :],
                self.points[points:],
            ),
        )
