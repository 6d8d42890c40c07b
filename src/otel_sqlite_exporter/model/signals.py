# SPDX-License-Identifier: Apache-2.0
"""Spans and log records as encoding reads them, wherever they come from: the SDK, OTLP, another file, or this one.

Each class has the names and values of the SDK's own object, so the rules of encoding and redaction hold for all
sources. Fields are unchecked: a redacted or imported one may hold any value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple


class SpanKind(Enum):
    """Stands for `opentelemetry.trace.SpanKind`."""

    INTERNAL = 0
    SERVER = 1
    CLIENT = 2
    PRODUCER = 3
    CONSUMER = 4


class StatusCode(Enum):
    """Stands for `opentelemetry.trace.StatusCode`."""

    UNSET = 0
    OK = 1
    ERROR = 2


class SpanFields(NamedTuple):
    """Stands for a ReadableSpan."""

    name: Any
    context: ContextFields | None
    parent: ContextFields | None
    kind: Enum | None
    start_time: float | None
    end_time: float | None
    status: StatusFields
    attributes: dict[Any, Any]
    events: Sequence[EventFields]
    links: Sequence[LinkFields]
    resource: ResourceFields
    instrumentation_scope: ScopeFields | None
    dropped_attributes: int
    dropped_events: int
    dropped_links: int


class ContextFields(NamedTuple):
    """Stands for a SpanContext. `trace_state` has `to_header()`."""

    trace_id: int | None
    span_id: int | None
    is_remote: bool
    trace_flags: int | None
    trace_state: Any


class StatusFields(NamedTuple):
    """Stands for a Status."""

    status_code: Enum | None
    description: Any


class EventFields(NamedTuple):
    """Stands for an Event."""

    name: Any
    timestamp: float | None
    attributes: dict[Any, Any]
    dropped_attributes: int


class LinkFields(NamedTuple):
    """Stands for a Link."""

    context: ContextFields | None
    attributes: dict[Any, Any]
    dropped_attributes: int


class ResourceFields(NamedTuple):
    """Stands for a Resource."""

    attributes: Mapping[Any, Any]
    schema_url: Any = ""


class ScopeFields(NamedTuple):
    """Stands for an InstrumentationScope."""

    name: Any
    version: Any = None
    schema_url: Any = ""
    attributes: Mapping[Any, Any] | None = None


class TraceStateFields(dict[str, str]):
    """Stands for a TraceState; keeps the header exactly as it came."""

    def __init__(self, header: str) -> None:
        super().__init__(member.strip().partition("=")[::2] for member in header.split(","))
        self._header = header

    def to_header(self) -> str:
        """Return the W3C `tracestate` header."""
        return self._header


class LogFields(NamedTuple):
    """A log record of any version of the SDK, or of a file."""

    timestamp: Any
    observed_timestamp: Any
    trace_id: Any
    span_id: Any
    trace_flags: Any
    severity_text: Any
    severity_number: Any
    event_name: Any
    body: Any
    attributes: dict[Any, Any]
    dropped_attributes: Any
    resource: Any
    scope: Any
