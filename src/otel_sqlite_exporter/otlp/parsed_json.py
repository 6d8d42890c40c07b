# SPDX-License-Identifier: Apache-2.0
"""Parses JSON as programs write it: also what strict parsers refuse or round. Pure."""

from __future__ import annotations

import codecs
import json
import re
from itertools import chain
from typing import Any

import orjson

LEVELS = 1_000
"""How deep objects and arrays may be in each other."""
_BEYOND_64_BITS = re.compile(rb"[:,\[]\s*(?:-[0-9]{19}|[0-9]{20})")
_ZEROS = bytes(0x30 if 0x30 <= byte < 0x3A else byte for byte in range(256))
_TWENTY, _MINUS_NINETEEN = b"0" * 20, b"-" + b"0" * 19


def parse_json(content: bytes) -> Any:
    """Return the parsed value of `content`.

    Raises:
        ValueError: `content` is not JSON.
    """
    content = content.removeprefix(codecs.BOM_UTF8)  # RFC 8259, 8.1: a parser may
    why = ""
    if not _has_large_number(content):  # orjson rounds these
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as error:
            why = str(error)
    # Python's own writer makes NaN, Infinity and escapes of lone surrogates, which orjson refuses. A byte that is not
    # UTF-8 becomes such a surrogate too, so it costs only its place in its text.
    try:
        value = json.loads(content.decode(errors="surrogateescape"), parse_int=_parse_integer)
    except (ValueError, RecursionError) as error:
        raise ValueError(why or str(error)) from None
    if _is_deeper(value, LEVELS):
        raise ValueError(f"it has more than {LEVELS} levels of objects and arrays")
    return value


def _has_large_number(content: bytes) -> bool:
    digits = content.translate(_ZEROS)  # ten times as fast as the expression, which few lines need
    return (_TWENTY in digits or _MINUS_NINETEEN in digits) and _BEYOND_64_BITS.search(content) is not None


def _parse_integer(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:  # Python does not convert thousands of digits (sys.set_int_max_str_digits)
        return digits


def _is_deeper(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels + 1):
        holders = [one.values() if isinstance(one, dict) else one for one in layer if isinstance(one, (dict, list))]
        layer = [*chain.from_iterable(holders)]
        if not layer:
            return False
    return True
