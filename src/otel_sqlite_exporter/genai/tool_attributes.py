# SPDX-License-Identifier: Apache-2.0
"""The arguments and the result of a tool, as the attributes and events of its span hold them. Pure, and nothing here
raises for any value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.genai.column_readers import find_value
from otel_sqlite_exporter.genai.content_sources import NATIVE, ContentPlan, get_content
from otel_sqlite_exporter.genai.event_content import RecordedMessages, find_tool_events
from otel_sqlite_exporter.genai.messages.normalise import read_messages
from otel_sqlite_exporter.genai.messages.tool_content import clean_call_id, read_arguments, read_result
from otel_sqlite_exporter.genai.messages.tool_mentions import find_tool_results
from otel_sqlite_exporter.model.dialect import ColumnSource
from otel_sqlite_exporter.model.left_out import CALL_ID, find_left_member

_CALL_ID = '"tool_call_id"'
_CALLBACK = '{"input_str"'


class ToolContent(NamedTuple):
    """The arguments and the result of a tool, each as JSON or as the text that came, without envelopes; None where a
    view reads it. `call_id` is the one that a message of LangChain names, as its callbacks get it."""

    arguments: str | None
    result: str | None
    call_id: str | None
    is_error: bool


def find_tool_content(
    plan: ContentPlan,
    attributes: Mapping[str, Any],
    records: Sequence[RecordedMessages],
    tool_name: str | None,
    *,
    is_span: bool,
) -> ToolContent:
    """Return what the attributes of a tool hold. What none holds, `records` may, which are of its events."""
    arguments = _find_arguments(plan["arguments"], attributes, is_span, tool_name)
    result, is_error, call_id = _find_result(plan["result"], attributes, is_span)
    if records:
        recorded = find_tool_events(records)
        if arguments is None and attributes.get(NATIVE["arguments"]) is None:
            arguments = read_arguments(recorded[0], tool_name)
        if result is None and attributes.get(NATIVE["result"]) is None:
            result, is_error = read_result(recorded[1])
    return ToolContent(arguments, result, call_id, is_error)


def _find_arguments(
    sources: Sequence[ColumnSource], attributes: Mapping[str, Any], is_span: bool, tool_name: str | None
) -> str | None:
    for source in sources:
        value = get_content(source, attributes)
        if type(value) is str and value.startswith(_CALLBACK):
            inputs = find_value(value, ("inputs",))
            value = inputs if isinstance(inputs, dict) else value
        is_native = source.names[0].name == NATIVE["arguments"]
        text = None if value is None else read_arguments(value, tool_name, is_native=is_native)
        if text is not None:
            return None if is_span and is_native and text == value else text
    return None


def _find_result(
    sources: Sequence[ColumnSource], attributes: Mapping[str, Any], is_span: bool
) -> tuple[str | None, bool, str | None]:
    for source in sources:
        value = get_content(source, attributes)
        if value is None:
            left = find_left_member((attributes.get(name.name) for name in source.names), CALL_ID)
            if isinstance(left, str):
                return None, False, left
            continue
        if type(value) is str and value[:1] == "{" and _CALL_ID in value:
            found = find_tool_results(read_messages(value, "tool") or ())
            if len(found) == 1:
                return found[0].result, bool(found[0].is_error), clean_call_id(found[0].tool_call_id)
        text, is_error = read_result(value)
        if text is not None:
            is_native = source.names[0].name == NATIVE["result"]
            return None if is_span and is_native and text == value else text, is_error, None
    return None, False, None
