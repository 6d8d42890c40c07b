# SPDX-License-Identifier: Apache-2.0
"""Refuses what other query languages mean, and what would be looked for as text here: `==`, `'a b'`, `!model:x`, `or`.

A backslash before it, or double quotes around it, make it text.
"""

from __future__ import annotations

import re

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.filter_language.filter_fields import find_field
from otel_sqlite_exporter.query.filter_language.filter_syntax import (
    WrittenGroup,
    WrittenTerm,
    WrittenText,
    WrittenValue,
    make_error,
)

_QUOTES = frozenset("'`\u2018\u2019\u201a\u201c\u201d\u201e")
_WORDS = {"&&": "AND", "||": "OR"}
_INSTEAD = {"!": "give -", "+": "leave it out", "!~": "give !="}
_SIGNED = re.compile(r"([!+@]?)([^\W\d][\w.]*)\s*(:|!=|!~|[<>=])")


def refuse_foreign_value(text: str, term: WrittenTerm, value: WrittenValue) -> None:
    """Refuse a value without quotes that begins with another quote, or that goes on with the operator.

    Raises:
        FilterError: It does.
    """
    first = text[value.position]
    if first in _QUOTES:
        raise FilterError("filter", f"{first} is no quote here: put this value in double quotes")
    if first in "=<>!" or (first == "~" and term.operator != ":"):
        raise FilterError(
            "filter",
            f"{term.operator}{first} is no operator: give :, !=, <, >, <= or >=, or put this value in double quotes",
        )


def refuse_foreign_word(text: str, part: WrittenText) -> None:
    """Refuse a word without quotes that begins with another quote, or that looks like an operator or a term.

    Raises:
        FilterError: It does; the error has the `position`.
    """
    word, first = part.value.text, text[part.position]
    if first in _QUOTES:
        raise make_error(f"{first} is no quote here: put this text in double quotes", text, part.position)
    if word in _WORDS and first != "\\":
        raise make_error(f"give {_WORDS[word]} instead of {word}, or put it in double quotes", text, part.position)
    found = None if first == "\\" else _SIGNED.match(word)
    if found is None:
        return
    sign, name, operator = found.groups()
    if sign == "@":
        raise make_error(f"an attribute is attr.{name}: for the text, put it in double quotes", text, part.position)
    if find_field(name.partition(".")[0]) is not None and (sign or operator == "!~"):
        wrong = f"{sign or operator} means nothing here: {_INSTEAD[sign or operator]}"
        raise make_error(f"{wrong}; for the text, put it in double quotes", text, part.position)


def refuse_lower_case(text: str, group: WrittenGroup) -> None:
    """Refuse `and` or `or` beside a term that is no text, and `not` before one.

    Raises:
        FilterError: There is one; the error has the `position`.
    """
    parts = group.parts
    for place, part in enumerate(parts):
        if not isinstance(part, WrittenText) or part.value.is_quoted or group.joint != "AND":
            continue
        word = part.value.text
        before = parts[max(0, place - 1) : place] if word in ("and", "or") else ()
        if word in ("and", "or", "not") and not all(
            isinstance(one, WrittenText) for one in (*before, *parts[place + 1 : place + 2])
        ):
            raise make_error(f"give {word.upper()} instead of {word}, or put it in double quotes", text, part.position)
