# SPDX-License-Identifier: Apache-2.0
"""Whatever a link asks for, and whatever the file holds or is called, a page answers with it, or says what is wrong.
Nothing on it runs, is hidden, or is of another host."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from otel_sqlite_exporter.query.filter_language.filter_parser import MOST_CHARACTERS
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.server.page.page_answers import PageRoute
from otel_sqlite_exporter.server.page.page_table import PAGES
from tests.browser.page_files import ATTACKS, write_hostile_pages
from tests.conftest import exporting, make_spans
from tests.page_server import PageClient, browsing
from tests.sample_traces import write_traces

HIDDEN = re.compile("[\u200b\u202a-\u202e\u2066-\u2069\ufeff\x00-\x08\x0e-\x1f\x7f]")
NUMBERS = ("0", "1", str(2**63 - 1), str(-(2**63)), str(2**63), "1e308", "nan", "-inf", "\u0663", "")
TIMES = ("1969-12-31", "2262-04-12", "0001-01-01", "9999-12-31T23:59:59.999999999Z", "-5h", str(2**63 - 1))
TEXTS = (*ATTACKS, "x" * 5_000, "(" * 900, "\r\nSet-Cookie: a=b", "", "*", "\U0001f468\u200d\U0001f469")
VALUES = {"integer": NUMBERS, "number": NUMBERS, "time": TIMES, "boolean": ("true", "yes"), "string": TEXTS}
IDS = ("%00", "%ff", "%2e%2e", "..%2f..%2fx", "%0d%0aSet-Cookie:%20a=b", "%ED%A0%80", "x" * 5_000, str(2**63), "%C2%B2")
VALUES_OF_ONE_ARGUMENT = 2
ARGUMENT = re.compile(r"\{\w+\}")


class Danger(HTMLParser):
    """Notes what could run or load something, or hide something from who reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Any] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.found += [(tag, name) for name in given if name.startswith("on") or name in ("style", "srcdoc")]
        self.found += [tag] if tag in ("iframe", "object", "embed", "base") else []
        self.found += [given] if tag == "script" and not given.get("src", "").startswith("/static/") else []
        for name in ("src", "action", "hx-get", "data-part-url"):
            if not re.match(r"/(?![/\\])|#|\?|data:image/(png|jpeg|gif|webp);base64,|\Z", given.get(name, "")):
                self.found.append((tag, name, given[name]))

    def handle_data(self, data: str) -> None:
        self.found += HIDDEN.findall(data)


def check(answer: httpx.Response) -> None:
    """An answer that is what was asked for, or says what is wrong with it."""
    assert answer.status_code in (200, 400, 404), answer.text
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    if answer.headers["content-type"].startswith("text/html"):
        danger = Danger()
        danger.feed(answer.text)
        assert danger.found == []


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    with browsing(write_hostile_pages(tmp_path_factory.mktemp("hostile") / "otel.db")) as client:
        yield client


def place(page: PageRoute) -> str:
    """The path of a page that is there."""
    path = page.path.replace("{name}", "durations").replace("{span}", f"{101:016x}")
    whole = f"{1:032x}" if "traces" in path else quote(ATTACKS[0], safe="") if "sessions" in path else "2"
    return ARGUMENT.sub(whole, path)


def list_values(page: PageRoute, parameter: Parameter) -> Iterator[str]:
    """Some values of an argument in the query; the arguments of a kind have all of them together."""
    asked = [(one, other) for one in PAGES for other in one.parameters if other.where == "query"]
    same = [pair for pair in asked if pair[1].kind == parameter.kind]
    values, first = VALUES.get(parameter.kind, TEXTS), same.index((page, parameter)) * VALUES_OF_ONE_ARGUMENT
    return islice(cycle(values), first, first + VALUES_OF_ONE_ARGUMENT)


@pytest.mark.slow
@pytest.mark.parametrize("one", PAGES, ids=[page.path for page in PAGES])
def test_any_value_of_any_argument_is_answered(page: PageClient, one: PageRoute) -> None:
    check(page.http.get(place(one)))
    for id in IDS if "{" in one.path else ():
        check(page.http.get(ARGUMENT.sub(id, one.path)))
    for parameter in one.parameters:
        for value in list_values(one, parameter) if parameter.where == "query" else ():
            check(page.http.get(f"{place(one)}?{urlencode({parameter.name: value})}"))


@pytest.mark.parametrize("first", [0, 1, 2**63 - 1])
def test_a_page_beyond_the_last_line_leads_back(page: PageClient, first: int) -> None:
    html = page.open(f"/traces/{1:032x}", **{"from": first})
    assert ("Lines before" in html) == bool(first)


def test_what_is_no_text_is_written_out_too(page: PageClient) -> None:
    hostile = next(text for text in ATTACKS if "\u202e" in text)
    for id in ("session:" + hostile.replace("\0", "\ufffd"), f"trace:{1:032x}"):
        answer = page.ask("/compare", a=id)
        check(answer)
        assert answer.status_code == 200


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="names of files are text there")
def test_any_name_of_the_file_is_shown_and_can_be_asked(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"<script>alert(1)<\xff\xe2\x80\xae'\"&\n.db")
    write_traces(path)
    with browsing(path) as client:
        for one in PAGES:
            if "{" not in one.path:
                check(client.http.get(one.path))
        assert client.open("/search", q="weather")
        assert "1 row" in client.open("/sql", sql="SELECT 1 AS one")
        assert client.ask("/sql", sql="SELECT nothing").status_code == 400


def test_a_name_that_no_filter_can_hold_has_no_link(tmp_path: Path) -> None:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m" * (MOST_CHARACTERS + 1)}
    with exporting(tmp_path / "otel.db", cost="off") as exporter:
        exporter.export(make_spans("long", attributes=attributes))
    with browsing(tmp_path / "otel.db") as client:
        html = client.open("/reports/tokens", group_by="model")
        assert "m" * 100 in html
        assert "/calls?" not in html.partition("<main")[2]
