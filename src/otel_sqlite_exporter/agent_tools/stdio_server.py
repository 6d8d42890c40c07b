# SPDX-License-Identifier: Apache-2.0
"""The tools over standard input and output, for a client that starts this program itself. While it serves, everything
else that this process prints goes to stderr."""

from __future__ import annotations

import os
import signal
import threading

import anyio
from mcp.server.stdio import stdio_server

from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_server import ToolServer
from otel_sqlite_exporter.storage.identity import identify_file


def serve(path: str | os.PathLike[str] | None) -> None:
    """Serve the file at `path` until the input ends, or SIGINT ends the process: a thread that waits for input cannot
    be interrupted, and there is nothing to lose.

    Raises:
        FileRefusedError: The file is damaged, of another program, or too old. It need not be there.
        sqlite3.OperationalError: It could not be opened or was locked.
    """
    asked = AskedFile.open(path)
    identify_file(asked.database.path, busy_timeout_ms=asked.busy_timeout_ms)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(_serve, asked)


async def _serve(asked: AskedFile) -> None:
    server = ToolServer(asked).server
    async with stdio_server() as (requests, answers):
        await server.run(requests, answers, server.create_initialization_options())
