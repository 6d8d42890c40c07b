# SPDX-License-Identifier: Apache-2.0
"""One recorded value of any kind and size as HTML."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from otel_sqlite_exporter.server.page.messages.code_html import highlight
from otel_sqlite_exporter.server.page.messages.json_layout import is_json, lay_out, write_json
from otel_sqlite_exporter.server.page.messages.page_allowance import PageAllowance
from otel_sqlite_exporter.show.html_text import Html, element, escape_html, join_html

_BEGIN_CHARACTERS, _BEGIN_LINES = 2_000, 30
_SLACK = 1.5
"""How much longer than its beginning a value may be and still be shown whole."""
_MOST_CHARACTERS = 200_000
_LARGEST_JSON = 4_000_000
"""JSON of more characters is not laid out."""


def render_value(value: Any, *, allowance: PageAllowance | None = None) -> Markup:
    """Return a value as HTML: JSON in lines and with colours, any other text as it is. Of a long value the beginning is
    shown, with the rest to unfold, and of a huge one how much is missing."""
    allowance = PageAllowance() if allowance is None else allowance
    text = value if isinstance(value, str) else write_json(value)
    if not isinstance(value, str) or (len(text) <= _LARGEST_JSON and is_json(text)):
        laid_out, is_whole = lay_out(text, _MOST_CHARACTERS)
        return Markup(render_text(laid_out, allowance, "json", total=None if is_whole else len(text)))
    return Markup(render_text(text, allowance))


def render_text(text: str, allowance: PageAllowance, language: str = "", total: int | None = None) -> Html:
    """Return a text in an element that keeps its lines and spaces. `total`: the characters of the whole, if the text is
    a part of it."""
    begin = find_begin(text)
    if begin == len(text) and total is None:
        allowance.take_characters(len(text))
        return _write_block(text, language, allowance)
    total = len(text) if total is None else total
    sent = allowance.take_text(text, _MOST_CHARACTERS)
    first = _write_block(text[:begin], language, allowance)
    if sent <= begin:
        return join_html(first, say_missing(begin, total, allowance))
    rest = None if sent == total else say_missing(sent, total, allowance)
    return fold_rest(first, _write_block(text[:sent], language, allowance), total, rest)


def find_begin(text: str, factor: int = 1) -> int:
    """Return the number of characters to show at first: all of a text that is not much longer than that."""
    characters, lines = _BEGIN_CHARACTERS * factor, _BEGIN_LINES * factor
    if len(text) <= characters * _SLACK and text.count("\n") <= lines * _SLACK:
        return len(text)
    end = -1
    for _ in range(lines):
        found = text.find("\n", end + 1, characters)
        if found < 0:
            return characters if end < characters // 2 else end
        end = found
    return end


def fold_rest(begin: Html, whole: Html, characters: int, rest: Html | None = None) -> Html:
    """Return the beginning of something long, with the whole to unfold in its place."""
    summary = element("summary", f"Show all ({characters:,} characters)")
    return element("div", begin, element("details", summary, whole, rest), class_="cut")


def say_missing(shown: int, total: int, allowance: PageAllowance) -> Html:
    """Return the sentence that says how much of something is shown, and where the whole is."""
    link = None
    if allowance.exact_link:
        link = element("a", "the exact text", href=allowance.exact_link)
    return element("p", f"The first {shown:,} of {total:,} characters. ", link, class_="quiet missing")


def _write_block(text: str, language: str, allowance: PageAllowance) -> Html:
    colored = allowance.spend(highlight, text, language) if language and allowance.has_time else escape_html(text)
    newline = Html("\n") if text.startswith("\n") else None  # the first in an element of this kind is not shown
    return element("pre", newline, colored, class_="code" if language else "text")
