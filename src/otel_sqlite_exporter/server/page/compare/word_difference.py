# SPDX-License-Identifier: Apache-2.0
"""Two texts side by side, with the words in which they differ. Pure.

The time that it takes is bounded: of long texts, the part around the first difference is compared.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_WORDS = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
_BEFORE, _MOST_WORDS, _LONGEST_WORD = 300, 1_500, 400


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
    begin = max(place - _BEFORE, 0)
    words_a, words_b = _split(a[begin:]), _split(b[begin:])
    matcher = difflib.SequenceMatcher(None, words_a, words_b)
    codes = matcher.get_opcodes()
    return TextDifference(
        _join((words_a[one:end], tag != "equal") for tag, one, end, _, _ in codes),
        _join((words_b[one:end], tag != "equal") for tag, _, _, one, end in codes),
        begin,
        len(a) - begin - sum(map(len, words_a)),
        len(b) - begin - sum(map(len, words_b)),
    )


def _split(text: str) -> list[str]:
    """Return words with the space after them. One that is too long is several, so that it too can be compared."""
    cut = text[: _MOST_WORDS * 20]
    words = (word for found in _WORDS.finditer(cut) for word in _cut(found[0]))
    return [word for word, _ in zip(words, range(_MOST_WORDS), strict=False)]


def _cut(word: str) -> Iterable[str]:
    return (word[at : at + _LONGEST_WORD] for at in range(0, len(word), _LONGEST_WORD))


def _join(runs: Iterable[tuple[Sequence[str], bool]]) -> tuple[WordRun, ...]:
    return tuple(WordRun("".join(words), is_different) for words, is_different in runs if words)
