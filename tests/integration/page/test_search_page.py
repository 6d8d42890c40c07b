# SPDX-License-Identifier: Apache-2.0
"""The page of the search: what it finds, its marks, its filters, and hostile texts."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otel_sqlite_exporter.model.search_terms import fold, split_terms
from otel_sqlite_exporter.server.page.lists.term_marks import find_terms, mark_terms
from otel_sqlite_exporter.show.html_text import escape_html
from tests.integration.page.listed_file import HOSTILE, write_listed_file
from tests.page_server import PageClient, browsing

letters = st.text(st.sampled_from("aAbB<>&\"' İıßςΣ\u202e\u200d\0\U0001f468"), max_size=12)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    with browsing(write_listed_file(tmp_path_factory.mktemp("search") / "otel.db")) as client:
        yield client


def list_hits(text: str) -> list[tuple[str, int]]:
    """The hits on a page: kind and id."""
    return [(kind, int(id)) for kind, id in re.findall(r'data-key="(llm|tool)-(\d+)"', text)]


def list_marks(text: str) -> list[str]:
    """What is marked."""
    return [html.unescape(re.sub("<[^>]*>", "", marked)) for marked in re.findall("<mark>(.*?)</mark>", text)]


def ask(page: PageClient, text: str, **arguments: Any) -> list[dict[str, Any]]:
    hits: list[dict[str, Any]] = page.http.get("/api/v1/search", params={"text": text, **arguments}).json()["data"]
    return hits


@pytest.mark.parametrize("text", ["search", "ORDER", "order 1", '"order 1"', "user question", "scr"])
def test_the_hits_are_those_of_the_search_with_its_terms_marked(page: PageClient, text: str) -> None:
    shown = page.open("/search", q=text)
    wanted = [(hit["kind"], hit["id"]) for hit in ask(page, text)]
    assert list_hits(shown) == wanted
    marks, terms = list_marks(shown), split_terms(text)
    assert bool(marks) is bool(wanted)
    assert all(any(term in fold(mark) for term in terms) for mark in marks)
    table = [*csv.DictReader(io.StringIO(page.http.get("/search", params={"q": text, "format": "csv"}).text))]
    assert [(row["kind"], int(row["id"])) for row in table] == wanted


@pytest.mark.parametrize("arguments", [{"status": "error"}, {"filter": "tool:search"}, {"since": "2026-01-31T12:05Z"}])
def test_a_search_takes_the_filters_of_both_lists(page: PageClient, arguments: dict[str, str]) -> None:
    wanted = [(hit["kind"], hit["id"]) for hit in ask(page, "order", **arguments)]
    assert list_hits(page.open("/search", q="order", **arguments)) == wanted


def test_a_kind_is_searched_alone(page: PageClient) -> None:
    hits = list_hits(page.open("/search", q="alert"))
    for kind, name in (("llm", "call"), ("tool", "tool")):
        found = list_hits(page.open("/search", q="alert", kind=name))
        assert found == [hit for hit in hits if hit[0] == kind]
        assert found


def test_hostile_texts_are_marked_and_do_nothing(page: PageClient) -> None:
    for text in ("<script>", "\u202eGNP", '"src=x> \'=1"', "&amp; <img"):
        shown = page.open("/search", q=text)
        assert list_hits(shown)
        assert "<script>alert" not in shown
        assert "<img" not in shown
        assert not set("\u202e\u2066\x1b") & set(shown)
        assert list_marks(shown)
    shown = page.open("/search", q=HOSTILE)
    assert "<script>alert" not in shown


def test_what_cannot_be_used_is_said_at_its_place(page: PageClient) -> None:
    for arguments, told in (
        ({"q": '""'}, "nothing to search for"),
        ({"q": "order", "filter": "modell:x"}, '<mark class="fault">modell:x</mark>'),
        ({"q": "order", "since": "<never>"}, "<b>since</b>"),
        ({"q": "order", "filter": "tool:a model:b"}, 'role="alert"'),
    ):
        answer = page.ask("/search", **arguments)
        assert answer.status_code == 400
        assert told in answer.text
        assert f'value="{html.escape(arguments["q"])}"' in answer.text


def test_a_search_for_nothing_and_one_that_finds_nothing_say_what_to_do(page: PageClient) -> None:
    assert "All words must occur" in page.open("/search")
    assert "Nothing has all of these words" in page.open("/search", q="zzyzx")
    shown = page.open("/search", q="zzyzx", since="1h")
    assert 'href="/search?q=zzyzx"' in shown


@given(text=letters, terms=st.lists(letters.map(fold), max_size=3))
@example(text="aAaAb", terms=["aa", "aaa", "ab"])
@example(text="", terms=[""])
def test_marks_are_hits_and_the_rest_is_the_text(text: str, terms: list[str]) -> None:
    marked = mark_terms(text, terms)
    runs = [*find_terms(text, terms)]
    pieces, done = [], 0
    for start, end in runs:
        pieces += [escape_html(text[done:start]), f"<mark>{escape_html(text[start:end])}</mark>"]
        done = end
    assert marked == "".join([*pieces, escape_html(text[done:])])
    covered = {place for start, end in runs for place in range(start, end)}
    folded = fold(text)
    expected = {
        place
        for term in terms
        for start in range(len(text))
        if term and folded.startswith(term, start)
        for place in range(start, start + len(term))
    }
    assert covered == expected
    assert all(end <= following for (_, end), (following, _) in zip(runs, runs[1:], strict=False))
