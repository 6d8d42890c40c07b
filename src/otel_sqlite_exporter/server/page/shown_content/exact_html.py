# SPDX-License-Identifier: Apache-2.0
"""Messages as exact texts, hidden characters included, so that what is copied is what was recorded."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from otel_sqlite_exporter.server.page.shown_content.json_layout import escape_hidden, lay_out, write_json
from otel_sqlite_exporter.server.page.shown_content.page_allowance import PageAllowance
from otel_sqlite_exporter.server.page.shown_content.value_html import say_missing
from otel_sqlite_exporter.show.html_text import Html, element, join_html
from otel_sqlite_exporter.show.visible_text import write_escape

_MOST_LAID_OUT = 1_000_000
_IMPOSSIBLE = re.compile("[\0\r\ud800-\udfff]")
"""What HTML cannot hold, or not as it is."""


def render_exact(message: Any, allowance: PageAllowance) -> Html:
    """Return a message with each text as it was recorded, and all else as JSON."""
    if not isinstance(message, Mapping) or not isinstance(message.get("parts"), list):
        return write_exact(message, allowance)
    rest = {name: value for name, value in message.items() if name not in ("role", "parts")}
    role = element("span", str(message.get("role")), class_="message-role")
    return element(
        "div",
        element("div", role, class_="message-head"),
        write_exact(rest, allowance) if rest else None,
        *(_render_part(part, allowance) for part in message["parts"]),
        class_="message message-raw",
    )


def _render_part(part: Any, allowance: PageAllowance) -> Html:
    if isinstance(part, Mapping) and set(part) == {"type", "content"} and isinstance(part["content"], str):
        label = element("div", str(part["type"]), class_="part-label")
        return join_html(label, write_exact(part["content"], allowance))
    return write_exact(part, allowance)


def write_exact(value: Any, allowance: PageAllowance) -> Html:
    """Return a value as exact text, and as JSON if it is no text."""
    text = value if isinstance(value, str) else _write_lines(write_json(value))
    sent = allowance.take_characters(len(text))
    return _write_part(text[:sent], len(text), sent, allowance)


def write_copy(text: str, allowance: PageAllowance) -> Html:
    """Return JSON for copying, with escapes for hidden characters: what is copied means what was recorded."""
    whole = _write_lines(text)
    sent = allowance.take_text(whole, len(whole))
    return _write_part(escape_hidden(whole[:sent]), len(whole), sent, allowance)


def _write_part(shown: str, total: int, sent: int, allowance: PageAllowance) -> Html:
    exact = _IMPOSSIBLE.sub(_replace, html.escape(shown))
    missing = "" if sent == total else say_missing(sent, total, allowance)
    return join_html(Html(f'<pre class="exact">\n{exact}</pre>'), missing)


def _write_lines(text: str) -> str:
    laid_out, is_whole = lay_out(text, _MOST_LAID_OUT)
    return laid_out if is_whole else text


def _replace(found: re.Match[str]) -> str:
    return "&#13;" if found[0] == "\r" else write_escape(found[0])
