# SPDX-License-Identifier: Apache-2.0
"""Programs of the system that tests need: installed from the packages of Debian where that is possible.

It uses the standard library alone, so that `make` needs no environment to run it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

IS_REQUIRED = os.environ.get("CI") == "true"
"""Where a change is judged, what is missing is an error. Elsewhere the tests that need it are skipped."""


def provide(find: Callable[[], str | None], packages: Sequence[str], about: str, what_to_do: str) -> None:
    """Install packages if `find` finds no program, or say what to do, which is an error if it `IS_REQUIRED`."""
    if find() is None and _can_install():
        _install(packages, about)
    if find() is None:
        print(what_to_do, file=sys.stderr)
        sys.exit(IS_REQUIRED)


def _can_install() -> bool:
    """Return whether this is Debian, and this user may install packages."""
    release = Path("/etc/os-release")
    is_debian = release.exists() and "ID=debian" in release.read_text(encoding="utf-8").splitlines()
    return is_debian and os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install(packages: Sequence[str], about: str) -> None:
    import fcntl  # which Debian has

    with open(Path(tempfile.gettempdir(), "otel-sqlite-exporter-packages.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two targets of `make` may install at the same time
        print(f"Installing {about}, once.", flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
            subprocess.run(["apt-get", "-qq", *command], check=True, env=environment, stdout=subprocess.DEVNULL)
