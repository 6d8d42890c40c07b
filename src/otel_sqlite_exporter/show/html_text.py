# SPDX-License-Identifier: Apache-2.0
"""Recorded text as HTML, and elements around it where no template is at hand. Whatever is given is escaped."""

from __future__ import annotations

import html
import re

from otel_sqlite_exporter.show.visible_text import split_visible, write_escape, write_visible

HIDDEN_CLASS = "hidden-character"
"""The class of the elements that stand for hidden characters."""
_NAME = re.compile(r"(?i)(?!on|style$|script$)[a-zA-Z][a-zA-Z0-9-]*")


class Html(str):
    """Text that is HTML already. Jinja2 and IPython take it as it is."""

    __slots__ = ()

    def __html__(self) -> Html:
        """Return itself: what Markup asks for."""
        return self


def escape_html(text: str) -> Html:
    """Return a text as HTML that shows it and does nothing else. Each hidden character is a `span` of the class
    `hidden-character` with an escape such as `\\u202e` as its text and the name of the character as its title."""
    return Html("".join(html.escape(part) if name is None else _mark(part, name) for part, name in split_visible(text)))


def element(name: str, /, *children: object, **attributes: object) -> Html:
    """Return an element of HTML or SVG. A child that is no HTML is text, which is escaped, and None is left out, as are
    attributes that are None. An underscore in the name of an attribute is a hyphen; one at its end is dropped.

    Raises:
        ValueError: The name is that of a script, a style or a handler of events, or none that HTML has.
    """
    written = []
    for key, value in attributes.items():
        if value is not None:
            written.append(f' {_check(key.rstrip("_").replace("_", "-"))}="{_write_value(str(value))}"')
    return Html(f"<{_check(name)}{''.join(written)}>{join_html(*children)}</{name}>")


def join_html(*parts: object) -> Html:
    """Return parts one after the other. Those that are no HTML are escaped, and None is left out."""
    return Html("".join(map(_write_part, parts)))


def _write_part(part: object) -> str:
    """Return a part as HTML: one that has `__html__`, as Html and Markup do, is HTML already."""
    if part is None:
        return ""
    return str(part) if hasattr(part, "__html__") else escape_html(str(part))


def _mark(one: str, name: str) -> str:
    return f'<span class="{HIDDEN_CLASS}" title="{html.escape(name)}">{html.escape(write_escape(one))}</span>'


def _write_value(value: str) -> str:
    """Return the value of an attribute, which can hold no element: with escapes in place of hidden characters."""
    return html.escape(write_visible(value))


def _check(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no name of an element or attribute that is written here")
    return name
