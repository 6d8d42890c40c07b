# SPDX-License-Identifier: Apache-2.0
"""From a span to rows, whether the SDK made it or it was read from OTLP. Pure but for the clock that the caller passes
in, and caches of what spans share.

Values reach an exporter unchecked, so nothing is taken for what its annotation says: a value that cannot be kept as it
is, is repaired and counted, and only a span without valid ids cannot be a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from otel_sqlite_exporter.encode.events import encode_events, encode_links
from otel_sqlite_exporter.encode.open_spans import OPEN
from otel_sqlite_exporter.encode.record_messages import Encoded, MessageEncoder
from otel_sqlite_exporter.encode.resources import OriginEncoder
from otel_sqlite_exporter.encode.sessions import USER_ATTRIBUTES, Source, find_naming, plan_naming
from otel_sqlite_exporter.errors import UnstorableSpanError
from otel_sqlite_exporter.genai.recognition import (
    Surroundings,
    find_event_interactions,
    find_interactions,
    plan_interactions,
)
from otel_sqlite_exporter.genai.rules import InteractionPlan, Rules, load_rules
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.fields import (
    LARGEST,
    copy_attributes,
    encode_integer,
    encode_member,
    encode_span_id,
    encode_trace_id,
    encode_trace_state,
    find_times,
)
from otel_sqlite_exporter.model.rows import (
    NO_INTERACTIONS,
    EncodedSpan,
    EventRow,
    Interactions,
    LinkRow,
    SpanRow,
    make_row,
)
from otel_sqlite_exporter.model.values import (
    encode_attributes,
    find_doubtful,
    is_cut,
    repair_text,
    uncut,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from otel_sqlite_exporter.otlp.otlp_decoder import OTLPSpan

_ERROR = 2
_Shape = tuple[tuple[Any, ...], tuple[type, ...]]


class _Plan(NamedTuple):
    """What there is to find in attributes of one shape: of these names, with values of these types."""

    doubtful: Sequence[Any]
    sessions: tuple[Source, ...]
    users: tuple[Source, ...]
    interactions: InteractionPlan | None


class SpanEncoder:
    """Encodes spans for one exporter. `rules` are the dialects in force, if not our own. Safe to use on several threads
    at once."""

    def __init__(self, session_attributes: Sequence[str], rules: Rules | None = None) -> None:
        self._rules = rules or load_rules()
        self._session_attributes = tuple(session_attributes)
        self._plans: dict[_Shape, _Plan] = {}
        self._origins = OriginEncoder(session_attributes)
        self._messages = MessageEncoder()

    def encode_span(
        self, span: ReadableSpan | OTLPSpan, arrival_time_unix_nano: int, *, is_open: bool = False
    ) -> EncodedSpan:
        """Return `span` as rows; one that `is_open` as it is now, whether or not it ends meanwhile.

        Raises:
            UnstorableSpanError: The span has no valid trace id and span id.
        """
        context: Any = span.context
        trace_id = encode_trace_id(getattr(context, "trace_id", None))
        span_id = encode_span_id(getattr(context, "span_id", None))
        if trace_id is None or span_id is None:
            raise UnstorableSpanError(f"the span's context has no valid trace id and span id: {context!r}")
        attributes = copy_attributes(span.attributes)
        plan = self._find_plan(attributes)
        text, types, repaired = encode_attributes(attributes, plan.doubtful)
        values, interaction_plan = attributes, plan.interactions
        if is_cut(types):
            values = uncut(attributes)
            interaction_plan = self._find_plan(values).interactions
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
            start, end, start_source, end_source, bad = find_times(span, attributes, events, arrival_time_unix_nano)
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
        origin, bad = self._origins.encode(span.resource, span.instrumentation_scope)
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
            messages = self._messages.encode_events(events, event_rows)
            record_interactions = find_event_interactions(events, user.name if user else None, self._rules)
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
                event_rows,
                link_rows,
                repaired,
                is_open,
                interactions,
                record_interactions,
                [(place, row) for place, (_, row) in messages if row is not None],
            ),
        )

    def _find_plan(self, attributes: dict[Any, Any]) -> _Plan:
        shape = (tuple(attributes), tuple(map(type, attributes.values())))
        plan = self._plans.get(shape)
        if plan is None:
            plan = _Plan(
                find_doubtful(attributes),
                plan_naming(self._session_attributes, attributes),
                plan_naming(USER_ATTRIBUTES, attributes),
                plan_interactions(dict(zip(*shape, strict=True)), self._rules),
            )
            remember(self._plans, shape, plan)
        return plan
