# SPDX-License-Identifier: Apache-2.0
"""Values that a dialect spreads over attributes, as `gen_ai.prompt.0.tool_calls.1.name`, as the lists and maps that
they are. Pure, and nothing here raises for any attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

# A name of more parts would nest deeper than JSON can; its last parts stay one name.
_DEEPEST = 60
_LEFT = frozenset(("finish_reason", "name", "id"))


def gather(attributes: Mapping[Any, Any], prefix: str) -> Any:
    """Return what attributes hold whose names begin with `prefix` and a number; None if there are no such."""
    # Where each of them belongs is worked out once for the same names, which come again: it takes 30 us for 20 of them.
    names, places = _plan(tuple(attributes), prefix)
    if not names:
        return None
    for name in names:
        value = attributes[name]
        if value is None or isinstance(value, dict):
            return _arrange(((one, attributes[one]) for one in names), prefix)
    return _fill(places, attributes)


def find_below(attributes: Mapping[Any, Any], prefix: str) -> dict[str, Any]:
    """Return the values of attributes whose names begin with `prefix`, by what follows it; None is no value."""
    length = len(prefix)
    names = _find_names(tuple(attributes), prefix)
    return {name[length:]: attributes[name] for name in names if attributes[name] is not None}


@lru_cache(512)
def find_left(names: tuple[Any, ...], prefix: str) -> str | None:
    """Return what `capture_content=false` left of messages whose attributes begin with `prefix` and a number: `tools`
    if names and ids of called tools, `results` if ids of calls whose results they held, `nothing` if not even these,
    None if there is content."""
    lasts = {
        name.rpartition(".")[2] for name in _find_names(names, f"{prefix}.") if name[len(prefix) + 1 :][:1].isdigit()
    }
    if lasts and lasts <= {"tool_call_id"}:
        return "results"
    if not lasts <= _LEFT:
        return None
    return "nothing" if lasts <= {"finish_reason"} else "tools"


def find_result_ids(attributes: Mapping[Any, Any], prefix: str) -> list[Any]:
    """Return the ids of calls whose results such messages held."""
    names = _find_names(tuple(attributes), f"{prefix}.")
    return [attributes[name] for name in names if name.endswith(".tool_call_id")]


@lru_cache(512)
def _find_names(names: tuple[Any, ...], prefix: str) -> tuple[str, ...]:
    return tuple(name for name in names if isinstance(name, str) and name.startswith(prefix))


@lru_cache(512)
def _plan(names: tuple[Any, ...], prefix: str) -> tuple[tuple[str, ...], Any]:
    """Return which of these names there are to gather, and these where their values belong."""
    beginning = prefix + "."
    length = len(beginning)
    found = tuple(
        name
        for name in names
        if isinstance(name, str) and name.startswith(beginning) and name[length : length + 1].isdigit()
    )
    return found, _arrange(zip(found, found, strict=True), prefix)


def _fill(places: Any, attributes: Mapping[Any, Any]) -> Any:
    if type(places) is list:
        return [attributes[inner] if type(inner) is str else _fill(inner, attributes) for inner in places]
    return {key: attributes[inner] if type(inner) is str else _fill(inner, attributes) for key, inner in places.items()}


def _arrange(values: Iterable[tuple[str, Any]], prefix: str) -> Any:
    nested: dict[str, Any] = {}
    for name, value in values:
        _put(nested, name[len(prefix) + 1 :].split(".", _DEEPEST), value)
    return _as_list(nested)


def _put(nested: dict[str, Any], path: list[str], value: Any) -> None:
    """Put a value where its name says; where another name says that the same place is a value, both are kept."""
    *parents, last = path
    for name in parents:
        inner = nested.get(name)
        if not isinstance(inner, dict):
            inner = nested[name] = {} if inner is None else {"": inner}
        nested = inner
    if isinstance(nested.get(last), dict):
        nested = nested[last]
        last = ""
    nested[last] = value


def _place(number: str) -> tuple[int, str]:
    # As its value, which int() refuses to read of more than 4,300 digits.
    digits = number.lstrip("0")
    return len(digits), digits


def _as_list(nested: dict[str, Any]) -> Any:
    """Return nested values with lists where all names of a place are numbers."""
    values = {name: _as_list(value) if isinstance(value, dict) else value for name, value in nested.items()}
    if values and all(map(str.isdecimal, values)):
        return [values[name] for name in sorted(values, key=_place)]
    return values
