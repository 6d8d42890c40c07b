# SPDX-License-Identifier: Apache-2.0
"""Texts to search in, and terms to search for.

A document is the plain text of one model call or tool execution. A term matches anywhere in it, also inside words, and
ignores case. So languages without spaces work like all others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

GRAM = 3
"""Characters in a token of the index. The index cannot find shorter terms."""
_MOST_GRAMS = 24
_TERM = re.compile(r'"([^"]*)"|(\S+)')
# Keys that describe a message or a part, or that only a provider can read. (Blobs are skipped too: they are base64.)
_SKIPPED_KEYS = frozenset(("role", "type", "id", "finish_reason", "signature", "encrypted_content"))


def extract_text(content: str | None) -> str:
    """Return the texts and numbers in a column, one a line. JSON, also JSON inside a JSON text, gives its values
    without ids, roles and blobs; any other text is returned unchanged."""
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
            pending += [item for key, item in reversed(value.items()) if key not in _SKIPPED_KEYS]
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
    """Return `text` in lower case. Folding keeps character positions."""
    # `str.lower` turns the dotted I into two characters, and a sigma at the end of a word into another letter.
    return text.replace("\u0130", "i").lower().replace("\u03c2", "\u03c3")


def split_terms(text: str) -> tuple[str, ...]:
    """Return the words of `text`, folded; a part in double quotes is one term."""
    terms = (quoted or word for quoted, word in _TERM.findall(text))
    return tuple(dict.fromkeys(fold(term) for term in terms if term.strip()))


def build_match(terms: Sequence[str]) -> str | None:
    """Return an FTS5 query that matches every document with all terms (and maybe some others), or None if all terms are
    too short for the index."""
    grams = [
        term[place : place + GRAM]
        for term in terms
        for place in range(min(len(term) - GRAM + 1, _MOST_GRAMS))
        if "\0" not in term
    ]
    return " AND ".join('"' + gram.replace('"', '""') + '"' for gram in dict.fromkeys(grams)) or None
