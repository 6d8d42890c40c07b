# SPDX-License-Identifier: Apache-2.0
"""Checks and converts the value of each filter, before any SQL is built."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import ConfigurationError, FilterError
from otel_sqlite_exporter.model.timezones import UTC_CALENDAR, Calendar, parse_timezone
from otel_sqlite_exporter.model.values import LARGEST, repair_text
from otel_sqlite_exporter.query.askable_views import Scalar

OPERATORS = ("=", "!=", "<", "<=", ">", ">=")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ATTRIBUTE = re.compile(r"(?P<key>.+?)\s*(?P<operator>!=|<=|>=|=|<|>)\s*(?P<value>.*)", re.DOTALL)


def fold_id(argument: str, text: str) -> str:
    """Return an id as the file holds it: trace and span ids are lower case."""
    return text.lower() if argument.endswith(("trace_id", "span_id")) else text


class AttributeCondition(NamedTuple):
    """A condition on the attribute `key`: it exists or not (`operator` is `exists`, `value` a bool), it compares to
    `value` by one of `OPERATORS`, or it fits the pattern `value` (`GLOB`)."""

    key: str
    operator: str
    value: Scalar


def parse_time(argument: str, value: Any, calendar: Calendar = UTC_CALENDAR) -> int:
    """Return nanoseconds since 1970. Days, and times without an offset, are those of the calendar.

    Raises:
        FilterError: `value` is not a `Time`.
    """
    moment: Any = value
    if isinstance(value, str):
        moment = calendar.find_start(value.strip().lower()) or _parse_time_text(value.strip())
    if isinstance(moment, timedelta):
        moment = datetime.now(UTC) - moment
    if isinstance(moment, datetime):
        since_epoch = (moment if moment.tzinfo else calendar.localize(moment)) - _EPOCH
        moment = (since_epoch.days * 86_400 + since_epoch.seconds) * 10**9 + since_epoch.microseconds * 1_000
    if not isinstance(moment, int) or isinstance(moment, bool) or not -LARGEST <= moment <= LARGEST:
        raise FilterError(
            argument,
            f"{value!r} is not a time: give ISO 8601 such as 2026-01-31T12:00Z, an age such as 15m or 2d, or "
            "today, yesterday, week or month"
            + ("" if isinstance(value, str) else ", or a datetime, a timedelta, or nanoseconds since 1970"),
        )
    return moment


def is_fixed_time(value: Any) -> bool:
    """Return whether a `Time` is the same moment whenever it is read: no age, no `today`."""
    return not isinstance(value, str | timedelta) or isinstance(_parse_time_text(str(value).strip()), datetime)


def _parse_time_text(text: str) -> datetime | timedelta | None:
    if text[-1:].lower() in _UNITS and text[:-1].isdecimal() and len(text) < 12:
        return timedelta(seconds=int(text[:-1]) * _UNITS[text[-1].lower()])
    try:
        # `fromisoformat` does not accept a lower-case z.
        return datetime.fromisoformat(f"{text[:-1]}+00:00" if text[-1:] in ("Z", "z") else text)
    except ValueError:
        return None


def parse_calendar(argument: str, value: Any) -> Calendar:
    """Return the calendar of the time zone of this name.

    Raises:
        FilterError: `value` is none.
    """
    try:
        return Calendar(parse_timezone(*parse_texts(argument, value)))
    except ConfigurationError as error:
        raise FilterError(argument, str(error)) from None


def parse_texts(argument: str, value: Any, choices: Sequence[str] = ()) -> tuple[str, ...]:
    """Return one text or more. Each must be one of `choices`, if there are any.

    Raises:
        FilterError: `value` is something else.
    """
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, Sequence) or not texts or not all(isinstance(text, str) for text in texts):
        raise FilterError(argument, f"{value!r} is not text: give a text or a list of texts")
    for text in texts:
        if choices and text not in choices:
            raise FilterError(argument, f"{text!r} is not a choice: give {', '.join(choices)}")
    return tuple(repair_text(text)[0] for text in texts)


def parse_number(argument: str, value: Any) -> int | float:
    """Return a finite number of at most 64 bits.

    Raises:
        FilterError: `value` is something else.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise FilterError(argument, f"{value!r} is not a finite number")
    if isinstance(value, int) and not -LARGEST <= value <= LARGEST:
        raise FilterError(argument, f"{value!r} does not fit in 64 bits")
    return value


def parse_flag(argument: str, value: Any) -> bool:
    """Return True or False.

    Raises:
        FilterError: `value` is something else.
    """
    if not isinstance(value, bool):
        raise FilterError(argument, f"{value!r} is not True or False")
    return value


def parse_attributes(argument: str, value: Any) -> tuple[AttributeCondition, ...]:
    """Return the conditions of an `Attributes` value.

    Raises:
        FilterError: `value` is something else.
    """
    pairs = list(value.items() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else [None])
    if not all(isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str) and pair[0] for pair in pairs):
        raise FilterError(argument, f"{value!r} is not a mapping of attribute keys to values or conditions")
    return tuple(parse_wanted(argument, repair_text(key)[0], wanted) for key, wanted in pairs)


def parse_wanted(argument: str, key: str, wanted: Any) -> AttributeCondition:
    """Return the condition that a `Wanted` value sets to the attribute `key`.

    Raises:
        FilterError: It is something else, or has a NUL character.
    """
    operator, value = wanted if isinstance(wanted, tuple) and len(wanted) == 2 else ("=", wanted)
    if "\0" in key or (isinstance(value, str) and "\0" in value):
        raise FilterError(
            argument, f"{key!r}: text with a NUL character cannot be found: in SQLite, JSON text ends there"
        )
    if operator == "exists":
        if not isinstance(value, bool):
            raise FilterError(argument, f"{key}: the operator 'exists' needs True or False")
        return AttributeCondition(key, operator, value)
    if operator not in OPERATORS:
        raise FilterError(argument, f"{key}: {operator!r} is not an operator: give exists, {', '.join(OPERATORS)}")
    if isinstance(value, bool) and operator not in ("=", "!="):
        raise FilterError(argument, f"{key}: true and false can only be compared by = and !=")
    if not isinstance(value, (str, bool, int, float)):
        raise FilterError(
            argument, f"{key}: {type(value).__name__} cannot be compared: give a text, a number, True or False"
        )
    if not isinstance(value, (str, bool)):
        parse_number(argument, value)
    return AttributeCondition(key, operator, repair_text(value)[0] if isinstance(value, str) else value)


def parse_attribute_text(argument: str, text: str) -> tuple[str, Any]:
    """Return the key and the condition in a text such as `key`, `!key`, `key=value` or `key>=5`. A value that is a JSON
    number, string or boolean is read as such; any other value is text.

    Raises:
        FilterError: The text has no key, nothing to compare with, or what looks like another operator, such as `==`.
    """
    match = _ATTRIBUTE.fullmatch(text)
    if match is None:
        key, exists = (text[1:], False) if text.startswith("!") else (text, True)
        if not key:
            raise FilterError(argument, f"{text!r} has no key: give key, !key, key=value or key>=5")
        return key, ("exists", exists)
    if match["value"].startswith(("=", ">")):
        quoted = f"{match['key']}{match['operator']}{json.dumps(match['value'], ensure_ascii=False)}"
        raise FilterError(
            argument,
            f"{text!r}: the operators are {', '.join(OPERATORS)}; to compare with the text {match['value']!r}, "
            f"write {quoted}",
        )
    if not match["value"] and match["operator"] not in ("=", "!="):
        raise FilterError(argument, f"{text!r} has nothing to compare with: give a value after {match['operator']}")
    try:
        value = json.loads(match["value"])
    except ValueError:
        value = match["value"]
    if not isinstance(value, (str, int, float)) or value in (math.inf, -math.inf) or value != value:
        value = match["value"]  # the file holds numbers that are not finite as these texts
    return match["key"], (match["operator"], value)
