# SPDX-License-Identifier: Apache-2.0
"""A filter text means what it says, and any other text is an error that points at the place."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.askable_views import (
    ASKABLE_VIEWS,
    EVENTS,
    LLM_INTERACTIONS,
    LOGS,
    SPANS,
    TOOL_INTERACTIONS,
    TRACES,
    AskableView,
)
from otel_sqlite_exporter.query.conditions.condition_trees import (
    AllOf,
    AnyOf,
    Condition,
    ContentCondition,
    ExistsCondition,
    NotMet,
    NumberCondition,
    TextCondition,
)
from otel_sqlite_exporter.query.conditions.text_search import TextSearch
from otel_sqlite_exporter.query.filter_language.filter_parser import MOST_CHARACTERS, MOST_LEVELS, MOST_TERMS
from otel_sqlite_exporter.query.filter_language.keyword_conditions import read_conditions
from otel_sqlite_exporter.query.filter_values import AttributeCondition
from otel_sqlite_exporter.query.sql_builder import build_page
from otel_sqlite_exporter.storage.migrations import migrate
from otel_sqlite_exporter.storage.open_work import show_open_work
from tests.conftest import clean_environment, modules_after

DAY_NS = 86_400 * 10**9
JAN_31_NS = 1_769_817_600 * 10**9
START = "start_time_unix_nano"


def text(column: str, *texts: str, like: tuple[str, ...] = ()) -> TextCondition:
    return TextCondition(column, texts, like)


def words(*texts: str) -> ContentCondition:
    return ContentCondition((texts,))


def attribute(key: str, operator: str, value: Any) -> AttributeCondition:
    return AttributeCondition(key, operator, value)


A, B, C = text("name", "a"), text("name", "b"), text("kind", "CLIENT")


def compile_all(view: AskableView[Any], filter: str) -> list[Condition]:
    return read_conditions(view, {"filter": filter})


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("", []),
        (" \t\n", []),
        ("*", []),
        # Values of text.
        ("name:a", [A]),
        ("name=a", [A]),
        ("name: a", [A]),
        ("name := a", [A]),
        ('name:"a b"', [text("name", "a b")]),
        ("name:a\\ b", [text("name", "a b")]),
        ('name:"a\\"b\\\\"', [text("name", 'a"b\\')]),
        ('name:""', [text("name", "")]),
        ("name:a:b=c>d", [text("name", "a:b=c>d")]),
        ("name:-a", [text("name", "-a")]),
        ("name:a..b", [text("name", "a..b")]),
        ("name:AND", [text("name", "AND")]),
        ("name:ünï", [text("name", "ünï")]),
        # Patterns.
        ("name:a*", [text("name", like=("a*",))]),
        ("name:*a?[b]", [text("name", like=("*a?[[]b]",))]),
        ("name:a\\**", [text("name", like=("a[*]*",))]),
        ("name:a\\*", [text("name", "a*")]),
        ('name:"a*"', [text("name", "a*")]),
        ("name:*", [ExistsCondition("name")]),
        ('name:"*"', [text("name", "*")]),
        # Several values.
        ("name:a,b", [text("name", "a", "b")]),
        ("name:(a,b)", [text("name", "a", "b")]),
        ("name:( a OR b , c* )", [text("name", "a", "b", like=("c*",))]),
        ("name:a, b kind:CLIENT", [text("name", "a", "b"), C]),
        ('name:"a,b"', [text("name", "a,b")]),
        ("name:a\\,b", [text("name", "a,b")]),
        # AND, OR, NOT, groups.
        ("name:a kind:CLIENT", [A, C]),
        ("name:a AND kind:CLIENT", [A, C]),
        ("(name:a) (((kind:CLIENT)))", [A, C]),
        ("name:a OR name:b", [text("name", "a", "b")]),
        ("name:a OR kind:client name:b", [AnyOf((A, AllOf((C, B))))]),
        ("(name:a OR kind:CLIENT) name:b", [AnyOf((A, C)), B]),
        ("-name:a", [NotMet(A)]),
        ("NOT name:a", [NotMet(A)]),
        ("NOT -name:a", [NotMet(NotMet(A))]),
        ("-name:a -name:b kind:CLIENT", [C, NotMet(text("name", "a", "b"))]),
        ("-(name:a kind:CLIENT)", [NotMet(AllOf((A, C)))]),
        ("name!=a", [ExistsCondition("name"), NotMet(A)]),
        ("name!=a,b", [ExistsCondition("name"), NotMet(text("name", "a", "b"))]),
        ("has:name", [ExistsCondition("name")]),
        ("-has:(name,user)", [NotMet(ExistsCondition("name")), NotMet(ExistsCondition("user_id"))]),
        # Choices and ids, in any case.
        ("status:ERROR", [text("status", "error")]),
        ("status:(ok,r*)", [text("status", "ok", "running")]),
        ("kind:*r", [text("kind", "SERVER", "PRODUCER", "CONSUMER")]),
        ("trace:4BF9 span:4BF9*", [text("trace_id", "4bf9"), text("span_id", like=("4bf9*",))]),
        # Numbers and durations.
        ("duration>2s", [NumberCondition("duration_ms", ">", 2_000)]),
        ("duration > 2s", [NumberCondition("duration_ms", ">", 2_000)]),
        ("duration:>=2.3s", [NumberCondition("duration_ms", ">=", 2_300.0)]),
        ("duration<500", [NumberCondition("duration_ms", "<", 500)]),
        ("duration<=1.5m", [NumberCondition("duration_ms", "<=", 90_000.0)]),
        ("duration:100us", [NumberCondition("duration_ms", "=", 0.1)]),
        (
            "duration:1s..1h",
            [NumberCondition("duration_ms", ">=", 1_000), NumberCondition("duration_ms", "<=", 3_600_000)],
        ),
        ("duration:1s..", [NumberCondition("duration_ms", ">=", 1_000)]),
        ("duration:*..1d", [NumberCondition("duration_ms", "<=", 86_400_000)]),
        ("duration!=5", [ExistsCondition("duration_ms"), NotMet(NumberCondition("duration_ms", "=", 5))]),
        ("duration:1,2", [AnyOf((NumberCondition("duration_ms", "=", 1), NumberCondition("duration_ms", "=", 2)))]),
        # Times.
        (
            "since:2026-01-31 until:2026-02-01",
            [
                NumberCondition(START, ">=", JAN_31_NS, "since"),
                NumberCondition(START, "<", JAN_31_NS + DAY_NS, "until"),
            ],
        ),
        ("start>2026-01-31T00:00Z", [NumberCondition(START, ">", JAN_31_NS)]),
        (
            "start:2026-01-31..2026-02-01",
            [
                NumberCondition(START, ">=", JAN_31_NS),
                NumberCondition(START, "<", JAN_31_NS + DAY_NS),
            ],
        ),
        (f"start:{JAN_31_NS}", [NumberCondition(START, "=", JAN_31_NS)]),
        # Attributes.
        ("attr.a.b:x", [attribute("a.b", "=", "x")]),
        ("attr.a:500", [attribute("a", "=", 500)]),
        ('attr.a:"500"', [attribute("a", "=", "500")]),
        ("attr.a:true", [attribute("a", "=", True)]),
        ("attr.a:null", [attribute("a", "=", "null")]),
        ("attr.a!=x", [attribute("a", "exists", True), NotMet(attribute("a", "=", "x"))]),
        ("attr.a>=0.5", [attribute("a", ">=", 0.5)]),
        ("attr.a<b", [attribute("a", "<", "b")]),
        ("attr.a:x*", [attribute("a", "GLOB", "x*")]),
        ("attr.a:*", [attribute("a", "exists", True)]),
        ("has:attr.a.b", [attribute("a.b", "exists", True)]),
        ("-attr.a:*", [NotMet(attribute("a", "exists", True))]),
        ("attr.a:1..5", [attribute("a", ">=", 1), attribute("a", "<=", 5)]),
        (f"attr.a:{2**53 + 1}..5e20", [attribute("a", ">=", 2**53 + 1), attribute("a", "<=", 5e20)]),
        ('attr.a>"1k"', [attribute("a", ">", "1k")]),
        ("attr.a:1k", [attribute("a", "=", "1k")]),
        ("attr.a<2026-01-31", [attribute("a", "<", "2026-01-31")]),
        ('attr."a*":1', [attribute("a*", "=", 1)]),
        ("attr.a:1..x", [attribute("a", "=", "1..x")]),
        ("attr.a:1e999", [attribute("a", "=", "1e999")]),
        ('attr."a b\\"c":x', [attribute('a b"c', "=", "x")]),
        ("attr.größe/x:1", [attribute("größe/x", "=", 1)]),
        # Words and phrases.
        ("Where is", [words("where", "is")]),
        ('"Where  is" my', [words("where  is", "my")]),
        ("or and not", [words("or", "and", "not")]),
        ("-word", [NotMet(words("word"))]),
        ("-a -b", [NotMet(ContentCondition((("a",), ("b",))))]),
        ("a b OR c", [ContentCondition((("a", "b"), ("c",)))]),
        ("*a* b? co-op", [words("a", "b?", "co-op")]),
        ("a - b", [words("a", "-", "b")]),
        ('\\-a \\"b', [words("-a", '"b')]),
        ("\\*a *\\** \\*", [words("*a", "*", "*")]),
        ("*a\\?[b* a\\*b", [words("a?[b", "a*b")]),
        # What other languages mean stays text after a backslash, in double quotes, and where they mean nothing else.
        ('name:"==a" "\'a b\'" "!name:a"', [text("name", "==a"), words("'a b'", "!name:a")]),
        ("name:\\=a \\'a \\@b.c:d \\&&", [text("name", "=a"), words("'a", "@b.c:d", "&&")]),
        ("name:~/a can't 5! a&&b", [text("name", "~/a"), words("can't", "5!", "a&&b")]),
        ('name:a "and" b', [A, words("and", "b")]),
        ("name:a was not found", [A, words("was", "not", "found")]),
        ("name:a x kind:CLIENT y", [A, C, words("x", "y")]),
    ],
)
def test_a_text_means_these_conditions(filter: str, expected: list[Condition]) -> None:
    assert compile_all(SPANS, filter) == expected


@pytest.mark.parametrize(
    ("view", "filter", "expected"),
    [
        (TRACES, "model:gpt-4o* tool:Bash", [text("model", like=("gpt-4o*",)), text("tool_name", "Bash")]),
        (LOGS, "severity:Error", [text("severity_text", "Error")]),
        (LOGS, "severity:WARN*", [text("severity_text", like=("warn*",))]),
        (LOGS, "severity>=warn", [NumberCondition("severity_number", ">=", 13)]),
        (LOGS, "severity>INFO", [NumberCondition("severity_number", ">", 12)]),
        (LOGS, "severity<=error", [NumberCondition("severity_number", "<=", 20)]),
        (LOGS, "severity:17", [NumberCondition("severity_number", "=", 17)]),
        (
            LOGS,
            "severity:warn..error",
            [NumberCondition("severity_number", ">=", 13), NumberCondition("severity_number", "<=", 20)],
        ),
        (LOGS, "severity:17..", [NumberCondition("severity_number", ">=", 17)]),
        (LOGS, "event:a", [text("event_name", "a")]),
        (EVENTS, "event:a", [text("name", "a")]),
        (SPANS, "error_message:*late*", [text("status_description", like=("*late*",))]),
        (LLM_INTERACTIONS, "counted:TRUE", [NumberCondition("counted", "=", True)]),
        (LLM_INTERACTIONS, "-counted:no", [NotMet(NumberCondition("counted", "=", False))]),
        (LLM_INTERACTIONS, "tokens>1.5k", [NumberCondition("total_tokens", ">", 1_500.0)]),
        (LLM_INTERACTIONS, "tokens:2M", [NumberCondition("total_tokens", "=", 2_000_000)]),
        (
            LLM_INTERACTIONS,
            "cost>=.5 cost<1e-3",
            [
                NumberCondition("cost_usd", ">=", 0.5),
                NumberCondition("cost_usd", "<", 0.001),
            ],
        ),
        (TOOL_INTERACTIONS, "error:TimeoutError", [text("error_type", "TimeoutError")]),
    ],
)
def test_a_field_is_a_column_of_its_view(view: AskableView[Any], filter: str, expected: list[Condition]) -> None:
    assert compile_all(view, filter) == expected


@pytest.mark.parametrize(
    ("filter", "position", "message"),
    [
        ("name:a modle:x", 7, "spans have no field 'modle': give "),
        ("nmae:x", 0, "spans have no field 'nmae': did you mean name? To look for the text, put it in double quotes"),
        ("session_id:x", 0, "spans have no field 'session_id': did you mean session"),
        ("status_description:x", 0, "spans have no field 'status_description': did you mean error_message"),
        ("min_duration_ms:5", 0, "did you mean duration"),
        ("-cost>1", 1, "spans have no field 'cost': sessions, traces, calls have it"),
        (
            "a http.status:500",
            2,
            "did you mean status or attr.http.status? To look for the text, put it in double quotes",
        ),
        ("name:a x:y", 7, "start, end, since, until, has, attr.KEY. To look for the text, put it in double quotes"),
        ("name==a", 5, "== is no operator: give :, !=, <, >, <= or >=, or put this value in double quotes"),
        ("name=~a.*", 5, "=~ is no operator"),
        ("name:a,!b", 7, ":! is no operator"),
        ("duration=>5", 9, "=> is no operator"),
        ("attr.a==500", 7, "== is no operator"),
        ("name!~a", 0, "!~ means nothing here: give !=; for the text, put it in double quotes"),
        ("x !name:a", 2, "! means nothing here: give -; for the text"),
        ("+attr.a:1", 0, "+ means nothing here: leave it out; for the text"),
        ("@http.status:500", 0, "an attribute is attr.http.status: for the text, put it in double quotes"),
        ("name:'a b'", 5, "' is no quote here: put this value in double quotes"),
        ("x \u201ca b\u201d", 2, "\u201c is no quote here: put this text in double quotes"),
        ("name:a && x", 7, "give AND instead of &&, or put it in double quotes"),
        ("x || y", 2, "give OR instead of ||"),
        ("name:a and kind:client", 7, "give AND instead of and, or put it in double quotes"),
        ("x or name:a", 2, "give OR instead of or"),
        ("x not (name:a)", 2, "give NOT instead of not"),
        ("attr.a.*:5", 0, 'a key is no pattern: put it in double quotes, as in attr."a*"'),
        *(
            (f"attr.a>{number}", 7, "numbers of attributes are those of JSON, without a unit: give one, or a text")
            for number in ("1k", "2.5ms", ".5", "5.", "+5", "007")
        ),
        ("name:(a AND b)", 8, "commas separate the values in parentheses"),
        ("start:20260131", 6, "nothing starts at an exact time"),
        ("http://x", 0, "spans have no field 'http': "),
        ("has:nmae", 4, "spans have no field 'nmae': did you mean name?"),
        ("has:attr.a*", 4, "has takes the whole name of a field, or of an attribute in double quotes"),
        ("has:*", 4, "has takes the whole name of a field"),
        ("has:since", 4, "has:since asks for nothing: give a field such as has:cost"),
        ("has:attr", 4, "has:attr asks for nothing"),
        ("has>name", 0, "has takes a colon"),
        ("attr:x", 0, "give a key after attr, as in attr.error.type:*"),
        ("attr.:x", 0, "give a key after attr, as in attr.error.type:*"),
        ("name:", 5, "give a value after :, in double quotes if it has parentheses"),
        ("duration> ", 10, "give a value after >"),
        ("name:a,", 7, "give a value after this comma"),
        ("name:()", 6, "nothing is in these parentheses"),
        ("name:(a b)", 8, "commas separate the values in parentheses"),
        ("name:(a", 7, "a parenthesis is not closed"),
        ("(name:a", 7, "a parenthesis is not closed"),
        ("name:a)", 6, "no parenthesis is open here"),
        ("name:f(x)", 5, "put this value in double quotes: it has parentheses or double quotes in it"),
        ('name:5"', 5, "put this value in double quotes: it has parentheses or double quotes in it"),
        ("()", 1, "nothing is in these parentheses"),
        ("a OR", 4, "OR needs a term after it"),
        ("a AND OR b", 6, "AND needs a term after it"),
        ("OR a", 0, "OR needs a term before it"),
        ("(AND a)", 1, "AND needs a term before it"),
        ("NOT", 3, "NOT needs a term after it"),
        ("(a -)", 4, "- needs a term after it"),
        ('a "b', 2, "this double quote is not closed"),
        ('name:"b', 5, "this double quote is not closed"),
        ("a\\", 1, "nothing follows this backslash"),
        ('""', 0, "there is nothing to look for in these quotes"),
        ('a " "', 2, "there is nothing to look for in these quotes"),
        ("a\0b", 1, "text with a NUL character cannot be found"),
        ("status:broken", 7, "'broken' is not a choice: give ok, error, running, interrupted"),
        ("status:ok,x*", 10, "'x*' is not a choice"),
        ("status>ok", 7, "status cannot be compared by >: give : or !="),
        ("name>a", 5, "name cannot be compared by >: give : or !="),
        ("duration:fast", 9, "'fast' is not a duration such as 500ms, 2s, 1.5m or 1h; without a unit, milliseconds"),
        ("duration>2x", 9, "'2x' is not a duration"),
        ("duration>.", 9, "'.' is not a duration"),
        ("duration>1,2", 0, "> takes one value: give several after a colon"),
        ("duration:..", 9, "this range has no ends"),
        ("duration:1..x", 9, "'x' is not a duration"),
        ("duration>1..2", 9, "'1..2' is not a duration"),
        ("duration>1e999", 9, "inf is not a finite number"),
        (f"duration>{'9' * 30}", 9, "does not fit in 64 bits"),
        ("start:today", 6, "nothing starts at an exact time: give > or <, or a range"),
        ("start>tomorrow", 6, "'tomorrow' is not a time: give ISO 8601"),
        ("since>2d", 0, "since takes one time after a colon"),
        ("since:1d,2d", 0, "since takes one time after a colon"),
        ("since:x", 6, "'x' is not a time"),
        ("attr.a>true", 7, "a: true and false can only be compared by = and !="),
        (f"attr.a:{2**63}", 7, "does not fit in 64 bits"),
        (f"{'-' * (MOST_LEVELS + 1)}a", 0, f"groups and negations can be {MOST_LEVELS} levels deep"),
        ("a " * (MOST_TERMS + 1), 2 * MOST_TERMS, f"there are more than {MOST_TERMS} terms"),
        ("a" * (MOST_CHARACTERS + 1), MOST_CHARACTERS, "it has more than 4,096 characters"),
    ],
)
def test_an_error_names_the_place_and_what_to_do(filter: str, position: int, message: str) -> None:
    with pytest.raises(FilterError, match=r"^filter: ") as caught:
        compile_all(SPANS, filter)
    assert (caught.value.argument, caught.value.position) == ("filter", position)
    assert message in caught.value.message


def test_an_error_shows_the_place() -> None:
    with pytest.raises(FilterError) as caught:
        compile_all(SPANS, "name:a\tsession:chat-17 status:ok duration>fast kind:CLIENT name:a\x1b[31m user:ada")
    assert str(caught.value).splitlines()[1:] == [*caught.value.excerpt]
    shown, caret = caught.value.excerpt
    assert shown[caret.index("^") :].startswith("fast kind:CLIENT name:a [31m")
    assert shown.startswith("  ...")
    assert shown.endswith("...")
    assert shown.isprintable()


@pytest.mark.parametrize(("before", "cells"), [("名前", 4), ("😀", 2), ("e\u0301", 1), ("é", 1), ("ｶ", 1), ("\t", 1)])
def test_an_error_shows_the_place_after_wide_and_combining_characters(before: str, cells: int) -> None:
    with pytest.raises(FilterError) as caught:
        compile_all(SPANS, f'"x{before}" colour:red')
    assert caught.value.excerpt[1] == f"  {' ' * (cells + 4)}^"


@pytest.mark.parametrize("value", [7, b"name:a", ["name:a"], True])
def test_what_is_not_text_is_refused(value: Any) -> None:
    with pytest.raises(FilterError, match=r"^filter: .* is not text: give a filter such as"):
        read_conditions(SPANS, {"filter": value})


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("texts") / "otel.db"
    migrate(str(path), busy_timeout_ms=1_000)
    with closing(sqlite3.connect(path)) as connection:
        show_open_work(connection)
        TextSearch(connection)
        yield connection


def ask(file: sqlite3.Connection, view: AskableView[Any], filter: str) -> None:
    """Ask a file: what cannot be asked is an error that points into the text."""
    error = find_error(file, view, filter)
    if error is not None:
        assert error.argument == "filter"
        assert error.position is None or 0 <= error.position <= len(filter)


def find_error(file: sqlite3.Connection, view: AskableView[Any], filter: str) -> FilterError | None:
    try:
        file.execute(*build_page(view, {"filter": filter}, limit=5))
    except FilterError as error:
        return error
    return None


FIELDS = ["name", "model", "attr.a", 'attr."a b"', "has", "cost", "duration", "since", "status", "severity", "counted"]
SIGNS = [
    ":",
    ">",
    "<=",
    "!=",
    "=",
    "..",
    "-",
    " ",
    "\t",
    "(",
    ")",
    '"',
    "\\",
    ",",
    "*",
    "?",
    "[",
    "AND ",
    " OR ",
    "NOT ",
]
VALUES = ["error", "2d", "2s", "5", "1e9", "true", "x", "\ud800", "é", "\x1b", "'", ";", "--", "%", ":a", "@p", "$q"]
PIECES = st.sampled_from([*FIELDS, *SIGNS, *VALUES])
LONG = [*SIGNS, "((a) ", '"a" ', "\\\\", "a", "a ", "name:", "name:a ", "name:a,", "a OR ", "a" + " " * 30, "name:("]
LONG += ["a*", "1e", "9", "attr.", 'attr."', "name:*a", "-(a OR ", ": ", "é", "a:", "name:(a,"]


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=14).map("".join), st.text(' "\\(),:-*aOR', max_size=40)),
    st.sampled_from(ASKABLE_VIEWS),
)
def test_any_text_is_a_filter_or_an_error(file: sqlite3.Connection, text: str, view: AskableView[Any]) -> None:
    ask(file, view, text)


@pytest.mark.parametrize("piece", LONG)
def test_a_long_text_is_answered_soon(file: sqlite3.Connection, piece: str) -> None:
    whole = piece * (MOST_CHARACTERS // len(piece))
    for text in (whole, whole[: MOST_CHARACTERS // 2] + ")" * (MOST_CHARACTERS // 2), f"name:{whole[5:]}"):
        for view in (SPANS, TRACES):
            ask(file, view, text)


def test_a_value_never_becomes_a_part_of_the_statement() -> None:
    hostile = "x'); DROP TABLE _spans; --"
    filter = f'name:"{hostile}" attr."{hostile}":"{hostile}" "{hostile}" -user:"{hostile}"'
    select = build_page(SPANS, {"filter": filter}, limit=5)
    assert "DROP" not in select.sql
    assert sum(hostile.lower() in str(value).lower() for value in select.parameters.values()) == 5


def test_few_questions_are_asked_about_the_records_of_each_row() -> None:
    joined = " OR ".join(f"tool:t{number} OR w{number}" for number in range(31))
    assert build_page(TRACES, {"filter": joined}, limit=5).sql.count("EXISTS") == 5
    assert build_page(TRACES, {"filter": f"-({joined}) word"}, limit=5).sql.count("EXISTS") == 9
    apart = " ".join(f"tool:t{number}" for number in range(17))
    with pytest.raises(FilterError, match="asks more than 16 questions about the records of each row"):
        build_page(TRACES, {"filter": apart}, limit=5)


def test_the_parser_is_imported_for_a_text_alone() -> None:
    loaded = modules_after(
        "from otel_sqlite_exporter.query.askable_views import SPANS\n"
        "from otel_sqlite_exporter.query.sql_builder import build_page\n"
        "build_page(SPANS, {'name': 'a'}, limit=1)"
    )
    assert [name for name in loaded if name.partition(".")[0] == "lark" or "filter_parser" in name] == []


def test_without_the_parser_the_error_has_the_command(tmp_path: Path) -> None:
    code = """\
import sys
sys.modules["lark"] = None  # as if it were not installed
from otel_sqlite_exporter.errors import MissingPackageError
from otel_sqlite_exporter.query.askable_views import SPANS
from otel_sqlite_exporter.query.sql_builder import build_page
try:
    build_page(SPANS, {"filter": "name:a"}, limit=1)
except MissingPackageError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=clean_environment(), check=True
    )
    assert re.search(r"pip install 'otel-sqlite-exporter\[serve\]'", done.stdout)
