# SPDX-License-Identifier: Apache-2.0
"""Calls of models, executions of tools, and agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped, mapped_column

from otel_sqlite_exporter.orm.base import Model, in_span, related_by

if TYPE_CHECKING:
    from otel_sqlite_exporter.orm.records import Event
    from otel_sqlite_exporter.orm.spans import Session, Span, Trace


class LLMInteraction(Model):
    """One row of the view `complete_llm_interactions`: a call of a model, its request and its response. Sum its tokens
    and cost where `counted` is 1."""

    __tablename__ = "complete_llm_interactions"
    ATTRIBUTES = "combined_attributes"

    trace_id: Mapped[str | None]
    span_id: Mapped[str | None]
    parent_span_id: Mapped[str | None]
    session_id: Mapped[str | None]
    user_id: Mapped[str | None]
    agent_name: Mapped[str | None]
    service_name: Mapped[str]
    name: Mapped[str]
    operation: Mapped[str | None]
    provider: Mapped[str | None]
    request_model: Mapped[str | None]
    response_model: Mapped[str | None]
    model: Mapped[str | None]
    start_id: Mapped[int | None]
    finish_id: Mapped[int | None]
    request_timestamp: Mapped[str]
    response_timestamp: Mapped[str]
    start_time_unix_nano: Mapped[int]
    end_time_unix_nano: Mapped[int]
    duration_ms: Mapped[float]
    time_to_first_token_ms: Mapped[float | None]
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    total_tokens: Mapped[int | None]
    cached_input_tokens: Mapped[int | None]
    cache_creation_input_tokens: Mapped[int | None]
    reasoning_tokens: Mapped[int | None]
    counted: Mapped[int]
    finish_reasons: Mapped[str | None]
    response_id: Mapped[str | None]
    status: Mapped[str]
    error_type: Mapped[str | None]
    cost_usd: Mapped[float | None]
    cost_status: Mapped[str | None]
    prompt: Mapped[str | None]
    completion: Mapped[str | None]
    combined_attributes: Mapped[str]
    is_aggregate: Mapped[int]
    source: Mapped[str]
    dialect: Mapped[str | None]
    request_parameters: Mapped[str | None]
    system_instructions: Mapped[str | None]
    price_source: Mapped[str | None]
    price_date: Mapped[str | None]
    id: Mapped[int] = mapped_column(primary_key=True)

    session: Mapped[Session | None] = related_by("foreign(LLMInteraction.session_id) == Session.session_id")
    trace: Mapped[Trace | None] = related_by("foreign(LLMInteraction.trace_id) == Trace.trace_id")
    span: Mapped[Span | None] = related_by(in_span("LLMInteraction"))
    start: Mapped[Event | None] = related_by("foreign(LLMInteraction.start_id) == Event.id")
    finish: Mapped[Event | None] = related_by("foreign(LLMInteraction.finish_id) == Event.id")
    tool_interactions: Mapped[list[ToolInteraction]] = related_by(
        "and_(LLMInteraction.trace_id == foreign(ToolInteraction.trace_id), "
        "LLMInteraction.span_id == foreign(ToolInteraction.asked_by_span_id))",
        order_by="ToolInteraction.start_time_unix_nano",
    )
    agent: Mapped[Agent | None] = related_by(
        "and_(foreign(LLMInteraction.service_name) == Agent.service_name, "
        "foreign(LLMInteraction.agent_name).is_not_distinct_from(Agent.agent_name))",
        uselist=False,
    )


class ToolInteraction(Model):
    """One row of the view `complete_tool_interactions`: an execution of a tool, its arguments and its result.
    `asked_by` is the span of the call that asked for it."""

    __tablename__ = "complete_tool_interactions"
    ATTRIBUTES = "combined_attributes"

    trace_id: Mapped[str | None]
    span_id: Mapped[str | None]
    parent_span_id: Mapped[str | None]
    session_id: Mapped[str | None]
    user_id: Mapped[str | None]
    agent_name: Mapped[str | None]
    service_name: Mapped[str]
    name: Mapped[str]
    tool_name: Mapped[str | None]
    tool_call_id: Mapped[str | None]
    tool_type: Mapped[str | None]
    arguments: Mapped[str | None]
    result: Mapped[str | None]
    start_id: Mapped[int | None]
    finish_id: Mapped[int | None]
    start_time_unix_nano: Mapped[int]
    end_time_unix_nano: Mapped[int]
    start_time: Mapped[str]
    end_time: Mapped[str]
    duration_ms: Mapped[float | None]
    status: Mapped[str | None]
    error_type: Mapped[str | None]
    combined_attributes: Mapped[str]
    source: Mapped[str]
    dialect: Mapped[str | None]
    asked_by_span_id: Mapped[str | None]
    id: Mapped[int] = mapped_column(primary_key=True)

    session: Mapped[Session | None] = related_by("foreign(ToolInteraction.session_id) == Session.session_id")
    trace: Mapped[Trace | None] = related_by("foreign(ToolInteraction.trace_id) == Trace.trace_id")
    span: Mapped[Span | None] = related_by(in_span("ToolInteraction"))
    start: Mapped[Event | None] = related_by("foreign(ToolInteraction.start_id) == Event.id")
    finish: Mapped[Event | None] = related_by("foreign(ToolInteraction.finish_id) == Event.id")
    asked_by: Mapped[Span | None] = related_by(in_span("ToolInteraction", "trace_id", "asked_by_span_id"))


class Agent(Model):
    """One row of the view `agents`; `llm_interactions` are the calls of its service that name it. The count of sessions
    is `session_count`."""

    __tablename__ = "agents"

    agent_id: Mapped[str | None]
    agent_name: Mapped[str | None] = mapped_column(primary_key=True)
    service_name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str | None]
    first_seen: Mapped[str]
    last_seen: Mapped[str]
    start_time_unix_nano: Mapped[int] = mapped_column(primary_key=True)
    end_time_unix_nano: Mapped[int]
    session_count: Mapped[int] = mapped_column("sessions")
    llm_calls: Mapped[int]
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    total_tokens: Mapped[int | None]

    llm_interactions: Mapped[list[LLMInteraction]] = related_by(
        "and_(Agent.service_name == foreign(LLMInteraction.service_name), "
        "Agent.agent_name.is_not_distinct_from(foreign(LLMInteraction.agent_name)))",
        order_by="LLMInteraction.start_time_unix_nano",
    )
