# SPDX-License-Identifier: Apache-2.0
"""What can be asked is read exactly, and what cannot be is an error that names the keyword."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.askable_views import ASKABLE_VIEWS, SPANS, AskableView
from otel_sqlite_exporter.query.filter_values import parse_attribute_text, parse_time
from otel_sqlite_exporter.query.pages import field_types
from otel_sqlite_exporter.query.sql_builder import build_page

HOUR_NS = 3_600 * 10**9
NOON_NS = 1_769_860_800 * 10**9
CALL_COLUMNS = {"model", "provider", "agent_name"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-31T12:00:00Z", NOON_NS),
        ("2026-01-31T12:00z", NOON_NS),
        ("2026-01-31 12:00", NOON_NS),
        ("2026-01-31T13:00+01:00", NOON_NS),
        ("2026-01-31T12:00:00.000001Z", NOON_NS + 1_000),
        ("2026-01-31", NOON_NS - 12 * HOUR_NS),
        (datetime(2026, 1, 31, 12), NOON_NS),
        (datetime(2026, 1, 31, 13, tzinfo=timezone(timedelta(hours=1))), NOON_NS),
        (NOON_NS + 7, NOON_NS + 7),
    ],
)
def test_a_moment_is_nanoseconds(value: Any, expected: int) -> None:
    assert parse_time("since", value) == expected


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("90s", 90), ("15m", 900), ("6h", 21_600), ("2d", 172_800), ("1W", 604_800), (timedelta(minutes=3), 180)],
)
def test_a_time_can_be_told_by_how_long_ago_it_was(value: Any, seconds: int) -> None:
    assert parse_time("since", value) == pytest.approx(time.time_ns() - seconds * 10**9, abs=10 * 10**9)


@given(st.datetimes(timezones=st.just(UTC)))
def test_iso_text_and_datetime_mean_the_same(moment: datetime) -> None:
    nanoseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000
    if abs(nanoseconds) < 2**63:
        assert parse_time("since", moment) == parse_time("since", moment.isoformat()) == nanoseconds
    else:
        with pytest.raises(FilterError):
            parse_time("since", moment)


@pytest.mark.parametrize(
    "value", ["", "tomorrow", "15", "15 m", "m", "-5m", "2026-13-01", 1.5, True, [], 2**63, "9" * 11 + "w"]
)
def test_what_is_not_a_time_is_refused_by_name(value: Any) -> None:
    with pytest.raises(FilterError, match=r"^until: .* is not a time: give ISO 8601") as caught:
        parse_time("until", value)
    assert caught.value.argument == "until"


@pytest.mark.parametrize("view", ASKABLE_VIEWS, ids=lambda view: view.name)
def test_a_filter_asks_for_a_column_of_its_view(view: AskableView[Any]) -> None:
    others = {"since", "until", "attributes", "filter"}
    columns = {argument.removeprefix("min_") for argument in view.arguments} - others
    assert columns - {*field_types(view.row_type)} == (CALL_COLUMNS if view.calls_key else set())
    assert {view.calls_key or "id", *view.order, view.since, view.row_type.ATTRIBUTES} <= {*field_types(view.row_type)}
    assert {"since", "until", "session_id", "service_name", "attributes"} <= {*view.arguments}


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("colour", "red", "spans has no such filter: give since, until, session_id"),
        ("status", "broken", "'broken' is not a choice: give ok, error, running, interrupted"),
        ("status", ["ok", "bad"], "'bad' is not a choice"),
        ("name", 7, "7 is not text"),
        ("name", [], "is not text"),
        ("name", ["a", None], "is not text"),
        ("min_duration_ms", "5", "'5' is not a finite number"),
        ("min_duration_ms", float("nan"), "nan is not a finite number"),
        ("min_duration_ms", True, "True is not a finite number"),
        ("min_duration_ms", 2**63, "does not fit in 64 bits"),
        ("attributes", "x", "is not a mapping"),
        ("attributes", {"": 1}, "is not a mapping"),
        ("attributes", {7: 1}, "is not a mapping"),
        ("attributes", {"a": ("~", 1)}, "a: '~' is not an operator: give exists, =, !="),
        ("attributes", {"a": ("exists", "yes")}, "a: the operator 'exists' needs True or False"),
        ("attributes", {"a": ("<", True)}, "a: true and false can only be compared by = and !="),
        ("attributes", {"a": [1]}, "a: list cannot be compared: give a text, a number, True or False"),
        ("attributes", {"a\0": 1}, "text with a NUL character cannot be found"),
        ("attributes", {"a": ("=", "b\0")}, "text with a NUL character cannot be found"),
        ("attributes", {"a": None}, "a: NoneType cannot be compared"),
        ("attributes", {"a": b"x"}, "a: bytes cannot be compared: give a text, a number, True or False"),
        ("attributes", {"a": (">", float("inf"))}, "inf is not a finite number"),
        ("attributes", {"a": 2**63}, "does not fit in 64 bits"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(argument: str, value: Any, message: str) -> None:
    with pytest.raises(FilterError, match=f"^{argument}: .*") as caught:
        build_page(SPANS, {argument: value}, limit=1)
    assert caught.value.argument == argument
    assert message in str(caught.value)


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, "7", 2**31])
def test_a_limit_is_a_number_of_records(limit: Any) -> None:
    with pytest.raises(FilterError, match=r"^limit: "):
        build_page(SPANS, {}, limit=limit)


@pytest.mark.parametrize("cursor", ["", "x", "!", "bnVsbA", "WyJzcGFucyIsdHJ1ZSwxLDIsM10", 7, "ü"])
def test_a_cursor_that_no_page_gave_is_refused(cursor: Any) -> None:
    with pytest.raises(FilterError, match=r"^cursor: it is not from a page of this list"):
        build_page(SPANS, {}, limit=1, cursor=cursor)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("error.type", ("error.type", ("exists", True))),
        ("!error.type", ("error.type", ("exists", False))),
        ("a=b", ("a", ("=", "b"))),
        ("a = b c ", ("a", ("=", "b c "))),
        ("a=", ("a", ("=", ""))),
        ("a>=500", ("a", (">=", 500))),
        ("a<0.5", ("a", ("<", 0.5))),
        ("a!=true", ("a", ("!=", True))),
        ('a="500"', ("a", ("=", "500"))),
        ("a=[1]", ("a", ("=", "[1]"))),
        ("a=NaN", ("a", ("=", "NaN"))),
        ("a=null", ("a", ("=", "null"))),
        ("a=b=c", ("a", ("=", "b=c"))),
        ('a="=b"', ("a", ("=", "=b"))),
        ("a=<b>", ("a", ("=", "<b>"))),
    ],
)
def test_what_is_wanted_of_an_attribute_can_be_text(text: str, expected: tuple[str, Any]) -> None:
    assert parse_attribute_text("attribute", text) == expected


@pytest.mark.parametrize("text", ["a==3", "a=>3", "a<>3", "a!==3", "a >> 3"])
def test_an_operator_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(FilterError, match=r"^attribute: .*: the operators are =, !=, .*; .*, write a.*\"$"):
        parse_attribute_text("attribute", text)


@pytest.mark.parametrize("text", ["a>", "a<= "])
def test_a_comparison_with_nothing_is_refused(text: str) -> None:
    with pytest.raises(FilterError, match=r"^attribute: .* has nothing to compare with"):
        parse_attribute_text("attribute", text)


@pytest.mark.parametrize("text", ["", "!"])
def test_a_text_without_a_key_is_refused(text: str) -> None:
    with pytest.raises(FilterError, match=r"^attribute: .* has no key"):
        parse_attribute_text("attribute", text)
