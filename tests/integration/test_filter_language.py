# SPDX-License-Identifier: Apache-2.0
"""A filter text finds what keywords find, and what it refuses is all the rest: over real files."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query import reading
from otel_sqlite_exporter.query.askable_views import (
    ASKABLE_VIEWS,
    CHOICES,
    LLM_INTERACTIONS,
    SESSIONS,
    TOOL_INTERACTIONS,
    AskableView,
)
from otel_sqlite_exporter.query.conditions.text_search import TextSearch
from otel_sqlite_exporter.query.filter_language.filter_fields import fields_of
from otel_sqlite_exporter.query.pages import Page, field_types
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import build_count, build_page
from otel_sqlite_exporter.storage.connection import open_reader
from otel_sqlite_exporter.storage.open_work import show_open_work
from tests.commands import run_here
from tests.frozen_files.frozen_file import list_versions, unpack
from tests.sample_traces import write_traces

FINDS = {view.name: f"find_{view.name.removeprefix('complete_')}" for view in ASKABLE_VIEWS}
ABSENT = "no such thing"
PLAIN_KEY = re.compile(r"[\w.]+")
SETTINGS = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A file with five spans a trace, and one with a row of every kind."""
    folder = tmp_path_factory.mktemp("filtered")
    unpack(list_versions()[-1], folder / "every_kind.db")
    return write_traces(folder / "traces.db"), folder / "every_kind.db"


def read_rows(path: Path, view: AskableView[Any]) -> tuple[Any, ...]:
    return _read_rows(path, ASKABLE_VIEWS.index(view))


@cache
def _read_rows(path: Path, number: int) -> tuple[Any, ...]:
    return find(path, ASKABLE_VIEWS[number]).records


def find(path: Path, view: AskableView[Any], **filters: Any) -> Page[Any]:
    page: Page[Any] = getattr(TelemetryDatabase(path), FINDS[view.name])(limit=100_000, **filters)
    return page


def read_values(path: Path, view: AskableView[Any], argument: str) -> list[Any]:
    """The values that a keyword finds something by, in order."""
    of = view if argument in field_types(view.row_type) else LLM_INTERACTIONS
    return sorted({value for row in read_rows(path, of) if (value := getattr(row, argument)) is not None})


@st.composite
def keywords(draw: st.DrawFn, path: Path, view: AskableView[Any]) -> dict[str, Any]:
    """Up to three keywords of a view with values, some of which are in the file."""
    usable = [name for name in view.arguments if name != "filter"]
    chosen = draw(st.lists(st.sampled_from(usable), min_size=1, max_size=3, unique=True))
    return {argument: draw(values_of(path, view, argument)) for argument in chosen}


def values_of(path: Path, view: AskableView[Any], argument: str) -> st.SearchStrategy[Any]:
    if argument in ("since", "until"):
        return st.sampled_from([row.start_time_unix_nano for row in read_rows(path, view)] or [2**60])
    if argument == "counted":
        return st.booleans()
    if argument == "attributes":
        return st.lists(conditions_of(path, view), min_size=1, max_size=2)
    if argument.startswith("min_"):
        found = read_values(path, view, argument.removeprefix("min_"))
        return st.one_of(st.sampled_from(found or [0]), st.integers(-5, 5), st.floats(-1e3, 1e6))
    known = CHOICES.get(argument) or [*read_values(path, view, argument), ABSENT]
    return st.one_of(st.sampled_from(known), st.lists(st.sampled_from(known), min_size=1, max_size=3))


def conditions_of(path: Path, view: AskableView[Any]) -> st.SearchStrategy[tuple[str, Any]]:
    column = view.row_type.ATTRIBUTES
    found = {
        (key, value if isinstance(value, (str, int, float)) else 0, type(value))
        for row in read_rows(path, view)
        for key, value in json.loads(getattr(row, column) or "{}").items()
        if "\0" not in f"{key}{value}" and len(str(value)) < 400 and not (type(value) is int and abs(value) >= 2**63)
    }
    pairs = st.sampled_from([(key, value) for key, value, _ in sorted(found, key=repr)] or [(ABSENT, 1)])
    operators = st.sampled_from(["", "exists", "=", "!=", "<", "<=", ">", ">="])
    return st.builds(_make_condition, pairs, operators, st.booleans())


def _make_condition(pair: tuple[str, Any], operator: str, flag: bool) -> tuple[str, Any]:
    key, value = pair
    if operator == "exists":
        return key, (operator, flag)
    if not operator or (isinstance(value, bool) and operator not in ("=", "!=")):
        return pair
    return key, (operator, value)


def write_text(view: AskableView[Any], filters: Mapping[str, Any]) -> str:
    """The filter text that asks for the same as keywords."""
    names = {field.get_column(view): field.name for field in fields_of(view) if field.column and not field.is_exact}
    terms = []
    for argument, value in filters.items():
        if argument == "attributes":
            terms += [write_condition(*condition) for condition in value]
        elif argument == "counted":
            terms.append(f"counted:{str(value).lower()}")
        elif argument in ("since", "until"):
            terms.append(f"{argument}:{value}")
        elif argument == "min_severity_number":
            terms.append(f"severity>={value!r}")
        elif argument.startswith("min_"):
            terms.append(f"{names[argument.removeprefix('min_')]}>={value!r}")
        else:
            texts = [value] if isinstance(value, str) else value
            terms.append(f"{names[argument]}:{','.join(map(quote, texts))}")
    return " ".join(terms)


def quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def write_condition(key: str, wanted: Any) -> str:
    name = f"attr.{key if PLAIN_KEY.fullmatch(key) else quote(key)}"
    operator, value = wanted if isinstance(wanted, tuple) else ("=", wanted)
    if operator == "exists":
        return f"{'' if value else '-'}{name}:*"
    shown = quote(value) if isinstance(value, str) else json.dumps(value)
    return f"{name}{operator}{shown}"


@pytest.mark.parametrize("view", ASKABLE_VIEWS, ids=lambda view: view.name)
@SETTINGS
@given(data=st.data())
def test_a_text_finds_what_keywords_find(files: tuple[Path, Path], view: AskableView[Any], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(files), "file")
    filters = data.draw(keywords(path, view), "keywords")
    text = write_text(view, filters)
    expected, found = list_ids(path, view, **filters), list_ids(path, view, filter=text)
    assert found == expected, text
    number = fetch(connect(path), build_count(view, {"filter": text}))
    assert [*number[0].values()] == [len(expected)], text


def terms(path: Path, view: AskableView[Any]) -> st.SearchStrategy[str]:
    keyword_texts = keywords(path, view).map(partial(write_text, view))
    exists = st.sampled_from([field.name for field in fields_of(view) if field.column and "time" not in field.type])
    patterns = st.sampled_from(["name:*a*", "session:?*", "user:*", "error_message:*m*", "model:gpt*", "tool:*e*"])
    known = {field.name for field in fields_of(view)}
    usable = patterns.filter(lambda text: text.partition(":")[0] in known)
    present = exists.filter(lambda name: name not in ("since", "until")).map("has:{}".format)
    words = st.sampled_from(["order", '"on its way"', "chat weather", "a -b", "{", "\\%"])
    return st.one_of(keyword_texts, usable, present, words)


@pytest.mark.parametrize("view", ASKABLE_VIEWS, ids=lambda view: view.name)
@SETTINGS
@given(data=st.data())
def test_a_negation_finds_all_the_rest(files: tuple[Path, Path], view: AskableView[Any], data: st.DataObject) -> None:
    """Rows without a value too. And a group finds what its terms find, by the rules of sets."""
    path = data.draw(st.sampled_from(files), "file")
    one, other = data.draw(terms(path, view), "term"), data.draw(terms(path, view), "other term")
    ids = partial(find_ids, path, view)
    everything = {row.id for row in read_rows(path, view)}
    assert ids(f"-({one})") == ids(f"NOT ({one})") == everything - ids(one)
    assert ids(f"({one}) OR ({other})") == ids(one) | ids(other)
    assert ids(f"-({one}) -({other})") == everything - ids(one) - ids(other)
    if not {one, other} & {"order", '"on its way"', "chat weather", "a -b", "{", "\\%"}:
        assert ids(f"({one}) ({other})") == ids(one) & ids(other)


def find_ids(path: Path, view: AskableView[Any], text: str) -> set[int]:
    return {*list_ids(path, view, filter=text)}


def list_ids(path: Path, view: AskableView[Any], **filters: Any) -> list[int]:
    """The ids of the rows that a filter finds, in the order of the list: whole rows take five times as long."""
    select = build_page(view, filters, limit=100_000, columns=("id",))
    return [row["id"] for row in fetch(connect(path), select)]


@cache
def connect(path: Path) -> sqlite3.Connection:
    connection = open_reader(str(path), busy_timeout_ms=1_000)
    show_open_work(connection)
    TextSearch(connection, 2**60)
    return connection


def test_a_row_without_a_value_is_no_match_and_its_negation_is(files: tuple[Path, Path]) -> None:
    path = files[0]
    calls = read_rows(path, LLM_INTERACTIONS)
    failed = {call.id for call in calls if call.error_type == "RateLimitError"}
    rest = {call.id for call in calls} - failed
    assert failed
    assert {call.error_type for call in calls if call.id in rest} == {None}
    assert find_ids(path, LLM_INTERACTIONS, "error:RateLimitError") == failed
    assert find_ids(path, LLM_INTERACTIONS, "-error:RateLimitError") == rest
    assert find_ids(path, LLM_INTERACTIONS, "error!=RateLimitError") == set()
    assert find_ids(path, LLM_INTERACTIONS, "error!=TimeoutError") == failed


@pytest.mark.parametrize("text", ["order", "my order", '"is my" where', "way", '"its way"', "7", "ORDER 7", ABSENT])
def test_words_find_what_a_search_finds(files: tuple[Path, Path], text: str) -> None:
    for path in files:
        hits = TelemetryDatabase(path).search(text, limit=10_000)
        for kind, view in (("llm", LLM_INTERACTIONS), ("tool", TOOL_INTERACTIONS)):
            assert find_ids(path, view, text) == {hit.id for hit in hits if hit.kind == kind}


@pytest.mark.parametrize(
    ("view", "text", "number"),
    [
        ("traces", "planner", 12),  # the name of a span
        ("traces", '"too many requests"', 3),  # an error message
        ("traces", '"where is my order" RateLimit*', 0),  # words of two records
        ("traces", '"where is my order" "on its way"', 12),  # of one call
        ("sessions", "session-1", 1),
        ("sessions", "on its way", 3),
        ("spans", "read_file", 6),
        ("spans", "call-7", 1),  # an attribute
        ("spans", "gen_ai.tool.name", 0),  # its key
        ("events", "stream.start", 24),
    ],
)
def test_words_are_looked_for_in_what_a_row_is_made_of(
    files: tuple[Path, Path], view: str, text: str, number: int
) -> None:
    (asked,) = (one for one in ASKABLE_VIEWS if one.name == view)
    assert len(find(files[0], asked, filter=text)) == number


def test_looking_through_too_much_text_is_given_up(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "TextSearch", partial(TextSearch, most=2_000))
    database = TelemetryDatabase(files[0])
    with pytest.raises(FilterError, match=r"^filter: its text was looked for in .* narrow it by a session"):
        database.find_llm_interactions(filter=ABSENT)
    page = database.find_llm_interactions(filter="order", limit=3)
    assert (len(page), page.total) == (3, None)


def test_a_cursor_goes_on_after_its_row_whatever_the_filter(files: tuple[Path, Path]) -> None:
    """As with keywords: it marks a row of the list."""
    database = TelemetryDatabase(files[0])
    whole = database.find_spans(limit=100, filter="status:ok").records
    first = database.find_spans(limit=7, filter="status:ok")
    assert first.total == len(whole)
    assert database.find_spans(limit=100, filter="status:ok", cursor=first.cursor).records == whole[7:]
    rest = database.find_spans(limit=100, filter="status:ok name:POST*", cursor=first.cursor).records
    assert rest == tuple(span for span in whole[7:] if span.name.startswith("POST"))


@pytest.mark.parametrize(("command", "view"), [("sessions", SESSIONS), ("llm", LLM_INTERACTIONS)])
def test_a_command_takes_a_filter(files: tuple[Path, Path], command: str, view: AskableView[Any]) -> None:
    done = run_here(command, files[0], "--filter", "model:gpt* duration>50ms", "--json")
    listed = json.loads(done.stdout)
    assert listed["total"] == len(find(files[0], view, filter="model:gpt* duration>50ms")) > 0


def test_a_command_shows_where_a_filter_is_wrong(files: tuple[Path, Path]) -> None:
    done = run_here("traces", files[0], "--filter", "status:ok colour:red")
    assert done.exit_code == 2
    sentence, *excerpt = done.stderr.splitlines()
    assert sentence.startswith("Error: --filter: traces have no field 'colour': ")
    assert excerpt == ["  status:ok colour:red", "            ^"]


def ask(files: tuple[Path, Path]) -> Callable[..., Any]:
    return partial(TelemetryDatabase(files[0]).search, "order", limit=1_000)


def test_a_search_takes_a_filter_and_leaves_out_what_lacks_a_field(files: tuple[Path, Path]) -> None:
    search = ask(files)
    assert {hit.what for hit in search(filter="model:gpt*")} == {"gpt-4.1"}
    assert {hit.kind for hit in search(filter="-model:gpt*")} == {"llm"}
    assert len(search(filter="status:ok,error")) == len(search())
    for one in ("tokens", "tool"):
        assert search(filter=f"has:{one}").hits == search(filter=f"{one}:*").hits
    assert {hit.kind for hit in search(filter="-has:cost has:attr.app.is_first")} == {"llm"}
    assert [hit.kind for hit in TelemetryDatabase(files[0]).search("7", filter="tool:search", limit=1)] == ["tool"]
    with pytest.raises(FilterError, match=r"^filter: only tool executions have tool, and only model calls have model"):
        search(filter="model:gpt* tool:search")
    with pytest.raises(FilterError, match=r"^filter: only tool executions have tool, and only model calls have model"):
        search(filter="has:(model OR tool)")
    with pytest.raises(FilterError, match=r"^filter: only tool executions have tool, and only model calls have model"):
        search(filter="tool:search", model="gpt-4.1")
    with pytest.raises(FilterError, match=r"^tool_name: only tool executions have it, and only model calls have model"):
        search(filter="model:gpt*", tool_name="search")
    with pytest.raises(FilterError, match=r"^filter: calls have no field 'kind': spans have it") as caught:
        search(filter="status:ok kind:CLIENT")
    assert caught.value.position == 10
