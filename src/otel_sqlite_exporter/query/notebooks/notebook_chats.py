# SPDX-License-Identifier: Apache-2.0
"""A conversation in a notebook: each call and tool with what was said, in order of time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.query.notebooks.notebook_html import cut_text, join_bounded, make_note, make_title
from otel_sqlite_exporter.show.html_text import Html, element, join_html
from otel_sqlite_exporter.show.units import format_count

MOST_TURNS = 100
MOST_TEXTS = 1_000
LARGEST_TEXT = 2_000
"""The most characters of one text."""


class ChatText(NamedTuple):
    """A text with the role of who said it; `is_folded`: it is shown by a click."""

    role: str
    text: str
    is_folded: bool = False


class ChatTurn(NamedTuple):
    """A call or a tool: what it is, how it ended and what it took, and what was said."""

    heading: str
    texts: Sequence[ChatText]


def show_chat(title: str, told: str, turns: Sequence[ChatTurn]) -> Html:
    """Return the first turns of a conversation, and say how much is left out."""
    first = turns[:MOST_TURNS]
    total = sum(1 + len(turn.texts) for turn in first)
    body, shown = join_bounded(_show_turns(first), MOST_TEXTS)
    notes = []
    if shown < total:
        notes.append(make_note(f"The first {shown} of {format_count(total)} headings and texts."))
    if len(first) < len(turns):
        notes.append(make_note(f"The first {len(first)} of {format_count(len(turns))} calls and tools."))
    return join_html(make_title(title, f"({told})"), body, *notes)


def _show_turns(turns: Sequence[ChatTurn]) -> Iterator[Html]:
    for turn in turns:
        yield element("p", element("b", cut_text(turn.heading, LARGEST_TEXT)))
        yield from map(_show_text, turn.texts)


def _show_text(text: ChatText) -> Html:
    role, said = cut_text(text.role, LARGEST_TEXT), element("pre", cut_text(text.text, LARGEST_TEXT))
    if text.is_folded:
        return element("details", element("summary", role), said)
    return element("blockquote", element("div", role), said)
