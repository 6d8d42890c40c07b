# SPDX-License-Identifier: Apache-2.0
"""The tools over standard input and output, for a client that starts this program itself. While it serves, everything
else that this process prints goes to stderr."""

from __future__ import annotations

import os

import anyio
from mcp.server.stdio import stdio_server

from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_server import ToolServer


def serve(path: str | os.PathLike[str] | None) -> None:
    """Serve the file at `path` until the input ends."""
    anyio.run(_serve, AskedFile.open(path))


async def _serve(asked: AskedFile) -> None:
    server = ToolServer(asked).server
    async with stdio_server() as (requests, answers):
        await server.run(requests, answers, server.create_initialization_options())
