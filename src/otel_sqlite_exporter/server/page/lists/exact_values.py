# SPDX-License-Identifier: Apache-2.0
"""Values that a form sends back as they are. What a template prints has escapes for hidden characters, which as the
value of an input would change what is asked for."""

from __future__ import annotations

import html

from otel_sqlite_exporter.show.html_text import Html
from otel_sqlite_exporter.show.visible_text import split_visible, write_escape


def write_exact(text: str) -> Html:
    """Return a text for the value of an input: hidden characters are character references. Those that HTML cannot refer
    to are written out."""
    return Html("".join(html.escape(part) if name is None else _refer(part) for part, name in split_visible(text)))


def _refer(one: str) -> str:
    code = ord(one)
    # HTML reads references to these as other characters.
    is_other = code == 0 or 0x80 <= code < 0xA0 or 0xD800 <= code < 0xE000
    return html.escape(write_escape(one)) if is_other else f"&#x{code:x};"
