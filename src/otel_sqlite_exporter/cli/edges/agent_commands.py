# SPDX-License-Identifier: Apache-2.0
"""The command that serves coding agents: mcp."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli import options as opt

if TYPE_CHECKING:
    from otel_sqlite_exporter.settings import Settings


@click.command()
@opt.SETTINGS
@click.pass_obj
def mcp(settings: Settings) -> None:
    """Serve tools for coding agents over standard input and output.

    A client of the Model Context Protocol starts this command itself: docs/mcp.md says how to tell Claude Code, Codex,
    Gemini CLI and VS Code about it. The tools only read. The file need not be there yet.
    """
    from otel_sqlite_exporter.agent_tools.mcp_package import serve_stdio

    serve_stdio(settings.path)


COMMANDS = (mcp,)
