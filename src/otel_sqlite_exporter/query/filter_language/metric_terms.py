# SPDX-License-Identifier: Apache-2.0
"""Filter texts about metrics: terms that must all hold, of a few fields. Others are of the lists that views have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.metric_records.metric_signals import KINDS
from otel_sqlite_exporter.query.filter_language.field_values import read_choices, read_moment
from otel_sqlite_exporter.query.filter_language.filter_parser import check_text, parse_filter
from otel_sqlite_exporter.query.filter_language.filter_syntax import (
    WrittenGroup,
    WrittenNot,
    WrittenPart,
    WrittenTerm,
    WrittenText,
    WrittenValue,
    make_error,
    pointing,
)

METRIC_FIELDS: Mapping[str, str] = {
    **{"name": "name", "kind": "kind", "unit": "unit"},
    **{"service": "service_name", "session": "session_id", "user": "user_id", "since": "since", "until": "until"},
}
"""The keyword of `find_metrics` that each field stands for. docs/filters.md has these."""
_EQUAL = (":", "=")


def read_metric_terms(text: str) -> dict[str, Any]:
    """Return the keywords of `find_metrics` for a filter text. A word without a field is a part of the name.

    Raises:
        FilterError: The text cannot be parsed, metrics have no such field, or a value cannot be used; the error has the
            `position`.
        MissingPackageError: lark is not installed.
    """
    part = parse_filter(check_text(text))
    found: dict[str, Any] = {}
    for one in [] if part is None else _split(text, part):
        name = "name" if isinstance(one, WrittenText) else one.field
        if METRIC_FIELDS[name] in found:
            raise make_error(f"give {name} once, with commas between values", text, one.position)
        with pointing(text, one.position):
            found[METRIC_FIELDS[name]] = _read_part(one) if isinstance(one, WrittenText) else _read_term(name, one)
    return found


def _split(text: str, part: WrittenPart) -> list[WrittenTerm | WrittenText]:
    if isinstance(part, WrittenGroup) and part.joint == "AND":
        return [term for one in part.parts for term in _split(text, one)]
    if isinstance(part, (WrittenGroup, WrittenNot)):
        raise make_error("a filter of metrics has terms that all hold: leave out OR, NOT and -", text, part.position)
    if isinstance(part, WrittenTerm) and part.field not in METRIC_FIELDS:
        known = ", ".join(METRIC_FIELDS)
        raise make_error(f"metrics have no field {part.field[:40]!r}: give {known}", text, part.position)
    return [part]


def _read_part(part: WrittenText) -> list[str]:
    return [f"*{_read_text(part.value).strip('*')}*"]


def _read_term(name: str, term: WrittenTerm) -> Any:
    if term.operator not in _EQUAL:
        raise FilterError("filter", f"{term.operator} is not for {name}: give it after a colon")
    if name in ("since", "until"):
        if len(term.values) > 1:
            raise FilterError("filter", f"{name} takes one time")
        return read_moment(term.values[0].text)
    return [text for value in term.values for text in _READ.get(name, _read_exact)(value)]


def _read_text(value: WrittenValue) -> str:
    if value.pattern is not None and "?" in value.text:
        raise FilterError("filter", "only * stands for other characters here: put the text in double quotes")
    return value.text


def _read_exact(value: WrittenValue) -> list[str]:
    if value.pattern is not None:
        raise FilterError("filter", "only name takes a pattern: give the whole value, in double quotes if it has a *")
    return [value.text]


_READ: Mapping[str, Callable[[WrittenValue], list[str]]] = {
    "name": lambda value: [_read_text(value)],
    "kind": lambda value: [*read_choices(value, KINDS)],
}
