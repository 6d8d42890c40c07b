# SPDX-License-Identifier: Apache-2.0
"""Loads what needs the package `mcp`, which takes seconds to import, only where it is used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from otel_sqlite_exporter.errors import MissingPackageError

if TYPE_CHECKING:
    from otel_sqlite_exporter.agent_tools.http_app import ToolHttpApp

_SENTENCE = "tools for agents need the package mcp: `pip install 'otel-sqlite-exporter[mcp]'`"


def serve_stdio(path: str | os.PathLike[str] | None) -> None:
    """Answer a client on standard input and output until it closes the input.

    Raises:
        MissingPackageError: `mcp` is not installed.
        FileRefusedError: The file is damaged, of another program, or too old. It need not be there.
        sqlite3.OperationalError: It could not be opened or was locked.
    """
    try:
        from otel_sqlite_exporter.agent_tools import stdio_server
    except ImportError as error:
        raise _explain(error) from error
    stdio_server.serve(path)


def make_http_app(path: str | os.PathLike[str] | None, busy_timeout_ms: int | None = None) -> ToolHttpApp:
    """Return the ASGI app that answers clients over HTTP.

    Raises:
        MissingPackageError: `mcp` is not installed.
    """
    try:
        from otel_sqlite_exporter.agent_tools import http_app
    except ImportError as error:
        raise _explain(error) from error
    return http_app.ToolHttpApp(path, busy_timeout_ms)


def _explain(error: ImportError) -> ImportError:
    is_missing = (error.name or "").partition(".")[0] in ("mcp", "mcp_types", "anyio", "starlette")
    return MissingPackageError(_SENTENCE) if is_missing else error
