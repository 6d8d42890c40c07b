# SPDX-License-Identifier: Apache-2.0
"""Decodes single values of OTLP's JSON encoding. Pure.

Ids are hexadecimal text, 64-bit integers are text or numbers, bytes are base64. Where protobuf's own JSON mapping
differs, its form is read too: ids as base64, members of enumerations by name, fields by their names in the .proto file.

A function with `note` calls it with what it altered or left out, in words that quote no value.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from otel_sqlite_exporter.model.odd_values.repeated_keys import make_map
from otel_sqlite_exporter.otlp.message_kinds import name_in_proto

Note = Callable[[str], None]
ORIGINAL_TYPE = "originalType"
"""A field that this package adds to an `AnyValue` which holds the digits of an integer that OTLP has no form for; its
value is `int`. Other readers pass it over, as OTLP wants of unknown fields."""
INTEGER_TYPE = "int"
_HEXADECIMAL = re.compile("[0-9a-fA-F]+")
_DIGITS = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?|-?Infinity|NaN")


def decode_attributes_list(items: Any, note: Note) -> dict[Any, Any]:
    """Return a list of `KeyValue` as a dict. If a key occurs twice, the last value counts; the others have a
    `RepeatedKey`. A value that is not an `AnyValue` is kept as the text that came.

    Raises:
        ValueError: `items` is neither a list nor an object.
    """
    return _decode_map(items, note, 0)


def decode_value_or_text(value: Any, note: Note) -> Any:
    """Return the value in an `AnyValue`, or the text that came if it is none."""
    return _decode_item(value, note, 0)


def decode_any_value(value: Any, note: Note, depth: int = 0) -> Any:
    """Return the value in an `AnyValue`: None if it is empty, or of an unknown kind. `depth` is how many values it is
    in. What is in it and is not an `AnyValue` is kept as the text that came.

    Raises:
        ValueError, OverflowError: `value` is not an `AnyValue`.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError("it is no AnyValue")
    if len(value) == 1:  # as nearly all have
        ((kind, content),) = value.items()
        decode = _DECODERS.get(kind)
        if decode is not None:
            return None if content is None else decode(content, note, depth)
    # Protobuf's JSON mapping: a field that is null is not set.
    kinds = [kind for kind, content in value.items() if content is not None and kind in _DECODERS]
    if len(kinds) != 1:
        if kinds:
            note("is of several types: the first counts")
        elif not _DECODERS.keys() >= value.keys():
            note("is of a type that OTLP does not know: it is left out")
        if not kinds:
            return None
    content = value[kinds[0]]
    if value.get(ORIGINAL_TYPE) == INTEGER_TYPE and isinstance(content, str):
        return decode_integer(content)
    return _DECODERS[kinds[0]](content, note, depth)


def decode_id(text: Any, size_bytes: int) -> int:
    """Return a trace id (16 bytes) or a span id (8 bytes) as a number, 0 if there is none.

    Raises:
        ValueError: `text` is not an id of that size.
    """
    if text is None or text == "":
        return 0
    if not isinstance(text, str):
        raise ValueError("an id is a text")
    # A text of hexadecimal digits alone is no base64, but an id that is cut.
    raw = bytes.fromhex(text) if _HEXADECIMAL.fullmatch(text) else _parse_base64(text)
    if len(raw) != size_bytes:
        raise ValueError(f"the id does not have {size_bytes} bytes")
    return int.from_bytes(raw, "big")


def decode_integer(value: Any) -> int | None:
    """Return a whole number, given as a number or as its digits; None if there is none.

    Raises:
        ValueError: `value` is anything else.
    """
    if value is None or type(value) is int:
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise ValueError("it is no whole number")


def decode_double(value: Any) -> float:
    """Return a floating-point number, given as a number, its digits or its name (`NaN`, `Infinity`, `-Infinity`).

    Raises:
        ValueError, OverflowError: `value` is anything else, or an integer that is too large.
    """
    is_number = _NUMBER.fullmatch(value) if isinstance(value, str) else type(value) in (int, float)
    if not is_number:
        raise ValueError("it is no number")
    return float(value)


def show_as_text(content: Any) -> str:
    """Return what stands in a place of JSON as text: itself, or its JSON. Of an object with one member this shows that
    member."""
    only = [*content.values()] if isinstance(content, dict) else [content]
    shown = only[0] if len(only) == 1 else content
    try:
        return shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)
    except RecursionError:
        return ""


def _decode_map(items: Any, note: Note, depth: int) -> dict[Any, Any]:
    return make_map(_decode_pairs(items, note, depth))


def _decode_pairs(items: Any, note: Note, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(items, dict):
        note("is in an object where a list is due")
        for key, value in items.items():
            yield key, _decode_item(value, note, depth)
        return
    for item in _check_list(items):
        if not isinstance(item, dict):
            note("is without a key: it is left out")
            continue
        key = item.get("key")
        if not isinstance(key, str):
            if key is not None:
                note("has a key that is no text: it is kept as its JSON")
            key = "" if key is None else show_as_text(key)
        yield key, _decode_item(item.get("value"), note, depth)


def _decode_item(value: Any, note: Note, depth: int) -> Any:
    if depth > _DEEPEST:
        note(f"stands {_DEEPEST} levels deep: it is left out")
        return None
    try:
        return decode_any_value(value, note, depth)
    except (ValueError, OverflowError):
        note("is none of its type: it is kept as the text that came")
        return show_as_text(value)


def _check_list(items: Any) -> list[Any]:
    if items is None:
        return []
    if not isinstance(items, list):
        raise ValueError("it is no list")
    return items


def _decode_text(value: Any, *_: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("it is no text")
    return value


def _decode_flag(value: Any, *_: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("it is no boolean")
    return value


def _decode_bytes(value: Any, *_: Any) -> bytes:
    return _parse_base64(_decode_text(value))


def _parse_base64(text: str) -> bytes:
    # Protobuf's JSON mapping: the alphabet of URLs is read too, with or without padding.
    digits = text.rstrip("=").translate(_OF_URLS)
    return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)


def _get_values(value: Any) -> Any:
    if not isinstance(value, dict) or not value.keys() <= {"values"}:
        raise ValueError("it is no list of values")
    return value.get("values")


def _decode_array(value: Any, note: Note, depth: int) -> list[Any]:
    return [_decode_item(item, note, depth + 1) for item in _check_list(_get_values(value))]


# As deep as values are stored. What JSON can nest deeper, Python may not.
_DEEPEST = 100
_OF_URLS = str.maketrans("-_", "+/")
_KINDS: dict[str, Callable[[Any, Note, int], Any]] = {
    "stringValue": _decode_text,
    "intValue": lambda value, *_: decode_integer(value),
    "doubleValue": lambda value, *_: decode_double(value),
    "boolValue": _decode_flag,
    "arrayValue": _decode_array,
    "kvlistValue": lambda value, note, depth: _decode_map(_get_values(value), note, depth + 1),
    "bytesValue": _decode_bytes,
}
_DECODERS = {name_in_proto(kind): decode for kind, decode in _KINDS.items()} | _KINDS
