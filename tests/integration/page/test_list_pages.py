# SPDX-License-Identifier: Apache-2.0
"""The pages that are lists: their rows, filters, errors, pages, and what is shown of hostile texts."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from otel_sqlite_exporter.query.askable_views import ASKABLE_VIEWS
from otel_sqlite_exporter.server.page.lists.exact_values import write_exact
from otel_sqlite_exporter.server.page.lists.faults import mark_place
from otel_sqlite_exporter.server.page.lists.list_layouts import LAYOUTS, ListLayout
from tests.conftest import exporting, make_spans
from tests.integration.page.listed_file import HOSTILE, write_listed_file
from tests.page_server import PageClient, browsing

NAMES = tuple(LAYOUTS)
CONTENT = {"prompt", "completion", "arguments", "result", "combined_attributes", "system_instructions", "attributes"}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    with browsing(write_listed_file(tmp_path_factory.mktemp("lists") / "otel.db")) as client:
        yield client


def list_keys(text: str) -> list[int]:
    """The rows of a list, by their key."""
    return [int(key) for key in re.findall(r'data-key="(\d+)"', text)]


def find_link(text: str, label: str) -> str:
    """Where the link with this label leads."""
    found = re.search(rf'<a [^>]*href="([^"]+)"[^>]*>{label}(?: <span|</a>)', text)
    assert found is not None, label
    return html.unescape(found[1])


def read_value(text: str) -> str:
    """What a browser reads as the value of an attribute. Python drops references to control characters."""
    return html.unescape(re.sub("&#x([0-9a-f]+);", lambda found: chr(int(found[1], 16)), text))


def read_all(page: PageClient, name: str) -> list[dict[str, Any]]:
    counted = {"counted": "true"} if LAYOUTS[name].is_counted else {}
    rows: list[dict[str, Any]] = page.http.get(f"/api/v1/{name}", params={"limit": 500, **counted}).json()["data"]
    return rows


@pytest.mark.parametrize("name", NAMES)
def test_the_pages_of_a_list_hold_every_row_once(page: PageClient, name: str) -> None:
    wanted = [row["id"] for row in read_all(page, name)]
    seen, link = [], f"/{name}?limit=3"
    while link:
        text = page.open(link)
        seen += list_keys(text)
        assert ('data-live="' in text) is ("cursor=" not in link)
        assert ("First page" in text) is ("cursor=" in link)
        link = find_link(text, "Next page") if "Next page" in text else ""
    assert seen == wanted
    assert len(wanted) > 3


@pytest.mark.parametrize("name", NAMES)
def test_csv_and_json_have_the_rows_of_the_page(page: PageClient, name: str) -> None:
    sort = ["start", *(sort for sort in LAYOUTS[name].sorts if sort != "start")][-1]
    arguments = {"filter": "session:*", "limit": "500", **({"sort": sort} if LAYOUTS[name].sorts else {})}
    text = page.open(f"/{name}", **arguments)
    table = [*csv.DictReader(io.StringIO(page.http.get(find_link(text, "CSV")).text))]
    assert [int(row["id"]) for row in table] == list_keys(text)
    assert [row["id"] for row in page.http.get(find_link(text, "JSON")).json()["data"]] == list_keys(text)
    assert list(table[0]) == list(LAYOUTS[name].needs) if table else True


@pytest.mark.parametrize(("name", "sort"), [(name, sort) for name in NAMES for sort in LAYOUTS[name].sorts])
def test_a_list_is_sorted_by_its_heading(page: PageClient, name: str, sort: str) -> None:
    assert sort == "start" or any(column.sort == sort for column in LAYOUTS[name].columns)
    text = page.open(f"/{name}", sort=sort)
    answer = page.http.get(f"/api/v1/{name}", params={"sort": sort, **_counted(name)}).json()["data"]
    assert list_keys(text) == [row["id"] for row in answer]
    assert ('aria-sort="descending"' in text, 'data-live="' in text) == (sort != "start", sort == "start")


def _counted(name: str) -> dict[str, str]:
    return {"counted": "true"} if LAYOUTS[name].is_counted else {}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("status:ok colour:red", 10),
        ("(session:a", 10),
        ("session:", 8),
        ('\U0001f468 "\u202e" bogus:1', 6),
        ("a ) b", 2),
    ],
)
def test_a_filter_that_cannot_be_used_is_shown_with_its_fault(
    page: PageClient, name: str, text: str, place: int
) -> None:
    text = text.replace("status:ok", "session:a") if name == "logs" else text
    answer = page.ask(f"/{name}", filter=text, since="2020-01-01")
    assert answer.status_code == 400
    assert f'value="{write_exact(text)}"' in answer.text
    assert 'role="alert"' in answer.text
    assert '<mark class="fault">' in answer.text
    assert list_keys(answer.text) == []
    assert "since: 2020-01-01" in answer.text  # what else was asked for is kept
    assert 'name="since" value="2020-01-01"' in answer.text
    problem = page.http.get(f"/api/v1/{name}", params={"filter": text}).json()
    units = len(text[: problem["position"]].encode("utf-16-le")) // 2
    assert f'data-fault-at="{units}"' in answer.text
    assert place >= 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("argument", "value"),
    [("since", "<garbage>"), ("until", "<garbage>"), ("attributes", "<garbage>>"), ("cursor", "<garbage>")],
)
def test_any_other_argument_that_cannot_be_used_is_named_on_the_page(
    page: PageClient, name: str, argument: str, value: str
) -> None:
    answer = page.ask(f"/{name}", **{argument: value, "filter": "session:a"})
    assert answer.status_code == 400
    assert f"<b>{argument}</b>" in answer.text
    assert 'value="session:a"' in answer.text
    assert "<garbage>" not in answer.text


def test_a_fault_is_marked_wherever_it_is() -> None:
    for text in ("model:x", "a <b> \u202e c", ""):
        for place in range(len(text) + 1):
            marked = mark_place(text, place)
            before, _, rest = marked.partition('<mark class="fault">')
            fault, _, after = rest.partition("</mark>")
            plain = re.sub(r"<span[^>]*>[^<]*</span>", "\u202e", f"{before}{fault}{after}")
            assert html.unescape(plain).replace("\u2423", "") == text
            assert fault


@pytest.mark.parametrize("name", NAMES)
def test_hostile_texts_are_seen_and_do_nothing(page: PageClient, name: str) -> None:
    for text in (page.open(f"/{name}"), page.open(f"/{name}", part="rows")):
        assert "<script>alert" not in text
        assert "<img" not in text
        assert not set("\u202e\u2066\x1b") & set(text)
        assert "&lt;script&gt;alert(1)" in text
        assert "\\u202egnp\\u2066\\x1b[31m" in text
    table = page.http.get(f"/{name}", params={"format": "csv"}).text
    cells = [cell for row in csv.reader(io.StringIO(table)) for cell in row]
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)
    assert any("<script>alert(1)" in cell for cell in cells)


@pytest.mark.parametrize("name", ["sessions", "traces"])
def test_two_rows_are_compared_by_their_exact_ids(page: PageClient, name: str) -> None:
    kind, column = LAYOUTS[name].of or ("", "")
    text = page.open(f"/{name}")
    for side in "ab":
        values = re.findall(rf'<input type="radio" name="{side}" value="([^"]*)" form="compare">', text)
        assert [*map(read_value, values)] == [f"{kind}:{row[column]}" for row in read_all(page, name)]
    assert '<form id="compare" method="get" action="/compare">' in text


@pytest.mark.parametrize("name", NAMES)
def test_what_is_set_can_be_taken_away(page: PageClient, name: str) -> None:
    text = page.open(f"/{name}", session_id=["a", HOSTILE], since="1h", filter="session:*", limit="7")
    for label, left in (("session: a", [HOSTILE]), ("last hour", ["a", HOSTILE])):
        query = parse_qs(urlsplit(find_link(text, label)).query)
        assert query["session_id"] == left
        assert query["filter"] == ["session:*"]
        assert query["limit"] == ["7"]
        assert ("since" in query) is (label != "last hour")
    assert "No " in text
    assert find_link(text, "Clear the filters") == f"/{name}"


@pytest.mark.parametrize(("name", "group"), [(name, group) for name in NAMES for group in LAYOUTS[name].quick])
def test_every_quick_filter_is_a_link_that_works(page: PageClient, name: str, group: Any) -> None:
    text = page.open(f"/{name}")
    for quick in group:
        link = find_link(text, quick.label)
        assert parse_qs(urlsplit(link).query) == {quick.argument: [quick.value]}
        shown = page.open(link)
        assert f'aria-current="true">{quick.label}</a>' in shown
        api = page.http.get(f"/api/v1/{name}", params={quick.argument: quick.value, **_counted(name)})
        assert list_keys(shown) == [row["id"] for row in api.json()["data"]]


@pytest.mark.parametrize("name", ["calls", "tools"])
def test_rows_that_repeat_others_are_shown_if_asked_for(page: PageClient, name: str) -> None:
    counts = {choice: len(list_keys(page.open(f"/{name}", counted=choice))) for choice in ("true", "false", "all")}
    assert counts["all"] == counts["true"] + counts["false"]
    assert len(list_keys(page.open(f"/{name}"))) == counts["true"]


@pytest.mark.parametrize("name", NAMES)
def test_empty_inputs_of_the_form_are_no_filters(page: PageClient, name: str) -> None:
    assert list_keys(page.open(f"/{name}", filter="", since="", session_id="")) == list_keys(page.open(f"/{name}"))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=NAMES)
def test_no_content_is_read_for_rows(layout: ListLayout) -> None:
    assert not {*layout.needs} & (CONTENT - ({"attributes"} if layout.name == "logs" else set()))
    assert {*layout.needs} <= {*layout.view.row_type.__dataclass_fields__}
    assert layout.view in ASKABLE_VIEWS


def test_long_log_records_are_cut(page: PageClient) -> None:
    text = page.open("/logs", limit="500")
    assert "x" * 3_000 in text
    assert "x" * 5_000 not in text


def test_tools_are_summed_up_as_they_are_filtered(page: PageClient) -> None:
    rows = read_all(page, "tools")
    for arguments in ({}, {"filter": "tool:search"}, {"status": "error"}):
        text = page.open("/tools", **arguments)
        line = re.search(r'href="([^"]*)">search</a></th><td class="number" data-label="executions">(\d+)<', text)
        wanted = [row for row in rows if row["tool_name"] == "search"]
        wanted = [row for row in wanted if row["status"] == "error"] if "status" in arguments else wanted
        assert (line is None) is (not wanted)
        if line is not None:
            assert int(line[2]) == len(wanted)
            assert len(list_keys(page.open(html.unescape(line[1])))) == len(wanted)


def test_an_execution_has_a_page(page: PageClient) -> None:
    for row in read_all(page, "tools"):
        text = page.open(f"/tools/{row['id']}")
        assert "<script>alert" not in text
        assert f"/traces/{row['trace_id']}?span={row['span_id']}" in text
    hostile = next(row for row in read_all(page, "tools") if row["tool_name"] == HOSTILE)
    text = page.open(f"/tools/{hostile['id']}")
    assert text.count("&lt;script&gt;alert(1)") >= 5  # title, heading, error, arguments, result
    assert page.ask("/tools/987654").status_code == 404


def test_the_fields_of_the_filter_are_on_the_page_and_in_the_api(page: PageClient) -> None:
    for name in NAMES:
        fields = page.http.get("/api/v1/fields", params={"of": name}).json()["data"]
        text = page.open(f"/{name}")
        assert all(f"<code>{field['name']}</code>" in text for field in fields)
        for field in fields:
            if field["facet"] is not None:
                asked = page.http.get("/api/v1/facets", params={"of": name, "field": field["facet"]})
                assert asked.status_code == 200
        assert any(field["facet"] == "session_id" for field in fields)


def test_an_empty_file_says_what_to_do(tmp_path: Path) -> None:
    with exporting(tmp_path / "otel.db") as exporter:
        exporter.export(make_spans("work"))
    with browsing(tmp_path / "otel.db") as client:
        for name in NAMES:
            text = client.open(f"/{name}")
            if name == "traces":
                assert len(list_keys(text)) == 1
            else:
                assert find_link(text, "How to record some") == "/connect"
            assert find_link(client.open(f"/{name}", filter="session:nobody"), "Clear the filters") == f"/{name}"


@pytest.mark.parametrize("path", ["/sessions", "/traces", "/compare"])
def test_what_was_asked_first_tells_runs_apart(page: PageClient, path: str) -> None:
    text = page.open(path)
    asked = [html.unescape(one) for one in re.findall(r'<span class="asked" title="([^"]*)">', text)]
    assert any(one.startswith("</td></script><script>alert(1)") for one in asked)
    assert "<script>alert" not in text
    assert all(len(one) <= 80 for one in re.findall(r'class="asked"[^>]*>([^<&]*)<', text))


def test_what_was_asked_is_left_out_if_it_takes_too_long(page: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otel_sqlite_exporter.query.session_parts.first_prompts._LONGEST_S", -1)
    monkeypatch.setattr("otel_sqlite_exporter.query.session_parts.first_prompts._STEPS_BETWEEN_LOOKS", 1)
    text = page.open("/sessions")
    assert 'class="asked"' not in text
    assert list_keys(text)


def test_the_model_of_a_call_leads_to_the_call(page: PageClient) -> None:
    text = page.open("/calls")
    rows = re.findall(r'<tr data-key="(\d+)".*?</tr>', text, re.DOTALL)
    assert all(text.count(f'href="/calls/{id}"') == 2 for id in rows)
