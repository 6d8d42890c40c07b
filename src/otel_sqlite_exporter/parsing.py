# SPDX-License-Identifier: Apache-2.0
"""From the value of a keyword (JSON) or the text of an environment variable to the value of a setting.

Each function raises a ValueError that says what to give instead. It accepts the default of its setting.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, TypeVar

from otel_sqlite_exporter.model.attribute_sources import parse_source
from otel_sqlite_exporter.model.dialect import Dialect, read_dialects
from otel_sqlite_exporter.patterns import LinearPattern, parse_pattern

_T = TypeVar("_T")


def parse_path(value: Any) -> str:
    """Return the absolute path of a file."""
    path = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(path, str) or not path or "\0" in path:
        raise ValueError("give the path of a file as text")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:  # a lone surrogate
        raise ValueError("give the path of a file as text that the file system can encode") from None
    if path == ":memory:" or path.startswith("file:"):
        raise ValueError("give the path of a file; a database in memory would end with the exporter")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", path):  # one letter would be a drive of Windows
        raise ValueError("give the path of a file; this is a URL")
    path = os.path.expanduser(path)
    try:
        return os.path.abspath(path)
    except FileNotFoundError:  # the working directory is gone: the application starts, and the first export fails
        return path


def parse_sources(value: Any) -> tuple[str, ...]:
    """Return the text of one `AttributeSource` or more; as text, separated by commas."""
    names = _split(value, ",", "attribute names")
    if not names:
        raise ValueError("give at least one attribute name")
    for name in names:
        parse_source(name)
    return names


def _split(value: Any, separator: str, what: str) -> tuple[str, ...]:
    parts = value.split(separator) if isinstance(value, str) else value
    if not isinstance(parts, Sequence) or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"give a list of {what}")
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def parse_dialects(value: Any) -> tuple[Dialect, ...]:
    """Return the dialects in the files at these paths; as text, separated by commas."""
    return read_dialects(map(os.path.expanduser, _split(value, ",", "paths of JSON files")))


def parse_globs(value: Any) -> tuple[str, ...]:
    """Return globs of attribute keys; as text, separated by commas."""
    return _split(value, ",", "globs of attribute keys")


def parse_patterns(value: Any) -> tuple[LinearPattern, ...]:
    """Return regular expressions; as text, one on each line, without the white space at both ends of the line."""
    patterns = _split(value, "\n", "regular expressions") if isinstance(value, str) else value
    if not isinstance(patterns, Sequence) or not all(isinstance(pattern, str) for pattern in patterns):
        raise ValueError("give a list of regular expressions")
    return tuple(_parse_pattern(number, pattern) for number, pattern in enumerate(patterns, 1))


def _parse_pattern(number: int, text: str) -> LinearPattern:
    try:
        return parse_pattern(text)
    except ValueError as error:
        raise ValueError(f"give regular expressions of RE2; number {number} is {text!r}: {error}") from None


def parse_function(value: Any) -> Callable[[str, Any], Any] | None:
    """Return a function of a key and a value; the text `module:function` is imported. None stays None."""
    function: Callable[[str, Any], Any] | None = value
    if value is not None and not callable(value):
        module, _, names = value.partition(":") if isinstance(value, str) else ("", "", "")
        try:
            imported: Any = importlib.import_module(module)
            function = reduce(getattr, names.split("."), imported)
        except Exception as error:
            raise ValueError(f"give a function, or module:function as text ({type(error).__name__}: {error})") from None
        if not callable(function):
            raise ValueError("give a function, or module:function as text")
    return function


def parse_flag(value: Any) -> bool:
    """Return true or false."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise ValueError("give true or false")
    return value


def number_of(unit: str, *, largest: int = 2**31 - 1, smallest: int = 0) -> Callable[[Any], int]:
    """Return a function that parses a whole number of `unit`."""

    def parse(value: Any) -> int:
        try:
            if isinstance(value, bool) or not isinstance(value, (int, str)):
                raise ValueError
            number = int(value)
        except ValueError:
            raise ValueError(f"give a whole number of {unit}") from None
        if not smallest <= number <= largest:
            raise ValueError(f"give a number of {unit} from {smallest} to {largest}")
        return number

    return parse


def optional(parse: Callable[[Any], _T]) -> Callable[[Any], _T | None]:
    """Return a function that parses None as None, and anything else as `parse` does."""
    return lambda value: None if value is None else parse(value)


def one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    """Return a function that parses one of `choices`, in upper or lower case."""

    def parse(value: Any) -> str:
        if isinstance(value, str) and value.lower() in choices:
            return value.lower()
        raise ValueError(f"give one of {', '.join(choices)}")

    return parse


def some_of(choices: tuple[str, ...]) -> Callable[[Any], tuple[str, ...]]:
    """Return a function that parses any number of `choices`, in upper or lower case; as text, separated by commas."""
    what = f"names out of {', '.join(choices)}"

    def parse(value: Any) -> tuple[str, ...]:
        names = tuple(map(str.lower, _split(value, ",", what)))
        if not set(names) <= set(choices):
            raise ValueError(f"give a list of {what}")
        return names

    return parse


MOST_DAYS = 36_500
"""The largest age of a retention setting: a hundred years."""
_DAY_S = 86_400
_SIZE = re.compile(r"(\d{1,19}(?:\.\d{1,9})?)\s*(?:([kmgt])(i?)b?|b(?:ytes)?)?", re.IGNORECASE | re.ASCII)
_LEAST_BYTES = 10_000_000
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}


def parse_size(value: Any) -> int:
    """Return a size of a file in bytes: a whole number, or a text such as `500MB`, `2GiB` or `1.5 GiB`. An empty file
    takes 2 MB already."""
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    size: Any = value
    if found is not None:
        number, unit, is_binary = found[1], (found[2] or "").lower(), found[3]
        size = round(float(number) * (1024 if is_binary else 1000) ** _POWERS.get(unit, 0)) if unit else number
        size = int(size) if str(size).isdecimal() else None
    if isinstance(size, bool) or not isinstance(size, int) or not _LEAST_BYTES <= size <= 2**63 - 1:
        raise ValueError(
            "give a size of 10MB or more, such as 500MB or 2GiB, or a number of bytes: an empty file takes 2 MB, and a "
            "smaller cap would leave no room for records"
        )
    return size


def parse_age(value: Any) -> int:
    """Return the seconds of an age: a text such as `30d`, `36h` or `2w`, or a whole number of days."""
    found = re.fullmatch(r"(\d{1,6})\s*([smhdw]?)", value.strip(), re.ASCII) if isinstance(value, str) else None
    if found is not None:
        return int(found[1]) * {"s": 1, "m": 60, "h": 3_600, "d": _DAY_S, "w": 604_800}[found[2] or "d"]
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("give an age such as 30d, 36h or 2w, or a whole number of days")
    return value * _DAY_S


def parse_days(value: Any) -> float:
    """Return the days of an age that `parse_age` parses. It is a day or more: `3m` is three minutes, and may have been
    meant as months."""
    days = parse_age(value) / _DAY_S
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(f"give a whole number of days from 1 to {MOST_DAYS}, or such an age, as in 36h, 30d or 12w")
    return days
