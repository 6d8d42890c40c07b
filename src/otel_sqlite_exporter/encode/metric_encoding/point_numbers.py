# SPDX-License-Identifier: Apache-2.0
"""Numbers of data points as columns hold them, and as JSON does. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.model.metric_records.metric_rows import StoredNumber
from otel_sqlite_exporter.model.values import LARGEST

_SMALLEST = -LARGEST - 1
_EXACT = 2**53
_are_integers = frozenset((int,)).issuperset


def encode_number(value: Any) -> tuple[StoredNumber, int]:
    """Return a number as a column holds it, and 1 if that is another number, else 0. What is no number is None."""
    if type(value) is float:
        return (value, 0) if math.isfinite(value) else (_name(value), 0)
    if type(value) is int and _SMALLEST <= value <= LARGEST:
        return value, 0
    if value is None:
        return None, 0
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _convert(value)
    if isinstance(value, float):
        return encode_number(float(value))
    number = int(value)
    return (number, 0) if _SMALLEST <= number <= LARGEST else (str(number), 0)


def as_double(value: Any) -> Any:
    """Return an integer as the floating-point number that it equals; anything else, and what equals none, as it is. The
    bounds of a histogram are floating-point numbers, which an application may give as integers."""
    return float(value) if type(value) is int and -_EXACT <= value <= _EXACT else value


def read_number(stored: StoredNumber) -> Any:
    """Return an encoded number, which is not None, as Python's own."""
    if not isinstance(stored, str):
        return stored
    return float(stored) if stored.endswith(("NaN", "Infinity")) else int(stored)


def encode_count(value: Any) -> tuple[StoredNumber, int]:
    """Return a number of values as a column holds it, and 1 if it is none, else 0."""
    if type(value) is int and 0 <= value <= LARGEST:
        return value, 0
    number, bad = encode_number(value)
    if type(number) is float and number.is_integer():
        return encode_number(int(number))
    return (number, bad) if (isinstance(number, int) and number >= 0) or number is None else _refuse_count(number)


def encode_counts(values: Sequence[Any]) -> tuple[list[StoredNumber], int]:
    """Return numbers of values for JSON, as `encode_count` returns each; one that is none is 0."""
    if _are_integers(map(type, values)) and min(values, default=0) >= 0 and max(values, default=0) <= LARGEST:
        return list(values), 0
    encoded = [encode_count(value) for value in values]
    return [count or 0 for count, _ in encoded], sum(bad for _, bad in encoded)


def encode_numbers(values: Sequence[Any]) -> tuple[list[StoredNumber], int]:
    """Return numbers for JSON, as `encode_number` returns each."""
    encoded = [encode_number(value) for value in values]
    return [number for number, _ in encoded], sum(bad for _, bad in encoded)


def dump_plain(values: Any) -> str | None:
    """Return numbers as JSON in a tenth of the time of `encode_numbers`, if each is its own form; else None."""
    return _dump_if(values, b"0123456789,.+-e")


def dump_plain_counts(values: Any) -> str | None:
    """Return numbers of values as JSON, as `dump_plain` does."""
    return _dump_if(values, b"0123456789,")


def _dump_if(values: Any, allowed: bytes) -> str | None:
    """Return a list as JSON, if all in it has these characters only: orjson writes NaN as null, and True as true."""
    if type(values) not in (tuple, list):
        return None
    try:
        text = orjson.dumps(values, None, orjson.OPT_PASSTHROUGH_SUBCLASS)
    except TypeError:  # as for an integer beyond 64 bits
        return None
    return None if text[1:-1].translate(None, allowed) or max(values, default=0) > LARGEST else text.decode()


def dump_numbers(values: Any) -> str:
    """Return nested lists of encoded numbers as JSON."""
    return orjson.dumps(values).decode()


def _convert(value: Any) -> tuple[StoredNumber, int]:
    """Return a value of another type as a number: NumPy's numbers, decimals and fractions are some."""
    try:
        index = getattr(value, "__index__", None)
        number: int | float = int(value) if index is not None and not isinstance(value, bool) else float(value)
    except Exception:  # values reach an exporter unchecked, with methods of their own
        return None, 1
    encoded, _ = encode_number(number)
    return encoded, int(isinstance(value, (bool, str, bytes)))


def _refuse_count(number: StoredNumber) -> tuple[StoredNumber, int]:
    is_large = isinstance(number, str) and number.isdigit()
    return (number, 0) if is_large else (None, 1)


def _name(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
