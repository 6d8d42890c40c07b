# SPDX-License-Identifier: Apache-2.0
"""Times as the axes and tables of charts write them, in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

_DAY_S = 86_400
_FIRST, _LAST = -62_135_596_800, 253_402_300_799
"""The years that a calendar has, in seconds since 1970."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_time(seconds: float, span_s: float = 0, step_s: float = 0) -> str:
    """Return a moment, in seconds since 1970, without what all moments of a chart have in common: `span_s` is how long
    that is, and `step_s` the time between two of them. With neither, it is written whole."""
    text = (_EPOCH + timedelta(seconds=min(max(seconds, _FIRST), _LAST))).isoformat()
    day, clock = text[:10], text[11:19]
    if not span_s:
        return f"{day} {clock}"
    if step_s >= _DAY_S:
        return day[5:] if span_s < 300 * _DAY_S else day
    shown = clock[:5] if step_s >= 60 or span_s > 3_600 else clock
    return shown if span_s <= _DAY_S else f"{day[5:]} {shown}"


def place_labels(first: float, last: float, most: int = 4) -> Sequence[float]:
    """Return the moments between two that get a label below a chart, both of them included."""
    if last <= first:
        return (first,)
    return [first + (last - first) * number / most for number in range(most + 1)]
