# SPDX-License-Identifier: Apache-2.0
"""Stores text once that the calls of a conversation repeat: each call of a model contains all messages before it.

The attributes of a call begin a long array, in the text of one of them, with the very text that the call before had
there. That part is stored once, and the span says where it belongs. Nothing is parsed: text is cut out and put back, so
attributes come back exactly as they were. A trace with one call has nothing to share, and pays for one search.

Text is compared with that of the last calls that went through the same connection. A digest would need an index of
digests, which makes every write slower as the file grows.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import orjson

from otel_sqlite_exporter.model.rows import EncodedSpan, MessagesRow
from otel_sqlite_exporter.write.statements import Insert, TableRows

SHORTEST = 4_000
"""Characters. Shorter attributes, which fit a page of the file, are stored as they are: a search in them takes 7 us, a
tenth of what it takes to write them."""
_SHORTEST_ARRAY = 512
_MOST_BRANCHES = 4
_MOST_TEXTS = 64
_MOST_CHARACTERS = 8_000_000
# An array in the text of an attribute, as orjson writes attributes. A quote inside of a text has a backslash before it.
_BEGIN, _END, _NEXT = ':"[', ']"', '","'
_TEXTS = Insert("_texts", ("id", "text", "conversation"))


class _Array(NamedTuple):
    """The beginning of an array as a call had it, and the texts that hold its first characters, and how many."""

    text: str
    ids: tuple[int, ...]
    stored: int


class SharedTexts:
    """The arrays of the last calls of each conversation, for one connection."""

    def __init__(self) -> None:
        self._arrays: OrderedDict[str, list[_Array]] = OrderedDict()
        self._characters = 0
        self._messages: OrderedDict[str, int] = OrderedDict()
        self._characters_of_messages = 0
        self._last_removed = 0

    def clear(self) -> None:
        """Forget everything. Required when a transaction failed: the texts that it added are in no file."""
        self._arrays.clear()
        self._messages.clear()
        self._characters = self._characters_of_messages = 0

    def forget_removed(self, last_removed: int) -> None:
        """Name no text again that may have been removed from the file, by any process: none up to this id."""
        if last_removed == self._last_removed:
            return
        self._last_removed = last_removed
        for arrays in self._arrays.values():
            arrays[:] = [
                array if min(array.ids, default=last_removed + 1) > last_removed else _Array(array.text, (), 0)
                for array in arrays
            ]
        for text in [text for text, id in self._messages.items() if id <= last_removed]:
            del self._messages[text]
            self._characters_of_messages -= len(text)

    def keep(self, text: str, add_text: Callable[[str], int]) -> int:
        """Return the id of a text with messages. A recent text is not written again: the calls of a conversation record
        the same messages."""
        id = self._messages.get(text)
        if id is not None:
            self._messages.move_to_end(text)
            return id
        id = self._messages[text] = add_text(text)
        self._characters_of_messages += len(text)
        while self._characters_of_messages > _MOST_CHARACTERS:
            oldest, _ = self._messages.popitem(last=False)
            self._characters_of_messages -= len(oldest)
        return id

    def share(self, attributes: str, conversation: str, add_text: Callable[[str], int]) -> tuple[str, str | None]:
        """Return what the file stores of the encoded `attributes` of a call, and how to put the whole together (None:
        it is the whole): a JSON array of [first character, characters, ids of the texts that follow them]. `add_text`
        adds a text and returns its id."""
        kept: list[str] = []
        pieces: list[tuple[int, int, tuple[int, ...]]] = []
        position = length = 0
        begin = attributes.find(_BEGIN)
        while begin >= 0:
            start = begin + 2
            end = attributes.find(_END, start)
            if end < 0:
                break
            if end - start >= _SHORTEST_ARRAY:
                key = conversation + attributes[attributes.rfind('"', 0, begin - 1) : begin]
                before = self._replace(key, attributes, start, end)
                if before is not None:
                    stored = self._store(key, before, add_text)
                    inline = attributes[position:start]
                    kept.append(inline)
                    pieces.append((length + 1, len(inline), stored.ids))
                    length += len(inline)
                    position = start + stored.stored
            begin = attributes.find(_BEGIN, end)
        if not pieces:
            return attributes, None
        kept.append(attributes[position:])
        pieces.append((length + 1, len(kept[-1]), ()))
        return "".join(kept), orjson.dumps(pieces).decode()

    def _replace(self, key: str, attributes: str, start: int, end: int) -> _Array | None:
        """Remember an array of a call, and return the longest one of the conversation that it begins with, if any."""
        arrays = self._arrays.get(key)
        if arrays is None:
            arrays = self._arrays[key] = []
        else:
            self._arrays.move_to_end(key)
        before = None
        for array in arrays:
            if attributes.startswith(array.text, start) and (before is None or len(array.text) > len(before.text)):
                before = array
        forgotten = before if before is not None else arrays[0] if len(arrays) >= _MOST_BRANCHES else None
        if forgotten is not None:
            arrays.remove(forgotten)
            self._characters -= len(forgotten.text)
        checked = start if before is None else start + len(before.text) - len(_NEXT)
        if attributes.find(_NEXT, max(start, checked), end) >= 0:
            return None  # not an array, and a key must stay where it is looked for
        arrays.append(_Array(attributes[start:end], (), 0))
        self._characters += end - start
        while self._characters > _MOST_CHARACTERS:
            _, oldest = self._arrays.popitem(last=False)
            self._characters -= sum(len(array.text) for array in oldest)
        return before

    def _store(self, key: str, before: _Array, add_text: Callable[[str], int]) -> _Array:
        """Return `before` with texts that hold all of it; they hold as much of the array that has replaced it."""
        length = len(before.text)
        ids = before.ids
        if before.stored < length:
            is_new = len(ids) < _MOST_TEXTS  # else one text holds everything, or a long run would name more and more
            ids = (*ids, add_text(before.text[before.stored :])) if is_new else (add_text(before.text),)
        arrays = self._arrays.get(key)
        if arrays:
            arrays[-1] = _Array(arrays[-1].text, ids, length)
        return _Array(before.text, ids, length)


class TextRows:
    """The rows of `_texts` that one batch adds."""

    def __init__(self, shared_texts: SharedTexts, last_id: int) -> None:
        self._shared_texts = shared_texts
        self._last_id = last_id
        self._conversation: int | None = None
        self._rows = TableRows(_TEXTS)

    def share(self, span: EncodedSpan, conversation: int) -> tuple[str, str | None]:
        """Return what `SharedTexts.share` returns for a span. Its conversation is the key of the session that it names,
        else the negative key of its trace: when all spans of it are removed, so are its texts."""
        self._conversation = conversation
        return self._shared_texts.share(span.row.attributes, str(conversation), self._add)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows."""
        self._rows.write(connection)

    def keep(self, messages: MessagesRow) -> Iterator[int | None]:
        """Yield the columns of `_messages`: ids of texts, or 0 if the record's own attribute is the text. Spans name
        none of these texts."""
        self._conversation = None
        for text in messages:
            yield None if text is None else self._shared_texts.keep(text, self._add) if text else 0

    def _add(self, text: str) -> int:
        self._last_id += 1
        self._rows.add((self._last_id, text, self._conversation))
        return self._last_id
