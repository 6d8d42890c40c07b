# SPDX-License-Identifier: Apache-2.0
"""Numbers and counted things in sentences and tables."""

from __future__ import annotations

import math

_SMALLEST, _LARGEST = 1e-9, 1e15


def count(number: int, one: str, several: str = "") -> str:
    """Return `1 file`, `2 files`: the number with `one`, or with `several` (default: `one` and an s)."""
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def format_number(value: float, digits: int = 4) -> str:
    """Return a number rounded to that many significant digits, but to no fewer than its whole part has. Only numbers
    that would be longer than a cell have an exponent."""
    if not math.isfinite(value) or not (value == 0 or _SMALLEST <= abs(value) < _LARGEST):
        return f"{value:.{digits}g}"
    places = max(digits - 1 - math.floor(math.log10(abs(value) or 1)), 0)
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
