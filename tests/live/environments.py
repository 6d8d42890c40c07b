# SPDX-License-Identifier: Apache-2.0
"""The programs of the live tests: which versions, and the folder that each is installed into.

python -m tests.live.environments [NAME ...]

installs them. Only this needs a network: the programs themselves talk to servers on the loopback address.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_CACHES = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
FOLDER = Path(os.environ.get("LIVE_ENVIRONMENTS") or f"{_CACHES}/otel-sqlite-exporter/live")
"""Has a folder for each program, outside of the repository. `LIVE_ENVIRONMENTS` names another one."""
_MARK = "installed.txt"


class Environment(NamedTuple):
    """The packages of one program, with their versions."""

    name: str
    packages: Mapping[str, str]
    is_npm: bool = False

    @property
    def folder(self) -> Path:
        """Where the program is installed."""
        return FOLDER / self.name

    @property
    def executable(self) -> Path:
        """The program itself, or the Python that runs it."""
        return self.folder / (f"node_modules/.bin/{_COMMANDS[self.name]}" if self.is_npm else "bin/python")

    @property
    def is_installed(self) -> bool:
        """Whether these versions are there."""
        mark = self.folder / _MARK
        return mark.exists() and mark.read_text(encoding="utf-8") == self._mark()

    def install(self) -> None:
        """Install these versions, unless they are there.

        Raises:
            CalledProcessError, OSError: They cannot be installed.
        """
        if self.is_installed:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if self.is_npm:
            pinned = [f"{name}@{version}" for name, version in self.packages.items()]
            (self.folder / "package.json").write_text("{}", encoding="utf-8")
            command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *pinned]
        else:
            venv.create(self.folder, with_pip=True)
            pinned = [f"{name}=={version}" for name, version in self.packages.items()]
            pip = [str(self.executable), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            command = [*pip, "--no-compile", *pinned]
        subprocess.run(command, cwd=self.folder, check=True)
        (self.folder / _MARK).write_text(self._mark(), encoding="utf-8")

    def _mark(self) -> str:
        return "".join(f"{name} {version}\n" for name, version in self.packages.items())


_COMMANDS = {"claude-code": "claude", "codex": "codex", "gemini-cli": "gemini", "copilot": "copilot"}
_LANGCHAIN = "openinference-instrumentation-langchain"
_EXPORTER = "opentelemetry-exporter-otlp-proto-http"
ENVIRONMENTS: dict[str, Environment] = {
    environment.name: environment
    for environment in (
        Environment("claude-code", {"@anthropic-ai/claude-code": "2.1.332"}, is_npm=True),
        Environment("codex", {"@openai/codex": "0.171.0"}, is_npm=True),
        Environment("gemini-cli", {"@google/gemini-cli": "0.61.0"}, is_npm=True),
        Environment("copilot", {"@github/copilot": "1.0.102"}, is_npm=True),
        Environment(
            "langgraph",
            {_LANGCHAIN: "0.1.80", "langgraph": "1.2.24", "langchain-openai": "1.7.4", _EXPORTER: "1.45.2"},
        ),
        Environment("google-adk", {"google-adk": "2.13.0", _EXPORTER: "1.44.0"}),
        Environment("crewai", {"crewai": "1.15.30", _EXPORTER: "1.45.2"}),
        Environment(
            "fastapi",
            {
                "fastapi": "0.165.0",
                "uvicorn": "0.54.0",
                "openai": "3.57.0",
                "opentelemetry-distro": "0.66b2",
                "opentelemetry-instrumentation-fastapi": "0.66b2",
                "opentelemetry-instrumentation-genai-openai": "1.3b0",
                _EXPORTER: "1.45.2",
            },
        ),
    )
}
NODE_SDK = Environment("node-sdk", {"@opentelemetry/sdk-node": "0.223.0"}, is_npm=True)
"""What a program for Node exports with: no program of its own."""


if __name__ == "__main__":
    known = ENVIRONMENTS | {NODE_SDK.name: NODE_SDK}
    for name in sys.argv[1:] or known:
        known[name].install()
        print(f"{name} is in {known[name].folder}", flush=True)
