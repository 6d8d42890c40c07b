# SPDX-License-Identifier: Apache-2.0
"""The rules by which values are masked, dropped and cut."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.errors import TooMuchWorkError
from otel_sqlite_exporter.model.values import decode_attributes, encode_attributes
from otel_sqlite_exporter.patterns import PatternSearch, parse_pattern
from otel_sqlite_exporter.redact import escapes
from otel_sqlite_exporter.redact.escapes import mask_matches
from otel_sqlite_exporter.redact.redactor import Redactor, make_redactor
from otel_sqlite_exporter.settings import resolve_settings
from tests import strategies

EMAIL = r"[\w.]+@[\w.]+"


def redactor(**keywords: Any) -> Redactor:
    made = make_redactor(resolve_settings(**keywords))
    assert made is not None
    return made


def stored(attributes: dict[Any, Any], event_name: str | None = None, **keywords: Any) -> dict[str, Any]:
    """What the file holds of attributes."""
    redacted = redactor(**keywords).redact_attributes(attributes, [event_name] if event_name else [])
    loaded: dict[str, Any] = json.loads(encode_attributes(redacted).text)
    return loaded


@pytest.mark.parametrize(
    "keywords", [{}, {"redact_keys": []}, {"redact_values": []}, {"capture_content": True}, {"redact_keys": [" "]}]
)
def test_where_nothing_is_asked_for_there_is_no_redactor(keywords: Any) -> None:
    assert make_redactor(resolve_settings(**keywords)) is None


def test_a_key_is_masked_whatever_its_case_and_its_type() -> None:
    attributes = {"DB.Password": "x", "api_key": 7, "n": {"deep": [{"PASSWORD": {"a": 1}}]}, "passwords": "kept"}
    assert stored(attributes, redact_keys=["*password", "api_?ey"]) == {
        "DB.Password": "[redacted]",
        "api_key": "[redacted]",
        "n": {"deep": [{"PASSWORD": "[redacted]"}]},
        "passwords": "kept",
    }


def test_a_glob_matches_the_whole_key() -> None:
    assert stored({"user": 1, "user.id": 2, "a.user": 3}, redact_keys=["user"]) == {
        "user": "[redacted]",
        "user.id": 2,
        "a.user": 3,
    }


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("to ada@example.org, bob@example.org", "to [redacted], [redacted]"),
        (["ada@example.org", 5], ["[redacted]", 5]),
        ({"to": {"ada@example.org": 1}}, {"to": {"[redacted]": 1}}),
        (b"\xff ada@example.org", "/yBbcmVkYWN0ZWRd"),
        ('{"to": "ada@example.org"}', '{"to": "[redacted]"}'),
        (True, True),
        (None, None),
    ],
)
def test_what_a_pattern_matches_is_masked_wherever_it_stands(value: Any, kept: Any) -> None:
    assert stored({"a": value}, redact_values=[EMAIL]) == {"a": kept}


def test_a_pattern_is_looked_for_in_the_digits_of_numbers() -> None:
    attributes = {"card": 4111111111111111, "tokens": 17, "share": 0.5}
    assert stored(attributes, redact_values=[r"\b\d{16}\b"]) == {"card": "[redacted]", "tokens": 17, "share": 0.5}


def test_keys_that_are_the_same_when_masked_keep_their_values() -> None:
    assert stored({"ada@example.org": 1, "bob@example.org": 2}, redact_values=[EMAIL]) == {
        "[redacted]": 1,
        "[redacted]\ufffd": 2,
    }


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("secret", ["Müller", 'p"w\\d', "a\nb", "😀1"])
def test_a_secret_is_found_behind_the_escapes_of_json_inside_json(secret: str, levels: int) -> None:
    text: Any = {"said": f"I am {secret}.", "n": 5}
    for _ in range(levels):
        text = json.dumps(text)
    (kept,) = stored({"a": f"[{text}]"}, redact_values=[re.escape(secret)]).values()
    for _ in range(levels):
        assert secret.strip('"') not in kept
        kept = json.loads(kept if kept[0] != "[" else kept[1:-1])
    assert kept == {"said": "I am [redacted].", "n": 5}


@given(
    before=st.text(max_size=6),
    secret=st.text('a é"\\/\n\t\x00😀u0d83', min_size=1, max_size=5),
    after=st.text('n"\\/ué', max_size=6),
    levels=st.integers(1, 4),
)
def test_nothing_that_a_pattern_matches_is_left_at_any_level(before: str, secret: str, after: str, levels: int) -> None:
    text = before + "SECRET" + secret + after
    for _ in range(levels):
        text = json.dumps(text)
    masked = mask_matches(text, PatternSearch([parse_pattern("SECRET" + re.escape(secret))]).find, "#")
    for _ in range(levels):
        masked = json.loads(masked)
    assert "SECRET" not in masked
    assert masked.count("#") == (before + after).count("#") + 1


def test_an_escape_before_a_match_is_not_torn_apart() -> None:
    (kept,) = stored({"a": json.dumps(["to\nada@example.org\nbye"])}, redact_values=[EMAIL]).values()
    assert json.loads(kept) == ["to[redacted]\nbye"]


@pytest.mark.parametrize("secret", ["", " ada@example.org"])
@pytest.mark.parametrize("levels", [1, 8, 9, 16, 31, 200])
def test_patterns_read_a_text_thirty_two_times_at_most(levels: int, secret: str) -> None:
    """Each level of this text is five characters shorter than the one before it."""
    text = "\\u005c" + "u005c" * (levels - 1) + secret
    search = PatternSearch([parse_pattern(EMAIL)])
    characters = 0

    def find(resolved: str) -> Sequence[tuple[int, int]]:
        nonlocal characters
        characters += len(resolved)
        return search.find(resolved)

    if levels <= 31:
        assert mask_matches(text, find, "[redacted]") == text.replace("ada@example.org", "[redacted]")
        assert len(text) < characters <= 32 * len(text)
    else:
        with pytest.raises(TooMuchWorkError):
            mask_matches(text, find, "[redacted]")
        assert characters == 0


@pytest.mark.parametrize("secret", ["Müller", 'p"w\\d', "a\nb"])
def test_a_secret_is_found_in_json_at_any_depth(secret: str) -> None:
    text = json.dumps([secret])
    for _ in range(14):  # each level doubles the backslashes
        text = json.dumps([text])
    (kept,) = stored({"a": text}, redact_values=[re.escape(secret)]).values()
    for _ in range(15):
        (kept,) = json.loads(kept)
    assert kept == "[redacted]"


@pytest.mark.parametrize("unit", ["\\", "\\u005c", "\\u005cu005c", '\\\\"', "\\ud83d\\ude00", "\\\\u005c"])
def test_the_work_for_a_text_of_escapes_grows_as_its_length(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is what is read of escapes and by patterns."""

    def measure(times: int) -> int:
        work = 0

        def find(resolved: str) -> Sequence[tuple[int, int]]:
            nonlocal work
            work += len(resolved)
            return ()

        def read(escape: str) -> str:
            nonlocal work
            work += 1
            return read_escape(escape)

        monkeypatch.setattr(escapes, "_read_escape", read)
        assert mask_matches(unit * times, find, "#") == unit * times
        return work

    read_escape = escapes._read_escape
    assert measure(4_000) <= 4.5 * measure(1_000)


def test_a_text_that_resolves_without_end_costs_no_more_than_itself() -> None:
    text = "\\u005c" + "u005c" * 200
    redacted = redactor(redact_values=[EMAIL]).redact_attributes({text: text, "a": [text, "b"], "n": 1})
    encoded = encode_attributes(redacted)
    assert json.loads(encoded.text) == {"[redacted]": "[redacted]", "a": ["[redacted]", "b"], "n": 1}
    assert encoded.repaired > 0
    assert str(redactor(redact_values=[EMAIL]).redact_text("span.name", text)) == "[redacted]"


def test_any_number_of_keys_that_are_the_same_when_masked_is_kept() -> None:
    addresses = {f"{number}@example.org": number for number in range(1_000)}
    for kept in (stored({"to": addresses}, redact_values=[EMAIL])["to"], stored(addresses, redact_values=[EMAIL])):
        assert sorted(kept.values()) == [*range(1_000)]
        assert max(map(len, kept)) < 20


@pytest.mark.parametrize("keywords", [{"redact_values": [EMAIL]}, {"capture_limit": 100}])
def test_a_value_that_holds_itself_twice_has_an_end(keywords: Any) -> None:
    value: dict[str, Any] = {"name": "ada@example.org", "children": []}
    value["children"] += [{"parent": value}, {"parent": value}]
    kept = stored({"a": value, "b": 1}, **keywords)
    assert kept["b"] == 1
    assert len(json.dumps(kept)) < 4_000_000


def test_the_function_is_asked_for_every_value_and_its_answer_is_what_is_stored() -> None:
    asked = []

    def pseudonym(key: str, value: Any) -> Any:
        asked.append((key, value))
        return {"user.id": "u-1", "list": [1, b"\x00"]}.get(key, value)

    attributes = {"user.id": "ada", "list": (1,), "key": "x", "none": None}
    assert stored(attributes, redactor=pseudonym, redact_keys=["key"]) == {
        "user.id": "u-1",
        "list": [1, "AA=="],
        "key": "[redacted]",
        "none": None,
    }
    assert asked == [("user.id", "ada"), ("list", (1,)), ("none", None)]


def test_patterns_hold_for_what_the_function_answers() -> None:
    assert stored({"a": 1}, redactor=lambda key, value: "ada@example.org", redact_values=[EMAIL]) == {"a": "[redacted]"}


def failing(key: str, value: Any) -> Any:
    raise ValueError(f"no idea what {value} is")


@pytest.mark.parametrize("function", [failing, lambda key, value: object(), lambda key, value: None])
def test_a_function_that_fails_costs_the_value_and_says_so_without_it(
    function: Any, caplog: pytest.LogCaptureFixture
) -> None:
    made = redactor(redactor=function)
    encoded = encode_attributes(made.redact_attributes({"a": "secret", "b": "secret"}))
    assert encoded == ('{"a":"[redacted]","b":"[redacted]"}', None, 2)
    assert str(made.redact_text("span.name", "secret")) == "[redacted]"
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "secret" not in caplog.text


def test_a_name_has_to_stay_a_text() -> None:
    assert str(redactor(redactor=lambda key, value: 5).redact_text("span.name", "a")) == "[redacted]"


def test_what_cannot_be_looked_at_is_masked() -> None:
    class Broken(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("secret")

    attributes = {"broken": Broken(a=1), "huge": 10**5000}
    encoded = encode_attributes(redactor(redact_values=[EMAIL]).redact_attributes(attributes))
    assert encoded.repaired == 2
    assert json.loads(encoded.text) == {"broken": "[redacted]", "huge": "[redacted]"}


def test_an_object_is_masked_as_the_text_that_is_stored_of_it() -> None:
    class Contact:
        def __str__(self) -> str:
            return "ada@example.org"

    encoded = encode_attributes(redactor(redact_values=[EMAIL]).redact_attributes({"a": [Contact()], Contact(): 1}))
    assert encoded == ('{"a":["[redacted]"],"[redacted]":1}', None, 2)


@given(strategies.attributes)
def test_what_no_rule_is_about_is_encoded_as_without_a_redactor(attributes: dict[str, Any]) -> None:
    for keywords in ({"redact_keys": ["no such key"]}, {"redact_values": ["no such text"]}, {"capture_limit": 10_000}):
        redacted = redactor(**keywords).redact_attributes(attributes)
        assert encode_attributes(redacted) == encode_attributes(attributes)


@given(strategies.attributes, st.integers(1, 20))
def test_a_limit_holds_for_every_text_list_and_map(attributes: dict[str, Any], limit: int) -> None:
    encoded = encode_attributes(redactor(capture_limit=limit).redact_attributes(attributes))

    def check(value: Any) -> None:
        if isinstance(value, (str, bytes, list, dict)):
            assert len(value) <= limit or re.fullmatch(r"-?\d+", str(value))
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(inner)

    for value in decode_attributes(encoded.text, encoded.types).values():
        check(value)
    assert bool(encoded.types and "cut:" in encoded.types) == (
        any(is_long(value, limit) for value in attributes.values())
    )


def is_long(value: Any, limit: int) -> bool:
    if isinstance(value, (str, bytes, list, tuple, dict)) and len(value) > limit:
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return any(is_long(item, limit) for item in inner)


def test_what_is_cut_says_how_long_it_was() -> None:
    attributes = {
        "text": "abcdef",
        "bytes": b"abcde",
        "list": [1, 2, 3, "abcd"],
        "map": {"a": 1, "b": "wxyz", "c": 3, "d": 4},
    }
    encoded = encode_attributes(redactor(capture_limit=3).redact_attributes(attributes))
    assert json.loads(encoded.text) == {
        "text": "abc",
        "bytes": "YWJj",
        "list": [1, 2, 3],
        "map": {"a": 1, "b": "wxy", "c": 3},
    }
    assert encoded.types is not None
    assert json.loads(encoded.types) == {
        "/text": "cut:6",
        "/bytes": "bytes,cut:5",
        "/list": "cut:4",
        "/map": "cut:4",
        "/map/b": "cut:4",
    }
    assert encoded.repaired == 0
    assert decode_attributes(encoded.text, encoded.types)["bytes"] == b"abc"


def test_a_secret_is_masked_before_the_text_is_cut() -> None:
    assert stored({"a": "x ada@example.org"}, redact_values=[EMAIL], capture_limit=8) == {"a": "x [redac"}
    encoded = encode_attributes(
        redactor(redact_values=[EMAIL], capture_limit=12).redact_attributes({"a": "x ada@example.org"})
    )
    assert encoded == ('{"a":"x [redacted]"}', None, 0)


def test_a_name_is_cut_with_an_ellipsis() -> None:
    made = redactor(capture_limit=5)
    assert [made.redact_text("span.name", text) for text in ("abcde", "abcdef")] == ["abcde", "abcd…"]


CONTENT = {
    "gen_ai.input.messages": "said",
    "gen_ai.tool.call.arguments": {"to": "said"},
    "gen_ai.prompt.0.content": "said",
    "gen_ai.completion.0.tool_calls.0.arguments": "said",
    "gen_ai.prompt.variable.name": "said",
    "gen_ai.prompt.0.role": "user",
    "llm.input_messages.0.message.role": "user",
    "llm.input_messages.1.message.tool_calls.0.tool_call.function.name": "search",
    "llm.tools.0.tool.json_schema": "{}",
    "llm.tools.0.tool.name": "search",
    "gen_ai.tool.definitions": "[]",
    "ai.prompt.tools": ["search"],
    "arguments": "said",
    "llm.input_messages.0.message.content": "said",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "said",
    "retrieval.documents.0.document.content": "said",
    "input.value": "said",
    "traceloop.entity.input": "said",
    "traceloop.prompt.template_variables.name": "said",
    "langfuse.observation.output": "said",
    "mlflow.spanInputs": "said",
    "ai.prompt.messages": "said",
    "ai.response.text": "said",
    "gcp.vertex.agent.llm_request": "said",
    "lk.pii.user_input": "said",
    "user_prompt": "said",
}
NO_CONTENT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.tool.call.id": "call-1",
    "gen_ai.prompt.name": "greeting",
    "gen_ai.completion.0.finish_reason": "stop",
    "gen_ai.completion.0.tool_calls.0.name": "search",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "search",
    "llm.token_count.prompt": 12,
    "retrieval.documents.0.document.id": "d-1",
    "input.mime_type": "text/plain",
    "ai.response.finishReason": "stop",
    "ai.usage.promptTokens": 12,
    "traceloop.entity.name": "agent",
    "content": "of another kind",
}


def test_without_content_its_keys_go_and_all_others_stay() -> None:
    # A dialect recognises spans by this.
    marks = {"gcp.vertex.agent.content_left_out": True}
    assert stored(CONTENT | NO_CONTENT, capture_content=False) == NO_CONTENT | marks


def test_without_content_the_events_that_carry_it_lose_it() -> None:
    message = {"gen_ai.system": "openai", "content": "said", "role": "user", "id": "m-1"}
    assert stored(message, "gen_ai.user.message", capture_content=False) == {
        "gen_ai.system": "openai",
        "id": "m-1",
    }
    assert stored(message, "note", capture_content=False) == message


def test_the_body_of_a_log_record_is_redacted_and_goes_where_it_is_content() -> None:
    made = redactor(redact_values=[EMAIL], capture_content=False)
    assert made.redact_body({"to": "ada@example.org"}) == {"to": "[redacted]"}
    assert made.redact_body("from ada@example.org", ["note"]) == "from [redacted]"
    assert made.redact_body({"content": "said"}, ["gen_ai.user.message"]) is None
    assert made.redact_body("gen_ai.user.message", ["gen_ai.user.message"]) == "gen_ai.user.message"  # its name


def test_what_a_dialect_of_ones_own_calls_content_is_dropped_too() -> None:
    path = str(Path(__file__).parent / "dialects" / "own" / "acme.json")
    attributes = {"acme.model": "m", "acme.prompt.0.content": "hi", "acme.answer": "hello", "acme.args": "{}"}
    assert stored(attributes, capture_content=False, dialects=[path]) == {"acme.model": "m"}
    assert stored(attributes, capture_content=False) == attributes
