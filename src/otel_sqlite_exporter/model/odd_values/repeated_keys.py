# SPDX-License-Identifier: Apache-2.0
"""Keys that a map has twice: OTLP can express that, and a dict cannot. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

AGAIN = "again"
"""The note in `attribute_types` that the key of a value stands in its map again, further behind. As stored, the key has
U+FFFD and a number at its end."""
_MARK = "\ufffd"


class RepeatedKey(str):
    """A key that stands in its map again, further behind. In a dict it is unlike any other key, also the same text."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Return whether `other` is this key."""
        return self is other

    __hash__ = object.__hash__


def make_map(items: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """Return pairs as a dict in which the last value of a key counts; the others have a `RepeatedKey`."""
    pairs = list(items)
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    last = {key: place for place, (key, _) in enumerate(pairs)}
    return {key if last[key] == place else RepeatedKey(key): value for place, (key, value) in enumerate(pairs)}


def find_free_key(key: Any, taken: Collection[Any], numbers: dict[Any, int]) -> Any:
    """Return `key` if it is not in `taken`, else `key`, U+FFFD and a number that is free. `numbers` is where the search
    for this mapping goes on: any number of equal keys takes one look-up each."""
    free = key
    while free in taken:
        numbers[key] = number = numbers.get(key, 0) + 1
        free = f"{key}\ufffd{number if number > 1 else ''}"
    return free


def mark_repeated(key: str, taken: Collection[Any], numbers: dict[Any, int]) -> str:
    """Return the stored form of a repeated key, which is not in `taken`. `numbers` is as in `find_free_key`."""
    while True:
        numbers[key] = number = numbers.get(key, 0) + 1
        stored = f"{key}{_MARK}{number}"
        if stored not in taken:
            return stored


def restore_repeated(holder: dict[Any, Any], stored: str) -> None:
    """Give the value under a `stored` form its key back."""
    restored = {
        RepeatedKey(key.rpartition(_MARK)[0]) if type(key) is str and key == stored else key: value
        for key, value in holder.items()
    }
    holder.clear()
    holder.update(restored)
