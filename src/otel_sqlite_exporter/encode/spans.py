# SPDX-License-Identifier: Apache-2.0
"""Encodes spans as rows: spans of the SDK, and those read from a file. Pure, except for caches; the caller passes the
time.

Values reach an exporter unchecked, so no type annotation is trusted. A value that cannot be kept exactly is repaired
and counted. Only a span without valid ids cannot become a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.encode.events import encode_events, encode_links
from otel_sqlite_exporter.encode.open_spans import OPEN
from otel_sqlite_exporter.encode.record_messages import Encoded, MessageEncoder
from otel_sqlite_exporter.encode.resources import OriginEncoder
from otel_sqlite_exporter.encode.sessions import USER_ATTRIBUTES, RankedSource, find_naming, plan_naming
from otel_sqlite_exporter.errors import UnstorableSpanError
from otel_sqlite_exporter.genai.plans import InteractionPlan
from otel_sqlite_exporter.genai.recognition import (
    Surroundings,
    find_event_interactions,
    find_interactions,
    plan_interactions,
)
from otel_sqlite_exporter.genai.rules import Rules, load_rules
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.rows import (
    NO_INTERACTIONS,
    EncodedSpan,
    EventRow,
    Interactions,
    LinkRow,
    SpanRow,
    make_row,
)
from otel_sqlite_exporter.model.stored_values import as_stored
from otel_sqlite_exporter.model.values import (
    LARGEST,
    copy_attributes,
    encode_attributes,
    encode_integer,
    encode_member,
    encode_span_id,
    encode_trace_id,
    encode_trace_state,
    find_doubtful,
    repair_text,
)

_ERROR = 2
# Attributes that hold a time in nanoseconds since the epoch, for spans that lack their own.
_START_ATTRIBUTES = ("start_time_unix_nano", "gen_ai.request.start_time_unix_nano")
_END_ATTRIBUTES = ("end_time_unix_nano", "gen_ai.response.end_time_unix_nano")
_Shape = tuple[tuple[Any, ...], tuple[type, ...], str | None]


class _Plan(NamedTuple):
    """What attributes of one shape (the same names, value types and, if a dialect names it, scope) can hold."""

    doubtful: Sequence[Any]
    sessions: tuple[RankedSource, ...]
    users: tuple[RankedSource, ...]
    interactions: InteractionPlan | None


class SpanEncoder:
    """Encodes spans for one exporter. `rules` are the dialects in force (default: the shipped ones). Thread-safe."""

    def __init__(self, session_attributes: Sequence[str], rules: Rules | None = None) -> None:
        self.rules = rules or load_rules()
        self._session_attributes = tuple(session_attributes)
        self._plans: dict[_Shape, _Plan] = {}
        self.origins = OriginEncoder(session_attributes)
        self.messages = MessageEncoder()

    def encode_span(self, span: Any, arrival_time_unix_nano: int, *, is_open: bool = False) -> EncodedSpan:
        """Return `span`, a ReadableSpan or SpanFields, as rows. With `is_open` it is encoded as running, even if it
        ends meanwhile.

        Raises:
            UnstorableSpanError: The span has no valid trace id and span id.
        """
        context: Any = span.context
        trace_id = encode_trace_id(getattr(context, "trace_id", None))
        span_id = encode_span_id(getattr(context, "span_id", None))
        if trace_id is None or span_id is None:
            raise UnstorableSpanError("the span's context has no valid trace id and span id")
        attributes = copy_attributes(span.attributes)
        scope = self.rules.find_scope(span.instrumentation_scope)
        plan = self.find_plan(attributes, scope)
        encoded = encode_attributes(attributes, plan.doubtful)
        text, types, repaired = encoded
        values, interaction_plan = attributes, plan.interactions
        if (plan.doubtful or repaired) and (values := as_stored(attributes, encoded, plan.doubtful)) is not attributes:
            interaction_plan = self.find_plan(values, scope).interactions
        name = span.name
        if type(name) is not str or not name.isascii():
            name, bad = repair_text(name)
            repaired += bad
        parent = span.parent
        parent_span_id = parent_is_remote = None
        if parent is not None:
            parent_span_id = encode_span_id(parent.span_id)
            if parent_span_id is None:
                repaired += 1
            else:
                parent_is_remote = 1 if parent.is_remote else 0
        events = span.events
        start, end, start_source, end_source = span.start_time, span.end_time, None, None
        if type(start) is not int or type(end) is not int or not (0 <= start <= LARGEST and 0 <= end <= LARGEST):
            start, end, start_source, end_source, bad = _find_times(span, attributes, events, arrival_time_unix_nano)
            repaired += bad
        if is_open:
            end, end_source = start, OPEN
        kind = encode_member(span.kind, high=4)
        status = span.status
        status_code = encode_member(getattr(status, "status_code", None), high=2)
        if kind is None or status_code is None:
            repaired += (kind is None) + (status_code is None)
        description = getattr(status, "description", None)
        if description is not None:
            description, bad = repair_text(description)
            repaired += bad
        trace_state, bad = encode_trace_state(context)
        repaired += bad
        row = make_row(
            SpanRow,
            (
                span_id,
                parent_span_id,
                parent_is_remote,
                encode_integer(context.trace_flags, high=255) or 0,
                trace_state,
                name,
                kind or 0,
                start,
                end,
                start_source,
                end_source,
                status_code or 0,
                description,
                span.dropped_attributes,
                span.dropped_events,
                span.dropped_links,
                types,
                text,
            ),
        )
        is_child = parent_is_remote == 0
        own_session = find_naming(plan.sessions, attributes, is_child, start) if plan.sessions else None
        user = find_naming(plan.users, attributes, is_child, start) if plan.users else None
        origin, bad = self.origins.encode(span.resource, span.instrumentation_scope)
        repaired += bad
        session = origin.session
        if own_session is not None:
            session = own_session
        elif session is not None:
            session = session._replace(is_child=int(is_child), time_unix_nano=start)
        event_rows: Sequence[EventRow] = ()
        record_interactions: Sequence[tuple[int, Interactions]] = ()
        messages: Sequence[tuple[int, Encoded]] = ()
        if events:
            event_rows, bad = encode_events(events, start)
            repaired += bad
            messages = self.messages.encode_events(event_rows)
            record_interactions = find_event_interactions(event_rows, user.name if user else None, self.rules)
        links = span.links
        link_rows: Sequence[LinkRow] = ()
        if links:
            link_rows, bad = encode_links(links)
            repaired += bad
        interactions = NO_INTERACTIONS
        if interaction_plan is not None:
            records = [record for _, (record, _) in messages]
            surroundings = make_row(Surroundings, (name, status_code == _ERROR, events, start, records))
            interactions = find_interactions(interaction_plan, values, user.name if user else None, surroundings)
        return make_row(
            EncodedSpan,
            (
                trace_id,
                row,
                origin.resource,
                origin.scope,
                own_session,
                session,
                user,
                tuple(event_rows),
                tuple(link_rows),
                repaired,
                is_open,
                interactions,
                tuple(record_interactions),
                tuple((place, row) for place, (_, row) in messages if row is not None) if messages else (),
            ),
        )

    def find_plan(self, attributes: dict[Any, Any], scope: str | None) -> _Plan:
        """Return what attributes of this shape can hold. `scope` is what `Rules.find_scope` found."""
        shape = (tuple(attributes), tuple(map(type, attributes.values())), scope)
        plan = self._plans.get(shape)
        if plan is None:
            plan = _Plan(
                find_doubtful(attributes),
                plan_naming(self._session_attributes, attributes),
                plan_naming(USER_ATTRIBUTES, attributes),
                plan_interactions(dict(zip(*shape[:2], strict=True)), self.rules, scope),
            )
            remember(self._plans, shape, plan)
        return plan


def _find_times(
    span: Any, attributes: Mapping[str, Any], events: Sequence[Any], arrival_time_unix_nano: int
) -> tuple[int, int, str | None, str | None, int]:
    """Return start, end, the source of each (None: the span itself), and how many of the span's own times are
    unusable."""
    start, start_source, bad_start = _find_time(span.start_time, attributes, _START_ATTRIBUTES, events, min)
    end, end_source, bad_end = _find_time(span.end_time, attributes, _END_ATTRIBUTES, events, max)
    if start is None:
        start, start_source = (arrival_time_unix_nano, "arrival") if end is None else (end, "span")
    if end is None:
        end, end_source = start, "arrival" if start_source == "arrival" else "span"
    return start, end, start_source, end_source, bad_start + bad_end


def _find_time(
    own: Any, attributes: Mapping[str, Any], names: Sequence[str], events: Sequence[Any], pick: Callable[..., int]
) -> tuple[int | None, str | None, int]:
    time = encode_integer(own)
    if time is not None:
        return time, None, 0
    bad = int(own is not None)
    for name in names:
        time = encode_integer(attributes.get(name))
        if time is not None:
            return time, "attribute", bad
    times = [time for event in events if (time := encode_integer(event.timestamp)) is not None]
    return (pick(times), "event", bad) if times else (None, None, bad)
