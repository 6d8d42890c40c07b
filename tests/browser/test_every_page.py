# SPDX-License-Identifier: Apache-2.0
"""Every declared page in a browser: wide and narrow, dark and light, with and without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pytest

from otel_sqlite_exporter.server.page.page_table import PAGES
from tests.browser.conftest import Open
from tests.browser.page_links import find_links
from tests.page_server import PageClient

WIDTHS = (390, 1280, 1920)
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
AXE_RUNS = {("dark", 390), ("light", 390), ("light", 1280)}
ROWS = "main [data-key], main [data-row], main tbody tr"
PATHS = [page.path for page in PAGES]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="package")
def links(rich: PageClient) -> Mapping[str, list[str]]:
    return find_links(rich)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_shows_itself_without_an_error(
    visit: Open, rich: PageClient, links: Mapping[str, list[str]], path: str
) -> None:
    assert links[path], "no page leads there"
    tab = visit(rich)
    for width in WIDTHS:
        tab.page.set_viewport_size({"width": width, "height": 900})
        tab.open(links[path][0])
        for scheme in SCHEMES:
            tab.page.emulate_media(color_scheme=scheme)
            assert not tab.is_wider_than_its_window(), (scheme, width)
            if (scheme, width) in AXE_RUNS:
                assert tab.find_barriers() == [], (scheme, width)
        tab.check()


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_the_same_without_scripts(
    visit: Open, rich: PageClient, links: Mapping[str, list[str]], path: str
) -> None:
    with_scripts, without = visit(rich), visit(rich, scripts=False)
    for tab in (with_scripts, without):
        tab.open(links[path][0])
    assert without.page.locator("main").inner_text().strip()
    assert without.page.title() == with_scripts.page.title()
    assert without.count(ROWS) == with_scripts.count(ROWS)
