# SPDX-License-Identifier: Apache-2.0
"""Records of spans and of logs, and the links of spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped, mapped_column

from otel_sqlite_exporter.orm.base import Model, in_span, related_by

if TYPE_CHECKING:
    from otel_sqlite_exporter.orm.spans import Session, Span, Trace


class Event(Model):
    """One row of the view `events`: a start, a finish, an event of a span, or a log record that is an event."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    trace_id: Mapped[str | None]
    span_id: Mapped[str | None]
    session_id: Mapped[str | None]
    service_name: Mapped[str]
    source: Mapped[str]
    ordinal: Mapped[int | None]
    phase: Mapped[str | None]
    name: Mapped[str]
    start_time_unix_nano: Mapped[int]
    start_time: Mapped[str]
    duration_ms: Mapped[float | None]
    time_source: Mapped[str]
    related_event_id: Mapped[int | None]
    link_method: Mapped[str | None]
    dropped_attributes: Mapped[int | None]
    attribute_types: Mapped[str | None]
    attributes: Mapped[str]

    session: Mapped[Session | None] = related_by("foreign(Event.session_id) == Session.session_id")
    trace: Mapped[Trace | None] = related_by("foreign(Event.trace_id) == Trace.trace_id")
    span: Mapped[Span | None] = related_by(in_span("Event"))
    related: Mapped[Event | None] = related_by("foreign(Event.related_event_id) == remote(Event.id)")
    log: Mapped[Log | None] = related_by("Event.id == foreign(Log.event_id)", uselist=False)


class Link(Model):
    """One row of the view `links`: `span` carries it, `linked_span` is what it points at, where the file has that."""

    __tablename__ = "links"

    trace_id: Mapped[str] = mapped_column(primary_key=True)
    span_id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str | None]
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    linked_trace_id: Mapped[str]
    linked_span_id: Mapped[str]
    is_remote: Mapped[int]
    trace_flags: Mapped[int]
    trace_state: Mapped[str | None]
    dropped_attributes: Mapped[int]
    attribute_types: Mapped[str | None]
    attributes: Mapped[str]

    session: Mapped[Session | None] = related_by("foreign(Link.session_id) == Session.session_id")
    trace: Mapped[Trace | None] = related_by("foreign(Link.trace_id) == Trace.trace_id")
    span: Mapped[Span | None] = related_by(in_span("Link"))
    linked_span: Mapped[Span | None] = related_by(in_span("Link", "linked_trace_id", "linked_span_id"))


class Log(Model):
    """One row of the view `logs`; `event` is its row among the events, where it has a name."""

    __tablename__ = "logs"

    id: Mapped[int] = mapped_column(primary_key=True)
    trace_id: Mapped[str | None]
    span_id: Mapped[str | None]
    session_id: Mapped[str | None]
    service_name: Mapped[str]
    event_name: Mapped[str | None]
    severity_number: Mapped[int | None]
    severity_text: Mapped[str | None]
    body: Mapped[str | None]
    start_time_unix_nano: Mapped[int]
    observed_time_unix_nano: Mapped[int]
    start_time: Mapped[str]
    observed_time: Mapped[str]
    time_source: Mapped[str]
    event_id: Mapped[int | None]
    trace_flags: Mapped[int | None]
    dropped_attributes: Mapped[int]
    scope_name: Mapped[str | None]
    scope_version: Mapped[str | None]
    scope_schema_url: Mapped[str | None]
    scope_attributes: Mapped[str | None]
    scope_attribute_types: Mapped[str | None]
    resource_schema_url: Mapped[str]
    resource_attributes: Mapped[str]
    resource_attribute_types: Mapped[str | None]
    body_type: Mapped[str | None]
    attribute_types: Mapped[str | None]
    attributes: Mapped[str]

    session: Mapped[Session | None] = related_by("foreign(Log.session_id) == Session.session_id")
    trace: Mapped[Trace | None] = related_by("foreign(Log.trace_id) == Trace.trace_id")
    span: Mapped[Span | None] = related_by(in_span("Log"))
    event: Mapped[Event | None] = related_by("foreign(Log.event_id) == Event.id")
