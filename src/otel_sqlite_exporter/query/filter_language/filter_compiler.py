# SPDX-License-Identifier: Apache-2.0
"""Compiles a filter text to conditions on a view."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.search_terms import fold
from otel_sqlite_exporter.query.askable_views import START, AskableView
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
from otel_sqlite_exporter.query.filter_language.field_values import (
    build_range,
    is_moment,
    read_amount,
    read_bound,
    read_choices,
    read_duration,
    read_flag,
    read_moment,
    read_scalar,
    read_severity,
    split_range,
)
from otel_sqlite_exporter.query.filter_language.filter_fields import FilterField, fields_of, find_field
from otel_sqlite_exporter.query.filter_language.filter_parser import check_text, parse_filter
from otel_sqlite_exporter.query.filter_language.filter_syntax import (
    WrittenGroup,
    WrittenNot,
    WrittenPart,
    WrittenTerm,
    WrittenText,
    WrittenValue,
    list_terms,
    make_error,
    pointing,
)
from otel_sqlite_exporter.query.filter_language.foreign_syntax import (
    refuse_foreign_value,
    refuse_foreign_word,
    refuse_lower_case,
)
from otel_sqlite_exporter.query.filter_values import AttributeCondition, fold_id, parse_wanted

_EQUAL = (":", "=")
_NAME_LENGTH = 40
_ESCAPED = re.compile(r"\[([*?\[])\]")
_READ_NUMBER: Mapping[str, Callable[[str], int | float]] = {"number": read_amount, "duration": read_duration}


def compile_filter(view: AskableView[Any], text: str) -> Condition:
    """Return the condition that a filter text sets to the rows of `view`.

    Raises:
        FilterError: The text cannot be parsed, a field does not exist or is not one of this view, or a value cannot be
            used; the error has the `position`.
        MissingPackageError: lark is not installed.
    """
    part = parse_filter(check_text(text))
    return AllOf(()) if part is None else _compile(view, text, part)


def find_missing_fields(view: AskableView[Any], text: str) -> list[str]:
    """Return the fields in a filter text, also those after `has:`, that others of the views have, but not this one.

    Raises:
        FilterError: The text cannot be parsed; the error has the `position`.
        MissingPackageError: lark is not installed.
    """
    part = parse_filter(check_text(text))
    terms = [] if part is None else [term for term in list_terms(part) if isinstance(term, WrittenTerm)]
    names = [name for term in terms for name in (term.field, *(one.text for one in term.values if term.field == "has"))]
    known = {name: field for name in names if (field := find_field(name)) is not None}
    return [name for name, field in known.items() if view not in field.views]


def _compile(view: AskableView[Any], text: str, part: WrittenPart) -> Condition:
    if isinstance(part, WrittenGroup):
        refuse_lower_case(text, part)
        parts = tuple(_compile(view, text, one) for one in part.parts)
        return AllOf(parts) if part.joint == "AND" else AnyOf(parts)
    if isinstance(part, WrittenNot):
        return NotMet(_compile(view, text, part.part))
    if isinstance(part, WrittenText):
        return _compile_text(text, part)
    field = _find_field(view, text, part.field, part.position)
    with pointing(text, part.position):
        return _compile_term(view, text, field, part)


def _compile_text(text: str, part: WrittenText) -> Condition:
    value = part.value
    if not value.is_quoted:
        refuse_foreign_word(text, part)
    # A word is found inside words too, so a * around it changes nothing.
    wanted = value.text if value.pattern is None else _ESCAPED.sub(r"\1", value.pattern.strip("*"))
    if not wanted and value.pattern is not None:
        return AllOf(())
    if not wanted.strip():
        raise make_error("there is nothing to look for in these quotes", text, part.position)
    return ContentCondition(((fold(wanted),),))


def _compile_term(view: AskableView[Any], text: str, field: FilterField, term: WrittenTerm) -> Condition:
    if term.operator not in (*_EQUAL, "!=") and len(term.values) > 1:
        raise FilterError("filter", f"{term.operator} takes one value: give several after a colon")
    if field.type == "attribute" and not term.key:
        raise FilterError("filter", "give a key after attr, as in attr.error.type:*")
    if set(term.key) & {"*", "?"} and not text.startswith('attr."', term.position):
        raise FilterError("filter", 'a key is no pattern: put it in double quotes, as in attr."a*"')
    if field.type == "has":
        return AnyOf(tuple(_compile_has(view, text, term, value) for value in term.values))
    if field.type in ("since", "until"):
        return _compile_bound(view, text, field, term)
    found = []
    for value in term.values:
        with pointing(text, value.position):
            refuse_foreign_value(text, term, value)
            found.append(_compile_value(view, field, term, value))
    if term.operator != "!=":
        return AnyOf(tuple(found))
    exists = AttributeCondition(term.key, "exists", True) if field.type == "attribute" else None
    return AllOf((exists or ExistsCondition(field.get_column(view)), NotMet(AnyOf(tuple(found)))))


def _compile_has(view: AskableView[Any], text: str, term: WrittenTerm, value: WrittenValue) -> Condition:
    if term.operator not in _EQUAL:
        raise FilterError("filter", "has takes a colon: give has:cost, or -has:cost for what has none")
    if value.pattern is not None:
        raise make_error(
            "has takes the whole name of a field, or of an attribute in double quotes", text, value.position
        )
    name, _, key = value.text.partition(".")
    name, key = ("attr", key) if name == "attr" and key else (value.text, "")
    field = _find_field(view, text, name, value.position)
    with pointing(text, value.position):
        if field.type in ("has", "since", "until") or (field.type == "attribute" and not key):
            raise FilterError("filter", f"has:{value.text} asks for nothing: give a field such as has:cost")
        return _compile_exists(view, field, key)


def _compile_exists(view: AskableView[Any], field: FilterField, key: str) -> Condition:
    if field.type == "attribute":
        return parse_wanted("filter", key, ("exists", True))
    return ExistsCondition(field.get_column(view))


def _compile_bound(view: AskableView[Any], text: str, field: FilterField, term: WrittenTerm) -> Condition:
    if term.operator not in _EQUAL or len(term.values) != 1:
        raise FilterError(
            "filter", f"{field.name} takes one time after a colon: give {field.name}:2d, or compare start"
        )
    (value,) = term.values
    with pointing(text, value.position):
        moment = read_moment(value.text)
    is_since = field.type == "since"
    return NumberCondition(view.since if is_since else START, ">=" if is_since else "<", moment, field.name)


def _compile_value(view: AskableView[Any], field: FilterField, term: WrittenTerm, value: WrittenValue) -> Condition:
    """Return the condition of one value. That of `!=` is the one of `:`."""
    operator = "=" if term.operator in (*_EQUAL, "!=") else term.operator
    if operator == "=" and value.pattern == "*":
        return _compile_exists(view, field, term.key)
    column = field.get_column(view)
    if field.type == "attribute":
        return _compile_attribute(term.key, operator, value)
    if field.type in _READ_NUMBER:
        return _compile_number(column, operator, value, _READ_NUMBER[field.type])
    if field.type == "time":
        return _compile_time(column, operator, value)
    ends = split_range(value) if field.type == "severity" and operator == "=" else None
    if ends is not None:
        return build_range(ends, _compare_severity)
    if field.type == "severity" and (operator != "=" or (value.text.isdecimal() and not value.is_quoted)):
        return _compare_severity(operator, value.text)
    if operator != "=":
        raise FilterError("filter", f"{field.name} cannot be compared by {operator}: give : or !=")
    if field.type == "flag":
        return NumberCondition(column, "=", read_flag(value.text))
    if field.type == "choice":
        return TextCondition(column, read_choices(value, field.choices))
    fold_case = str.lower if field.type == "severity" else partial(fold_id, column)
    if value.pattern is not None:
        return TextCondition(column, patterns=(fold_case(value.pattern),), is_exact=field.is_exact)
    text = value.text if field.type == "severity" else fold_case(value.text)
    return TextCondition(column, (text,), is_exact=field.is_exact)


def _compare_severity(operator: str, text: str) -> Condition:
    return NumberCondition("severity_number", operator, read_severity(text, is_last=operator in (">", "<=")))


def _compile_number(column: str, operator: str, value: WrittenValue, read: Callable[[str], int | float]) -> Condition:
    ends = split_range(value) if operator == "=" else None
    if ends is not None:
        return build_range(ends, lambda one, end: NumberCondition(column, one, read(end)))
    return NumberCondition(column, operator, read(value.text))


def _compile_time(column: str, operator: str, value: WrittenValue) -> Condition:
    ends = split_range(value) if operator == "=" else None
    if ends is not None:
        return build_range(ends, lambda one, end: NumberCondition(column, one, read_moment(end)), (">=", "<"))
    if operator == "=" and not is_moment(value.text):
        raise FilterError("filter", "nothing starts at an exact time: give > or <, or a range such as 2d..1d")
    return NumberCondition(column, operator, read_moment(value.text))


def _compile_attribute(key: str, operator: str, value: WrittenValue) -> Condition:
    ends = split_range(value) if operator == "=" else None
    if ends is not None and any(ends):
        bounds = [read_scalar(value._replace(text=end)) if end else 0 for end in ends]
        if not any(isinstance(bound, (str, bool)) for bound in bounds):
            return build_range(ends, lambda one, end: parse_wanted("filter", key, (one, json.loads(end))))
    if operator == "=" and value.pattern is not None:
        return parse_wanted("filter", key, ("=", value.pattern))._replace(operator="GLOB")
    read = read_scalar if operator in ("=", "!=") else read_bound
    return parse_wanted("filter", key, (operator, read(value)))


def _find_field(view: AskableView[Any], text: str, name: str, position: int) -> FilterField:
    field = find_field(name)
    if field is not None and view in field.views:
        return field
    known = fields_of(view)
    names = {one.name: one.name for one in known} | {one.get_column(view): one.name for one in known if one.column}
    shown = name if len(name) <= _NAME_LENGTH else f"{name[:_NAME_LENGTH]}..."
    close = dict.fromkeys(names[one] for one in get_close_matches(name[:_NAME_LENGTH].lower(), names, 3))
    message = f"{view.title} have no field {shown!r}"
    if field is not None:
        of = ", ".join(one.title for one in field.views)
        raise make_error(f"{message}: {of} have it", text, position)
    meant = [*close, *([f"attr.{shown}"] if "." in name else [])]
    advice = f"did you mean {' or '.join(meant)}?" if meant else f"give {', '.join(one.name for one in known)}."
    raise make_error(f"{message}: {advice} To look for the text, put it in double quotes", text, position)
