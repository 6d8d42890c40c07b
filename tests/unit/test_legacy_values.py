# SPDX-License-Identifier: Apache-2.0
"""An attribute row gives the value that was recorded."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.legacy.legacy_values import read_json, read_value


def row(**columns: Any) -> dict[str, Any]:
    return {"value_text": None, "value_numeric": None, "value_boolean": None, "value_type": None} | columns


@pytest.mark.parametrize(
    ("columns", "value", "counted"),
    [
        ({"value_text": "x", "value_type": "text"}, "x", {}),
        ({"value_numeric": 150.0, "value_type": "numeric"}, 150, {"restored.integers": 1}),
        ({"value_numeric": -2.0, "value_type": "numeric"}, -2, {"restored.integers": 1}),
        ({"value_numeric": 0.7, "value_type": "numeric"}, 0.7, {}),
        ({"value_numeric": 1e300, "value_type": "numeric"}, 1e300, {}),
        ({"value_boolean": 1, "value_type": "boolean"}, True, {}),
        ({"value_boolean": 0, "value_type": "boolean"}, False, {}),
        ({"value_boolean": "True", "value_type": "boolean"}, True, {"repaired.boolean read from text": 1}),
        ({"value_text": '{"a": [1, null]}', "value_type": "json"}, {"a": [1, None]}, {}),
        ({"value_text": "{'a': (1, None)}", "value_type": "json"}, {"a": [1, None]}, {"repaired.python repr": 1}),
        ({"value_text": "{1: {2}}", "value_type": "json"}, {"1": [2]}, {"repaired.python repr": 1}),
        ({"value_text": '{"a": ', "value_type": "json"}, '{"a": ', {"repaired.broken json kept as text": 1}),
        ({"value_text": r"{'a': '\d'}", "value_type": "json"}, {"a": r"\d"}, {"repaired.python repr": 1}),
        ({"value_type": "text"}, None, {"attributes.null": 1}),
        ({"value_text": "7.0", "value_type": "numeric"}, 7, {"repaired.value in the column of another type": 1}),
        ({"value_numeric": 3.0}, 3, {"repaired.unknown type": 1}),
        ({"value_numeric": "many", "value_type": "int"}, "many", {"repaired.number kept as text": 1}),
    ],
)
def test_a_row_gives_its_value_and_says_what_was_done(
    columns: dict[str, Any], value: Any, counted: dict[str, int]
) -> None:
    counts: Counter[str] = Counter()
    assert read_value(row(**columns), counts)[1] == value
    assert type(read_value(row(**columns), Counter())[1]) is type(value)
    assert counted.items() <= counts.items()
    assert {name for name in counts if name.startswith("repaired.")} <= {*counted}


def test_a_large_integer_and_a_number_that_is_none_are_read_as_python_wrote_them() -> None:
    counts: Counter[str] = Counter()
    assert read_json(json.dumps({"a": 2**70}), counts) == {"a": 2**70}
    assert repr(read_json(json.dumps([float("nan"), float("inf")]), counts)) == "[nan, inf]"
    assert counts == {"repaired.json with NaN or infinity": 1}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(), lambda inner: st.lists(inner), max_leaves=5
    )
)
def test_json_and_repr_of_a_value_are_the_value(value: Any) -> None:
    if isinstance(value, (list, str)):
        assert read_json(json.dumps(value), Counter()) == value
        if isinstance(value, list):
            assert read_json(repr(value), Counter()) == value


@given(st.text())
def test_no_text_raises(text: str) -> None:
    read_json(text, Counter())
    read_value(row(value_text=text, value_type="json"), Counter())
