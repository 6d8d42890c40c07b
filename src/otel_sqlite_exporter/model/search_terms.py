# SPDX-License-Identifier: Apache-2.0
"""What is searched, and for what: the plain text of content that is kept as JSON, and the terms of a search.

A document is the text of a model call or of a tool execution. A term is found in it wherever it stands, inside words
too, in whatever case: so languages without spaces are searched as all others are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

GRAM = 3
"""Characters of a token of the index; shorter terms it cannot find."""
_MOST_GRAMS = 24
_TERM = re.compile(r'"([^"]*)"|(\S+)')
# What names a message or its parts says nothing about its content; blobs are base64.
_PASSED_OVER = frozenset(("role", "type", "id", "finish_reason"))


def extract_text(content: str | None) -> str:
    """Return the texts and numbers of a column as lines of plain text: of JSON (also as text inside JSON) its values,
    without ids, roles and blobs; anything else as it is."""
    texts: list[str] = []
    pending: list[Any] = [content]  # a stack of our own: JSON may be nested deeper than Python calls
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            decoded = _decode(value)
            if decoded is None:
                texts.append(value)
            else:
                pending.append(decoded)
        elif isinstance(value, dict) and value.get("type") != "blob":
            pending += [item for key, item in reversed(value.items()) if key not in _PASSED_OVER]
        elif isinstance(value, list):
            pending += reversed(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            texts.append(str(value))
    return "\n".join(texts)


def _decode(text: str) -> Any:
    if text[:1] not in ("{", "["):
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def fold(text: str) -> str:
    """Return `text` in small letters, character by character: what stands in a text stands in it folded too, at the
    same place."""
    # `str.lower` makes two characters of the dotted I, and of a sigma another letter at the end of a word.
    return text.replace("\u0130", "i").lower().replace("\u03c2", "\u03c3")


def split_terms(text: str) -> tuple[str, ...]:
    """Return the words of `text`, and what stands in double quotes as one term, folded."""
    terms = (quoted or word for quoted, word in _TERM.findall(text))
    return tuple(dict.fromkeys(fold(term) for term in terms if term.strip()))


def build_match(terms: Sequence[str]) -> str | None:
    """Return the query for FTS5 that every document with all terms meets (others may too); None where all terms are
    too short for the index."""
    grams = [
        term[place : place + GRAM]
        for term in terms
        for place in range(min(len(term) - GRAM + 1, _MOST_GRAMS))
        if "\0" not in term
    ]
    return " AND ".join('"' + gram.replace('"', '""') + '"' for gram in dict.fromkeys(grams)) or None
