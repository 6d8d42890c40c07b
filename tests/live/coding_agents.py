# SPDX-License-Identifier: Apache-2.0
"""Coding agents as programs: how each is told its model server, and what is asked. `connect` tells it where to export
to."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.commands import run_process
from tests.live.environments import ENVIRONMENTS

_SECONDS = 120
"""After which a program has hung."""
BROKEN = "broken"
"""The model whose calls fail."""
_WORK = "WORKFOLDER"
"""Stands in a question for the folder in which the program runs."""
_COMMIT = "git init -q . && git -c user.name=Ada -c user.email=ada@example.com commit -q --allow-empty -m first"


class Turn(NamedTuple):
    """One run of a program without a person before it."""

    scenario: str
    question: str
    model: str


def _set_up_claude_code(home: Path, models: str) -> dict[str, str]:
    return {
        "ANTHROPIC_BASE_URL": models,
        "ANTHROPIC_API_KEY": "unused",
        "CLAUDE_CODE_MAX_RETRIES": "0",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "IS_SANDBOX": "1",
    }


def _set_up_codex(home: Path, models: str) -> dict[str, str]:
    config = f"""\
model_provider = "loopback"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[model_providers.loopback]
name = "loopback"
base_url = "{models}/v1"
env_key = "MODEL_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
"""
    _write(home / ".codex" / "config.toml", config)
    return {"MODEL_KEY": "unused"}


def _set_up_gemini_cli(home: Path, models: str) -> dict[str, str]:
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"enableAutoUpdate": False, "maxAttempts": 1},
    }
    _write(home / ".gemini" / "settings.json", json.dumps(settings))
    return {
        "GEMINI_API_KEY": "unused",
        "GOOGLE_GEMINI_BASE_URL": models,
        "GEMINI_SANDBOX": "false",
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }


def _set_up_copilot(home: Path, models: str) -> dict[str, str]:
    return {
        "COPILOT_OFFLINE": "true",
        "COPILOT_PROVIDER_BASE_URL": f"{models}/v1",
        "COPILOT_PROVIDER_API_KEY": "unused",
        "COPILOT_MODEL": "gpt-5-mini",
        "COPILOT_AUTO_UPDATE": "false",
    }


def _write(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")


class CodingAgent(NamedTuple):
    """A program, and what it is asked."""

    set_up: Callable[[Path, str], dict[str, str]]
    """Writes its settings into a home folder, and returns the environment variables that name the model server."""
    arguments: Callable[[Turn], list[str]]
    turns: tuple[Turn, ...]


def _turns(model: str, order: str, failing_order: str, edits: str) -> tuple[Turn, ...]:
    return (
        Turn("chat", "name a river", model),
        Turn("tools", f"please do {order}", model),
        Turn("failing_tool", f"please do {failing_order}", model),
        Turn("failing_model", "name a lake", BROKEN),
        Turn("edits", f"please do {edits}", model),
    )


CODING_AGENTS: dict[str, CodingAgent] = {
    "claude-code": CodingAgent(
        _set_up_claude_code,
        lambda turn: ["-p", turn.question, "--model", turn.model, "--dangerously-skip-permissions"],
        _turns(
            "claude-sonnet-4-5",
            '<call Bash>{"command": "echo hi"}</call>',
            '<call Read>{"file_path": "/home/ada/missing.txt"}</call>',
            f'<call Write>{{"file_path": "{_WORK}/rivers.txt", "content": "Douro\\nTagus\\n"}}</call>'
            f'<call Bash>{{"command": "{_COMMIT}"}}</call>',
        ),
    ),
    "codex": CodingAgent(
        _set_up_codex,
        lambda turn: ["exec", "--skip-git-repo-check", "--model", turn.model, turn.question],
        _turns(
            "gpt-5-mini",
            '<call exec_command>{"cmd": "echo hi"}</call>',
            '<call exec_command>{"cmd": "exit 3"}</call>',
            f'<call exec_command>{{"cmd": "{_COMMIT}"}}</call>',
        ),
    ),
    "gemini-cli": CodingAgent(
        _set_up_gemini_cli,
        lambda turn: ["-p", turn.question, "-m", turn.model, "--yolo"],
        _turns(
            "gemini-3-pro",
            '<call read_file>{"file_path": "hello.txt"}</call>',
            '<call read_file>{"file_path": "missing.txt"}</call>',
            '<call write_file>{"file_path": "rivers.txt", "content": "Douro\\nTagus\\n"}</call>'
            f'<call run_shell_command>{{"command": "{_COMMIT}"}}</call>',
        ),
    ),
    "copilot": CodingAgent(
        _set_up_copilot,
        lambda turn: ["-p", turn.question, "--model", turn.model, "--allow-all-tools", "--allow-all-paths"],
        _turns(
            "gpt-5-mini",
            '<call bash>{"command": "echo hi", "description": "greet"}</call>',
            '<call view>{"path": "/home/ada/missing.txt"}</call>',
            f'<call create>{{"path": "{_WORK}/rivers.txt", "file_text": "Douro\\nTagus\\n"}}</call>'
            f'<call bash>{{"command": "{_COMMIT}", "description": "commit"}}</call>',
        ),
    ),
}


class Workplace(NamedTuple):
    """A home folder in which a coding agent is set up."""

    name: str
    home: Path
    environment: dict[str, str]

    def connect(self, endpoint: str, *options: str) -> None:
        """Let it export to a receiver."""
        options = ("--endpoint", endpoint, "--write", "--yes", "--no-wait", *options)
        code, _, said = run_process("connect", self.name, *options, HOME=str(self.home), SHELL="/bin/bash")
        assert code == 0, said

    def run(self, turn: Turn) -> str:
        """Run it once, and return what it printed.

        Raises:
            AssertionError: It has ended otherwise than the turn should.
            TimeoutExpired: It has hung.
        """
        agent, program = CODING_AGENTS[self.name], ENVIRONMENTS[self.name].executable
        folder = self.home / "notes"
        folder.mkdir(exist_ok=True)
        (folder / "hello.txt").write_text("hello\n", encoding="utf-8")
        turn = turn._replace(question=turn.question.replace(_WORK, str(folder)))
        # Nothing leaves the machine: no proxy listens there.
        nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
        shell = '[ ! -f "$HOME/.bashrc" ] || . "$HOME/.bashrc"; "$@"'  # as in a terminal
        ended = subprocess.run(
            ["bash", "-c", shell, "bash", program.name, *agent.arguments(turn)],
            cwd=folder,
            env={
                "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.home),
                "TERM": "dumb",
                **nowhere,
                **self.environment,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert (ended.returncode == 0) == (turn.model != BROKEN), f"{turn.scenario}: {ended.stdout}{ended.stderr}"
        return ended.stdout


def set_up(name: str, home: Path, models: str) -> Workplace:
    """Set up a coding agent in an empty home folder, for the model server at a URL."""
    return Workplace(name, home, CODING_AGENTS[name].set_up(home, models))
