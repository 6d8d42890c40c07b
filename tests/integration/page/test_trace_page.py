# SPDX-License-Identifier: Apache-2.0
"""The page of a trace, as it is without scripts: its rows, folded and searched, the panel of a span, and its tabs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import NamedTuple

import pytest

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.query.skeletons.trace_skeleton import ROLES, read_skeleton
from otel_sqlite_exporter.server.api.api_answers import accepts_gzip
from otel_sqlite_exporter.server.page.page_links import link_trace
from otel_sqlite_exporter.server.page.trace.waterfall_rows import make_ticks
from tests.agent_files import write_capture_file, write_hostile_file
from tests.conftest import exporting
from tests.otlp_captures.capture_files import list_captures
from tests.page_server import PageClient, browsing
from tests.waterfall_traces import (
    CYCLE,
    DEEP,
    DEPTH,
    LOGS,
    ONE,
    ORPHANS,
    SHARED,
    TREE,
    WIDE,
    WIDTH,
    make_span,
    span_id,
    trace_id,
    write_waterfalls,
)


class Row(NamedTuple):
    """A row of a waterfall: how far it is indented, the name of its span, and all its text."""

    indent: int
    name: str
    text: str


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    with browsing(write_waterfalls(tmp_path_factory.mktemp("traces") / "otel.db")) as client:
        yield client


def read_rows(html: str) -> list[Row]:
    table = html.partition('<div class="wf-rows"')[2].partition('<aside id="panel"')[0].partition("<nav")[0]
    rows = []
    for row in table.split('<div class="wf-row')[1:]:
        text = unescape(re.sub(r"<[^>]+>", " ", row.partition(">")[2]))
        indent = re.search(r'class="wf-indent" width="(\d+)"', row)
        name = re.search(r"<a href=[^>]+>(.*?)</a>", row)
        rows.append(Row(int(indent[1]) if indent else -1, unescape(name[1]) if name else "", " ".join(text.split())))
    return rows


def read_names(html: str) -> list[str]:
    return [row.name for row in read_rows(html)]


def open_trace(page: PageClient, trace: int, **arguments: str | int) -> str:
    return page.open(link_trace(trace_id(trace), **arguments))


def test_rows_are_in_the_order_of_the_tree_with_what_they_recorded(page: PageClient) -> None:
    html = open_trace(page, TREE)
    rows = read_rows(html)
    assert [(row.indent // 12, row.name) for row in rows] == [
        (0, "POST /chat"),
        (1, "invoke_agent planner"),
        (2, "chat gpt-4o"),
        (2, "execute_tool find_order"),
        (3, "SELECT"),
        (1, "send"),
    ]
    assert [part in rows[2].text for part in ("gpt-4o", "40 ms", "1.2k")] == [True] * 3
    assert "find_order" in rows[3].text
    assert "failed" in rows[4].text
    assert "1 link" in rows[5].text
    assert re.findall(r"wf-icon role-(\w+)", html) == ["server", "agent", "call", "tool", "client", "message"]
    assert html.count('class="mark bad"') == 2  # an exception and a log record of an error
    assert html.count('class="mark event"') == 1
    for shown in ("shop", "stock", "pay", "1.2k", "100 ms"):
        assert shown in html


def test_spans_whose_parent_is_missing_stand_together(page: PageClient) -> None:
    rows = read_rows(open_trace(page, ORPHANS))
    assert [(row.indent // 12, row.name or row.text) for row in rows] == [
        (0, "step 1"),
        (-1, f"The parent {span_id(90)} is missing: 3 spans"),
        (1, "step 2"),
        (2, "step 3"),
        (1, "step 5"),
        (-1, f"The parent {span_id(91)} is missing: 1 span"),
        (1, "step 4"),
    ]
    assert f"Its parent <code>{span_id(90)}</code> is not in the file" in open_trace(page, ORPHANS, span=span_id(2))


def test_a_cycle_is_shown_once(page: PageClient) -> None:
    html = open_trace(page, CYCLE)
    assert sorted(filter(None, read_names(html))) == ["step 1", "step 2", "step 3"]
    assert "leads in a circle: " in html
    assert "is missing" not in html


def test_a_deep_trace_is_shown_page_by_page(page: PageClient) -> None:
    html = open_trace(page, DEEP)
    assert f"of {DEPTH:,}" in html
    assert read_names(html)[0] == "step 1"
    last = open_trace(page, DEEP, **{"from": DEPTH - 5})
    assert read_names(last) == [f"step {number}" for number in range(DEPTH - 4, DEPTH + 1)]


def test_pages_together_have_every_row_once(page: PageClient) -> None:
    found: list[str] = []
    link: str | None = link_trace(trace_id(WIDE))
    while link:
        html = page.open(link)
        found += re.findall(rf"/traces/{trace_id(WIDE)}\?span=([0-9a-f]{{16}})", html.partition('class="wf-pages"')[0])
        following = re.search(r'<a rel="next" href="([^"]+)">Lines after', html)
        link = unescape(following[1]) if following else None
    assert found == [span_id(number) for number in range(1, WIDTH + 1)]


def test_levels_and_repeats_are_folded(page: PageClient) -> None:
    rows = read_rows(open_trace(page, TREE, depth=1))
    assert [row.name for row in rows] == ["POST /chat", "invoke_agent planner", "send"]
    assert "3 below" in rows[1].text
    assert "1 failed" in rows[1].text
    rows = read_rows(open_trace(page, WIDE, repeats="true"))
    assert [row.name for row in rows] == ["step 1", "alike", "alike", "alike"]
    assert [f"×{count}" in row.text for count, row in zip((698, 1, 500), rows[1:], strict=True)] == [True, False, True]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("SELECT", ["POST /chat", "invoke_agent planner", "execute_tool find_order", "SELECT"]),
        ("gpt-4O", ["POST /chat", "invoke_agent planner", "chat gpt-4o"]),
        ("find_order", ["POST /chat", "invoke_agent planner", "execute_tool find_order"]),
        ("pay", ["POST /chat", "send"]),
        (span_id(6), ["POST /chat", "send"]),
        ("nothing of the kind", []),
    ],
)
def test_what_is_searched_is_shown_with_what_is_above_it(page: PageClient, text: str, names: list[str]) -> None:
    html = open_trace(page, TREE, q=text)
    assert read_names(html) == names
    assert f"{1 if names else 0} found" in html
    assert html.count("is-match") == (1 if names else 0)


def test_the_panel_of_a_span_has_what_hangs_on_it(page: PageClient) -> None:
    html = open_trace(page, TREE, span=span_id(5))
    for shown in ("it took too long", "TimeoutError", "too late", "line 1\nline 2", "noted", "the database is slow"):
        assert shown in html
    assert f'href="/api/v1/traces/{trace_id(TREE)}/spans/{span_id(5)}"' in html
    assert "start record" in html
    assert "finish record" in html
    html = open_trace(page, TREE, span=span_id(1))
    for shown in ('<span class="type">double</span>', '<span class="type">bool</span>', "http.route", "Spans below"):
        assert shown in html


def test_the_panel_recognises_calls_and_tools(page: PageClient) -> None:
    call = open_trace(page, TREE, span=span_id(3))
    for shown in ("where is my order?", "on its way", 'href="/calls/', "1.2k"):
        assert shown in call
    tool = open_trace(page, TREE, span=span_id(4))
    for shown in ("Arguments", "Result", "sent", 'href="/tools/'):
        assert shown in tool


def test_links_lead_both_ways(page: PageClient) -> None:
    there = open_trace(page, TREE, span=span_id(6))
    assert f'href="{link_trace(trace_id(ONE), span=span_id(1))}"' in there
    assert "after" in there
    back = open_trace(page, ONE, span=span_id(1))
    assert f'href="{link_trace(trace_id(TREE), span=span_id(6))}"' in back


def test_spans_that_share_an_id_are_told_apart(page: PageClient) -> None:
    html = open_trace(page, SHARED)
    links = [unescape(link) for link in re.findall(r'<a href="(/traces/[^"]+&amp;row=\d+)"', html)]
    assert len(set(links)) == 2
    headings = [re.search(r'id="span-name">.*?</svg>\s*(\w+)</h2>', page.open(link)) for link in links]
    assert [found and found[1] for found in headings] == ["call", "answer"]
    assert "Other spans have the same id" in page.open(links[0])


def test_a_panel_is_a_page_and_a_part(page: PageClient) -> None:
    link = f"{link_trace(trace_id(TREE))}/spans/{span_id(3)}"
    assert "<h1" in page.open(link)
    part = page.open(link, part="panel")
    assert part.lstrip().startswith("<article")
    assert "<h1" not in part
    raw = page.open(link, view="raw")
    assert "start_time_unix_nano" in raw


def test_the_beginning_of_an_id_is_enough(page: PageClient) -> None:
    assert page.ask(f"/traces/{trace_id(TREE)[:-1]}").status_code == 404  # several begin with it
    answer = page.ask("/traces/ffff")
    assert answer.status_code == 404
    assert 'role="alert"' in answer.text
    answer = page.ask(link_trace(trace_id(TREE), span="abc"))
    assert answer.status_code == 404
    assert "there is no span" in answer.text
    assert len(read_rows(answer.text)) == 6
    assert page.ask(f"/traces/{trace_id(TREE)}/spans/abc").status_code == 404


def test_a_trace_of_log_records_alone_leads_to_them(page: PageClient) -> None:
    html = open_trace(page, LOGS)
    assert "tab=logs" in html
    assert "no span tells of this" in open_trace(page, LOGS, tab="logs")
    for tab in ("messages", "services", "earlier"):
        open_trace(page, LOGS, tab=tab)


def test_the_tabs_show_the_rest(page: PageClient) -> None:
    assert "where is my order?" in open_trace(page, TREE, tab="messages")
    assert "where is my order?" in open_trace(page, TREE, tab="messages", view="raw")
    assert "the database is slow" in open_trace(page, TREE, tab="logs")
    services = open_trace(page, TREE, tab="services")
    assert [name in services for name in ("shop", "stock", "pay")] == [True] * 3
    assert "No earlier trace" in open_trace(page, TREE, tab="earlier")


def test_an_earlier_trace_can_be_compared(tmp_path: Path) -> None:
    with browsing(write_capture_file(tmp_path / "otel.db", "langgraph-oi", "langgraph-oi")) as client:
        traces = TelemetryDatabase(tmp_path / "otel.db").find_traces(limit=50)
        names = [trace.name for trace in traces]
        last = next(trace for trace in traces if names.count(trace.name) > 1)
        html = client.open(link_trace(last.trace_id, tab="earlier"))
        assert "/compare?a=trace%3A" in html
        assert f"b=trace%3A{last.trace_id}" in html


def test_the_head_is_answered_alone(page: PageClient) -> None:
    html = page.open(link_trace(trace_id(TREE)), part="head")
    assert "POST /chat" in html
    assert "wf-row" not in html


def test_a_subtree_is_answered_for_readers_of_text(page: PageClient) -> None:
    answer = page.http.get(f"/api/v1/traces/{trace_id(TREE)}/spans/{span_id(2)}/subtree").json()
    spans = answer["data"]["spans"]
    assert [(span["depth"], span["name"]) for span in spans] == [
        (0, "invoke_agent planner"),
        (1, "chat gpt-4o"),
        (1, "execute_tool find_order"),
        (2, "SELECT"),
    ]
    assert (spans[1]["recorded"], spans[1]["tokens"]) == ("gpt-4o", 1234)
    assert spans[3]["status_description"] == "it took too long"
    assert (answer["total"], answer["truncated"]) == (4, False)
    cut = page.http.get(f"/api/v1/traces/{trace_id(DEEP)}/spans/{span_id(1)}/subtree", params={"limit": 3}).json()
    assert (len(cut["data"]["spans"]), cut["total"], cut["truncated"]) == (3, DEPTH, True)


def test_what_is_written_meanwhile_is_shown(tmp_path: Path) -> None:
    """Skeletons are kept while the file is the same."""
    with exporting(tmp_path / "otel.db") as exporter:
        exporter.export([make_span(ONE, 1, name="alone")])
        with browsing(tmp_path / "otel.db") as client:
            for _ in range(2):
                assert read_names(open_trace(client, ONE)) == ["alone"]
            exporter.export([make_span(ONE, 2, 1, name="below", at=1, took=5)])
            assert read_names(open_trace(client, ONE)) == ["alone", "below"]
            assert "below" in open_trace(client, ONE, span=span_id(1))


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q = 0.000", False),
    ],
)
def test_answers_are_packed_for_those_who_take_that(accepted: str, is_packed: bool) -> None:
    assert accepts_gzip(accepted) is is_packed


@pytest.mark.parametrize("whole_ns", [1, 999, 10**6, 1_234_567, 10**9, 61 * 10**9, 3_700 * 10**9, 10**15, 10**18])
def test_a_ruler_has_a_few_ticks(whole_ns: int) -> None:
    ticks = make_ticks(whole_ns)
    assert 1 <= len(ticks) <= 8
    assert len({text for _, text in ticks}) == len(ticks)


@pytest.mark.slow
def test_every_kind_of_span_of_captures_has_a_panel(tmp_path: Path) -> None:
    path = write_capture_file(tmp_path / "otel.db", *list_captures()[::10])
    file = TelemetryFile(str(path), 5_000)
    seen: set[tuple[str | None, int]] = set()
    with browsing(path) as client:
        for trace in TelemetryDatabase(path).find_traces(limit=500):
            skeleton = file.read(read_skeleton, trace.trace_id)
            kinds = {(trace.service_name, role): at for at, role in enumerate(skeleton.spans["role"])}
            for kind in kinds.keys() - seen:
                seen.add(kind)
                html = client.open(link_trace(trace.trace_id, span=skeleton.spans["span_id"][kinds[kind]]))
                assert "span-panel" in html
                assert len(read_rows(html)) >= min(len(skeleton), 250)
    assert {role for _, role in seen} >= {ROLES.index(role) for role in ("span", "call", "tool", "agent")}


@pytest.mark.slow
def test_hostile_texts_do_nothing(tmp_path: Path) -> None:
    path = write_hostile_file(tmp_path / "otel.db")
    with browsing(path) as client:
        (trace,) = TelemetryDatabase(path).find_traces()
        link = link_trace(trace.trace_id)
        for tab in ("waterfall", "messages", "logs", "services", "earlier"):
            check_harmless(client.open(link, tab=tab))
        skeleton = TelemetryFile(str(path), 5_000).read(read_skeleton, trace.trace_id)
        for id in skeleton.spans["span_id"][::3]:
            check_harmless(client.open(f"{link}/spans/{id}"))
        check_harmless(client.open(f"{link}/spans/{skeleton.spans['span_id'][1]}", view="raw"))
        client.http.get(f"/api/v1{link}/spans/{skeleton.spans['span_id'][0]}/subtree").raise_for_status()


def check_harmless(html: str) -> None:
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert len(html) < 10_000_000  # a hidden character is written out in fifty
