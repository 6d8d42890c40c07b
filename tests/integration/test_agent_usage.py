# SPDX-License-Identifier: Apache-2.0
"""What the view agent_usage and the report agents-usage say of captured agents is what a model server served to them;
and of made points, what was added up to make them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    CUMULATIVE,
    DELTA,
    DistributionFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.signals import ScopeFields
from tests.commands import run_here
from tests.conftest import read
from tests.live.coding_agents import CODING_AGENTS
from tests.live.environments import ENVIRONMENTS
from tests.metric_files import counter, histogram, make_point, write_points
from tests.otlp_captures.capture_files import Capture, import_batches, read_capture

LIVE = (*CODING_AGENTS, "fastapi")
_KINDS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cached_input_tokens": "cached",
    "cache_creation_input_tokens": "cache_creation",
    "reasoning_tokens": "reasoning",
}
AGENTS = {"claude-code": "claude-code", "codex": "codex", "gemini-cli": "gemini-cli", "copilot": "github-copilot"}
# What an agent counts otherwise than the model server did: Claude Code counts what is after the last line as a line,
# Gemini CLI a failed request twice, and Codex does not export the turn that fails.
TURNS = {
    "claude-code": {"sessions": 5, "added_lines": 3, "removed_lines": 0, "accepted_edits": 1, "commits": 1},
    "codex": {"sessions": 4, "turns": 4, "tool_calls": 3, "api_requests": 7},
    "gemini-cli": {"sessions": 5, "tool_calls": 4, "api_requests": 9, "added_lines": 2},
    "copilot": {"turns": 8, "tool_calls": 4, "api_requests": 13, "added_lines": 2},
    "fastapi": {"api_requests": 6},
}


@pytest.fixture(scope="module", params=LIVE)
def capture(request: pytest.FixtureRequest) -> Capture:
    return read_capture(f"live-{request.param}")


@pytest.fixture(scope="module")
def file(capture: Capture, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("usage") / "otel.db"
    import_batches(path, [capture.lines])
    return path


def test_tokens_of_metrics_are_those_that_were_served(capture: Capture, file: Path) -> None:
    said = dict(read(file, "SELECT type, sum(amount) FROM agent_usage WHERE measure = 'tokens' GROUP BY 1"))
    said.pop("tool", None)  # of Gemini CLI: none
    served = {kind: capture.truth["tokens"][name] for kind, name in _KINDS.items()}
    assert said.items() <= served.items()
    assert {"input_tokens", "output_tokens"} <= said.keys()
    assert set(served) - set(said) <= {"cached_input_tokens", "cache_creation_input_tokens", "reasoning_tokens"}


def test_the_report_says_what_else_the_agents_did(capture: Capture, file: Path) -> None:
    name = capture.name.removeprefix("live-")
    (row,) = TelemetryDatabase(file).run_report("agents-usage").to_dicts()
    assert row["agent"] == AGENTS.get(name, "cities")
    assert row.items() >= TURNS[name].items()
    assert row["input_tokens"] == capture.truth["tokens"]["input"]


def test_the_cost_is_that_of_the_calls(file: Path, capture: Capture) -> None:
    if capture.name != "live-claude-code":
        pytest.skip("only Claude Code tells its cost here")
    (metered,) = read(file, "SELECT sum(amount), min(unit) FROM agent_usage WHERE measure = 'cost'")
    (recorded,) = read(file, "SELECT sum(cost_usd) FROM complete_llm_interactions WHERE counted")
    assert metered == (pytest.approx(recorded[0]), "USD")


def test_requests_of_users_are_counted_by_the_service(tmp_path: Path) -> None:
    capture = read_capture("live-fastapi")
    import_batches(tmp_path / "otel.db", [capture.lines])
    counted: Counter[tuple[Any, ...]] = Counter()
    for text, count in read(
        tmp_path / "otel.db",
        "SELECT attributes, count_delta FROM metric_points WHERE name = 'http.server.request.duration'",
    ):
        told = json.loads(text)
        counted[told["http.request.method"], told["http.route"], told["http.response.status_code"]] += count
    truth = {(one["method"], one["route"], one["status"]): one["count"] for one in capture.truth["requests"]}
    assert counted == truth
    spans = read(
        tmp_path / "otel.db",
        "SELECT DISTINCT span_name FROM exemplars WHERE name = 'http.server.request.duration' AND span_name NOT NULL",
    )
    assert sorted(spans) == [("GET /cities/{city}",), ("POST /questions",)]


def test_every_capture_has_metrics() -> None:
    assert set(LIVE) <= set(ENVIRONMENTS)
    for name in LIVE:
        lines = read_capture(f"live-{name}").lines
        assert any("resourceMetrics" in json.loads(line) for line in lines), name


TOKEN_TYPES = {
    "claude_code.token.usage": ("type", {"input": 1, "output": 1, "cacheRead": 2, "cacheCreation": 2}),
    "codex.turn.token_usage": ("token_type", {"input": 1, "cached_input": 1, "output": 1, "total": 0}),
    "gemini_cli.token.usage": ("type", {"input": 1, "output": 1, "thought": 2, "cache": 1, "tool": 1}),
    "gen_ai.client.token.usage": ("gen_ai.token.type", {"input": 1, "output": 1, "new kind": 1}),
}
"""By metric: the attribute with the kind of tokens, and how many types each kind is part of."""


@st.composite
def streams(draw: Any) -> tuple[list[PointFields], dict[str, int]]:
    """Points of processes that count tokens, and the sum of each kind: processes start again, or go on after a reset of
    their count; temporality and kind of the instrument are any that such a metric has."""
    name = draw(st.sampled_from(sorted(TOKEN_TYPES)))
    key, types = TOKEN_TYPES[name]
    temporality = draw(st.sampled_from([DELTA, CUMULATIVE]))
    is_histogram = draw(st.booleans())
    sums: dict[str, int] = defaultdict(int)
    points: list[PointFields] = []
    begin = 0
    for process in range(draw(st.integers(1, 3))):
        total: dict[str, int] = defaultdict(int)
        count: dict[str, int] = defaultdict(int)
        start = begin
        for minute in range(1, draw(st.integers(2, 4))):
            for kind in types:
                added = draw(st.integers(0, 1_000))
                sums[kind] += added
                is_delta = temporality == DELTA
                total[kind] = added if is_delta else total[kind] + added
                count[kind] = 1 if is_delta else count[kind] + 1
                time = begin + minute * 60
                points.append(
                    make_point(
                        _instrument(name, temporality, is_histogram),
                        time,
                        None if is_histogram else total[kind],
                        start=time - 60 if is_delta else start,
                        attributes={key: kind, "model": "m", "gen_ai.request.model": "m"},
                        resource={"process": process % 2},
                        distribution=DistributionFields(count[kind], float(total[kind])) if is_histogram else None,
                    )
                )
        begin += 3_600
    return draw(st.permutations(points)), dict(sums)


def _instrument(name: str, temporality: str, is_histogram: bool) -> InstrumentFields:
    return histogram(name, temporality) if is_histogram else counter(name, temporality)


@settings(max_examples=12)
@given(made=streams())
def test_amounts_are_what_was_counted(made: tuple[list[PointFields], dict[str, int]], tmp_path_factory: Any) -> None:
    points, sums = made
    path = tmp_path_factory.mktemp("streams") / "otel.db"
    name = points[0].instrument.name
    write_points(path, points)
    said = dict(read(path, "SELECT type, sum(amount) FROM agent_usage GROUP BY 1"))
    assert sum(said.values()) == sum(sums[kind] * times for kind, times in TOKEN_TYPES[name][1].items())
    output = sums["output"] + sums.get("thought", 0)
    assert said["output_tokens"] == output
    assert said["input_tokens"] == sum(sums.get(kind, 0) for kind in ("input", "cacheRead", "cacheCreation"))
    assert {row[0] for row in read(path, "SELECT model FROM agent_usage")} == {"m"}


def _tokens(name: str, amount: int, scope: str = "s", resource: str = "r", **attributes: Any) -> PointFields:
    point = make_point(
        counter(name, DELTA), 60, amount, start=0, attributes=attributes, resource={"service.instance.id": resource}
    )
    return point._replace(scope=ScopeFields(scope))


def test_metrics_of_one_scope_that_repeat_each_other_count_once(path: Path) -> None:
    """Gemini CLI sends its own metric and that of the conventions, Copilot the new and the old names of one."""
    generic = {"gen_ai.token.type": "input", "gen_ai.request.model": "m"}
    write_points(
        path,
        [
            _tokens("gemini_cli.token.usage", 10, type="input", model="m"),
            _tokens("gen_ai.client.token.usage", 11, **generic),
            _tokens("gen_ai.client.inference.usage.input_tokens", 12, **generic),
            # Another scope, and another program, are other calls.
            _tokens("gen_ai.client.token.usage", 100, scope="other", **generic),
            _tokens("gen_ai.client.inference.usage.input_tokens", 1_000, resource="other", **generic),
            _tokens("gen_ai.client.token.usage", 1_001, resource="other", **generic),
        ],
    )
    assert read(path, "SELECT sum(amount) FROM agent_usage") == [(1_110,)]


def test_what_is_no_model_call_is_no_request(path: Path) -> None:
    """`gen_ai.client.operation.duration` also measures tools and agents."""
    points = [
        make_point(
            histogram("gen_ai.client.operation.duration", DELTA),
            60,
            attributes={"gen_ai.operation.name": operation},
            distribution=DistributionFields(3, 1.5),
        )
        for operation in ("chat", "invoke_agent", "execute_tool", "embeddings", "plan")
    ]
    write_points(path, points)
    assert read(path, "SELECT type, amount FROM agent_usage WHERE measure = 'api_requests' ORDER BY 1") == [
        ("chat", 3),
        ("embeddings", 3),
    ]


@pytest.mark.parametrize("model", [7, True, ["a", "b"], {"name": "x"}, "a'b\"", None])
def test_any_attribute_is_a_text(path: Path, model: Any) -> None:
    write_points(path, [_tokens("claude_code.token.usage", 5, type=model, model=model)])
    ((amount, said, kind),) = read(path, "SELECT amount, typeof(model), typeof(type) FROM agent_usage")
    assert (amount, said, kind) == (5, "null" if model is None else "text", "null" if model is None else "text")


def test_sums_of_any_size_can_be_read(path: Path) -> None:
    numbers: Iterator[Any] = iter((2**63 - 1, 2**63 - 1, 2**70, float("inf"), float("nan"), 1e308, 1e308, None))
    write_points(
        path, [_tokens("claude_code.token.usage", one, resource=str(n), type="input") for n, one in enumerate(numbers)]
    )
    assert read(path, "SELECT count(*) FROM agent_usage WHERE amount > 0") == [(1,)]
    assert TelemetryDatabase(path).run_report("agents-usage").rows


def test_amounts_of_a_count_with_an_unknown_start_are_not_known(path: Path) -> None:
    points = [make_point(counter("codex.thread.started"), 60 * n, 5 + n, service="codex_tui") for n in (1, 2, 3)]
    write_points(path, points)
    assert read(path, "SELECT agent_name, amount, points FROM agent_usage") == [("codex", 2, 3)]


def test_the_report_takes_groups_and_filters(path: Path) -> None:
    sent = [
        _tokens("claude_code.token.usage", 10, type="input", model="a", **{"session.id": "s1", "user.id": "ada"}),
        _tokens("claude_code.token.usage", 20, type="output", model="b", **{"session.id": "s2", "user.id": "bob"}),
        _tokens("gemini_cli.tool.call.count", 3, function_name="read_file", **{"session.id": "s3"}),
    ]
    write_points(path, sent)
    database = TelemetryDatabase(path)

    def ask(*groups: str, **filters: Any) -> list[tuple[Any, ...]]:
        rows = database.run_report("agents-usage", group_by=groups, **filters).to_dicts()
        return [(*(row[group] for group in groups), row["input_tokens"], row["output_tokens"]) for row in rows]

    assert ask("model") == [(None, None, None), ("a", 10, None), ("b", None, 20)]
    assert ask("session", "user") == [("s1", "ada", 10, None), ("s2", "bob", None, 20), ("s3", None, None, None)]
    assert ask("day", session_id="s1") == [("2023-11-14", 10, None)]
    assert ask("agent", user_id="bob") == [("claude-code", None, 20)]
    assert ask("agent", model=["a", "b"]) == [("claude-code", 10, 20)]
    assert ask("service", agent_name="gemini-cli") == [("shop", None, None)]
    assert ask("type", service_name="shop")[-1] == ("read_file", None, None)
    assert ask("agent", until="2023-11-14T22:14:59Z") == []
    with pytest.raises(FilterError, match="status: metrics do not tell it"):
        ask("agent", status="ok")


def test_columns_without_a_value_are_left_out_for_people_only(path: Path) -> None:
    write_points(path, [_tokens("claude_code.token.usage", 10, type="input")])
    shown = run_here("report", "agents-usage", path)
    assert (shown.exit_code, shown.stdout.split()[4:]) == (0, ["agent", "input_tokens", "claude-code", "10"])
    rows = json.loads(run_here("report", "agents-usage", "--json", path).stdout)["rows"]
    assert (rows[0]["input_tokens"], rows[0]["commits"]) == (10, None)


def _measure(path: Path, *groups: str, **filters: Any) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    rows = TelemetryDatabase(path).run_report("genai-metrics", group_by=groups, **filters).to_dicts()
    return {
        (*(row[group] for group in groups), row["metric"], row["type"]): (row["unit"], row["count"], row["avg"])
        for row in rows
    }


def test_the_histograms_of_model_calls_say_what_was_served(file: Path, capture: Capture) -> None:
    if capture.name != "live-fastapi":
        pytest.skip("the other programs have metrics of their own")
    served = [call for call in capture.truth["calls"] if call["status"] == 200]
    found = _measure(file, "operation", "provider", "error")
    tokens = {kind: sum(call[kind] for call in served) / len(served) for kind in ("input", "output")}
    for kind, mean in tokens.items():
        said = found["chat", "openai", None, "gen_ai.client.token.usage", kind]
        assert said == ("{token}", len(served), mean)
    durations = [key for key in found if key[3] == "gen_ai.client.operation.duration"]
    assert {key[2]: found[key][:2] for key in durations} == {
        None: ("s", 4),
        "openai.InternalServerError": ("s", 2),
    }
    assert found["chat", "openai", None, "gen_ai.client.operation.time_to_first_chunk", None][1] == 2


@pytest.mark.parametrize("temporality", [DELTA, CUMULATIVE])
def test_quantiles_are_estimated_from_the_buckets_of_all_series(temporality: str, path: Path) -> None:
    """Two processes, of which one is four times as fast; units and kinds of tokens are never added up."""
    bounds = [0.1, 0.2, 0.4, 0.8]
    points = []
    for process, counts, total in ((1, [0, 10, 0, 0, 0], 1.5), (2, [0, 0, 0, 10, 0], 6.0)):
        for minute in (1, 2):
            times = minute if temporality == CUMULATIVE else 1
            points.append(
                make_point(
                    histogram("gen_ai.server.time_to_first_token", temporality),
                    60 * minute,
                    start=0 if temporality == CUMULATIVE else 60 * (minute - 1),
                    attributes={"gen_ai.request.model": "m"},
                    resource={"process": process},
                    distribution=DistributionFields(
                        10 * times, total * times, bounds=bounds, counts=[count * times for count in counts]
                    ),
                )
            )
    write_points(path, points)
    (row,) = TelemetryDatabase(path).run_report("genai-metrics").to_dicts()
    assert (row["model"], row["count"], row["avg"]) == ("m", 40, pytest.approx(0.375))
    assert row["p50"] == pytest.approx(0.2, abs=0.01)
    assert 0.4 < row["p95"] <= 0.8


def test_the_report_of_histograms_takes_filters(path: Path) -> None:
    def make(model: str, session: str) -> PointFields:
        named = {"gen_ai.request.model": model, "session.id": session, "gen_ai.token.type": "input"}
        measured = DistributionFields(2, 20.0)
        return make_point(
            histogram("gen_ai.client.token.usage", DELTA), 60, start=0, attributes=named, distribution=measured
        )

    write_points(path, [make("a", "s1"), make("b", "s2")])
    name = ("gen_ai.client.token.usage", "input")
    assert set(_measure(path, "model")) == {("a", *name), ("b", *name)}
    assert set(_measure(path, "model", model="a")) == {("a", *name)}
    assert set(_measure(path, "session", "model", session_id="s2")) == {("s2", "b", *name)}
    assert _measure(path, "model", service_name="other") == {}
    assert _measure(path, "model", since="2023-11-15") == {}
    with pytest.raises(FilterError, match="status: metrics do not tell it"):
        _measure(path, "model", status="ok")
