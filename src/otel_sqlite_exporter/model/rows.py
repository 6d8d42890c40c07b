# SPDX-License-Identifier: Apache-2.0
"""The words that the stages of ingestion share: one NamedTuple for each table, in the order of its columns.

Integer keys are given only inside the transaction that writes, so a row here refers to others by what they are: a
span by its trace id and span id (hex text), a session by its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

make_row = tuple.__new__
"""`make_row(SpanRow, values)` takes half the time of `SpanRow(*values)` and of `SpanRow._make(values)`."""


class ResourceRow(NamedTuple):
    """Columns of `_resources` after `id`."""

    digest: str
    service_name: str
    schema_url: str
    attribute_types: str | None
    attributes: str


class ScopeRow(NamedTuple):
    """Columns of `_scopes` after `id`."""

    digest: str
    name: str
    version: str | None
    schema_url: str
    attribute_types: str | None
    attributes: str


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
    """A span's own event. `mate` is the place, among the span's events, of the one it is linked with; `stem` is set
    where it may still be paired by time."""

    phase: str | None
    name: str
    time_unix_nano: int
    time_source: str | None
    mate: int | None
    stem: str | None
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
    """Columns of `_llm_interactions` that attributes fill. An agent or workflow is a row that `is_aggregate`; it
    `is_hidden` where it reports no usage. Instructions, prompt and completion are empty texts where attributes of the
    span hold them under the names and in the forms of OpenTelemetry's conventions: the views read them from there, and
    parameters too. `duration_ms` is what an event or log record reports."""

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
    """Columns of `_tool_interactions` that attributes fill. Arguments and result are None where `gen_ai.tool.call.*`
    hold them. `duration_ms` is what an event or log record reports."""

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


class ToolCallRow(NamedTuple):
    """A call of a tool that a model's answer asks for; `arguments` is JSON, or the text that came."""

    tool_call_id: str | None
    tool_name: str | None
    arguments: str | None


class ToolResultRow(NamedTuple):
    """What a tool gave back, as a prompt tells it to the model."""

    tool_call_id: str
    result: str | None


class MessagesRow(NamedTuple):
    """The texts of `_messages`: JSON of the content that an event of a span, or a log record, holds. Messages that are
    recorded one by one have no brackets around them. An empty text: the record's own attribute is that JSON."""

    prompt: str | None = None
    completion: str | None = None
    system_instructions: str | None = None


class Interactions(NamedTuple):
    """What a span (or an event, or a log record) is of a model call or a tool execution: at most one of `llm` and
    `tool`. `tool_calls` are asked for by the answer, `tool_results` are new in the prompt; a log record that is neither
    may tell of these alone."""

    llm: LLMInteractionRow | None = None
    tool: ToolInteractionRow | None = None
    tool_calls: Sequence[ToolCallRow] = ()
    tool_results: Sequence[ToolResultRow] = ()


NO_INTERACTIONS = Interactions()


class Naming(NamedTuple):
    """That an attribute of a span names a session or a user. The smallest is the strongest: `rank` is the attribute's
    place in the list of sources, then a span without parent wins, then the earliest, then the text itself."""

    rank: int
    is_child: int
    time_unix_nano: int
    name: str
    source: str


class LogRow(NamedTuple):
    """Columns of `_logs` after `span_id`, `resource` and `scope`."""

    event_name: str | None
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
    """One span as rows, ready to be given keys. `own_session` is what the span itself names; `session` and `user` are
    its bids for what its trace shows. One that `is_open` has not ended: its end is its start. `record_interactions`
    and `record_messages` are those of its events, each with the event's place."""

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
    """One log record as rows, ready to be given keys. `trace_id` is empty where it names no trace; `own_session`,
    `session` and `user` are as in `EncodedSpan`. `phase` and `stem` are set on the start or finish of something."""

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
    """What one export brings."""

    spans: Sequence[EncodedSpan] = ()
    logs: Sequence[EncodedLog] = ()
    quarantine: Sequence[QuarantineRow] = ()

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self.spans) + len(self.logs) + len(self.quarantine)
