# SPDX-License-Identifier: Apache-2.0
"""The parts of a message as HTML, by their type: see docs/content.md. A field that its type does not show is there to
unfold, so nothing that was recorded is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from otel_sqlite_exporter.server.page.shown_content.image_html import render_image
from otel_sqlite_exporter.server.page.shown_content.json_layout import is_json
from otel_sqlite_exporter.server.page.shown_content.markdown_html import render_markdown
from otel_sqlite_exporter.server.page.shown_content.page_allowance import PageAllowance
from otel_sqlite_exporter.server.page.shown_content.value_html import (
    find_begin,
    fold_rest,
    render_text,
    render_value,
)
from otel_sqlite_exporter.show.html_text import Html, element, join_html
from otel_sqlite_exporter.show.recorded_images import read_data_url
from otel_sqlite_exporter.show.units import format_bytes

Part = Mapping[str, Any]
_Renderer = Callable[[Part, PageAllowance], Html]
_MOST_MARKDOWN = 60_000
_LONG_TEXT = 4
"""How many times longer than that of other values the beginning of a text is that a person or a model wrote."""


def render_part(part: Any, allowance: PageAllowance) -> Html:
    """Return a part of a message; one of an unknown type, or that is no object, with all its fields."""
    kind = part.get("type") if isinstance(part, Mapping) else None
    renderer, shown = _RENDERERS.get(kind, (None, ())) if isinstance(kind, str) else (None, ())
    if renderer is None or not all(isinstance(part.get(name), str) for name in _REQUIRED.get(str(kind), ())):
        label = element("span", str(kind), class_="part-label") if kind is not None else None
        return element("div", label, _render(part, allowance), class_="part part-other")
    rest = {name: value for name, value in part.items() if name not in ("type", *shown) and value is not None}
    classes = f"part part-{str(kind).replace('_', '-')}"
    return element("div", renderer(part, allowance), _fold_fields(rest, allowance), class_=classes)


def render_prose(text: str, allowance: PageAllowance) -> Html:
    """Return a text that a person or a model wrote: Markdown, unless it is JSON or too much; its end is folded."""
    if is_json(text):
        return _render(text, allowance)
    begin = find_begin(text, _LONG_TEXT)
    whole = _render_markdown(text, allowance)
    if whole is None:
        return render_text(text, allowance)
    if begin == len(text):
        return whole
    return fold_rest(
        _render_markdown(text[:begin], allowance) or render_text(text[:begin], allowance), whole, len(text)
    )


def _render_markdown(text: str, allowance: PageAllowance) -> Html | None:
    if not allowance.has_time or allowance.take_text(text, _MOST_MARKDOWN) < len(text):
        return None
    html = allowance.spend(render_markdown, text, allowance)
    return None if html is None else element("div", html, class_="md", dir="auto")


def _render(value: Any, allowance: PageAllowance) -> Html:
    return Html(render_value(value, allowance=allowance))


def _fold_fields(fields: Mapping[str, Any], allowance: PageAllowance) -> Html | None:
    """Return the fields of a part that are not shown otherwise, folded."""
    if not fields:
        return None
    summary = element("summary", ", ".join(map(str, fields)))
    return element("details", summary, _render(dict(fields), allowance), class_="part-fields")


def _render_text_part(part: Part, allowance: PageAllowance) -> Html:
    mark = element("span", "refused", class_="part-label part-failed") if part.get("refusal") else None
    return join_html(*filter(None, (mark, render_prose(part["content"], allowance))))


def _render_reasoning(part: Part, allowance: PageAllowance) -> Html:
    content = part["content"]
    if not content:
        return element("span", "reasoning, which the provider keeps to itself", class_="part-label")
    summary = element("summary", f"Reasoning ({len(content):,} characters)")
    return element("details", summary, render_prose(content, allowance), class_="reasoning")


def _render_tool_call(part: Part, allowance: PageAllowance) -> Html:
    head = _write_head("calls", part)
    arguments = part.get("arguments")
    return join_html(head, "" if arguments is None else _render(arguments, allowance))


def _render_tool_response(part: Part, allowance: PageAllowance) -> Html:
    has_failed = part.get("is_error") is True
    head = _write_head("failed result of" if has_failed else "result of", part, has_failed)
    response = part.get("response")
    if _holds_parts(response):
        return join_html(head, *(render_part(one, allowance) for one in response))
    return join_html(head, _render(response, allowance))


def _holds_parts(response: Any) -> TypeGuard[list[Part]]:
    """Whether the result of a tool is a list of parts, such as texts and images."""
    if not isinstance(response, list) or not response:
        return False
    return all(isinstance(one, Mapping) and one.get("type") in _RENDERERS for one in response)


def _write_head(label: str, part: Part, has_failed: bool = False) -> Html:
    classes = "part-label part-failed" if has_failed else "part-label"
    named = [part.get("name"), part.get("id")]
    name, id = (None if one is None else str(one) for one in named)
    return element(
        "div",
        element("span", label, class_=classes, data_error="" if has_failed else None),
        " ",
        element("strong", name or "a tool", class_="tool-name"),
        " ",
        element("code", id, class_="quiet") if id else None,
        class_="part-head",
    )


def _render_blob(part: Part, allowance: PageAllowance) -> Html:
    media_type, content = _find_media_type(part), part["content"]
    shown = render_image(content, _describe(part), allowance)
    if shown is not None:
        return shown
    size = format_bytes(len(content) * 3 // 4)
    return join_html(
        element("div", f"{media_type}, {size}, in base64", class_="part-label"), render_text(content, allowance)
    )


def _render_uri(part: Part, allowance: PageAllowance) -> Html:
    uri = part["uri"]
    data = read_data_url(uri)
    if data is not None:
        return _render_blob({**part, "mime_type": data[0], "content": data[1]}, allowance)
    label = element("span", _find_media_type(part), class_="part-label")
    link = render_markdown(f"<{uri}>", allowance) if uri.startswith(("https://", "http://")) else None
    return join_html(label, " ", link or render_text(uri, allowance))


def _render_file(part: Part, allowance: PageAllowance) -> Html:
    label = element("span", f"file, {_find_media_type(part)}", class_="part-label")
    return join_html(label, " ", element("code", part["file_id"]))


def _find_media_type(part: Part) -> str:
    return str(part.get("mime_type") or part.get("modality") or "of an unknown type")


def _describe(part: Part) -> str:
    return str(part.get("title") or part.get("filename") or part.get("name") or _find_media_type(part))


_MEDIA = ("modality", "mime_type")
_RENDERERS: Mapping[str, tuple[_Renderer, tuple[str, ...]]] = {
    "text": (_render_text_part, ("content", "refusal")),
    "reasoning": (_render_reasoning, ("content",)),
    "tool_call": (_render_tool_call, ("name", "id", "arguments")),
    "tool_call_response": (_render_tool_response, ("name", "id", "response", "is_error")),
    "blob": (_render_blob, ("content", *_MEDIA)),
    "uri": (_render_uri, ("uri", *_MEDIA)),
    "file": (_render_file, ("file_id", *_MEDIA)),
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "text": ("content",),
    "reasoning": ("content",),
    "blob": ("content",),
    "uri": ("uri",),
    "file": ("file_id",),
}
"""The fields of parts that must be texts."""
