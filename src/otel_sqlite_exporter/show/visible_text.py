# SPDX-License-Identifier: Apache-2.0
"""Recorded text made visible. What was recorded may steer a terminal, turn the direction of the text around it, or hide
a part of itself from the person who reads it.

A terminal gets an escape for each character that Python does not print: those of the categories Cc, Cf, Cs, Co, Cn, Zl,
Zp, and of Zs all but the space.

HTML shows more as it is. Hidden there are

* control characters (Cc) but for newline and tab, halves of surrogate pairs (Cs), separators of lines and paragraphs
  (Zl, Zp), and code points that are no characters,
* format characters (Cf), such as those that change the direction, spaces of no width, and the block of tags; not the
  signs of Arabic, Syriac and Kaithi that enclose a number, which are drawn,
* what Unicode calls ignorable in any other category, such as fillers of Hangul and variation selectors,
* marks that combine with the letter before them, from the ninth in a row on: stacked, they are drawn over the lines
  around them. No language needs as many.

Emoji, and words of some scripts, need a few of them: a joiner (U+200C, U+200D) between two letters from Hebrew on, or
between two symbols, and one variation selector U+FE0E or U+FE0F after a symbol, are part of the text. So are spaces of
any width, private characters, and those that Python does not know yet."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_MARKS = (
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # of any script
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc"  # Hebrew, Arabic
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u0f71-\u0f84]"  # Thai, Lao, Tibetan
)
_HIDDEN = re.compile(
    f"{_MARKS}(?<={_MARKS}{{9}})|["
    "\0-\x08\x0b-\x1f\x7f-\x9f"  # controls
    "\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"  # formats, separators
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\uffa0"  # ignorable marks and letters
    "\ufe00-\ufe0f"  # variation selectors
    "\ud800-\udfff"  # surrogates
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # formats of hieroglyphs, shorthand and music
    "\U000e0000-\U000e0fff"  # tags, more variation selectors
    "\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
_HIDDEN_ASCII = re.compile("[\0-\x08\x0b-\x1f\x7f]")
"""The same, for texts of ASCII alone: twenty times as fast."""
_JOINERS = "\u200c\u200d"
_TEXT_STYLE, _EMOJI_STYLE = "\ufe0e", "\ufe0f"
_KEYCAP = "\u20e3"
_FIRST_JOINED = "\u0590"
_FIRST_PICTURE = "\U0001f000"
_EMOJI_OF_OTHER_KINDS = "\u203c\u2049\u2139\u3030\u303d"
_CONTROLS = (
    "NULL, START OF HEADING, START OF TEXT, END OF TEXT, END OF TRANSMISSION, ENQUIRY, ACKNOWLEDGE, BELL, "
    "BACKSPACE, CHARACTER TABULATION, LINE FEED, LINE TABULATION, FORM FEED, CARRIAGE RETURN, SHIFT OUT, "
    "SHIFT IN, DATA LINK ESCAPE, DEVICE CONTROL ONE, DEVICE CONTROL TWO, DEVICE CONTROL THREE, "
    "DEVICE CONTROL FOUR, NEGATIVE ACKNOWLEDGE, SYNCHRONOUS IDLE, END OF TRANSMISSION BLOCK, CANCEL, "
    "END OF MEDIUM, SUBSTITUTE, ESCAPE, FILE SEPARATOR, GROUP SEPARATOR, RECORD SEPARATOR, UNIT SEPARATOR"
)
"""What U+0000 to U+001F are called. Unicode gives control characters no names but these aliases."""


def escape(text: str, keep: str = "") -> str:
    """Return a text for a terminal, or a line of a log: with escapes for all characters that are not printable, but
    those of `keep`."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in keep else write_escape(one) for one in text)


def write_visible(text: str) -> str:
    """Return a text for HTML as plain text, which may stand in an attribute too: with escapes for what is hidden
    there."""
    if text.isprintable() and text.isascii():
        return text
    return "".join(part if name is None else write_escape(part) for part, name in split_visible(text))


def write_escape(one: str) -> str:
    r"""Return the escape of a character as Python writes it: `\x1b`, `\u202e`."""
    return one.encode("unicode_escape").decode()


def split_visible(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield the parts of a text: each run that HTML shows as it is, with None, and each hidden character with its name,
    such as `U+202E RIGHT-TO-LEFT OVERRIDE`. The parts in their order are the text."""
    start = 0
    for found in (_HIDDEN_ASCII if text.isascii() else _HIDDEN).finditer(text):
        at = found.start()
        if _is_needed(text, at):
            continue
        if start < at:
            yield text[start:at], None
        yield text[at], name_character(text[at])
        start = at + 1
    if start < len(text):
        yield text[start:], None


def name_character(one: str) -> str:
    """Return the code point of a character and its name, or what it is if it has none."""
    return f"U+{ord(one):04X} {unicodedata.name(one, '') or _describe_unnamed(one)}"


def _describe_unnamed(one: str) -> str:
    if one < "\x20":
        return _CONTROLS.split(", ")[ord(one)]
    category = unicodedata.category(one)
    return {"Cc": "CONTROL CHARACTER", "Cs": "HALF OF A SURROGATE PAIR"}.get(category, "NOT A CHARACTER")


def _is_needed(text: str, at: int) -> bool:
    """Return whether the text around a joiner or a variation selector needs it to look right."""
    one, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if not before:
        return False
    if one in _TEXT_STYLE + _EMOJI_STYLE:
        return _is_symbol(before) or (before in "#*0123456789" and after == _KEYCAP)
    if one not in _JOINERS or not after:
        return False
    if before == _EMOJI_STYLE:
        before = text[at - 2 : at - 1]
    return (_is_joined(before) and _is_joined(after)) or (_is_symbol(before) and _is_symbol(after))


def _is_joined(one: str) -> bool:
    """Return whether a character is a letter or a mark of a script whose letters may need a joiner. Those before Hebrew
    (Latin, Greek, Cyrillic, Armenian) do not."""
    return one >= _FIRST_JOINED and unicodedata.category(one)[0] in "LM" and _HIDDEN.match(one) is None


def _is_symbol(one: str) -> bool:
    """Return whether a character is a symbol, as emoji are. One that is newer than this Python's tables is taken for an
    emoji if it is where these are."""
    if not one:
        return False
    category = unicodedata.category(one)
    return (
        category in ("So", "Sk", "Sm")
        or one in _EMOJI_OF_OTHER_KINDS
        or (category == "Cn" and one >= _FIRST_PICTURE and _HIDDEN.match(one) is None)
    )
