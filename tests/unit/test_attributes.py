# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from collections import UserDict
from datetime import datetime
from enum import Enum
from typing import Any

import orjson
import pytest
from hypothesis import given

from otel_sqlite_exporter.model.odd_values.repeated_keys import find_free_key
from otel_sqlite_exporter.model.values import decode_attributes, encode_attributes, repair_text
from tests import strategies

_LONE = ("\ud800", "\udc00")


class _Color(str, Enum):  # noqa: UP042 - as applications have them
    RED = "red"


class _Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("value", "text", "type_name"),
    [
        (float("nan"), '"NaN"', "double"),
        (math.inf, '"Infinity"', "double"),
        (-math.inf, '"-Infinity"', "double"),
        (b"\x00\xff", '"AP8="', "bytes"),
        (2**64, '"18446744073709551616"', "int"),
        (-(2**63) - 1, '"-9223372036854775809"', "int"),
        (2**63, '"9223372036854775808"', "int"),
        (None, "null", None),
        (True, "true", None),
        (1.0, "1.0", None),
        ("null", '"null"', None),
        ((1, "a", None), '[1,"a",null]', None),
        ({"b": [1]}, '{"b":[1]}', None),
        (_Color.RED, '"red"', None),
    ],
)
def test_values_take_the_form_that_the_specification_gives(value: Any, text: str, type_name: str | None) -> None:
    encoded = encode_attributes({"key": value})
    assert encoded.text == f'{{"key":{text}}}'
    assert encoded.types == (None if type_name is None else f'{{"/key":"{type_name}"}}')
    assert encoded.repaired == 0


def test_types_are_noted_by_json_pointer_at_any_depth() -> None:
    encoded = encode_attributes({"a/b": [{"~": b"x"}], "n": (1, math.nan)})
    assert encoded.types is not None
    assert orjson.loads(encoded.types) == {"/a~1b/0/~0": "bytes", "/n/1": "double"}
    decoded = decode_attributes(encoded.text, encoded.types)
    assert decoded["a/b"] == [{"~": b"x"}]
    assert math.isnan(decoded["n"][1])


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("a\ud800b", "a\ufffdb"),
        (["\udfff"], ["\ufffd"]),
        (datetime(2026, 1, 2), "2026-01-02 00:00:00"),
        (_Unprintable(), None),
        (object, "<class 'object'>"),
    ],
)
@pytest.mark.row("Half of a surrogate pair in a text", "An attribute that is an object of another type")
def test_what_cannot_be_kept_exactly_is_repaired_and_counted(value: Any, stored: Any) -> None:
    encoded = encode_attributes({"key": value, "other": 1})
    assert orjson.loads(encoded.text) == {"key": stored, "other": 1}
    assert encoded.repaired == 1


@pytest.mark.row("Maps and arrays inside each other beyond 100 levels")
def test_nesting_beyond_a_hundred_levels_costs_only_itself() -> None:
    deep: Any = "bottom"
    for _ in range(3000):
        deep = [deep]
    encoded = encode_attributes({"deep": deep, "other": 1})
    assert encoded.repaired == 1
    assert orjson.loads(encoded.text)["other"] == 1


def test_a_value_that_holds_itself_ends() -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless
    assert encode_attributes(endless).repaired == 1


def test_keys_that_become_equal_keep_both_values() -> None:
    encoded = encode_attributes({1: "number", "1": "text", _LONE[0]: "a", _LONE[1]: "b"})
    assert sorted(orjson.loads(encoded.text).values()) == ["a", "b", "number", "text"]
    assert encoded.repaired == 3


def test_a_mapping_that_is_no_dict_is_encoded_too() -> None:
    assert encode_attributes(UserDict({"a": 1})).text == '{"a":1}'


@given(strategies.attributes)
def test_encoding_never_raises_and_gives_valid_json(attributes: dict[str, Any]) -> None:
    encoded = encode_attributes(attributes)
    assert len(decode_attributes(encoded.text, encoded.types)) == len(attributes)


@pytest.mark.parametrize(
    ("value", "text", "repaired"),
    [
        ("plain", "plain", 0),
        ("é", "é", 0),
        ("\ud800", "\ufffd", 1),
        (None, "", 1),
        (7, "7", 1),
        (_Unprintable(), "", 1),
    ],
)
def test_any_value_becomes_text_that_sqlite_can_hold(value: Any, text: str, repaired: int) -> None:
    assert repair_text(value) == (text, repaired)


def test_an_integer_of_more_digits_than_python_writes_out_is_kept_as_hexadecimal_text() -> None:
    value = 10**5_000
    encoded = encode_attributes({"huge": value, "n": 1})
    assert (encoded.repaired, encoded.types) == (1, None)
    assert int(orjson.loads(encoded.text)["huge"], 16) == value


class _CountedKeys(dict[str, int]):
    """Keys, and how often one was looked up."""

    looked_up = 0

    def __contains__(self, key: object) -> bool:
        self.looked_up += 1
        return super().__contains__(key)


def test_keys_that_are_the_same_as_text_cost_one_look_up_each() -> None:
    taken, numbers = _CountedKeys(), dict[Any, int]()
    for number in range(1_000):
        taken[find_free_key("same", taken, numbers)] = number
    assert [*taken][:3] == ["same", "same\ufffd", "same\ufffd2"]
    assert len(taken) == 1_000
    assert taken.looked_up < 3_000


def test_a_key_that_looks_like_a_numbered_one_is_kept_too() -> None:
    class Same:
        def __str__(self) -> str:
            return "a"

    text = encode_attributes({"a\ufffd": 1, "a": 2, Same(): 3, Same(): 4}).text
    assert orjson.loads(text) == {"a\ufffd": 1, "a": 2, "a\ufffd2": 3, "a\ufffd3": 4}


def test_a_value_that_holds_itself_twice_has_an_end() -> None:
    value: list[Any] = []
    value += [{"first": value}, {"second": value}]
    encoded = encode_attributes({"a": value, "b": 1})
    assert orjson.loads(encoded.text)["b"] == 1
    assert encoded.repaired
    assert len(encoded.text) < 4_000_000


def test_what_a_value_holds_twice_is_kept_twice() -> None:
    shared = [{"a": b"x"}]
    assert orjson.loads(encode_attributes({"x": shared, "y": [shared, shared]}).text)["y"] == [[{"a": "eA=="}]] * 2
