# SPDX-License-Identifier: Apache-2.0
"""The days of a dataset: days of UTC, as numbers since 1970-01-01, as dates such as `2026-01-31`, and as times."""

from __future__ import annotations

from datetime import date

DAY_NS = 86_400 * 10**9
_EPOCH = date(1970, 1, 1).toordinal()


def name_day(day: int) -> str:
    """Return the date of a day, as `2026-01-31`."""
    return date.fromordinal(_EPOCH + day).isoformat()


def parse_day(name: str) -> int:
    """Return the day of a date, as `2026-01-31`.

    Raises:
        ValueError: It is no date.
    """
    return date.fromisoformat(name).toordinal() - _EPOCH


def bound_day(day: int) -> tuple[int, int]:
    """Return the first nanosecond of a day since 1970, and the first one after it."""
    return day * DAY_NS, (day + 1) * DAY_NS


def find_times(day: int) -> dict[str, int]:
    """Return them as the parameters `since` and `until` of a query."""
    since, until = bound_day(day)
    return {"since": since, "until": until}
