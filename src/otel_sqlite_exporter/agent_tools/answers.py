# SPDX-License-Identifier: Apache-2.0
"""Answers of bounded size: JSON text, cut at whole items, which says what was left out and how to get it. Pure.

An answer is JSON so that recorded text cannot pass for the structure of the answer, and columns with rows, which take a
third of the bytes of objects. Characters that cannot be seen are escaped: they can hide instructions from people who
read along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

DEFAULT_BYTES, LEAST_BYTES, MOST_BYTES = 24_000, 4_000, 60_000
_NOTE_BYTES = 400
"""What the note on items that were left out may take."""
_JOINERS = "\u200c\u200d"
"""Without them, words of some scripts, and some emoji, fall apart."""
_VARIANTS = (*range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0))
"""Selectors of variants of characters: text can be hidden in runs of them. The two of emoji are none of these."""

_KEPT_CHARACTERS = 50_000

Json = dict[str, Any]


class Answer(NamedTuple):
    """What a tool answers.

    Attributes:
        head: What is always shown; each tool bounds it.
        name: The name under which `items` are shown; empty: there are none.
        items: Shown as many as fit.
        describe_rest: Gets the number of items that are shown, if others are left out, and says how to get them.
        tail: What follows the items if all are shown.
    """

    head: Json
    name: str = ""
    items: Sequence[Any] = ()
    describe_rest: Callable[[int], Json] = lambda shown: {}
    tail: Json = {}  # noqa: RUF012


def write_answer(answer: Answer, most_bytes: int) -> str:
    """Return an answer as JSON of at most `most_bytes` bytes in UTF-8. Its head is shown whole."""
    head = write_json(answer.head)
    if not answer.name:
        return head
    room = most_bytes - _size(head) - len(answer.name) - 8 - _size(write_json(answer.tail))
    texts = take_texts(map(write_json, answer.items), room)
    is_whole = len(texts) == len(answer.items)
    if not is_whole:
        room -= _NOTE_BYTES
        texts = take_texts(texts, room) or [_shrink(answer.items[0], room)]
    shown = f'"{answer.name}":[{",".join(texts)}]'
    rest = write_json(answer.tail if is_whole else answer.describe_rest(len(texts)))[1:-1]
    return "{" + ",".join(part for part in (head[1:-1], shown, rest) if part) + "}"


def take_texts(texts: Iterable[str], room: int) -> list[str]:
    """Return the first of some texts that take at most `room` bytes together, each with a comma."""
    taken: list[str] = []
    for text in texts:
        room -= _size(text) + 1
        if room < 0:
            break
        taken.append(text)
    return taken


def take_items(items: Iterable[Any], room: int) -> list[Any]:
    """Return the first of some items whose JSON takes at most `room` bytes."""
    taken: list[Any] = []
    for item in items:
        room -= _size(write_json(item)) + 1
        if room < 0:
            break
        taken.append(item)
    return taken


def write_json(value: Any) -> str:
    """Return a value as JSON in which every character can be seen."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode().translate(_SHOWN)


def shorten(text: Any, most_bytes: int) -> Any:
    """Return a text of which no more than `most_bytes` bytes of JSON are left, and how many characters were cut;
    another value as it is."""
    if not isinstance(text, str) or (len(text) <= most_bytes and _size(write_json(text)) <= most_bytes):
        return text
    kept = cut_text(text, most_bytes - 20)
    return f"{kept}…[+{len(text) - len(kept)}]"


def cut_text(text: str, most_bytes: int) -> str:
    """Return the beginning of a text that takes at most `most_bytes` bytes of JSON."""
    least, most = 0, min(len(text), max(most_bytes, 0))
    if _size(write_json(text[:most])) <= most_bytes:
        return text[:most]
    while least < most:
        middle = (least + most + 1) // 2
        if _size(write_json(text[:middle])) <= most_bytes:
            least = middle
        else:
            most = middle - 1
    return text[:least]


def make_row(values: Iterable[Any], text_bytes: int) -> list[Any]:
    """Return the values of a row, its texts cut, without the missing values at its end."""
    row = [shorten(value, text_bytes) for value in values]
    while row and row[-1] is None:
        row.pop()
    return row


def drop_missing(fields: Mapping[str, Any], text_bytes: int = 300) -> Json:
    """Return the fields that have a value, their texts cut."""
    return {name: shorten(value, text_bytes) for name, value in fields.items() if value is not None}


def round_ms(value: float | None) -> float | None:
    """Return milliseconds as exact as they are read: three digits, or whole ones."""
    if value is None:
        return None
    return round(value) if abs(value) >= 1_000 else float(f"{value:.4g}")


def _shrink(item: Any, room: int) -> str:
    """Return an item that alone is too large, with its texts cut as far as need be: each answer shows one at least, so
    that whoever asks for the rest comes to an end."""
    for text_bytes in (1_000, 200, 50):
        text = write_json(_cut_texts(item, text_bytes))
        if _size(text) <= room:
            return text
    if isinstance(item, dict):
        facts = {name: shorten(value, 50) for name, value in item.items() if not isinstance(value, dict | list)}
        text = write_json(facts | {"left_out": "too large here: get_item with this id shows the rest"})
        if _size(text) <= room:
            return text
    return write_json(f"too large: raise max_bytes to {MOST_BYTES}")


def _cut_texts(value: Any, text_bytes: int) -> Any:
    if isinstance(value, dict):
        return {shorten(key, text_bytes): _cut_texts(one, text_bytes) for key, one in value.items()}
    if isinstance(value, list):
        return [_cut_texts(one, text_bytes) for one in value]
    return shorten(value, text_bytes)


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


class _ShownCharacters(dict[int, str]):
    """What stands for each character in JSON text, by its code point."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if not (character.isprintable() or character in _JOINERS) or code in _VARIANTS:
            units = character.encode("utf-16-be").hex()
            character = "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))
        if len(self) < _KEPT_CHARACTERS:
            self[code] = character
        return character


_SHOWN = _ShownCharacters()
