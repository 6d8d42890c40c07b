# SPDX-License-Identifier: Apache-2.0
"""Recorded text in HTML: all of it is seen, none of it acts, and it can be had back exactly."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.show.html_text import Html, element, escape_html, join_html
from otel_sqlite_exporter.show.visible_text import split_visible, write_escape
from tests.html_reader import HtmlReader
from tests.strategies import texts

HIDING = "\u202e\u2066\u200b\u200c\u200d\ufeff\xad\ufe0f\ufe0e\U000e0041\x1b\x9b\r\0\ud83d\u2028\n\t\uffff"
DRAWN = "😀♀\u20e31نمक&<>\"'/= a;#x\u0600\xa0"
hostile = st.one_of(
    texts,
    st.text(st.sampled_from(HIDING + DRAWN), max_size=12),
    st.text(st.characters(), max_size=12),
    st.sampled_from(["<script>alert(1)</script>", "&#x202e;&amp;&lt", "<!--", "]]>", "<p title='", "&unknown", "&#0;"]),
)
ENCLOSING = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}


@given(hostile)
def test_html_is_the_text_and_nothing_else(text: str) -> None:
    html = escape_html(text)
    reader = HtmlReader(html)
    assert all((tag, {*names}) == ("span", {"class", "title"}) for tag, names in reader.tags)
    assert reader.text == text
    html.encode()
    assert html == Html(html).__html__()


@given(hostile)
def test_the_parts_are_the_text(text: str) -> None:
    parts = [*split_visible(text)]
    assert "".join(part for part, _ in parts) == text
    for part, name in parts:
        assert name is None or name.startswith(f"U+{ord(part):04X} ")
        assert part != ""


@given(hostile, hostile)
def test_an_element_escapes_what_it_is_given(child: str, value: str) -> None:
    html = element("td", child, element("b", child), None, class_=value, stroke_width=2, title=None)
    reader = HtmlReader(html)
    names = [tag for tag, _ in reader.tags if tag != "span"]
    assert names == ["td", "b"]
    assert {*reader.tags[0][1]} == {"class", "stroke-width"}
    shown = "".join(part if name is None else write_escape(part) for part, name in split_visible(value))
    assert reader.tags[0][1]["class"] == shown
    assert reader.text == child * 2
    assert HtmlReader(join_html(child, html)).text == child * 3


@pytest.mark.parametrize("name", ["script", "STYLE", "on", "a b", "", "x>"])
def test_nothing_that_acts_is_made(name: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        element(name)
    with pytest.raises(ValueError, match="is no name"):
        element("p", **{"onclick" if name == "on" else name.lower(): "x"})


@pytest.mark.parametrize("mark", ["\u0301", "\u0489", "\u0e47", "\u064b", "\u05b0", "\u20dd"])
def test_marks_that_would_cover_other_lines_are_written_out(mark: str) -> None:
    shown = [part for part, name in split_visible(f"a{mark * 40}b{mark * 8}c") if name is None]
    assert shown == [f"a{mark * 8}", f"b{mark * 8}c"]


@given(st.text(st.characters(max_codepoint=127)))
def test_a_text_of_ascii_hides_the_same_as_in_another(text: str) -> None:
    alone = [part for part in split_visible(text) if part[1] is not None]
    assert alone == [part for part in split_visible(f"{text}\u00e9") if part[1] is not None]


def test_what_is_hidden_follows_from_the_category() -> None:
    """Each of the categories in the docstring is hidden, and of others what Unicode calls ignorable."""
    categories: dict[str, set[int]] = {}
    for code in range(sys.maxunicode + 1):
        if next(split_visible(chr(code)))[1] is not None:
            categories.setdefault(unicodedata.category(chr(code)), set()).add(code)
        else:
            category = unicodedata.category(chr(code))
            assert category not in ("Cc", "Cf", "Cs", "Zl", "Zp") or chr(code) in "\n\t" or code in ENCLOSING, hex(code)
    for code in categories.pop("Cn"):
        assert (
            code & 0xFFFE == 0xFFFE
            or 0xFDD0 <= code <= 0xFDEF
            or 0xE0000 <= code < 0xE1000
            or code < 0xFFF9
            or (0x13430 <= code <= 0x1343F)
        )
    assert {code for name in ("Lo", "Mn") for code in categories.pop(name)} == {
        *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0),
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
    }
    assert {*categories} == {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",  # Persian
        "क्\u200dष",  # Devanagari
        "👩\u200d👩\u200d👧\u200d👦",
        "🙂\u200d↔\ufe0f",
        "❤\ufe0f\u200d🔥",
        "1\ufe0f\u20e3 ©\ufe0f ☎\ufe0e ‼\ufe0f ℹ\ufe0f",
        "🏳\ufe0f\u200d🌈",
        "👩🏽\u200d🚀",
        "a\xa0b\u3000c\td\ne\u2009f",
        "\ue0b0 \U0001faff",
    ],
)
def test_what_words_and_emoji_need_is_text(text: str) -> None:
    assert [*split_visible(text)] == [(text, None)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a\u202eb", ["U+202E RIGHT-TO-LEFT OVERRIDE"]),
        ("\x1b[2J\x9b", ["U+001B ESCAPE", "U+009B CONTROL CHARACTER"]),
        ("\ud83d", ["U+D83D HALF OF A SURROGATE PAIR"]),
        ("pass\u200cword", ["U+200C ZERO WIDTH NON-JOINER"]),
        ("\u200dक", ["U+200D ZERO WIDTH JOINER"]),
        ("😀\ufe0f\ufe0f\U000e0100", ["U+FE0F VARIATION SELECTOR-16", "U+E0100 VARIATION SELECTOR-17"]),
        ("a\ufe0f", ["U+FE0F VARIATION SELECTOR-16"]),
        ("🏴\U000e0067\U000e007f", ["U+E0067 TAG LATIN SMALL LETTER G", "U+E007F CANCEL TAG"]),
        ("\ufeff\xad\uffff", ["U+FEFF ZERO WIDTH NO-BREAK SPACE", "U+00AD SOFT HYPHEN", "U+FFFF NOT A CHARACTER"]),
        ("a\r\n", ["U+000D CARRIAGE RETURN"]),
    ],
)
def test_what_hides_has_a_name(text: str, names: list[str]) -> None:
    assert [name for _, name in split_visible(text) if name is not None] == names


def test_the_escape_is_seen() -> None:
    assert escape_html("<\u202e>") == (
        '&lt;<span class="hidden-character" title="U+202E RIGHT-TO-LEFT OVERRIDE">\\u202e</span>&gt;'
    )
