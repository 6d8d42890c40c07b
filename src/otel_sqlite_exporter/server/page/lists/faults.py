# SPDX-License-Identifier: Apache-2.0
"""What is wrong with the arguments of a list, with the place in the text of the filter."""

from __future__ import annotations

from typing import NamedTuple

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.show.html_text import Html, element, join_html

_END = "\u2423"
"""The sign of an open box: it stands for what is missing at the end."""


class Fault(NamedTuple):
    """An argument that cannot be used.

    Attributes:
        message: What is wrong, and what to give.
        marked: The text with a mark at the fault, if its place is known.
        place: That place as scripts count it, in units of UTF-16.
    """

    argument: str
    message: str
    marked: Html | None
    place: int | None


def find_fault(error: FilterError, text: str | None) -> Fault:
    """Return the fault that an error is about; `text` is what was given."""
    if error.position is None or text is None:
        return Fault(error.argument, error.message, None, None)
    place = len(text[: error.position].encode("utf-16-le", "surrogatepass")) // 2
    return Fault(error.argument, error.message, mark_place(text, error.position), place)


def mark_place(text: str, position: int) -> Html:
    """Return a text with a mark around the word at `position`, or around a sign for its end."""
    rest = text[position:]
    length = max(len(rest.split(maxsplit=1)[0]) if rest[:1].strip() else 0, 1)
    fault = rest[:length] or _END
    return join_html(text[:position], element("mark", fault, class_="fault"), rest[length:])
