# SPDX-License-Identifier: Apache-2.0
"""The page of a session: its sums, its steps and turns, what was said, and ids of strangers."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.query.summaries import SessionSummary
from otel_sqlite_exporter.server.page.page_links import link_session
from otel_sqlite_exporter.server.page.session.session_pages import PAGES
from otel_sqlite_exporter.server.page.session.timeline_tab import read_timeline_tab
from tests.agent_files import HOSTILE_TEXTS, MS, RESOURCE, START_NS, write_capture_file
from tests.conftest import exporting
from tests.otlp_captures.capture_files import FOLDER
from tests.page_server import PageClient, browsing

SHOWN = ("claude-code", "codex", "gemini-cli", "live-crewai", "live-langgraph", "live-claude-code")
HOSTILE_IDS = ("a/b?c=d&e#f", "%2e%2e", "\u202eevil<script>alert(1)</script>\"'", "é 猫", "x" * 300, "-1", "a b\n")


def find_cells(page: str, label: str) -> list[int]:
    """The numbers of the cells with a label."""
    cells = re.findall(rf'<td class="number" data-label="{label}">([^<]*)</td>', page)
    return [int(cell.replace(",", "")) for cell in cells if cell]


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    path = write_capture_file(tmp_path_factory.mktemp("captures") / "otel.db", *SHOWN)
    with browsing(path) as client:
        yield client


def list_sessions(path: str) -> list[SessionSummary]:
    return [*TelemetryDatabase(path).find_sessions(limit=1_000)]


def test_sums_are_those_of_the_database(captures: PageClient) -> None:
    path = captures.server.path
    for session in list_sessions(path):
        for page, part in split_usage(captures.open(link_session(session.session_id, tab="cost"))).items():
            sums = {name: sum(find_cells(part, name)) for name in ("calls", "input", "output", "total")}
            expected = {
                "input": session.input_tokens or 0,
                "output": session.output_tokens or 0,
                "total": session.total_tokens or 0,
            }
            counted = TelemetryDatabase(path).find_llm_interactions(
                session_id=session.session_id, counted=True, limit=1_000
            )
            assert sums == {"calls": len(counted), **expected}, (session.session_id, page)


def split_usage(page: str) -> dict[str, str]:
    """The tables of sums by what they group."""
    found = re.findall(r"<h2>By (\w+)</h2>(.*?)</table>", page, re.DOTALL)
    assert found[0][0] == "model"
    return dict(found)


def check_timeline(path: str, session: SessionSummary) -> None:
    """All time and all steps are there, and in no lane two bars overlap."""
    backend: Any = SimpleNamespace(file=TelemetryFile(path, 1_000))
    values = read_timeline_tab(backend, session, {})
    shares = sum(share.duration_ms for share in values["shares"])
    assert shares == pytest.approx(session.duration_ms, rel=1e-9)
    database = TelemetryDatabase(path)
    find: dict[str, Any] = {"session_id": session.session_id, "counted": True, "limit": 1_000}
    calls, tools = database.find_llm_interactions(**find), database.find_tool_interactions(**find)
    rows = [row for turn in values["turns"] for fold in turn.folds for row in fold.rows]
    kinds = [row.step.kind for row in rows]
    assert kinds.count("llm") + kinds.count("agent") == len(calls)
    assert kinds.count("tool") == len(tools)
    assert sum(row.step.cost_usd or 0 for row in rows) == pytest.approx(session.cost_usd or 0)
    assert len({row.key for row in rows}) == len(rows)
    for lane in values["chart"].lanes if values["chart"] else ():
        bars = [bar for bar in lane.bars if bar.kind != "wait"]
        places = sorted((bar.y, float(bar.x[:-1]), float(bar.width[:-1])) for bar in bars)
        for (y, x, width), (other_y, other_x, _) in pairwise(places):
            assert y != other_y or x + width <= other_x + 0.02


def test_time_steps_and_lanes_of_agents(captures: PageClient) -> None:
    for session in list_sessions(captures.server.path):
        check_timeline(captures.server.path, session)


@pytest.mark.slow
def test_time_steps_and_lanes_of_all_captures(tmp_path: Path) -> None:
    names = [file.name.removesuffix(".json.gz") for file in sorted(FOLDER.glob("*.json.gz"))]
    path = str(write_capture_file(tmp_path / "otel.db", *names))
    sessions = list_sessions(path)
    assert len(sessions) > 90
    for session in sessions:
        check_timeline(path, session)


def find_session(captures: PageClient, service: str, **filters: Any) -> SessionSummary:
    found = TelemetryDatabase(captures.server.path).find_sessions(service_name=service, limit=50, **filters)
    return next(session for session in found if session.llm_calls)


@pytest.mark.parametrize("service", ["claude-code", "codex_exec", "gemini-cli"])
def test_the_turns_of_coding_agents_are_what_their_users_asked(captures: PageClient, service: str) -> None:
    session = find_session(captures, service)
    page = captures.open(link_session(session.session_id))
    logs = TelemetryDatabase(captures.server.path).find_logs(session_id=session.session_id, limit=500)
    prompts = [log.attributes for log in logs if (log.event_name or "").endswith("user_prompt")]
    assert page.count("data-prompt>") + page.count("data-prompt ") >= len(prompts) > 0
    assert "Where the time went" in page


def test_tabs_parts_and_the_table_have_links(captures: PageClient) -> None:
    id = find_session(captures, "claude-code").session_id
    page = captures.open(link_session(id))
    for tab in ("conversation", "cost"):
        link = link_session(id, tab=tab)
        assert f'href="{link}"' in page
        assert f'href="{link}" aria-current="page"' in captures.open(link)
    (part,) = re.findall(r'data-live="session" data-part-url="([^"]+)"', page)
    steps = captures.open(html.unescape(part))
    assert "<html" not in steps
    assert "Slowest steps" in steps
    answer = captures.http.get(link_session(id, format="csv"))
    rows = [*csv.DictReader(io.StringIO(answer.text))]
    assert {f'data-key="{row["kind"]}-{row["id"]}"' in page for row in rows} == {True}
    assert page.count('class="step" id=') == len(rows)


def test_sessions_lead_to_those_before_and_after(captures: PageClient) -> None:
    found = TelemetryDatabase(captures.server.path).find_sessions(service_name="codex_exec", newest_first=False)
    ids = [session.session_id for session in found]
    assert len(ids) > 2
    for before, id, after in zip([None, *ids], ids, [*ids[1:], None], strict=False):
        page = captures.open(link_session(id))
        assert re.findall(r'href="([^"]+)" rel="prev"', page) == ([link_session(before)] if before else [])
        assert re.findall(r'href="([^"]+)" rel="next"', page) == ([link_session(after)] if after else [])
        assert ("/compare?a=" in page) == (before is not None)


class Shop:
    """Spans of one session, made by hand."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.made: list[ReadableSpan] = []

    def add(
        self, name: str, begin_ms: float, end_ms: float, parent: int | None = None, trace: int = 1, **more: Any
    ) -> int:
        """Add a span, and return its number."""
        number, failed = len(self.made) + 1, more.pop("failed", None)
        attributes = {"session.id": self.session_id, **more}
        context = SpanContext(trace, number, is_remote=False, trace_flags=TraceFlags(1))
        above = None if parent is None else SpanContext(trace, parent, is_remote=False, trace_flags=TraceFlags(1))
        times = {"start_time": START_NS + round(begin_ms * MS), "end_time": START_NS + round(end_ms * MS)}
        status = Status(StatusCode.ERROR, failed) if failed else Status()
        self.made.append(ReadableSpan(name, context, above, RESOURCE, attributes=attributes, status=status, **times))
        return number

    def call(self, begin_ms: float, end_ms: float, parent: int, trace: int = 1, **more: Any) -> int:
        """Add a model call."""
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **more}
        return self.add("chat m", begin_ms, end_ms, parent, trace, **attributes)

    def agent(self, name: str, begin_ms: float, end_ms: float, parent: int) -> int:
        """Add a run of an agent."""
        told = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
        return self.add(f"invoke_agent {name}", begin_ms, end_ms, parent, **told)

    def tool(self, name: str, begin_ms: float, end_ms: float, parent: int, **more: Any) -> int:
        """Add an execution of a tool."""
        told = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, **more}
        return self.add(f"execute_tool {name}", begin_ms, end_ms, parent, **told)


def make_agents() -> Shop:
    """Two runs of a helper at the same time, tools that repeat, one that fails, and a second turn a minute later."""
    shop = Shop("agents")
    root = shop.add("POST /chat", 0, 100)
    main = shop.agent("planner", 0, 100, root)
    shop.call(0, 10, main, **{"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 5})
    for begin in (10, 12):
        helper = shop.agent("helper", begin, begin + 40, main)
        shop.call(begin + 1, begin + 20, helper, **{"gen_ai.usage.input_tokens": 10})
        shop.call(begin + 21, begin + 39, helper, **{"gen_ai.usage.input_tokens": 10})
    for place in range(12):
        shop.tool("Read", 60 + place, 60.5 + place, main)
    shop.tool("Bash", 80, 85, main, failed="no such file")
    shop.add("GET /", 60_100, 60_110, trace=2)
    return shop


def make_many(calls: int = 2_300) -> Shop:
    shop = Shop("many")
    root = shop.add("loop", 0, calls)
    for place in range(calls - 1):
        shop.call(place, place + 0.5, root, **{"gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 1})
    return shop


def make_cached() -> Shop:
    """A context that grows, whose cache is lost at the third call."""
    shop = Shop("cached")
    root = shop.add("loop", 0, 100)
    for place, (size, cached) in enumerate(((100, 0), (200, 100), (300, 20), (400, 300))):
        told = {"gen_ai.usage.input_tokens": size, "gen_ai.usage.cache_read.input_tokens": cached}
        shop.call(place * 10, place * 10 + 5, root, **told)
    return shop


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    path = tmp_path_factory.mktemp("made") / "otel.db"
    with exporting(path, cost="off") as exporter:
        for number, shop in enumerate((make_agents(), make_many(), make_cached()), 1):
            exporter.export([move(span, number) for span in shop.made])
        for number, id in enumerate(HOSTILE_IDS, 10):
            shop = Shop(id)
            root = shop.add(HOSTILE_TEXTS[number % len(HOSTILE_TEXTS)] or "-", 0, 5)
            shop.call(1, 2, root, **{"gen_ai.agent.name": HOSTILE_TEXTS[number % 7], "user.id": id})
            exporter.export([move(span, number) for span in shop.made])
    with browsing(path) as client:
        yield client


def move(span: ReadableSpan, number: int) -> ReadableSpan:
    """The span in traces of its own."""
    for context in (span.context, span.parent):
        if context is not None:
            moved = SpanContext(context.trace_id + 100 * number, context.span_id, False, context.trace_flags)
            if context is span.context:
                span._context = moved
            else:
                span._parent = moved
    return span


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
    assert len(page) < 300_000


def test_a_prefix_shows_the_session_and_others_are_explained(made: PageClient) -> None:
    assert '<span id="session-id" class="mono">agents</span>' in made.open("/sessions/age")
    missing = made.ask("/sessions/nothing")
    assert missing.status_code == 404
    assert 'role="alert"' in missing.text
    assert 'href="/search?q=nothing"' in missing.text
    several = made.ask("/sessions/" + "a")
    assert several.status_code == 404
    assert 'href="/sessions/agents"' in several.text
    assert made.ask("/sessions/nothing", part="steps").status_code == 404


def test_a_session_without_steps_leads_on(tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    shop = Shop("quiet")
    shop.add("work", 0, 10)
    with exporting(path) as exporter:
        exporter.export(shop.made)
    with browsing(path) as client:
        for tab in PAGES[0].parameters[1].choices:
            assert "quiet" in client.open("/sessions/quiet", tab=tab)
