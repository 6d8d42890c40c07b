# SPDX-License-Identifier: Apache-2.0
"""Writes conditions as SQL. Only names that are declared become part of the text; every value is bound, attribute keys
included."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.values import get_attribute_path
from otel_sqlite_exporter.query.askable_views import ALSO, LLM_INTERACTIONS, TOOL_INTERACTIONS, AskableView
from otel_sqlite_exporter.query.conditions.condition_trees import (
    AllOf,
    AnyOf,
    Condition,
    ContentCondition,
    ExistsCondition,
    NotMet,
    NumberCondition,
    TextCondition,
)
from otel_sqlite_exporter.query.filter_values import AttributeCondition
from otel_sqlite_exporter.query.pages import field_types

MOST_LOOKUPS = 16
"""Subqueries, each run for each row. In a file of 8,000 traces, 16 take one second, and 64 take 54."""


class Content(NamedTuple):
    """Columns with text that is looked through: of the row itself, or of all rows of `view` that share its `key`."""

    columns: tuple[str, ...]
    view: str = ""
    key: str = ""


def _list_contents(key: str, *own: str) -> tuple[Content, ...]:
    return (
        Content(own),
        Content(("name", "status_description"), "spans", key),
        Content(("prompt", "completion"), "complete_llm_interactions", key),
        Content(("arguments", "result"), "complete_tool_interactions", key),
        Content(("body",), "logs", key),
    )


CONTENTS: Mapping[str, tuple[Content, ...]] = {
    "sessions": _list_contents("session_id", "session_id", "user_id"),
    "traces": _list_contents("trace_id", "name"),
    "spans": (Content(("name", "status_description", "attributes")),),
    "events": (Content(("name", "attributes")),),
    "logs": (Content(("event_name", "body", "attributes")),),
    "scores": (Content(("name", "label", "explanation")),),
    "complete_llm_interactions": (Content(("prompt", "completion")),),
    "complete_tool_interactions": (Content(("arguments", "result")),),
}
"""What a text without a field is looked for in, by view."""


class ConditionWriter:
    """Writes the conditions of one statement about `view`, and binds their values in `parameters`."""

    def __init__(self, view: AskableView[Any], parameters: dict[str, Any]) -> None:
        self._view = view
        self._parameters = parameters
        self._attributes = 0
        self._lookups = 0

    def write(self, condition: Condition) -> str:
        """Return the SQL of a condition: an operand of AND.

        Raises:
            FilterError: The conditions need more than `MOST_LOOKUPS` subqueries.
        """
        if isinstance(condition, AllOf):
            return " AND ".join(map(self.write, condition.parts)) or "TRUE"
        if isinstance(condition, AnyOf):
            return f"({' OR '.join(f'({self.write(part)})' for part in condition.parts)})"
        if isinstance(condition, NotMet):
            return f"({self.write(condition.part)}) IS NOT TRUE"
        if isinstance(condition, AttributeCondition):
            return self._write_attribute(condition)
        if isinstance(condition, ContentCondition):
            return self._write_content(condition)
        if condition == NumberCondition("pinned", "=", True):
            return f"id IN ({self._view.pinned_ids})"
        sql = self._write_column(condition)
        if isinstance(condition, TextCondition) and condition.column == "status" and not condition.patterns:
            return f"{self._write_among(condition.texts)}{sql}"
        if condition.column in field_types(self._view.row_type):
            return sql
        key = self._view.calls_key
        records = LLM_INTERACTIONS if condition.column in field_types(LLM_INTERACTIONS.row_type) else TOOL_INTERACTIONS
        return self._look_up(records.name, "i", key, sql)

    def _write_among(self, statuses: Sequence[str]) -> str:
        """Return the condition, if there is one, that a row is among those that may have these statuses."""
        known = self._view.status_ids
        if not known.keys() >= {*statuses}:
            return ""
        # Few rows run, so they are looked up. The others may be many: the + lets SQLite go on in the order of the list.
        column = "id" if [*statuses] == ["running"] else "+id"
        return f"{column} IN ({' UNION ALL '.join(known[status] for status in statuses)}) AND "

    def _write_column(self, condition: TextCondition | NumberCondition | ExistsCondition) -> str:
        if isinstance(condition, ExistsCondition):
            return f"{condition.column} IS NOT NULL"
        if isinstance(condition, NumberCondition):
            name = bind(self._parameters, condition.name or condition.column, condition.value)
            return f"{condition.column} {condition.operator} :{name}"
        return write_texts(condition, self._parameters)

    def _write_attribute(self, condition: AttributeCondition) -> str:
        key, operator, value = condition
        column = self._view.row_type.ATTRIBUTES
        path = get_attribute_path(key)
        number, self._attributes = self._attributes, self._attributes + 1
        name = bind(self._parameters, f"key_{number}", key if path is None else path)
        if path is None:
            found = f"FROM json_each({column}) AS a WHERE a.key = :{name}"
            type_, stored = f"(SELECT a.type {found})", f"(SELECT a.atom {found})"
        else:
            type_, stored = f"json_type({column}, :{name})", f"{column} ->> :{name}"
        if operator == "exists":
            return f"{type_} IS {'NOT ' if value else ''}NULL"
        if isinstance(value, bool):
            wanted = bind(self._parameters, f"value_{number}", "true" if value else "false")
            return f"{type_} {operator} :{wanted}"
        wanted = bind(self._parameters, f"value_{number}", value)
        # SQLite orders every number before every text. So a number and a text never match each other.
        types = "'text'" if isinstance(value, str) else "'integer', 'real'"
        if operator == "!=":
            return f"{type_} IS NOT NULL AND NOT ({type_} IN ({types}) AND {stored} = :{wanted})"
        return f"{type_} IN ({types}) AND {stored} {operator} :{wanted}"

    def _write_content(self, condition: ContentCondition) -> str:
        text = bind(self._parameters, "texts", json.dumps(condition.texts))
        return f"({' OR '.join(self._write_part(text, part) for part in CONTENTS[self._view.name])})"

    def _write_part(self, text: str, part: Content) -> str:
        if not part.view:
            return f"contains_text(:{text}, {', '.join(part.columns)})"
        found = f"contains_text(:{text}, {', '.join(f'c.{column}' for column in part.columns)})"
        return self._look_up(part.view, "c", part.key, found)

    def _look_up(self, view: str, alias: str, key: str, condition: str) -> str:
        """Return the condition that one of the records of a row, those with its `key`, meets a condition."""
        self._lookups += 1
        if self._lookups > MOST_LOOKUPS:
            raise FilterError(
                "filter",
                f"it asks more than {MOST_LOOKUPS} questions about the records of each row: leave some out, or join "
                "values of a field, as in tool:(a,b)",
            )
        key = f"{alias}.{key} = {self._view.name}.{key}"
        return f"EXISTS (SELECT 1 FROM {view} AS {alias} WHERE {key} AND {condition})"


def bind(parameters: dict[str, Any], name: str, value: Any) -> str:
    """Add a value to `parameters`, and return the name of its parameter: `name`, or `name_2` and so on if that has
    another value."""
    chosen, number = name, 1
    while chosen in parameters and (type(parameters[chosen]), parameters[chosen]) != (type(value), value):
        number += 1
        chosen = f"{name}_{number}"
    parameters[chosen] = value
    return chosen


def write_texts(condition: TextCondition, parameters: dict[str, Any]) -> str:
    """Return the condition on a column with text, and add what it binds to `parameters`. A model is the one that
    answered, or the one that was asked for, unless the condition is exact."""
    column = condition.column
    columns = [column, *([ALSO[column]] if column in ALSO and not condition.is_exact else ())]
    wanted = [] if not condition.texts else [_write_equal(column, condition.texts, parameters)]
    for pattern in condition.patterns:
        # GLOB knows no collation.
        wanted.append(f"GLOB :{bind(parameters, f'{column}_like', pattern)}")
    tests = [_compare(one, test) for test in wanted for one in columns]
    return tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"


def _write_equal(column: str, texts: Sequence[str], parameters: dict[str, Any]) -> str:
    if len(texts) == 1:
        return f"= :{bind(parameters, column, texts[0])}"
    return f"IN (SELECT value FROM json_each(:{bind(parameters, column, json.dumps(texts))}))"


def _compare(column: str, test: str) -> str:
    if column != "severity_text":
        return f"{column} {test}"
    # The text of a severity is that of the logging library, and libraries differ in case. GLOB knows no collation.
    return f"lower({column}) {test}" if test.startswith("GLOB") else f"{column} COLLATE NOCASE {test}"
