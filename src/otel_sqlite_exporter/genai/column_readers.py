# SPDX-License-Identifier: Apache-2.0
"""Converts attribute values to columns of a call. Pure. No function raises for any value; an unusable value is None."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.genai.finish_reasons import name_reason
from otel_sqlite_exporter.genai.messages.json_texts import decode_json, decode_text
from otel_sqlite_exporter.model.values import LARGEST, encode_value, repair_text

Read = Callable[[Any], Any]
FAILED = "_OTHER"
"""OpenTelemetry's error type for unknown causes."""


def read_text(value: Any) -> str | None:
    """Read a non-empty text; a number becomes text."""
    if isinstance(value, (list, tuple, dict, bytes)):
        return None
    return (value if type(value) is str and value.isascii() else repair_text(value)[0]) or None


def read_count(value: Any) -> int | None:
    """Read a number of tokens, also from a float or a text. It is whole and not negative."""
    if type(value) is int:
        return value if 0 <= value <= LARGEST else None
    number = read_number(value)
    return int(number) if number is not None and number == int(number) else None


def read_number(value: Any) -> float | None:
    """Read a number that is not negative, also from a text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < LARGEST else None


def read_seconds_as_ms(value: Any) -> float | None:
    """Read seconds, and return milliseconds."""
    seconds = read_number(value)
    return None if seconds is None else seconds * 1000


def read_reasons(value: Any) -> str | None:
    """Read finish reasons from a list, a JSON array or one text, and return a JSON array of OpenTelemetry's names."""
    if type(value) is str and value[:1] == "[":
        value = decode_text(value) or value
    items = value if isinstance(value, (list, tuple)) else (value,)
    if len(items) == 1 and type(items[0]) is str and items[0].isidentifier():
        return f'["{name_reason(items[0])}"]'
    texts = [name_reason(repair_text(item)[0]) for item in items]
    return orjson.dumps(texts).decode() if any(texts) else None


def read_failure(value: Any) -> str | None:
    """Return the error type for unknown causes if the value says that something failed."""
    return FAILED if value is False or (type(value) is str and value.lower() in _FAILURES) else None


def read_json_or_text(value: Any) -> str | None:
    """Return text unchanged, and anything else as JSON."""
    if value is None:
        return None
    return read_text(value) if isinstance(value, str) else encode_value(value).text


def find_value(value: Any, path: Sequence[str]) -> Any:
    """Return the value at these keys (in a list: indexes, or `-1` for the last) of a map, a list, or their text in JSON
    or Python form. An empty path returns the whole value. None if it is not there."""
    if not path:
        return decode_json(value) if isinstance(value, str) else value
    if isinstance(value, str):
        value = _decode(value)
    for key in path:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, (list, tuple)) and value and key == _LAST:
            value = value[-1]
        else:
            return None
    return value


class ReadAt:
    """Reads the value at a path of a map, a list, or their text; with `read`, as this reads it."""

    def __init__(self, path: tuple[str, ...], read: Read | None = None) -> None:
        self.path = path
        self._read = read

    def __call__(self, value: Any) -> Any:  # noqa: D102
        found = find_value(value, self.path)
        return found if found is None or self._read is None else self._read(found)


def find_keys(value: Any, keys: Sequence[str]) -> tuple[str, ...]:
    """Return which of `keys` may be the first of a path to a value in a map, a list, or their text."""
    if isinstance(value, str):
        value = _decode(value)
    if isinstance(value, dict):
        return tuple([key for key in keys if key in value])
    is_list = isinstance(value, (list, tuple))
    return tuple([key for key in keys if key == _LAST or key.isdecimal()]) if is_list else ()


@functools.lru_cache(maxsize=4)  # several paths of the same few attributes of a span are read
def _decode(text: str) -> Any:
    if len(text) > _LONGEST:
        return None
    if _FIELDS.fullmatch(text):  # the `str` of an object of Pydantic, as CrewAI writes its usage
        return dict(pair.split("=") for pair in text.split(" "))
    if "'" in text and '"' not in text and "\\" not in text:
        # Usage is often the plain `repr` of a dictionary. Replacing its quotes and constants with JSON's is fifty times
        # faster than parsing Python.
        try:
            return orjson.loads(_CONSTANT.sub(_name_in_json, text).replace("'", '"'))
        except ValueError:
            pass
    return decode_text(text)


def _name_in_json(match: re.Match[str]) -> str:
    return "null" if match[0] == "None" else match[0].lower()


# Longer texts hold completions with embeddings or files, and are not searched for a number or a name.
_LONGEST = 64 * 1024
_LAST = "-1"
_CONSTANT = re.compile(r"\b(?:None|True|False)\b")
_FIELDS = re.compile(r"\w+=\d+(?: \w+=\d+)*")
_FAILURES = ("false", "error", "failed", "failure")
READERS: dict[str, Read] = {
    "finish_reasons": read_reasons,
    "time_to_first_token_ms": read_number,
    "time_to_first_token_s": read_seconds_as_ms,
    "success": read_failure,
    "cost_usd": read_number,
    "duration_ms": read_number,
    "input_tokens": read_count,
    "output_tokens": read_count,
    "total_tokens": read_count,
    "cached_input_tokens": read_count,
    "cache_creation_input_tokens": read_count,
    "reasoning_tokens": read_count,
    "arguments": read_json_or_text,
    "result": read_json_or_text,
}
"""The readers of columns that are not plain text."""
