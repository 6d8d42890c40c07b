# SPDX-License-Identifier: Apache-2.0
"""Coding agents, run live, which `connect` lets send to `serve`: what the file then says agrees with what a model
server on the loopback address served. And programs with an SDK that get what `connect otlp` prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from otel_sqlite_exporter import TelemetryDatabase
from tests.commands import run_process
from tests.conftest import HANG_S, clean_environment, read
from tests.live.coding_agents import CODING_AGENTS, set_up
from tests.live.environments import ENVIRONMENTS, NODE_SDK
from tests.live.live_runs import run_agent
from tests.live.otlp_sink import OTLPSink
from tests.otlp_captures.scoring import find_differences
from tests.otlp_captures.unrecorded import find_undeclared
from tests.scenarios.model_server import ModelServer
from tests.serving import serving


@pytest.mark.slow
@pytest.mark.live
@pytest.mark.parametrize("name", list(CODING_AGENTS))
def test_what_a_connected_agent_sends_is_what_was_served(name: str, tmp_path: Path, path: Path) -> None:
    if not ENVIRONMENTS[name].is_installed:
        pytest.skip(f"{name} is not installed with its pinned version: run `make live`")
    home = tmp_path / "home"
    home.mkdir()
    with serving(path) as server:
        truth = run_agent(name, home, server.url)
    differences = find_undeclared(f"live-{name}", find_differences(path, truth, []))
    assert not differences, "\n".join(differences)
    assert (None,) not in read(path, "SELECT session_id FROM complete_llm_interactions WHERE counted")
    metered = dict(read(path, "SELECT type, sum(amount) FROM agent_usage WHERE measure = 'tokens' GROUP BY 1"))
    served = (truth["tokens"]["input"], truth["tokens"]["output"])
    assert (metered["input_tokens"], metered["output_tokens"]) == served


@pytest.mark.slow
@pytest.mark.live
@pytest.mark.parametrize("name", list(CODING_AGENTS))
def test_what_was_not_chosen_is_not_sent(name: str, tmp_path: Path, path: Path) -> None:
    """What docs/agents.md says that an agent sends in any case is left out: it stands in the resource, or in tools."""
    if not ENVIRONMENTS[name].is_installed:
        pytest.skip(f"{name} is not installed with its pinned version: run `make live`")
    turn = CODING_AGENTS[name].turns[0]
    with serving(path) as server, ModelServer() as models:
        place = set_up(name, tmp_path, models.url)
        place.connect(server.url)
        assert turn.question in place.run(turn)
        assert any(turn.question in text for entry in models.ledger for _, text in entry["prompt"])
    views = ("attributes FROM spans", "attributes FROM events", "attributes FROM logs", "body FROM logs")
    held = [row for columns in views for row in read(path, f"SELECT {columns}")]
    assert len(held) > 1
    assert [text for (text,) in held if text is not None and turn.question in text] == []


@pytest.mark.slow
@pytest.mark.live
@pytest.mark.parametrize("options", [(), ("--content",)], ids=["without content", "with content"])
@pytest.mark.parametrize("name", list(CODING_AGENTS))
def test_a_token_comes_with_all_that_is_sent(name: str, options: tuple[str, ...], tmp_path: Path) -> None:
    if not ENVIRONMENTS[name].is_installed:
        pytest.skip(f"{name} is not installed with its pinned version: run `make live`")
    with OTLPSink() as sink, ModelServer() as models:
        place = set_up(name, tmp_path, models.url)
        place.connect(sink.url, "--token", "abc-DEF_123", *options)
        place.run(CODING_AGENTS[name].turns[0])
    assert sink.lines
    assert sink.tokens == {"abc-DEF_123"}


NODE = """
const sdk = new (require("@opentelemetry/sdk-node").NodeSDK)({ serviceName: "node" });
sdk.start();
require("@opentelemetry/api").trace.getTracer("app").startSpan("work").end();
sdk.shutdown();
"""
PYTHON = """
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
provider.get_tracer("app").start_span("work").end()
provider.shutdown()
"""


@pytest.mark.parametrize(
    ("program", "service"), [([sys.executable, "-c", PYTHON], "python"), (["node", "-e", NODE], "node")]
)
def test_the_block_for_any_sdk_is_all_that_it_needs(
    program: list[str], service: str, tmp_path: Path, path: Path
) -> None:
    if service == "node" and not NODE_SDK.is_installed:
        pytest.skip("the SDK for Node is not installed with its pinned version: run `make live`")
    with serving(path) as server:
        code, printed, _ = run_process("connect", "otlp", "--endpoint", server.url, cwd=tmp_path)
        assert code == 0
        block = dict(line.split("=", 1) for line in printed.splitlines())
        settings = {"OTEL_SERVICE_NAME": service, "NODE_PATH": str(NODE_SDK.folder / "node_modules")} | block
        subprocess.run(program, env=clean_environment(**settings), cwd=tmp_path, check=True, timeout=HANG_S)
        (trace,) = TelemetryDatabase(path).find_traces()  # it was answered, so it is there
        assert (trace.name, trace.service_name) == ("work", service)
