# SPDX-License-Identifier: Apache-2.0
"""One frozen dataclass per view that `TelemetryDatabase` returns: its fields are the columns of the view, in order.
Data frames and the SQLAlchemy models derive their columns from these classes."""

from __future__ import annotations

from dataclasses import dataclass

from otel_sqlite_exporter.query.pages import ViewRow

_CONTEXT_JSON = frozenset(
    ("scope_attributes", "scope_attribute_types", "resource_attributes", "resource_attribute_types")
)


@dataclass(frozen=True, slots=True, repr=False)
class SessionSummary(ViewRow):
    """One row of the view `sessions`."""

    VIEW = "sessions"
    JSON = ViewRow.JSON | {"score_means"}

    session_id: str
    source: str
    user_id: str | None
    service_name: str | None
    start_time_unix_nano: int
    end_time_unix_nano: int
    start_time: str
    end_time: str
    duration_ms: float
    traces: int
    spans: int
    llm_calls: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    attribute_types: str | None
    attributes: str | None
    running: int
    interrupted: int
    logs: int
    cost_usd: float | None
    unpriced_calls: int
    id: int
    failed_calls: int
    failed_tools: int
    failed_requests: int
    status: str
    pinned: int
    pin_label: str | None
    note: str | None
    scores: int
    score_means: str | None


@dataclass(frozen=True, slots=True, repr=False)
class TraceSummary(ViewRow):
    """One row of the view `traces`."""

    VIEW = "traces"
    JSON = ViewRow.JSON | {"score_means"}

    trace_id: str
    session_id: str | None
    session_source: str | None
    user_id: str | None
    service_name: str | None
    name: str | None
    root_span_id: str
    status: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    start_time: str
    end_time: str
    duration_ms: float
    spans: int
    errors: int
    llm_calls: int
    attribute_types: str | None
    attributes: str | None
    running: int
    interrupted: int
    logs: int
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cost_usd: float | None
    unpriced_calls: int
    id: int
    failed_calls: int
    failed_tools: int
    failed_requests: int
    pinned: int
    pin_label: str | None
    note: str | None
    scores: int
    score_means: str | None


@dataclass(frozen=True, slots=True, repr=False)
class SpanSummary(ViewRow):
    """One row of the view `spans`."""

    VIEW = "spans"
    JSON = ViewRow.JSON | _CONTEXT_JSON

    trace_id: str
    span_id: str
    parent_span_id: str | None
    parent_is_remote: int | None
    session_id: str | None
    conversation_id: str | None
    service_name: str
    name: str
    kind: str
    status: str
    status_code: str
    status_description: str | None
    start_time_unix_nano: int
    end_time_unix_nano: int
    start_time: str
    end_time: str
    duration_ms: float
    start_time_source: str
    end_time_source: str
    trace_flags: int
    trace_state: str | None
    dropped_attributes: int
    dropped_events: int
    dropped_links: int
    scope_name: str | None
    scope_version: str | None
    scope_schema_url: str | None
    scope_attributes: str | None
    scope_attribute_types: str | None
    resource_schema_url: str
    resource_attributes: str
    resource_attribute_types: str | None
    attribute_types: str | None
    attributes: str
    id: int
    user_id: str | None


@dataclass(frozen=True, slots=True, repr=False)
class EventSummary(ViewRow):
    """One row of the view `events`."""

    VIEW = "events"

    id: int
    trace_id: str | None
    span_id: str | None
    session_id: str | None
    service_name: str
    source: str
    ordinal: int | None
    phase: str | None
    name: str
    start_time_unix_nano: int
    start_time: str
    duration_ms: float | None
    time_source: str
    related_event_id: int | None
    link_method: str | None
    dropped_attributes: int | None
    attribute_types: str | None
    attributes: str


@dataclass(frozen=True, slots=True, repr=False)
class LogSummary(ViewRow):
    """One row of the view `logs`."""

    VIEW = "logs"
    JSON = ViewRow.JSON | _CONTEXT_JSON | {"body", "body_type"}

    id: int
    trace_id: str | None
    span_id: str | None
    session_id: str | None
    service_name: str
    event_name: str | None
    severity_number: int | None
    severity_text: str | None
    body: str | None
    start_time_unix_nano: int
    observed_time_unix_nano: int
    start_time: str
    observed_time: str
    time_source: str
    event_id: int | None
    trace_flags: int | None
    dropped_attributes: int
    scope_name: str | None
    scope_version: str | None
    scope_schema_url: str | None
    scope_attributes: str | None
    scope_attribute_types: str | None
    resource_schema_url: str
    resource_attributes: str
    resource_attribute_types: str | None
    body_type: str | None
    attribute_types: str | None
    attributes: str
    recorded_event_name: str | None


@dataclass(frozen=True, slots=True, repr=False)
class LLMInteractionSummary(ViewRow):
    """One row of the view `complete_llm_interactions`: a call of a model, its request and its response."""

    VIEW = "complete_llm_interactions"
    ATTRIBUTES = "combined_attributes"
    JSON = frozenset(
        ("combined_attributes", "finish_reasons", "prompt", "completion", "request_parameters", "system_instructions")
    )

    trace_id: str | None
    span_id: str | None
    parent_span_id: str | None
    session_id: str | None
    conversation_id: str | None
    user_id: str | None
    agent_name: str | None
    service_name: str
    name: str
    operation: str | None
    provider: str | None
    request_model: str | None
    response_model: str | None
    model: str | None
    start_id: int | None
    finish_id: int | None
    request_timestamp: str
    response_timestamp: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    duration_ms: float
    time_to_first_token_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cached_input_tokens: int | None
    cache_creation_input_tokens: int | None
    reasoning_tokens: int | None
    counted: int
    finish_reasons: str | None
    response_id: str | None
    status: str
    error_type: str | None
    cost_usd: float | None
    cost_status: str | None
    prompt: str | None
    completion: str | None
    combined_attributes: str
    is_aggregate: int
    source: str
    dialect: str | None
    request_parameters: str | None
    system_instructions: str | None
    price_source: str | None
    price_date: str | None
    is_unpriced: int
    id: int
    error_message: str | None
    prompt_span_id: str | None


@dataclass(frozen=True, slots=True, repr=False)
class ToolInteractionSummary(ViewRow):
    """One row of the view `complete_tool_interactions`: an execution of a tool, its arguments and its result."""

    VIEW = "complete_tool_interactions"
    ATTRIBUTES = "combined_attributes"
    JSON = frozenset(("combined_attributes", "arguments", "result"))

    trace_id: str | None
    span_id: str | None
    parent_span_id: str | None
    session_id: str | None
    conversation_id: str | None
    user_id: str | None
    agent_name: str | None
    service_name: str
    name: str
    tool_name: str | None
    tool_call_id: str | None
    tool_type: str | None
    arguments: str | None
    result: str | None
    start_id: int | None
    finish_id: int | None
    start_time_unix_nano: int
    end_time_unix_nano: int
    start_time: str
    end_time: str
    duration_ms: float | None
    waiting_ms: float | None
    status: str | None
    error_type: str | None
    combined_attributes: str
    source: str
    dialect: str | None
    asked_by_span_id: str | None
    counted: int
    id: int
    error_message: str | None
