# SPDX-License-Identifier: Apache-2.0
"""Times the page: what the server takes for each page of a file, what a browser takes to open a large trace, and what
open pages cost a writer.

    python -m benchmarks.pages FILE

FILE is one of `python -m benchmarks.services FILE 1000000`. It is only read.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.spans import BATCH, TEXT_BYTES, build_chain, build_spans
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.sdk.span_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.server.page.page_table import PAGES
from otel_sqlite_exporter.server.serve_options import ServeOptions
from otel_sqlite_exporter.server.serving import TelemetryServer
from otel_sqlite_exporter.settings import resolve_settings
from tests.browser.chromium import FLAGS, find_browser

_REPEATS = 40
_SCROLLER, _ROW = ".wf-scroller", ".wf-body .wf-row"
_TRACES = (500, 10_000, 50_000)
_OPEN_PAGES, _ROUNDS, _BATCHES = 10, 12, 8
_WATCHED = ("/", "/sessions", "/traces", "/calls", "/tools", "/logs", "/health", "/connect", "/reports", "/services")
_OTHER_LINKS = (
    *("/calls?sort=duration", "/calls?sort=cost", "/calls?status=running", "/sessions?status=error"),
    *("/traces?sort=tokens", "/traces?status=error", "/reports/cost?group_by=user", "/calls?filter=tokens%3E900"),
)


def main() -> None:
    """Print a line for each measurement."""
    path = Path(sys.argv[1])
    with _serving(path) as url, httpx.Client(base_url=url, timeout=120) as client:
        for link in (*_list_links(path), *_OTHER_LINKS):
            print(_describe(link, _time(client, link)), flush=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(prefix="otel-bench-") as folder:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(FLAGS))
        for spans in _TRACES:
            print(_open_trace(browser, Path(folder) / f"{spans}.db", spans), flush=True)
        print(_compare_writing(browser, Path(folder) / "live.db"))


@contextmanager
def _serving(path: Path) -> Iterator[str]:
    server = TelemetryServer(resolve_settings(path), ServeOptions(port=0, has_receiver=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        server.wait_until_started(60)
        yield server.base_urls[0]
    finally:
        server.stop()
        thread.join()


def _list_links(path: Path) -> Iterator[str]:
    """Yield a link to each page, with what the file has in place of parameters."""
    database = TelemetryDatabase(path)
    call = database.find_llm_interactions(limit=1, counted=True)[0]
    known: dict[str, Any] = {
        "/sessions/{id}": [call.session_id],
        "/traces/{id}": [call.trace_id],
        "/calls/{id}": [call.id],
        "/tools/{id}": [tool.id for tool in database.find_tool_interactions(limit=1)],
        "/reports/{name}": ["durations", "tokens", "cost", "errors", "tools", "slowest", "growth"],
    }
    for page in PAGES:
        if page.path == "/compare":
            a, b = (session.session_id for session in database.find_sessions(limit=2))
            yield f"/compare?a=session:{a}&b=session:{b}"
        elif page.path == "/search":
            yield "/search?q=order"
        else:
            for value in known.get(page.path, [""]):
                yield page.path.replace("{id}", str(value)).replace("{name}", str(value))


def _time(client: httpx.Client, link: str) -> list[float]:
    times = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        answer = client.get(link)
        times.append((time.perf_counter() - began) * 1e3)
        assert answer.status_code == 200, (link, answer.status_code)
    return times


def _describe(link: str, times: list[float]) -> str:
    shown = link if len(link) < 60 else f"{link[:57]}..."
    p95 = statistics.quantiles(times, n=20)[18]
    return f"{shown}: median {statistics.median(times):.0f} ms, p95 {p95:.0f} ms"


def _open_trace(browser: Browser, path: Path, spans: int) -> str:
    """Return how long a trace takes until its rows are drawn, and its last rows once one has scrolled there."""
    exporter = SQLiteSpanExporter(path)
    for first in range(0, spans, BATCH):
        exporter.export(build_chain(first, min(first + BATCH, spans)))
    exporter.shutdown()
    (trace,) = TelemetryDatabase(path).find_traces(limit=1)
    opened, scrolled = [], []
    with _serving(path) as url:
        for _ in range(5):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            began = time.perf_counter()
            page.goto(f"{url}/traces/{trace.trace_id}", wait_until="commit")
            page.wait_for_selector(f"{_SCROLLER} {_ROW}")
            opened.append(time.perf_counter() - began)
            scrolled.append(_scroll_to_end(page, spans))
            page.close()
    return (
        f"a trace of {spans:,} spans: drawn after {statistics.median(opened):.2f} s, its end "
        f"{statistics.median(scrolled):.2f} s after scrolling there"
    )


def _scroll_to_end(page: Page, spans: int) -> float:
    began = time.perf_counter()
    page.evaluate(
        f"(() => {{ const list = document.querySelector('{_SCROLLER}'); list.scrollTop = list.scrollHeight }})()"
    )
    page.wait_for_selector(f"{_SCROLLER} [aria-rowindex='{spans + 1}']")
    return time.perf_counter() - began


def _compare_writing(browser: Browser, path: Path) -> str:
    """Return the ratio of the wall time of a writer beside ten open pages to that of one alone, by turns."""
    exporter, spans = SQLiteSpanExporter(path), build_spans(10, TEXT_BYTES)

    def write() -> float:
        made = [[*islice(spans, BATCH)] for _ in range(_BATCHES)]
        began = time.thread_time()
        for batch in made:
            exporter.export(batch)
        return time.thread_time() - began

    write()
    alone, beside = [], []
    with _serving(path) as url:
        for _ in range(_ROUNDS):
            alone.append(write())
            pages = [browser.new_page() for _ in range(_OPEN_PAGES)]
            for page, link in zip(pages, _WATCHED, strict=True):
                page.goto(url + link)
            beside.append(write())
            for page in pages:
                page.close()
    exporter.shutdown()
    ratio = statistics.median(beside) / statistics.median(alone)
    return f"CPU of writing beside {_OPEN_PAGES} open pages: {ratio:.2f} of that alone"


if __name__ == "__main__":
    main()
