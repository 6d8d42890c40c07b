# SPDX-License-Identifier: Apache-2.0
"""Decodes single values of OTLP's JSON encoding. Pure.

Ids are hexadecimal text, 64-bit integers are text or numbers, bytes are base64. Where protobuf's own JSON mapping
differs, its form is read too: ids as base64, members of enumerations by name.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any


def decode_attributes_list(items: Any) -> dict[str, Any]:
    """Return a list of `KeyValue` as a dict. If a key occurs twice, the last value counts.

    Raises:
        ValueError, TypeError, AttributeError: `items` is anything else.
    """
    return {item.get("key", ""): decode_any_value(item.get("value")) for item in items or ()}


def decode_any_value(value: Any) -> Any:
    """Return the value in an `AnyValue`: None if it is empty, or of an unknown kind.

    Raises:
        ValueError, TypeError, AttributeError: `value` is not an `AnyValue`.
    """
    if not value:
        return None
    for kind, content in value.items():
        decode = _DECODERS.get(kind)
        if decode is not None:
            return decode(content)
    return None


def decode_id(text: Any, size_bytes: int) -> int:
    """Return a trace id (16 bytes) or a span id (8 bytes) as a number, 0 if there is none.

    Raises:
        ValueError: `text` is not an id of that size.
    """
    if not text:
        return 0
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is not an id")
    raw = bytes.fromhex(text) if len(text) == 2 * size_bytes else base64.b64decode(text, validate=True)
    if len(raw) != size_bytes:
        raise ValueError(f"the id {text!r} does not have {size_bytes} bytes")
    return int.from_bytes(raw, "big")


def decode_integer(value: Any) -> int | None:
    """Return a whole number, given as a number or as its digits; None if there is none.

    Raises:
        ValueError: `value` is anything else.
    """
    if value is None or type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        return int(value)
    raise ValueError(f"{value!r} is not a whole number")


def decode_time(value: Any) -> int | None:
    """Return a time in nanoseconds since the epoch; None for 0, which is OTLP's unknown time.

    Raises:
        ValueError: `value` is anything else.
    """
    return decode_integer(value) or None


def _decode_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"{value!r} is not text")


def _decode_flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"{value!r} is not a boolean")


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "stringValue": _decode_text,
    "intValue": decode_integer,
    "doubleValue": float,  # also reads NaN, Infinity and -Infinity
    "boolValue": _decode_flag,
    "arrayValue": lambda value: [decode_any_value(item) for item in value.get("values") or ()],
    "kvlistValue": lambda value: decode_attributes_list(value.get("values")),
    "bytesValue": base64.b64decode,
}
