# SPDX-License-Identifier: Apache-2.0
"""The agents: which settings let each send its telemetry here, and what it then sends. docs/agents.md says how each was
verified, and in which version."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.connect.key_edits import Path


class Destination(NamedTuple):
    """Where an agent is to send its telemetry, and what.

    Attributes:
        endpoint: The address of `serve`, without a slash at its end.
        token: Allows to send; None where none is needed.
        with_content: Whether prompts, answers, and what tools were given and returned are sent.
    """

    endpoint: str
    token: str | None = None
    with_content: bool = False

    @property
    def path_endpoint(self) -> str:
        """The address for a program that cannot set headers: the token is a part of it."""
        return f"{self.endpoint}/t/{self.token}" if self.token else self.endpoint

    @property
    def header(self) -> str | None:
        """The header with the token, as `OTEL_EXPORTER_OTLP_HEADERS` has it."""
        return f"Authorization=Bearer%20{self.token}" if self.token else None


class AgentProfile(NamedTuple):
    """One agent.

    Attributes:
        title: Its name.
        service: What its `service.name` begins with.
        form: The format of its settings: a key of `FORMATS`, or `shell` or `env` for environment variables.
        find_file: Returns the path of its settings, or None if it cannot be told.
        make_settings: Returns the settings, by path; for variables by name.
        content_keys: Settings that let it send content.
        overruled_by: Environment variables that come before its settings; also where its settings have variables.
        sends: What it sends without content.
        always_sends: The content that it sends in any case.
        adds: What it sends with content, too.
    """

    title: str
    service: str
    form: str
    find_file: Callable[[], str | None]
    make_settings: Callable[[Destination], Mapping[Path, Any]]
    content_keys: tuple[Path, ...]
    overruled_by: tuple[str, ...]
    sends: str
    always_sends: str
    adds: str


def _in_home(variable: str, *default: str, below: tuple[str, ...]) -> str:
    """Return a file in the folder that an environment variable names, or in `default` of the home folder."""
    folder = os.environ.get(variable) or os.path.join(os.path.expanduser("~"), *default)
    return os.path.join(os.path.abspath(folder), *below)


def _find_shell_file() -> str | None:
    """Return the file that the shell of the user reads when it starts."""
    home = os.path.expanduser("~")
    shell = os.path.basename(os.environ.get("SHELL", ""))
    if shell == "zsh":
        return os.path.join(os.environ.get("ZDOTDIR") or home, ".zshrc")
    return os.path.join(home, ".bashrc") if shell == "bash" else None


_CLAUDE_CONTENT = (
    *("OTEL_LOG_USER_PROMPTS", "OTEL_LOG_ASSISTANT_RESPONSES", "OTEL_LOG_TOOL_DETAILS", "OTEL_LOG_TOOL_CONTENT"),
    "ENABLE_BETA_TRACING_DETAILED",
)
_CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


_OF_ONE_SIGNAL = tuple(
    f"OTEL_EXPORTER_OTLP_{signal}_{what}"
    for signal in ("TRACES", "LOGS", "METRICS")
    for what in ("ENDPOINT", "PROTOCOL", "HEADERS")
)
"""To an SDK, each comes before the variable of all signals."""


def _make_claude_code(to: Destination) -> Mapping[Path, Any]:
    variables = {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA": "1",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": to.endpoint,
    }
    if to.token:  # it decodes nothing in this variable, unlike the SDKs
        variables["OTEL_EXPORTER_OTLP_HEADERS"] = f"Authorization=Bearer {to.token}"
    if to.with_content:
        variables |= dict.fromkeys(_CLAUDE_CONTENT, "1") | {"BETA_TRACING_ENDPOINT": to.endpoint}
    return {("env", name): value for name, value in variables.items()}


def _make_codex(to: Destination) -> Mapping[Path, Any]:
    def make_exporter(signal: str) -> Mapping[str, Any]:
        exporter: dict[str, Any] = {"endpoint": f"{to.endpoint}/v1/{signal}", "protocol": "json"}
        if to.token:
            exporter["headers"] = {"Authorization": f"Bearer {to.token}"}
        return {"otlp-http": exporter}

    settings: dict[Path, Any] = {
        ("otel", "exporter"): make_exporter("logs"),
        ("otel", "trace_exporter"): make_exporter("traces"),
        ("otel", "metrics_exporter"): make_exporter("metrics"),
    }
    return settings | ({("otel", "log_user_prompt"): True} if to.with_content else {})


def _make_gemini_cli(to: Destination) -> Mapping[Path, Any]:
    settings = {
        "enabled": True,
        "target": "local",
        "otlpEndpoint": to.path_endpoint,
        "otlpProtocol": "http",
        "logPrompts": to.with_content,  # its default is true
    }
    if to.with_content:
        settings["traces"] = True
    return {("telemetry", name): value for name, value in settings.items()}


def _make_copilot(to: Destination) -> Mapping[Path, Any]:
    variables: dict[Path, Any] = {("OTEL_EXPORTER_OTLP_ENDPOINT",): to.endpoint}
    if to.header:
        variables[("OTEL_EXPORTER_OTLP_HEADERS",)] = to.header
    if to.with_content:
        variables[(_CAPTURE,)] = "true"
    return variables


def _make_otlp(to: Destination) -> Mapping[Path, Any]:
    variables: dict[Path, Any] = {
        ("OTEL_TRACES_EXPORTER",): "otlp",
        ("OTEL_LOGS_EXPORTER",): "otlp",
        ("OTEL_METRICS_EXPORTER",): "otlp",
        ("OTEL_EXPORTER_OTLP_PROTOCOL",): "http/protobuf",
    }
    return {**variables, **_make_copilot(to)}


PROFILES: Mapping[str, AgentProfile] = {
    "claude-code": AgentProfile(
        title="Claude Code",
        service="claude-code",
        form="json",
        find_file=lambda: _in_home("CLAUDE_CONFIG_DIR", ".claude", below=("settings.json",)),
        make_settings=_make_claude_code,
        content_keys=tuple(("env", name) for name in (*_CLAUDE_CONTENT, "OTEL_LOG_RAW_API_BODIES")),
        overruled_by=_OF_ONE_SIGNAL,
        sends=(
            "model calls with tokens, cost and times, tools by name, permissions, errors, ids of session and account; "
            "metrics of tokens, cost, lines, commits and active time"
        ),
        always_sends="",
        adds="prompts, answers, system prompts, and the input and output of tools",
    ),
    "codex": AgentProfile(
        title="Codex",
        service="codex",
        form="toml",
        find_file=lambda: _in_home("CODEX_HOME", ".codex", below=("config.toml",)),
        make_settings=_make_codex,
        content_keys=(("otel", "log_user_prompt"), ("otel", "log_agent_responses")),
        overruled_by=(),
        sends=(
            "model calls with tokens and times, tools, approvals, errors, ids of session and account; metrics of "
            "tokens, turns, tools and of its own work"
        ),
        always_sends="the arguments and the output of each tool",
        adds="prompts",
    ),
    "gemini-cli": AgentProfile(
        title="Gemini CLI",
        service="gemini-cli",
        form="json",
        find_file=lambda: _in_home("GEMINI_CLI_HOME", below=(".gemini", "settings.json")),
        make_settings=_make_gemini_cli,
        content_keys=(("telemetry", "logPrompts"), ("telemetry", "traces")),
        overruled_by=(
            *("GEMINI_TELEMETRY_ENABLED", "GEMINI_TELEMETRY_TARGET", "GEMINI_TELEMETRY_OTLP_ENDPOINT"),
            *("OTEL_EXPORTER_OTLP_ENDPOINT", "GEMINI_TELEMETRY_OTLP_PROTOCOL", "GEMINI_TELEMETRY_LOG_PROMPTS"),
            *("GEMINI_TELEMETRY_TRACES_ENABLED", "GEMINI_TELEMETRY_OUTFILE"),
        ),
        sends=(
            "model calls with tokens and times, tools by name, settings, errors, the id of the session; metrics of "
            "tokens, requests, tools and lines"
        ),
        always_sends="the prompt that is given with `-p`, as it is part of the command line",
        adds="prompts, answers, and the arguments and the output of tools",
    ),
    "copilot": AgentProfile(
        title="Copilot CLI",
        service="github-copilot",
        form="shell",
        find_file=_find_shell_file,
        make_settings=_make_copilot,
        content_keys=(),
        overruled_by=_OF_ONE_SIGNAL,
        sends=(
            "runs, model calls with tokens, cost and times, tools by name, errors, the id of the session; metrics of "
            "tokens, times, tools and lines"
        ),
        always_sends="",
        adds="prompts, answers, system prompts, and the arguments and the output of tools",
    ),
    "otlp": AgentProfile(
        title="a program with an OpenTelemetry SDK",
        service="",
        form="env",
        find_file=lambda: os.path.abspath(".env"),
        make_settings=_make_otlp,
        content_keys=(),
        overruled_by=_OF_ONE_SIGNAL,
        sends="the spans, log records and metrics that its instrumentation makes",
        always_sends="",
        adds=f"prompts and answers, where its instrumentation heeds {_CAPTURE}",
    ),
}
