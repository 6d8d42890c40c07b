# SPDX-License-Identifier: Apache-2.0
"""What the panel of a span shows as HTML: attributes, messages, arguments and results, within the bounds of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from otel_sqlite_exporter.model.values import decode_attributes
from otel_sqlite_exporter.query.conversations.conversation_reader import read_prompt, read_texts
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary, LogSummary, ToolInteractionSummary
from otel_sqlite_exporter.server.page.call.recorded_attributes import RecordedAttribute, list_attributes
from otel_sqlite_exporter.server.page.messages.message_html import render_messages, render_value
from otel_sqlite_exporter.server.page.messages.page_allowance import PageAllowance
from otel_sqlite_exporter.server.page.trace.span_panel import SpanPanel
from otel_sqlite_exporter.show.units import format_ms

_CHARACTERS, _SECONDS = 150_000, 0.2
_TYPE, _MESSAGE, _STACK = "exception.type", "exception.message", "exception.stacktrace"
_LONGEST_TYPE = 200
_SHOWN_OPEN = 3
"""A prompt of more messages is folded."""


class ShownCall(NamedTuple):
    """A model call of the span, with its messages."""

    call: LLMInteractionSummary
    prompt: Markup | None
    messages: int
    is_prompt_open: bool
    completion: Markup | None


class ShownTool(NamedTuple):
    """A tool execution of the span, with its arguments and its result."""

    tool: ToolInteractionSummary
    arguments: Markup | None
    result: Markup | None


class ShownEvent(NamedTuple):
    """An event of the span. An exception has its type, message and stack trace apart from the other attributes."""

    name: str
    after: str | None
    is_exception: bool
    type: str
    message: Markup | None
    stack: Markup | None
    attributes: Sequence[RecordedAttribute]


class ShownLink(NamedTuple):
    """A link to another span, or from one, which then has a name."""

    trace_id: str
    span_id: str
    name: str
    attributes: Sequence[RecordedAttribute]


class ShownLog(NamedTuple):
    """A log record of the span."""

    log: LogSummary
    body: Markup | None
    attributes: Sequence[RecordedAttribute]


class PanelContents(NamedTuple):
    """What is shown of a span beside its plain facts."""

    error: Markup | None
    calls: Sequence[ShownCall]
    tools: Sequence[ShownTool]
    events: Sequence[ShownEvent]
    attributes: Sequence[RecordedAttribute]
    logs: Sequence[ShownLog]
    links: Sequence[ShownLink]
    links_here: Sequence[ShownLink]
    resource: Sequence[RecordedAttribute]
    scope: Sequence[RecordedAttribute]


def show_contents(panel: SpanPanel) -> PanelContents:
    """Return the contents of a panel. What is shown first is the last that is cut."""
    allowance, span = PageAllowance(characters=_CHARACTERS, seconds=_SECONDS), panel.span
    return PanelContents(
        error=_show_text(span.status_description, allowance),
        calls=[_show_call(call, allowance) for call in panel.calls],
        tools=[_show_tool(tool, allowance) for tool in panel.tools],
        events=[_show_event(event, span.start_time_unix_nano, allowance) for event in panel.beside.events],
        attributes=show_attributes(span.attributes, span.attribute_types, allowance),
        logs=[_show_log(log, allowance) for log in panel.logs],
        links=[_show_link(link, allowance) for link in panel.beside.links],
        links_here=[ShownLink(one["trace_id"], one["span_id"], one["name"], ()) for one in panel.beside.links_here],
        resource=show_attributes(span.resource_attributes, span.resource_attribute_types, allowance),
        scope=show_attributes(span.scope_attributes, span.scope_attribute_types, allowance),
    )


def show_raw(panel: SpanPanel) -> list[RecordedAttribute]:
    """Return all columns of the row of the span, as the file has them."""
    values = {name: value for name in panel.span.__slots__ if (value := getattr(panel.span, name)) is not None}
    return list_attributes(values, PageAllowance(characters=_CHARACTERS, seconds=0))


def show_attributes(text: str | None, types: str | None, allowance: PageAllowance) -> list[RecordedAttribute]:
    """Return attributes as they were recorded, in alphabetical order."""
    attributes: Any = decode_attributes(text, types) if text else {}
    if not isinstance(attributes, Mapping):
        return []
    return list_attributes({str(name): attributes[name] for name in sorted(attributes)}, allowance)


def _show_call(call: LLMInteractionSummary, allowance: PageAllowance) -> ShownCall:
    prompt, completion = read_prompt(call), read_texts(None, call.completion)
    answer = render_messages(completion, allowance=allowance) if completion else None  # it matters more: first
    asked = render_messages(prompt, allowance=allowance) if prompt else None
    return ShownCall(call, asked, len(prompt), len(prompt) <= _SHOWN_OPEN, answer)


def _show_tool(tool: ToolInteractionSummary, allowance: PageAllowance) -> ShownTool:
    return ShownTool(tool, _show_text(tool.arguments, allowance), _show_text(tool.result, allowance))


def _show_text(text: str | None, allowance: PageAllowance) -> Markup | None:
    return None if text is None else render_value(text, allowance=allowance)


def _show_event(event: Mapping[str, Any], start: int, allowance: PageAllowance) -> ShownEvent:
    attributes: Any = decode_attributes(event["attributes"], event["attribute_types"]) if event["attributes"] else {}
    type_, message, stack = (str(attributes.pop(name, "")) for name in (_TYPE, _MESSAGE, _STACK))
    return ShownEvent(
        event["name"],
        format_ms((event["start_time_unix_nano"] - start) / 1e6),
        bool(type_ or message or stack),
        type_[:_LONGEST_TYPE],
        _show_text(message or None, allowance),
        _show_text(stack or None, allowance),
        list_attributes(attributes, allowance),
    )


def _show_link(link: Mapping[str, Any], allowance: PageAllowance) -> ShownLink:
    attributes = show_attributes(link["attributes"], link["attribute_types"], allowance)
    return ShownLink(link["linked_trace_id"], link["linked_span_id"], "", attributes)


def _show_log(log: LogSummary, allowance: PageAllowance) -> ShownLog:
    body = _show_text(log.body, allowance)
    return ShownLog(log, body, show_attributes(log.attributes, log.attribute_types, allowance))
