# SPDX-License-Identifier: Apache-2.0
"""Two texts side by side, with the words in which they differ. Pure.

The time that it takes is bounded: of long texts, the part around the first difference is compared.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

_WORDS = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
_AROUND, _MOST_WORDS, _LONGEST_WORD, _MOST_PAIRS = 300, 1_500, 400, 100_000


class WordRun(NamedTuple):
    """Some words; `is_different`: the other text does not have them there."""

    text: str
    is_different: bool


class TextDifference(NamedTuple):
    """Two texts, each as runs of words. `before` and `after` are the characters that are left out at the ends."""

    a: tuple[WordRun, ...]
    b: tuple[WordRun, ...]
    before: int
    after_a: int
    after_b: int


def compare_texts(a: str, b: str, place: int) -> TextDifference:
    """Return what differs of two texts that are the same up to `place`."""
    begin = max(place - _AROUND, 0)
    alike = _count_alike(a[place:], b[place:])  # at the ends
    kept = max(alike - _AROUND, 0)
    words_a, words_b = (_split(text[begin : len(text) - kept]) for text in (a, b))
    is_short = len(words_a) * len(words_b) < _MOST_PAIRS
    matcher = difflib.SequenceMatcher(None, words_a, words_b, autojunk=not is_short)
    codes = matcher.get_opcodes()
    return TextDifference(
        _join((words_a[one:end], tag != "equal") for tag, one, end, _, _ in codes),
        _join((words_b[one:end], tag != "equal") for tag, _, _, one, end in codes),
        begin,
        len(a) - begin - sum(map(len, words_a)),
        len(b) - begin - sum(map(len, words_b)),
    )


def _count_alike(a: str, b: str) -> int:
    """Return how many characters at the end of two texts are the same."""
    shorter = min(len(a), len(b))
    return next((at for at in range(shorter) if a[-1 - at] != b[-1 - at]), shorter)


def _split(text: str) -> list[str]:
    """Return words with the space after them, so many as are compared. One that is too long is several."""
    words = (word for found in _WORDS.finditer(text) for word in _cut(found[0]))
    return [*islice(words, _MOST_WORDS)]


def _cut(word: str) -> Iterable[str]:
    return (word[at : at + _LONGEST_WORD] for at in range(0, len(word), _LONGEST_WORD))


def _join(runs: Iterable[tuple[Sequence[str], bool]]) -> tuple[WordRun, ...]:
    return tuple(WordRun("".join(words), is_different) for words, is_different in runs if words)
