# SPDX-License-Identifier: Apache-2.0
"""Values as columns: attributes as JSON text and back, and single fields of spans and log records.

The JSON form is the OpenTelemetry specification's for stores other than OTLP ("Mapping AnyValue to non-OTLP",
common/README.md): non-finite numbers are the texts `NaN`, `Infinity` and `-Infinity`, bytes are base64 text, null stays
null. If JSON loses the type of a value, `attribute_types` notes it. This is a JSON object from the value's JSON Pointer
(RFC 6901) to `bytes`, `double`, `int` (an integer that SQLite cannot hold, stored as digits: it has 64 bits with its
sign), `cut:` with the original size, or `again` (its key stands in the map again). The last two may follow others, each
after a comma.

No function here raises for any value: an unusable value becomes None or is repaired, and the caller gets a count.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.model.odd_values.cut_values import Cut
from otel_sqlite_exporter.model.odd_values.repeated_keys import (
    AGAIN,
    RepeatedKey,
    find_free_key,
    mark_repeated,
    restore_repeated,
)
from otel_sqlite_exporter.model.odd_values.repeats import Repeats

# Values that orjson would silently convert are refused, so they take the slow path.
_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
_SURROGATES = re.compile("[\ud800-\udfff]")
_NEVER_ESCAPED = '"\\'
# SQLite's JSON functions accept 1,000 levels and orjson 254; nobody reads a hundred.
_DEEPEST = 100
_SURE_TYPES = frozenset((str, int, bool))
_are_sure = _SURE_TYPES.issuperset
LARGEST = 2**63 - 1
"""The largest integer that SQLite stores."""
# `to_bytes().hex()` takes half the time of an f-string.
_LARGEST_TRACE_ID, _LARGEST_SPAN_ID = 2**128 - 1, 2**64 - 1
# `bool(trace_state)` runs Python code, and most spans share one empty trace state.
last_empty_state: list[Any] = [None]
_NON_FINITE = {float("inf"): "Infinity", float("-inf"): "-Infinity"}


class EncodedAttributes(NamedTuple):
    """`text` is one JSON object, `types` the type notes (None: JSON loses no type), `repaired` the number of values
    that could not be kept exactly."""

    text: str
    types: str | None
    repaired: int


EMPTY_ATTRIBUTES = EncodedAttributes("{}", None, 0)


def encode_attributes(attributes: Mapping[Any, Any] | None, doubtful: Sequence[Any] | None = None) -> EncodedAttributes:
    """Encode one attribute mapping. A value that cannot be kept exactly is repaired and counted: a lone surrogate
    becomes U+FFFD, an unknown object its `str()` or, if that fails, null. `doubtful` is the result of `find_doubtful`
    for these attributes, if the caller has it."""
    if not attributes:
        return EMPTY_ATTRIBUTES
    try:
        text = orjson.dumps(attributes, option=_OPTIONS)
    except TypeError:
        return _encode_slowly(attributes)
    # orjson writes NaN and infinities as null, and integers that SQLite reads as rounded numbers.
    for key in find_doubtful(attributes) if doubtful is None else doubtful:
        if _needs_type(attributes[key]):
            return _encode_slowly(attributes)
    if _have_large(attributes.values()):
        return _encode_slowly(attributes)
    return EncodedAttributes(text.decode(), None, 0)


def encode_sure(attributes: Mapping[Any, Any]) -> str | None:
    """Return the text of `encode_attributes` in half the time if all values are text, integers or booleans and nothing
    needs repair; else None."""
    if not _are_sure(map(type, attributes.values())) or _have_large(attributes.values()):
        return None
    try:
        return orjson.dumps(attributes, None, _OPTIONS).decode()
    except TypeError:
        return None


def find_doubtful(attributes: Mapping[Any, Any]) -> Sequence[Any]:
    """Return the keys of values whose type can hold NaN or an infinity."""
    if _are_sure(map(type, attributes.values())):
        return ()
    return [key for key, value in attributes.items() if type(value) not in _SURE_TYPES]


def decode_attributes(text: str, types: str | None = None) -> dict[str, Any]:
    """Return the attributes that `encode_attributes` encoded, arrays as lists. They are exact unless a value was
    repaired or cut."""
    attributes: dict[str, Any] = decode_value(text, types)
    return attributes


def encode_value(value: Any) -> EncodedAttributes:
    """Encode one value of any type, as `encode_attributes` does; `text` is one JSON value."""
    return _encode_slowly(value)


def decode_value(text: str, types: str | None = None, *, restore_keys: bool = False) -> Any:
    """Return the value that `encode_value` encoded, as `decode_attributes` does. With `restore_keys`, a key that is in
    its map again is a `RepeatedKey`; else it is as stored."""
    root: dict[str, Any] = {"": orjson.loads(text)}
    repeated: list[tuple[Any, str]] = []
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
            if restore_keys and type_name.endswith(AGAIN):
                repeated.append((holder, last))
    for holder, last in repeated:  # now, because the pointers have the keys as stored
        restore_repeated(holder, last)
    return root[""]


def decode_text(text: str | None, types: str | None = None) -> str | None:
    """Return the value that `encode_value` encoded if it is text, else None."""
    value = decode_value(text, types) if text is not None and text[:1] == '"' else None
    return value if isinstance(value, str) else None


def get_attribute_path(key: str) -> str | None:
    """Return the path to an attribute for SQLite's JSON functions, or None if no path can name the key in every version
    of SQLite; then `json_each` has to find it."""
    if any(character in key for character in _NEVER_ESCAPED) or not key.isprintable():
        return None
    return f'$."{key}"'


def repair_text(value: Any) -> tuple[str, int]:
    """Return `value` as text that SQLite can hold, and 1 if that changed it, else 0."""
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


def encode_trace_id(value: Any) -> str | None:
    """Return 32 hexadecimal digits, or None if `value` is not a valid trace id."""
    return value.to_bytes(16, "big").hex() if isinstance(value, int) and 0 < value <= _LARGEST_TRACE_ID else None


def encode_span_id(value: Any) -> str | None:
    """Return 16 hexadecimal digits, or None if `value` is not a valid span id."""
    return value.to_bytes(8, "big").hex() if isinstance(value, int) and 0 < value <= _LARGEST_SPAN_ID else None


def encode_integer(value: Any, low: int = 0, high: int = LARGEST) -> int | None:
    """Return a whole number from `low` to `high`, or None for anything else."""
    return int(value) if isinstance(value, int) and low <= value <= high else None


def encode_member(member: Any, high: int) -> int | None:
    """Return the value of an enumeration's member, a whole number up to `high`, or None for anything else."""
    # `member.value` runs Python code: 130 ns where its own attribute takes 20.
    return encode_integer(getattr(member, "_value_", None), high=high)


def encode_trace_state(context: Any) -> tuple[str | None, int]:
    """Return the W3C `tracestate` header of a span context (None: empty), and 1 if it had to be repaired."""
    trace_state = getattr(context, "trace_state", None)
    if trace_state is last_empty_state[0]:
        return None, 0
    if not trace_state:
        last_empty_state[0] = trace_state
        return None, 0
    try:
        return repair_text(trace_state.to_header())
    except Exception:
        return None, 1


def copy_attributes(attributes: Any) -> dict[Any, Any]:
    """Return attributes as a plain dict."""
    # MappingProxyType.copy() asks the SDK's own mapping for its dict: 0.4 us where dict(...) takes 2.8.
    try:
        copied = attributes.copy()
        return copied if type(copied) is dict else dict(copied)
    except Exception:
        return dict(attributes) if isinstance(attributes, Mapping) else {}


_DECODERS: dict[str, Callable[[str], Any]] = {"bytes": base64.b64decode, "double": float, "int": int}


def _needs_type(value: Any) -> bool:
    if isinstance(value, float):
        return value - value != 0
    if isinstance(value, (list, tuple)):
        return _have_large(value) if _are_sure(map(type, value)) else any(map(_needs_type, value))
    if type(value) is int:
        return value > LARGEST
    return isinstance(value, dict) and any(map(_needs_type, value.values()))


def _have_large(values: Iterable[Any]) -> bool:
    for value in values:  # noqa: SIM110 - any() takes three times as long
        if type(value) is int and value > LARGEST:
            return True
    return False


def _encode_slowly(attributes: Any) -> EncodedAttributes:
    encoder = _ExactEncoder()
    plain = encoder.visit(attributes, "", 0)
    types = orjson.dumps(encoder.types).decode() if encoder.types else None
    return EncodedAttributes(orjson.dumps(plain).decode(), types, encoder.repaired)


class _ExactEncoder:
    """Turns any value into one that orjson encodes without loss, and notes types and repairs."""

    def __init__(self) -> None:
        self.types: dict[str, str] = {}
        self.repaired = 0
        self._repeats = Repeats()

    def visit(self, value: Any, pointer: str, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int):
            if -(2**63) <= value <= LARGEST:
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
        if isinstance(value, (Mapping, Sequence, set, frozenset)) and depth < _DEEPEST and self._repeats.allow(value):
            if isinstance(value, Mapping):
                return self._mapping(value, pointer, depth)
            return [self.visit(item, f"{pointer}/{index}", depth + 1) for index, item in enumerate(value)]
        if isinstance(value, Cut):
            kept = self.visit(value.value, pointer, depth)
            self._note(pointer, f"cut:{value.original_size}")
            return kept
        self.repaired += 1
        if isinstance(value, (Mapping, Sequence)):
            return None
        return repair_text(value)[0] or None

    def _digits(self, value: int, pointer: str) -> str:
        try:
            digits = str(int(value))
        except ValueError:  # Python does not convert thousands of digits (sys.set_int_max_str_digits)
            self.repaired += 1
            return hex(value)
        self.types[pointer] = "int"
        return digits

    def _mapping(self, value: Mapping[Any, Any], pointer: str, depth: int) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        numbers: dict[str, int] = {}
        for key, item in value.items():
            name, repaired = repair_text(key)
            self.repaired += repaired
            is_repeated = type(key) is RepeatedKey
            find = mark_repeated if is_repeated else find_free_key
            name = find(name, plain, numbers)  # two keys may have the same text: both values are kept
            escaped = name.replace("~", "~0").replace("/", "~1")
            inner = f"{pointer}/{escaped}"
            plain[name] = self.visit(item, inner, depth + 1)
            if is_repeated:
                self._note(inner, AGAIN)
        return plain

    def _note(self, pointer: str, more: str) -> None:
        noted = self.types.get(pointer)
        self.types[pointer] = f"{noted},{more}" if noted else more

    def _text(self, value: str) -> str:
        text, repaired = repair_text(value)
        self.repaired += repaired
        return text
