# SPDX-License-Identifier: Apache-2.0
"""The steps of a range of time: their edges, and which of them an interval covers. Pure. Times are nanoseconds since
1970, an interval begins after its first moment and includes its last.

Steps are aligned: to the clock of the time zone, and those of whole days to its days and weeks, so that the same moment
is in the same step whatever the range.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.timezones import Calendar

RAW, WHOLE = "raw", "all"
"""Every point as it is stored; the range as one step."""
MOST_STEPS = 11_000
"""As many as Prometheus returns for a series."""
_SECOND = 10**9
_LONGEST_S = 100 * 366 * 86_400
_DAY = 86_400 * _SECOND
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_TEXT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.ASCII)
_MONDAY = date(1970, 1, 5).toordinal()
_NICE_S = (
    *(1, 2, 5, 10, 15, 20, 30),
    *(60, 120, 300, 600, 900, 1_200, 1_800),
    *(3_600, 7_200, 10_800, 21_600, 43_200),
    *(86_400, 2 * 86_400, 604_800, 2 * 604_800, 4 * 604_800, 13 * 604_800, 52 * 604_800),
)
_SMALLEST_NICE_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


class TimeSteps:
    """The steps between `edges`, of which the part from `since` until before `until` is asked for. `width` is the
    length of all steps, or 0 if they differ."""

    def __init__(self, edges: Sequence[int], since: int, until: int, width: int = 0) -> None:
        self.edges = edges
        self.since = since
        self.until = until
        self._width = width

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.edges) - 1

    def find(self, time: int) -> int:
        """Return the index of the step that a moment of the range is in."""
        if self._width:
            return (time - self.edges[0]) // self._width
        return bisect_right(self.edges, time) - 1

    def find_end(self, time: int) -> int:
        """Return where the step of a moment ends, or the range; the moment if it is outside of the range."""
        if not self.since <= time < self.until:
            return time
        return min(self.edges[self.find(time) + 1], self.until)

    def find_only(self, begin: int, end: int) -> int | None:
        """Return the index of the only step that an interval is in; None: it is in several, or not in the range."""
        if not self.since <= begin < end <= self.until:
            return None
        index = (begin - self.edges[0]) // self._width if self._width else bisect_right(self.edges, begin) - 1
        return index if end <= self.edges[index + 1] else None

    def share(self, begin: int, end: int, amount: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of an amount that an interval has, in proportion to the time in each step, with the indexes
        of the steps. They are whole, and add up to the amount if the interval is in the range. An interval without a
        length is in the step of its moment."""
        first, last = max(begin, self.since), min(end, self.until)
        if begin >= end:
            if self.since <= end < self.until:
                yield self.find(end), amount
            return
        if first >= last:
            return
        index, final = self.find(first), self.find(last - 1)
        if index == final and first == begin and last == end:
            yield index, amount
            return
        length = end - begin
        before = amount * (first - begin) // length
        while index < final:
            index += 1
            reached = amount * (self.edges[index] - begin) // length
            yield index - 1, reached - before
            before = reached
        yield final, amount * (last - begin) // length - before

    def measure(self, index: int, first: int, last: int) -> float:
        """Return how many seconds of a step are in the range and between two moments."""
        begin, end = max(self.edges[index], self.since, first), min(self.edges[index + 1], self.until, last)
        return max(0, end - begin) / _SECOND


def parse_step(step: Any) -> int | str | None:
    """Return a step in nanoseconds; `raw`, `all` and None as they are.

    Raises:
        FilterError: It is something else.
    """
    if step is None or step in (RAW, WHOLE):
        return None if step is None else str(step)
    seconds: Any = step
    if isinstance(step, timedelta):
        seconds = step.total_seconds()
    elif isinstance(step, str):
        found = _TEXT.fullmatch(step.strip().lower())
        unit = _UNITS.get(found[2] or "s") if found else None
        seconds = float(found[1]) * unit if found and unit else None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0.001 <= seconds <= _LONGEST_S:
        raise FilterError(
            "step", f"{step!r} is not a step: give seconds, a text such as 30s, 5m, 1h or 1d, {RAW} or {WHOLE}"
        )
    return round(seconds * _SECOND)


def choose_step(length: int, interval: int, most: int) -> int:
    """Return a step in nanoseconds, of which no more than `most` cover a range of that length, and which is not shorter
    than the interval of the points."""
    least = max(math.ceil(length / most), interval, 1) / _SECOND
    found = next((nice for nice in (*_SMALLEST_NICE_S, *_NICE_S) if nice >= least * 0.999), math.ceil(least))
    return round(found * _SECOND)


def make_steps(since: int, until: int, step: int, calendar: Calendar) -> TimeSteps:
    """Return the steps that cover a range.

    Raises:
        FilterError: There are too many, or a day of the range is not in the calendar.
    """
    if (until - since) // step > MOST_STEPS:
        least = math.ceil((until - since) / MOST_STEPS / _SECOND)
        raise FilterError("step", f"the range has more than {MOST_STEPS:,} such steps: give {least} s or more")
    try:
        if step % _DAY == 0:
            return TimeSteps(_list_days(since, until, step // _DAY, calendar), since, until)
        offset = _find_offset(since, calendar)
    except (ValueError, OverflowError, OSError):
        raise FilterError("since", "the range has days that no calendar has: give a shorter one") from None
    first = (since + offset) // step * step - offset
    edges = range(first, until + step, step)
    return TimeSteps(edges[: (until - 1 - first) // step + 2], since, until, step)


def _find_offset(time: int, calendar: Calendar) -> int:
    """Return how far the clock of the time zone is ahead of UTC."""
    offset = datetime.fromtimestamp(time // _SECOND, UTC).astimezone(calendar.zone).utcoffset()
    return round((offset or timedelta()).total_seconds()) * _SECOND


def _list_days(since: int, until: int, days: int, calendar: Calendar) -> list[int]:
    """Return the moments at which each so many days begin in the time zone; weeks begin on Monday."""
    day = datetime.fromtimestamp(since // _SECOND, UTC).astimezone(calendar.zone).date().toordinal()
    day -= (day - _MONDAY) % days
    edges: list[int] = []
    while not edges or edges[-1] < until:
        one = date.fromordinal(day)
        edges.append(round(calendar.localize(datetime(one.year, one.month, one.day)).timestamp()) * _SECOND)
        day += days
    return edges
