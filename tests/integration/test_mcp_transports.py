# SPDX-License-Identifier: Apache-2.0
"""The tools through the official client: over standard input and output, and over HTTP, old and new protocol."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.agent_tools.answering.waiting import WaitState
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_answers import ToolText, look_again
from otel_sqlite_exporter.agent_tools.tool_answers import answer as start_answer
from otel_sqlite_exporter.agent_tools.tool_catalogue import TOOLS
from otel_sqlite_exporter.errors import FileRefusedError
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.server import mcp_mount
from otel_sqlite_exporter.server.application import make_application
from otel_sqlite_exporter.server.server_context import ServerContext
from otel_sqlite_exporter.settings import resolve_settings
from tests.agent_files import write_capture_file
from tests.conftest import HANG_S, clean_environment, export_all, exporting

Check = Callable[[Client], Awaitable[None]]
ERAS = {"auto": "2026-07-28", "legacy": "2025-11-25"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_capture_file(tmp_path_factory.mktemp("served") / "otel.db", "live-langgraph")


@contextmanager
def serving(path: Path) -> Iterator[str]:
    """The address of a server of a file in this process."""
    settings = resolve_settings(path)
    context = ServerContext(settings, TelemetryDatabase(path), None, ())
    config = uvicorn.Config(make_application(context, [mcp_mount]), log_config=None, ws="none", lifespan="on")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        finally:
            server.should_exit = True
            thread.join(HANG_S)
            assert not thread.is_alive()


@asynccontextmanager
async def connecting(path: Path, transport: str, era: str) -> AsyncIterator[Client]:
    """A client of a file: of a process of its own, or of a server in this one."""
    if transport == "http":
        with serving(path) as url:
            async with Client(url, mode=era) as client:
                yield client
        return
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "otel_sqlite_exporter", "mcp", str(path)], env=clean_environment()
    )
    async with Client(stdio_client(command), mode=era) as client:
        yield client


def with_client(path: Path, transport: str, era: str, check: Check) -> None:
    """Run a check with a client."""

    async def run() -> None:
        with anyio.fail_after(HANG_S):
            async with connecting(path, transport, era) as client:
                await check(client)

    anyio.run(run)


async def ask(client: Client, name: str, **arguments: Any) -> Any:
    """The answer of a tool, decoded; of an error its sentence."""
    result = await client.call_tool(name, arguments)
    assert result.structured_content is None
    [content] = result.content
    assert content.type == "text"
    return content.text if result.is_error else json.loads(content.text)


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["stdio", "http"])
@pytest.mark.parametrize("era", ERAS)
def test_a_client_gets_tools_answers_errors_and_resources(file: Path, transport: str, era: str) -> None:
    async def check(client: Client) -> None:
        assert client.protocol_version == ERAS[era]
        assert "untrusted data" in str(client.instructions)
        listed = (await client.list_tools()).tools
        assert [tool.name for tool in listed] == [tool.name for tool in TOOLS]
        for tool in listed:
            assert tool.annotations is not None
            hints = tool.annotations
            assert (hints.read_only_hint, hints.idempotent_hint, hints.open_world_hint) == (True, True, False)
        assert (await ask(client, "overview"))["counts"]["spans"] == 32
        assert "there is no trace 'zz'" in await ask(client, "get_trace", id="zz")
        assert "there is no tool 'nothing'" in await ask(client, "nothing")
        [playbook, *_] = (await client.list_resources()).resources
        assert "errors" in (await client.read_resource(playbook.uri)).contents[0].text  # type: ignore[union-attr]
        templates = (await client.list_resource_templates()).resource_templates
        assert [one.uri_template for one in templates] == ["trace://{id}", "session://{id}"]
        shown = (await client.read_resource("session://thread-1")).contents[0]
        assert json.loads(shown.text)["steps_in_all"] == 16  # type: ignore[union-attr]
        for uri in ("trace://zz", "nothing://x"):
            with pytest.raises(MCPError, match="there is no"):
                await client.read_resource(uri)

    with_client(file, transport, era, check)


@pytest.mark.slow
@pytest.mark.parametrize(("transport", "era"), [("stdio", "auto"), ("stdio", "legacy"), ("http", "auto")])
def test_a_wait_can_be_cancelled_and_others_are_answered_meanwhile(file: Path, transport: str, era: str) -> None:
    async def check(client: Client) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: ask(client, "wait_for", of="traces", timeout_s=30))
            await anyio.sleep(0.1)
            assert (await ask(client, "find", of="sessions"))["total"] == 1
            tasks.cancel_scope.cancel()
        assert (await ask(client, "find", of="sessions"))["total"] == 1

    with_client(file, transport, era, check)


def test_slow_statements_keep_no_other_question_waiting(file: Path) -> None:
    endless = "WITH RECURSIVE t(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM t) SELECT max(a) FROM t"
    ended: list[Any] = []

    async def ask_slowly(client: Client) -> None:
        ended.append(await ask(client, "query_sql", sql=endless, timeout_s=5))

    async def check(client: Client) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(6):
                tasks.start_soon(ask_slowly, client)
            await anyio.sleep(0.1)
            assert (await ask(client, "find", of="sessions"))["total"] == 1
            assert ended == []
            tasks.cancel_scope.cancel()

    with_client(file, "http", "auto", check)


def test_waiting_finds_what_a_test_writes_meanwhile_and_holds_nothing_open(path: Path) -> None:
    asked = AskedFile.open(path)
    state = start_answer(asked, "wait_for", {"of": "spans", "filter": None, "timeout_s": 30})
    assert not isinstance(state, ToolText)
    assert look_again(asked, state) is None  # the file is not there yet
    with exporting(path) as exporter:
        export_all(exporter, "before")
        told = look_again(asked, state)
        assert told is not None
        assert json.loads(told.text)["rows"][0][2] == "before"
        state = start_answer(asked, "wait_for", {"of": "spans", "timeout_s": 30})
        assert not isinstance(state, ToolText)
        assert look_again(asked, state) is None
        export_all(exporter, "meanwhile")
        told = look_again(asked, state)
    assert told is not None
    assert [row[2] for row in json.loads(told.text)["rows"]] == ["meanwhile"]
    assert not path.with_name("otel.db-wal").exists()  # nothing reads any more


@pytest.mark.parametrize("since", [None, "1h"])
def test_waiting_goes_on_until_the_file_is_made_and_when_it_is_made_again(path: Path, since: str | None) -> None:
    asked = AskedFile.open(path)
    arguments = {"of": "spans", "timeout_s": 30} | ({"since": since} if since else {})
    state = start_answer(asked, "wait_for", arguments)
    assert isinstance(state, WaitState)
    assert [look_again(asked, state) for _ in range(3)] == [None] * 3
    path.touch()
    assert look_again(asked, state) is None
    write_one_span(path)
    assert found_by(asked, state) == 1

    write_one_span(path)
    again = start_answer(asked, "wait_for", {"of": "spans", "timeout_s": 30})
    assert isinstance(again, WaitState)
    assert look_again(asked, again) is None
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    assert look_again(asked, again) is None
    write_one_span(path)
    assert found_by(asked, again) == 1


def test_an_end_is_seen_however_much_runs(path: Path) -> None:
    provider = TracerProvider()
    processor = SQLiteSpanProcessor(path)
    provider.add_span_processor(processor)
    spans = [provider.get_tracer("t").start_span(f"s{number}") for number in range(60)]
    asked = AskedFile.open(path)
    wait_until(lambda: count_running(asked) == 60)
    over = start_answer(asked, "wait_for", {"of": "spans", "timeout_s": 0})
    assert isinstance(over, WaitState)
    told = look_again(asked, over)
    assert told is not None
    assert json.loads(told.text)["found"] == 0
    states = [start_answer(asked, "wait_for", {"of": of}) for of in ("spans", "traces")]
    for state in states:
        assert isinstance(state, WaitState)
        assert look_again(asked, state) is None
    spans[0].end()
    for state in states:
        wait_until(lambda state=state: found_by(asked, state) == 1)  # type: ignore[misc]
    for span in spans[1:]:
        span.end()
    processor.shutdown()


def test_waiting_for_a_file_says_what_is_wrong(path: Path) -> None:
    asked = AskedFile.open(path)
    told = start_answer(asked, "wait_for", {"of": "spans", "filter": "stat:ok"})
    assert isinstance(told, ToolText)
    assert "spans have no field 'stat'" in told.text
    over = start_answer(asked, "wait_for", {"of": "spans", "timeout_s": 0})
    assert isinstance(over, WaitState)
    missing = look_again(asked, over)
    assert missing is not None
    assert missing.is_error
    assert f"{path} does not exist" in missing.text
    path.write_bytes(b"none of ours" * 100)
    other = start_answer(asked, "wait_for", {"of": "spans"})
    assert isinstance(other, WaitState)
    assert (look_again(asked, other) or missing).is_error


def count_running(asked: AskedFile) -> int:
    """The spans that run; none as long as the file is being made."""
    with suppress(FileRefusedError):
        return len(asked.database.find_spans(status="running", limit=100))
    return 0


def write_one_span(path: Path) -> None:
    """Write a span as a program does that ends then."""
    with exporting(path) as exporter:
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        provider.get_tracer("t").start_span("one").end()


def test_what_runs_has_appeared_and_has_not_ended(path: Path) -> None:
    provider = TracerProvider(resource=Resource({"service.name": "asked"}), shutdown_on_exit=False)
    provider.add_span_processor(SQLiteSpanProcessor(path, open_delay_ms=0))
    span = provider.get_tracer("tests").start_span("long", attributes={"session.id": "w"})
    asked = AskedFile.open(path)
    wait_until(lambda: count_running(asked) > 0)
    states = {of: start_answer(asked, "wait_for", {"of": of}) for of in ("spans", "traces", "sessions")}
    appeared = start_answer(asked, "wait_for", {"of": "traces", "event": "appears", "since": "1h"})
    for state in states.values():
        assert isinstance(state, WaitState)
        assert look_again(asked, state) is None
    assert isinstance(appeared, WaitState)
    assert found_by(asked, appeared) == 1
    span.end()
    provider.force_flush()
    for state in states.values():
        assert isinstance(state, WaitState)
        wait_until(lambda state=state: found_by(asked, state) == 1)  # type: ignore[misc]
    provider.shutdown()


def found_by(asked: AskedFile, state: WaitState) -> int:
    """How much was found now."""
    told = look_again(asked, state)
    return 0 if told is None else json.loads(told.text)["found"]


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_waiting_ends_in_time_and_says_so(file: Path) -> None:
    asked = AskedFile.open(file)
    for arguments, found in (({"of": "calls"}, 0), ({"of": "calls", "since": "2020-01-01"}, 7)):
        state = start_answer(asked, "wait_for", {**arguments, "timeout_s": 0})
        assert not isinstance(state, ToolText)
        told = look_again(asked, state)
        assert told is not None
        answer = json.loads(told.text)
        assert (answer["found"], "the time is up" in answer.get("note", "")) == (found, not found)


def test_standard_output_carries_the_protocol_alone(file: Path) -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    lines = [
        "this is not JSON",
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "find", "arguments": 7}}),
        json.dumps({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "errors"}}),
    ]
    command = [sys.executable, "-m", "otel_sqlite_exporter", "mcp", str(file)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(f"{line}\n" for line in lines))
        process.stdin.flush()
        answers: dict[int, Any] = {}
        while not {1, 2, 3} <= answers.keys():
            message = json.loads(process.stdout.readline())
            answers[message.get("id", -1)] = message
        process.stdin.close()
        assert process.stdout.read() == ""
        assert process.wait(HANG_S) == 0
    assert answers[1]["result"]["protocolVersion"] == "2025-06-18"
    assert answers[2]["error"]["code"] == -32602
    assert json.loads(answers[3]["result"]["content"][0]["text"])["errors_in_all"] == 2


def test_an_interrupt_ends_it(file: Path) -> None:
    command = [sys.executable, "-m", "otel_sqlite_exporter", "mcp", str(file)]
    hello = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment()
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{hello}\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(HANG_S) == -signal.SIGINT


def test_without_the_package_one_sentence_says_what_to_install(file: Path, tmp_path: Path) -> None:
    (tmp_path / "mcp.py").write_text("raise ModuleNotFoundError('no mcp', name='mcp')")
    command = [sys.executable, "-m", "otel_sqlite_exporter", "mcp", str(file)]
    done = subprocess.run(
        command,
        input="",
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment() | {"PYTHONPATH": str(tmp_path)},
        timeout=HANG_S,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == ("Error: tools for agents need the package mcp: `pip install 'otel-sqlite-exporter[mcp]'`\n")
