# SPDX-License-Identifier: Apache-2.0
"""Every declared page in a browser: wide and narrow, dark and light, with and without scripts."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from otel_sqlite_exporter.server.page.page_table import PAGES
from tests.browser.conftest import Open
from tests.browser.page_links import find_links
from tests.browser.visits import Visit
from tests.page_server import PageClient

NARROW, TABLET, WIDE, WIDEST = 390, 800, 1280, 1920
IS_WIDER_BEFORE_SCRIPTS_KNOW = """() => {
    document.body.style.paddingLeft = '300px';
    const {scrollWidth, clientWidth} = document.documentElement;
    document.body.style.paddingLeft = '';
    return scrollWidth > clientWidth;
}"""
"""Whether one has to scroll sideways from when a page gets less room until its scripts have seen that."""
ROWS = "main [data-key], main [data-row], main tbody tr:not(.u-series)"
PATHS = [page.path for page in PAGES]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="package")
def links(rich: PageClient) -> Mapping[str, list[str]]:
    return find_links(rich)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_whole_in_any_window_and_without_scripts(
    visit: Open, rich: PageClient, links: Mapping[str, list[str]], path: str
) -> None:
    assert links[path], "no page leads there"
    tab, without = visit(rich, NARROW, "dark"), visit(rich, scripts=False)
    tab.open(links[path][0])
    assert not tab.is_wider_than_its_window()
    assert tab.find_barriers() == []
    tab.page.emulate_media(color_scheme="light")
    assert tab.find_barriers("color-contrast") == []
    for width in (TABLET, WIDEST, WIDE):
        resize(tab, width)
        assert not tab.is_wider_than_its_window(), width
    assert not tab.evaluate(IS_WIDER_BEFORE_SCRIPTS_KNOW)
    assert tab.find_barriers() == []
    tab.check()
    without.open(links[path][0])
    assert without.page.locator("main").inner_text().strip()
    assert without.page.title() == tab.page.title()
    assert without.count(ROWS) == tab.count(ROWS)


def resize(tab: Visit, width: int) -> None:
    tab.page.set_viewport_size({"width": width, "height": 900})
