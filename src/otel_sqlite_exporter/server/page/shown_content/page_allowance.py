# SPDX-License-Identifier: Apache-2.0
"""How much of what was recorded one page shows at once, so that no record makes a page slow or huge."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from otel_sqlite_exporter.show.visible_text import split_visible

_P = ParamSpec("_P")
_T = TypeVar("_T")
_CHARACTERS = 1_500_000
_IMAGES = 20
_SECONDS = 0.4
_HIDDEN_SIZE = 80


class PageAllowance:
    """What is left for one page: characters, images, and seconds of CPU for Markdown and colours. When it is used up,
    values are cut short, images are named, and text is plain: the page says so where it is not seen at once."""

    def __init__(
        self, *, characters: int = _CHARACTERS, images: int = _IMAGES, seconds: float = _SECONDS, exact_link: str = ""
    ) -> None:
        self.exact_link = exact_link
        """Where the page leads to for a value that it does not send whole; empty: nowhere."""
        self._characters = characters
        self._images = images
        self._seconds = seconds

    def take_characters(self, wanted: int) -> int:
        """Return how many of the wanted characters the page may send, and count them as sent."""
        given = max(min(wanted, self._characters), 0)
        self._characters -= given
        return given

    def take_text(self, text: str, most: int) -> int:
        """Return how many characters of a text the page may send, up to about `most`, and count them as sent. A hidden
        character counts for the element that stands for it."""
        room, used, sent = max(min(most, self._characters), 0), 0, 0
        for part, name in split_visible(text[:room]):  # each character takes up one at least
            size = len(part) if name is None else _HIDDEN_SIZE
            if used + size > room:
                sent += room - used if name is None else 0
                used = room
                break
            used += size
            sent += len(part)
        self._characters -= used
        return sent

    def take_image(self) -> bool:
        """Return whether the page may show one more image, and count it."""
        self._images -= 1
        return self._images >= 0

    @property
    def has_time(self) -> bool:
        """Whether there is time for more than plain text."""
        return self._seconds > 0

    def spend(self, work: Callable[_P, _T], *arguments: _P.args, **keywords: _P.kwargs) -> _T:
        """Return what `work` returns, and count its seconds of CPU."""
        began = time.thread_time()
        try:
            return work(*arguments, **keywords)
        finally:
            self._seconds -= time.thread_time() - began
