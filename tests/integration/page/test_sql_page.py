# SPDX-License-Identifier: Apache-2.0
"""The SQL console: what it can and cannot read, and what it says then."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_sqlite_exporter.sql.texts import read_folder
from tests.conftest import exporting, make_spans
from tests.page_server import PageClient, browsing

HOSTILE = "\u202e<script>alert(1)</script>"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    path: Path = tmp_path_factory.mktemp("page") / "otel.db"
    with exporting(path) as exporter:
        exporter.export(make_spans("one", HOSTILE, "=1+1", attributes={"session.id": "a/b", "long": "x" * 900}))
    with browsing(path) as client:
        yield client


def test_a_link_holds_the_statement_and_shows_its_rows(page: PageClient) -> None:
    sql = "SELECT name, session_id, trace_id, 1.5 AS number FROM spans WHERE name = 'one' -- a > b & c"
    shown = page.open("/sql", sql=sql)
    assert sql in html.unescape(shown)
    assert 'href="/sessions/a%2Fb"' in shown
    assert '<td class="number">1.5</td>' in shown
    assert "1 row," in shown


@pytest.mark.parametrize("name", [name for name, _ in read_folder("examples")])
def test_an_example_runs(page: PageClient, name: str) -> None:
    text = dict(read_folder("examples"))[name]
    title, _, sql = text.partition("\n")
    assert page.ask("/sql", sql=sql).status_code == 200
    assert title.removeprefix("-- ").rstrip(".") in page.open("/sql")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT nope FROM spans", "no such column"),
        ("SELECT * FROM span", "did you mean spans"),
        ("SELECT * FROM _spans", "private"),
        ("DELETE FROM spans", "only reading"),
        ("ATTACH 'x' AS y", "only reading"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", "longer than"),
        ("-- nothing", "give a SELECT"),
    ],
)
def test_a_statement_that_cannot_run_says_why_and_stays(page: PageClient, sql: str, said: str) -> None:
    answer = page.ask("/sql", sql=sql, timeout_s=0.3)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert said in answer.text
    assert sql in html.unescape(answer.text)


def test_values_are_text_and_long_ones_are_cut(page: PageClient) -> None:
    shown = page.open("/sql", sql="SELECT name, attributes FROM spans")
    assert "<script>alert" not in shown
    assert "\\u202e&lt;script&gt;" in shown
    assert re.search(r"… \d+ more characters", shown)


def test_a_page_has_a_bounded_number_of_values(page: PageClient) -> None:
    many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000) SELECT "
    html = page.open("/sql", sql=f"{many}{', '.join(['x'] * 200)} FROM n", limit=5000)
    assert "500 rows of more" in html


def test_csv_has_all_rows_whole_and_no_formula(page: PageClient) -> None:
    answer = page.http.get("/sql", params={"sql": "SELECT name, attributes FROM spans", "format": "csv", "limit": "1"})
    rows = [*csv.DictReader(io.StringIO(answer.text))]
    assert {row["name"] for row in rows} == {"one", HOSTILE, "'=1+1"}
    assert all("x" * 900 in row["attributes"] for row in rows)
    assert page.http.get("/sql?format=csv").status_code == 400


def test_the_views_stand_beside_with_their_columns(page: PageClient) -> None:
    shown = page.open("/sql")
    for view in ("sessions", "complete_llm_interactions", "complete_tool_interactions", "spans", "logs"):
        assert f"<code>{view}</code>" in shown
    assert "<code>_spans</code>" not in shown
