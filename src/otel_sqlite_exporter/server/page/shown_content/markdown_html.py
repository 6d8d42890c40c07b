# SPDX-License-Identifier: Apache-2.0
"""Markdown as HTML of a few elements. No HTML within it counts, no image is loaded, links lead only to web pages and
mail addresses and show which, and no text is left out: what Markdown would not show is shown as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_block.table import escapedSplit
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from otel_sqlite_exporter.server.page.shown_content.code_html import highlight
from otel_sqlite_exporter.server.page.shown_content.image_html import render_image
from otel_sqlite_exporter.server.page.shown_content.page_allowance import PageAllowance
from otel_sqlite_exporter.show.html_text import Html, element, escape_html, join_html
from otel_sqlite_exporter.show.recorded_images import read_data_url

_MOST_CHARACTERS, _MOST_LINES, _DEEPEST = 20_000, 1_000, 20
_LINK = re.compile(r"(?:https?://(?:[^\s/?#@]*@)?[\w.\-\[]|mailto:[^\s])", re.IGNORECASE)
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,")
_ALIGNED = {"text-align:left": "left", "text-align:right": "right", "text-align:center": "center"}
_PLAIN_TAGS = {"blockquote", "em", "li", "ol", "p", "s", "strong", "tbody", "td", "th", "thead", "tr", "ul"}
_TAGS = _PLAIN_TAGS | {"a", "br", "code", "div", "hr", "img", "pre", "span", "table"}
_ATTRIBUTES = {
    "a": {"href", "target", "rel"},
    "div": {"class", "tabindex", "role", "aria-label"},
    "img": {"src", "alt", "loading", "class"},
    "li": {"value"},
    "pre": {"class"},
    "span": {"class", "title"},
    "td": {"class"},
    "th": {"class"},
}
_LINK_BEGIN = '<a href="'
_SCHEMES = {"http", "https", "mailto", "data"}


def render_markdown(text: str, allowance: PageAllowance) -> Html | None:
    """Return Markdown as HTML. None: show it as plain text, since it is long or nested deeply, or hides a part."""
    if len(text) > _MOST_CHARACTERS or text.count("\n") > _MOST_LINES:
        return None
    try:
        tokens = _PARSER.parse(text)
    except (RecursionError, ValueError, IndexError):
        return None
    if any(token.level >= _DEEPEST - 1 for token in tokens) or _has_hidden_cells(tokens, text):
        return None
    written = "".join(_write(tokens, allowance))
    clean = nh3.clean(
        written,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_keep_safe_url,
        url_schemes=_SCHEMES,
        link_rel=None,
    )
    if clean.count(_LINK_BEGIN) != written.count(_LINK_BEGIN):  # a link that no browser could follow
        return None
    return Html(clean)


def _keep_safe_url(tag: str, attribute: str, value: str) -> str | None:
    if attribute in ("href", "src"):
        return value if (_LINK if tag == "a" else _IMAGE).match(value) else None
    return value


def _keep_lines(state: StateCore) -> None:
    """Make lines of what was sent, as Markdown's own rule does; but hidden characters stay, to be made visible."""
    state.src = state.src.replace("\r\n", "\n")


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST})
    parser.enable(["table", "strikethrough"])
    parser.disable(["reference", "html_block", "html_inline"])  # a definition would not be shown
    parser.core.ruler.at("normalize", _keep_lines)
    parser.validateLink = lambda url: bool(_LINK.match(url) or _IMAGE.match(url))  # type: ignore[method-assign]
    return parser


_PARSER = _make_parser()


def _has_hidden_cells(tokens: Sequence[Token], text: str) -> bool:
    """Return whether a row of a table has more cells than its head: Markdown shows none of these."""
    lines = text.replace("\r\n", "\n").split("\n")
    columns = 0
    for token in tokens:
        if token.type == "table_open":
            columns = 0
        elif token.type == "th_open":
            columns += 1
        elif token.type == "tr_open" and token.map and columns:
            cells = escapedSplit(lines[token.map[0]].strip().removeprefix("|").removesuffix("|"))
            if len(cells) > columns:
                return True
    return False


def _write(tokens: Sequence[Token], allowance: PageAllowance) -> Iterator[str]:
    """Yield the HTML of tokens. Nothing but what is written here can come out."""
    links: list[Token] = []
    for place, token in enumerate(tokens):
        kind = token.type
        if kind == "inline":
            yield from _write(token.children or (), allowance)
        elif kind == "link_open":
            links.append(token)
            yield _open_link(token)
        elif kind == "link_close":
            yield _close_link(links.pop(), tokens[place - 1].content)
        elif kind == "image":
            yield _write_image(token, allowance)
        elif kind in ("fence", "code_block"):
            yield _write_code(token, allowance)
        elif token.nesting == 0:
            yield _EMPTY.get(kind) or (element("code", token.content) if token.tag else escape_html(token.content))
        elif not token.hidden:
            yield _write_tag(token)


_EMPTY = {"hr": "<hr>", "softbreak": "<br>", "hardbreak": "<br>"}


def _write_tag(token: Token) -> str:
    """Return the tag that opens or closes a block, or a run of text."""
    tag, is_open = token.tag, token.nesting > 0
    if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):  # no headings of the page
        return f'<div class="md-heading md-{tag}">' if is_open else "</div>"
    if tag == "table":
        opened = '<div class="md-table" tabindex="0" role="group" aria-label="Table"><table>'
        return opened if is_open else "</table></div>"
    if tag not in _PLAIN_TAGS:
        return ""
    if not is_open:
        return f"</{tag}>"
    side = _ALIGNED.get(str(token.attrs.get("style")))
    if side:
        return f'<{tag} class="md-{side}">'
    if tag == "li" and token.info.isdecimal():
        return f'<li value="{int(token.info)}">'
    return f"<{tag}>"


def _open_link(token: Token) -> str:
    href = str(token.attrs.get("href") or "")
    if _LINK.match(href) is None:
        return ""
    opened = element("a", href=href, target="_blank", rel="noopener noreferrer nofollow")
    return opened.removesuffix("</a>")


def _close_link(token: Token, text: str) -> str:
    """Return the end of a link, and where it leads if its text does not say that; what is no link, as text."""
    href, title = (str(token.attrs.get(name) or "") for name in ("href", "title"))
    about = element("span", f" “{title}”", class_="link-title") if title else ""
    if _LINK.match(href) is None:
        return join_html(f" ({href})" if href else "", about)
    place = "" if text == href else element("span", f" ({_find_host(href)})", class_="link-host")
    return f"</a>{place}{about}"


def _find_host(href: str) -> str:
    try:
        split = urlsplit(href)
        return split.path if split.scheme == "mailto" else split.netloc.rpartition("@")[2]
    except ValueError:
        return href


def _write_image(token: Token, allowance: PageAllowance) -> str:
    """Return an image that is in the text itself, or a link to one: nothing is loaded from elsewhere."""
    source, title = (str(token.attrs.get(name) or "") for name in ("src", "title"))
    about = token.content or "image"
    data = read_data_url(source)
    shown = render_image(data[1], about, allowance) if data is not None else None
    if shown is not None:
        return join_html(shown, f" “{title}”" if title else "")
    link = Token("link_open", "a", 1, attrs={"href": source, "title": title})
    return f"{_open_link(link)}{escape_html(f'image: {about}')}{_close_link(link, '')}"


def _write_code(token: Token, allowance: PageAllowance) -> str:
    language = token.info.strip()
    has_colors = language and allowance.has_time
    code = highlight(token.content, language.split()[0]) if has_colors else escape_html(token.content)
    label = element("div", language, class_="md-language") if language else None
    return element("div", label, element("pre", element("code", code), class_="code"), class_="md-code")
