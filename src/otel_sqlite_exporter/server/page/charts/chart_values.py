# SPDX-License-Identifier: Apache-2.0
"""What a chart shows, and how much of it: whatever number stands in the file, what is drawn has a bounded size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from otel_sqlite_exporter.show.units import format_number

_LARGEST, _EXACT = 1e300, 1e20
_LONGEST_LABEL = 44
MISSING = "-"
"""What stands for a number that is not known."""
Format = Callable[[float], str]
"""Writes a number with its unit."""


class Bar(NamedTuple):
    """One bar.

    Attributes:
        value: None, or a number that is not finite: unknown, so nothing is drawn. Below zero: nothing is drawn.
        text: The value as it is written; None: the chart writes it.
        link: Where the label leads to: a path of the page.
        tone: `error`, `llm`, `tool`, `wait` or `span`: the colour; else that of all bars.
    """

    label: str
    value: float | None
    text: str | None = None
    link: str | None = None
    tone: str = ""


class Stack(NamedTuple):
    """One column of several parts, each with the name of its series."""

    label: str
    parts: Mapping[str, float | None]


def read_size(value: float | None) -> float:
    """Return what is drawn of a value: nothing of what is unknown or below zero."""
    return max(float_of(value) or 0.0, 0.0)


def float_of(value: float | None) -> float | None:
    """Return a number that can be drawn; None: there is none."""
    if value is None:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return float(min(max(value, -_LARGEST), _LARGEST))


def find_largest(sizes: Iterable[float]) -> float:
    """Return what has the full size."""
    return max(sizes, default=0.0) or 1.0


def write_number(value: float) -> str:
    """Return a number with commas between thousands, and four digits of a fraction."""
    if abs(value) >= _EXACT:
        return f"{float_of(value):.4g}"
    return f"{int(value):,}" if value == int(value) else format_number(value)


def cut_label(text: str) -> str:
    """Return a text beside an axis, no longer than the window of a phone."""
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"


def write_value(value: float | None, format: Format) -> str:
    """Return a value as text."""
    return MISSING if value is None or float_of(value) is None else format(value)
