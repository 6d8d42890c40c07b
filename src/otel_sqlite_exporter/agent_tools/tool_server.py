# SPDX-License-Identifier: Apache-2.0
"""The tools as a server of the Model Context Protocol, for any transport. Only this module and the transports beside it
know the protocol.

An answer is sent as text alone, without `structuredContent` and output schemas. Clients show a model one of the two:
those that take `structuredContent` take text where there is none, and others take text alone; the protocol asks a
server that sends the first to send the second too (modelcontextprotocol.io, "Structured Content"). So the text reaches
every model, and nothing is sent twice. The text is JSON, for programs.
"""

from __future__ import annotations

from typing import Any

import anyio
import mcp_types as types
from anyio import CapacityLimiter, to_thread
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from otel_sqlite_exporter.agent_tools.answering.waiting import PAUSE_S, WaitState
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.telemetry_resources import (
    INSTRUCTIONS,
    PLAYBOOKS,
    TEMPLATES,
    find_record,
    read_playbook,
)
from otel_sqlite_exporter.agent_tools.tool_answers import ToolText, answer, look_again
from otel_sqlite_exporter.agent_tools.tool_catalogue import TOOLS
from otel_sqlite_exporter.version import __version__

_THREADS, _STATEMENT_THREADS = 4, 2
"""Questions that are answered at once, and statements of `query_sql` besides, which may take long. Each has a
connection of its own."""
_STATEMENTS = "query_sql"
_READS = types.ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_NAME = "otel-sqlite-exporter"


class ToolServer:
    """Answers the requests of the protocol about one file. An instance belongs to one event loop."""

    def __init__(self, asked: AskedFile) -> None:
        self._asked = asked
        self._questions = CapacityLimiter(_THREADS)
        self._statements = CapacityLimiter(_STATEMENT_THREADS)
        self.server: Server[Any] = Server(
            _NAME,
            version=__version__,
            title="Telemetry in SQLite",
            instructions=INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
        )
        self.server.middleware.clear()  # it would write spans about itself, into this very file if it is set up so

    async def _list_tools(self, _: Any, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool.name, description=tool.description, input_schema=tool.make_schema(), annotations=_READS
                )
                for tool in TOOLS
            ]
        )

    async def _call_tool(self, _: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        told = await self._ask(params.name, params.arguments or {})
        return types.CallToolResult(content=[types.TextContent(type="text", text=told.text)], is_error=told.is_error)

    async def _ask(self, name: str, arguments: dict[str, Any]) -> ToolText:
        limiter = self._statements if name == _STATEMENTS else self._questions
        asked: ToolText | WaitState = await self._in_thread(limiter, answer, self._asked, name, arguments)
        while isinstance(asked, WaitState):
            told: ToolText | None = await self._in_thread(limiter, look_again, self._asked, asked)
            if told is not None:
                return told
            await anyio.sleep(PAUSE_S)
        return asked

    async def _in_thread(self, limiter: CapacityLimiter, function: Any, *arguments: Any) -> Any:
        return await to_thread.run_sync(function, *arguments, abandon_on_cancel=True, limiter=limiter)

    async def _list_resources(self, _: Any, __: Any) -> types.ListResourcesResult:
        return types.ListResourcesResult(
            resources=[
                types.Resource(uri=f"playbook://{name}", name=name, description=what, mime_type="text/markdown")
                for name, what in PLAYBOOKS.items()
            ]
        )

    async def _list_templates(self, _: Any, __: Any) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(
            resource_templates=[
                types.ResourceTemplate(
                    uri_template=uri, name=uri.partition(":")[0], description=what, mime_type="application/json"
                )
                for uri, what in TEMPLATES.items()
            ]
        )

    async def _read_resource(self, _: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        uri = str(params.uri)
        scheme, _, name = uri.partition("://")
        if scheme == "playbook" and name.rstrip("/") in PLAYBOOKS:
            text, kind = read_playbook(name.rstrip("/")), "text/markdown"
        elif (record := find_record(uri)) is not None:
            told = await self._ask(record[0], {"id": record[1]})
            if told.is_error:
                raise MCPError(types.INVALID_PARAMS, told.text)
            text, kind = told.text, "application/json"
        else:
            known = ", ".join([*(f"playbook://{name}" for name in PLAYBOOKS), *TEMPLATES])
            raise MCPError(types.INVALID_PARAMS, f"there is no such resource: give one of {known}")
        return types.ReadResourceResult(contents=[types.TextResourceContents(uri=uri, mime_type=kind, text=text)])
