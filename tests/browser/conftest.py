# SPDX-License-Identifier: Apache-2.0
"""The browser, one for all tests of this folder, and the servers that it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.chromium import FLAGS, SAYS_WHAT_TO_DO, find_browser
from tests.browser.page_files import write_hostile_pages, write_rich_file
from tests.browser.visits import Visit
from tests.conftest import HANG_S
from tests.page_server import PageClient, browsing
from tests.system_packages import IS_REQUIRED

Open = Callable[..., Visit]

expect.set_options(timeout=1_000 * HANG_S)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser. It ends with the tests of this package: while it runs, no other test could run an event loop."""
    path = find_browser()
    if path is None:
        (pytest.fail if IS_REQUIRED else pytest.skip)(SAYS_WHAT_TO_DO)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    """A server of a file with every kind of record."""
    with browsing(write_rich_file(tmp_path_factory.mktemp("rich") / "otel.db")) as client:
        yield client


@pytest.fixture(scope="package")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    """A server of a file whose every text attacks the page."""
    with browsing(write_hostile_pages(tmp_path_factory.mktemp("hostile") / "otel.db")) as client:
        yield client


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Open]:
    """Opens a tab of a server, in a window of this width and scheme of colours, with or without scripts. The test fails
    if anything goes wrong in one of its tabs, which end with the test, or before with their server."""
    visits: list[Visit] = []

    def open_tab(client: PageClient, width: int = 1280, scheme: Any = "light", *, scripts: bool = True) -> Visit:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
        )
        client.users.callback(context.close)
        visits.append(Visit(context, client.url))
        return visits[-1]

    yield open_tab
    for one in visits:
        one.page.context.close()
    assert [problem for one in visits for problem in one.problems] == []
