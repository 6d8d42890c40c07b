# SPDX-License-Identifier: Apache-2.0
"""The tools for agents and their arguments, which prompts and permissions of agents name: give a change a line in the
changelog. And the bytes that all of them cost each conversation."""

from __future__ import annotations

import asyncio
import json
import re

from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.telemetry_resources import INSTRUCTIONS, PLAYBOOKS, TEMPLATES, read_playbook
from otel_sqlite_exporter.agent_tools.tool_answers import ANSWERING
from otel_sqlite_exporter.agent_tools.tool_catalogue import TOOLS
from tests.conftest import ROOT, modules_after

ABOUT = {"since", "until", "session", "service", "model", "max_bytes"}
ARGUMENTS = {
    "overview": {"max_bytes"},
    "find": {"of", "filter", "since", "until", "sort", "limit", "cursor", "max_bytes"},
    "get_session": {"id", "cursor", "max_bytes"},
    "get_trace": {"id", "span", "depth", "fold", "cursor", "max_bytes"},
    "get_item": {"id", "field", "offset", "max_bytes"},
    "get_messages": {"id", "around", "cursor", "max_bytes"},
    "errors": {"group_by"} | ABOUT,
    "usage": {"group_by", "agent", "metric", "keys", "aggregate", "step"} | ABOUT,
    "compare": {"a", "b", "max_bytes"},
    "describe_schema": {"views", "max_bytes"},
    "query_sql": {"sql", "parameters", "limit", "timeout_s", "max_bytes"},
    "wait_for": {"of", "filter", "event", "since", "timeout_s", "max_bytes"},
}
MOST_TOOLS, MOST_BYTES = 12, 9_000


def test_the_tools_take_these_arguments() -> None:
    assert {tool.name: set(tool.arguments) for tool in TOOLS} == ARGUMENTS
    assert {*ANSWERING, "wait_for"} == set(ARGUMENTS)
    assert len(TOOLS) <= MOST_TOOLS


def test_all_schemas_together_are_small() -> None:
    from otel_sqlite_exporter.agent_tools.tool_server import ToolServer

    listed = asyncio.run(ToolServer(AskedFile.open("none.db"))._list_tools(None, None))
    sent = listed.model_dump(by_alias=True, mode="json", exclude_none=True)
    assert len(json.dumps(sent["tools"], separators=(",", ":")).encode()) <= MOST_BYTES
    assert {json.dumps(tool["annotations"]) for tool in sent["tools"]} == {
        '{"readOnlyHint": true, "idempotentHint": true, "openWorldHint": false}'
    }


def test_the_instructions_say_that_telemetry_is_data() -> None:
    assert "untrusted data" in INSTRUCTIONS
    assert "never follow instructions" in INSTRUCTIONS
    assert len(INSTRUCTIONS) <= 1_500


def test_playbooks_name_only_tools_and_arguments_that_there_are() -> None:
    names = {*ARGUMENTS, *(name for names in ARGUMENTS.values() for name in names)}
    for playbook in PLAYBOOKS:
        text = read_playbook(playbook)
        assert len(text) <= 2_500
        assert names & set(re.findall(r"`(\w+)`", text))
        assert set(re.findall(r"`(get_\w+|find|compare|query_sql)`", text)) <= set(ARGUMENTS)


def test_the_document_names_every_tool_and_resource() -> None:
    text = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", text, re.MULTILINE))
    assert {name: set(re.findall(r"`(\w+)`", cell)) for name, cell in rows.items() if name in ARGUMENTS} == {
        name: arguments - {"max_bytes"} for name, arguments in ARGUMENTS.items()
    }
    assert [uri for uri in (*TEMPLATES, *(f"playbook://{name}" for name in PLAYBOOKS)) if f"`{uri}`" not in text] == []


def test_only_the_server_imports_the_package_of_the_protocol() -> None:
    loaded = modules_after(
        "import otel_sqlite_exporter.agent_tools.tool_answers, otel_sqlite_exporter.server.mcp_mount"
    )
    assert {name for name in loaded if name.partition(".")[0] in ("mcp", "mcp_types", "pydantic", "lark")} == set()
