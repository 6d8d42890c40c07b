# SPDX-License-Identifier: Apache-2.0
"""Reads the recorded value of an attribute row. Pure; nothing here raises for any row.

An attribute row keeps one value in one of three columns, and names the type in a fourth. Numbers are always floats
there, lists and maps always text.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from otel_sqlite_exporter.model.values import decode_value, encode_value, repair_text

_KINDS = {
    "text": ("str", "string", "varchar"),
    "numeric": ("number", "int", "integer", "float", "real", "double"),
    "boolean": ("bool",),
    "json": ("dict", "list", "object", "array"),
}
_TYPES = {name: kind for kind, names in _KINDS.items() for name in (kind, *names)}
COLUMNS = {"text": "value_text", "numeric": "value_numeric", "boolean": "value_boolean", "json": "value_text"}
"""The column of a value, by type."""
UNSURE = "?"
_SURROGATES = re.compile("[\ud800-\udfff]")
_MANY_DIGITS = re.compile(r"\d{19}")
# Beyond this, a float may stand for several whole numbers.
_LARGEST_WHOLE = 2.0**53
_LONGEST_REPR = 1_000_000


def read_value(row: Mapping[str, Any], counts: Counter[str]) -> tuple[str, Any]:
    """Return the type (text, numeric, boolean or json) and the value of an attribute row. A type ends in a question
    mark if the row names another type, or has the value in another column. Counts what was found (`attributes.TYPE`),
    restored (`restored.integers`) and repaired (`repaired.HOW`)."""
    kind = find_type(row.get("value_type"))
    sure = ""
    if kind is None:
        kind, sure = _guess(row), UNSURE
        counts["repaired.unknown type"] += 1
    counts[f"attributes.{kind}"] += 1
    value = row.get(COLUMNS[kind])
    if value is None:
        value = next((row[column] for column in COLUMNS.values() if row.get(column) is not None), None)
        if value is None:
            counts["attributes.null"] += 1
            return kind + sure, None
        counts["repaired.value in the column of another type"] += 1
        sure = UNSURE
    if kind == "numeric":
        value = _read_number(value, counts)
    elif kind == "boolean":
        value = _read_boolean(value, counts)
    elif kind == "json":
        value = read_json(value, counts)
    elif isinstance(value, str) and not value.isascii() and _SURROGATES.search(value):
        counts["repaired.text that was no UTF-8"] += 1
        value, sure = repair_text(value)[0], UNSURE
    return kind + sure, value


def find_type(noted: Any) -> str | None:
    """Return the type (text, numeric, boolean or json) that a row names, or None."""
    return _TYPES.get(str(noted).strip().lower())


def read_json(value: Any, counts: Counter[str]) -> Any:
    """Return the value of a JSON text. A Python repr is read too; other text stays as it is."""
    if not isinstance(value, str):
        return value
    try:
        # orjson reads integers beyond 64 bits as floats.
        return json.loads(value) if _MANY_DIGITS.search(value) else orjson.loads(value)
    except ValueError:
        pass
    try:
        read = json.loads(value)
        counts["repaired.json with NaN or infinity"] += 1
        return read
    except (ValueError, RecursionError):
        pass
    if len(value) <= _LONGEST_REPR and value.lstrip()[:1] in ("{", "[", "(", "'", '"'):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about a backslash in a repr
                read = ast.literal_eval(value.strip())
            counts["repaired.python repr"] += 1
            return decode_value(*encode_value(read)[:2])  # tuples, sets and other keys as in JSON
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            pass
    counts["repaired.broken json kept as text"] += 1
    return value


def _read_number(value: Any, counts: Counter[str]) -> Any:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            counts["repaired.number kept as text"] += 1
            return value
    if isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST_WHOLE:
        counts["restored.integers"] += 1
        return int(value)
    return value


def _read_boolean(value: Any, counts: Counter[str]) -> Any:
    if value in (0, 1):
        return bool(value)
    known = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}.get(str(value).lower())
    counts[f"repaired.boolean {'read from text' if known is not None else 'kept as it is'}"] += 1
    return value if known is None else known


def _guess(row: Mapping[str, Any]) -> str:
    return next((kind for kind in ("numeric", "boolean", "text") if row.get(COLUMNS[kind]) is not None), "text")
