# SPDX-License-Identifier: Apache-2.0
"""Numbers, sizes, costs and times in units that are quick to read, for tables, pages and notebooks."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

_SMALLEST, _LARGEST = 1e-9, 1e15
_LENGTHS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000))
"""Units of time in milliseconds, the largest first."""
_EPOCH = datetime(1970, 1, 1)
_SHORT_LENGTHS = (("ms", 1.0), ("us", 1e-3), ("ns", 1e-6))


def format_number(value: float, digits: int = 4) -> str:
    """Return a number rounded to that many significant digits, but to no fewer than its whole part has. Only numbers
    that would be longer than a cell have an exponent."""
    if not math.isfinite(value) or not (value == 0 or _SMALLEST <= abs(value) < _LARGEST):
        return f"{value:.{digits}g}"
    places = max(digits - 1 - math.floor(math.log10(abs(value) or 1)), 0)
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_count(number: int) -> str:
    """Return a whole number with a comma between thousands: `1,234,567`."""
    return f"{number:,}"


def format_tokens(tokens: int | None) -> str | None:
    """Return a number of tokens in thousands or millions, with two or three digits: `950`, `1.2k`, `348k`, `1.2M`."""
    if tokens is None or abs(tokens) < 1_000:
        return None if tokens is None else str(tokens)
    value = tokens / 1_000
    for unit in ("k", "M"):
        if abs(value) < 999.5:
            return f"{format_number(value, 2)}{unit}"
        value /= 1_000
    return f"{format_number(value, 2)}G"


def format_ms(duration_ms: float | None) -> str | None:
    """Return a duration, or an offset of a time before, in the largest unit that it reaches: `1.5 s`, `54.1 us`."""
    if duration_ms is None:
        return None
    for unit, length in (*_LENGTHS, *_SHORT_LENGTHS):
        if abs(duration_ms) >= length:
            return f"{format_number(duration_ms / length, 3)} {unit}"
    return f"{format_number(duration_ms, 3)} ms"


def format_cost(cost_usd: float | None, unpriced: int = 0) -> str | None:
    """Return a cost in dollars, without their sign. It is marked if some calls have no price, or only a part of one:
    it is then at least this."""
    return None if cost_usd is None else f"{'≥ ' if unpriced else ''}{format_number(cost_usd)}"


def format_bytes(size: float) -> str:
    """Return a size in the largest decimal unit that it reaches."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.4g} {unit}"
        size /= 1000
    return f"{size:.4g} TB"


def format_time(iso: str) -> str:
    """Return an ISO 8601 time without year, fraction and zone: `01-31 12:00:05`."""
    return f"{iso[5:10]} {iso[11:19]}"


def format_iso_time(time_unix_nano: int) -> str:
    """Return nanoseconds since 1970 as ISO 8601 text in UTC with microseconds, as views have times."""
    seconds, rest = divmod(time_unix_nano, 10**9)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{rest // 1_000:06}Z"
