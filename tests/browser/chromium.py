# SPDX-License-Identifier: Apache-2.0
"""The browser of the tests: a Chromium of the system. Run as a program, it installs one where that is possible.

It uses the standard library alone, so `make browser` needs no environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

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
IS_REQUIRED = os.environ.get("CI") == "true"
"""Where a change is judged, a missing browser is an error. Elsewhere the tests that need it are skipped."""


def find_browser() -> str | None:
    """Return the path of a browser, or None."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (str(ON_MACOS) if ON_MACOS.exists() else None)


def can_install() -> bool:
    """Return whether this is Debian, and this user may install packages."""
    release = Path("/etc/os-release")
    is_debian = release.exists() and "ID=debian" in release.read_text(encoding="utf-8").splitlines()
    return is_debian and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install() -> None:
    """Install Chromium with a font from the packages of Debian."""
    print("Installing Chromium for the tests of the page (about 400 MB and one minute, once).", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        subprocess.run(["apt-get", "-qq", *command], check=True, env=environment, stdout=subprocess.DEVNULL)


def main() -> None:
    """Install a browser if there is none, or say what to do, which is an error if it `IS_REQUIRED`."""
    if find_browser() is None and can_install():
        install()
    if find_browser() is None:
        print(SAYS_WHAT_TO_DO, file=sys.stderr)
        sys.exit(IS_REQUIRED)


if __name__ == "__main__":
    main()
