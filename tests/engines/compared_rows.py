# SPDX-License-Identifier: Apache-2.0
"""Compares what engines say: the same rows in any order, but for the last digits of floating-point numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

_TOLERANCE = 1e-9
"""Relative: sums of doubles depend on their order."""


def find_difference(expected: Iterable[Sequence[Any]], found: Iterable[Sequence[Any]]) -> str | None:
    """Return what the rows differ in, or None."""
    ours, theirs = _settle(expected), _settle(found)
    if len(ours) != len(theirs):
        return f"{len(theirs)} rows, not {len(ours)}"
    for mine, other in zip(ours, theirs, strict=True):
        if not (len(mine) == len(other) and all(map(_is_same, mine, other))):
            return f"{other!r}, not {mine!r}"
    return None


def _settle(rows: Iterable[Sequence[Any]]) -> list[Sequence[Any]]:
    return sorted(rows, key=lambda row: [*map(_order, row)])


def _order(value: Any) -> tuple[int, str]:
    """What rows are sorted by: not the digits in which two equal numbers may differ."""
    if isinstance(value, (int, float, Decimal)):
        return 1, str(int(value)) if value == int(value) else f"{float(value):.6g}"
    return (0, "") if value is None else (2, str(value))


def _is_same(one: Any, other: Any) -> bool:
    if one is None or other is None or isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, str) and isinstance(other, str):
        return one == other or _is_same_json(one, other)
    if isinstance(one, str) or isinstance(other, str):
        return False
    if isinstance(one, int) and isinstance(other, int):
        return one == other
    return math.isclose(float(one), float(other), rel_tol=_TOLERANCE, abs_tol=1e-12)


def _is_same_json(one: str, other: str) -> bool:
    """Whether both are objects of numbers, such as means of scores, that differ in their last digits alone."""
    try:
        mine, theirs = json.loads(one), json.loads(other)
    except ValueError:
        return False
    if not (isinstance(mine, dict) and isinstance(theirs, dict) and list(mine) == list(theirs)):
        return False
    numbers = (int, float)
    pairs = [*zip(mine.values(), theirs.values(), strict=True)]
    return all(isinstance(a, numbers) and isinstance(b, numbers) and _is_same(a, b) for a, b in pairs)
