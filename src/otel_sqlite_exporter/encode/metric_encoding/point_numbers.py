# SPDX-License-Identifier: Apache-2.0
"""Numbers of data points as columns hold them, and as JSON does. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.model.metric_records.metric_rows import StoredNumber
from otel_sqlite_exporter.model.values import LARGEST


def encode_number(value: Any) -> tuple[StoredNumber, int]:
    """Return a number as a column holds it, and 1 if that is another number, else 0. What is no number is None."""
    if type(value) is float:
        return (value, 0) if math.isfinite(value) else (_name(value), 0)
    if value is None:
        return None, 0
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _convert(value)
    if isinstance(value, float):
        return encode_number(float(value))
    number = int(value)
    return (number, 0) if -LARGEST <= number <= LARGEST else (str(number), 0)


def read_number(stored: StoredNumber) -> Any:
    """Return an encoded number, which is not None, as Python's own."""
    if not isinstance(stored, str):
        return stored
    return float(stored) if stored.endswith(("NaN", "Infinity")) else int(stored)


def encode_count(value: Any) -> tuple[StoredNumber, int]:
    """Return a number of values as a column holds it, and 1 if it is none, else 0."""
    number, bad = encode_number(value)
    if type(number) is float and number.is_integer():
        return encode_number(int(number))
    return (number, bad) if (isinstance(number, int) and number >= 0) or number is None else _refuse_count(number)


def encode_numbers(values: Sequence[Any]) -> tuple[list[StoredNumber], int]:
    """Return numbers for JSON, as `encode_number` returns each."""
    encoded = [encode_number(value) for value in values]
    return [number for number, _ in encoded], sum(bad for _, bad in encoded)


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
