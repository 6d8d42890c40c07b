# SPDX-License-Identifier: Apache-2.0
"""Draws lines over time with block characters. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_NOTHING = " "

Values = Sequence[int | float | None]
"""The value of each step; None, NaN and infinities are gaps."""


def draw_line(values: Values, low: float, high: float, height: int) -> list[str]:
    """Return `height` rows of text, the topmost first: a column of blocks for each value, from `low` at the foot up to
    `high`. A value at the foot is still a thin line, and a gap is empty."""
    columns = [_measure(value, low, high, height) for value in values]
    return [
        "".join(_NOTHING if eighths is None else _EIGHTHS[min(8, max(0, eighths - 8 * row))] for eighths in columns)
        for row in reversed(range(height))
    ]


def shorten(values: Values, width: int) -> tuple[list[int | float | None], int]:
    """Return no more than `width` values, and how many steps each is made of: it is the one of them that is farthest
    from 0."""
    steps = max(1, math.ceil(len(values) / max(1, width)))
    groups = (values[first : first + steps] for first in range(0, len(values), steps))
    return [max(list_drawn(group), key=abs, default=None) for group in groups], steps


def find_bounds(values: Values) -> tuple[float, float] | None:
    """Return the foot and the top of a plot of the values: 0 is in it. None: there is nothing to draw."""
    drawn = list_drawn(values)
    return (min(0, *drawn), max(0, *drawn)) if drawn else None


def list_drawn(values: Values) -> list[int | float]:
    """Return the values that can be drawn."""
    return [value for value in values if value is not None and math.isfinite(value)]


def _measure(value: float | None, low: float, high: float, height: int) -> int | None:
    """Return the height of the column of a value in eighths of a row."""
    if value is None or not math.isfinite(value):
        return None
    share = float(value != 0) if high <= low else (value - low) / (high - low)
    return max(1, round(share * height * 8))
