# SPDX-License-Identifier: Apache-2.0
"""Texts, names and ids that attack the page do nothing: no script runs, nobody else is asked, no page goes away."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import cycle, islice
from urllib.parse import quote, urlencode

import pytest

from otel_sqlite_exporter.server.page.page_answers import PageRoute
from otel_sqlite_exporter.server.page.page_table import PAGES
from tests.browser.conftest import Open
from tests.browser.page_files import ATTACKS
from tests.browser.page_links import find_links
from tests.browser.visits import Visit
from tests.page_server import PageClient

HIDDEN = re.compile("[\u200b\u202a-\u202e\u2066-\u2069\ufeff\x00-\x08\x0e-\x1f\x7f]")
FIND_LOADED = """() => ['src', 'srcset', 'action', 'formaction', 'data', 'poster'].flatMap(name =>
    [...document.querySelectorAll(`[${name}]`)].map(one => one.getAttribute(name))
        .filter(value => new URL(value, location).origin !== location.origin && !value.startsWith('data:image/')))"""
FIND_LINKS_AWAY = """() => [...document.querySelectorAll('[href]')].filter(one => {
    const link = new URL(one.getAttribute('href'), location);
    return link.origin !== location.origin && !(/^https?:$/.test(link.protocol) && one.relList.contains('noreferrer'));
}).map(one => one.outerHTML)"""
OPEN_ALL = "document.querySelectorAll('details').forEach(one => { one.open = true; })"
PATHS = [page.path for page in PAGES]
LINKS_OF_ONE_PAGE, IDS_OF_ONE_PAGE, ARGUMENTS_OF_ONE_PAGE = 2, 3, 4
ARGUMENT = re.compile(r"\{\w+\}")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="package")
def links(hostile: PageClient) -> Mapping[str, list[str]]:
    return find_links(hostile)


def check_calm(tab: Visit, link: str) -> None:
    """Nothing ran, is hidden or loaded from others; links away tell nobody; and the tab is where it was sent."""
    tab.evaluate(OPEN_ALL)
    assert tab.evaluate("window.__owned ?? null") is None, link
    assert HIDDEN.findall(tab.page.locator("body").inner_text()) == [], link
    assert tab.evaluate(FIND_LOADED) == [], link
    assert tab.evaluate(FIND_LINKS_AWAY) == [], link
    assert tab.evaluate("location.pathname") == link.partition("?")[0]
    assert not tab.is_wider_than_its_window(), link
    tab.check()


@pytest.mark.parametrize("path", PATHS)
def test_hostile_records_do_nothing(
    visit: Open, hostile: PageClient, links: Mapping[str, list[str]], path: str
) -> None:
    tab = visit(hostile, 390)
    assert links[path], "no page leads there"
    for link in links[path][:LINKS_OF_ONE_PAGE]:
        tab.open(link)
        check_calm(tab, link)


@pytest.mark.parametrize("page", PAGES, ids=PATHS)
def test_hostile_links_do_nothing(visit: Open, hostile: PageClient, page: PageRoute) -> None:
    tab = visit(hostile, 390)
    for link in make_links(page):
        tab.try_to_open(link)
        check_calm(tab, link)


def make_links(page: PageRoute) -> Iterator[str]:
    """Each text argument of a page with an attack, and attacks as its id: all of them on all pages together."""
    texts = [one.name for one in page.parameters if one.where == "query" and one.kind in ("string", "attribute")]
    attacks = islice(cycle(ATTACKS), PAGES.index(page), None)
    if ARGUMENT.search(page.path):
        for attack in islice(attacks, IDS_OF_ONE_PAGE):
            yield ARGUMENT.sub(quote(attack, safe="").replace("\\", "\\\\"), page.path)
    given = dict(zip(texts, attacks, strict=False))
    if given:
        yield f"{ARGUMENT.sub('1', page.path)}?{urlencode(given)}"
    for name in [*given][:ARGUMENTS_OF_ONE_PAGE]:
        yield f"{ARGUMENT.sub('1', page.path)}?{urlencode({name: given[name]})}"
