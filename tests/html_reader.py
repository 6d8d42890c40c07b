# SPDX-License-Identifier: Apache-2.0
"""Reads HTML back that was made of recorded text."""

from __future__ import annotations

from html.parser import HTMLParser


class HtmlReader(HTMLParser):
    """Reads HTML back: its elements, and the text with each marked character in place of its escape."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._is_marked = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._is_marked = dict(attrs).get("class") == "hidden-character"
        if self._is_marked:
            self.text += chr(int(str(dict(attrs)["title"]).split()[0].removeprefix("U+"), 16))

    def handle_endtag(self, tag: str) -> None:
        self._is_marked = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._is_marked else data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)
