# SPDX-License-Identifier: Apache-2.0
"""From a ReadableSpan to rows. Pure but for the clock that the caller passes in and a cache of resources and scopes.

Values reach an exporter unchecked, so nothing is taken for what its annotation says: a value that cannot be kept as it
is, is repaired and counted, and only a span without valid ids cannot be a row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter.attributes import EMPTY_ATTRIBUTES, EncodedAttributes, encode_attributes, repair_text
from otel_sqlite_exporter.errors import UnstorableSpanError
from otel_sqlite_exporter.ingest.interactions import find_interactions
from otel_sqlite_exporter.ingest.pairs import link_within_span, split_phase
from otel_sqlite_exporter.ingest.rows import (
    EncodedSpan,
    EventRow,
    LinkRow,
    Naming,
    QuarantineRow,
    ResourceRow,
    ScopeRow,
    SpanRow,
)
from otel_sqlite_exporter.ingest.sessions import USER_ATTRIBUTES, find_naming

_LARGEST = 2**63 - 1
_CACHED = 256
# Attributes that name a time in nanoseconds since the epoch, for spans that have none of their own.
_START_ATTRIBUTES = ("start_time_unix_nano", "gen_ai.request.start_time_unix_nano")
_END_ATTRIBUTES = ("end_time_unix_nano", "gen_ai.response.end_time_unix_nano")


class SpanEncoder:
    """Encodes spans for one exporter. Safe to use on several threads at once."""

    def __init__(self, session_attributes: Sequence[str]) -> None:
        self._session_attributes = tuple(session_attributes)
        # By identity, holding the object: hash(resource) alone would cost 2.8 us a span.
        self._resources: dict[int, tuple[Any, ResourceRow, Naming | None]] = {}
        self._scopes: dict[int, tuple[Any, ScopeRow]] = {}

    def encode_span(self, span: ReadableSpan, arrival_time_unix_nano: int) -> EncodedSpan:
        """Return `span` as rows.

        Raises:
            UnstorableSpanError: The span has no valid trace id and span id.
        """
        context = span.context
        trace_id, span_id = _require_ids(context)
        attributes = _copy(span.attributes)
        text, types, repaired = encode_attributes(attributes)
        name, bad = repair_text(span.name)
        repaired += bad
        parent = span.parent
        parent_span_id = None
        if parent is not None:
            parent_span_id = _format_id(parent.span_id, 64)
            repaired += parent_span_id is None
        events = span.events
        start, start_source, bad_start = _find_time(span.start_time, attributes, _START_ATTRIBUTES, events, min)
        end, end_source, bad_end = _find_time(span.end_time, attributes, _END_ATTRIBUTES, events, max)
        repaired += bad_start + bad_end
        if start is None:
            start, start_source = (end, "span") if end is not None else (arrival_time_unix_nano, "arrival")
        if end is None:
            end, end_source = (start, "span") if start_source != "arrival" else (start, "arrival")
        status = span.status
        status_code = _integer(getattr(getattr(status, "status_code", None), "value", None), 0, 2)
        kind = _integer(getattr(span.kind, "value", None), 0, 4)
        description, bad = _encode_optional_text(getattr(status, "description", None))
        repaired += bad + (status_code is None) + (kind is None)
        trace_state, bad = _encode_trace_state(context)
        row = SpanRow(
            span_id,
            parent_span_id,
            None if parent is None or parent_span_id is None else int(bool(parent.is_remote)),
            _integer(context.trace_flags, 0, 255) or 0,
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
        is_child = parent_span_id is not None and not row.parent_is_remote
        own_session = find_naming(self._session_attributes, attributes, is_child, start)
        user = find_naming(USER_ATTRIBUTES, attributes, is_child, start)
        event_rows, bad_events = _encode_events(events, start) if events else ((), 0)
        links = span.links
        link_rows, bad_links = _encode_links(links) if links else ((), 0)
        resource, session = self._encode_resource(span.resource)
        if own_session is not None:
            session = own_session
        elif session is not None:
            session = session._replace(is_child=int(is_child), time_unix_nano=start)
        llm, tool = find_interactions(attributes, user.name if user else None)
        return EncodedSpan(
            trace_id,
            row,
            resource,
            self._encode_scope(span.instrumentation_scope),
            own_session,
            session,
            user,
            event_rows,
            link_rows,
            llm,
            tool,
            repaired + bad + bad_events + bad_links,
        )

    def _encode_resource(self, resource: Any) -> tuple[ResourceRow, Naming | None]:
        """Return the row, and the session that the resource names: weaker than any that a span names."""
        cached = self._resources.get(id(resource))
        if cached is not None:
            return cached[1:]
        attributes = _copy(resource.attributes) if resource is not None else {}
        encoded = _encode_sorted(attributes)
        schema_url = repair_text(getattr(resource, "schema_url", None))[0]
        service_name = repair_text(attributes.get("service.name"))[0] or "unknown_service"
        row = ResourceRow(_digest(encoded, schema_url), service_name, schema_url, encoded.types, encoded.text)
        session = find_naming(self._session_attributes, attributes, True, 0, len(self._session_attributes))
        _remember(self._resources, resource, row, session)
        return row, session

    def _encode_scope(self, scope: Any) -> ScopeRow | None:
        if scope is None:
            return None
        cached = self._scopes.get(id(scope))
        if cached is not None:
            return cached[1]
        name = repair_text(scope.name)[0]
        version = None if scope.version is None else repair_text(scope.version)[0]
        schema_url = repair_text(scope.schema_url)[0]
        encoded = _encode_sorted(_copy(getattr(scope, "attributes", None)))
        digest = _digest(encoded, name, version, schema_url)
        row = ScopeRow(digest, name, version, schema_url, encoded.types, encoded.text)
        _remember(self._scopes, scope, row)
        return row


def quarantine_span(span: Any, reason: BaseException, arrival_time_unix_nano: int) -> QuarantineRow:
    """Write down whatever can be read of a span that cannot be a row, and why it cannot."""
    content: dict[str, Any] = {}
    for field in (
        "name",
        "context",
        "parent",
        "kind",
        "start_time",
        "end_time",
        "status",
        "attributes",
        "events",
        "links",
    ):
        try:
            value = getattr(span, field)
            content[field] = dict(value) if field == "attributes" else repr(value)
        except Exception as error:
            content[field] = f"unreadable: {error!r}"
    for index, event in enumerate(getattr(span, "events", None) or ()):
        try:
            content[f"events/{index}"] = {
                "name": event.name,
                "time": event.timestamp,
                "attributes": dict(event.attributes),
            }
        except Exception as error:
            content[f"events/{index}"] = f"unreadable: {error!r}"
    return quarantine_row(content, reason, arrival_time_unix_nano)


def quarantine_row(content: Any, reason: BaseException, arrival_time_unix_nano: int) -> QuarantineRow:
    """Return the quarantine row of what `content` (a mapping, or a row that SQLite refused) says."""
    if isinstance(content, EncodedSpan):
        content = {**content._asdict(), "row": content.row._asdict()}
    text = encode_attributes(content).text
    sentence = repair_text(f"{type(reason).__name__}: {reason}")[0]
    digest = hashlib.blake2b(f"{sentence}\n{text}".encode(), digest_size=16).hexdigest()
    return QuarantineRow(digest, arrival_time_unix_nano, sentence, text)


def _encode_events(events: Sequence[Any], span_start: int) -> tuple[tuple[EventRow, ...], int]:
    repaired = 0
    rows = []
    phased: list[tuple[str, str, int]] = []
    places: list[int] = []
    for place, event in enumerate(events):
        name, bad = repair_text(event.name)
        time = _integer(event.timestamp, 0, _LARGEST)
        text, types, bad_values = encode_attributes(_copy(event.attributes))
        repaired += bad + bad_values + (time is None and event.timestamp is not None)
        phase = split_phase(name)
        source = None if time is not None else "span"
        time = span_start if time is None else time
        dropped = getattr(event, "dropped_attributes", 0)
        if phase is not None:
            phased.append((*phase, time))
            places.append(place)
        rows.append(EventRow(phase and phase[1], name, time, source, None, phase and phase[0], dropped, types, text))
    if phased:
        mates = link_within_span(phased)
        for index, mate in mates.items():
            rows[places[index]] = rows[places[index]]._replace(mate=places[mate], stem=None)
    return tuple(rows), repaired


def _encode_links(links: Sequence[Any]) -> tuple[tuple[LinkRow, ...], int]:
    repaired = 0
    rows = []
    for link in links:
        context = link.context
        text, types, bad_values = encode_attributes(_copy(link.attributes))
        trace_id = None if context is None else _format_id(context.trace_id, 128)
        span_id = None if context is None else _format_id(context.span_id, 64)
        trace_state, bad = _encode_trace_state(context)
        repaired += bad + bad_values + (trace_id is None) + (span_id is None)
        rows.append(
            LinkRow(
                trace_id or "0" * 32,
                span_id or "0" * 16,
                int(bool(getattr(context, "is_remote", False))),
                _integer(getattr(context, "trace_flags", 0), 0, 255) or 0,
                trace_state,
                getattr(link, "dropped_attributes", 0),
                types,
                text,
            )
        )
    return tuple(rows), repaired


def _find_time(
    own: Any, attributes: Mapping[str, Any], names: Sequence[str], events: Sequence[Any], pick: Callable[..., int]
) -> tuple[int | None, str | None, int]:
    """Return (time, where it is from or None for the span itself, 1 if the span's own could not be used)."""
    time = _integer(own, 0, _LARGEST)
    if time is not None:
        return time, None, 0
    bad = int(own is not None)
    for name in names:
        time = _integer(attributes.get(name), 0, _LARGEST)
        if time is not None:
            return time, "attribute", bad
    times = [time for event in events if (time := _integer(event.timestamp, 0, _LARGEST)) is not None]
    return (pick(times), "event", bad) if times else (None, None, bad)


def _require_ids(context: Any) -> tuple[str, str]:
    if context is None:
        raise UnstorableSpanError("the span has no context, and so no ids")
    trace_id, span_id = _format_id(context.trace_id, 128), _format_id(context.span_id, 64)
    if trace_id is None or span_id is None:
        raise UnstorableSpanError(f"trace id {context.trace_id!r} or span id {context.span_id!r} is not valid")
    return trace_id, span_id


def _format_id(value: Any, bits: int) -> str | None:
    if not isinstance(value, int) or not 0 < value < 1 << bits:
        return None
    return f"{value:032x}" if bits == 128 else f"{value:016x}"


def _encode_trace_state(context: Any) -> tuple[str | None, int]:
    trace_state = getattr(context, "trace_state", None)
    if not trace_state:
        return None, 0
    try:
        return repair_text(trace_state.to_header())
    except Exception:
        return None, 1


def _encode_optional_text(value: Any) -> tuple[str | None, int]:
    return (None, 0) if value is None else repair_text(value)


def _integer(value: Any, low: int, high: int) -> int | None:
    return int(value) if isinstance(value, int) and low <= value <= high else None


def _copy(attributes: Any) -> dict[Any, Any]:
    # MappingProxyType.copy() asks the SDK's own mapping for its dict: 0.3 us where dict(...) takes 1.9.
    try:
        copied = attributes.copy()
        return copied if type(copied) is dict else dict(copied)
    except Exception:
        return dict(attributes) if isinstance(attributes, Mapping) else {}


def _encode_sorted(attributes: dict[Any, Any]) -> EncodedAttributes:
    if not attributes:
        return EMPTY_ATTRIBUTES
    return encode_attributes(dict(sorted(attributes.items(), key=lambda item: str(item[0]))))


def _digest(encoded: EncodedAttributes, *fields: str | None) -> str:
    content = orjson.dumps([encoded.text, encoded.types, *fields])
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _remember(cache: dict[int, Any], key: Any, *entry: Any) -> None:
    if len(cache) >= _CACHED:
        cache.clear()
    cache[id(key)] = (key, *entry)
