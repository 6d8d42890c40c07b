# SPDX-License-Identifier: Apache-2.0
"""Reads the values of a filter text: numbers with units, times, choices and values of attributes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.conditions.condition_trees import AllOf, Condition
from otel_sqlite_exporter.query.filter_language.filter_syntax import WrittenValue
from otel_sqlite_exporter.query.filter_values import parse_number, parse_time

_NUMBER = re.compile(r"([+-]?)(\d+)?(\.\d*)?([eE][+-]?\d{1,3})?([A-Za-z]*)", re.ASCII)
_AMOUNTS: Mapping[str, int | str] = {"": 1, "k": 1_000, "M": 1_000_000}
_DURATIONS: Mapping[str, int | str] = {
    **{"": 1, "us": "0.001", "ms": 1, "s": 1_000},
    **{"m": 60_000, "h": 3_600_000, "d": 86_400_000},
}
_NANOSECONDS = re.compile(r"-?\d{16,19}", re.ASCII)
_SEVERITIES: Mapping[str, int] = {
    **{"trace": 1, "debug": 5, "info": 9, "notice": 10, "warn": 13, "warning": 13},
    **{"error": 17, "fatal": 21, "critical": 21},
}


def read_amount(text: str) -> int | float:
    """Return a number, such as `0.05`, `1.5k` or `2M`."""
    return _read_number(text, _AMOUNTS, "a number such as 5, 0.05 or 1.5k")


def read_duration(text: str) -> int | float:
    """Return milliseconds: of `2s`, `500ms`, `1.5m`, `1h`, or of a number without a unit."""
    return _read_number(text, _DURATIONS, "a duration such as 500ms, 2s, 1.5m or 1h; without a unit, milliseconds")


def _read_number(text: str, units: Mapping[str, int | str], wanted: str) -> int | float:
    found = _NUMBER.fullmatch(text)
    if found is None or not (found[2] or (found[3] or ".") != ".") or found[5] not in units:
        raise FilterError("filter", f"{text!r} is not {wanted}: give one")
    unit = units[found[5]]
    digits = text.removesuffix(found[5])
    if found[3] is None and found[4] is None and isinstance(unit, int):
        return parse_number("filter", int(digits) * unit)
    return parse_number("filter", float(Decimal(digits) * Decimal(unit)))


def read_moment(text: str) -> int:
    """Return nanoseconds since 1970, of a time as the keyword `since` takes it, or of 16 digits or more as they are."""
    return parse_time("filter", int(text) if is_moment(text) else text)


def read_severity(text: str, *, is_last: bool) -> int | float:
    """Return the number of a severity: the first or the last of the four that a name has."""
    number = _SEVERITIES.get(text.lower())
    if number is not None:
        return number + 3 if is_last and text.lower() != "notice" else number
    return _read_number(text, {"": 1}, f"a severity number, or one of {', '.join(_SEVERITIES)}")


def read_flag(text: str) -> bool:
    """Return what `true`, `yes`, `false` or `no` says."""
    if text.lower() not in ("true", "yes", "false", "no"):
        raise FilterError("filter", f"{text!r} is not true or false: give one")
    return text.lower() in ("true", "yes")


def read_choices(value: WrittenValue, choices: Sequence[str]) -> tuple[str, ...]:
    """Return the choices that a value names, in any case, or that fit its pattern."""
    found = [choice for choice in choices if _fits(choice.lower(), value)]
    if not found:
        raise FilterError("filter", f"{value.text!r} is not a choice: give {', '.join(choices)}")
    return tuple(found)


def _fits(choice: str, value: WrittenValue) -> bool:
    if value.pattern is None:
        return choice == value.text.lower()
    wild = {"*": ".*", "?": "."}
    return re.fullmatch("".join(wild.get(one, re.escape(one)) for one in value.text.lower()), choice) is not None


def is_moment(text: str) -> bool:
    """Return whether a text is nanoseconds since 1970."""
    return _NANOSECONDS.fullmatch(text) is not None


def read_bound(value: WrittenValue) -> str | int | float | bool:
    """Return the value that an attribute is compared to by `<` or `>`.

    Raises:
        FilterError: It is a number of the other fields, but not of JSON, so that it would be compared as text.
    """
    scalar, found = read_scalar(value), _NUMBER.fullmatch(value.text)
    is_number = found is not None and any(map(str.isdigit, value.text)) and found[5] in {**_AMOUNTS, **_DURATIONS}
    if isinstance(scalar, str) and is_number and not value.is_quoted:
        raise FilterError(
            "filter", "numbers of attributes are those of JSON, without a unit: give one, or a text in double quotes"
        )
    return scalar


def read_scalar(value: WrittenValue) -> str | int | float | bool:
    """Return the value of an attribute: a number or a boolean if it stands without quotes and looks like one, else
    text."""
    if value.is_quoted:
        return value.text
    try:
        found: Any = json.loads(value.text)
    except ValueError:
        return value.text
    # The file holds numbers that are not finite as texts.
    is_scalar = isinstance(found, (bool, int, float)) and math.isfinite(found)
    return found if is_scalar else value.text


def split_range(value: WrittenValue) -> tuple[str, str] | None:
    """Return both ends of a value such as `1..5`, `1..` or `..5`, where an end that is empty or `*` is none; None: it
    is no range."""
    if value.is_quoted or ".." not in value.text:
        return None
    low, _, high = value.text.partition("..")
    return low.removesuffix("*"), high.removeprefix("*")


def build_range(
    ends: tuple[str, str], compare: Callable[[str, str], Condition], operators: tuple[str, str] = (">=", "<=")
) -> Condition:
    """Return the condition that something lies between two ends.

    Raises:
        FilterError: There is no end.
    """
    parts = tuple(compare(operator, end) for operator, end in zip(operators, ends, strict=True) if end)
    if not parts:
        raise FilterError("filter", "this range has no ends: give one at least, such as 1..5, 1.. or ..5")
    return AllOf(parts)
