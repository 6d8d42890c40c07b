# SPDX-License-Identifier: Apache-2.0
"""Coding agents and frameworks, run live: what they export to a receiver on the loopback address, imported, agrees
with what a model server on the loopback address served."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.environments import ENVIRONMENTS
from tests.live.live_runs import run_live
from tests.otlp_captures.capture_files import import_batches, read_capture
from tests.otlp_captures.scoring import find_differences
from tests.otlp_captures.unrecorded import find_undeclared


@pytest.mark.slow
@pytest.mark.live
@pytest.mark.parametrize("name", list(ENVIRONMENTS))
def test_a_file_of_a_live_program_says_what_was_served(name: str, tmp_path: Path, path: Path) -> None:
    if not ENVIRONMENTS[name].is_installed:
        pytest.skip(f"{name} is not installed with its pinned version: run `make live`")
    home = tmp_path / "home"
    home.mkdir()
    capture = run_live(name, home)
    import_batches(path, [capture.lines])
    differences = find_undeclared(capture.name, find_differences(path, capture.truth, capture.lines))
    assert not differences, "\n".join(differences)


@pytest.mark.parametrize("name", list(ENVIRONMENTS))
def test_the_capture_of_a_live_program_is_of_the_pinned_versions(name: str) -> None:
    assert read_capture(f"live-{name}").versions == ENVIRONMENTS[name].packages
