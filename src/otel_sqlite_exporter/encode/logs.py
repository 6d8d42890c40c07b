# SPDX-License-Identifier: Apache-2.0
"""Encodes log records as rows. Pure, except for a cache; the caller passes the time.

As with spans, a value that cannot be kept exactly is repaired and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otel_sqlite_exporter.encode.pairs import split_phase
from otel_sqlite_exporter.encode.record_messages import MessageEncoder
from otel_sqlite_exporter.encode.resources import OriginEncoder
from otel_sqlite_exporter.encode.sessions import USER_ATTRIBUTES, find_naming, plan_naming
from otel_sqlite_exporter.errors import UnreadableMarkError
from otel_sqlite_exporter.genai.event_content import MESSAGE_RECORDS, find_logged_tools
from otel_sqlite_exporter.genai.recognition import find_record_interactions
from otel_sqlite_exporter.genai.rules import Rules, load_rules
from otel_sqlite_exporter.model.event_names import SCORE_EVENT, find_names
from otel_sqlite_exporter.model.mark_rows import is_mark
from otel_sqlite_exporter.model.rows import NO_INTERACTIONS, EncodedLog, Interactions, LogRow
from otel_sqlite_exporter.model.signals import LogFields
from otel_sqlite_exporter.model.stored_values import as_stored
from otel_sqlite_exporter.model.values import (
    decode_text,
    encode_attributes,
    encode_integer,
    encode_member,
    encode_span_id,
    encode_trace_id,
    encode_value,
    repair_text,
)


class LogEncoder:
    """Encodes log records for one exporter. `rules` are the dialects in force (default: the shipped ones).
    Thread-safe."""

    def __init__(self, session_attributes: Sequence[str], rules: Rules | None = None) -> None:
        self._rules = rules or load_rules()
        self._session_attributes = tuple(session_attributes)
        self._origins = OriginEncoder(session_attributes)
        self._messages = MessageEncoder()

    def encode_log(self, fields: LogFields, arrival_time_unix_nano: int) -> EncodedLog:
        """Return a log record as rows.

        Raises:
            UnreadableMarkError: It is a pin or a note: whoever may send telemetry may not say what is kept.
        """
        if is_mark(fields):
            raise UnreadableMarkError("pins and notes come into a file by `import`, `pin` and `note` alone")
        origin, repaired = self._origins.encode(fields.resource, fields.scope)
        time, observed, source, bad = _find_times(fields, arrival_time_unix_nano)
        repaired += bad
        trace_id, span_id = encode_trace_id(fields.trace_id), encode_span_id(fields.span_id)
        repaired += (trace_id is None and bool(fields.trace_id)) + (span_id is None and bool(fields.span_id))
        flags = encode_integer(fields.trace_flags, high=255)
        number = fields.severity_number
        severity = encode_member(number, high=24) if hasattr(number, "_value_") else encode_integer(number, high=24)
        repaired += (flags is None and fields.trace_flags is not None) + (severity is None and number is not None)
        severity_text, bad = _encode_text(fields.severity_text)
        repaired += bad
        recorded_name, bad = _encode_text(fields.event_name)
        repaired += bad
        body = body_types = None
        if fields.body is not None:
            body, body_types, bad = encode_value(fields.body)
            repaired += bad
        attributes = fields.attributes
        encoded = encode_attributes(attributes)
        text, types, bad = encoded
        repaired += bad
        own = find_naming(plan_naming(self._session_attributes, attributes), attributes, True, time)
        user = find_naming(plan_naming(USER_ATTRIBUTES, attributes), attributes, True, time)
        session = own
        if own is None and origin.session is not None:
            session = origin.session._replace(time_unix_nano=time)
            if trace_id is None:
                own = session  # no trace could show it
        kept = as_stored(attributes, encoded)
        names = find_names(recorded_name, kept, decode_text(body, body_types), self._rules.is_record)
        event_name = names[0] if names else None
        if event_name == SCORE_EVENT:
            # The process and the person that judge are not those of what is judged.
            session, user = own, None
        stem, phase = split_phase(event_name) if event_name else (None, None)
        row = LogRow(
            event_name=event_name,
            recorded_name=None if event_name == (recorded_name or None) else recorded_name or "",
            time_unix_nano=time,
            observed_time_unix_nano=observed,
            time_source=source,
            severity_number=severity,
            severity_text=severity_text,
            trace_flags=flags,
            dropped_attributes=encode_integer(fields.dropped_attributes) or 0,
            names_session=int(own is not None),
            body_type=body_types,
            body=body,
            attribute_types=types,
            attributes=text,
        )
        interactions = messages = None
        if event_name:
            user_id = user.name if user else None
            interactions = find_record_interactions(names, kept, user_id, self._rules)
            # A record outside of all traces belongs to no call.
            if trace_id is not None and event_name in MESSAGE_RECORDS:
                record, messages = self._messages.encode_record(event_name, text, types, body, body_types)
                if interactions is None:
                    calls, results = find_logged_tools(record)
                    interactions = Interactions(None, None, calls, results) if calls or results else None
        named = (own, session, user, phase, stem, repaired, interactions or NO_INTERACTIONS, messages)
        return EncodedLog(trace_id or "", span_id, row, origin.resource, origin.scope, *named)


def _find_times(fields: LogFields, arrival: int) -> tuple[int, int, str | None, int]:
    """Return the record's time, its observed time, the source of the first (None: the record itself), and how many of
    the record's own times are unusable. In OpenTelemetry 0 means an unknown time."""
    time, observed = encode_integer(fields.timestamp, 1), encode_integer(fields.observed_timestamp, 1)
    bad = (time is None and bool(fields.timestamp)) + (observed is None and bool(fields.observed_timestamp))
    if time is not None:
        return time, observed or arrival, None, bad
    if observed is not None:
        return observed, observed, "observed", bad
    return arrival, arrival, "arrival", bad


def _encode_text(text: Any) -> tuple[str | None, int]:
    return (None, 0) if text is None else repair_text(text)
