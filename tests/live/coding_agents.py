# SPDX-License-Identifier: Apache-2.0
"""Coding agents as programs: how each is told its model server, where to export to, and what is asked."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.live.environments import ENVIRONMENTS

_SECONDS = 120
"""After which a program has hung."""
BROKEN = "broken"
"""The model whose calls fail."""


class Addresses(NamedTuple):
    """URLs of the loopback servers."""

    models: str
    """Of the model server."""
    sink: str
    """Of the OTLP receiver."""


class Turn(NamedTuple):
    """One run of a program without a person before it."""

    scenario: str
    question: str
    model: str


def _claude_code(home: Path, addresses: Addresses, turn: Turn) -> tuple[list[str], dict[str, str]]:
    environment = {
        "ANTHROPIC_BASE_URL": addresses.models,
        "ANTHROPIC_API_KEY": "unused",
        "CLAUDE_CODE_MAX_RETRIES": "0",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "IS_SANDBOX": "1",
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA": "1",
        "ENABLE_BETA_TRACING_DETAILED": "1",
        "BETA_TRACING_ENDPOINT": addresses.sink,
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": addresses.sink,
        "OTEL_LOG_USER_PROMPTS": "1",
        "OTEL_LOG_TOOL_DETAILS": "1",
        "OTEL_LOG_TOOL_CONTENT": "1",
    }
    return ["-p", turn.question, "--model", turn.model, "--dangerously-skip-permissions"], environment


def _codex(home: Path, addresses: Addresses, turn: Turn) -> tuple[list[str], dict[str, str]]:
    folder = home / ".codex"
    folder.mkdir(exist_ok=True)
    otlp = '{{ otlp-http = {{ endpoint = "{}/v1/{}", protocol = "json" }} }}'
    config = f"""\
model = "{turn.model}"
model_provider = "loopback"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
analytics.enabled = false

[model_providers.loopback]
name = "loopback"
base_url = "{addresses.models}/v1"
env_key = "MODEL_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0

[otel]
log_user_prompt = true
exporter = {otlp.format(addresses.sink, "logs")}
trace_exporter = {otlp.format(addresses.sink, "traces")}
"""
    (folder / "config.toml").write_text(config, encoding="utf-8")
    return ["exec", "--skip-git-repo-check", turn.question], {"CODEX_HOME": str(folder), "MODEL_KEY": "unused"}


def _gemini_cli(home: Path, addresses: Addresses, turn: Turn) -> tuple[list[str], dict[str, str]]:
    settings = {
        "telemetry": {
            "enabled": True,
            "target": "local",
            "otlpEndpoint": addresses.sink,
            "otlpProtocol": "http",
            "useCollector": True,
            "traces": True,
            "logPrompts": True,
        },
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"enableAutoUpdate": False, "maxAttempts": 1},
    }
    folder = home / ".gemini"
    folder.mkdir(exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    environment = {
        "GEMINI_API_KEY": "unused",
        "GOOGLE_GEMINI_BASE_URL": addresses.models,
        "GEMINI_SANDBOX": "false",
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }
    return ["-p", turn.question, "-m", turn.model, "--yolo"], environment


class CodingAgent(NamedTuple):
    """A program, and what it is asked."""

    prepare: Callable[[Path, Addresses, Turn], tuple[list[str], dict[str, str]]]
    """Writes its settings into a home folder, and returns its arguments and environment variables."""
    turns: tuple[Turn, ...]


def _turns(model: str, order: str, failing_order: str) -> tuple[Turn, ...]:
    return (
        Turn("chat", "name a river", model),
        Turn("tools", f"please do {order}", model),
        Turn("failing_tool", f"please do {failing_order}", model),
        Turn("failing_model", "name a lake", BROKEN),
    )


CODING_AGENTS: dict[str, CodingAgent] = {
    "claude-code": CodingAgent(
        _claude_code,
        _turns(
            "claude-sonnet-4-5",
            '<call Bash>{"command": "echo hi"}</call>',
            '<call Read>{"file_path": "/home/ada/missing.txt"}</call>',
        ),
    ),
    "codex": CodingAgent(
        _codex,
        _turns(
            "gpt-5-mini",
            '<call exec_command>{"cmd": "echo hi"}</call>',
            '<call exec_command>{"cmd": "exit 3"}</call>',
        ),
    ),
    "gemini-cli": CodingAgent(
        _gemini_cli,
        _turns(
            "gemini-3-pro",
            '<call read_file>{"file_path": "hello.txt"}</call>',
            '<call read_file>{"file_path": "missing.txt"}</call>',
        ),
    ),
}


def run_turn(name: str, home: Path, addresses: Addresses, turn: Turn) -> None:
    """Run a coding agent once, in a home folder that only the turns of one test share.

    Raises:
        AssertionError: It has ended otherwise than the turn should.
        TimeoutExpired: It has hung.
    """
    folder = home / "notes"
    folder.mkdir(exist_ok=True)
    (folder / "hello.txt").write_text("hello\n", encoding="utf-8")
    arguments, environment = CODING_AGENTS[name].prepare(home, addresses, turn)
    # Nothing leaves the machine: no proxy listens there.
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    ended = subprocess.run(
        [str(ENVIRONMENTS[name].executable), *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", **nowhere, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert (ended.returncode == 0) == (turn.model != BROKEN), f"{turn.scenario}: {ended.stdout}{ended.stderr}"
