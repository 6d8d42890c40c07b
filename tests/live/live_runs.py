# SPDX-License-Identifier: Apache-2.0
"""Runs a program against the loopback servers, and returns what it exported beside what was served."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.live.coding_agents import CODING_AGENTS, set_up
from tests.live.environments import ENVIRONMENTS
from tests.live.otlp_sink import OTLPSink
from tests.live.service_run import SERVICE, run_service
from tests.otlp_captures.capture_files import Capture
from tests.scenarios.model_server import ModelServer

JSON = dict[str, Any]

_PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
_KINDS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached": "cached_input_tokens",
    "cache_creation": "cache_creation_input_tokens",
    "reasoning": "reasoning_tokens",
}


def run_live(name: str, home: Path) -> Capture:
    """Run all scenarios of a program; `home` is an empty folder.

    Raises:
        AssertionError, CalledProcessError, TimeoutExpired: The program has failed or hung.
    """
    with OTLPSink() as sink:
        if name in CODING_AGENTS:
            truth = run_agent(name, home, sink.url)
        elif name == SERVICE:
            scenario, requests = run_service(sink.url)
            truth = _make_truth({"service": scenario}) | {"requests": requests}
        else:
            truth = _make_truth(_run_framework(name, sink))
        return Capture(f"live-{name}", dict(ENVIRONMENTS[name].packages), truth, list(sink.lines))


def run_agent(name: str, home: Path, endpoint: str, *options: str) -> JSON:
    """Run all scenarios of a coding agent that `connect` lets export to `endpoint`, with its content, and return what
    was served; `options` are more of `connect`.

    Raises:
        AssertionError, TimeoutExpired: The program has failed or hung.
    """
    with ModelServer() as server:
        place = set_up(name, home, server.url)
        place.connect(endpoint, "--content", *options)
        scenarios = {}
        for turn in CODING_AGENTS[name].turns:
            place.run(turn)
            runs = list(_find_runs(server.ledger, fails=turn.scenario == "failing_tool"))
            scenarios[turn.scenario] = {"ledger": list(server.ledger), "told": {}, "tool_runs": runs}
            server.ledger.clear()
        return _make_truth(scenarios)


def _run_framework(name: str, sink: OTLPSink) -> dict[str, JSON]:
    settings = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "OPENAI_", "PYTEST"))}
    command = [str(ENVIRONMENTS[name].executable), "-m", "tests.live.framework", name, sink.url]
    ended = subprocess.run(command, cwd=ROOT, env=settings, check=True, capture_output=True, text=True, timeout=300)
    scenarios: dict[str, JSON] = json.loads(ended.stdout.splitlines()[-1])
    return scenarios


def _find_runs(ledger: list[JSON], *, fails: bool) -> Iterator[JSON]:
    """What a coding agent has run: tools whose result it has sent to the model."""
    results = {call_id: text for entry in ledger for call_id, text in entry["tool_results"]}
    for asked in (asked for entry in ledger for asked in entry.get("tool_calls", [])):
        run = {"name": asked["name"], "arguments": json.loads(asked["arguments"]), "result": results[asked["id"]]}
        yield run | {"error": "failed" if fails else None}


def _make_truth(scenarios: dict[str, JSON]) -> JSON:
    calls = [
        _make_call(number, name, entry)
        for number, (name, entry) in enumerate(
            ((name, entry) for name, scenario in scenarios.items() for entry in scenario["ledger"]), 1
        )
    ]
    told = [scenario["told"] for scenario in scenarios.values()]
    agents = {agent for names in told for agent in names.get("agent_name", "").split()}
    sessions = {(names["session_id"], names.get("user_id")) for names in told if "session_id" in names}
    served = [call for call in calls if call["status"] < 400]
    runs = [
        {"scenario": name, "result": None, "error": None, **run}
        for name, scenario in scenarios.items()
        for run in scenario["tool_runs"]
    ]
    return {
        "calls": calls,
        "tokens": {kind: sum(call[kind] for call in served) for kind in _KINDS},
        "untold_calls": [],
        "tool_runs": runs,
        "told": {"agents": sorted(agents), "sessions": sorted(map(list, sessions))},
    }


def _make_call(number: int, scenario: str, entry: JSON) -> JSON:
    """An entry of the ledger in the form of the captures of OTLP."""
    call = {
        "n": number,
        "scenario": scenario,
        "path": _PATHS.get(entry["api"], f"/v1beta/models/{entry['request_model']}"),
        "kind": entry["api"],
        "model": entry["request_model"],
        "stream": entry["stream"],
        "status": entry["status"],
        "prompt": entry["prompt"],
    }
    if entry["status"] >= 400:
        return call
    return call | {
        "id": entry["response_id"],
        "response_model": entry["response_model"],
        "finish": entry["finish_reason"],
        "completion": entry["completion"] or "",
        "tool_calls": [{**asked, "arguments": json.loads(asked["arguments"])} for asked in entry["tool_calls"]],
        **{kind: entry["usage"][name] for kind, name in _KINDS.items()},
    }
