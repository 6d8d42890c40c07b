# SPDX-License-Identifier: Apache-2.0
"""What an answer shows in a notebook: `_repr_html_`, as IPython asks for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_sqlite_exporter import SQLiteSpanExporter, TelemetryDatabase
from otel_sqlite_exporter.query import summaries
from otel_sqlite_exporter.query.metric_series import metric_summaries
from otel_sqlite_exporter.query.notebooks.notebook_chats import ChatText, ChatTurn, show_chat
from otel_sqlite_exporter.query.notebooks.notebook_rows import SEARCH_COLUMNS, VIEW_COLUMNS
from otel_sqlite_exporter.query.pages import ViewRow, field_types
from otel_sqlite_exporter.query.reports import REPORTS
from otel_sqlite_exporter.query.search import SearchHit
from tests.html_reader import HtmlReader
from tests.integration.test_hostile_text import HOSTILE, write_hostile
from tests.sample_traces import write_traces

ELEMENTS = {
    *("p", "b", "small", "table", "thead", "tbody", "tr", "th", "td", "div", "span"),
    *("svg", "rect", "details", "summary", "pre", "blockquote"),
}
ATTRIBUTES = {
    *("align", "scope", "class", "title", "width", "height", "viewbox", "preserveaspectratio", "role", "aria-label"),
    *("x", "y", "fill"),
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> TelemetryDatabase:
    return TelemetryDatabase(write_traces(tmp_path_factory.mktemp("notebook") / "otel.db"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> TelemetryDatabase:
    path = tmp_path_factory.mktemp("hostile") / "otel.db"
    write_hostile(path)
    return TelemetryDatabase(path)


def show(answer: Any) -> str:
    """The HTML of an answer, as text: read back, with nothing in it that acts."""
    html = answer._repr_html_()
    assert isinstance(html, str)
    html.encode()
    reader = HtmlReader(html)
    for tag, attributes in reader.tags:
        assert tag in ELEMENTS
        assert {*attributes} <= ATTRIBUTES
    return reader.text


def list_answers(database: TelemetryDatabase) -> Iterator[Any]:
    sessions, traces = database.find_sessions(), database.find_traces()
    yield from (sessions, traces, database.find_spans(), database.find_events(), database.find_logs())
    calls, tools = database.find_llm_interactions(), database.find_tool_interactions()
    yield from (calls, tools)
    yield from (page[0] for page in (sessions, traces, database.find_spans(), database.find_events(), calls, tools))
    for trace in traces[:2]:
        yield database.get_trace(trace.trace_id)
        yield database.get_trace(trace.trace_id, content=False)
        yield database.get_conversation(f"trace:{trace.trace_id}")
    yield database.get_conversation(f"session:{sessions[0].session_id}")
    yield database.get_conversation(f"llm:{calls[0].id}")
    yield database.get_conversation(f"tool:{tools[0].id}")
    yield from (database.run_report(name) for name in REPORTS if name != "queries")
    found = database.find_metrics()
    yield from (found, database.find_exemplars())
    for metric in found:
        yield database.get_metric_series(metric.name)
        yield database.get_metric_series(metric.name, group_by="*")
        yield database.get_metric_series(metric.name, step="raw")
    yield from (database.search("needle"), database.search("order"), database.search("nowhere"))


def test_every_answer_shows_itself(asked: TelemetryDatabase) -> None:
    for answer in list_answers(asked):
        assert show(answer)


def test_what_was_recorded_does_nothing(hostile: TelemetryDatabase) -> None:
    shown = [show(answer) for answer in list_answers(hostile)]
    assert sum(HOSTILE in text for text in shown) > 15


@pytest.mark.parametrize(
    "row_type",
    [
        value
        for module in (summaries, metric_summaries)
        for value in vars(module).values()
        if getattr(value, "VIEW", "") and value.__module__ == module.__name__
    ],
)
def test_the_columns_that_are_shown_exist(row_type: type[ViewRow]) -> None:
    assert {*VIEW_COLUMNS[row_type.VIEW]} <= {*field_types(row_type)}
    assert {*SEARCH_COLUMNS} <= {*field_types(SearchHit)}


def test_a_session_says_what_it_was(asked: TelemetryDatabase) -> None:
    text = show(asked.get_session("session-0"))
    assert text.startswith("sessionsession idsession-0status")
    assert "user iduser-0" in text or "user iduser-1" in text


def test_a_page_says_how_much_it_is(asked: TelemetryDatabase) -> None:
    page = asked.find_spans(limit=7)
    assert show(page).startswith("spans (7 of 60)span id")
    assert "user" not in page._repr_html_().partition("</thead>")[0]
    empty = asked.find_spans(name="nothing")
    assert show(empty) == "spans (0 of 0)"


def test_a_tree_is_indented_and_has_bars(asked: TelemetryDatabase) -> None:
    trace = asked.find_traces(newest_first=False)[3]
    tree = asked.get_trace(trace.trace_id)
    html = tree._repr_html_()
    assert html.count("<svg ") == html.count("<rect ") == 5
    assert "\u2003\u2003chat " in show(tree)
    assert "\u2003\u2003\u2003execute_tool" in show(tree)
    assert "error: RateLimitError" in show(tree)
    assert 'x="0" y="0" width="1000" height="10" fill="#4477aa"' in html


def test_a_conversation_tells_who_said_what(asked: TelemetryDatabase) -> None:
    text = show(asked.get_conversation("session-0"))
    assert "userwhere is my order?" in text
    assert "assistanton its way" in text
    assert 'arguments{"order":7}' in text
    assert "call gpt-4.1 · ok · 50 ms · 100 tokens in · 0 tokens out" in text


def test_what_is_shown_is_bounded(path: Path) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    tracer = provider.get_tracer("many")
    with tracer.start_as_current_span("root", attributes={"session.id": "one", "long": "x" * 10_000}):
        for number in range(600):
            tracer.start_span(f"{number} {'x' * 10_000}").end()
    provider.shutdown()
    database = TelemetryDatabase(path)
    page = show(database.find_spans(limit=300))
    assert "The first 100 of these 300 rows." in page
    assert "x … 9,804 more characters" in page
    assert len(page) < 100_000
    tree = database.get_trace(database.find_traces()[0].trace_id)
    assert "The first 500 of 601 spans." in show(tree)
    assert tree._repr_html_().count("<tr>") < 520


def test_what_is_hidden_takes_no_more(path: Path) -> None:
    turns = [ChatTurn(f"call {number}", [ChatText("user", "\u202e" * 5_000)] * 50) for number in range(300)]
    html = show_chat("session one", "300 of 300", turns)
    assert len(html) < 1_300_000
    text = HtmlReader(html).text
    assert "headings and texts." in text
    assert "The first 100 of 300 calls and tools." in text
    assert "… 3,000 more characters" in text


def test_no_package_is_needed(asked: TelemetryDatabase) -> None:
    program = (
        "import sys; sys.modules.update(dict.fromkeys(('jinja2', 'markupsafe', 'starlette', 'IPython'))); "
        "from otel_sqlite_exporter import TelemetryDatabase; "
        "assert '<table>' in TelemetryDatabase(sys.argv[1]).find_sessions()._repr_html_()"
    )
    subprocess.run([sys.executable, "-c", program, asked.path], check=True)
