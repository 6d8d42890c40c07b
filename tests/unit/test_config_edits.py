# SPDX-License-Identifier: Apache-2.0
"""Settings are written into any JSON and any TOML, and taken back: everything else stays."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from otel_sqlite_exporter.connect.blocks import make_block, undo_block, write_block
from otel_sqlite_exporter.connect.json_edits import UnreadableTextError
from otel_sqlite_exporter.connect.key_edits import FORMATS, Path, WrittenKeys, undo_keys, write_keys
from otel_sqlite_exporter.connect.toml_edits import write_toml

JSON, TOML = FORMATS["json"], FORMATS["toml"]
NOTHING = WrittenKeys()
WANTED = {("env", "A"): "1", ("env", "B"): {"on": True}, ("c",): False}
EXPORTER = {"otlp-http": {"endpoint": "http://x/v1/logs"}}
TABLE: dict[Path, Any] = {("otel", "exporter"): EXPORTER, ("otel", "log_user_prompt"): True}
KEYS = st.sampled_from(["env", "A", "B", "c", "d", 'a "quoted" key', "\u00e9"]) | st.text(max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
LAYOUTS = st.sampled_from(
    [{}, {"indent": 2}, {"indent": "\t"}, {"indent": 4, "ensure_ascii": False}, {"separators": (",", ":")}]
)
BARE = st.sampled_from(["model", "exporter", "environment", "trace_exporter", "x-1"])
SIMPLE = (
    st.booleans() | st.integers(-99, 99) | st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=8)
)
NAMES = st.sampled_from(["otel", "otel.exporter", "tui", "mcp_servers.docs", '"o t"'])
TEXTS = st.sampled_from(
    ['"""\n[otel]\nexporter = 1\n"""', "[\n  [1], # otel\n]", "1979-05-27T07:32:00Z", "nan", "{ a = 1 }"]
)


def _ends(text: str, end: str) -> str:
    return text.replace("\n", end)


@given(st.dictionaries(KEYS, VALUES, max_size=5), LAYOUTS, st.sampled_from(["\n", "\r\n"]))
@example({"env": {}}, {}, "\n")
@example({"env": {"A": 2}}, {"indent": 2}, "\n")
def test_json_keeps_everything_else(held: dict[str, Any], layout: dict[str, Any], end: str) -> None:
    text = _ends(json.dumps(held, **layout), end)
    assume(isinstance(held.get("env", {}), dict))
    new, written = write_keys(text, JSON, WANTED, NOTHING)
    expected = {**held, "env": {**held.get("env", {}), "A": "1", "B": {"on": True}}, "c": False}
    assert json.loads(new) == expected
    assert list(json.loads(new)) == list(expected)
    assert write_keys(new, JSON, WANTED, written) == (new, written)
    back, changed = undo_keys(new, JSON, written)
    assert (back, changed) == (text, [])


@given(
    st.lists(st.tuples(BARE, SIMPLE.map(write_toml) | TEXTS), max_size=3, unique_by=lambda one: one[0]),
    st.lists(
        st.tuples(
            NAMES, st.lists(st.tuples(BARE, SIMPLE.map(write_toml) | TEXTS), max_size=3, unique_by=lambda one: one[0])
        ),
        max_size=3,
        unique_by=lambda one: one[0],
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\n\n", " # end", "\n# end"]),
)
def test_toml_keeps_everything_else(
    root: list[tuple[str, str]], tables: list[tuple[str, list[tuple[str, str]]]], end: str, last: str
) -> None:
    lines = [f"{key} = {value} # why" for key, value in root]
    for name, entries in tables:
        lines += [f"  [{name}] # {name}", *(f"{key}={value}" for key, value in entries), ""]
    text = _ends("\n".join(lines) + last, end)
    try:
        held = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(False)
    try:
        new, written = write_keys(text, TOML, TABLE, NOTHING)
    except UnreadableTextError:
        return
    meant = tomllib.loads(new)
    assert meant["otel"]["exporter"] == TABLE[("otel", "exporter")]
    for place in (held, meant):
        for key in ("exporter", "log_user_prompt"):
            place.get("otel", {}).pop(key, None)
    assert repr(meant) == repr(held if "otel" in held else held | {"otel": {}})
    assert write_keys(new, TOML, TABLE, written) == (new, written)
    back, changed = undo_keys(new, TOML, written)
    assert changed == []
    assert back.rstrip("\r\n") == text.rstrip("\r\n")


def test_what_somebody_else_changed_stays() -> None:
    text, written = write_keys('{"env": {"A": "0", "Z": 1.50}}', JSON, WANTED, NOTHING)
    theirs = (
        text.replace('"on": true', '"on": null').replace("1.50", "2.50").replace('"c": false', '"c": false, "d": 1')
    )
    back, changed = undo_keys(theirs, JSON, written)
    assert changed == [("env", "B")]
    assert back == '{"env": {"A": "0", "Z": 2.50, "B": {"on": null}}, "d": 1}'
    text, written = write_keys("", TOML, TABLE, NOTHING)
    back, changed = undo_keys(text.replace("true", 'false\nenvironment = "dev"'), TOML, written)
    assert (back, changed) == ('[otel]\nlog_user_prompt = false\nenvironment = "dev"\n', [("otel", "log_user_prompt")])


def test_an_object_that_somebody_else_replaced_stays() -> None:
    _, written = write_keys('{"z": 1}', JSON, WANTED, NOTHING)
    assert undo_keys('{"z": 1, "env": "x", "c": false}', JSON, written) == ('{"z": 1, "env": "x"}', [])


@pytest.mark.parametrize("text", ["[otel.tls]\na = 1\n", '[otel . "tls"]\na = 1\n', "[[otel.tls]]\na = 1\n"])
def test_a_table_that_has_tables_but_no_header_loses_the_header_again(text: str) -> None:
    new, written = write_keys(text, TOML, TABLE, NOTHING)
    second, kept = write_keys(new, TOML, {("otel", "exporter"): EXPORTER}, written)
    assert tomllib.loads(second)["otel"] == {**tomllib.loads(text)["otel"], "exporter": EXPORTER}
    for one, those in ((new, written), (second, kept)):
        assert undo_keys(one, TOML, those) == (text, [])


def test_what_is_not_wanted_any_more_is_taken_back() -> None:
    text = '{\n  "env": {\n    "B": 7\n  }\n}\n'
    first, written = write_keys(text, JSON, WANTED, NOTHING)
    second, written = write_keys(first, JSON, {("env", "A"): "2"}, written)
    assert second == '{\n  "env": {\n    "B": 7,\n    "A": "2"\n  }\n}\n'
    assert undo_keys(second, JSON, written) == (text, [])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_key_gets_a_line_where_the_text_has_lines(end: str) -> None:
    text = _ends('{\n    "env": {"FOO": "1"},\n    "m": "x"\n}\n', end)
    lines = (
        '{\n    "env": {"FOO": "1",\n        "A": "1",\n        "B": {"on": true}},\n    "m": "x",\n    "c": false\n}\n'
    )
    new, written = write_keys(text, JSON, WANTED, NOTHING)
    assert new == _ends(lines, end)
    assert undo_keys(new, JSON, written) == (text, [])


def test_what_was_there_already_is_not_ours() -> None:
    text, written = write_keys('{"env": {"A": "1"}}', JSON, {("env", "A"): "1"}, NOTHING)
    assert (text, written) == ('{"env": {"A": "1"}}', NOTHING)
    text, written = write_keys('{"c": 0}', JSON, {("c",): False}, NOTHING)
    assert (text, undo_keys(text, JSON, written)[0]) == ('{"c": false}', '{"c": 0}')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1 is not JSON"),
        ('{\n  // why\n  "a": 1\n}', "line 2 is not JSON; comments are not, either"),
        ('{"a": 1,}', "line 1 is not JSON"),
        ("[]", "it is not a JSON object"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": {"b": 1, "b": 2}}', "an object has the same key twice"),
        ('{"env": "text"}', "env is not an object"),
        ('{"env": null}', "env is not an object"),
        ("\ufeff{}", "line 1 is not JSON"),
        ('{"a": ' * 99_999, "it is not JSON that this program reads"),
        ('{"a": ' + "9" * 9_999 + "}", "it is not JSON that this program reads"),
    ],
)
def test_json_that_cannot_be_changed_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UnreadableTextError, match=reason):
        write_keys(text, JSON, WANTED, NOTHING)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[otel\n", "line 1 is not TOML"),
        ("a = 1\na = 2\n", "line 2 is not TOML"),
        ('otel = "off"\n', "otel is not an object"),
        ("otel = { exporter = 1 }\n", "it is laid out in a way"),
        ("otel.exporter = 1\n", "it is laid out in a way"),
        ('[otel]\n[otel.exporter."otlp-http"]\nendpoint = "x"\n', "it is laid out in a way"),
        ("[otel]\nexporter = '''\n'''\n", "it is laid out in a way"),
        ("a = '''\n[otel]\nexporter = 1\n'''\n", "it is laid out in a way"),
    ],
)
def test_toml_that_cannot_be_changed_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UnreadableTextError, match=reason):
        write_keys(text, TOML, TABLE, NOTHING)


@given(st.text(st.sampled_from("ab#\n"), max_size=8))
def test_a_block_leaves_the_other_lines(text: str) -> None:
    block, other = make_block("x", ["A=1"]), make_block("x", ["A=2", "B=1"])
    new = write_block(text, block, None)
    assert write_block(new, block, block) == new
    replaced = write_block(f"{new}export C=1\n", other, block)
    assert replaced.endswith(f"{other}export C=1\n")
    assert undo_block(replaced, other).removesuffix("export C=1\n").rstrip("\n") == text.rstrip("\n")
    assert undo_block(text, block) == text
    with pytest.raises(UnreadableTextError, match="changed by somebody else"):
        undo_block(new.replace("A=1", "A=3"), block)
