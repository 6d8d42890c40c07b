# SPDX-License-Identifier: Apache-2.0
"""Coding agents, run live, which `connect` lets send to `serve`: what the file then says agrees with what a model
server on the loopback address served."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import read
from tests.live.coding_agents import CODING_AGENTS, set_up
from tests.live.environments import ENVIRONMENTS
from tests.live.live_runs import run_agent
from tests.otlp_captures.scoring import find_differences
from tests.otlp_captures.unrecorded import find_undeclared
from tests.scenarios.model_server import ModelServer
from tests.serving import serving


@pytest.mark.slow
@pytest.mark.live
@pytest.mark.parametrize("name", list(CODING_AGENTS))
def test_what_a_connected_agent_sends_is_what_was_served(name: str, tmp_path: Path, path: Path) -> None:
    if not ENVIRONMENTS[name].is_installed:
        pytest.skip(f"{name} is not installed with its pinned version: run `make live`")
    home = tmp_path / "home"
    home.mkdir()
    with serving(path) as server:
        truth = run_agent(name, home, server.url)
    differences = find_undeclared(f"live-{name}", find_differences(path, truth, []))
    assert not differences, "\n".join(differences)
    assert (None,) not in read(path, "SELECT session_id FROM complete_llm_interactions WHERE counted")


@pytest.mark.slow
@pytest.mark.live
@pytest.mark.parametrize("name", list(CODING_AGENTS))
def test_what_was_not_chosen_is_not_sent(name: str, tmp_path: Path, path: Path) -> None:
    """What docs/agents.md says that an agent sends in any case is left out: it stands in the resource, or in tools."""
    if not ENVIRONMENTS[name].is_installed:
        pytest.skip(f"{name} is not installed with its pinned version: run `make live`")
    turn = CODING_AGENTS[name].turns[0]
    with serving(path) as server, ModelServer() as models:
        place = set_up(name, tmp_path, models.url)
        place.connect(server.url)
        assert turn.question in place.run(turn)
        assert any(turn.question in text for entry in models.ledger for _, text in entry["prompt"])
    views = ("attributes FROM spans", "attributes FROM events", "attributes FROM logs", "body FROM logs")
    held = [row for columns in views for row in read(path, f"SELECT {columns}")]
    assert len(held) > 1
    assert [text for (text,) in held if text is not None and turn.question in text] == []
