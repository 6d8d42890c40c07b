# SPDX-License-Identifier: Apache-2.0
"""Reads events that were recorded without OpenTelemetry (in an event log or an attribute-row file) as log records,
which are encoded, linked and paired like any other. Pure, except for a cache.

A value without a field in a log record becomes an attribute whose name begins with `original.`: an id that is not a
valid OpenTelemetry id, the parent span, the schema version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import tzinfo
from hashlib import blake2b
from typing import Any, NamedTuple

from otel_sqlite_exporter.imports.timestamps import parse_timestamp
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.signals import LogFields, ResourceFields, ScopeFields

ORIGINAL = "original."
"""Prefix of attributes that keep what a log record has no field for."""
_SEVERITIES = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "WARNING": 13, "ERROR": 17, "CRITICAL": 21, "FATAL": 21}
_HEX = re.compile("[0-9a-f]+", re.IGNORECASE)
_TRACE_ID_BYTES, _SPAN_ID_BYTES = 16, 8


class EventRecord(NamedTuple):
    """An event as it was recorded. Any field except name and attributes may be None or of any type."""

    name: str | None
    attributes: Mapping[str, Any]
    timestamp: Any = None
    level: Any = None
    agent_id: Any = None
    trace_id: Any = None
    span_id: Any = None
    parent_span_id: Any = None
    session_id: Any = None
    schema_version: Any = None


class EventReader:
    """Reads the events of one source. `agents` are more resource attributes of agents, by their ids. Timestamps without
    an offset are in `zone` (None: the local time zone)."""

    def __init__(
        self, scope: ScopeFields, *, zone: tzinfo | None, agents: Mapping[Any, Mapping[str, Any]] | None = None
    ) -> None:
        self._scope = scope
        self._zone = zone
        self._agents = agents or {}
        self._origins: dict[Any, ResourceFields] = {}

    def read(self, record: EventRecord) -> LogFields:
        """Return the fields of the log record of `record`. The time is None if it cannot be read. Never raises."""
        attributes = dict(record.attributes)
        trace_id, kept_trace = identify_trace(record.trace_id)
        span_id, kept_span = identify_span(record.span_id)
        originals = {
            "trace_id": kept_trace,
            "span_id": kept_span,
            "parent_span_id": record.parent_span_id,
            "schema_version": record.schema_version,
        }
        time = parse_timestamp(record.timestamp, self._zone)
        if time is None:
            originals["timestamp"] = record.timestamp
        for name, value in originals.items():
            if value is not None:
                attributes.setdefault(f"{ORIGINAL}{name}", value)
        if record.session_id is not None:
            named = attributes.setdefault("session.id", record.session_id)
            if named != record.session_id:
                attributes["session.id"] = record.session_id
                attributes.setdefault(f"{ORIGINAL}session.id", named)
        level = record.level if isinstance(record.level, str) else None
        return LogFields(
            timestamp=time,
            observed_timestamp=time,
            trace_id=trace_id,
            span_id=span_id,
            trace_flags=None,
            severity_text=record.level,
            severity_number=_SEVERITIES.get(level.upper()) if level else None,
            event_name=record.name,
            body=None,
            attributes=attributes,
            dropped_attributes=0,
            resource=self.describe_agent(record.agent_id),
            scope=self._scope,
        )

    def describe_agent(self, agent_id: Any) -> ResourceFields:
        """Return the resource of an agent: its id as service name, and `gen_ai.agent.*`."""
        key = agent_id if isinstance(agent_id, (str, int)) else str(agent_id)
        origin = self._origins.get(key)
        if origin is None:
            attributes: dict[str, Any] = {}
            if agent_id is not None:
                attributes = {"service.name": str(agent_id), "gen_ai.agent.id": str(agent_id)}
            origin = ResourceFields({**attributes, **self._agents.get(key, {})})
            remember(self._origins, key, origin)
        return origin


def identify_trace(text: Any) -> tuple[int, str | None]:
    """Return the trace id of a recorded one (0: none). One that is not a valid OpenTelemetry id gets an id made of its
    digest, always the same, and is returned too (None: the id says it all)."""
    return _identify(text, _TRACE_ID_BYTES)


def identify_span(text: Any) -> tuple[int, str | None]:
    """Return the span id of a recorded one, as `identify_trace` does."""
    return _identify(text, _SPAN_ID_BYTES)


def _identify(recorded: Any, size: int) -> tuple[int, str | None]:
    if recorded is None or recorded == "":
        return 0, None
    text = str(recorded)
    digits = text.replace("-", "") if size == _TRACE_ID_BYTES else text
    if len(digits) == 2 * size and _HEX.fullmatch(digits) and digits.strip("0"):
        return int(digits, 16), None if text == digits.lower() else text
    return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=size).digest(), "big") or 1, text
