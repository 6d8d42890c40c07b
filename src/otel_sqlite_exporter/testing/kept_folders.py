# SPDX-License-Identifier: Apache-2.0
"""Folders for the telemetry of tests: one for each test, found by its name."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import pytest

_UNSAFE = re.compile(r"[^\w.-]+", re.ASCII)
_LONGEST = 100


def make_folder(parent: Path | None, name: str, temporary: pytest.TempPathFactory) -> Path:
    """Return a new folder for the test of this name, below `parent`, or in pytest's temporary folder if that is None.
    What the test left there before is removed."""
    # pytest-xdist runs a test in one of its processes, whose temporary folder is its own.
    safe = _UNSAFE.sub("-", name)[-_LONGEST:].strip("-.")
    if parent is None:
        return temporary.mktemp(f"telemetry-{_UNSAFE.sub('-', name.rpartition('::')[2])[:40].strip('-.')}")
    folder = parent / f"{safe}-{hashlib.blake2b(name.encode('utf-8', 'replace'), digest_size=4).hexdigest()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
