# SPDX-License-Identifier: Apache-2.0
"""Numbers over time as block characters, in one line of text. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
"""From the lowest value to the highest; where there is none, a space."""


def draw_sparkline(values: Sequence[float | None], width: int, low: float, high: float) -> str:
    """Return values between `low` and `high` as a text of no more than `width` characters."""
    return "".join(_draw(value, low, high) for value in fit_values(values, width))


def fit_values(values: Sequence[float | None], width: int) -> list[float | None]:
    """Return no more than `width` values: the largest of neighbours, so that no peak is lost."""
    size = max(1, math.ceil(len(values) / max(width, 1)))
    parts = (values[place : place + size] for place in range(0, len(values), size))
    return [max((one for one in part if one is not None), default=None) for part in parts]


def find_limits(values: Sequence[float | None], *, from_zero: bool) -> tuple[float, float]:
    """Return the lowest and the highest number that a plot of these values shows."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    return (min(low, 0.0), max(high, 0.0)) if from_zero else (low, high)


def _draw(value: float | None, low: float, high: float) -> str:
    if value is None or not math.isfinite(value):
        return " "
    part = (value - low) / (high - low) if high > low else float(value > 0)
    return BLOCKS[min(max(math.ceil(part * len(BLOCKS)) - 1, 0), len(BLOCKS) - 1)]
