# SPDX-License-Identifier: Apache-2.0
"""Finds what regular expressions match, in time that grows as the text does, while other threads run.

Python's `re` tries every way to match, which can take years, and no other thread runs meanwhile. RE2 reads a text once,
without the interpreter lock. It is an optional package.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import TooMuchWorkError
from otel_sqlite_exporter.pattern_syntax import fold_text, translate, translate_folded

Place = tuple[int, int]
"""Start and end of a match, in characters."""
_MEMORY = 64 << 20
# A pattern such as `a.*b|a` reads the rest of the text for each match. Others stay a hundred times below this.
_SECONDS, _SECONDS_PER_BYTE = 0.2, 5e-6

_REMEDIES = {
    "invalid perl operator": "what is before or after a match cannot be looked at, nor flags but i, m, s and U be set",
    "invalid escape sequence": "backreferences and unknown escapes have to go",
    "invalid repetition size": "repeat at most 1,000 times",
    "bad repetition operator": "possessive quantifiers have to go",
    "pattern too large": "repeat less",
}


class LinearPattern(NamedTuple):
    r"""A regular expression. `folded` is what is matched in a text with letters beyond ASCII too, if it has a `\b`."""

    text: str
    exact: str
    folded: str | None


def parse_pattern(text: str) -> LinearPattern:
    """Return a regular expression.

    Raises:
        ValueError: RE2 cannot use it, or is not installed; the message says why.
    """
    pattern = LinearPattern(text, translate(text), translate_folded(text))
    for form in pattern[1:]:
        if form is not None and _compile(form).search(b"") is not None:
            raise ValueError("it matches an empty text")
    return pattern


class PatternSearch:
    """Finds what any of some patterns matches. Thread-safe."""

    def __init__(self, patterns: Iterable[LinearPattern]) -> None:
        forms = [*patterns]
        self._exact = _Forms([pattern.exact for pattern in forms])
        self._has_folded = any(pattern.folded is not None for pattern in forms)
        self._others = _Forms([pattern.exact for pattern in forms if pattern.folded is None])
        self._folded = _Forms([pattern.folded for pattern in forms if pattern.folded is not None])

    def find(self, text: str) -> Sequence[Place]:
        """Return the places of all matches that are not empty, in order; they may overlap.

        Raises:
            TooMuchWorkError: To find them all takes longer than it should for a text of this length.
        """
        data = text.encode("utf-8", "surrogatepass")
        if len(data) == len(text):
            return sorted(self._exact.find(data))
        if not self._has_folded:
            return sorted(_in_characters(self._exact.find(data), data))
        folded = fold_text(text).encode("utf-8", "surrogatepass")
        found = (_in_characters(self._others.find(data), data), _in_characters(self._folded.find(folded), folded))
        return sorted(chain.from_iterable(found))


class _Forms:
    def __init__(self, forms: Sequence[str]) -> None:
        self._compiled = [_compile(form) for form in forms]
        # One search where nothing is found, which is the usual case.
        self._searches = [one.search for one in _compile_any(forms, self._compiled)]

    def find(self, data: bytes) -> list[Place]:
        for search in self._searches:
            if search(data) is not None:
                return self._find_all(data)
        return []

    def _find_all(self, data: bytes) -> list[Place]:
        end = time.thread_time() + _SECONDS + _SECONDS_PER_BYTE * len(data)
        found: list[Place] = []
        for match in chain.from_iterable(pattern.finditer(data) for pattern in self._compiled):
            start, stop = match.span()
            if start < stop:
                found.append((start, stop))
            if time.thread_time() > end:
                raise TooMuchWorkError
        return found


def _in_characters(found: Sequence[Place], data: bytes) -> list[Place]:
    """Return places in bytes as places in characters."""
    counted: dict[int, int] = {}
    at = characters = 0
    for place in sorted(set(chain.from_iterable(found))):
        characters += len(data[at:place].decode("utf-8", "surrogatepass"))
        counted[place] = characters
        at = place
    return [(counted[start], counted[end]) for start, end in found]


def _compile_any(forms: Sequence[str], compiled: Sequence[Any]) -> Sequence[Any]:
    if len(forms) < 2:
        return compiled
    try:
        return [_compile("|".join(f"(?:{form})" for form in forms))]
    except ValueError:  # two groups of the same name, or too large together
        return compiled


def _compile(pattern: str) -> Any:
    try:
        import re2
    except ImportError as error:
        raise ValueError(f"install google-re2 ({error}): `pip install 'otel-sqlite-exporter[redact]'`") from None
    options = re2.Options()
    options.max_mem = _MEMORY
    options.never_capture = True
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(_explain(error)) from None
    except UnicodeEncodeError:
        raise ValueError("it has half of a surrogate pair") from None


def _explain(error: Exception) -> str:
    (reason,) = error.args
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    for beginning, remedy in _REMEDIES.items():
        if text.startswith(beginning):
            return f"{text}: {remedy}"
    return text
