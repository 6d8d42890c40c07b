# SPDX-License-Identifier: Apache-2.0
"""A text in the forms in which files hold it: as it is, escaped in JSON that stands in JSON, and in UTF-16. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_MOST_BACKSLASHES = 31
"""Before one character: JSON in JSON doubles them, so these are five levels."""
_SHORT_ESCAPES = {"\b": b"b", "\t": b"t", "\n": b"n", "\f": b"f", "\r": b"r"}
_ESCAPED = frozenset('"\\/')
_SHORTEST_ANCHOR = 3
"""Bytes: shorter ones stand everywhere."""
SHORTEST_TEXT = 4
"""Bytes: a shorter text stands everywhere, also by chance."""
_SHORTEST_PART = 4
"""Bytes: a shorter half of a text says nothing about the text."""
_PAGE_NUMBER = 4
"""The bytes of the number of a page."""


def is_too_short(text: str) -> bool:
    """Return whether it says nothing that a text stands somewhere."""
    return len(text.encode("utf-8", "surrogatepass")) < SHORTEST_TEXT


class TextForms:
    """Finds one text in bytes. Letters are compared as they are: `Ada` is not `ada`."""

    def __init__(self, text: str) -> None:
        """`text` is not empty; half of a surrogate pair is looked for as an escape alone."""
        self.text = text
        self.plain = text.encode("utf-8", "surrogatepass")
        characters = [_describe(character) for character in text]
        self._pattern = re.compile(b"".join(characters), re.DOTALL)
        self._escapes = re.compile(rb"\\u(?i:%b)" % b"|".join(sorted({_hex(unit) for unit in _find_units(text)})))
        self._anchor = _find_anchor(text)
        self._wide = tuple(text.encode(f"utf-16-{order}", "surrogatepass") for order in ("le", "be"))
        # A character outside the basic plane is two escapes.
        self.longest = len(_find_units(text)) * (_MOST_BACKSLASHES + 5)

    def count(self, data: bytes, *, with_wide: bool = True) -> int:
        """Return how often the text stands in `data`."""
        return sum(1 for _ in self.find(data, with_wide=with_wide))

    def find(self, data: bytes, *, with_wide: bool = True) -> Iterator[int]:
        """Yield where the text begins in `data`, in each of its forms; in UTF-16 only `with_wide`."""
        last = -1
        for start, end in self._find_windows(data):
            for found in self._pattern.finditer(data, max(start, last), end):
                last = found.end()
                yield found.start()
        if with_wide:
            # Between two zeros, one order looks like the other.
            yield from next(filter(None, (list(_find_all(data, wide)) for wide in self._wide)), ())

    def count_cut(self, data: bytes, start: int, may_follow: Callable[[int], bool]) -> int:
        """Return how often one of the two parts of the text, the longer one, stands in `data` where SQLite has cut it:
        the first part before the number of the page that goes on with it, for which `may_follow` is true, or at the end
        of a page; or the second part at the start of such a page, behind its own such number. `data` begins at `start`
        in its page, and is a page or a part of one. Only the plain form is looked for."""
        plain = self.plain
        middle = len(plain) // 2
        if middle < _SHORTEST_PART:
            return 0
        found = 0
        for place in _find_all(data, plain[: len(plain) - middle]):
            length = len(plain) - middle
            while length < len(plain) and data[place + length : place + length + 1] == plain[length : length + 1]:
                length += 1
            following = data[place + length : place + length + _PAGE_NUMBER]
            if length < len(plain) and (not following or may_follow(int.from_bytes(following))):
                found += 1
        begin = _PAGE_NUMBER - start
        if begin >= 0:
            cuts = range(1, len(plain) - middle + 1)
            found += any(data.startswith(plain[cut:], begin) for cut in cuts)
        return found

    def _find_windows(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield the parts of `data` that may hold the text, in order."""
        if len(self._anchor) < _SHORTEST_ANCHOR:
            yield 0, len(data)
            return
        places = list(_find_all(data, self._anchor))
        if b"\\u" in data:
            places += [found.start() for found in self._escapes.finditer(data)]
            places.sort()
        reach = max(self.longest, len(self.plain))
        start = end = 0
        for place in places:
            if place - reach > end:
                if end:
                    yield start, end
                start = place - reach
            end = place + reach
        if end:
            yield max(0, start), end


def _find_all(data: bytes, wanted: bytes) -> Iterator[int]:
    place = data.find(wanted)
    while place >= 0:
        yield place
        place = data.find(wanted, place + 1)


def _describe(character: str) -> bytes:
    """Return the pattern of one character in all its forms."""
    backslashes = rb"\\{1,%d}" % _MOST_BACKSLASHES
    escaped = b"".join(backslashes + rb"u(?i:%b)" % _hex(unit) for unit in _find_units(character))
    forms = [escaped]
    if character in _ESCAPED:
        forms.append(backslashes if character == "\\" else rb"\\{0,%d}" % _MOST_BACKSLASHES + character.encode())
    else:
        forms.append(re.escape(character.encode("utf-8", "surrogatepass")))
    if character in _SHORT_ESCAPES:
        forms.append(backslashes + _SHORT_ESCAPES[character])
    return b"(?:%b)" % b"|".join(forms)


def _find_units(text: str) -> list[int]:
    """Return the units of a text in UTF-16, which are what JSON escapes."""
    wide = text.encode("utf-16-be", "surrogatepass")
    return [wide[place] << 8 | wide[place + 1] for place in range(0, len(wide), 2)]


def _hex(unit: int) -> bytes:
    return b"%04x" % unit


def _find_anchor(text: str) -> bytes:
    """Return the longest part of a text that has no short escape: it stands as it is wherever none of its characters is
    an escape with a number."""
    parts = re.split(r'["\\/\x00-\x1f]', text)
    return max((part.encode("utf-8", "surrogatepass") for part in parts), key=len)
