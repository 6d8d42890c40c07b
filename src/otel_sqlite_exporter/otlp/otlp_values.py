# SPDX-License-Identifier: Apache-2.0
"""Decodes single values of OTLP's JSON encoding. Pure.

Ids are hexadecimal text, 64-bit integers are text or numbers, bytes are base64. Where protobuf's own JSON mapping
differs, its form is read too: ids as base64, members of enumerations by name.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from otel_sqlite_exporter.model.repeated_keys import make_map


class UnreadableValue:
    """Stands for what is not an `AnyValue`. It is stored as the text that came, and counted as repaired."""

    __slots__ = ("_content",)

    def __init__(self, content: Any) -> None:
        self._content = content

    def __str__(self) -> str:  # noqa: D105
        only = [*self._content.values()] if isinstance(self._content, dict) else [self._content]
        text = only[0] if len(only) == 1 else self._content
        return text if isinstance(text, str) else json.dumps(text)


def decode_attributes_list(items: Any) -> dict[Any, Any]:
    """Return a list of `KeyValue` as a dict. If a key occurs twice, the last value counts; the others have a
    `RepeatedKey`. A value that is not an `AnyValue` is an `UnreadableValue`.

    Raises:
        ValueError, TypeError, AttributeError: `items` is anything else.
    """
    return _decode_map(items, 0)


def decode_value_or_text(value: Any) -> Any:
    """Return the value in an `AnyValue`, or an `UnreadableValue` if it is none."""
    return _decode_item(value, 0)


def decode_any_value(value: Any, depth: int = 0) -> Any:
    """Return the value in an `AnyValue`: None if it is empty, or of an unknown kind. `depth` is how many values it is
    in. What is in it and is not an `AnyValue` is an `UnreadableValue`.

    Raises:
        ValueError, TypeError, AttributeError: `value` is not an `AnyValue`.
    """
    if not value:
        return None
    for kind, content in value.items():
        decode = _DECODERS.get(kind)
        if decode is not None:
            # Protobuf's JSON mapping: a field that is null is not set.
            return None if content is None else decode(content, depth)
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


def _decode_map(items: Any, depth: int) -> dict[Any, Any]:
    return make_map((item.get("key") or "", _decode_item(item.get("value"), depth)) for item in items or ())


def _decode_item(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        return UnreadableValue("")
    try:
        return decode_any_value(value, depth)
    except (ValueError, TypeError, AttributeError, OverflowError):
        return UnreadableValue(value)


def _decode_text(value: Any, _: int) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"{value!r} is not text")


def _decode_flag(value: Any, _: int) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"{value!r} is not a boolean")


def _decode_bytes(value: Any, _: int) -> bytes:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not base64")
    # Protobuf's JSON mapping: the alphabet of URLs is read too, with or without padding.
    text = value.rstrip("=").translate(_OF_URLS)
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


# As deep as values are stored. What JSON can nest deeper, Python may not.
_DEEPEST = 100
_OF_URLS = str.maketrans("-_", "+/")
_DECODERS: dict[str, Callable[[Any, int], Any]] = {
    "stringValue": _decode_text,
    "intValue": lambda value, _: decode_integer(value),
    "doubleValue": lambda value, _: float(value),  # also reads NaN, Infinity and -Infinity
    "boolValue": _decode_flag,
    "arrayValue": lambda value, depth: [_decode_item(item, depth + 1) for item in value.get("values") or ()],
    "kvlistValue": lambda value, depth: _decode_map(value.get("values"), depth + 1),
    "bytesValue": _decode_bytes,
}
