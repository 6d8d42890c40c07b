# SPDX-License-Identifier: Apache-2.0
"""What notebooks show is made of: tables and texts as HTML without any script or style, escaped and bounded. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from otel_sqlite_exporter.show.html_text import Html, element, join_html
from otel_sqlite_exporter.show.units import format_count

LARGEST_CELL = 200
"""The most characters of a text in a table."""
_LARGEST = 1_000_000
"""The most characters of HTML: hidden characters take more than others, and notebooks keep what they show."""


class NotebookCell(NamedTuple):
    """A cell of a table: HTML, or text that is cut; `is_right`: aligned at the right, as numbers are."""

    content: str | None
    is_right: bool = False


def cut_text(text: str, most: int) -> str:
    """Return at most that many characters of a text, and how many are left out."""
    left_out = len(text) - most
    return text if left_out <= 0 else f"{text[:most]} … {format_count(left_out)} more characters"


def join_bounded(pieces: Iterable[Html], most: int) -> tuple[Html, int]:
    """Return the first pieces one after the other, and how many they are: at most `most`, and no more HTML than a
    notebook can keep."""
    taken: list[Html] = []
    size = 0
    for piece in islice(pieces, most):
        size += len(piece)
        if taken and size > _LARGEST:
            break
        taken.append(piece)
    return join_html(*taken), len(taken)


def make_title(kind: str, told: str = "") -> Html:
    """Return the line above what is shown: what it is in bold, and how much of it there is."""
    return element("p", element("b", cut_text(kind, LARGEST_CELL)), f" {told}" if told else None)


def make_note(text: str) -> Html:
    """Return a line below what is shown."""
    return element("p", element("small", text))


def make_facts(facts: Iterable[tuple[str, NotebookCell]]) -> Html:
    """Return names and values, each pair in a row."""
    rows = (
        element("tr", element("th", _align(NotebookCell(name)), scope="row"), element("td", _align(cell)))
        for name, cell in facts
    )
    return element("table", element("tbody", *rows))


def make_table(headings: Sequence[NotebookCell], rows: Iterable[Sequence[NotebookCell]], most: int) -> tuple[Html, int]:
    """Return a table of the first rows, at most `most`, and how many they are."""
    head = element("tr", *(element("th", _align(heading), scope="col") for heading in headings))
    lines = (element("tr", *(element("td", _align(cell)) for cell in row)) for row in rows)
    body, shown = join_bounded(lines, most)
    return element("table", element("thead", head), element("tbody", body)), shown


def _align(cell: NotebookCell) -> Html:
    content = cell.content
    if content is not None and not isinstance(content, Html):
        content = cut_text(content, LARGEST_CELL)
    # Jupyter aligns every cell at the right; what is in an element of its own is aligned as that says.
    return element("div", content, align="right" if cell.is_right else "left")
