# SPDX-License-Identifier: Apache-2.0
"""The browser of the tests: a Chromium of the system. Run as a program, it installs one where that is possible.

It uses the standard library alone, so `make browser` needs no environment.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.system_packages import provide

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ON_MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
PACKAGES = ("chromium", "fonts-dejavu-core", "fonts-liberation")
SAYS_WHAT_TO_DO = (
    "The tests of the page need Chromium or Chrome: install it with the packages of your system "
    f"(Debian: apt-get install {' '.join(PACKAGES)})."
)
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--font-render-hinting=none"),
)


def find_browser() -> str | None:
    """Return the path of a browser, or None."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (str(ON_MACOS) if ON_MACOS.exists() else None)


def main() -> None:
    """Install Chromium with a font if there is no browser, or say what to do."""
    provide(find_browser, PACKAGES, "Chromium for the tests of the page (about 400 MB and one minute)", SAYS_WHAT_TO_DO)


if __name__ == "__main__":
    main()
