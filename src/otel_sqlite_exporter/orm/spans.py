# SPDX-License-Identifier: Apache-2.0
"""Sessions, traces and spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped, mapped_column

from otel_sqlite_exporter.orm.base import Model, in_span, of_span, related_by

if TYPE_CHECKING:
    from otel_sqlite_exporter.orm.interactions import LLMInteraction, ToolInteraction
    from otel_sqlite_exporter.orm.records import Event, Link, Log


class Session(Model):
    """One row of the view `sessions`. The counts of traces, spans and log records are `trace_count`, `span_count` and
    `log_count`, as `traces`, `spans` and `logs` are these themselves."""

    __tablename__ = "sessions"

    session_id: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str | None]
    user_id: Mapped[str | None]
    service_name: Mapped[str | None]
    start_time_unix_nano: Mapped[int]
    end_time_unix_nano: Mapped[int]
    start_time: Mapped[str]
    end_time: Mapped[str]
    duration_ms: Mapped[float]
    trace_count: Mapped[int] = mapped_column("traces")
    span_count: Mapped[int] = mapped_column("spans")
    llm_calls: Mapped[int]
    errors: Mapped[int]
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    total_tokens: Mapped[int | None]
    attribute_types: Mapped[str | None]
    attributes: Mapped[str | None]
    running: Mapped[int | None]
    interrupted: Mapped[int | None]
    log_count: Mapped[int | None] = mapped_column("logs")
    cost_usd: Mapped[float | None]
    id: Mapped[int]

    traces: Mapped[list[Trace]] = related_by(
        "Session.session_id == foreign(Trace.session_id)", order_by="Trace.start_time_unix_nano"
    )
    spans: Mapped[list[Span]] = related_by(
        "Session.session_id == foreign(Span.session_id)", order_by="Span.start_time_unix_nano"
    )
    events: Mapped[list[Event]] = related_by("Session.session_id == foreign(Event.session_id)", order_by="Event.id")
    logs: Mapped[list[Log]] = related_by(
        "Session.session_id == foreign(Log.session_id)", order_by="Log.start_time_unix_nano"
    )
    llm_interactions: Mapped[list[LLMInteraction]] = related_by(
        "Session.session_id == foreign(LLMInteraction.session_id)", order_by="LLMInteraction.start_time_unix_nano"
    )
    tool_interactions: Mapped[list[ToolInteraction]] = related_by(
        "Session.session_id == foreign(ToolInteraction.session_id)", order_by="ToolInteraction.start_time_unix_nano"
    )


class Trace(Model):
    """One row of the view `traces`. The counts of spans and log records are `span_count` and `log_count`, as `spans`
    and `logs` are these themselves."""

    __tablename__ = "traces"

    trace_id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str | None]
    session_source: Mapped[str | None]
    user_id: Mapped[str | None]
    service_name: Mapped[str | None]
    name: Mapped[str | None]
    root_span_id: Mapped[str]
    status: Mapped[str]
    start_time_unix_nano: Mapped[int]
    end_time_unix_nano: Mapped[int]
    start_time: Mapped[str]
    end_time: Mapped[str]
    duration_ms: Mapped[float]
    span_count: Mapped[int] = mapped_column("spans")
    errors: Mapped[int]
    llm_calls: Mapped[int]
    attribute_types: Mapped[str | None]
    attributes: Mapped[str | None]
    running: Mapped[int | None]
    interrupted: Mapped[int | None]
    log_count: Mapped[int | None] = mapped_column("logs")
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    total_tokens: Mapped[int | None]
    cost_usd: Mapped[float | None]
    id: Mapped[int]

    session: Mapped[Session | None] = related_by("foreign(Trace.session_id) == Session.session_id")
    root: Mapped[Span | None] = related_by(in_span("Trace", "trace_id", "root_span_id"))
    spans: Mapped[list[Span]] = related_by(
        "Trace.trace_id == foreign(Span.trace_id)", order_by="Span.start_time_unix_nano"
    )
    events: Mapped[list[Event]] = related_by("Trace.trace_id == foreign(Event.trace_id)", order_by="Event.id")
    links: Mapped[list[Link]] = related_by("Trace.trace_id == foreign(Link.trace_id)", order_by="Link.ordinal")
    logs: Mapped[list[Log]] = related_by("Trace.trace_id == foreign(Log.trace_id)", order_by="Log.start_time_unix_nano")
    llm_interactions: Mapped[list[LLMInteraction]] = related_by(
        "Trace.trace_id == foreign(LLMInteraction.trace_id)", order_by="LLMInteraction.start_time_unix_nano"
    )
    tool_interactions: Mapped[list[ToolInteraction]] = related_by(
        "Trace.trace_id == foreign(ToolInteraction.trace_id)", order_by="ToolInteraction.start_time_unix_nano"
    )


class Span(Model):
    """One row of the view `spans`."""

    __tablename__ = "spans"

    trace_id: Mapped[str] = mapped_column(primary_key=True)
    span_id: Mapped[str] = mapped_column(primary_key=True)
    parent_span_id: Mapped[str | None]
    parent_is_remote: Mapped[int | None]
    session_id: Mapped[str | None]
    service_name: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str]
    status_code: Mapped[str]
    status_description: Mapped[str | None]
    start_time_unix_nano: Mapped[int]
    end_time_unix_nano: Mapped[int]
    start_time: Mapped[str]
    end_time: Mapped[str]
    duration_ms: Mapped[float]
    start_time_source: Mapped[str]
    end_time_source: Mapped[str]
    trace_flags: Mapped[int]
    trace_state: Mapped[str | None]
    dropped_attributes: Mapped[int]
    dropped_events: Mapped[int]
    dropped_links: Mapped[int]
    scope_name: Mapped[str | None]
    scope_version: Mapped[str | None]
    scope_schema_url: Mapped[str | None]
    scope_attributes: Mapped[str | None]
    scope_attribute_types: Mapped[str | None]
    resource_schema_url: Mapped[str]
    resource_attributes: Mapped[str]
    resource_attribute_types: Mapped[str | None]
    attribute_types: Mapped[str | None]
    attributes: Mapped[str]
    id: Mapped[int]

    session: Mapped[Session | None] = related_by("foreign(Span.session_id) == Session.session_id")
    trace: Mapped[Trace | None] = related_by("foreign(Span.trace_id) == Trace.trace_id")
    parent: Mapped[Span | None] = related_by(
        "and_(foreign(Span.trace_id) == remote(Span.trace_id), foreign(Span.parent_span_id) == remote(Span.span_id))"
    )
    children: Mapped[list[Span]] = related_by(
        "and_(Span.trace_id == remote(foreign(Span.trace_id)), Span.span_id == remote(foreign(Span.parent_span_id)))",
        order_by="Span.start_time_unix_nano",
    )
    events: Mapped[list[Event]] = related_by(of_span("Event"), order_by="Event.id")
    start: Mapped[Event | None] = related_by(
        f"and_({of_span('Event')}, Event.source == 'span', Event.phase == 'start')", uselist=False
    )
    finish: Mapped[Event | None] = related_by(
        f"and_({of_span('Event')}, Event.source == 'span', Event.phase == 'finish')", uselist=False
    )
    links: Mapped[list[Link]] = related_by(of_span("Link"), order_by="Link.ordinal")
    linked_by: Mapped[list[Link]] = related_by(of_span("Link", "linked_trace_id", "linked_span_id"))
    logs: Mapped[list[Log]] = related_by(of_span("Log"), order_by="Log.start_time_unix_nano")
    llm_interactions: Mapped[list[LLMInteraction]] = related_by(
        of_span("LLMInteraction"), order_by="LLMInteraction.start_time_unix_nano"
    )
    tool_interactions: Mapped[list[ToolInteraction]] = related_by(
        of_span("ToolInteraction"), order_by="ToolInteraction.start_time_unix_nano"
    )
