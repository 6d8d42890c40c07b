# SPDX-License-Identifier: Apache-2.0
"""Redacts spans, log records and data points: returns copies that hold only redacted values and plain numbers. Pure.

So everything that is made of a copy later (rows, representations, messages of errors) may be written. A field that
cannot be read, or has a type that it cannot have, counts as missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.event_names import find_names
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    KINDS,
    TEMPORALITIES,
    ExemplarFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.rows import make_row
from otel_sqlite_exporter.model.signals import (
    ContextFields,
    EventFields,
    LinkFields,
    LogFields,
    ResourceFields,
    ScopeFields,
    SpanFields,
    StatusFields,
)
from otel_sqlite_exporter.model.values import copy_attributes, repair_text
from otel_sqlite_exporter.redact.masked_names import mask_content
from otel_sqlite_exporter.redact.redactor import Redactor, Repaired, make_redactor
from otel_sqlite_exporter.redact.unchecked_fields import (
    count_or_zero,
    flag_or_none,
    integer_or_none,
    keep_distribution,
    keep_number,
    list_items,
    member_or_none,
    read_fields,
    time_or_nan,
)
from otel_sqlite_exporter.settings import REDACTED, Settings


class RedactedTraceState(NamedTuple):
    """Stands for a TraceState that is not empty."""

    header: Any

    def to_header(self) -> Any:
        """Return the W3C `tracestate` header."""
        return self.header


class _Event(NamedTuple):
    """An event of a span as it was read, with its `names`."""

    name: Any
    timestamp: Any
    attributes: dict[Any, Any]
    dropped: Any
    names: Sequence[str]


def make_span_redactor(settings: Settings) -> SpanRedactor | None:
    """Return the redactor that `settings` ask for, or None if everything is stored as it is."""
    redactor = make_redactor(settings)
    return None if redactor is None else SpanRedactor(redactor)


class SpanRedactor:
    """Redacts the spans, log records and data points of one exporter. Safe to use on several threads at once."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        # Resources, scopes and instruments by identity, as in encoding. The original is kept, so its identity stays
        # its own.
        self._shared: dict[int, tuple[Any, Any]] = {}

    def redact_log(self, fields: LogFields) -> LogFields:
        """Return a redacted copy of a log record. Never raises."""
        redactor, name = self._redactor, fields.event_name
        captured, of_call = redactor.captured, False
        names: Sequence[str] = ()
        if captured is not None:
            names = find_names(name, fields.attributes, fields.body, captured.knows_record)
            of_call = captured.tells_of_call_in_log(names, fields.scope)
        attributes = redactor.redact_attributes(fields.attributes, names, of_call=of_call)
        return fields._replace(
            event_name=self._redact_text("event.name", name, None),
            severity_text=self._redact_text("severity_text", fields.severity_text, None),
            body=None if fields.body is None else redactor.redact_body(fields.body, names, of_call=of_call),
            attributes=attributes,
            dropped_attributes=self._count_left_out(fields.dropped_attributes, fields.attributes, attributes),
            resource=self._share(fields.resource, self.redact_resource),
            scope=self._share(fields.scope, self._redact_scope),
        )

    def redact_point(self, fields: PointFields) -> PointFields:
        """Return a redacted copy of a data point. What is measured, and when, is never content. Never raises."""
        instrument, attributes, start, time, flags, value, distribution, exemplars, resource, scope = fields
        captured, plain = self._redactor.captured, copy_attributes(attributes)
        of_call = captured is not None and captured.tells_of_call(plain, scope, [[repair_text(instrument.name)[0]]])
        return PointFields(
            self._share(instrument, self._redact_instrument),
            self._redactor.redact_attributes(plain, of_call=of_call),
            keep_number(start),
            keep_number(time),
            keep_number(flags),
            keep_number(value),
            None if distribution is None else keep_distribution(distribution),
            [self._redact_exemplar(exemplar, of_call) for exemplar in list_items(exemplars)],
            self._share(resource, self.redact_resource),
            self._share(scope, self._redact_scope),
        )

    def redact_resource(self, resource: Any) -> ResourceFields:
        """Return a redacted copy of a resource. Never raises."""
        attributes, schema_url = read_fields(resource, ResourceFields)
        return ResourceFields(
            self._redactor.redact_attributes(attributes), self._redact_text("resource.schema_url", schema_url, "")
        )

    def redact_span(self, span: Any) -> SpanFields:
        """Return a redacted copy of a span, which has the fields of SpanFields. Never raises."""
        name, context, parent, kind, start, end, status, attributes, events, links, *rest = read_fields(
            span, SpanFields
        )
        resource, scope, *dropped = rest
        redact_context = self._redact_context
        captured, plain = self._redactor.captured, copy_attributes(attributes)
        told = [_read_event(event) for event in list_items(events)]
        of_call = captured is not None and captured.tells_of_call(plain, scope, [event.names for event in told])
        redacted = self._redactor.redact_attributes(plain, of_call=of_call)
        dropped[0] = self._count_left_out(dropped[0], plain, redacted)
        values = (
            self._redactor.redact_text("span.name", self._mask_content(name, plain) if of_call else name),
            redact_context(context),
            redact_context(parent),
            member_or_none(kind),
            time_or_nan(start),
            time_or_nan(end),
            self._redact_status(status, of_call),
            redacted,
            [self._redact_event(event, of_call) for event in told],
            [self._redact_link(link) for link in list_items(links)],
            self._share(resource, self.redact_resource),
            self._share(scope, self._redact_scope),
            *map(count_or_zero, dropped),
        )
        return make_row(SpanFields, values)

    def _redact_event(self, event: _Event, of_call: bool) -> EventFields:
        name, timestamp, plain, dropped, names = event
        redacted = self._redactor.redact_attributes(plain, names, of_call=of_call)
        text = self._redactor.redact_text("event.name", name)
        count = self._count_left_out(count_or_zero(dropped), plain, redacted)
        return make_row(EventFields, (text, time_or_nan(timestamp), redacted, count))

    def _redact_link(self, link: Any) -> LinkFields:
        context, attributes, dropped = read_fields(link, LinkFields)
        plain = copy_attributes(attributes)
        redacted = self._redactor.redact_attributes(plain)
        count = self._count_left_out(count_or_zero(dropped), plain, redacted)
        return LinkFields(self._redact_context(context), redacted, count)

    def _mask_content(self, name: Any, attributes: Mapping[Any, Any]) -> Any:
        """Return a span's name without the content in it."""
        captured = self._redactor.captured
        if captured is None or not isinstance(name, str):
            return name
        try:
            return mask_content(name, attributes, captured.is_content)
        except Exception:  # values reach an exporter unchecked, with methods of their own
            return REDACTED

    def _count_left_out(self, dropped: Any, attributes: Mapping[Any, Any], kept: Mapping[Any, Any]) -> Any:
        captured = self._redactor.captured
        if captured is None or not captured.counts or type(dropped) is not int:
            return dropped
        return dropped + len(attributes) - len(kept)

    def _redact_status(self, status: Any, of_call: bool) -> Any:
        code, description = read_fields(status, StatusFields)
        captured = self._redactor.captured
        if captured is not None and not captured.has_description(of_call=of_call):
            description = None
        if description is not None:
            description = self._redactor.redact_text("status.description", description)
        return make_row(StatusFields, (member_or_none(code), description))

    def _redact_context(self, context: Any) -> Any:
        if context is None:
            return None
        trace_id, span_id, is_remote, trace_flags, trace_state = read_fields(context, ContextFields)
        return ContextFields(
            integer_or_none(trace_id),
            integer_or_none(span_id),
            is_remote is True,
            integer_or_none(trace_flags),
            self._redact_trace_state(trace_state),
        )

    def _redact_trace_state(self, trace_state: Any) -> RedactedTraceState | None:
        try:
            if not trace_state:
                return None
            if isinstance(trace_state, Mapping):
                masks_key = self._redactor.masks_key
                members = trace_state.items()
                header = ",".join(f"{key}={REDACTED if masks_key(key) else value}" for key, value in members)
            else:
                header = trace_state.to_header()
        except Exception:
            return RedactedTraceState(Repaired(REDACTED))
        return RedactedTraceState(self._redactor.redact_text("trace_state", header))

    def _redact_instrument(self, fields: InstrumentFields) -> InstrumentFields:
        captured = self._redactor.captured
        has_description = captured is None or captured.has_metric_description()
        return fields._replace(
            name=self._redact_text("metric.name", fields.name, ""),
            description=self._redact_text("metric.description", fields.description, "") if has_description else "",
            unit=self._redact_text("metric.unit", fields.unit, ""),
            kind=fields.kind if fields.kind in KINDS else "",
            temporality=fields.temporality if fields.temporality in TEMPORALITIES else None,
            is_monotonic=flag_or_none(fields.is_monotonic),
            metadata=self._redactor.redact_attributes(fields.metadata),
        )

    def _redact_exemplar(self, exemplar: Any, of_call: bool) -> ExemplarFields:
        value, time, trace_id, span_id, attributes = read_fields(exemplar, ExemplarFields)
        return ExemplarFields(
            keep_number(value),
            keep_number(time),
            integer_or_none(trace_id),
            integer_or_none(span_id),
            self._redactor.redact_attributes(attributes, of_call=of_call),
        )

    def _redact_scope(self, scope: Any) -> ScopeFields | None:
        if scope is None:
            return None
        name, version, schema_url, attributes = read_fields(scope, ScopeFields)
        return ScopeFields(
            self._redactor.redact_text("scope.name", name),
            self._redact_text("scope.version", version, None),
            self._redact_text("scope.schema_url", schema_url, ""),
            self._redactor.redact_attributes(attributes),
        )

    def _redact_text(self, key: str, text: Any, missing: str | None) -> Any:
        return missing if text is None else self._redactor.redact_text(key, text)

    def _share(self, original: Any, redact: Callable[[Any], Any]) -> Any:
        shared = self._shared.get(id(original))
        if shared is None:
            shared = original, redact(original)
            remember(self._shared, id(original), shared)
        return shared[1]


def _read_event(event: Any) -> _Event:
    name, timestamp, attributes, dropped = read_fields(event, EventFields)
    plain = copy_attributes(attributes)
    return _Event(name, timestamp, plain, dropped, find_names(name, plain))
