# SPDX-License-Identifier: Apache-2.0
"""Stores once what the calls of a conversation repeat: each call of a model holds all that was said before it.

The attributes of a call begin a long array, in the text of one of them, with the very text that the call before had
there. That part is stored once, and the span says where it goes. Nothing is parsed: text is cut out and put back, so
the attributes come back as they were, whatever they are. A trace with one call has nothing to share, and pays a
search.

Text is compared with that of the last calls that went through the same connection, and looked up by no digest: an index
of digests makes every write dearer as the file grows.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import orjson

from otel_sqlite_exporter.model.rows import EncodedSpan, MessagesRow

SHORTEST = 4_000
"""Characters. Attributes that are shorter, and so fit a page of the file, are left as they are: to search them takes
7 us, a tenth of what it takes to write them."""
_SHORTEST_ARRAY = 512
_MOST_BRANCHES = 4
_MOST_TEXTS = 64
_MOST_CHARACTERS = 8_000_000
# An array in the text of an attribute, as orjson writes attributes. A quote inside of a text has a backslash before it.
_BEGIN, _END, _NEXT = ':"[', ']"', '","'


class _Run(NamedTuple):
    """The beginning of an array as a call had it, and which texts hold how much of it."""

    text: str
    ids: tuple[int, ...]
    held: int


class Histories:
    """What the last calls of each conversation had, for the writer of one connection."""

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None
        self._runs: OrderedDict[str, list[_Run]] = OrderedDict()
        self._characters = 0
        self._messages: OrderedDict[str, int] = OrderedDict()
        self._characters_of_messages = 0

    def bind(self, connection: sqlite3.Connection) -> None:
        """Forget everything, unless it was written through this connection: a fork or another file begins anew."""
        if connection is not self._connection:
            self.clear()
            self._connection = connection

    def clear(self) -> None:
        """Forget everything, as is due when a transaction has failed: the texts that it added are in no file."""
        self._runs.clear()
        self._messages.clear()
        self._characters = self._characters_of_messages = 0

    def keep(self, text: str, add_text: Callable[[str], int]) -> int:
        """Return the id of a text that holds messages. One that was written lately is not written again: each call of a
        conversation records the same messages."""
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
        """Return what of the encoded `attributes` of a call is stored with its span, and how the whole is put together
        (None: that is the whole): a JSON array of [first character, characters, ids of the texts that follow them].
        `add_text` adds a text and returns its id."""
        kept: list[str] = []
        pieces: list[tuple[int, int, tuple[int, ...]]] = []
        place = length = 0
        begin = attributes.find(_BEGIN)
        while begin >= 0:
            start = begin + 2
            end = attributes.find(_END, start)
            if end < 0:
                break
            if end - start >= _SHORTEST_ARRAY:
                key = conversation + attributes[attributes.rfind('"', 0, begin - 1) : begin]
                known = self._replace(key, attributes, start, end)
                if known is not None:
                    run = self._hold(key, known, add_text)
                    inline = attributes[place:start]
                    kept.append(inline)
                    pieces.append((length + 1, len(inline), run.ids))
                    length += len(inline)
                    place = start + run.held
            begin = attributes.find(_BEGIN, end)
        if not pieces:
            return attributes, None
        kept.append(attributes[place:])
        pieces.append((length + 1, len(kept[-1]), ()))
        return "".join(kept), orjson.dumps(pieces).decode()

    def _replace(self, key: str, attributes: str, start: int, end: int) -> _Run | None:
        """Remember an array of a call, and return the one with which it begins, if the conversation had such."""
        runs = self._runs.get(key)
        if runs is None:
            runs = self._runs[key] = []
        else:
            self._runs.move_to_end(key)
        known = None
        for run in runs:
            if attributes.startswith(run.text, start) and (known is None or len(run.text) > len(known.text)):
                known = run
        forgotten = known if known is not None else runs[0] if len(runs) >= _MOST_BRANCHES else None
        if forgotten is not None:
            runs.remove(forgotten)
            self._characters -= len(forgotten.text)
        checked = start if known is None else start + len(known.text) - len(_NEXT)
        if attributes.find(_NEXT, max(start, checked), end) >= 0:
            return None  # it is no array, and a key must stay where it is looked for
        runs.append(_Run(attributes[start:end], (), 0))
        self._characters += end - start
        if self._characters > _MOST_CHARACTERS:
            self._forget()
        return known

    def _forget(self) -> None:
        while self._characters > _MOST_CHARACTERS:
            _, oldest = self._runs.popitem(last=False)
            self._characters -= sum(len(run.text) for run in oldest)

    def _hold(self, key: str, known: _Run, add_text: Callable[[str], int]) -> _Run:
        """Return `known` held by texts as a whole; they hold as much of what has taken its place."""
        length = len(known.text)
        ids = known.ids
        if known.held < length:
            is_new = len(ids) < _MOST_TEXTS  # else all of them become one, or a long run would name more and more
            ids = (*ids, add_text(known.text[known.held :])) if is_new else (add_text(known.text),)
        runs = self._runs.get(key)
        if runs:
            runs[-1] = _Run(runs[-1].text, ids, length)
        return _Run(known.text, ids, length)


class Texts:
    """The texts that one batch adds, as values to write: ids and texts by turns."""

    def __init__(self, histories: Histories, last_id: int) -> None:
        self._histories = histories
        self._last_id = last_id
        self.values: list[int | str] = []

    def share(self, span: EncodedSpan) -> tuple[str, str | None]:
        """Return what is stored of the attributes of `span`, as `Histories.share` does. Its conversation is the session
        that it names, else its trace."""
        own = span.own_session
        return self._histories.share(span.row.attributes, own.name if own is not None else span.trace_id, self._add)

    def keep(self, messages: MessagesRow) -> Iterator[int | None]:
        """Yield what the columns of `_messages` hold: ids of texts, 0 for what the record's own attributes hold."""
        for text in messages:
            yield None if text is None else self._histories.keep(text, self._add) if text else 0

    def _add(self, text: str) -> int:
        self._last_id += 1
        self.values += (self._last_id, text)
        return self._last_id
