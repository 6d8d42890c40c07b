# SPDX-License-Identifier: Apache-2.0
"""From a ReadableSpan to rows. Pure but for the clock that the caller passes in, and caches of what spans share.

Values reach an exporter unchecked, so nothing is taken for what its annotation says: a value that cannot be kept as it
is, is repaired and counted, and only a span without valid ids cannot be a row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter.attributes import (
    EMPTY_ATTRIBUTES,
    EncodedAttributes,
    encode_attributes,
    find_doubtful,
    repair_text,
)
from otel_sqlite_exporter.errors import UnstorableSpanError
from otel_sqlite_exporter.ingest.details import encode_events, encode_links
from otel_sqlite_exporter.ingest.fields import (
    LARGEST,
    copy_attributes,
    encode_integer,
    encode_span_id,
    encode_trace_id,
    encode_trace_state,
    find_times,
)
from otel_sqlite_exporter.ingest.interactions import InteractionPlan, find_interactions, plan_interactions
from otel_sqlite_exporter.ingest.rows import EncodedSpan, EventRow, LinkRow, Naming, ResourceRow, ScopeRow, SpanRow
from otel_sqlite_exporter.ingest.sessions import USER_ATTRIBUTES, Source, find_naming, plan_naming

_CACHED = 512
_Shape = tuple[tuple[Any, ...], tuple[type, ...]]


class _Plan(NamedTuple):
    """What there is to find in attributes of one shape: of these names, with values of these types."""

    doubtful: Sequence[Any]
    sessions: tuple[Source, ...]
    users: tuple[Source, ...]
    interactions: InteractionPlan | None


class SpanEncoder:
    """Encodes spans for one exporter. Safe to use on several threads at once."""

    def __init__(self, session_attributes: Sequence[str]) -> None:
        self._session_attributes = tuple(session_attributes)
        self._plans: dict[_Shape, _Plan] = {}
        # By identity, holding the object: hash(resource) alone would cost 2.8 us a span.
        self._resources: dict[int, tuple[Any, ResourceRow, Naming | None]] = {}
        self._scopes: dict[int, tuple[Any, ScopeRow]] = {}

    def encode_span(self, span: ReadableSpan, arrival_time_unix_nano: int) -> EncodedSpan:
        """Return `span` as rows.

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
        name, bad = repair_text(span.name)
        repaired += bad
        parent = span.parent
        parent_span_id = parent_is_remote = None
        if parent is not None:
            parent_span_id = encode_span_id(parent.span_id)
            if parent_span_id is None:
                repaired += 1
            else:
                parent_is_remote = int(bool(parent.is_remote))
        events = span.events
        start, end, start_source, end_source = span.start_time, span.end_time, None, None
        if type(start) is not int or type(end) is not int or not (0 <= start <= LARGEST and 0 <= end <= LARGEST):
            start, end, start_source, end_source, bad = find_times(span, attributes, events, arrival_time_unix_nano)
            repaired += bad
        kind = encode_integer(getattr(span.kind, "value", None), high=4)
        status = span.status
        status_code = encode_integer(getattr(getattr(status, "status_code", None), "value", None), high=2)
        repaired += (kind is None) + (status_code is None)
        description = getattr(status, "description", None)
        if description is not None:
            description, bad = repair_text(description)
            repaired += bad
        trace_state, bad = encode_trace_state(context)
        repaired += bad
        row = SpanRow._make(
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
            )
        )
        is_child = parent_is_remote == 0
        own_session = find_naming(plan.sessions, attributes, is_child, start) if plan.sessions else None
        user = find_naming(plan.users, attributes, is_child, start) if plan.users else None
        resource, session, bad = self._encode_resource(span.resource)
        repaired += bad
        if own_session is not None:
            session = own_session
        elif session is not None:
            session = session._replace(is_child=int(is_child), time_unix_nano=start)
        event_rows: Sequence[EventRow] = ()
        if events:
            event_rows, bad = encode_events(events, start)
            repaired += bad
        links = span.links
        link_rows: Sequence[LinkRow] = ()
        if links:
            link_rows, bad = encode_links(links)
            repaired += bad
        llm = tool = None
        if plan.interactions is not None:
            llm, tool = find_interactions(plan.interactions, attributes, user.name if user else None)
        scope, bad = self._encode_scope(span.instrumentation_scope)
        repaired += bad
        return EncodedSpan._make(
            (trace_id, row, resource, scope, own_session, session, user, event_rows, link_rows, llm, tool, repaired)
        )

    def _find_plan(self, attributes: dict[Any, Any]) -> _Plan:
        shape = (tuple(attributes), tuple(map(type, attributes.values())))
        plan = self._plans.get(shape)
        if plan is None:
            plan = _Plan(
                find_doubtful(attributes),
                plan_naming(self._session_attributes, attributes),
                plan_naming(USER_ATTRIBUTES, attributes),
                plan_interactions(dict(zip(*shape, strict=True))),
            )
            _remember(self._plans, shape, plan)
        return plan

    def _encode_resource(self, resource: Any) -> tuple[ResourceRow, Naming | None, int]:
        """Return the row, the session that the resource names (weaker than any that a span names), and how many of its
        values were repaired, the first time that it comes."""
        cached = self._resources.get(id(resource))
        if cached is not None:
            return cached[1], cached[2], 0
        attributes = copy_attributes(getattr(resource, "attributes", None))
        encoded = _encode_sorted(attributes)
        schema_url, bad = repair_text(getattr(resource, "schema_url", ""))
        service_name = repair_text(attributes.get("service.name"))[0] or "unknown_service"
        row = ResourceRow(_digest(encoded, schema_url), service_name, schema_url, encoded.types, encoded.text)
        weaker = plan_naming(self._session_attributes, attributes, first_rank=len(self._session_attributes))
        session = find_naming(weaker, attributes, is_child=True, time_unix_nano=0)
        if session is not None:
            session = session._replace(source=f"resource:{session.source}")
        _remember(self._resources, id(resource), (resource, row, session))
        return row, session, bad + encoded.repaired

    def _encode_scope(self, scope: Any) -> tuple[ScopeRow | None, int]:
        """Return the row, and how many values were repaired, the first time that the scope comes."""
        if scope is None:
            return None, 0
        cached = self._scopes.get(id(scope))
        if cached is not None:
            return cached[1], 0
        name, bad_name = repair_text(scope.name)
        version, bad_version = (None, 0) if scope.version is None else repair_text(scope.version)
        schema_url, bad_url = repair_text(scope.schema_url or "")
        encoded = _encode_sorted(copy_attributes(getattr(scope, "attributes", None)))
        digest = _digest(encoded, name, version, schema_url)
        row = ScopeRow(digest, name, version, schema_url, encoded.types, encoded.text)
        _remember(self._scopes, id(scope), (scope, row))
        return row, bad_name + bad_version + bad_url + encoded.repaired


def _encode_sorted(attributes: dict[Any, Any]) -> EncodedAttributes:
    if not attributes:
        return EMPTY_ATTRIBUTES
    return encode_attributes(dict(sorted(attributes.items(), key=lambda item: str(item[0]))))


def _digest(encoded: EncodedAttributes, *fields: str | None) -> str:
    content = orjson.dumps([encoded.text, encoded.types, *fields])
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _remember(cache: dict[Any, Any], key: Any, entry: Any) -> None:
    if len(cache) >= _CACHED:
        cache.clear()
    cache[key] = entry
