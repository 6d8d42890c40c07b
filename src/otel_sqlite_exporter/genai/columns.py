# SPDX-License-Identifier: Apache-2.0
"""Values of attributes as columns of a call. Pure; nothing here raises for any value, and what is of no use is None."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.genai.messages.json_texts import decode_text
from otel_sqlite_exporter.model.values import encode_value, repair_text

LARGEST = 2**63 - 1
Read = Callable[[Any], Any]


def read_text(value: Any) -> str | None:
    """Text that is not empty; also of a number."""
    if isinstance(value, (list, tuple, dict, bytes)):
        return None
    return (value if type(value) is str and value.isascii() else repair_text(value)[0]) or None


def read_count(value: Any) -> int | None:
    """A number of tokens: whole, not negative; also when it came as a float or as text."""
    if type(value) is int:
        return value if 0 <= value <= LARGEST else None
    number = read_number(value)
    return int(number) if number is not None and number == int(number) else None


def read_number(value: Any) -> float | None:
    """A number that is not negative; also when it came as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < LARGEST else None


def read_seconds_as_ms(value: Any) -> float | None:
    """Seconds as milliseconds."""
    seconds = read_number(value)
    return None if seconds is None else seconds * 1000


def read_reasons(value: Any) -> str | None:
    """Texts as a JSON array; one text, or the JSON of an array, may have come."""
    if type(value) is str and value[:1] == "[":
        value = decode_text(value) or value
    items = value if isinstance(value, (list, tuple)) else (value,)
    if len(items) == 1 and type(items[0]) is str and items[0].isidentifier():
        return f'["{items[0]}"]'
    texts = [repair_text(item)[0] for item in items]
    return orjson.dumps(texts).decode() if any(texts) else None


def read_failure(value: Any) -> str | None:
    """The error type of what is said to have failed, without a word of why: that of OpenTelemetry for all others."""
    return "_OTHER" if value is False or (type(value) is str and value.lower() in _FAILURES) else None


def read_json_or_text(value: Any) -> str | None:
    """Text as it is, anything else as JSON."""
    if value is None:
        return None
    return read_text(value) if isinstance(value, str) else encode_value(value).text


def find_value(value: Any, path: Sequence[str]) -> Any:
    """Return what is at these keys (of a list: places) of what came as such, or as JSON or Python text; without keys,
    the value that the JSON is. None if there is no such."""
    if not path:
        try:
            return orjson.loads(value) if isinstance(value, str) else value
        except ValueError:
            return value
    if isinstance(value, str):
        value = _decode(value)
    for key in path:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


@functools.lru_cache(maxsize=2)  # several paths of one attribute are asked for one after the other
def _decode(text: str) -> Any:
    if len(text) > _LONGEST:
        return None
    if "'" in text and '"' not in text and "\\" not in text:
        # Python's repr of what is as plain as usage mostly is: its words and quotes made those of JSON take a fiftieth
        # of the time of reading it.
        try:
            return orjson.loads(_CONSTANT.sub(_name_in_json, text).replace("'", '"'))
        except ValueError:
            pass
    return decode_text(text)


def _name_in_json(match: re.Match[str]) -> str:
    return "null" if match[0] == "None" else match[0].lower()


# A number or a name is not looked for in what is longer: it would be a completion with embeddings or files.
_LONGEST = 64 * 1024
_CONSTANT = re.compile(r"\b(?:None|True|False)\b")
_FAILURES = ("false", "error", "failed", "failure")
READERS: dict[str, Read] = {
    "finish_reasons": read_reasons,
    "time_to_first_token_ms": read_number,
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
"""How columns are read that are no plain text."""
