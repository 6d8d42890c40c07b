# SPDX-License-Identifier: Apache-2.0
"""The waterfall of a trace in a browser: a window on a list of any length, folded, searched, zoomed, by keys alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import set_span_in_context
from playwright.sync_api import expect

from otel_sqlite_exporter.server.page.page_links import link_trace
from tests.agent_files import write_large_trace
from tests.browser.conftest import Open
from tests.browser.visits import Visit
from tests.conftest import exporting
from tests.page_server import PageClient, browsing
from tests.waterfall_traces import DEEP, DEPTH, ORPHANS, SHARED, TREE, WIDE, WIDTH, span_id, trace_id, write_waterfalls

SPANS = 50_000
READY = "#waterfall[data-ready]"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    with browsing(write_waterfalls(tmp_path_factory.mktemp("traces") / "otel.db")) as client:
        yield client


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PageClient, str]]:
    with browsing(write_large_trace(tmp_path_factory.mktemp("large") / "otel.db", SPANS)) as client:
        (trace,) = client.http.get("/api/v1/traces").json()["data"]
        yield client, trace["trace_id"]


def open_waterfall(tab: Visit, trace: int | str, query: str = "") -> None:
    tab.open(f"/traces/{trace if isinstance(trace, str) else trace_id(trace)}{query}")
    tab.page.wait_for_selector(READY)


def read_names(tab: Visit) -> list[str]:
    """The names of the rows in the document, from the top."""
    rows: list[str] = tab.evaluate(
        "[...document.querySelectorAll('.wf-body > .wf-row')]"
        ".sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map(row => row.querySelector('a, code').textContent)"
    )
    return rows


def read_here(tab: Visit) -> str:
    """The name of the row where one is."""
    name: str = tab.page.locator(".wf-row.is-here a").inner_text()
    return name


def count_lines(tab: Visit) -> int:
    return int(tab.page.locator(".wf-scroller").get_attribute("aria-rowcount") or 0) - 1


def test_fifty_thousand_spans_are_a_window_on_a_list(visit: Open, large: tuple[PageClient, str]) -> None:
    client, trace = large
    tab = visit(client)
    open_waterfall(tab, trace)
    assert count_lines(tab) == SPANS
    assert tab.count(".wf-body > .wf-row") < 80
    tab.page.focus(".wf-scroller")
    tab.page.keyboard.press("End")
    last = tab.page.locator(".wf-row.is-here")
    assert last.get_attribute("aria-rowindex") == str(SPANS + 1)
    assert tab.count(".wf-body > .wf-row") < 80
    tab.page.keyboard.press("Home")
    tab.page.keyboard.press("e")
    assert "failed" in tab.page.locator(".wf-row.is-here").inner_text()
    tab.page.fill("input[name=q]", "m-1")
    assert "found" in tab.page.locator(".wf-tools [role=status]").inner_text()
    tab.page.keyboard.press("Enter")
    assert "m-1" in tab.page.locator(".wf-row.is-here").inner_text()
    tab.page.click("button:text-is('Fold')")
    assert count_lines(tab) == 1
    assert f"{SPANS - 1} below" in tab.page.locator(".wf-row.is-here, .wf-body > .wf-row").first.inner_text()
    tab.check()


CELLS = "rows => rows.map(row => [...row.children].map(cell => cell.textContent.replace(/[▶▼\\s]+/g, '')))"
BARS = "bars => bars.map(bar => [...bar.children].map(part => part.getAttribute('class')))"


def test_rows_are_those_of_the_server(visit: Open, traces: PageClient) -> None:
    drawn, served = visit(traces), visit(traces, scripts=False)
    for trace, query in (
        (TREE, ""),
        (ORPHANS, ""),
        (TREE, "?depth=1"),
        (WIDE, "?repeats=true"),
        (SHARED, ""),
        (DEEP, "?depth=30"),
    ):
        open_waterfall(drawn, trace, query)
        served.open(f"/traces/{trace_id(trace)}{query}")
        for what, selector in ((CELLS, ".wf-row:not(.wf-header)"), (BARS, ".wf-bar")):
            own = drawn.page.locator(selector).evaluate_all(what)
            assert own == served.page.locator(selector).evaluate_all(what), (trace, query)
            assert own


def test_a_subtree_is_folded_by_click_and_by_keys(visit: Open, traces: PageClient) -> None:
    tab = visit(traces)
    open_waterfall(tab, TREE)
    tab.page.click(".wf-row:has-text('invoke_agent') .wf-twist")
    assert read_names(tab) == ["POST /chat", "invoke_agent planner", "send"]
    assert "3 below" in tab.page.locator(".wf-row:has-text('invoke_agent')").inner_text()
    tab.page.focus(".wf-scroller")
    for key, here, lines in (
        ("ArrowDown", "invoke_agent planner", 3),
        ("ArrowRight", "invoke_agent planner", 6),
        ("ArrowRight", "chat gpt-4o", 6),
        ("ArrowLeft", "invoke_agent planner", 6),
        ("ArrowLeft", "invoke_agent planner", 3),
        ("ArrowLeft", "POST /chat", 3),
        (" ", "POST /chat", 1),
        (" ", "POST /chat", 3),
        ("End", "send", 3),
        ("Home", "POST /chat", 3),
        ("j", "invoke_agent planner", 3),
        ("e", "SELECT", 6),
    ):
        tab.page.keyboard.press(key)
        assert (read_here(tab), count_lines(tab)) == (here, lines), key
    row = tab.page.locator(".wf-row:has-text('invoke_agent')")
    assert (row.get_attribute("aria-expanded"), row.get_attribute("aria-level")) == ("true", "2")
    tab.check()


def test_a_span_is_opened_beside_and_is_in_the_link(visit: Open, traces: PageClient) -> None:
    tab = visit(traces)
    open_waterfall(tab, TREE)
    tab.page.click(".wf-row a:has-text('SELECT')")
    tab.page.wait_for_selector("#panel h2:has-text('SELECT')")
    assert f"span={span_id(5)}" in tab.page.url
    tab.page.click("#panel .above a:has-text('invoke_agent')")
    tab.page.wait_for_selector("#panel h2:has-text('invoke_agent')")
    tab.page.click("#panel a:has-text('Exact text')")
    tab.page.wait_for_selector("#panel :text('start_time_unix_nano')")
    tab.page.go_back()
    tab.page.wait_for_selector("#panel h2:has-text('SELECT')")
    assert read_here(tab) == "SELECT"
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_selector("#panel:empty", state="attached")
    assert "span=" not in tab.page.url
    tab.page.go_back()
    tab.page.wait_for_selector("#panel h2:has-text('SELECT')")
    tab.page.reload()
    tab.page.wait_for_selector(READY)
    assert read_here(tab) == "SELECT"
    tab.check()


def test_the_state_of_the_view_is_in_the_link(visit: Open, traces: PageClient) -> None:
    tab = visit(traces)
    open_waterfall(tab, TREE)
    tab.page.fill("input[name=q]", "chat")
    tab.page.fill("input[name=depth]", "2")
    tab.page.wait_for_function("['q=chat', 'depth=2'].every(one => location.search.includes(one))")
    assert read_names(tab) == ["POST /chat", "invoke_agent planner", "chat gpt-4o", "execute_tool find_order", "send"]
    tab.page.reload()
    tab.page.wait_for_selector(READY)
    assert tab.page.input_value("input[name=q]") == "chat"
    assert count_lines(tab) == 5
    assert tab.count(".wf-row.is-match") == 2
    tab.page.focus(".wf-scroller")
    for key, here in (("n", "chat gpt-4o"), ("n", "POST /chat"), ("N", "chat gpt-4o")):
        tab.page.keyboard.press(key)
        assert read_here(tab) == here


def test_repeats_are_folded_and_unfolded(visit: Open, traces: PageClient) -> None:
    tab = visit(traces)
    open_waterfall(tab, WIDE)
    assert count_lines(tab) == WIDTH
    tab.page.check("input[name=repeats]")
    assert count_lines(tab) == 4
    assert "×698" in tab.page.locator(".wf-body > .wf-row").nth(1).inner_text()
    tab.page.click(".wf-row:has-text('×698') .wf-twist")
    assert count_lines(tab) == 4 + 697


def test_the_time_is_zoomed(visit: Open, traces: PageClient) -> None:
    tab = visit(traces)
    open_waterfall(tab, TREE)

    def width() -> float:
        bar = tab.page.locator(".wf-row:has-text('execute_tool') .whole")
        return float(str(bar.get_attribute("width")).removesuffix("%"))

    assert width() == pytest.approx(20)
    tab.page.dblclick(".wf-row:has-text('execute_tool') .wf-time")
    tab.page.wait_for_selector("#panel h2:has-text('execute_tool')")  # the waterfall is narrower now
    assert width() > 85
    tab.page.keyboard.press("Escape")
    assert width() == pytest.approx(20)
    box = tab.page.locator(".wf-map").bounding_box()
    assert box is not None
    tab.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 10)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 10)
    tab.page.mouse.up()
    assert width() == pytest.approx(80, abs=2)


def test_spans_appear_as_they_are_written(visit: Open, tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    with exporting(path) as exporter:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracer = provider.get_tracer("tests")
        root = tracer.start_span("root")
        below = set_span_in_context(root)
        tracer.start_span("first", below).end()
        with browsing(path) as client:
            tab = visit(client)
            open_waterfall(tab, f"{root.get_span_context().trace_id:032x}")
            assert read_names(tab)[-1] == "first"
            expect(tab.page.locator(".live-state")).to_have_text("Live")
            tracer.start_span("second", below).end()
            expect(tab.page.locator(".wf-row a:has-text('second')")).to_be_visible()
            root.end()
            expect(tab.page.locator(".wf-row a:has-text('root')")).to_be_visible()
            assert read_names(tab) == ["root", "first", "second"]
            assert read_here(tab) == "first"
            tab.check()


def test_a_deep_trace_stays_in_its_place(visit: Open, traces: PageClient) -> None:
    tab = visit(traces, 390)
    open_waterfall(tab, DEEP)
    tab.page.focus(".wf-scroller")
    tab.page.keyboard.press("End")
    assert read_here(tab) == f"step {DEPTH}"
    assert not tab.is_wider_than_its_window()
    assert tab.find_barriers() == []


def test_a_link_to_a_span_far_down_shows_it_in_the_window(visit: Open, traces: PageClient) -> None:
    tab = visit(traces)
    for trace, last in ((WIDE, WIDTH), (DEEP, DEPTH)):
        for number in (last // 2, last - 1, 2):
            tab.open(link_trace(trace_id(trace), span=span_id(number)))
            expect(tab.page.locator(".wf-row.is-here")).to_be_in_viewport(ratio=1)
            expect(tab.page.locator("#panel")).to_contain_text(span_id(number))
