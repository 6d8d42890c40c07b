# SPDX-License-Identifier: Apache-2.0
"""Values that a dialect spreads over attributes, as `gen_ai.prompt.0.tool_calls.1.name`, as the lists and maps that
they are. Pure, and nothing here raises for any attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Any

from otel_sqlite_exporter.genai.messages.flat_messages import PlainPlan, plan_plain

# A name of more parts would nest deeper than JSON can; its last parts stay one name.
_DEEPEST = 60
_LEFT = frozenset(("finish_reason", "name", "id"))


class Gathered:
    """Where values belong whose names begin with a prefix and a number.

    Attributes:
        names: Their names, in the order of the attributes.
        items: If they are those of a list: for each item its names, and how to read it if it is a plain message.
    """

    def __init__(self, names: tuple[str, ...], prefix: str) -> None:
        self.names = names
        self._prefix = prefix
        self.items = _find_items(names, prefix)

    @cached_property
    def places(self) -> Any:
        """Lists and maps in which each name stands for its value."""
        return _arrange(self.names, {name: name for name in self.names}, self._prefix)


class Names:
    """The names of the attributes of a span: what they say of the values that a dialect spreads over them, worked out
    once. Thread-safe."""

    def __init__(self, names: Iterable[Any]) -> None:
        self._names = tuple(name for name in names if isinstance(name, str))
        self._below: dict[str, tuple[str, ...]] = {}
        self._gathered: dict[str, Gathered] = {}
        self._left: dict[str, str | None] = {}

    def find_below(self, prefix: str) -> tuple[str, ...]:
        """Return those that begin with `prefix`."""
        found = self._below.get(prefix)
        if found is None:
            found = self._below[prefix] = tuple(name for name in self._names if name.startswith(prefix))
        return found

    def gather(self, prefix: str) -> Gathered:
        """Return where the values belong whose names begin with `prefix` and a number."""
        found = self._gathered.get(prefix)
        if found is None:
            length = len(prefix) + 1
            names = tuple([name for name in self.find_below(f"{prefix}.") if name[length : length + 1].isdigit()])
            found = self._gathered[prefix] = Gathered(names, prefix)
        return found

    def find_left(self, prefix: str) -> str | None:
        """Return what `capture_content=false` left of messages whose attributes begin with `prefix` and a number:
        `tools` if names and ids of called tools, `results` if ids of calls whose results they held, `nothing` if not
        even these, None if there is content."""
        if prefix not in self._left:
            self._left[prefix] = _find_left({name.rpartition(".")[2] for name in self.gather(prefix).names})
        return self._left[prefix]


NO_NAMES = Names(())


def find_names(attributes: Mapping[Any, Any]) -> Names:
    """Return the names of attributes. The same come again: to work out what 20 of them say takes 30 us."""
    return _remember(tuple(attributes))


def gather(attributes: Mapping[Any, Any], prefix: str) -> Any:
    """Return what attributes hold whose names begin with `prefix` and a number; None if there are no such."""
    gathered = find_names(attributes).gather(prefix)
    if not gathered.names:
        return None
    if _are_leaves(gathered.names, attributes):
        return _fill(gathered.places, attributes)
    return _arrange(gathered.names, attributes, prefix)


def gather_item(attributes: Mapping[Any, Any], prefix: str, gathered: Gathered, index: int) -> Any:
    """Return one of the items that `gather` returns for this prefix."""
    names, _ = gathered.items[index]
    if _are_leaves(names, attributes):
        place = gathered.places[index]
        return attributes[place] if type(place) is str else _fill(place, attributes)
    return _arrange(names, attributes, prefix)[0]


def find_below(attributes: Mapping[Any, Any], prefix: str, names: Names) -> dict[str, Any]:
    """Return the values of attributes whose names begin with `prefix`, by what follows it; None is no value."""
    found = names.find_below(prefix)
    length = len(prefix)
    return {name[length:]: attributes[name] for name in found if attributes[name] is not None} if found else {}


def find_result_ids(attributes: Mapping[Any, Any], prefix: str, names: Names) -> list[Any]:
    """Return the ids of calls whose results such messages held."""
    below = names.find_below(f"{prefix}.")
    return [attributes[name] for name in below if name.endswith(".tool_call_id")]


@lru_cache(512)
def _remember(names: tuple[Any, ...]) -> Names:
    return Names(names)


def _find_items(names: Iterable[str], prefix: str) -> tuple[tuple[tuple[str, ...], PlainPlan | None], ...]:
    length = len(prefix) + 1
    items: dict[str, tuple[list[str], list[str | None]]] = {}
    for name in names:
        number, point, member = name[length:].partition(".")
        of_item, members = items.setdefault(number, ([], []))
        of_item.append(name)
        members.append(member if point else None)
    if not all(map(str.isdecimal, items)):
        return ()
    ordered = [(number, *items[number]) for number in sorted(items, key=_place)]
    return tuple(
        [(tuple(of_item), _plan_item(tuple(members), f"{prefix}.{number}.")) for number, of_item, members in ordered]
    )


def _plan_item(members: tuple[str | None, ...], beginning: str) -> PlainPlan | None:
    plan = _plan_members(members)
    return None if plan is None else plan.begin_with(beginning)


# Prompts of other lengths have other names, but messages of the same few shapes.
@lru_cache(512)
def _plan_members(members: tuple[str | None, ...]) -> PlainPlan | None:
    nested: dict[str, Any] = {}
    for member in members:
        if member is None:
            return None
        _put(nested, member.split(".", _DEEPEST), member)
    return plan_plain(_as_list(nested))


def _find_left(lasts: set[str]) -> str | None:
    if lasts and lasts <= {"tool_call_id"}:
        return "results"
    if not lasts <= _LEFT:
        return None
    return "nothing" if lasts <= {"finish_reason"} else "tools"


def _are_leaves(names: Iterable[str], attributes: Mapping[Any, Any]) -> bool:
    """Whether each value is one where its name says: None gives way to what others say, and a map may hold more."""
    for name in names:
        value = attributes[name]
        if value is None or isinstance(value, dict):
            return False
    return True


def _fill(places: Any, attributes: Mapping[Any, Any]) -> Any:
    if type(places) is list:
        return [attributes[inner] if type(inner) is str else _fill(inner, attributes) for inner in places]
    return {key: attributes[inner] if type(inner) is str else _fill(inner, attributes) for key, inner in places.items()}


def _arrange(names: Iterable[str], attributes: Mapping[Any, Any], prefix: str) -> Any:
    nested: dict[str, Any] = {}
    for name in names:
        _put(nested, name[len(prefix) + 1 :].split(".", _DEEPEST), attributes[name])
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
