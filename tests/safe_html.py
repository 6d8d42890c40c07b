# SPDX-License-Identifier: Apache-2.0
"""Reads HTML that was made of what strangers recorded, and fails if it could do or load anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import NamedTuple

from otel_sqlite_exporter.show.visible_text import split_visible

_VOID = {"br", "hr", "img"}
_ALLOWED = {
    "a": {"href", "target", "rel", "class"},
    "img": {"src", "alt", "loading", "class"},
    "li": {"value"},
    "div": {"class", "dir", "role", "aria-label", "tabindex", "data-prompt"},
    "span": {"class", "title", "data-error"},
    **{tag: {"class"} for tag in ("pre", "code", "details", "summary", "p", "strong", "td", "th")},
    **{tag: set() for tag in ("blockquote", "br", "em", "hr", "ol", "s", "table", "tbody", "thead", "tr", "ul")},
}
_INLINE = {"a", "span", "em", "strong", "s", "code", "img"}
_LINK = re.compile(r"https?://[^/]|mailto:|/api/v1/")
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+")


class SafeHtml(NamedTuple):
    """What HTML shows: `text` with lines around blocks and spaces for hidden characters, and where it leads
    to."""

    text: str
    tags: list[str]
    links: list[str]
    images: list[str]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, bool]] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.images: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _ALLOWED, tag
        for name, value in attrs:
            assert name in _ALLOWED[tag], (tag, name)
            assert not [hidden for _, hidden in split_visible(value or "") if hidden], (tag, name)
        given = dict(attrs)
        if tag == "a":
            assert _LINK.match(given.get("href") or ""), given
            assert str(given["href"]).startswith("/") or given["rel"] == "noopener noreferrer nofollow", given
            self.links.append(given["href"] or "")
        if tag == "img":
            assert _IMAGE.fullmatch(given["src"] or ""), given
            self.images.append(given["src"] or "")
        self.tags.append(tag)
        self.texts.append("" if tag in _INLINE else "\n")
        if tag not in _VOID:
            self.open.append((tag, given.get("class") == "hidden-character"))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag
        self.texts.append("" if tag in _INLINE else "\n")

    def handle_data(self, data: str) -> None:
        self.texts.append(" " if self.open and self.open[-1][1] else data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")


def read_safely(html: str, *, is_exact: bool = False) -> SafeHtml:
    """What HTML shows. It must have only elements and attributes that can do nothing, all of them closed, and links to
    web pages and mail addresses. Only exact text may hold hidden characters."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    text = "".join(reader.texts)
    if not is_exact:
        assert not [name for _, name in split_visible(text) if name]
    return SafeHtml(text, reader.tags, reader.links, reader.images)
