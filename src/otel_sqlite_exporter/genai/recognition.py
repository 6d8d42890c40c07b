# SPDX-License-Identifier: Apache-2.0
"""Recognises model calls and tool executions in spans, span events and log records, and fills their columns. Pure.

The names are data: `dialects/`. A column takes the first of its attributes that holds a usable value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.genai.column_readers import FAILED, read_text
from otel_sqlite_exporter.genai.content import AS_RECORDED, find_content
from otel_sqlite_exporter.genai.event_content import RecordedMessages, find_exception_type, find_first_token_ms
from otel_sqlite_exporter.genai.messages.tool_content import clean_call_id
from otel_sqlite_exporter.genai.plans import Ask, InteractionPlan, RowPlan
from otel_sqlite_exporter.genai.rules import AGENTS, CALLS, TOOLS, WAITS, Rules, load_rules
from otel_sqlite_exporter.genai.tool_attributes import find_tool_content
from otel_sqlite_exporter.genai.usage import NOBODY, Outside, Usage, add_hidden, include_parts
from otel_sqlite_exporter.model.event_names import NAME_ATTRIBUTE, find_names
from otel_sqlite_exporter.model.rows import (
    NO_INTERACTIONS,
    EventRow,
    Interactions,
    LLMInteractionRow,
    ToolInteractionRow,
    make_row,
)
from otel_sqlite_exporter.model.values import LARGEST, copy_attributes, decode_attributes


class Surroundings(NamedTuple):
    """The rest of a span beside its attributes. Each of `events` has a `name`, `attributes` and a `timestamp`.
    `records` are the events that hold messages."""

    name: str | None = None
    is_error: bool = False
    events: Sequence[Any] = ()
    start_time_unix_nano: int | None = None
    records: Sequence[RecordedMessages] = ()


_NOTHING = Surroundings()


def plan_interactions(
    types: Mapping[Any, type], rules: Rules | None = None, scope: str | None = None
) -> InteractionPlan | None:
    """Return how to read attributes of these names and types, or None if they cannot describe a call or tool. `rules`
    are the dialects in force (default: the shipped ones), and `scope` is what they find in the span's scope."""
    return (rules or load_rules()).plan_span(types, scope)


def find_interactions(
    plan: InteractionPlan, attributes: Mapping[str, Any], user_id: str | None, span: Surroundings = _NOTHING
) -> Interactions:
    """Return the model call or tool execution that a span with `attributes` describes. An agent or workflow without
    usage becomes a hidden row, with its messages only if it failed: its call may have recorded none. The rest of the
    `span` fills what no attribute holds."""
    if plan.events and span.events:
        attributes = _add_events(attributes, span.events, plan.events)
        plan = plan.plan_again({key: type(value) for key, value in attributes.items()}) or plan
    return _find(plan, attributes, user_id, span, is_span=True)


def find_record_interactions(
    names: Iterable[str], attributes: Mapping[str, Any], user_id: str | None, rules: Rules | None = None
) -> Interactions | None:
    """Return the model call or tool execution that a span event or log record with these `names` reports, or None: by
    the first name that a dialect knows."""
    rules = rules or load_rules()
    for name in names:
        if rules.is_record(name):
            plan = rules.plan_record(name, {key: type(value) for key, value in attributes.items()})
            if plan is not None and _fulfils(plan, attributes):
                found = _find(plan, attributes, user_id, _NOTHING, is_span=False)
                return None if found is NO_INTERACTIONS else found
    return None


def find_event_interactions(
    events: Sequence[EventRow], user_id: str | None, rules: Rules | None = None
) -> Sequence[tuple[int, Interactions]]:
    """Return what the events of a span report, each with the index of the event."""
    rules = rules or load_rules()
    found = []
    for index, event in enumerate(events):
        if rules.is_record(event.name) or NAME_ATTRIBUTE in event.attributes:
            attributes = decode_attributes(event.attributes, event.attribute_types)
            names = find_names(event.name, attributes)
            interactions = find_record_interactions(names, attributes, user_id, rules)
            if interactions is not None:
                found.append((index, interactions))
    return found


def _find(
    plan: InteractionPlan, attributes: Mapping[str, Any], user_id: str | None, span: Surroundings, is_span: bool
) -> Interactions:
    meaning = find_operation(plan, attributes, span)
    if meaning is None:
        return NO_INTERACTIONS
    operation, own_name = meaning
    if operation in TOOLS or operation in WAITS or (operation is None and plan.names_tool):
        return _find_tool(plan, attributes, user_id, span, own_name, is_span=is_span, is_wait=operation in WAITS)
    is_agent = operation in AGENTS
    # Most spans of a framework have an operation that is neither a call nor an agent: only usage makes them a row.
    if not (is_agent or operation is None or operation in CALLS) and _ask(plan.usage, attributes) is None:
        return NO_INTERACTIONS
    llm = plan.llm.narrow_for(attributes)
    row = _read(llm, attributes)
    if llm.models and (row[_REQUEST_MODEL] is None or row[_RESPONSE_MODEL] is None):
        choose_models(llm.models, row, attributes)
    has_usage = unify_usage(plan, row, operation, attributes)
    if not (has_usage or is_agent or operation in CALLS or (operation is None and row[_REQUEST_MODEL] is not None)):
        return NO_INTERACTIONS
    row[_OPERATION] = operation
    row[_USER] = user_id
    # What an unknown word means is not known either: it repeats what is below it, if anything is.
    is_aggregate = operation is not None and operation not in CALLS
    row[_IS_AGGREGATE] = 1 if is_aggregate else 0
    row[_IS_HIDDEN] = 1 if is_agent and not has_usage else 0
    if is_agent and row[_AGENT] is None:
        row[_AGENT] = find_own_name(plan, attributes, span, own_name)
    if row[_COST] is not None:
        row[_COST_STATUS] = "reported"
    if span.is_error and row[_ERROR_TYPE] is None:
        row[_ERROR_TYPE] = find_exception_type(span.events)
    if plan.first_token_events and row[_FIRST_TOKEN] is None:
        row[_FIRST_TOKEN] = find_first_token_ms(span.events, plan.first_token_events, span.start_time_unix_nano)
    if row[_IS_HIDDEN] and not span.is_error:
        return make_row(Interactions, (make_row(LLMInteractionRow, row), None, (), ()))
    has_answer = operation != "embeddings"
    content = find_content(
        plan.content, attributes, span.records, is_span=is_span, has_answer=has_answer, is_aggregate=is_aggregate
    )
    row[_CONTENT] = content[:4]
    if span.events and row[_ERROR_TYPE] is None and operation in CALLS and not (has_usage or is_answered(row)):
        row[_ERROR_TYPE] = find_exception_type(span.events)
    tools = tuple(content.tool_calls), tuple(content.tool_results)
    return make_row(Interactions, (make_row(LLMInteractionRow, row), None, *tools))


def is_answered(row: Sequence[Any]) -> bool:
    """Whether a call without usage had an answer: an exception beside none is why it failed, whatever its status is."""
    completion = row[_COMPLETION]
    return completion == AS_RECORDED or _PART in (completion or "") or any(row[place] is not None for place in _ANSWER)


def _find_tool(
    plan: InteractionPlan,
    attributes: Mapping[str, Any],
    user_id: str | None,
    span: Surroundings,
    own_name: str | None,
    *,
    is_span: bool,
    is_wait: bool,
) -> Interactions:
    row = _read(plan.tool.narrow_for(attributes), attributes)
    if is_wait:
        row[_TOOL_WAITING] = row[_TOOL_DURATION] or 0.0
    elif row[_TOOL_NAME] is None:
        row[_TOOL_NAME] = find_own_name(plan, attributes, span, own_name)
    row[_TOOL_USER] = user_id
    if span.is_error and row[_TOOL_ERROR_TYPE] is None:
        row[_TOOL_ERROR_TYPE] = find_exception_type(span.events)
    name = row[_TOOL_NAME]
    content = find_tool_content(plan.content, attributes, span.records, name, is_span=is_span)
    row[_TOOL_CONTENT] = content[:2]
    row[_TOOL_CALL_ID] = clean_call_id(row[_TOOL_CALL_ID]) or content.call_id
    if content.is_error and row[_TOOL_ERROR_TYPE] is None:
        row[_TOOL_ERROR_TYPE] = FAILED
    return make_row(Interactions, (None, make_row(ToolInteractionRow, row), (), ()))


def choose_models(models: Sequence[Ask], row: list[Any], attributes: Mapping[str, Any]) -> None:
    """The first model that differs from the requested one is the model that answered."""
    for ask in models:
        model = _ask((ask,), attributes)
        if row[_REQUEST_MODEL] is None:
            row[_REQUEST_MODEL] = model
        elif row[_RESPONSE_MODEL] is None and model != row[_REQUEST_MODEL]:
            row[_RESPONSE_MODEL] = model
        if row[_RESPONSE_MODEL] is not None:
            return


def find_operation(
    plan: InteractionPlan, attributes: Mapping[str, Any], span: Surroundings
) -> tuple[str | None, str | None] | None:
    """Return the operation, and the name of the agent or tool in the name of the span (each None: unknown). None: this
    is not a call."""
    for pattern, meaning in plan.names if span.name else ():
        name = pattern.match(span.name)  # type: ignore[arg-type]
        if name is not None:
            return None if meaning is None else (meaning, name or None)
    for name, read, values in plan.operations:
        value = attributes[name]
        if read is not None:
            value = read(value)
        if type(value) is not str:
            value = read_text(value)
        found = "" if value is None else values.get(value, values.get("*", ""))
        if found is None:
            return None
        if found:
            return found if found != "*" else value, None
    return plan.operation, None


def find_own_name(plan: InteractionPlan, attributes: Mapping[str, Any], span: Surroundings, own_name: Any) -> Any:
    """Return the name of an agent or tool: what an attribute holds, else `own_name` of the span's name."""
    found = _ask(plan.own_names, attributes)
    name = own_name if found is None else found
    if name is None and plan.is_named_by_span and span.name:
        return span.name.removesuffix(_CALLED)
    return name


def _add_events(attributes: Mapping[str, Any], events: Sequence[Any], names: frozenset[str]) -> Mapping[str, Any]:
    """Return `attributes` with those of the events of these names. Of equal names, the last that is not null wins."""
    found = dict(attributes)
    for event in events:
        if event.name in names:
            found.update({key: value for key, value in copy_attributes(event.attributes).items() if value is not None})
    return found


def _fulfils(plan: InteractionPlan, attributes: Mapping[str, Any]) -> bool:
    """Whether a record has the values that make it a call."""
    texts = ((read_text(attributes[name]) or "", patterns) for name, patterns in plan.conditions)
    return all(any(pattern.match(text.lower()) is not None for pattern in patterns) for text, patterns in texts)


def unify_usage(plan: InteractionPlan, row: list[Any], operation: str | None, attributes: Mapping[str, Any]) -> bool:
    """Convert the tokens of `row` to their common meaning, and return whether there are any."""
    input, output, total, cached, creation, reasoning = row[_USAGE]
    if input is None and output is None and total is None:
        return False
    if cached or creation or reasoning:
        usage = Usage(input, output, total, cached, creation, reasoning)
        outside = _find_outside(plan, attributes) if plan.parts else plan.outside
        input, output, total = include_parts(usage, outside, row[_PROVIDER])
        row[_TOTALS] = input, output, total
    if total is not None and input is not None and output is not None and total > input + output:
        usage = Usage(input, output, total, cached, creation, reasoning)
        row[_TOTALS] = *add_hidden(usage, row[_PROVIDER], row[_REQUEST_MODEL] or row[_RESPONSE_MODEL]), total
    if total is None and input is not None:
        # Embeddings have no output; for any other call a missing number leaves the total unknown.
        rest = 0 if output is None and operation == "embeddings" else output
        if rest is not None:
            row[_TOTAL] = min(input + rest, LARGEST)
    return True


def _find_outside(plan: InteractionPlan, attributes: Mapping[str, Any]) -> Outside:
    used = ((one for one in part if _ask(one[:1], attributes) is not None) for part in plan.parts)
    return Outside(*(next((providers for _, providers in part), NOBODY) for part in used))


def _read(plan: RowPlan, attributes: Mapping[str, Any]) -> list[Any]:
    row = plan.row.copy()
    for column, name, asks in plan.texts:
        value = attributes[name]
        row[column] = value if value and value.isascii() else _ask(asks, attributes)
    for column, asks in plan.others:
        for name, read in asks:
            value = attributes[name]
            if value is not None and (value := read(value)) is not None:
                row[column] = value
                break
    for column, asks in plan.sums:
        if row[column] is None:
            parts = [_ask((ask,), attributes) for ask in asks]
            row[column] = None if None in parts else min(sum(parts), LARGEST)
    return row


def _ask(asks: Sequence[Ask], attributes: Mapping[str, Any]) -> Any:
    for name, read in asks:
        value = attributes[name]
        if value is not None and (value := read(value)) is not None:
            return value
    return None


_CALLED = ".__call__"  # an object that Python calls is a tool of its own name
_place = LLMInteractionRow._fields.index
_IS_AGGREGATE, _IS_HIDDEN, _USER, _AGENT = map(_place, ("is_aggregate", "is_hidden", "user_id", "agent_name"))
_OPERATION, _PROVIDER, _REQUEST_MODEL = map(_place, ("operation", "provider", "request_model"))
_RESPONSE_MODEL, _ERROR_TYPE = map(_place, ("response_model", "error_type"))
_COST, _COST_STATUS, _TOTAL = map(_place, ("cost_usd", "cost_status", "total_tokens"))
_FIRST_TOKEN = _place("time_to_first_token_ms")
_COMPLETION, _ANSWER = _place("completion"), [*map(_place, ("response_model", "response_id", "finish_reasons"))]
_PART = '"type"'
_TOTALS = slice(_place("input_tokens"), _TOTAL + 1)
_USAGE = slice(_place("input_tokens"), _place("reasoning_tokens") + 1)
_CONTENT = slice(_place("request_parameters"), _place("completion") + 1)
_tool_place = ToolInteractionRow._fields.index
_TOOL_NAME, _TOOL_USER, _TOOL_ERROR_TYPE = map(_tool_place, ("tool_name", "user_id", "error_type"))
_TOOL_CALL_ID = _tool_place("tool_call_id")
_TOOL_DURATION, _TOOL_WAITING = map(_tool_place, ("duration_ms", "waiting_ms"))
_TOOL_CONTENT = slice(_tool_place("arguments"), _tool_place("result") + 1)
