# SPDX-License-Identifier: Apache-2.0
"""The settings of an agent as text to paste, and as a target to write. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from otel_sqlite_exporter.connect.agent_profiles import AgentProfile, Destination
from otel_sqlite_exporter.connect.blocks import make_block
from otel_sqlite_exporter.connect.config_changes import LinesTarget, SettingsTarget, Target
from otel_sqlite_exporter.connect.key_edits import Path
from otel_sqlite_exporter.connect.toml_edits import write_toml


def write_settings(name: str, profile: AgentProfile, to: Destination) -> str:
    """Return the settings of the agent `name` as text: what its file is to hold."""
    settings = profile.make_settings(to)
    if profile.form == "json":
        return json.dumps(_nest(settings), indent=2) + "\n"
    if profile.form == "toml":
        tables = _nest(settings).items()
        blocks = (
            [f"[{table}]", *(f"{key} = {write_toml(value)}" for key, value in held.items())] for table, held in tables
        )
        return "\n\n".join("\n".join(block) for block in blocks) + "\n"
    return "\n".join(_write_lines(name, profile, settings)) + "\n"


def make_target(name: str, profile: AgentProfile, to: Destination, path: str) -> Target:
    """Return what is to be written to the file at `path`."""
    settings = profile.make_settings(to)
    if profile.form in ("json", "toml"):
        return SettingsTarget(path, profile.form, settings)
    return LinesTarget(path, make_block(name, _write_lines(name, profile, settings)))


def _write_lines(name: str, profile: AgentProfile, settings: Mapping[Path, Any]) -> list[str]:
    variables = [f"{variable}={shlex.quote(value)}" for (variable,), value in settings.items()]
    if profile.form == "env":
        return variables
    # A function, so that no other program of the shell gets the variables.
    indented = [f"    {variable} \\" for variable in variables]
    return [f"function {name} {{", *indented, f'    command {name} "$@"', "}"]


def _nest(settings: Mapping[Path, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in settings.items():
        held = nested
        for key in path[:-1]:
            held = held.setdefault(key, {})
        held[path[-1]] = value
    return nested
