# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from otel_sqlite_exporter.encode.sessions import find_naming, plan_naming
from otel_sqlite_exporter.model.rows import Naming

_SOURCES = ("session.id", "gen_ai.conversation.id")


def _find(attributes: dict[str, Any], *, is_child: bool, time_unix_nano: int) -> Naming | None:
    return find_naming(plan_naming(_SOURCES, attributes), attributes, is_child, time_unix_nano)


@pytest.mark.parametrize(
    ("attributes", "name", "source"),
    [
        ({"session.id": "a"}, "a", "session.id"),
        ({"gen_ai.conversation.id": "c", "session.id": "a"}, "a", "session.id"),
        ({"gen_ai.conversation.id": "c", "session.id": ""}, "c", "gen_ai.conversation.id"),
        ({"session.id": " a "}, " a ", "session.id"),
        ({"session.id": 42}, "42", "session.id"),
        ({"session.id": 4.5}, "4.5", "session.id"),
        ({"session.id": "a\0b\ud800"}, "a\ufffdb\ufffd", "session.id"),
    ],
)
def test_the_strongest_source_with_text_names_the_session(attributes: dict[str, Any], name: str, source: str) -> None:
    naming = _find(attributes, is_child=False, time_unix_nano=7)
    assert naming is not None
    assert (naming.name, naming.source) == (name, source)


@pytest.mark.parametrize("value", [None, "", "  ", [], ["a"], ("a",), {}, {"a": 1}, b"a"])
def test_blank_texts_and_collections_name_nothing(value: Any) -> None:
    assert _find({"session.id": value}, is_child=False, time_unix_nano=7) is None


def test_a_stronger_source_sorts_before_a_root_and_a_root_before_an_earlier_child() -> None:
    def name(source: str, *, is_child: bool, time: int) -> Any:
        return _find({source: "x"}, is_child=is_child, time_unix_nano=time)

    ordered = [
        name("session.id", is_child=False, time=9),
        name("session.id", is_child=True, time=1),
        name("session.id", is_child=True, time=2),
        name("gen_ai.conversation.id", is_child=False, time=1),
    ]
    assert sorted(ordered) == ordered


def _name(source: str, attributes: dict[str, Any]) -> str | None:
    naming = find_naming(plan_naming([source], attributes), attributes, False, 7)
    assert naming is None or naming.source == source
    return None if naming is None else naming.name


@pytest.mark.parametrize(
    ("source", "attributes", "name"),
    [
        ("metadata#thread_id", {"metadata": '{"langgraph_step": 1, "thread_id": "t-1"}'}, "t-1"),
        ("metadata#thread_id", {"metadata": "{'thread_id': 't-1', 'step': None}"}, "t-1"),
        ("metadata#thread_id", {"metadata": {"thread_id": 7}}, "7"),
        ("metadata#run#thread_id", {"metadata": '{"run": {"thread_id": "t-1"}}'}, "t-1"),
        ("metadata#ü", {"metadata": '{"\\u00fc": "t-1"}'}, "t-1"),
        ("metadata#thread_id", {"metadata": '{"thread_id": null}'}, None),
        ("metadata#thread_id", {"metadata": '{"thread_id": ["t-1"]}'}, None),
        ("metadata#thread_id", {"metadata": '{"thread_id": "[redacted]"}'}, None),
        ("metadata#thread_id", {"metadata": "the thread_id is t-1"}, None),
        ("metadata#thread_id", {"metadata": '["thread_id"]'}, None),
        ("metadata#thread_id", {"metadata": 5}, None),
        ("metadata#thread_id", {"thread_id": "t-1"}, None),
        ("run&group", {"run": "r-1", "group": "g-1"}, "g-1"),
        ("run&group", {"group": "g-1"}, None),
        ("run&group", {"run": "r-1"}, None),
        ("run&group#id", {"run": "r-1", "group": '{"id": "g-1"}'}, "g-1"),
        ("session.id", {"session.id": "null"}, None),
        ("thread.id", {"thread.id": "01a2224a-f043"}, "01a2224a-f043"),
        ("thread.id", {"thread.id": 3}, None),
        ("thread.id", {"thread.id": "3"}, None),
    ],
)
def test_a_source_may_be_a_key_in_json_or_need_another_attribute(
    source: str, attributes: dict[str, Any], name: str | None
) -> None:
    assert _name(source, attributes) == name
