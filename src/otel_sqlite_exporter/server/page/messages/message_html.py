# SPDX-License-Identifier: Apache-2.0
"""Messages as HTML: what was said to a model and what it answered, as a chat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from otel_sqlite_exporter.server.page.messages.exact_html import render_exact
from otel_sqlite_exporter.server.page.messages.page_allowance import PageAllowance
from otel_sqlite_exporter.server.page.messages.part_html import render_part
from otel_sqlite_exporter.server.page.messages.value_html import render_value as render_value
from otel_sqlite_exporter.show.html_text import Html, element, join_html

_ROLES = {"developer": "system", "function": "tool", "model": "assistant"}
_KNOWN = ("system", "user", "assistant", "tool")
_FOLDED = 600
"""Instructions of more characters are folded."""
_PREVIEW = 100


def render_messages(messages: Iterable[Any], *, raw: bool = False, allowance: PageAllowance | None = None) -> Markup:
    """Return messages as docs/content.md has them as a chat. Raw: as exact texts, for copying.

    `allowance` is that of the page: pass one if the page shows messages several times.
    """
    allowance = PageAllowance() if allowance is None else allowance
    if raw:
        shown = [render_exact(message, allowance) for message in messages]
    else:
        names: dict[str, str] = {}
        shown = [_render_message(_name_results(message, names), allowance) for message in messages]
    return Markup(element("div", *shown, class_="chat"))


def _name_results(message: Any, names: dict[str, str]) -> Any:
    """Return a message in which results name their tools, as the requests before them do. Note the requests in it."""
    parts = message.get("parts") if isinstance(message, Mapping) else None
    if not isinstance(parts, list):
        return message
    named = []
    for part in parts:
        if isinstance(part, Mapping) and isinstance(part.get("id"), str):
            id, name = part["id"], part.get("name")
            if part.get("type") == "tool_call" and isinstance(name, str):
                names[id] = name
            elif part.get("type") == "tool_call_response" and not name and id in names:
                named.append({**part, "name": names[id]})
                continue
        named.append(part)
    return {**message, "parts": named}


def _render_message(message: Any, allowance: PageAllowance) -> Html:
    if not isinstance(message, Mapping) or not isinstance(message.get("parts"), list):
        return element("div", Html(render_value(message, allowance=allowance)), class_="message message-other")
    role = str(message.get("role") or "unknown")
    kind = _find_kind(role)
    parts = join_html(*(render_part(part, allowance) for part in message["parts"]))
    body = parts or element("p", "It says nothing.", class_="quiet")
    size = sum(map(_measure, message["parts"]))
    if kind == "system" and size > _FOLDED:
        body = _fold(message["parts"], body, size)
    rest = {name: value for name, value in message.items() if name not in ("role", "parts", "name", "finish_reason")}
    if rest:
        summary = element("summary", ", ".join(map(str, rest)))
        fields = Html(render_value(rest, allowance=allowance))
        body = join_html(body, element("details", summary, fields, class_="part-fields"))
    prompt = "" if kind == "user" else None
    return element("div", _write_head(role, message), body, class_=f"message message-{kind}", data_prompt=prompt)


def _find_kind(role: str) -> str:
    kind = _ROLES.get(role, role)
    return kind if kind in _KNOWN else "other"


def _write_head(role: str, message: Mapping[str, Any]) -> Html:
    name, reason = message.get("name"), message.get("finish_reason")
    return element(
        "div",
        element("span", role, class_="message-role"),
        " ",
        element("span", str(name), class_="message-name") if name else None,
        " ",
        element("span", f"finished: {reason}", class_="message-finish") if reason else None,
        class_="message-head",
    )


def _fold(parts: Sequence[Any], body: Html, size: int) -> Html:
    begin = next((part["content"] for part in parts if _measure(part)), "").strip()[:_PREVIEW]
    summary = element("summary", f"{size:,} characters: ", element("span", f"{begin} …", class_="quiet"))
    return element("details", summary, body, class_="folded")


def _measure(part: Any) -> int:
    """Return the number of characters that a part says."""
    content = part.get("content") if isinstance(part, Mapping) else None
    return len(content) if isinstance(content, str) else 0
