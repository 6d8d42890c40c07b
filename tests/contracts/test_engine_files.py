# SPDX-License-Identifier: Apache-2.0
"""The SQL for engines that we do not run is what `make engines` writes."""

from __future__ import annotations

from tools.generate_engine_views import ENGINES, find_files, render_files


def test_engine_files_are_generated() -> None:
    files = render_files()
    assert find_files() == set(files)
    stale = [path for path, text in files.items() if (ENGINES / path).read_text(encoding="utf-8") != text]
    assert stale == [], "run `make engines`"
