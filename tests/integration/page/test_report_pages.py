# SPDX-License-Identifier: Apache-2.0
"""The pages of reports show what `run_report` returns, with sums and links that hold."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from otel_sqlite_exporter.query.filter_language.keyword_conditions import read_texts
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.reports import REPORTS
from otel_sqlite_exporter.server.page.shown_reports import report_request
from otel_sqlite_exporter.server.page.shown_reports.report_index import QUESTIONS
from otel_sqlite_exporter.server.page.shown_reports.row_links import quote
from tests.agent_files import RESOURCE
from tests.conftest import exporting
from tests.html_reader import HtmlReader
from tests.otlp_captures.capture_files import import_batches, read_capture
from tests.page_server import PageClient, browsing

HOSTILE = "<script>alert(1)</script>\"' \\ * ? [x] \u202e AND (OR) user:x"
DAY_NS = 86_400 * 10**9
START_NS = 1_767_225_600 * 10**9 + 23 * 3_600 * 10**9  # 2026-01-01T23:00Z
UNLINKED = {
    ("durations", "name"),
    ("durations", "service"),
    *(("sessions", group) for group in ("hour", "day", "week")),
    *((name, "request_model") for name in ("tokens", "cost", "durations")),
}
QUICK = [name for name in REPORTS if name != "queries"]


def _make_span(number: int) -> ReadableSpan:
    is_tool, failed = number % 3 == 2, number % 7 == 3
    attributes: dict[str, Any] = {"session.id": f"s-{number % 4}", "gen_ai.agent.name": f"agent {number % 2}"}
    if number % 5:
        attributes["user.id"] = HOSTILE if number % 5 == 1 else f"user-{number % 5}"
    if failed:
        attributes["error.type"] = f"Error{number % 2}"
    if is_tool:
        attributes |= {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": f"tool {number % 4}"}
    else:
        attributes |= {"gen_ai.operation.name": "chat", "gen_ai.request.model": ("gpt-4o", "nobody-knows")[number % 2]}
        attributes |= {"gen_ai.usage.input_tokens": number * 100, "gen_ai.usage.output_tokens": number}
        attributes["gen_ai.provider.name"] = "openai"
        if number % 4 == 0:
            attributes["gen_ai.response.model"] = ("nobody-knows", "gpt-4o")[number % 2]  # a name that others ask for
    start = START_NS + number * DAY_NS // 11
    return ReadableSpan(
        name=f"step {number % 3}",
        context=SpanContext(number // 2 + 1, number + 1, False, TraceFlags(1)),
        attributes=attributes,
        resource=RESOURCE,
        start_time=start,
        end_time=start + (number + 1) * 1_000_000,
        status=Status(StatusCode.ERROR, "it broke") if failed else Status(),
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("reports") / "otel.db"
    with exporting(path) as exporter:
        exporter.export([_make_span(number) for number in range(60)])
    return path


@pytest.fixture(scope="module")
def page(path: Path) -> Iterator[PageClient]:
    with browsing(path) as client:
        yield client


def read_text(html: str) -> str:
    """The text of what a page shows."""
    return " ".join(HtmlReader(html[html.index("<main") : html.index("</main>")]).text.split())


def read_csv(page: PageClient, path: str, **arguments: Any) -> list[dict[str, str]]:
    answer = page.http.get(path, params={**arguments, "format": "csv"})
    assert answer.status_code == 200, answer.text
    return [*csv.DictReader(io.StringIO(answer.text))]


def links_of(html: str) -> list[tuple[str, str]]:
    """The first cell of each row of the table of a report: its link and its text."""
    return [
        (unescape(link), unescape(re.sub("<[^>]+>", "", text)).strip())
        for link, text in re.findall(r'<th scope="row">(?:<a href="([^"]+)">)?(.*?)</th>', html, re.DOTALL)
    ]


@pytest.mark.parametrize("name", QUICK)
def test_every_group_is_shown_as_it_is_returned(page: PageClient, path: Path, name: str) -> None:
    for group in REPORTS[name].groups:
        result = TelemetryDatabase(path).run_report(name, group_by=group)
        html = page.open(f"/reports/{name}", group_by=group, run="true")
        assert "<script>alert" not in html
        assert html.count("<tr data-row") == len(result)
    answer = page.http.get(f"/reports/{name}", params={"group_by": group, "run": "true", "format": "csv"})
    columns, *rows = csv.reader(io.StringIO(answer.text))
    assert (tuple(columns), len(rows)) == (result.columns, len(result))


@pytest.mark.parametrize("name", ["tokens", "cost", "tools", "errors", "durations"])
def test_the_sums_are_those_of_all_rows_whatever_is_shown(page: PageClient, path: Path, name: str) -> None:
    result = TelemetryDatabase(path).run_report(name, group_by=["day"])
    column = {"tools": "executions", "errors": "errors", "durations": "pairs"}.get(name, "calls")
    whole = sum(row[column] for row in result.to_dicts())
    for limit in (1, 1_000):
        html = page.open(f"/reports/{name}", group_by="day", limit=limit)
        label = "count" if column == "pairs" else column
        sums = html[html.index("<tfoot>") : html.index("</tfoot>")]
        cell = re.search(rf'data-label="{label}">(.*?)</td>', sums, re.DOTALL)
        assert cell is not None
        assert cell[1].strip() == str(whole)
        assert ("of all rows" in sums) == (limit == 1)
    assert f"1 of {result.total} rows" in page.open(f"/reports/{name}", group_by="day", limit=1)


LINKED = {"tokens": "calls", "cost": "calls", "durations": "pairs", "tools": "executions", "sessions": "sessions"}


@pytest.mark.parametrize("name", LINKED)
def test_a_row_leads_to_as_many_rows_as_it_sums_up(page: PageClient, path: Path, name: str) -> None:
    for group in REPORTS[name].groups:
        result = TelemetryDatabase(path).run_report(name, group_by=group, timezone="Europe/Berlin", limit=2)
        html = page.open(f"/reports/{name}", group_by=group, timezone="Europe/Berlin", limit=2)
        body = html[html.rindex("<tbody>") : html.rindex("</tbody>")]
        for row, (link, _) in zip(result.to_dicts(), links_of(body), strict=True):
            if not link:
                assert (name, group) in UNLINKED
            elif group == "session" and row[group] is not None:
                assert link == f"/sessions/{row[group]}"
            else:
                arguments = parse_qs(urlsplit(link).query)
                assert len(read_csv(page, urlsplit(link).path, **arguments)) == row[LINKED[name]], link


@pytest.mark.parametrize("capture", ["codex", "gemini-cli", "claude-code", "litellm-otel"])
def test_links_hold_as_many_rows_of_real_records(tmp_path: Path, capture: str) -> None:
    path = tmp_path / "otel.db"
    import_batches(path, [read_capture(capture).lines])
    with browsing(path) as page:
        for name in (*LINKED, "errors"):
            for group in REPORTS[name].groups:
                html = page.open(f"/reports/{name}", group_by=group, range="all")
                result = TelemetryDatabase(path).run_report(name, group_by=group)
                body = html[html.rindex("<tbody>") : html.rindex("</tbody>")] if len(result) else ""
                for row, shown in zip(result.to_dicts(), body.split("</tr>"), strict=False):
                    for link, of in re.findall(r'href="(/(?:calls|tools|sessions)\?[^"]+)">([^<]*)', shown):
                        count = int(of) if name in ("errors", "tools") and of.isdigit() else row[LINKED[name]]
                        target = urlsplit(unescape(link))
                        assert len(read_csv(page, target.path, **parse_qs(target.query))) == count, link


def test_two_groups_lead_to_rows_that_have_both(page: PageClient, path: Path) -> None:
    result = TelemetryDatabase(path).run_report("cost", group_by=["day", "user"])
    html = page.open("/reports/cost", group_by=["day", "user"])
    body = html[html.rindex("<tbody>") :]
    for row, (link, _) in zip(result.to_dicts(), links_of(body), strict=False):
        assert len(read_csv(page, urlsplit(link).path, **parse_qs(urlsplit(link).query))) == row["calls"]


def test_what_a_sum_lacks_is_said(page: PageClient) -> None:
    html = page.open("/reports/cost", group_by="user")
    assert "no known price" in html
    assert "≥ " in html
    assert HOSTILE in read_text(html)  # the bar
    assert HOSTILE.replace("\u202e", "\\u202e") in read_text(html)  # the row


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.label)
def test_every_question_is_on_the_index_and_has_an_answer(page: PageClient, question: Any) -> None:
    html = page.open("/reports")
    assert question.link.replace("&", "&amp;") in html
    assert page.http.get(question.link).status_code == 200


def test_times_by_an_age_own_ones_and_a_filter_narrow_a_report(page: PageClient) -> None:
    every = read_csv(page, "/reports/tokens", group_by="day")
    newest = read_csv(page, "/reports/tokens", group_by="day", range="24h")
    own = read_csv(page, "/reports/tokens", group_by="day", since="2026-01-02", until="2026-01-04")
    assert [row["day"] for row in own] == ["2026-01-02", "2026-01-03"]
    assert newest == every[-len(newest) :] or len(newest) < len(every)
    html = page.open("/reports/tokens", group_by="day", since="2026-01-02", user_id=HOSTILE, model="", status="")
    assert "given" in html
    assert f'name="user_id" value="{escape(HOSTILE).replace(chr(0x202E), "&#x202e;")}"' in html
    assert 'name="since" value="2026-01-02"' in html


def test_a_large_file_shows_its_newest_part_and_says_so(page: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_request, "_MOST", 20)
    html = page.open("/reports/errors", group_by="type")
    assert "the newest part" in html
    assert "range=all" in html
    assert 'aria-current="true">24 hours' in html
    assert "the newest part" not in page.open("/reports/errors", group_by="type", range="all")
    assert "the newest part" not in page.open("/reports/errors", group_by="type", session_id="s-1")
    for whole in ("/reports/growth", "/reports/links", "/reports/durations?group_by=name"):
        asked = page.ask(whole).text  # it would read the whole file
        run = re.search(r'href="([^"]+)">Run it', asked)
        assert run is not None
        assert "<figcaption>" not in asked
        assert "<figcaption>" in page.ask(unescape(run[1])).text


@pytest.mark.parametrize(
    "arguments",
    [
        {"group_by": "colour"},
        {"group_by": ["day", "model", "user"]},
        {"since": "someday"},
        {"since": "9999-12-31T23:59Z"},
        {"timezone": "Nowhere/Else"},
        {"since": "-9000000000000000000"},
    ],
)
def test_what_cannot_be_asked_is_said_beside_the_form(page: PageClient, arguments: dict[str, Any]) -> None:
    answer = page.ask("/reports/tokens", **arguments)
    assert answer.status_code in (200, 400)
    assert answer.status_code == 200 or 'role="alert"' in answer.text


def test_a_slow_report_runs_when_it_is_asked_for(page: PageClient) -> None:
    html = page.open("/reports/queries")
    assert "Run it" in html
    assert "<figcaption>" not in html


def test_a_quoted_value_stands_for_itself_alone() -> None:
    assert quote('a"b\\') == '"a\\"b\\\\"'
    assert read_texts("user_id", HOSTILE)


@pytest.mark.parametrize(("group", "of"), [("call", "/calls/"), ("tool", "/tools/"), ("span", None)])
def test_the_names_of_the_slowest_lead_to_them_and_the_times_to_their_traces(
    page: PageClient, group: str, of: str | None
) -> None:
    html = page.open("/reports/slowest", group_by=group, range="all")
    rows = re.findall(r"<tr data-row.*?</tr>", html, re.DOTALL)
    assert rows
    assert all((of is None or f'href="{of}' in row) and 'href="/traces/' in row for row in rows)
