# SPDX-License-Identifier: Apache-2.0
"""Arguments and results of tools without the envelopes of decorators and frameworks, and what is no envelope."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from otel_sqlite_exporter.genai.messages.tool_content import (
    clean_call_id,
    do_arguments_agree,
    read_arguments,
    read_result,
)
from tests.strategies import values

_PARIS = {"city": "Paris"}
_PLAIN = '{"city":"Paris"}'
_ENVELOPES: list[Any] = [
    {"args": [], "kwargs": _PARIS},
    {"args": [], "kwargs": _PARIS, "sanitize": True},
    {"kwargs": _PARIS},
    {"input": _PARIS, "options": None},
    {"tool_name": "weather", "arguments": _PARIS},
    {"name": "weather", "arguments": json.dumps(_PARIS)},
    {"id": "c1", "name": "weather", "args": _PARIS, "type": "tool_call"},
    {"method": "tools/call", "params": {"name": "weather", "arguments": _PARIS}},
    {"args": [], "kwargs": {"input": _PARIS, "options": None}},
]


@pytest.mark.parametrize("envelope", _ENVELOPES, ids=str)
def test_arguments_come_without_their_envelope(envelope: Any) -> None:
    assert json.loads(read_arguments(envelope, "weather") or "") == _PARIS
    assert json.loads(read_arguments(json.dumps(envelope), "weather") or "") == _PARIS


def test_arguments_come_without_a_heading() -> None:
    assert read_arguments(f"[TOOL INPUT: Bash]\n{_PLAIN}", "Bash") == _PLAIN
    assert read_arguments("[TOOL INPUT: Bash]\nls", "Bash") == "ls"


_ARGUMENTS: list[Any] = [
    {"input": _PARIS},
    {"input": "Paris"},
    {"kwargs": "Paris"},
    {"kwargs": _PARIS, "city": "Rome"},
    {"args": ["Paris"]},
    {"args": ["Paris"], "kwargs": _PARIS},
    {"input": _PARIS, "options": {"days": 2}},
    {"name": "ada", "arguments": _PARIS},
    {"city": "Paris"},
    ["Paris"],
    {},
]


@pytest.mark.parametrize("arguments", _ARGUMENTS, ids=str)
def test_arguments_that_are_no_envelope_stay(arguments: Any) -> None:
    text = json.dumps(arguments)
    assert read_arguments(text, "weather") == text


def test_the_attribute_of_the_conventions_may_hold_an_argument_named_kwargs() -> None:
    text = json.dumps({"kwargs": _PARIS})
    assert read_arguments(text, "weather", is_native=True) == text


_RESULTS: list[tuple[Any, str]] = [
    ('"Paris"', "Paris"),
    ({"result": "Paris"}, "Paris"),
    ({"output": "Paris"}, "Paris"),
    ({"text": "Paris"}, "Paris"),
    ([{"text": "Paris"}], "Paris"),
    ([{"type": "text", "text": "Paris", "annotations": None}], "Paris"),
    ([{"text": "Paris"}, {"text": "Rome"}], "Paris\nRome"),
    ([{"json": _PARIS}], _PLAIN),
    ([True, {"name": "weather", "role": "function", "content": "Paris"}], "Paris"),
    ({"role": "tool", "content": "Paris"}, "Paris"),
    ({"content": [{"type": "text", "text": "Paris"}], "isError": False}, "Paris"),
    ({"blocks": [{"text": "?"}], "tool_name": "weather", "raw_output": "Paris", "is_error": False}, "Paris"),
    ("[TOOL RESULT: Bash]\nhi", "hi"),
]


@pytest.mark.parametrize(("value", "result"), _RESULTS, ids=str)
def test_a_result_comes_without_its_envelope(value: Any, result: str) -> None:
    assert read_result(value) == (result, False)
    assert read_result(value if isinstance(value, str) else json.dumps(value)) == (result, False)


_FAILED_RESULTS: list[Any] = [
    {"content": [{"type": "text", "text": "no city"}], "isError": True},
    {"blocks": [], "tool_name": "weather", "raw_output": "no city", "is_error": True},
    [False, {"name": "weather", "role": "function", "content": "no city"}],
    {"result": {"role": "tool", "content": "no city", "is_error": True}},
    "status='failure' result=None error='no city' images=None files=None",
    "status='failure' result=None error=\"no city\"",
]


@pytest.mark.parametrize("value", _FAILED_RESULTS, ids=str)
def test_an_envelope_says_that_a_tool_failed(value: Any) -> None:
    assert read_result(value) == ("no city", True)
    assert read_result(value if isinstance(value, str) else json.dumps(value)) == ("no city", True)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("status='success' result='11 C, rain' error=None images=None", "11 C, rain"),
        ("status='success' result={'city': 'Paris'} error=None", '{"city":"Paris"}'),
        ("status='success' result=<generator object weather> error=None files=None", "<generator object weather>"),
    ],
)
def test_a_result_may_be_a_field_of_an_object_as_text(text: str, result: str) -> None:
    assert read_result(text) == (result, False)


@pytest.mark.parametrize(
    "value", [{"result": 1, "unit": "C"}, {"content": "x", "id": 1}, {"city": "Paris"}, ["a"], [], [True, 1]], ids=str
)
def test_a_result_that_is_no_envelope_stays(value: Any) -> None:
    text = json.dumps(value)
    assert read_result(text) == (text, False)
    assert read_result('{"is_error": true, "city": "Paris"}') == ('{"is_error": true, "city": "Paris"}', False)


@given(values)
def test_nothing_raises(value: Any) -> None:
    result, is_error = read_result(value)
    assert isinstance(read_arguments(value, "weather"), str | None)
    assert isinstance(result, str | None)
    assert isinstance(is_error, bool)


def test_a_placeholder_is_no_call_id() -> None:
    assert [clean_call_id(id) for id in ("<not specified>", "None", "call_1", None)] == [None, None, "call_1", None]


def test_arguments_agree_as_far_as_both_have_them() -> None:
    assert do_arguments_agree(_PLAIN, '{"city": "Paris", "unit": "C"}')
    assert do_arguments_agree(_PLAIN, None)
    assert do_arguments_agree(_PLAIN, "Paris")
    assert not do_arguments_agree(_PLAIN, '{"city": "Rome"}')
