# SPDX-License-Identifier: Apache-2.0
"""The page of a session: its sums, its steps and turns, what was said, and ids of strangers."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS, TOOL_INTERACTIONS
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.reading import TelemetryFile, iterate_rows
from otel_sqlite_exporter.query.summaries import SessionSummary
from otel_sqlite_exporter.server.page.page_links import link_session
from otel_sqlite_exporter.server.page.session.cost_tab import read_cost_tab
from otel_sqlite_exporter.server.page.session.lane_chart import ChartLane
from otel_sqlite_exporter.server.page.session.session_pages import PAGES
from otel_sqlite_exporter.server.page.session.timeline_tab import read_timeline_tab
from tests.agent_files import HOSTILE_TEXTS, MS, RESOURCE, START_NS, write_capture_file
from tests.conftest import exporting
from tests.integration.test_log_exporter import logging_to, make_log
from tests.integration.test_running_work import change_process, write
from tests.otlp_captures.capture_files import FOLDER
from tests.page_server import PageClient, browsing

SHOWN = ("claude-code", "codex", "gemini-cli", "live-crewai", "live-langgraph")
SUMMED = ("input_tokens", "output_tokens", "cost_usd")
HOSTILE_IDS = ("a/b?c=d&e#f", "%2e%2e", "\u202eevil<script>alert(1)</script>\"'", "é 猫", "x" * 300, "-1", "a b\n")


def find_cells(page: str, label: str) -> list[int]:
    """The numbers of the cells with a label."""
    cells = re.findall(rf'<td class="number" data-label="{label}">([^<]*)</td>', page)
    return [int(cell.replace(",", "")) for cell in cells if cell]


class Captured(NamedTuple):
    """A client of a server of captures, and their file."""

    client: PageClient
    path: str

    def open(self, link: str) -> str:
        """The HTML of a page."""
        return self.client.open(link)


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Captured]:
    path = write_capture_file(tmp_path_factory.mktemp("captures") / "otel.db", *SHOWN)
    with browsing(path) as client:
        yield Captured(client, str(path))


def list_sessions(path: str) -> list[SessionSummary]:
    return [*TelemetryDatabase(path).find_sessions(limit=1_000)]


def test_sums_are_those_of_the_database(captures: Captured) -> None:
    sessions = {session.service_name: session for session in list_sessions(captures.path) if session.total_tokens}
    assert len(sessions) > 3
    for session in sessions.values():
        for part in split_usage(captures.open(link_session(session.session_id, tab="cost"))).values():
            sums = {name: sum(find_cells(part, name)) for name in ("calls", "input", "output", "total")}
            tokens = {"input": session.input_tokens, "output": session.output_tokens, "total": session.total_tokens}
            calls = TelemetryDatabase(captures.path).find_llm_interactions(
                session_id=session.session_id, counted=True, limit=1_000
            )
            assert sums == {"calls": len(calls), **tokens}


def split_usage(page: str) -> dict[str, str]:
    """The tables of sums by what they group."""
    found = re.findall(r"<h2>By (\w+)</h2>(.*?)</table>", page, re.DOTALL)
    assert found[0][0] == "model"
    return dict(found)


def check_sessions(path: str) -> int:
    """Check all sessions of a file, and return how many there are."""
    sessions = list_sessions(path)
    TelemetryFile(path, 1_000).read(check_each, sessions)
    return len(sessions)


def check_each(connection: sqlite3.Connection, sessions: list[SessionSummary]) -> None:
    for session in sessions:
        check_session(connection, session)


def check_session(connection: sqlite3.Connection, session: SessionSummary) -> None:
    """All time, all steps and all sums are there, and in no lane two bars overlap."""
    values = read_timeline_tab(connection, session, {})
    shares = sum(share.duration_ms for share in values["shares"])
    assert shares == pytest.approx(session.duration_ms, rel=1e-9)
    rows = [row for turn in values["turns"] for fold in turn.folds for row in fold.rows]
    kinds = [row.step.kind for row in rows]
    counted: dict[str, Any] = {"session_id": session.session_id, "counted": True}
    calls, tools = (
        [*iterate_rows(connection, view, ("id",), **counted)] for view in (LLM_INTERACTIONS, TOOL_INTERACTIONS)
    )
    assert (kinds.count("llm") + kinds.count("agent"), kinds.count("tool")) == (len(calls), len(tools))
    assert len({row.key for row in rows}) == len(rows)
    costs = read_cost_tab(connection, session, {})
    assert len(costs["costs"]) == len(calls)
    for summed in ([row.step for row in rows], *costs["sums"].values(), costs["calls"].records):
        told = [row if isinstance(row, dict) else {name: getattr(row, name) for name in SUMMED} for row in summed]
        sums = {name: sum(row[name] or 0 for row in told) for name in SUMMED}
        assert sums == {name: pytest.approx(getattr(session, name) or 0) for name in SUMMED}
    for lane in values["chart"].lanes if values["chart"] else ():
        check_lane(lane)


def check_lane(lane: ChartLane) -> None:
    places = sorted((bar.y, float(bar.x[:-1]), float(bar.width[:-1])) for bar in lane.bars if bar.kind != "wait")
    for (y, x, width), (other_y, other_x, _) in pairwise(places):
        assert y != other_y or x + width <= other_x + 0.02
    assert all(x >= 0 and x + width <= 100.01 for _, x, width in places)


def test_time_steps_and_lanes_of_agents(captures: Captured) -> None:
    assert check_sessions(captures.path) > 10


@pytest.mark.slow
def test_time_steps_and_lanes_of_all_captures(tmp_path: Path) -> None:
    names = [file.name.removesuffix(".json.gz") for file in sorted(FOLDER.glob("*.json.gz"))]
    assert check_sessions(str(write_capture_file(tmp_path / "otel.db", *names))) > 90


def find_session(captures: Captured, service: str, **filters: Any) -> SessionSummary:
    found = TelemetryDatabase(captures.path).find_sessions(service_name=service, limit=50, **filters)
    return next(session for session in found if session.llm_calls)


@pytest.mark.parametrize("service", ["claude-code", "codex_exec", "gemini-cli"])
def test_the_turns_of_coding_agents_are_what_their_users_asked(captures: Captured, service: str) -> None:
    session = find_session(captures, service)
    page = captures.open(link_session(session.session_id))
    logs = TelemetryDatabase(captures.path).find_logs(session_id=session.session_id, limit=500)
    prompts = [log.attributes for log in logs if (log.event_name or "").endswith("user_prompt")]
    assert page.count("data-prompt>") + page.count("data-prompt ") >= len(prompts) > 0
    assert "Where the time went" in page


def test_tabs_parts_and_the_table_have_links(captures: Captured) -> None:
    id = find_session(captures, "claude-code").session_id
    page = captures.open(link_session(id))
    for tab in ("conversation", "cost"):
        link = link_session(id, tab=tab)
        assert f'href="{link}"' in page
        assert f'href="{link}" aria-current="page"' in captures.open(link)
    steps = captures.open(link_session(id, part="steps"))
    assert "<html" not in steps
    assert "Slowest steps" in steps
    answer = captures.client.http.get(link_session(id, format="csv"))
    rows = [*csv.DictReader(io.StringIO(answer.text))]
    assert {f'data-key="{row["kind"]}-{row["id"]}"' in page for row in rows} == {True}
    assert page.count('class="step" id=') == len(rows)


def test_sessions_lead_to_those_before_and_after(captures: Captured) -> None:
    found = TelemetryDatabase(captures.path).find_sessions(service_name="codex_exec", newest_first=False)
    ids = [session.session_id for session in found]
    assert len(ids) > 2
    for before, id, after in zip([None, *ids], ids, [*ids[1:], None], strict=False):
        page = captures.open(link_session(id))
        assert re.findall(r'href="([^"]+)" rel="prev"', page) == ([link_session(before)] if before else [])
        assert re.findall(r'href="([^"]+)" rel="next"', page) == ([link_session(after)] if after else [])
        assert ("/compare?a=" in page) == (before is not None)


class Shop:
    """Spans of one session, made by hand."""

    def __init__(self, session_id: str, traces: int) -> None:
        self.session_id = session_id
        self.first_trace = traces
        self.made: list[ReadableSpan] = []

    def add(
        self,
        name: str,
        times_ms: tuple[float, float],
        parent: int | None = None,
        attributes: Mapping[str, Any] | None = None,
        *,
        trace: int = 0,
        failed: str = "",
    ) -> int:
        """Add a span, and return its number."""
        number, begin = len(self.made) + 1, START_NS + round(times_ms[0] * MS)
        span = ReadableSpan(
            name,
            self._find_context(trace, number),
            None if parent is None else self._find_context(trace, parent),
            RESOURCE,
            {"session.id": self.session_id, **(attributes or {})},
            start_time=begin,
            end_time=begin + round((times_ms[1] - times_ms[0]) * MS),
            status=Status(StatusCode.ERROR, failed) if failed else Status(),
        )
        self.made.append(span)
        return number

    def call(self, times_ms: tuple[float, float], parent: int, **usage: int) -> int:
        """Add a model call with this usage."""
        told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
        tokens = {f"gen_ai.usage.{name.replace('__', '.')}": count for name, count in usage.items()}
        return self.add("chat m", times_ms, parent, {**told, **tokens})

    def agent(self, name: str, times_ms: tuple[float, float], parent: int) -> int:
        """Add a run of an agent."""
        told = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
        return self.add(f"invoke_agent {name}", times_ms, parent, told)

    def tool(self, name: str, times_ms: tuple[float, float], parent: int, failed: str = "") -> int:
        """Add an execution of a tool."""
        told = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
        return self.add(f"execute_tool {name}", times_ms, parent, told, failed=failed)

    def _find_context(self, trace: int, span: int) -> SpanContext:
        return SpanContext(100 * self.first_trace + trace + 1, span, is_remote=False, trace_flags=TraceFlags(1))


def make_agents() -> Shop:
    """Two runs of a helper at the same time, tools that repeat, one that fails, and a second turn a minute later."""
    shop = Shop("agents", 1)
    root = shop.add("POST /chat", (0, 100))
    main = shop.agent("planner", (0, 100), root)
    shop.call((0, 10), main, input_tokens=100, output_tokens=5)
    for begin in (10, 12):
        helper = shop.agent("helper", (begin, begin + 40), main)
        shop.call((begin + 1, begin + 20), helper, input_tokens=10)
        shop.call((begin + 21, begin + 39), helper, input_tokens=10)
    for place in range(12):
        shop.tool("Read", (60 + place, 60.5 + place), main)
    shop.tool("Bash", (80, 85), main, failed="no such file")
    shop.add("GET /", (60_100, 60_110), trace=1)
    return shop


def make_many(calls: int = 2_299) -> Shop:
    """One trace of many calls."""
    shop = Shop("many", 2)
    root = shop.add("loop", (0, calls))
    for place in range(calls):
        shop.call((place, place + 0.5), root, input_tokens=1, output_tokens=1)
    return shop


def make_cached() -> Shop:
    """A context that grows, whose cache is lost at the third call."""
    shop = Shop("cached", 3)
    root = shop.add("loop", (0, 100))
    for place, (size, cached) in enumerate(((100, 0), (200, 100), (300, 20), (400, 300))):
        shop.call((place * 10, place * 10 + 5), root, input_tokens=size, cache_read__input_tokens=cached)
    return shop


def make_hostile(id: str, number: int) -> Shop:
    """A session whose texts mean harm."""
    shop = Shop(id, 10 + number)
    text = HOSTILE_TEXTS[number % len(HOSTILE_TEXTS)] or "-"
    root = shop.add(text, (0, 5))
    told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": text, "gen_ai.agent.name": text, "user.id": id}
    said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}])
    shop.add(text, (1, 2), root, {**told, "gen_ai.input.messages": said}, failed=text)
    return shop


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    path = tmp_path_factory.mktemp("made") / "otel.db"
    hostile = [make_hostile(id, number) for number, id in enumerate(HOSTILE_IDS)]
    with exporting(path, cost="off") as exporter:
        for shop in (make_agents(), make_many(), make_cached(), *hostile):
            exporter.export(shop.made)
    with browsing(path) as client:
        yield client


def test_agents_that_run_at_the_same_time_have_lanes(made: PageClient) -> None:
    page = made.open("/sessions/agents")
    assert re.findall(r'<text class="lane"[^>]*>([^<]*)</text>', page) == ["turns", "planner", "helper", "helper · 2"]


def test_steps_that_repeat_are_folded_and_failures_marked(made: PageClient) -> None:
    page = made.open("/sessions/agents")
    assert re.search(r"<b>Read</b> × 12", page)
    assert page.count("data-row data-error") == 1
    assert "no such file" in page
    assert re.search(r"user <b>[\d.]+ %</b> <span class=\"quiet\">1 min</span>", page)


def test_a_long_session_has_pages_without_script(made: PageClient) -> None:
    seen: list[str] = []
    page = made.open("/sessions/many")
    while True:
        seen += re.findall(r'class="step" id="([^"]+)"', page)
        following = re.findall(r'href="([^"]+)" rel="next">after', page)
        if not following:
            break
        assert re.search(r"steps [\d,]+–[\d,]+ of 2,300<", page)
        page = made.open(html.unescape(following[0]))
    assert len(seen) == len(set(seen)) == 2_299
    assert 'rel="prev">← before</a>' in page
    assert re.search(r"steps 2,001–2,300 of 2,300<", page)
    assert "the session has 2,300 steps" in made.open("/sessions/many", first=99_999)


def test_calls_that_lost_their_cache_are_marked(made: PageClient) -> None:
    page = made.open("/sessions/cached", tab="cost")
    rows = re.findall(r'<tr id="cost-.*?</tr>', page, re.DOTALL)
    assert ["cache rebuilt" in row for row in rows] == [False, False, True, False]
    assert find_cells(page.partition("<h2>Calls</h2>")[2], "new") == [100, 100, 280, 100]


@pytest.mark.parametrize("id", HOSTILE_IDS)
@pytest.mark.parametrize("tab", ["timeline", "conversation", "cost"])
def test_ids_and_names_of_strangers_are_text(made: PageClient, id: str, tab: str) -> None:
    page = made.open(link_session(id, tab=tab))
    assert "<script>alert" not in page
    assert not re.search("[\u202e\u2066\x00\x1b]", page)
    links = [html.unescape(link) for link in re.findall(r'href="(/sessions/[^"]*)"', page)]
    assert link_session(id, tab="cost") in links
    assert len(page) < (3_000_000 if tab == "conversation" else 300_000)


def test_a_prefix_shows_the_session_and_others_are_explained(made: PageClient) -> None:
    assert '<span id="session-id" class="mono">agents</span>' in made.open("/sessions/age")
    missing = made.ask("/sessions/nothing")
    assert missing.status_code == 404
    assert 'role="alert"' in missing.text
    assert 'href="/search?q=nothing"' in missing.text
    several = made.ask("/sessions/a")
    assert several.status_code == 404
    assert 'href="/sessions/agents"' in several.text
    assert made.ask("/sessions/nothing", part="steps").status_code == 404


def test_a_session_without_steps_leads_on(tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    shop = Shop("quiet", 1)
    shop.add("work", (0, 10))
    with exporting(path) as exporter:
        exporter.export(shop.made)
    with browsing(path) as client:
        for tab in PAGES[0].parameters[1].choices:
            assert "quiet" in client.open("/sessions/quiet", tab=tab)


def test_what_runs_is_shown_up_to_now_and_what_was_cut_off_says_so(tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    write(path, session="open")
    with browsing(path) as client:
        page = client.open("/sessions/open")
        assert "<dd>now</dd>" in page
        assert 'data-live="session"' in page
        assert len(re.findall(r"1 h</span> so far", page)) >= 2
        assert "It runs; there is no answer yet." in client.open("/sessions/open", tab="conversation")
        change_process(path, boot_id="before")
        page = client.open("/sessions/open")
        assert "so far" not in page
        assert 'class="status status-interrupted"' in page
        assert "is-interrupted" in page
        assert "It was interrupted" in client.open("/sessions/open", tab="conversation")


def make_records() -> list[Any]:
    """Two prompts of a coding agent that writes log records alone, five minutes apart."""
    told = {"session.id": "told", "model": "claude-haiku-4-5", "input_tokens": 100, "output_tokens": 7, "cost_usd": 0.5}
    tool = {"session.id": "told", "tool_name": "Bash", "success": "false", "duration_ms": 40, "error": "exit 1"}
    records = []
    for prompt, at in (("first <b>question</b>", 0), ("<REDACTED>", 300_000)):
        for name, after, attributes in (
            ("user_prompt", 0, {"session.id": "told", "prompt": prompt}),
            ("api_request", 200, {**told, "duration_ms": 150}),
            ("tool_result", 260, tool),
            ("api_request", 400, {**told, "duration_ms": 100}),
        ):
            named = {"event.name": name, **attributes}
            moment = START_NS + (at + after) * MS
            records.append(make_log(timestamp=moment, body=f"claude_code.{name}", attributes=named))
    return records


def test_a_session_of_log_records_alone_has_turns_and_time(tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    with logging_to(path) as exporter:
        exporter.export(make_records())
    with browsing(path) as client:
        page = client.open("/sessions/told")
        turns = re.findall(r'<details class="turn" id="(turn-\d+)"', page)
        assert turns == [f"turn-{START_NS}", f"turn-{START_NS + 300_000 * MS}"]
        assert ">first &lt;b&gt;question&lt;/b&gt;</b>" in page
        assert "REDACTED" not in page
        assert page.count('class="step" id="llm-') == 4
        assert page.count("exit 1") >= 2
        legend = dict(re.findall(r"</i>([a-z ]+) <b>[\d.]+ %</b> <span class=\"quiet\">([^<]+)<", page))
        assert legend == {"model calls": "500 ms", "tools": "80 ms", "user": "4.99 min", "other": "220 ms"}
        assert "cost as the agent or SDK reports it" in client.open("/sessions/told", tab="cost")
        for tab in ("conversation", "cost"):
            assert "claude-haiku-4-5" in client.open("/sessions/told", tab=tab)
