# SPDX-License-Identifier: Apache-2.0
"""Elements of charts as HTML. Every text and every attribute is escaped here."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup, escape

from otel_sqlite_exporter.error_texts import escape as escape_hidden

_KEPT = "\n\t\u200c\u200d\xa0\u2002\u2003\u2009\u200a\u202f\u3000"


def write_element(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """Return an element. A child that is no Markup is text; None is left out, also of attributes. In the names of
    attributes `_` stands for `-`, and the one at the end of `class_` for nothing."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_print(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{join_elements(*children)}</{name}>")


def join_elements(*parts: Any) -> Markup:
    """Return parts after each other; None is left out."""
    return Markup("".join(_print(part) for part in parts if part is not None))


def _print(value: Any) -> str:
    """Return Markup as it is, and a value as text without hidden characters."""
    return str(value) if isinstance(value, Markup) else str(escape(escape_hidden(str(value), _KEPT)))
