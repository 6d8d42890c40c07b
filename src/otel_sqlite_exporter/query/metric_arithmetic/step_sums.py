# SPDX-License-Identifier: Apache-2.0
"""Sums of each step. Pure. They do not depend on the order in which amounts are added: whole numbers are exact, sums of
floating-point numbers are rounded once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from otel_sqlite_exporter.query.metric_arithmetic.time_steps import TimeSteps

_BITS = 32
_ONE = 1 << _BITS
_MOST_DIGITS = 100
Number = int | float


def read_number(stored: Any) -> Number | None:
    """Return a number as a column holds it; None: there is none, or none that is finite, or one of more than a hundred
    digits."""
    if type(stored) is int:
        return stored
    if type(stored) is float:
        return stored if math.isfinite(stored) else None
    if type(stored) is str and len(stored) <= _MOST_DIGITS and stored.removeprefix("-").isdecimal():
        return int(stored)
    return None


class ExactSum:
    """A sum of numbers, whole and floating-point."""

    __slots__ = ("_parts", "_whole")

    def __init__(self) -> None:
        self._whole = 0
        self._parts: list[float] | None = None

    def add(self, number: Number) -> None:
        """Add a finite number."""
        if type(number) is int:
            self._whole += number
        elif self._parts is None:
            self._parts = [number]
        else:
            _add_exactly(self._parts, number)

    def finish(self) -> Number:
        """Return the sum: a whole number if all are."""
        return self._whole if self._parts is None else _round_sum(self._whole, self._parts)


class StepSums:
    """Sums over steps of amounts that intervals have: an amount is shared out in proportion to the time in each step.

    If all amounts are whole, so are the sums, and they add up to the amounts: what of a whole number falls on each side
    of an edge is rounded for the sum of all series, not for each."""

    def __init__(self, steps: TimeSteps) -> None:
        self._steps = steps
        self._shares = [0] * len(steps)
        self._parts: dict[int, list[float]] = {}

    def add(self, begin: int, end: int, amount: Number) -> None:
        """Add a finite amount of an interval."""
        index = self._steps.find_only(begin, end)
        if index is not None:
            if type(amount) is int:
                self._shares[index] += amount << _BITS
            else:
                _add_exactly(self._parts.setdefault(index, []), amount)
        elif type(amount) is int:
            for index, share in self._steps.share(begin, end, amount << _BITS):
                self._shares[index] += share
        else:
            for index, share in self._steps.share(begin, end, _ONE):
                _add_exactly(self._parts.setdefault(index, []), amount * (share / _ONE))

    def measure(self, index: int) -> Number:
        """Return the sum of a step, not rounded to a whole number."""
        share = self._shares[index]
        whole: Number = share >> _BITS if share & (_ONE - 1) == 0 else share / _ONE
        parts = self._parts.get(index)
        return _round_sum(whole, parts) if parts else whole

    def finish(self) -> list[Number]:
        """Return the sum of each step."""
        if self._parts:
            return [float(self.measure(index)) for index in range(len(self._shares))]
        return [*round_shares(self._shares)]


def round_shares(shares: list[int]) -> Iterator[int]:
    """Yield whole numbers for shares of `1 << 32`: what is rounded off one is added to the next."""
    reached = given = 0
    for share in shares:
        reached += share
        whole = (reached + (_ONE >> 1)) >> _BITS
        yield whole - given
        given = whole


def share_whole(steps: TimeSteps, begin: int, end: int, amount: int) -> Iterator[tuple[int, int]]:
    """Yield the shares of a whole amount, as `round_shares` takes them."""
    return steps.share(begin, end, amount << _BITS)


def read_share(share: int) -> float:
    """Return the number that a share stands for."""
    return share / _ONE


def _add_exactly(parts: list[float], number: float) -> None:
    """Add a number to parts that do not overlap, so that their sum stays exact (Shewchuk 1997)."""
    kept = 0
    for part in parts:
        larger, smaller = (number, part) if abs(number) > abs(part) else (part, number)
        number = larger + smaller
        rest = smaller - (number - larger)
        if rest:
            parts[kept] = rest
            kept += 1
    parts[kept:] = [number]


def _round_sum(whole: Number, parts: list[float]) -> float:
    try:
        total = math.fsum((*parts, whole))
    except (OverflowError, ValueError):
        total = math.nan
    if math.isfinite(total):
        return total
    return math.copysign(math.inf, max((*parts, whole), key=abs))  # beyond what a float can be
