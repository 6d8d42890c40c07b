# SPDX-License-Identifier: Apache-2.0
"""Reads the filters of a question, keyword by keyword, as conditions. The keyword `filter` is a text in the filter
language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.askable_views import CHOICES, START, AskableView
from otel_sqlite_exporter.query.conditions.condition_trees import (
    AllOf,
    Condition,
    NumberCondition,
    TextCondition,
    simplify,
)
from otel_sqlite_exporter.query.filter_values import (
    fold_id,
    parse_attributes,
    parse_flag,
    parse_number,
    parse_texts,
    parse_time,
)


def read_conditions(view: AskableView[Any], filters: Mapping[str, Any]) -> list[Condition]:
    """Return the conditions that a row must all meet. A filter that is None is none.

    Raises:
        FilterError: A filter is unknown, or a value cannot be used.
        MissingPackageError: There is a filter text, and the package that parses it is not installed.
    """
    given = [(argument, value) for argument, value in filters.items() if value is not None]
    whole = simplify(AllOf(tuple(one for filter in given for one in _read_filter(view, *filter))))
    return [*whole.parts] if isinstance(whole, AllOf) else [whole]


def _read_filter(view: AskableView[Any], argument: str, value: Any) -> list[Condition]:
    if argument not in view.arguments:
        raise FilterError(argument, f"{view.name} has no such filter: give {', '.join(view.arguments)}")
    if argument == "filter":
        from otel_sqlite_exporter.query.filter_language.filter_compiler import compile_filter

        return [compile_filter(view, value)]
    if argument == "since":
        return [NumberCondition(view.since, ">=", parse_time(argument, value), argument)]
    if argument == "until":
        return [NumberCondition(START, "<", parse_time(argument, value), argument)]
    if argument == "attributes":
        return [*parse_attributes(argument, value)]
    if argument.startswith("min_"):
        return [NumberCondition(argument.removeprefix("min_"), ">=", parse_number(argument, value), argument)]
    if argument in ("counted", "pinned"):
        return [NumberCondition(argument, "=", parse_flag(argument, value))]
    return [read_texts(argument, value)]


def read_texts(argument: str, value: Any) -> TextCondition:
    """Return the condition that a column has one of these texts.

    Raises:
        FilterError: `value` is not text, or not a choice.
    """
    texts = parse_texts(argument, value, CHOICES.get(argument, ()))
    return TextCondition(argument, tuple(fold_id(argument, text) for text in texts))
