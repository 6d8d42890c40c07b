# SPDX-License-Identifier: Apache-2.0
"""Redacts rows of the views and data points before they are encoded, by the rules by which exporters redact what they
write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from otel_sqlite_exporter.model.event_names import restore_recorded
from otel_sqlite_exporter.model.metric_records.metric_signals import PointFields
from otel_sqlite_exporter.model.signals import (
    ContextFields,
    EventFields,
    LinkFields,
    LogFields,
    ResourceFields,
    ScopeFields,
    SpanFields,
    SpanKind,
    StatusCode,
    StatusFields,
    TraceStateFields,
)
from otel_sqlite_exporter.model.values import (
    decode_value,
    encode_attributes,
    encode_trace_state,
    encode_value,
    repair_text,
)
from otel_sqlite_exporter.otlp.otlp_encoder import Row
from otel_sqlite_exporter.redact.redacted_signals import SpanRedactor

_MOST_CONTEXTS = 1_000


class RowRedactor:
    """Redacts rows as a `SpanRedactor` redacts spans and log records. Ids, times and numbers stay."""

    def __init__(self, redactor: SpanRedactor) -> None:
        self._redactor = redactor
        # The same object for the same text, so that the redactor redacts a resource or scope once.
        self._contexts: dict[Any, Any] = {}

    def redact_span(
        self, span: Row, events: Sequence[Row], links: Sequence[Row]
    ) -> tuple[Row, Sequence[Row], Sequence[Row]]:
        """Return a span, its events and its links."""
        parent = span["parent_span_id"]
        trace_id = int(span["trace_id"], 16)
        redacted = self._redactor.redact_span(
            SpanFields(
                name=span["name"],
                context=_read_context(span["trace_id"], span["span_id"], span),
                parent=None if parent is None else ContextFields(trace_id, int(parent, 16), False, 0, None),
                kind=SpanKind[span["kind"]],
                start_time=span["start_time_unix_nano"],
                end_time=span["end_time_unix_nano"],
                status=StatusFields(StatusCode[span["status_code"]], span["status_description"]),
                attributes=_read_attributes(span),
                events=[_read_event(event) for event in events],
                links=[_read_link(link) for link in links],
                resource=self._read_resource(span),
                instrumentation_scope=self._read_scope(span),
                dropped_attributes=span["dropped_attributes"],
                dropped_events=span["dropped_events"],
                dropped_links=span["dropped_links"],
            )
        )
        return (
            {
                **span,
                **_write_shared(redacted, redacted.resource, redacted.instrumentation_scope),
                "name": repair_text(redacted.name)[0],
                "trace_state": encode_trace_state(redacted.context)[0],
                "status_description": _write_text(redacted.status.description),
            },
            [_write_event(*pair) for pair in zip(events, redacted.events, strict=True)],
            [_write_link(*pair) for pair in zip(links, redacted.links, strict=True)],
        )

    def redact_point(self, point: PointFields) -> PointFields:
        """Return a data point."""
        return self._redactor.redact_point(point)

    def redact_log(self, log: Row) -> Row:
        """Return a log record."""
        redacted = self._redactor.redact_log(
            LogFields(
                timestamp=log["start_time_unix_nano"],
                observed_timestamp=log["observed_time_unix_nano"],
                trace_id=None if log["trace_id"] is None else int(log["trace_id"], 16),
                span_id=None if log["span_id"] is None else int(log["span_id"], 16),
                trace_flags=log["trace_flags"],
                severity_text=log["severity_text"],
                severity_number=log["severity_number"],
                event_name=restore_recorded(log["event_name"], log["recorded_event_name"]),
                body=None if log["body"] is None else decode_value(log["body"], log["body_type"], restore_keys=True),
                attributes=_read_attributes(log),
                dropped_attributes=log["dropped_attributes"],
                resource=self._read_resource(log),
                scope=self._read_scope(log),
            )
        )
        body = None if redacted.body is None else encode_value(redacted.body)
        return {
            **log,
            **_write_shared(redacted, redacted.resource, redacted.scope),
            "severity_text": _write_text(redacted.severity_text),
            "event_name": _write_text(redacted.event_name),
            "recorded_event_name": None,
            "body": None if body is None else body.text,
            "body_type": None if body is None else body.types,
        }

    def redact_mark(self, mark: Row) -> Row | None:
        """Return a pin or a note; None: what it is about is masked, or nothing is left of it."""
        redacted = self.redact_log(mark)
        is_whole = redacted["attributes"] == mark["attributes"] and redacted["body"] is not None
        return redacted if is_whole else None

    def _read_resource(self, row: Row) -> ResourceFields:
        key = (row["resource_schema_url"], row["resource_attributes"], row["resource_attribute_types"])
        resource: ResourceFields = self._share(
            key, lambda: ResourceFields(decode_value(*key[1:], restore_keys=True), key[0])
        )
        return resource

    def _read_scope(self, row: Row) -> ScopeFields | None:
        key = tuple(row[f"scope_{name}"] for name in ("name", "version", "schema_url", "attributes", "attribute_types"))
        name, version, schema_url, attributes, types = key
        if name is None:
            return None
        decoded = None if attributes is None else decode_value(attributes, types, restore_keys=True)
        scope: ScopeFields = self._share(key, lambda: ScopeFields(name, version, schema_url or "", decoded))
        return scope

    def _share(self, key: Any, make: Callable[[], Any]) -> Any:
        if key not in self._contexts:
            if len(self._contexts) >= _MOST_CONTEXTS:
                self._contexts.clear()
            self._contexts[key] = make()
        return self._contexts[key]


def _read_attributes(row: Row) -> dict[Any, Any]:
    attributes: dict[Any, Any] = decode_value(row["attributes"], row["attribute_types"], restore_keys=True)
    return attributes


def _read_context(trace_id: str, span_id: str, row: Row) -> ContextFields:
    state = None if row["trace_state"] is None else TraceStateFields(row["trace_state"])
    return ContextFields(int(trace_id, 16), int(span_id, 16), False, row["trace_flags"], state)


def _read_event(event: Row) -> EventFields:
    name = restore_recorded(event["name"], event["recorded_name"])
    return EventFields(name, event["start_time_unix_nano"], _read_attributes(event), event["dropped_attributes"])


def _read_link(link: Row) -> LinkFields:
    context = _read_context(link["linked_trace_id"], link["linked_span_id"], link)
    return LinkFields(context, _read_attributes(link), link["dropped_attributes"])


def _write_event(event: Row, redacted: EventFields) -> Row:
    return {**event, **_write_own(redacted), "name": repair_text(redacted.name)[0], "recorded_name": None}


def _write_link(link: Row, redacted: LinkFields) -> Row:
    return {**link, **_write_own(redacted), "trace_state": encode_trace_state(redacted.context)[0]}


def _write_own(redacted: Any) -> dict[str, Any]:
    text, types, _ = encode_attributes(redacted.attributes)
    return {"attributes": text, "attribute_types": types, "dropped_attributes": redacted.dropped_attributes}


def _write_shared(redacted: Any, resource: Any, scope: Any) -> dict[str, Any]:
    text, types, _ = encode_attributes(resource.attributes)
    columns = {
        **_write_own(redacted),
        "resource_schema_url": repair_text(resource.schema_url)[0],
        "resource_attributes": text,
        "resource_attribute_types": types,
    }
    if scope is None:
        return columns
    text, types, _ = encode_attributes(scope.attributes)
    return {
        **columns,
        "scope_name": repair_text(scope.name)[0],
        "scope_version": _write_text(scope.version),
        "scope_schema_url": repair_text(scope.schema_url)[0],
        "scope_attributes": text,
        "scope_attribute_types": types,
    }


def _write_text(text: Any) -> str | None:
    return None if text is None else repair_text(text)[0]
