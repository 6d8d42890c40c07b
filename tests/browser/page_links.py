# SPDX-License-Identifier: Apache-2.0
"""Finds the links to look at: each declared page is reached from others by links, or nobody finds it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import urldefrag

from otel_sqlite_exporter.server.page.page_answers import PageRoute
from otel_sqlite_exporter.server.page.page_table import PAGES
from tests.page_server import PageClient

_DEPTH = 3
_OPENED = 2


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get("href")
        if tag == "a" and target and target.startswith("/") and "format=" not in target:
            self.found.append(urldefrag(target).url)


def read_links(html: str) -> list[str]:
    """The targets of the links of a page, in their order."""
    parser = _Links()
    parser.feed(html)
    return parser.found


def match(page: PageRoute, link: str) -> bool:
    """Whether a link leads to this page."""
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(page.path))
    return re.fullmatch(pattern, link.partition("?")[0]) is not None


def find_links(client: PageClient) -> Mapping[str, list[str]]:
    """Links to each page, by its path: the page without arguments if it needs none, else those that other pages have,
    the page with the most content first."""
    found = {page.path: [] if "{" in page.path else [page.path] for page in PAGES}
    sizes: dict[str, int] = {}
    for _ in range(_DEPTH):
        for link in [link for links in found.values() for link in links[:_OPENED] if link not in sizes]:
            html = client.open(link)
            sizes[link] = len(html)
            for target in dict.fromkeys(read_links(html)):
                for page in PAGES:
                    if "{" in page.path and match(page, target) and target not in found[page.path]:
                        found[page.path].append(target)
    return {path: sorted(links, key=lambda link: -sizes.get(link, 0))[:_OPENED] for path, links in found.items()}
