# SPDX-License-Identifier: Apache-2.0
"""Masks content in the name of a span: some packages name a span by its prompt. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from otel_sqlite_exporter.genai.messages.json_texts import decode_text
from otel_sqlite_exporter.model.values import repair_text
from otel_sqlite_exporter.redact.content_names import is_kept_member
from otel_sqlite_exporter.settings import REDACTED

# A shorter text may be in a name by chance.
_SHORTEST = 8
_DEEPEST = 20
_MOST_PAIRS = 100
_MOST_READ = 50_000_000  # characters of the name: a longer one is a text that holds other texts
_TWO_WORDS = re.compile(r"(?=\b(\w+ \w+))")


def mask_content(name: str, attributes: Mapping[Any, Any], is_content: Callable[[str], bool]) -> str:
    """Return the name of a span without the content that its attributes hold: the whole text of one, or a text of
    several words in the JSON of one. Names and ids in the JSON stay. A name in which it takes too long
    to look for all texts is masked."""
    found: set[str] = set()
    pairs: list[str] | None = None
    left = _MOST_READ
    for key, value in attributes.items():
        if not is_content(repair_text(key)[0]):
            continue
        if isinstance(value, str):
            if value in name:
                found.add(value)
                continue
            pairs = list(dict.fromkeys(_TWO_WORDS.findall(name))) if pairs is None else pairs
            # Decoding JSON takes a hundred times as long as looking for words in it.
            if len(pairs) <= _MOST_PAIRS and not any(pair in value for pair in pairs):
                continue
        for text in _find_texts(value, 0):
            left -= len(name)
            if left < 0:
                return REDACTED
            if " " in text and text in name:
                found.add(text)
    for text in sorted(found, key=len, reverse=True):
        if len(text) >= _SHORTEST:
            name = name.replace(text, REDACTED)
    return name


def _find_texts(value: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        decoded = decode_text(value) if value[:1] in ("[", "{", '"') else None
        if decoded is None or isinstance(decoded, str):
            yield value if decoded is None else decoded
        else:
            yield from _find_texts(decoded, depth + 1)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not (isinstance(key, str) and isinstance(item, str) and is_kept_member(key)):
                yield from _find_texts(item, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _find_texts(item, depth + 1)
