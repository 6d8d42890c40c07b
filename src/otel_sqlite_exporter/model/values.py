# SPDX-License-Identifier: Apache-2.0
"""Attribute values as JSON text, and back.

The representation is the one that the OpenTelemetry specification gives for stores that are not OTLP ("Mapping
AnyValue to non-OTLP", common/README.md): non-finite numbers are the texts `NaN`, `Infinity` and `-Infinity`, bytes are
base64 text, null is kept. Where JSON loses the type, `attribute_types` notes it: a JSON object from the JSON Pointer
(RFC 6901) of the value to `bytes`, `double`, `int` (an integer beyond 64 bits, kept as digits) or, alone or after one
of these and a comma, `cut:` and how long the value was.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

# Values that orjson would turn into something else without a word are refused, and so take the slow path.
_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
_SURROGATES = re.compile("[\ud800-\udfff]")
_NEVER_ESCAPED = '"\\'
# SQLite's JSON functions accept 1,000 levels, orjson 254; nobody reads a hundred.
_DEEPEST = 100
_SURE_TYPES = frozenset((str, int, bool))
_are_sure = _SURE_TYPES.issuperset
_NON_FINITE = {float("inf"): "Infinity", float("-inf"): "-Infinity"}


class EncodedAttributes(NamedTuple):
    """`text` is one JSON object, `types` the notes (or None where JSON says it all), `repaired` the number of values
    that could not be kept exactly."""

    text: str
    types: str | None
    repaired: int


EMPTY_ATTRIBUTES = EncodedAttributes("{}", None, 0)


@dataclass(frozen=True, slots=True)
class Cut:
    """The beginning of a text, bytes, an array or a map, and how long the whole was (characters, bytes, elements)."""

    value: Any
    original_size: int

    def __str__(self) -> str:  # noqa: D105
        return str(self.value)


def is_cut(types: str | None) -> bool:
    """Whether notes of types say that values may have been cut."""
    return types is not None and "cut:" in types


def uncut(value: Any) -> Any:
    """Return a value with what is kept of a `Cut` in its place: the value that the file holds."""
    kind = type(value)
    if kind is Cut:
        return uncut(value.value)
    if kind is dict:
        return {key: uncut(item) for key, item in value.items()}
    return [uncut(item) for item in value] if kind is list else value


def encode_attributes(attributes: Mapping[Any, Any] | None, doubtful: Sequence[Any] | None = None) -> EncodedAttributes:
    """Encode one attribute mapping. Never raises for any key or value: what cannot be kept exactly is repaired (a lone
    surrogate becomes U+FFFD, an unknown object its `str()`, what has none null) and counted. `doubtful` is what
    `find_doubtful` returns for these attributes, if the caller knows it."""
    if not attributes:
        return EMPTY_ATTRIBUTES
    try:
        text = orjson.dumps(attributes, option=_OPTIONS)
    except TypeError:
        return _encode_slowly(attributes)
    # orjson writes NaN and infinities as null.
    for key in find_doubtful(attributes) if doubtful is None else doubtful:
        if _has_non_finite(attributes[key]):
            return _encode_slowly(attributes)
    return EncodedAttributes(text.decode(), None, 0)


def encode_sure(attributes: Mapping[Any, Any]) -> str | None:
    """Return what `encode_attributes` would, in half the time, where all values are text, integers or booleans and
    nothing is repaired; else None."""
    if not _are_sure(map(type, attributes.values())):
        return None
    try:
        return orjson.dumps(attributes, None, _OPTIONS).decode()
    except TypeError:
        return None


def find_doubtful(attributes: Mapping[Any, Any]) -> Sequence[Any]:
    """Return the keys of those values in which, by their type, NaN or an infinity may be."""
    if _are_sure(map(type, attributes.values())):
        return ()
    return [key for key, value in attributes.items() if type(value) not in _SURE_TYPES]


def decode_attributes(text: str, types: str | None = None) -> dict[str, Any]:
    """Return the attributes that `encode_attributes` was given, arrays as lists; exact where nothing was repaired or
    cut."""
    attributes: dict[str, Any] = decode_value(text, types)
    return attributes


def encode_value(value: Any) -> EncodedAttributes:
    """Encode one value of any type, as `encode_attributes` does; `text` is one JSON value. Never raises."""
    return _encode_slowly(value)


def decode_value(text: str, types: str | None = None) -> Any:
    """Return the value that `encode_value` was given, as `decode_attributes` does."""
    root: dict[str, Any] = {"": orjson.loads(text)}
    if types:
        for pointer, type_name in orjson.loads(types).items():
            *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")]
            holder: Any = root
            for part in parents:
                holder = holder[int(part)] if isinstance(holder, list) else holder[part]
            key = int(last) if isinstance(holder, list) else last
            decode = _DECODERS.get(type_name.partition(",")[0])
            if decode is not None:
                holder[key] = decode(holder[key])
    return root[""]


def get_attribute_path(key: str) -> str | None:
    """Return the path to an attribute for SQLite's JSON functions; None where no path can name the key in every version
    of SQLite, so that `json_each` has to find it."""
    if any(character in key for character in _NEVER_ESCAPED) or not key.isprintable():
        return None
    return f'$."{key}"'


def repair_text(value: Any) -> tuple[str, int]:
    """Return `value` as text that SQLite can hold, and 1 if that is not exactly what it was."""
    if isinstance(value, str):
        plain = value if type(value) is str else str.__str__(value)
        if plain.isascii():
            return plain, 0
        text, count = _SURROGATES.subn("\ufffd", plain)
        return text, 1 if count else 0
    if value is None:
        return "", 1
    try:
        return _SURROGATES.sub("\ufffd", str(value)), 1
    except Exception:
        return "", 1


_DECODERS: dict[str, Callable[[str], Any]] = {"bytes": base64.b64decode, "double": float, "int": int}


def _has_non_finite(value: Any) -> bool:
    if isinstance(value, float):
        return value - value != 0
    if isinstance(value, (list, tuple)):
        return not _are_sure(map(type, value)) and any(map(_has_non_finite, value))
    return isinstance(value, dict) and any(map(_has_non_finite, value.values()))


def _encode_slowly(attributes: Any) -> EncodedAttributes:
    walk = _Walk()
    plain = walk.visit(attributes, "", 0)
    types = orjson.dumps(walk.types).decode() if walk.types else None
    return EncodedAttributes(orjson.dumps(plain).decode(), types, walk.repaired)


class _Walk:
    """Turns any value into what orjson encodes as meant, noting types and repairs on the way."""

    def __init__(self) -> None:
        self.types: dict[str, str] = {}
        self.repaired = 0

    def visit(self, value: Any, pointer: str, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int):
            if -(2**63) <= value < 2**64:
                return int(value)
            return self._digits(value, pointer)
        if isinstance(value, float):
            if value == value and value not in _NON_FINITE:
                return float(value)
            self.types[pointer] = "double"
            return _NON_FINITE.get(value, "NaN")
        if isinstance(value, (bytes, bytearray, memoryview)):
            self.types[pointer] = "bytes"
            return base64.b64encode(value).decode()
        if depth < _DEEPEST and isinstance(value, Mapping):
            return self._mapping(value, pointer, depth)
        if depth < _DEEPEST and isinstance(value, (Sequence, set, frozenset)):
            return [self.visit(item, f"{pointer}/{index}", depth + 1) for index, item in enumerate(value)]
        if isinstance(value, Cut):
            kept = self.visit(value.value, pointer, depth)
            noted = self.types.get(pointer)
            self.types[pointer] = f"{noted + ',' if noted else ''}cut:{value.original_size}"
            return kept
        self.repaired += 1
        if isinstance(value, (Mapping, Sequence)):
            return None
        return repair_text(value)[0] or None

    def _digits(self, value: int, pointer: str) -> str:
        try:
            digits = str(int(value))
        except ValueError:  # Python refuses to write out thousands of digits (sys.set_int_max_str_digits)
            self.repaired += 1
            return hex(value)
        self.types[pointer] = "int"
        return digits

    def _mapping(self, value: Mapping[Any, Any], pointer: str, depth: int) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for key, item in value.items():
            name, repaired = repair_text(key)
            self.repaired += repaired
            while name in plain:  # two keys that are the same as text: keep both values
                name += "\ufffd"
            escaped = name.replace("~", "~0").replace("/", "~1")
            plain[name] = self.visit(item, f"{pointer}/{escaped}", depth + 1)
        return plain

    def _text(self, value: str) -> str:
        text, repaired = repair_text(value)
        self.repaired += repaired
        return text
