# SPDX-License-Identifier: Apache-2.0
"""Writes the pictures of the docs, which `make pictures` runs: the main pages, of a file that is always the same."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest import mock

from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import FLAGS, SAYS_WHAT_TO_DO, find_browser
from tests.browser.example_file import LAST_NS, write_example
from tests.browser.page_links import find_links
from tests.browser.visits import Visit
from tests.conftest import ROOT
from tests.page_server import PageClient, browsing

FOLDER = ROOT / "docs/pictures"
MOST_BYTES = 150_000
NOW_S = LAST_NS / 10**9 + 3_600


class Picture(NamedTuple):
    """One picture: its name, the page, and the window.

    Attributes:
        query: What is added to the link of the page.
        press: Keys that are pressed first.
    """

    name: str
    path: str
    scheme: Any = "light"
    width: int = 1280
    height: int = 800
    query: str = ""
    press: tuple[str, ...] = ()


PICTURES = (
    Picture("overview", "/", height=740),
    Picture("sessions", "/sessions", height=560),
    Picture("session", "/sessions/{id}"),
    Picture("conversation", "/sessions/{id}", "dark", query="?tab=conversation"),
    Picture("trace", "/traces/{id}", "dark", press=("e", "Enter")),
    Picture("call", "/calls/{id}"),
    Picture("metric", "/series/{name}", height=1_100),
    Picture("report", "/reports/{name}", "dark"),
    Picture("phone", "/sessions/{id}", "dark", 390, 800),
)


def main() -> None:
    """Write all pictures, or those that are named."""
    path = find_browser()
    if path is None:
        sys.exit(SAYS_WHAT_TO_DO)
    FOLDER.mkdir(exist_ok=True)
    with stopped_clock(), TemporaryDirectory() as folder, browsing(write_example(Path(folder, "otel.db"))) as client:
        links = find_links(client)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
            for picture in PICTURES:
                if picture.name in sys.argv[1:] or not sys.argv[1:]:
                    draw(browser, client, links, picture)
            browser.close()


@contextmanager
def stopped_clock() -> Iterator[None]:
    """The time is an hour after the example ends, as long as this lasts: the pictures show it."""
    with (
        mock.patch.object(time, "time", return_value=NOW_S),
        mock.patch.object(time, "time_ns", return_value=int(NOW_S * 10**9)),
    ):
        yield


def draw(browser: Browser, client: PageClient, links: Mapping[str, list[str]], picture: Picture) -> None:
    """Write one picture, which must show a page without a problem."""
    window = {"viewport": {"width": picture.width, "height": picture.height}, "color_scheme": picture.scheme}
    context = browser.new_context(**window, reduced_motion="reduce")
    tab = Visit(context, client.url)
    tab.open(links[picture.path][0].partition("?")[0] + picture.query)
    tab.page.wait_for_timeout(1_000)
    for key in picture.press:
        tab.page.keyboard.press(key)
        tab.page.wait_for_timeout(300)
    shown = tab.page.screenshot(animations="disabled", caret="hide")
    tab.check()
    context.close()
    if len(shown) > MOST_BYTES:
        sys.exit(f"{picture.name} has {len(shown):,} bytes: make its window smaller")
    (FOLDER / f"{picture.name}.png").write_bytes(shown)
    print(f"{picture.name}: {len(shown):,} bytes")


if __name__ == "__main__":
    main()
