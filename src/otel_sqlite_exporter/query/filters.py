# SPDX-License-Identifier: Apache-2.0
"""The keywords of each list, and their types.

Keywords of columns are the columns' names, and take one text or several. `since` and `until` are times. `attributes`
maps keys to what is wanted of each: a value that it equals, `(operator, value)`, or `("exists", True or False)`. Texts
are repaired as those in the file are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypedDict

Time = str | int | datetime | timedelta
"""A moment: nanoseconds since 1970, a datetime (UTC if it names no zone), ISO 8601 text, or how long ago: a timedelta,
or text as `90s`, `15m`, `6h`, `2d`, `1w`."""
Texts = str | Sequence[str]
Scalar = str | int | float | bool
Wanted = Scalar | tuple[str, Scalar]
Attributes = Mapping[str, Wanted] | Sequence[tuple[str, Wanted]]
"""What is wanted of attributes, by key; as pairs, where more than one thing is wanted of a key."""

STATUSES = ("ok", "error", "running", "interrupted")


class SessionFilter(TypedDict, total=False):
    """Of sessions: those with a record at `since` or later, and before `until`; with `model`, `provider` or
    `agent_name` those in which a call of a model has it."""

    since: Time
    until: Time
    session_id: Texts
    user_id: Texts
    service_name: Texts
    model: Texts
    provider: Texts
    agent_name: Texts
    min_duration_ms: float
    min_total_tokens: int
    min_cost_usd: float
    attributes: Attributes


class TraceFilter(TypedDict, total=False):
    """Of traces: those that started at `since` or later, and before `until`; with `model`, `provider` or `agent_name`
    those in which a call of a model has it."""

    since: Time
    until: Time
    session_id: Texts
    trace_id: Texts
    user_id: Texts
    service_name: Texts
    name: Texts
    status: Texts
    model: Texts
    provider: Texts
    agent_name: Texts
    min_duration_ms: float
    min_total_tokens: int
    min_cost_usd: float
    attributes: Attributes


class SpanFilter(TypedDict, total=False):
    """Of spans: those that started at `since` or later, and before `until`."""

    since: Time
    until: Time
    session_id: Texts
    trace_id: Texts
    span_id: Texts
    parent_span_id: Texts
    service_name: Texts
    name: Texts
    kind: Texts
    status: Texts
    scope_name: Texts
    min_duration_ms: float
    attributes: Attributes


class EventFilter(TypedDict, total=False):
    """Of records of spans, of their events and of logs: those that happened at `since` or later, and before `until`."""

    since: Time
    until: Time
    session_id: Texts
    trace_id: Texts
    span_id: Texts
    service_name: Texts
    name: Texts
    source: Texts
    phase: Texts
    link_method: Texts
    min_duration_ms: float
    attributes: Attributes


class LogFilter(TypedDict, total=False):
    """Of log records: those that happened at `since` or later, and before `until`."""

    since: Time
    until: Time
    session_id: Texts
    trace_id: Texts
    span_id: Texts
    service_name: Texts
    event_name: Texts
    severity_text: Texts
    min_severity_number: int
    attributes: Attributes


class LLMInteractionFilter(TypedDict, total=False):
    """Of calls of models: those that started at `since` or later, and before `until`."""

    since: Time
    until: Time
    session_id: Texts
    trace_id: Texts
    span_id: Texts
    user_id: Texts
    agent_name: Texts
    service_name: Texts
    name: Texts
    operation: Texts
    provider: Texts
    model: Texts
    status: Texts
    error_type: Texts
    min_duration_ms: float
    min_total_tokens: int
    min_cost_usd: float
    attributes: Attributes


class ToolInteractionFilter(TypedDict, total=False):
    """Of executions of tools: those that started at `since` or later, and before `until`."""

    since: Time
    until: Time
    session_id: Texts
    trace_id: Texts
    span_id: Texts
    user_id: Texts
    agent_name: Texts
    service_name: Texts
    name: Texts
    tool_name: Texts
    tool_call_id: Texts
    status: Texts
    error_type: Texts
    min_duration_ms: float
    attributes: Attributes


class SearchFilter(TypedDict, total=False):
    """Of searches: calls and tool executions that started at `since` or later, and before `until`; calls alone with
    `model`, `provider` or `operation`, tool executions alone with `tool_name`."""

    since: Time
    until: Time
    session_id: Texts
    trace_id: Texts
    user_id: Texts
    agent_name: Texts
    service_name: Texts
    status: Texts
    model: Texts
    provider: Texts
    operation: Texts
    tool_name: Texts
