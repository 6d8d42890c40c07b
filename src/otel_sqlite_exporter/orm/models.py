# SPDX-License-Identifier: Apache-2.0
"""The models and the relationships between them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Mapped, foreign, mapped_column, remote

from otel_sqlite_exporter.orm.base import Model, listed, related_by
from otel_sqlite_exporter.orm.columns import (
    EventColumns,
    LLMInteractionColumns,
    LogColumns,
    ScoreColumns,
    SessionColumns,
    SpanColumns,
    ToolInteractionColumns,
    TraceColumns,
)

_SPAN_KEY = ("trace_id", "span_id")


class Session(SessionColumns, Model):
    """One row of the view `sessions`. Its counts of traces, spans, log records and scores are `trace_count`,
    `span_count`, `log_count` and `score_count`; `traces`, `spans`, `logs` and `scores` are the rows themselves."""

    traces: Mapped[list[Trace]] = listed(lambda: Session, lambda: Trace, "session_id")
    spans: Mapped[list[Span]] = listed(lambda: Session, lambda: Span, "session_id")
    events: Mapped[list[Event]] = listed(lambda: Session, lambda: Event, "session_id", order="id")
    logs: Mapped[list[Log]] = listed(lambda: Session, lambda: Log, "session_id")
    scores: Mapped[list[Score]] = listed(lambda: Session, lambda: Score, "session_id")
    llm_interactions: Mapped[list[LLMInteraction]] = listed(lambda: Session, lambda: LLMInteraction, "session_id")
    tool_interactions: Mapped[list[ToolInteraction]] = listed(lambda: Session, lambda: ToolInteraction, "session_id")


class Trace(TraceColumns, Model):
    """One row of the view `traces`. Its counts of spans, log records and scores are `span_count`, `log_count` and
    `score_count`; `spans`, `logs` and `scores` are the rows themselves."""

    session: Mapped[Session | None] = related_by(lambda: foreign(Trace.session_id) == Session.session_id)
    root: Mapped[Span | None] = related_by(lambda: _in_span(Trace.trace_id, Trace.root_span_id))
    spans: Mapped[list[Span]] = listed(lambda: Trace, lambda: Span, "trace_id")
    events: Mapped[list[Event]] = listed(lambda: Trace, lambda: Event, "trace_id", order="id")
    links: Mapped[list[Link]] = listed(lambda: Trace, lambda: Link, "trace_id", order="ordinal")
    logs: Mapped[list[Log]] = listed(lambda: Trace, lambda: Log, "trace_id")
    scores: Mapped[list[Score]] = listed(lambda: Trace, lambda: Score, "trace_id")
    llm_interactions: Mapped[list[LLMInteraction]] = listed(lambda: Trace, lambda: LLMInteraction, "trace_id")
    tool_interactions: Mapped[list[ToolInteraction]] = listed(lambda: Trace, lambda: ToolInteraction, "trace_id")


class Span(SpanColumns, Model):
    """One row of the view `spans`."""

    session: Mapped[Session | None] = related_by(lambda: foreign(Span.session_id) == Session.session_id)
    trace: Mapped[Trace | None] = related_by(lambda: foreign(Span.trace_id) == Trace.trace_id)
    parent: Mapped[Span | None] = related_by(
        lambda: and_(
            foreign(Span.trace_id) == remote(Span.trace_id), foreign(Span.parent_span_id) == remote(Span.span_id)
        )
    )
    children: Mapped[list[Span]] = related_by(
        lambda: and_(
            Span.trace_id == remote(foreign(Span.trace_id)), Span.span_id == remote(foreign(Span.parent_span_id))
        ),
        order_by=lambda: Span.start_time_unix_nano,
    )
    events: Mapped[list[Event]] = listed(lambda: Span, lambda: Event, *_SPAN_KEY, order="id")
    start: Mapped[Event | None] = related_by(lambda: _of_span_phase("start"), uselist=False)
    finish: Mapped[Event | None] = related_by(lambda: _of_span_phase("finish"), uselist=False)
    links: Mapped[list[Link]] = listed(lambda: Span, lambda: Link, *_SPAN_KEY, order="ordinal")
    linked_by: Mapped[list[Link]] = related_by(lambda: _of_span(Link.linked_trace_id, Link.linked_span_id))
    logs: Mapped[list[Log]] = listed(lambda: Span, lambda: Log, *_SPAN_KEY)
    llm_interactions: Mapped[list[LLMInteraction]] = listed(lambda: Span, lambda: LLMInteraction, *_SPAN_KEY)
    tool_interactions: Mapped[list[ToolInteraction]] = listed(lambda: Span, lambda: ToolInteraction, *_SPAN_KEY)


class Event(EventColumns, Model):
    """One row of the view `events`: a start, a finish, an event of a span, or a log record with an event name.
    `related` is the finish of a start, and the start of a finish."""

    session: Mapped[Session | None] = related_by(lambda: foreign(Event.session_id) == Session.session_id)
    trace: Mapped[Trace | None] = related_by(lambda: foreign(Event.trace_id) == Trace.trace_id)
    span: Mapped[Span | None] = related_by(lambda: _in_span(Event.trace_id, Event.span_id))
    related: Mapped[Event | None] = related_by(lambda: foreign(Event.related_event_id) == remote(Event.id))
    log: Mapped[Log | None] = related_by(lambda: Event.id == foreign(Log.event_id), uselist=False)


class Link(Model):
    """One row of the view `links`. `span` carries the link; `linked_span` is its target, if the file has that."""

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

    session: Mapped[Session | None] = related_by(lambda: foreign(Link.session_id) == Session.session_id)
    trace: Mapped[Trace | None] = related_by(lambda: foreign(Link.trace_id) == Trace.trace_id)
    span: Mapped[Span | None] = related_by(lambda: _in_span(Link.trace_id, Link.span_id))
    linked_span: Mapped[Span | None] = related_by(lambda: _in_span(Link.linked_trace_id, Link.linked_span_id))


class Log(LogColumns, Model):
    """One row of the view `logs`. `event` is its row in `events`, if it has an event name."""

    session: Mapped[Session | None] = related_by(lambda: foreign(Log.session_id) == Session.session_id)
    trace: Mapped[Trace | None] = related_by(lambda: foreign(Log.trace_id) == Trace.trace_id)
    span: Mapped[Span | None] = related_by(lambda: _in_span(Log.trace_id, Log.span_id))
    event: Mapped[Event | None] = related_by(lambda: foreign(Log.event_id) == Event.id)


class Score(ScoreColumns, Model):
    """One row of the view `scores`: what was said of an answer, a trace or a session. `call` is the model call that is
    judged."""

    session: Mapped[Session | None] = related_by(lambda: foreign(Score.session_id) == Session.session_id)
    trace: Mapped[Trace | None] = related_by(lambda: foreign(Score.trace_id) == Trace.trace_id)
    span: Mapped[Span | None] = related_by(lambda: _in_span(Score.trace_id, Score.span_id))
    call: Mapped[LLMInteraction | None] = related_by(lambda: foreign(Score.call_id) == LLMInteraction.id)


class LLMInteraction(LLMInteractionColumns, Model):
    """One row of the view `complete_llm_interactions`: a model call, its request and its response. Sum tokens and cost
    only where `counted` is 1. `tool_interactions` are the tool executions that the call asked for."""

    session: Mapped[Session | None] = related_by(lambda: foreign(LLMInteraction.session_id) == Session.session_id)
    trace: Mapped[Trace | None] = related_by(lambda: foreign(LLMInteraction.trace_id) == Trace.trace_id)
    span: Mapped[Span | None] = related_by(lambda: _in_span(LLMInteraction.trace_id, LLMInteraction.span_id))
    start: Mapped[Event | None] = related_by(lambda: foreign(LLMInteraction.start_id) == Event.id)
    finish: Mapped[Event | None] = related_by(lambda: foreign(LLMInteraction.finish_id) == Event.id)
    tool_interactions: Mapped[list[ToolInteraction]] = related_by(
        lambda: and_(
            LLMInteraction.trace_id == foreign(ToolInteraction.trace_id),
            LLMInteraction.span_id == foreign(ToolInteraction.asked_by_span_id),
        ),
        order_by=lambda: ToolInteraction.start_time_unix_nano,
    )
    agent: Mapped[Agent | None] = related_by(
        lambda: and_(
            foreign(LLMInteraction.service_name) == Agent.service_name,
            foreign(LLMInteraction.agent_name).is_not_distinct_from(Agent.agent_name),
        ),
        uselist=False,
    )


class ToolInteraction(ToolInteractionColumns, Model):
    """One row of the view `complete_tool_interactions`: a tool execution, its arguments and its result. `asked_by` is
    the span of the model call that asked for it."""

    session: Mapped[Session | None] = related_by(lambda: foreign(ToolInteraction.session_id) == Session.session_id)
    trace: Mapped[Trace | None] = related_by(lambda: foreign(ToolInteraction.trace_id) == Trace.trace_id)
    span: Mapped[Span | None] = related_by(lambda: _in_span(ToolInteraction.trace_id, ToolInteraction.span_id))
    start: Mapped[Event | None] = related_by(lambda: foreign(ToolInteraction.start_id) == Event.id)
    finish: Mapped[Event | None] = related_by(lambda: foreign(ToolInteraction.finish_id) == Event.id)
    asked_by: Mapped[Span | None] = related_by(
        lambda: _in_span(ToolInteraction.trace_id, ToolInteraction.asked_by_span_id)
    )


class Agent(Model):
    """One row of the view `agents`. `llm_interactions` are the model calls of its service that have its name; its count
    of sessions is `session_count`."""

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
    failed_calls: Mapped[int]

    llm_interactions: Mapped[list[LLMInteraction]] = related_by(
        lambda: and_(
            Agent.service_name == foreign(LLMInteraction.service_name),
            Agent.agent_name.is_not_distinct_from(foreign(LLMInteraction.agent_name)),
        ),
        order_by=lambda: LLMInteraction.start_time_unix_nano,
    )


def _in_span(trace_id: Any, span_id: Any) -> ColumnElement[bool]:
    """Return the condition for the one span that two columns of a model name."""
    return and_(foreign(trace_id) == Span.trace_id, foreign(span_id) == Span.span_id)


def _of_span(trace_id: Any, span_id: Any) -> ColumnElement[bool]:
    """Return the condition for all rows whose two columns name a span."""
    return and_(Span.trace_id == foreign(trace_id), Span.span_id == foreign(span_id))


def _of_span_phase(phase: str) -> ColumnElement[bool]:
    return and_(_of_span(Event.trace_id, Event.span_id), Event.source == "span", Event.phase == phase)
