# SPDX-License-Identifier: Apache-2.0
"""What a slice of Perfetto tells of its span: ids and status, its call or tool, and its short attributes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.model.values import decode_attributes
from otel_sqlite_exporter.query.exports.track_packets import Argument

MOST_ATTRIBUTES = 32
LONGEST_TEXT = 200
"""The most characters of an attribute that is shown: longer texts, such as prompts, are left out."""
_LONGEST_REASON = 1_000
_CALL_KEYS = {
    "operation": "gen_ai.operation.name",
    "provider": "gen_ai.provider.name",
    "request_model": "gen_ai.request.model",
    "response_model": "gen_ai.response.model",
    "agent_name": "gen_ai.agent.name",
    "tool_name": "gen_ai.tool.name",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cached_input_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cost_usd": "cost_usd",
    "error_type": "error.type",
}
"""The columns of a call or tool that are shown, each by the name that OpenTelemetry has for it. So what masks that
attribute masks the column."""


def add_call(span: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of a span whose attributes also tell what was recognised in it."""
    known = {key: call[column] for column, key in _CALL_KEYS.items() if call[column] is not None}
    if not call["counted"]:
        known["counted"] = False
    attributes = orjson.loads(span["attributes"]) if span.get("attributes") else {}
    return {**span, "attributes": orjson.dumps(known | attributes | known).decode()}


def list_arguments(span: Mapping[str, Any]) -> dict[str, Argument]:
    """Return the names and values that a slice shows."""
    arguments: dict[str, Argument] = {"span_id": span["span_id"], "trace_id": span["trace_id"]}
    for name in ("parent_span_id", "session_id", "status", "kind"):
        if span[name] is not None:
            arguments[name] = span[name]
    if span["status_description"]:
        arguments["status_description"] = span["status_description"][:_LONGEST_REASON]
    return arguments | list_short(span) | arguments


def list_short(row: Mapping[str, Any]) -> dict[str, Argument]:
    """Return the first attributes of a span or an event that are short: numbers, booleans, and texts in one piece."""
    if not row.get("attributes"):
        return {}
    short: dict[str, Argument] = {}
    for name, value in decode_attributes(row["attributes"], row.get("attribute_types")).items():
        if isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) <= LONGEST_TEXT):
            short[name[:LONGEST_TEXT]] = value
        if len(short) == MOST_ATTRIBUTES:
            break
    return short


def name_category(span: Mapping[str, Any], calls: Sequence[Mapping[str, Any]]) -> str:
    """Return the kind of a slice: `call`, `agent` or `tool`, else the kind of the span in small letters."""
    return str(calls[0]["kind"]) if calls else str(span["kind"]).lower()
