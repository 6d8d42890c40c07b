# SPDX-License-Identifier: Apache-2.0
"""What all pages have: links, parts, CSV, errors as pages, and files that a browser may keep."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_sqlite_exporter.server.page.page_links import link_session
from otel_sqlite_exporter.server.page.page_table import MENU
from tests.conftest import exporting, make_spans
from tests.page_server import PageClient, browsing

IDS = ("plain", "a/b?c=d&e#f", "..", "\u202eevil<script>alert(1)</script>\"'", "é 猫")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    path: Path = tmp_path_factory.mktemp("page") / "otel.db"
    with exporting(path) as exporter:
        for id in IDS:
            exporter.export(make_spans("work", attributes={"session.id": id}))
    with browsing(path) as client:
        yield client


def test_every_page_of_the_menu_is_there_and_leads_to_all_others(page: PageClient) -> None:
    for entry in MENU:
        html = page.open(entry.path)
        assert [f'href="{other.path}"' in html for other in MENU] == [True] * len(MENU)
        assert f'<a href="{entry.path}" aria-current="page">{entry.label}</a>' in html


def test_what_a_page_loads_is_there_and_may_be_kept(page: PageClient) -> None:
    html = page.open("/")
    loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', html)
    assert loaded
    for link in loaded:
        answer = page.http.get(link)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
    stale = page.http.get(re.sub(r"/static/\w+/", "/static/0000/", loaded[0]))
    assert (stale.status_code, stale.headers["cache-control"]) == (200, "no-store")
    for missing in ("/static/0/nothing.css", "/static/0/../page_routes.py", "/static/0/%2e%2e%2fpage_routes.py"):
        assert page.http.get(missing).status_code == 404


def test_hidden_characters_and_markup_are_written_out(page: PageClient) -> None:
    html = page.open("/sessions")
    assert "\u202e" not in html
    assert "<script>alert" not in html
    assert "\\u202eevil&lt;script&gt;" in html
    assert all(link_session(id) in html for id in IDS)


def test_hidden_characters_of_arguments_are_written_out_too(page: PageClient) -> None:
    html = page.open("/compare", a=f"session:{IDS[3]}")
    assert "\u202e" not in re.sub(r'value="[^"]*"', "", html)
    assert "\\u202eevil" in html


def test_a_list_has_a_csv_twin(page: PageClient) -> None:
    answer = page.http.get("/sessions", params={"format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = [*csv.DictReader(io.StringIO(answer.text))]
    assert {row["session_id"] for row in rows} == set(IDS)


def test_a_part_is_answered_alone(page: PageClient) -> None:
    html = page.open("/sessions", part="rows")
    assert "<table" in html
    assert "<html" not in html


@pytest.mark.parametrize(
    ("path", "status"), [("/sessions?limit=0", 400), ("/sessions?colour=red", 400), ("/sessions?part=head", 400)]
)
def test_what_is_wrong_is_said_on_a_page(page: PageClient, path: str, status: int) -> None:
    answer = page.ask(path)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text


def test_a_path_that_is_not_there_is_a_page_for_browsers_and_a_problem_for_programs(page: PageClient) -> None:
    for path in ("/nothing", "/sessions/", "/%2e%2e/etc", "/api/v2"):
        opened = page.http.get(path, headers={"Accept": "text/html,*/*"})
        assert (opened.status_code, opened.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert 'href="/sessions"' in opened.text
        asked = page.http.get(path)
        assert (asked.status_code, asked.headers["content-type"]) == (404, "application/problem+json")
    for path in ("/livez", "/api/v1", "/api/v1/info", "/metrics"):
        assert page.http.get(path, headers={"Accept": "text/html"}).status_code == 200
    assert page.http.post("/sessions", json={}).status_code == 405
    assert page.http.post("/nothing", json={}).status_code == 404
