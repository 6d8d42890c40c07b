# SPDX-License-Identifier: Apache-2.0
"""What a filter text consists of, before its fields are looked up, and the error that points at a place in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from otel_sqlite_exporter.errors import FilterError

_ESCAPED = re.compile(r"\\(.)|(.)", re.DOTALL)
_AROUND = 30


class WrittenValue(NamedTuple):
    """A value of a term.

    Attributes:
        text: Its text, without quotes and backslashes.
        pattern: Its GLOB pattern; None: it has no `*` and no `?` that stand for other characters.
        is_quoted: It stood in double quotes.
        position: Where it begins.
    """

    text: str
    pattern: str | None
    is_quoted: bool
    position: int


class WrittenTerm(NamedTuple):
    """`field:value`, or another operator than `:`. `attr.KEY` is the field `attr` with a key."""

    field: str
    key: str
    operator: str
    values: tuple[WrittenValue, ...]
    position: int
    depth: int = 0


class WrittenText(NamedTuple):
    """A word or a phrase without a field."""

    value: WrittenValue
    position: int
    depth: int = 0


class WrittenGroup(NamedTuple):
    """Parts joined by `AND` or `OR`. `depth` is the number of groups and negations in it, one in another."""

    joint: str
    parts: tuple[WrittenPart, ...]
    position: int
    depth: int


class WrittenNot(NamedTuple):
    """A part after `-` or `NOT`."""

    part: WrittenPart
    position: int
    depth: int


WrittenPart = WrittenTerm | WrittenText | WrittenGroup | WrittenNot


def list_terms(part: WrittenPart) -> Iterator[WrittenTerm | WrittenText]:
    """Yield the terms, from left to right."""
    if isinstance(part, WrittenGroup):
        for one in part.parts:
            yield from list_terms(one)
    elif isinstance(part, WrittenNot):
        yield from list_terms(part.part)
    else:
        yield part


def read_value(raw: str, position: int) -> WrittenValue:
    """Return a value as it stands in the text. A backslash takes the next character as it is."""
    is_quoted = raw.startswith('"')
    parts: list[str] = []
    pattern: list[str] = []
    for escaped, plain in _ESCAPED.findall(raw[1:-1] if is_quoted else raw):
        parts.append(escaped or plain)
        is_wild = not is_quoted and plain in ("*", "?")
        pattern.append(plain if is_wild else f"[{escaped or plain}]" if (escaped or plain) in "*?[" else parts[-1])
    is_pattern = not is_quoted and any(plain in ("*", "?") for _, plain in _ESCAPED.findall(raw))
    return WrittenValue("".join(parts), "".join(pattern) if is_pattern else None, is_quoted, position)


def make_error(message: str, text: str, position: int) -> FilterError:
    """Return the error about what stands at `position`: the message, and below it the text around that place."""
    begin = max(0, position - _AROUND)
    end = position + _AROUND
    before = f"{'...' if begin else ''}{_show(text[begin:position])}"
    after = f"{_show(text[position:end])}{'...' if end < len(text) else ''}"
    excerpt = (f"  {before}{after}", f"  {' ' * sum(map(_count_cells, before))}^")
    return FilterError("filter", f"{message} (at offset {position})", position, excerpt)


@contextmanager
def pointing(text: str, position: int) -> Iterator[None]:
    """Point errors about a value at its place in the text."""
    try:
        yield
    except FilterError as error:
        if error.position is not None:
            raise
        raise make_error(error.message, text, position) from None


def _count_cells(character: str) -> int:
    """Return how many cells of a terminal a character takes. Source: Unicode Standard Annex #11."""
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _show(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
