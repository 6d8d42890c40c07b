# SPDX-License-Identifier: Apache-2.0
"""The pages of metrics show what the reader answers, and lead from a value to its span and back."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    DELTA,
    GAUGE,
    SUM,
    DistributionFields,
    ExemplarFields,
    InstrumentFields,
)
from otel_sqlite_exporter.query.sandbox.bounded_statement import run_bounded_statement
from otel_sqlite_exporter.query.sandbox.statement_limits import StatementLimits
from otel_sqlite_exporter.server.page.shown_metrics import listed_metrics
from tests.commands import run
from tests.conftest import exporting
from tests.frozen_files.frozen_file import unpack
from tests.html_reader import HtmlReader
from tests.metric_files import at, counter, gauge, histogram, make_point, write_points
from tests.page_server import PageClient, browsing

ODD = ("a/b?c#d", "<b>&\"'", "\u202edne", "50%", "a*b")
TRACE, SPAN = 0xABC, 0xDEF
SESSION = "chat/17"
MINUTES = 30
USED = InstrumentFields("claude_code.token.usage", unit="tokens", kind=SUM, temporality=DELTA, is_monotonic=True)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("metrics") / "otel.db"
    with exporting(path) as exporter:
        exporter.export([make_span()])
    points = []
    for minute in range(1, MINUTES + 1):
        time, before = 60 * minute, 60 * (minute - 1)
        for route in ("/buy", "/look"):
            attributes = {"http.route": route, "http.status": 200}
            points.append(make_point(counter(), time, 3 * minute, start=0, attributes=attributes))
            measured = DistributionFields(minute, 0.2 * minute, bounds=[0.1, 1.0], counts=[0, minute, 0])
            exemplars = [ExemplarFields(0.5, at(time - 1), TRACE, SPAN, {"why": "<slow>"})] if minute == 2 else []
            points.append(
                make_point(
                    histogram(), time, start=0, attributes=attributes, distribution=measured, exemplars=exemplars
                )
            )
        points.append(make_point(gauge(), time, 20 + minute % 4))
        used = InstrumentFields(
            "claude_code.token.usage", unit="tokens", kind=SUM, temporality=DELTA, is_monotonic=True
        )
        points.append(
            make_point(used, time, 7, start=before, attributes={"session.id": SESSION}, service="claude-code")
        )
    for name in ODD:
        points.append(make_point(InstrumentFields(name, name, name, GAUGE), 60, 1, attributes={name: name}))
    for unit in ("s", "By"):
        points.append(make_point(InstrumentFields("twofold", unit=unit, kind=GAUGE), 60, 1, service=unit))
    points.append(make_point(gauge("lonely", description="of nobody"), 60, 1, attributes={"session.id": "alone"}))
    write_points(path, points)
    return path


def make_span() -> ReadableSpan:
    return ReadableSpan(
        name="GET /buy",
        context=SpanContext(TRACE, SPAN, False, TraceFlags(1)),
        attributes={"session.id": SESSION},
        resource=Resource({"service.name": "shop"}),
        start_time=at(100),
        end_time=at(101),
    )


@pytest.fixture(scope="module")
def page(path: Path) -> Iterator[PageClient]:
    with browsing(path) as client:
        yield client


def read_html(html: str) -> HtmlReader:
    return HtmlReader(html.removeprefix("<!doctype html>"))


def read_rows(html: str, table: int = 0) -> list[list[str]]:
    """The cells of the rows of a table."""
    bodies = re.findall(r"<tbody[^>]*>(.*?)</tbody>", html, re.DOTALL)
    if len(bodies) <= table:
        return []
    return [
        [" ".join(read_html(cell).text.split()) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", bodies[table], re.DOTALL)
    ]


def read_values(html: str) -> list[tuple[float, str, float]]:
    """What a script would draw: seconds, the name of the line, the value."""
    found, x = [], 0.0
    for tag, given in read_html(html).tags:
        if tag == "tr" and given.get("data-x"):
            x = float(str(given["data-x"]))
        if tag == "td" and given.get("data-y"):
            found.append((x, str(given["data-name"]), float(str(given["data-y"]))))
    return found


def find_link(html: str, text: str) -> str:
    found = re.search(rf'<a [^>]*href="([^"]*)"[^>]*>{re.escape(text)}</a>', html)
    assert found is not None, text
    return unescape(found[1])


def test_the_list_has_each_metric_with_its_latest_value(page: PageClient, path: Path) -> None:
    rows = {row[0].split()[0]: row for row in read_rows(page.open("/series"))}
    assert rows["requests"][1:6] == ["sum, cumulative", "request", "2", "shop", "0.1 request/s rate"]
    assert rows["duration"][1:5] == ["histogram, cumulative", "s", "2", "shop"]
    assert rows["duration"][5].startswith("≈ ")
    assert rows["temperature"][5].endswith("last")
    assert rows["claude_code.token.usage"][4] == "claude-code"
    html = page.open("/series")
    names = [metric.name for metric in TelemetryDatabase(path).find_metrics(limit=50)]
    assert len(read_rows(html)) == len(names)
    assert html.count("small-line") >= 4
    for name in names:
        assert f'href="/series/{quote(name, safe="")}"' in html


def test_the_list_can_be_narrowed_and_paged(page: PageClient) -> None:
    assert [row[0] for row in read_rows(page.open("/series", q="REQ"))] == []
    assert len(read_rows(page.open("/series", q="req"))) == 1
    assert len(read_rows(page.open("/series", kind="histogram"))) == 1
    assert len(read_rows(page.open("/series", session_id=SESSION))) == 1
    assert "No metrics match" in page.open("/series", unit="furlong")
    first = page.open("/series", limit=4)
    following = find_link(first, "Next page")
    names = [row[0] for link in ("/series?limit=4", following) for row in read_rows(page.open(link))]
    assert len(names) == len(set(names)) == 8
    bad = page.ask("/series", since="soon")
    assert bad.status_code == 400
    assert "soon" in bad.text
    rows = [*csv.DictReader(io.StringIO(page.ask("/series", format="csv").text))]
    assert {row["name"] for row in rows} >= {*ODD, "requests"}
    assert page.http.get(find_link(page.open("/series", q="req"), "JSON")).json()["data"][0]["name"] == "requests"


def test_latest_values_are_read_for_a_while(page: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed_metrics, "SECONDS", -1)
    html = page.open("/series")
    assert "small-line" not in html
    assert len(read_rows(html)) > 5


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("requests", {}),
        ("requests", {"group_by": "http.route", "aggregate": "increase", "step": "5m"}),
        ("requests", {"group_by": ["http.route", "service_name"], "since": "2023-11-14T22:20Z"}),
        ("temperature", {"aggregate": ["avg", "max"]}),
        ("claude_code.token.usage", {"group_by": "*", "session_id": SESSION}),
        ("requests", {"attributes": ["http.route=/buy", "http.status>=200"], "step": "60"}),
    ],
)
def test_the_values_are_those_of_the_reader(page: PageClient, path: Path, name: str, arguments: dict[str, Any]) -> None:
    given = {key: value for key, value in arguments.items() if key != "attributes"}
    if "attributes" in arguments:
        given["attributes"] = [("http.route", "/buy"), ("http.status", (">=", 200))]
    result = TelemetryDatabase(path).get_metric_series(name, **given)
    expected = [
        (point.time_unix_nano / 1e9, point.value)
        for line in result.series
        for point in line.points
        if point.value is not None
    ]
    html = page.open(f"/series/{name}", **arguments)
    values = read_values(html)
    assert sorted((x, y) for x, _, y in values) == sorted(expected)
    assert len({line for _, line, _ in values}) == len(result.series)
    answer = page.http.get(find_link(html, "JSON")).json()["data"]
    assert [line["points"] for line in answer["series"]] == [
        [point.to_dict() for point in line.points] for line in result.series
    ]
    rows = [*csv.reader(io.StringIO(page.ask(find_link(html, "CSV")).text))]
    assert len(rows) == 1 + sum(len(line.points) for line in result.series)


def test_lines_of_several_units_are_figures_of_their_own(page: PageClient) -> None:
    html = page.open("/series/duration")
    captions = [read_html(one).text.strip() for one in re.findall("<figcaption>(.*?)<", html)]
    assert captions[:2] == ["p50, p95, p99, s", "rate, 1/s"]
    assert "Estimated from buckets: p50, p95, p99." in html
    assert 'class="estimate"' in html
    assert "How the values are spread" in html
    assert html.count('class="heat-cell"') >= MINUTES
    assert ["100 ms to 1 s", "60"] in read_rows(html, 2)
    assert 'class="heat-cell"' not in page.open("/series/requests")


def test_exemplars_lead_to_their_spans_and_back(page: PageClient) -> None:
    html = page.open("/series/duration", aggregate="p95")
    span = f"/traces/{TRACE:032x}?span={SPAN:016x}"
    assert html.count(f'href="{span}"') >= 2
    assert len(re.findall(r"<data [^>]*data-mark", html)) == 2
    assert "why=&lt;slow&gt;" in html
    assert "<data " not in page.open("/series/duration", aggregate="rate")
    trace = page.open(f"/traces/{TRACE:032x}")
    tab = find_link(trace, "Exemplars")
    for link in (tab, span, f"/traces/{TRACE:032x}/spans/{SPAN:016x}"):
        assert 'href="/series/duration"' in page.open(link)
    assert "500 ms" in page.open(tab)


def test_a_session_has_its_metrics(page: PageClient) -> None:
    session = f"/sessions/{quote(SESSION, safe='')}"
    tab = f"{session}?tab=metrics"
    assert f'href="{tab}"' in page.open(session)
    html = page.open(tab)
    (row,) = read_rows(html)
    assert (row[0], row[5]) == ("claude_code.token.usage", f"{7 * MINUTES} tokens increase")
    link = f"/series/claude_code.token.usage?session_id={quote(SESSION, safe='')}"
    assert f'href="{link}"' in html
    assert read_values(page.open(link))
    missing = page.ask("/sessions/alone")
    assert missing.status_code == 404
    assert len(read_rows(page.open(find_link(missing.text, "its metrics")))) == 1
    assert "its metrics" not in page.ask("/sessions/nobody").text


def test_the_overview_says_that_there_are_metrics(page: PageClient, path: Path) -> None:
    assert f"<b>{len(TelemetryDatabase(path).find_metrics(limit=50))}</b> metrics" in page.open("/")


@pytest.mark.parametrize("name", ODD)
def test_any_name_is_shown_and_does_nothing(page: PageClient, name: str) -> None:
    html = page.open(f"/series/{quote(name, safe='')}", step="raw")
    reader = read_html(html)
    assert name in reader.text
    assert {tag for tag, _ in reader.tags} & {"b"} <= {"b"}
    assert [tag for tag, given in reader.tags if any(key.startswith("on") or key == "style" for key in given)] == []
    options = [given.get("value") for tag, given in reader.tags if tag == "option"]
    assert name in options


def test_what_cannot_be_answered_is_said_beside_the_form(page: PageClient) -> None:
    for arguments, said in (
        ({"step": "often"}, "often"),
        ({"aggregate": "p95"}, "cannot be asked for"),
        ({"group_by": "none"}, "no series has the attribute"),
        ({"since": "soon"}, "since: "),
        ({"since": "2023-11-15", "until": "2023-11-14"}, "until: "),
        ({"attributes": "a==1"}, "attributes: "),
    ):
        answer = page.ask("/series/requests", **arguments)
        assert answer.status_code == 400, arguments
        problem = re.search(r'role="alert">(.*?)</p>', answer.text, re.DOTALL)
        assert problem is not None
        assert said in unescape(problem[1])
        assert "Ask without any of it" in answer.text
    missing = page.ask("/series/request")
    assert (missing.status_code, "requests" in missing.text) == (404, True)


def test_a_name_of_two_things_lets_one_choose(page: PageClient) -> None:
    answer = page.ask("/series/twofold")
    assert answer.status_code == 400
    assert "which cannot be added up" in answer.text
    for unit in ("s", "By"):
        link = find_link(answer.text, f"gauge in {unit}")
        assert dict(parse_qsl(urlsplit(link).query)) == {"kind": "gauge", "unit": unit}
        assert len(read_values(page.open(link))) == 1


def test_ranges_count_back_from_the_last_point(page: PageClient) -> None:
    whole = read_values(page.open("/series/requests", range="all", step="1m"))
    assert read_values(page.open("/series/requests", step="1m")) == whole
    assert len(read_values(page.open("/series/requests", range="1h", step="1m"))) == len(whole)
    part = read_values(page.open("/series/requests", since=str(at(25 * 60)), step="1m"))
    assert 0 < len(part) < len(whole)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("requests", {"aggregate": "increase", "step": "1m"}),
        ("requests", {"aggregate": "rate", "step": "1m", "group_by": "http.route"}),
        ("requests", {"aggregate": "increase", "step": "1m", "attributes": "http.route=/buy"}),
        ("claude_code.token.usage", {"aggregate": "increase", "step": "10m", "session_id": SESSION}),
    ],
)
def test_the_statement_adds_up_to_the_same(page: PageClient, path: Path, name: str, arguments: dict[str, Any]) -> None:
    html = page.open(f"/series/{name}", **arguments)
    link = find_link(html, "Run the statement")
    sql = dict(parse_qsl(urlsplit(link).query))["sql"]
    result = run_bounded_statement(str(path), sql, (), StatementLimits(), busy_timeout_ms=5_000)
    assert sum(row[-1] for row in result.rows) == pytest.approx(sum(y for _, _, y in read_values(html)), rel=0.05)
    assert "Run it" in page.open(link) or "rows" in page.open(link)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("requests", {"aggregate": ["rate", "increase"], "step": "5m", "group_by": ["http.route", "service_name"]}),
        ("requests", {"attributes": ["http.route=/buy", "http.status>=200"], "step": "60", "kind": "sum"}),
        (
            "duration",
            {"since": "2023-11-14T22:20Z", "until": "2023-11-14T22:30Z", "step": "1m", "service_name": "shop"},
        ),
        ("a/b?c#d", {"step": "raw", "unit": "a/b?c#d"}),
    ],
)
def test_the_command_answers_the_same(page: PageClient, name: str, arguments: dict[str, Any]) -> None:
    html = page.open(f"/series/{quote(name, safe='')}", **arguments)
    found = re.search(r'id="same-command">(.*?)</pre>', html, re.DOTALL)
    assert found is not None
    words = shlex.split(unescape(found[1]))
    assert words[:3] == ["python", "-m", "otel_sqlite_exporter"]
    code, printed, said = run(*words[3:], "--json")
    assert code == 0, said
    answer = page.http.get(find_link(html, "JSON")).json()["data"]
    assert json.loads(printed)["series"] == answer["series"]


def test_a_statement_holds_hostile_texts_as_literals(page: PageClient, path: Path) -> None:
    for name in (*ODD, "requests"):
        for filters in ({"group_by": "*"}, {"attributes": ["x'y=1", "o''=z'"]}, {"service_name": "a'b"}):
            html = page.ask(f"/series/{quote(name, safe='')}", **filters)
            found = re.search(r'id="same-sql">(.*?)</pre>', html.text, re.DOTALL)
            if found is not None:
                link = find_link(html.text, "Run the statement")
                sql = dict(parse_qsl(urlsplit(link).query))["sql"]
                run_bounded_statement(str(path), sql, (), StatementLimits(), busy_timeout_ms=5_000)


def test_a_file_from_before_metrics_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    unpack(14, path)
    with browsing(path) as client:
        session = client.http.get("/api/v1/sessions").json()["data"][0]["session_id"]
        trace = client.http.get("/api/v1/traces").json()["data"][0]["trace_id"]
        for link in (f"/sessions/{quote(session, safe='')}", f"/traces/{trace}", "/sessions/none"):
            assert client.ask(link).status_code in (200, 404), link
        assert "migrate" in client.ask("/series").text
