# SPDX-License-Identifier: Apache-2.0
"""Adds numbers of data points as columns hold them, without a rounding error but the last. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from otel_sqlite_exporter.encode.metric_encoding.point_numbers import encode_number, read_number
from otel_sqlite_exporter.model.metric_records.metric_rows import StoredNumber

_NO_NUMBER = "NaN"
_EXACT = 2**53
"""A floating-point number holds each integer up to here."""
NOTHING, COUNTED_FROM, ODD = range(3)
"""What a column holds: no number; a number that later ones are counted from; one that SQLite does not hold as a
number."""


def find_form(stored: StoredNumber) -> int:
    """Return which of the three a column holds."""
    return NOTHING if not is_number(stored) else ODD if isinstance(stored, str) else COUNTED_FROM


def is_number(stored: StoredNumber) -> bool:
    """Return whether a column holds a number."""
    return stored is not None and stored != _NO_NUMBER


def add_numbers(stored: Iterable[StoredNumber]) -> StoredNumber:
    """Return the sum of columns: an integer if all are, which is exact. What is no number counts for nothing; if
    nothing is one, the last is returned."""
    last: StoredNumber = None
    numbers: list[int | float] = []
    for one in stored:
        last = one
        if is_number(one):
            numbers.append(read_number(one))
    if not numbers:
        return last
    endless = [number for number in numbers if isinstance(number, float) and math.isinf(number)]
    if endless:
        return encode_number(sum(endless))[0]
    if all(type(number) is int for number in numbers):
        return encode_number(sum(numbers))[0]
    try:
        return encode_number(_add_exactly(numbers))[0]
    except OverflowError:
        return encode_number(math.inf if sum(map(Fraction, numbers)) > 0 else -math.inf)[0]


def choose_number(
    choose: Callable[[Iterable[int | float]], int | float], stored: Iterable[StoredNumber]
) -> StoredNumber:
    """Return the smallest or the largest of columns, as `choose` says. What is no number counts for nothing, as with
    `add_numbers`."""
    columns = [*stored]
    numbers = [read_number(one) for one in columns if is_number(one)]
    if not numbers:
        return columns[-1] if columns else None
    return encode_number(choose(numbers))[0]


def compare_numbers(first: StoredNumber, second: StoredNumber) -> int:
    """Return -1, 0 or 1 as the first number is less than, equal to or greater than the second."""
    one: float = read_number(first)
    other: float = read_number(second)
    return (one > other) - (one < other)


def _add_exactly(numbers: Sequence[int | float]) -> float:
    if all(type(number) is float or -_EXACT <= number <= _EXACT for number in numbers):
        return math.fsum(numbers)
    return float(sum(map(Fraction, numbers)))
