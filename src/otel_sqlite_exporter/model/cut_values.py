# SPDX-License-Identifier: Apache-2.0
"""Values that were cut at a limit, with the size of the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cut:
    """The beginning of a text, bytes, array or map, and the size of the whole (characters, bytes or elements)."""

    value: Any
    original_size: int

    def __str__(self) -> str:  # noqa: D105
        return str(self.value)


def is_cut(types: str | None) -> bool:
    """Whether notes of types say that values may have been cut."""
    return types is not None and "cut:" in types


def uncut(value: Any) -> Any:
    """Return a value with what is kept of a `Cut` in its place: the value that the file holds."""
    kind = type(value)
    if kind is Cut:
        return uncut(value.value)
    if kind is dict:
        return {key: uncut(item) for key, item in value.items()}
    return [uncut(item) for item in value] if kind is list else value
