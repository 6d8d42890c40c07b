# SPDX-License-Identifier: Apache-2.0
"""A table as commands make it, and what stands in its cells. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, NamedTuple

Value = str | int | float | None
_EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True, slots=True)
class Bar:
    """A number that a terminal shows as a bar beside the largest of its column; elsewhere it is left out."""

    value: float
    largest: float

    WIDTH: ClassVar[int] = 30

    def draw(self, width: int = WIDTH) -> str:
        """Return the bar, where the largest is `width` wide."""
        eighths = round(self.value / self.largest * width * 8) if self.largest > 0 else 0
        return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


@dataclass(frozen=True, slots=True)
class Interval:
    """Where something ran in something longer: when it began and how long it was, of 1. Without `length`, the longer
    one has none."""

    begin: float
    length: float | None

    WIDTH: ClassVar[int] = 24

    def draw(self, width: int = WIDTH) -> str:
        """Return a line in its place, where the longer one is `width` wide."""
        if self.length is None:
            return "|".ljust(width)
        first = min(max(int(self.begin * width), 0), width - 1)
        length = min(max(round(self.length * width), 1), width - first)
        return f"{' ' * first}{'=' * length}".ljust(width)


Cell = Value | Bar | Interval
_WIDE: Mapping[str, int] = MappingProxyType(
    dict.fromkeys(("name", "what", "step"), 20)
    | dict.fromkeys(("arguments", "plan", "model", "tool", "text", "types", "status", "service", "user_id"), 12)
    | {"session_id": 36, "body": 24, "event_name": 16}
)


class Table(NamedTuple):
    """Rows below each other. Without columns, a row is a name and a value.

    Attributes:
        wide: Columns of text that are cut where a terminal has no room, and how much of each stays.
        right: Columns of text that stand at the right, as numbers do.
        spare: Columns that are left out where a terminal has no room for them, the first of these first. After them it
            is the last ones; the first column stays.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    wide: Mapping[str, int] = _WIDE
    right: frozenset[str] = frozenset()
    spare: Sequence[str] = ()

    def is_number(self, index: int) -> bool:
        """Return whether a column stands at the right."""
        kinds = {type(row[index]) for row in self.rows}
        if not self.columns or self.columns[index] in self.right:
            return bool(self.columns)
        return bool(kinds & {int, float}) and str not in kinds


def format_value(value: Value) -> str:
    """Return a value as text that steers no terminal and breaks no line."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in str(value)
    )


def format_ms(duration_ms: float | None) -> str | None:
    """Return a duration in the unit in which it is easily read."""
    if duration_ms is None:
        return None
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if duration_ms >= length:
            return f"{duration_ms / length:.3g} {unit}"
    return f"{duration_ms:.3g} ms"
