# SPDX-License-Identifier: Apache-2.0
"""The fields of the filter language, each declared once: its type, and the column that it stands for in each view.

Where a view lacks the column, the field asks for a model call or a tool execution that has the value: see
`condition_trees`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.askable_views import (
    CHOICES,
    EVENTS,
    LLM_INTERACTIONS,
    LOGS,
    SCORES,
    SESSIONS,
    SPANS,
    START,
    TOOL_INTERACTIONS,
    TRACES,
    AskableView,
)

_ALL = (SESSIONS, TRACES, SPANS, EVENTS, LOGS, LLM_INTERACTIONS, TOOL_INTERACTIONS, SCORES)
_GROUPS = (SESSIONS, TRACES)
_CALLS, _TOOLS = (LLM_INTERACTIONS,), (TOOL_INTERACTIONS,)
_RECORDS = (*_CALLS, *_TOOLS)
_OF_SPANS = (SPANS, *_RECORDS)
_IN_TRACES = (TRACES, SPANS, EVENTS, LOGS, *_RECORDS, SCORES)
_TIMED = (*_GROUPS, *_OF_SPANS)
_END = "end_time_unix_nano"


class FilterField(NamedTuple):
    """A field of the filter language.

    Attributes:
        type: `text`, `choice`, `number`, `duration` (milliseconds in the column), `time` (nanoseconds), `flag`,
            `severity`, `since`, `until`; of the two that have no column, `has` and `attribute`.
        column: Its column; a view of `columns` has another.
        views: The views that have the field.
        meaning: What it is, in a few words.
        is_exact: Only its column counts, not one beside it.
    """

    name: str
    type: str
    column: str
    views: tuple[AskableView[Any], ...]
    meaning: str
    columns: Mapping[str, str] = {}
    is_exact: bool = False

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that there are, if they are fixed."""
        return CHOICES.get(self.column, ()) if self.type == "choice" else ("true", "false") * (self.type == "flag")

    def get_column(self, view: AskableView[Any]) -> str:
        """Return the column in `view`, or in its calls or tools."""
        return self.columns.get(view.name, self.column)


_field = FilterField
FILTER_FIELDS: tuple[FilterField, ...] = (
    _field("model", "text", "model", (*_GROUPS, *_CALLS), "the model that answered, or the one that was asked for"),
    _field("answering_model", "text", "model", _CALLS, "the model that answered, if a record tells", is_exact=True),
    _field("provider", "text", "provider", (*_GROUPS, *_CALLS), "such as `openai`"),
    _field("operation", "text", "operation", (*_GROUPS, *_CALLS), "such as `chat`"),
    _field("agent", "text", "agent_name", (*_GROUPS, *_RECORDS), "the agent that it belongs to"),
    _field("tool", "text", "tool_name", (*_GROUPS, *_TOOLS), "the name of the tool"),
    _field("tool_call", "text", "tool_call_id", _TOOLS, "the id by which a model asked for it"),
    _field("status", "choice", "status", (*_GROUPS, *_OF_SPANS), "how it ended, or that it runs"),
    _field("error", "text", "error_type", (*_RECORDS, SCORES), "the type of its error, such as `TimeoutError`"),
    _field(
        *("error_message", "text", "error_message", _OF_SPANS, "what its error says"),
        {SPANS.name: "status_description"},
    ),
    _field(
        "name",
        "text",
        "name",
        (TRACES, SPANS, EVENTS, *_RECORDS, SCORES),
        "of the span, event or score; a trace's root",
    ),
    _field("kind", "choice", "kind", (SPANS,), "of the span"),
    _field("service", "text", "service_name", _ALL, "`service.name`"),
    _field("scope", "text", "scope_name", (SPANS, LOGS), "the instrumentation"),
    _field("session", "text", "session_id", _ALL, "the id of the session"),
    _field("conversation", "text", "conversation_id", _OF_SPANS, "the id of the conversation"),
    _field("user", "text", "user_id", (*_GROUPS, *_OF_SPANS), "the id of the user"),
    _field("trace", "text", "trace_id", _IN_TRACES, "the trace id"),
    _field("span", "text", "span_id", _IN_TRACES[1:], "the span id"),
    _field("parent", "text", "parent_span_id", _OF_SPANS, "the span id of the parent"),
    _field("event", "text", "event_name", (EVENTS, LOGS), "the name of the event", {EVENTS.name: "name"}),
    _field("source", "choice", "source", (EVENTS,), "what recorded it"),
    _field("phase", "choice", "phase", (EVENTS,), "of a pair"),
    _field("link", "choice", "link_method", (EVENTS,), "how a start and a finish were linked"),
    _field("severity", "severity", "severity_text", (LOGS,), "as in `severity:ERROR` (any case) or `severity>=warn`"),
    _field("cost", "number", "cost_usd", (*_GROUPS, *_CALLS), "US dollars"),
    _field("tokens", "number", "total_tokens", (*_GROUPS, *_CALLS), "input and output"),
    _field("input_tokens", "number", "input_tokens", (*_GROUPS, *_CALLS), "with cached ones"),
    _field("output_tokens", "number", "output_tokens", (*_GROUPS, *_CALLS), "with reasoning"),
    _field("cached_tokens", "number", "cached_input_tokens", _CALLS, "read from a cache"),
    _field("reasoning_tokens", "number", "reasoning_tokens", _CALLS, "of the output"),
    _field("duration", "duration", "duration_ms", (*_TIMED[:3], EVENTS, *_RECORDS), "from start to end"),
    _field("first_token", "duration", "time_to_first_token_ms", _CALLS, "the time to the first token"),
    _field("spans", "number", "spans", _GROUPS, "how many spans"),
    _field("calls", "number", "llm_calls", _GROUPS, "how many model calls"),
    _field("errors", "number", "errors", _GROUPS, "how many failed spans"),
    _field("failed_calls", "number", "failed_calls", _GROUPS, "how many failed model calls"),
    _field("failed_tools", "number", "failed_tools", _GROUPS, "how many failed tool executions"),
    _field("start", "time", START, _ALL, "when it started"),
    _field("end", "time", _END, _TIMED, "when it ended"),
    _field("since", "since", START, _ALL, "at or after this time, as the keyword `since`"),
    _field("until", "until", START, _ALL, "before this time, as the keyword `until`"),
    _field("pinned", "flag", "pinned", _GROUPS, "whether it is pinned"),
    _field("pin", "text", "pin_label", _GROUPS, "the label of its pin"),
    _field("note", "text", "note", _GROUPS, "the note on it"),
    _field("scores", "number", "scores", _GROUPS, "how many scores"),
    _field("value", "number", "value", (SCORES,), "the score as a number"),
    _field("label", "text", "label", (SCORES,), "the score as a word, such as `pass`"),
    _field("response", "text", "response_id", (SCORES,), "the id of the answer that is judged"),
    _field("counted", "flag", "counted", _RECORDS, "whether it counts, and repeats no other"),
    _field("has", "has", "", _ALL, "a field, or `attr.KEY`, that has a value"),
    _field("attr.KEY", "attribute", "", _ALL, 'an attribute; other characters: `attr."a key"`'),
)
"""In the order of docs/filters.md, which has this table."""
_BY_NAME = {field.name: field for field in FILTER_FIELDS}


def fields_of(view: AskableView[Any]) -> tuple[FilterField, ...]:
    """Return the fields that a filter of `view` can have."""
    return tuple(field for field in FILTER_FIELDS if view in field.views)


def find_field(name: str) -> FilterField | None:
    """Return the field of this name, whichever views have it."""
    return _BY_NAME.get("attr.KEY" if name == "attr" else name)
