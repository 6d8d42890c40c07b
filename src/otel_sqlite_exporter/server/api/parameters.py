# SPDX-License-Identifier: Apache-2.0
"""The arguments of a request: how a route declares them, and how they are read and checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, get_type_hints
from urllib.parse import parse_qsl

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.askable_views import CHOICES, Attributes, Texts, Time
from otel_sqlite_exporter.query.filter_values import parse_attribute_text

_LARGEST = 2**63 - 1
_BOOLEANS = {"true": True, "false": False}
_MOST_ARGUMENTS = 200


class Parameter(NamedTuple):
    """One argument of a route.

    Attributes:
        kind: `string`, `integer`, `number`, `boolean`, `time` (text, or nanoseconds since 1970) or `attribute` (a
            condition such as `key>=5`).
        where: `query`, `path` or `header`.
        is_list: It may be repeated; any of the values matches, of attributes all must.
    """

    name: str
    about: str
    kind: str = "string"
    where: str = "query"
    default: Any = None
    minimum: int | None = None
    maximum: int | None = None
    choices: Sequence[str] = ()
    is_list: bool = False
    is_required: bool = False

    def describe(self) -> dict[str, Any]:
        """Return the schema of its value, as JSON Schema."""
        schema: dict[str, Any] = {"type": _JSON_TYPES[self.kind]}
        if self.minimum is not None:
            schema["minimum"] = self.minimum
        if self.maximum is not None:
            schema["maximum"] = self.maximum
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.kind in ("string", "attribute") and (self.is_required or self.where == "path"):
            schema["minLength"] = 1
        if self.is_list:
            schema = {"type": "array", "items": schema}
        if self.default is not None:
            schema["default"] = self.default
        return schema


_JSON_TYPES = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "time": "string",
    "attribute": "string",
}


def read_arguments(
    parameters: Sequence[Parameter], query: str, path: Mapping[str, str], headers: Mapping[str, str]
) -> dict[str, Any]:
    """Return the arguments by name; one that was not given is its default, or left out.

    Raises:
        FilterError: One is unknown, is given twice, is missing, or has a value that cannot be used.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="replace", max_num_fields=_MOST_ARGUMENTS)
    except ValueError:
        raise FilterError("query", f"it has more than {_MOST_ARGUMENTS} arguments: leave some out") from None
    known = {parameter.name: parameter for parameter in parameters if parameter.where == "query"}
    given: dict[str, list[str]] = {}
    for name, text in pairs:
        if name not in known:
            raise FilterError(name, f"this route has no such argument: give {', '.join(known) or 'none'}")
        given.setdefault(name, []).append(text)
    arguments: dict[str, Any] = {}
    for parameter in parameters:
        name = parameter.name
        texts = given.get(name, [])
        if parameter.where != "query":
            found = (path if parameter.where == "path" else headers).get(name)
            texts = [] if found is None else [found]
        if not texts:
            if parameter.is_required:
                raise FilterError(name, f"it is missing: {parameter.about}")
            if parameter.default is not None:
                arguments[name] = parameter.default
            continue
        if parameter.is_list:
            arguments[name] = [_convert(parameter, text) for text in texts]
        elif len(texts) > 1:
            raise FilterError(name, "it is given twice: give it once")
        else:
            arguments[name] = _convert(parameter, texts[0])
    return arguments


def _convert(parameter: Parameter, text: str) -> Any:
    value = _CONVERTERS[parameter.kind](parameter.name, text)
    if parameter.choices and value not in parameter.choices:
        raise FilterError(parameter.name, f"{text!r} is not a choice: give {', '.join(parameter.choices)}")
    low, high = parameter.minimum, parameter.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = f"from {low} to {high}" if low is not None and high is not None else f"of at least {low}"
        raise FilterError(parameter.name, f"{text} is out of bounds: give a number {bounds}")
    return value


def _convert_integer(name: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 19 or abs(int(text)) > _LARGEST:
        raise FilterError(name, f"{text[:40]!r} is not a whole number of 64 bits")
    return int(text)


def _convert_number(name: str, text: str) -> int | float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise FilterError(name, f"{text[:40]!r} is not a finite number")
    return number


def _convert_boolean(name: str, text: str) -> bool:
    if text not in _BOOLEANS:
        raise FilterError(name, f"{text[:40]!r} is not true or false")
    return _BOOLEANS[text]


def _convert_time(name: str, text: str) -> int | str:
    digits = text.removeprefix("-")
    is_nanoseconds = len(digits) > 8 and digits.isascii() and digits.isdigit()  # shorter: a date such as 20260131
    return _convert_integer(name, text) if is_nanoseconds else text


_CONVERTERS: Mapping[str, Callable[[str, str], Any]] = {
    "string": lambda name, text: text,
    "integer": _convert_integer,
    "number": _convert_number,
    "boolean": _convert_boolean,
    "time": _convert_time,
    "attribute": parse_attribute_text,
}

_ABOUT = {
    "since": "From this start on: ISO 8601, an age such as 15m, 6h or 2d, today, yesterday, week, month, or "
    "nanoseconds since 1970.",
    "until": "Before this start; as since.",
    "attributes": "A condition on an attribute: key, !key, key=value, also with != < <= > >=.",
    "pinned": "Only what is pinned, or only what is not.",
    "counted": "Only rows that count, or only those that repeat others.",
    "filter": "The filter language: see docs/filters.md.",
    "model": "The model that answered, or the one that was asked.",
    "status": "The status.",
}


def make_filters(filter_type: type, choices: Mapping[str, Sequence[str]] = CHOICES) -> tuple[Parameter, ...]:
    """Return the parameters for the filters that a class declares, each under its keyword. `choices` are the values of
    those that have a fixed set of them."""
    return tuple(_make_filter(name, hint, choices.get(name, ())) for name, hint in get_type_hints(filter_type).items())


def _make_filter(name: str, hint: Any, choices: Sequence[str]) -> Parameter:
    about = _ABOUT.get(name, "")
    if hint == Texts:
        return Parameter(name, about or f"The {_spell(name)}.", choices=choices, is_list=True)
    if hint == Attributes:
        return Parameter(name, about, "attribute", is_list=True)
    kind = next((kind for kind, hints in _KINDS.items() if hint in hints), "string")
    return Parameter(name, about or f"At least this {_spell(name.removeprefix('min_'))}.", kind)


_KINDS: Mapping[str, tuple[Any, ...]] = {
    "time": (Time,),
    "number": (float,),
    "integer": (int,),
    "boolean": (bool, bool | None),
}


def _spell(name: str) -> str:
    return name.replace("_", " ")
