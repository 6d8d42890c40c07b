# SPDX-License-Identifier: Apache-2.0
"""Pages that stay up to date while something is written, and readers who do not lose their place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import Span, SpanContext, TraceFlags
from playwright.sync_api import expect

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.server.api.list_answers import LISTED
from tests.browser.conftest import Open
from tests.browser.visits import Visit
from tests.conftest import export_all, exporting, in_new_process, named, read
from tests.page_server import PageClient, browsing

ROWS = "[data-live] [data-key]"
HIDE = """isHidden => {
    Object.defineProperty(document, 'hidden', {get: () => isHidden, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
}"""
COUNT_MARKED = """() => {
    window.marked = 0;
    const count = found => { window.marked += found.filter(one => one.target.hasAttribute('data-fresh')).length; };
    new MutationObserver(count).observe(document.body, {attributeFilter: ['data-fresh'], subtree: true});
}"""
FOCUSED = "document.activeElement.closest('[data-key]')?.dataset.key"
A_PIXEL = 1
TOP = "document.activeElement.getBoundingClientRect().top"

pytestmark = pytest.mark.slow


@pytest.fixture
def growing(path: Path) -> Iterator[PageClient]:
    """A server of a file with 40 traces, to which tests write."""
    write(path, *named("old", 40))
    with browsing(path) as client:
        yield client


@pytest.fixture
def tab(visit: Open, growing: PageClient) -> Visit:
    opened = visit(growing)
    opened.open("/traces")
    wait_until_live(opened)
    return opened


def wait_until_live(tab: Visit) -> None:
    expect(tab.page.locator(".live-state")).to_have_text("Live")


def write(path: Path | str, *names: str) -> None:
    """A program: write a trace of each name."""
    with exporting(path) as exporter:
        export_all(exporter, *names)


def write_elsewhere(path: str, *names: str) -> None:
    """A program of another process."""
    write(path, *names)


def wait_for_rows(tab: Visit, number: int) -> None:
    expect(tab.page.locator(ROWS)).to_have_count(number)


def test_what_another_process_writes_arrives_and_is_marked(tab: Visit, path: Path) -> None:
    tab.evaluate(COUNT_MARKED)
    in_new_process(write_elsewhere, path, "new")
    wait_for_rows(tab, 41)
    first = tab.page.locator(ROWS).first
    expect(first).to_contain_text("new")
    assert tab.evaluate("window.marked") == 1
    expect(tab.page.locator("[data-fresh]")).to_have_count(0)


def test_the_place_and_the_focus_of_the_reader_stay(tab: Visit, path: Path) -> None:
    for _ in range(30):
        tab.page.keyboard.press("j")
    tab.evaluate("scrollBy(0, 60)")
    before = tab.evaluate(FOCUSED), tab.evaluate(TOP)
    assert tab.evaluate("scrollY") > 0
    write(path, *named("new", 7))
    wait_for_rows(tab, 47)
    assert tab.evaluate(FOCUSED) == before[0]
    assert abs(tab.evaluate(TOP) - before[1]) < A_PIXEL


def test_a_list_that_one_has_scrolled_does_not_move(tab: Visit, path: Path) -> None:
    tab.evaluate("scrollTo(0, 500)")
    find = f"[...document.querySelectorAll('{ROWS}')].find(row => row.getBoundingClientRect().top >= 0)"
    seen = tab.page.evaluate_handle(find)
    top = seen.evaluate("row => row.getBoundingClientRect().top")
    write(path, *named("new", 7))
    wait_for_rows(tab, 47)
    assert abs(seen.evaluate("row => row.getBoundingClientRect().top") - top) < A_PIXEL


def test_a_hidden_tab_asks_nothing_until_it_is_looked_at(tab: Visit, path: Path) -> None:
    tab.evaluate(HIDE, True)
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    other = tab.page.context.new_page()
    other.goto(tab.page.url)
    write(path, "new")
    expect(other.locator(ROWS)).to_have_count(41)
    other.close()
    assert asked == []
    assert tab.count(ROWS) == 40
    tab.evaluate(HIDE, False)
    wait_for_rows(tab, 41)
    assert [url for url in asked if url.endswith("/api/v1/stream")] != []


def test_new_rows_wait_when_one_does_not_follow(tab: Visit, path: Path, growing: PageClient) -> None:
    follow = tab.page.get_by_role("button", name="Follow")
    assert follow.get_attribute("aria-pressed") == "true"
    tab.page.keyboard.press(".")
    assert follow.get_attribute("aria-pressed") == "false"
    write(path, *named("new", 3))
    pill = tab.page.get_by_role("button", name="3 new rows")
    expect(pill).to_be_visible()
    expect(tab.page.locator(".unseen[role=status]")).to_have_text("3 new rows")
    assert tab.count(ROWS) == 40
    pill.click()
    wait_for_rows(tab, 43)
    tab.open("/traces")
    assert follow.get_attribute("aria-pressed") == "false"


def test_a_lost_server_is_said_and_found_again(visit: Open, growing: PageClient, path: Path) -> None:
    tab = visit(growing)
    tab.tolerate_failed_requests()
    tab.page.route("**/api/v1/stream", lambda route: route.abort())
    tab.open("/traces")
    state = tab.page.locator(".live-state")
    expect(state).to_contain_text("Not live since")
    write(path, "new")
    tab.page.unroute("**/api/v1/stream")
    wait_for_rows(tab, 41)
    expect(state).to_have_text("Live")


MORPH = """async script => {
    const {morphChildren} = await import(script);
    let seed = 7;
    const random = bound => (seed = (seed * 48271) % 2147483647) % bound;
    const pick = () => [...'abcdefghijkl'].filter(() => random(3)).sort(() => random(3) - 1);
    const build = keys => {
        const list = document.createElement('ul');
        const fold = () => `<details><summary>${random(2)}</summary></details>`;
        list.innerHTML = keys.map(key => `\\n <li data-key="${key}">${fold()}</li>`).join('');
        return list;
    };
    const wrong = [];
    for (let number = 0; number < 500; number += 1) {
        const [before, after] = [pick(), pick()];
        const [old, fresh] = [build(before), build(after)];
        document.body.append(old);
        const nodes = new Map([...old.children].map(node => [node.dataset.key, node]));
        for (const node of nodes.values()) node.firstElementChild.open = true;
        morphChildren(old, fresh, {isHeld: false, held: 0, added: []});
        const found = [...old.children].map(node => node.dataset.key);
        const last = Math.max(-1, ...before.map((key, place) => after.includes(key) ? place : -1));
        const below = before.filter((key, place) => last >= 0 && place > last && after.length >= before.length);
        const same = [...old.children].every(node => !nodes.has(node.dataset.key)
            || (nodes.get(node.dataset.key) === node && node.firstElementChild.open));
        const texts = [...old.children].slice(0, after.length).map(node => node.textContent);
        if (found.slice(0, after.length).join() !== after.join() && below.length === 0 || !same
            || found.filter(key => !below.includes(key)).join() !== after.join()
            || found.length !== after.length + below.length
            || texts.join() !== [...fresh.children].map(node => node.textContent).join() && below.length === 0)
            wrong.push([before.join(''), after.join(''), found.join('')]);
        old.remove();
    }
    return wrong;
}"""


def test_any_list_becomes_any_other_and_keeps_what_both_have(tab: Visit) -> None:
    script = tab.evaluate("document.querySelector('script[type=module]').src.replace('page.js', 'morph.js')")
    assert tab.evaluate(MORPH, script) == []


CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "slow-model", "session.id": "s"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "slow-tool", "session.id": "s"}
AN_HOUR_AHEAD = """
    const {now} = Date, origin = performance.timeOrigin;
    Date.now = () => now() + 3600e3;
    Object.defineProperty(performance, 'timeOrigin', {value: origin + 3600e3});
"""
COUNTING = "[data-running-since]"
SECONDS = re.compile(r"^(\d+ min )?\d+ s$")
SAID = "all is said"
MESSAGE = '[{"role": "assistant", "parts": [{"type": "text", "content": "all is said"}]}]'


class Program:
    """A program that makes calls and runs tools, each written as it starts and as it ends."""

    def __init__(self, path: Path) -> None:
        self._processor = SQLiteSpanProcessor(path, open_delay_ms=0)
        self._provider = TracerProvider(shutdown_on_exit=False)
        self._provider.add_span_processor(self._processor)

    def start(self, attributes: Mapping[str, str], **more: str) -> Span:
        span = self._provider.get_tracer("page").start_span("slow", attributes={**attributes, **more})
        self._processor.force_flush()
        return span

    def end(self, span: Span, **attributes: str | int) -> None:
        span.set_attributes({f"gen_ai.{name.replace('__', '.')}": value for name, value in attributes.items()})
        span.end()
        self._processor.force_flush()

    def stop(self) -> None:
        self._provider.shutdown()


@pytest.fixture
def program(path: Path) -> Iterator[Program]:
    """A program that has made one call."""
    program = Program(path)
    program.end(program.start(CALL))
    try:
        yield program
    finally:
        program.stop()


def test_a_page_of_what_runs_follows_it(visit: Open, path: Path, program: Program) -> None:
    links = ("/sessions/s", "/sessions/s?tab=conversation", "/sessions/s?tab=cost", "/calls", "/")
    with browsing(path) as server:
        tabs = [visit(server) for _ in links]
        for tab, link in zip(tabs, links, strict=True):
            tab.page.add_init_script(AN_HOUR_AHEAD)
            tab.open(link)
            wait_until_live(tab)
        running = program.start(CALL)
        for tab in tabs[:3]:
            expect(tab.page.locator(".session-head")).to_contain_text("running")
            expect(tab.page.locator(".session-head .figures")).to_contain_text("calls2")
        expect(tabs[1].page.locator("article.said")).to_have_count(2)
        expect(tabs[2].page.locator("table.costs [data-row]")).to_have_count(2)
        expect(tabs[4].page.locator(".figures")).to_contain_text("2 model calls")
        for tab in tabs:
            counting = tab.page.locator(COUNTING).first
            expect(counting).to_have_text(SECONDS)
            expect(counting).not_to_have_text(counting.inner_text())
        program.end(running, usage__input_tokens=1200, usage__output_tokens=30)
        for tab in tabs:
            expect(tab.page.locator(COUNTING)).to_have_count(0)
        for tab in tabs[:3]:
            expect(tab.page.locator(".session-head")).to_contain_text("ok")
            expect(tab.page.locator(".session-head .figures")).to_contain_text("input1.2")
        for tab in tabs:
            tab.page.close()


@pytest.mark.parametrize(("kind", "attributes"), [("calls", CALL), ("tools", TOOL)])
def test_the_page_of_a_call_or_a_tool_shows_how_it_ends(
    visit: Open, path: Path, program: Program, kind: str, attributes: dict[str, str]
) -> None:
    running = program.start(attributes)
    ((id,),) = read(path, f"SELECT id FROM {LISTED[kind].name} WHERE status = 'running'")
    with browsing(path) as server:
        tab = visit(server)
        tab.open(f"/{kind}/{id}")
        wait_until_live(tab)
        main = tab.page.locator("main")
        expect(main).to_contain_text("It is not there yet")
        expect(tab.page.locator(COUNTING)).to_have_text(SECONDS)
        program.end(program.start(attributes))  # its row comes between
        program.end(running, tool__call__result=SAID, output__messages=MESSAGE)
        expect(main).to_contain_text(SAID)
        expect(main).not_to_contain_text("running")
        expect(tab.page.locator(COUNTING)).to_have_count(0)
        tab.page.reload()
        expect(main).to_contain_text(SAID)
        expect(tab.page.get_by_role("button", name="Follow")).to_have_count(0)


def test_the_overview_of_a_new_file_comes_alive(visit: Open, path: Path) -> None:
    with browsing(path, has_receiver=True) as server:
        tab = visit(server)
        tab.open("/")
        wait_until_live(tab)
        main = tab.page.locator("main")
        expect(main).to_contain_text("Nothing is recorded yet")
        write(path, "first")
        expect(main).to_contain_text("1 trace")
        expect(main).not_to_contain_text("Nothing is recorded yet")
        write(path, "second")
        expect(main).to_contain_text("2 traces")


def test_what_has_ended_leaves_a_list_of_what_runs(visit: Open, path: Path, program: Program) -> None:
    ending, staying = [program.start(CALL, **{"gen_ai.request.model": model}) for model in ("ending", "staying")]
    with browsing(path) as server:
        tabs = [visit(server), visit(server)]
        for tab, link in zip(tabs, ("/calls?status=running", "/"), strict=True):
            tab.open(link)
            expect(tab.page.locator("main")).to_contain_text("ending")
            wait_until_live(tab)
        coming = program.start(CALL, **{"gen_ai.request.model": "coming"})
        program.end(ending)
        for tab in tabs:
            shown = tab.page.locator("#rows, #running + .work")
            expect(shown).to_contain_text("coming")
            expect(shown).to_contain_text("staying")
            expect(shown).not_to_contain_text("ending")
            tab.page.close()
        program.end(coming)
        program.end(staying)


@pytest.mark.parametrize("link", ["/traces?sort=duration", "/calls/1", "/sessions/old?tab=cost", "/reports"])
def test_what_does_not_follow_says_nothing_of_it(visit: Open, path: Path, link: str) -> None:
    context = SpanContext(1, 1, False, TraceFlags(1))
    attributes = {**CALL, "session.id": "old"}
    with exporting(path) as exporter:
        exporter.export([ReadableSpan("chat", context, attributes=attributes, start_time=10**18, end_time=10**18 + 9)])
    with browsing(path) as server:
        tab = visit(server)
        tab.open(link)
        assert tab.count(".live-bar") == 0
