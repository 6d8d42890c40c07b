# SPDX-License-Identifier: Apache-2.0
"""Marks what was searched for in a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otel_sqlite_exporter.model.search_terms import fold
from otel_sqlite_exporter.show.html_text import Html, element, join_html


def mark_terms(text: str, terms: Sequence[str]) -> Html:
    """Return a text with a `mark` around each occurrence of the folded terms; those that overlap are in one."""
    parts: list[str] = []
    done = 0
    for start, end in find_terms(text, terms):
        parts += [text[done:start], element("mark", text[start:end])]
        done = end
    return join_html(*parts, text[done:])


def find_terms(text: str, terms: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the beginning and the end of each run of characters that occurrences of the terms cover, in their order."""
    folded = fold(text)
    places = sorted(place for term in terms if term for place in _find_all(folded, term))
    while places:
        start, end = places.pop(0)
        while places and places[0][0] < end:
            end = max(end, places.pop(0)[1])
        yield start, end


def _find_all(folded: str, term: str) -> Iterator[tuple[int, int]]:
    start = folded.find(term)
    while start >= 0:
        yield start, start + len(term)
        start = folded.find(term, start + 1)
