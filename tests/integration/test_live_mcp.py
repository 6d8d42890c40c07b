# SPDX-License-Identifier: Apache-2.0
"""Real clients, told of the tools as docs/mcp.md says: each calls one over standard input and output and one over HTTP,
and gives its answer to the model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent_files import write_capture_file
from tests.conftest import HANG_S
from tests.live.coding_agents import CODING_AGENTS, Turn, set_up
from tests.live.environments import ENVIRONMENTS
from tests.scenarios.model_server import ModelServer
from tests.serving import serving

NAMES = {
    "claude-code": "mcp__{}__errors",
    "codex": "mcp__{}__errors",
    "gemini-cli": "mcp_{}_errors",
    "copilot": "{}-errors",
}
"""How each client names the tool `errors` of a server."""
ADDING = {
    "claude-code": (["telemetry", "--", "{python}"], ["--transport", "http", "served", "{url}"]),
    "codex": (["telemetry", "--", "{python}"], ["served", "--url", "{url}"]),
    "gemini-cli": (
        ["-s", "user", "telemetry", "{python}"],
        ["-s", "user", "--transport", "http", "served", "{url}"],
    ),
    "copilot": (["telemetry", "--", "{python}"], ["--transport", "http", "served", "{url}"]),
}
"""What follows `mcp add`."""
WAITING = {"ENABLE_TOOL_SEARCH": "false", "MCP_CONNECTION_NONBLOCKING": "0"}
"""Claude Code offers all tools at once, and waits until it has them."""
SERVER = ["-m", "otel_sqlite_exporter", "mcp"]


@pytest.mark.slow
@pytest.mark.live
@pytest.mark.parametrize("name", list(CODING_AGENTS))
def test_a_client_calls_a_tool_and_its_model_gets_the_answer(name: str, tmp_path: Path, path: Path) -> None:
    if not ENVIRONMENTS[name].is_installed:
        pytest.skip(f"{name} is not installed with its pinned version: run `make live`")
    write_capture_file(path, "live-langgraph")
    home = tmp_path / "home"
    home.mkdir()
    model = CODING_AGENTS[name].turns[0].model
    with serving(path) as server, ModelServer() as models:
        place = set_up(name, home, models.url)
        place.environment.update(WAITING)
        for arguments in ADDING[name]:
            add(name, home, arguments, path, f"{server.url}/mcp")
        if name == "codex":
            let_codex_wait(home / ".codex" / "config.toml")
        for served in ("telemetry", "served"):
            tool = NAMES[name].format(served)
            said = place.run(Turn("tools", f'please do <call {tool}>{{"group_by": "message"}}</call>', model))
            assert "Atlantis is not on the map" in said, said


def let_codex_wait(config: Path) -> None:
    """Let Codex begin when its servers have started, and not before."""
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[mcp_servers.telemetry]", "[mcp_servers.telemetry]\nrequired = true"), "utf-8")


def add(name: str, home: Path, arguments: list[str], path: Path, url: str) -> None:
    """Tell a client of a server."""
    program = ENVIRONMENTS[name].executable
    words = [word.format(python=sys.executable, url=url) for word in arguments]
    words += [*SERVER, str(path)] if sys.executable in words else []
    folder = home / "notes"
    folder.mkdir(exist_ok=True)
    subprocess.run(
        [program, "mcp", "add", *words],
        cwd=folder,
        env={"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(home), "TERM": "dumb"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=HANG_S,
    )
