# SPDX-License-Identifier: Apache-2.0
"""A tab of the browser, which notes whatever goes wrong in it, and what tests ask it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request

from tests.conftest import HANG_S
from tests.system_packages import IS_REQUIRED

AXE = Path(__file__).parent / "vendor/axe.min.js"
RUN_AXE = """async rules => {
    const found = await axe.run(document, {resultTypes: ['violations'], ...(rules.length ? {runOnly: rules} : {})});
    return found.violations.map(one => [one.id, ...one.nodes.map(node => node.html.slice(0, 200))].join(' | '));
}"""


class Visit:
    """One tab that shows pages of one server.

    Attributes:
        page: The tab, as Playwright knows it.
        problems: Errors and warnings of the console (reports of the policy among them), errors of scripts, dialogs, and
            requests to others.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.problems: list[str] = []
        self._url = url
        self._may_fail = False
        self.page: Page = context.new_page()
        self.page.set_default_timeout(1_000 * HANG_S)
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("dialog", self._note_dialog)
        self.page.on("request", self._note_request)

    def open(self, path: str) -> None:
        """Show a page, which must be there."""
        answer = self.page.goto(self._url + path, wait_until="load")
        assert answer is not None
        assert answer.status == 200, (path, answer.status, self.page.locator("main").inner_text())

    def try_to_open(self, path: str) -> None:
        """Show what the server answers, which may be what is wrong with the link."""
        self.tolerate_failed_requests()
        self.page.goto(self._url + path, wait_until="load")

    def tolerate_failed_requests(self) -> None:
        """Requests that fail from now on are part of the test."""
        self._may_fail = True

    def check(self) -> None:
        """Nothing went wrong until now."""
        assert self.problems == []

    def count(self, selector: str) -> int:
        """How many elements there are."""
        return self.page.locator(selector).count()

    def is_wider_than_its_window(self) -> bool:
        """Whether one has to scroll sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))

    def find_barriers(self, *rules: str) -> list[str]:
        """What axe finds, by all its rules or by these."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(_read_axe())
        found: list[str] = self.page.evaluate(RUN_AXE, [*rules])
        return found

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        """The value of an expression of JavaScript."""
        return self.page.evaluate(expression, argument)

    def _note_message(self, message: ConsoleMessage) -> None:
        is_refused = self._may_fail and message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not is_refused:
            self.problems.append(f"console: {message.text}")

    def _note_dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self._url}/", "data:")):
            self.problems.append(f"request: {request.url}")


@cache
def _read_axe() -> str:
    if not AXE.exists():
        (pytest.fail if IS_REQUIRED else pytest.skip)("axe-core is not there: run `make vendor`, which needs npm")
    return AXE.read_text(encoding="utf-8")
