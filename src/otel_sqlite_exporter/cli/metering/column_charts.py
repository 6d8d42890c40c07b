# SPDX-License-Identifier: Apache-2.0
"""Charts of block characters: a column for each step. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from otel_sqlite_exporter.show.sparklines import BLOCKS, find_limits, fit_values

_SHADES = "█▓░"
"""Of lines above each other, such as quantiles: that of the lowest first."""
_WIDEST_COLUMN = 8
_AXIS = " ┤"


def draw_chart(
    lines: Sequence[Sequence[float | None]],
    times: tuple[str, str],
    describe: Callable[[float], str],
    *,
    width: int,
    height: int,
    from_zero: bool,
) -> list[str]:
    """Return the lines of a chart: of one line, or of up to three, each above the one before it. A step without a value
    is empty, one with the lowest value is not. `times` are those at both ends, `describe` returns the label of a value.
    """
    low, high = find_limits([value for line in lines for value in line], from_zero=from_zero)
    labels = {0: describe(high), height - 1: describe(low), (height - 1) // 2: describe(_mix(low, high, height))}
    margin = max(map(len, labels.values()))
    room = max(width - margin - len(_AXIS), 1)
    fitted = [fit_values(line, room) for line in lines]
    repeat = max(1, min(room // max(len(fitted[0]), 1), _WIDEST_COLUMN))
    drawn = []
    for row in range(height):
        level = height - 1 - row
        cells = zip(*([_fill(value, low, high, height) for value in line] for line in fitted), strict=True)
        text = "".join(_draw(cell, level) * repeat for cell in cells)
        drawn.append(f"{labels.get(row, ''):>{margin}}{_AXIS}{text}")
    return [*drawn, _draw_times(times, margin, len(fitted[0]) * repeat)]


def explain_shades(names: Sequence[str]) -> str:
    """Return which shade stands for which of several lines."""
    return "  ".join(f"{shade} {name}" for shade, name in zip(_SHADES, names, strict=False))


def _mix(low: float, high: float, height: int) -> float:
    """Return the value at the top of the row in the middle."""
    return low + (high - low) * (height - (height - 1) // 2) / height


def _fill(value: float | None, low: float, high: float, height: int) -> int | None:
    """Return how many eighths of rows a value fills: one at least."""
    if value is None:
        return None
    part = (value - low) / (high - low) if high > low else float(value > 0)
    return max(round(part * height * len(BLOCKS)), 1)


def _draw(eighths: Sequence[int | None], level: int) -> str:
    """Return the character of a column in the row of a level."""
    filled = [-1 if one is None else one - level * len(BLOCKS) for one in eighths]
    if len(filled) == 1:
        return " " if filled[0] <= 0 else BLOCKS[min(filled[0], len(BLOCKS)) - 1]
    half = 1 if level == 0 else len(BLOCKS) // 2
    return next((shade for shade, one in zip(_SHADES, filled, strict=False) if one >= half), " ")


def _draw_times(times: tuple[str, str], margin: int, columns: int) -> str:
    first, last = times
    gap = columns - len(first) - len(last)
    shown = f"{first}{'':{gap}}{last}" if gap > 0 else first
    return f"{'':{margin + len(_AXIS)}}{shown}"
