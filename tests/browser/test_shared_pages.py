# SPDX-License-Identifier: Apache-2.0
"""The page of `share` in a browser, opened as a file: wide, narrow, dark, light, printed, and of hostile records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.browser.conftest import Open
from tests.browser.test_hostile_content import OPEN_ALL
from tests.page_server import PageClient

pytestmark = pytest.mark.slow


def share_sessions(client: PageClient, folder: Path, most: int) -> Sequence[str]:
    """The addresses of the pages of the sessions with the most calls."""
    sessions = client.http.get("/api/v1/sessions", params={"limit": 100}).json()["data"]
    sessions.sort(key=lambda one: -one["llm_calls"])
    pages = []
    for number, session in enumerate(sessions[:most]):
        answer = client.http.get(f"/api/v1/sessions/{quote(session['session_id'], safe='')}/share")
        assert answer.status_code == 200, answer.text
        page = folder / f"shared-{number}.html"
        page.write_bytes(answer.content)
        pages.append(page.as_uri())
    return pages


def test_a_shared_page_is_whole_in_any_window(visit: Open, rich: PageClient, tmp_path: Path) -> None:
    tab = visit(rich, 390, "dark")
    for page in share_sessions(rich, tmp_path, 4):
        tab.page.goto(page)
        assert not tab.is_wider_than_its_window(), page
        assert tab.find_barriers() == []
        tab.evaluate(OPEN_ALL)
        assert not tab.is_wider_than_its_window(), page
        tab.page.emulate_media(color_scheme="light")
        assert tab.find_barriers("color-contrast") == []
        tab.page.emulate_media(media="print")
        assert tab.page.locator("main").inner_text().strip()
        tab.page.emulate_media(color_scheme="dark", media="screen")
        assert set(tab.problems) <= {f"request: {page}"}
        tab.problems.clear()


def test_hostile_records_do_nothing_in_a_shared_page(visit: Open, hostile: PageClient, tmp_path: Path) -> None:
    tab = visit(hostile, 390)
    for page in share_sessions(hostile, tmp_path, 100):
        tab.page.goto(page)
        tab.evaluate(OPEN_ALL)
        assert tab.evaluate("window.__owned ?? null") is None, page
        assert tab.page.url == page
        assert not tab.is_wider_than_its_window(), page
        assert set(tab.problems) <= {f"request: {page}"}
        tab.problems.clear()
