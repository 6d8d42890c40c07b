# SPDX-License-Identifier: Apache-2.0
"""Every dialect as its instrumentation writes it: `dialects/*.json` hold attributes and the columns that they fill."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext

from otel_sqlite_exporter.encode.events import encode_events
from otel_sqlite_exporter.encode.open_spans import merge_start
from otel_sqlite_exporter.encode.sessions import USER_ATTRIBUTES, find_naming, plan_naming
from otel_sqlite_exporter.encode.spans import SpanEncoder
from otel_sqlite_exporter.genai import rules
from otel_sqlite_exporter.genai.content import AS_RECORDED
from otel_sqlite_exporter.genai.event_content import MESSAGE_RECORDS, read_record
from otel_sqlite_exporter.genai.globs import GlobMap, compile_glob
from otel_sqlite_exporter.genai.providers import Providers
from otel_sqlite_exporter.genai.recognition import (
    Surroundings,
    find_event_interactions,
    find_interactions,
    find_record_interactions,
    plan_interactions,
)
from otel_sqlite_exporter.model.attribute_sources import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.model.dialect import COLUMNS, parse_dialect
from otel_sqlite_exporter.model.event_names import find_names
from otel_sqlite_exporter.model.rows import NO_INTERACTIONS, Interactions, LLMInteractionRow, ToolInteractionRow
from otel_sqlite_exporter.redact.content_names import is_content, is_content_of_event
from tests import strategies

FOLDER = Path(__file__).parent / "dialects"
CASES = [(file.stem, case) for file in sorted(FOLDER.glob("*.json")) for case in json.loads(file.read_text())]
JSON_COLUMNS = {"finish_reasons", "request_parameters", "system_instructions", "prompt", "completion"}
SPAN_NAME = "the span"
DIALECTS = {dialect.name: dialect for dialect in rules.load_rules().dialects}
NAMES = sorted(
    {name.name for dialect in DIALECTS.values() for sources in dialect.attributes.values() for source in sources
     for name in source.names}
    | {marker.removesuffix("*") for dialect in DIALECTS.values() for marker in dialect.markers}
    | {name for dialect in DIALECTS.values() for name in dialect.operations}
)  # fmt: skip
OPERATIONS = sorted({value for one in DIALECTS.values() for values in one.operations.values() for value in values})


def find(case: dict[str, Any]) -> Interactions:
    attributes = {name: tuple(value) if type(value) is list else value for name, value in case["attributes"].items()}
    if "record" in case:
        names = find_names(case["record"], attributes, case.get("body"), rules.load_rules().is_record)
        return find_record_interactions(names, attributes, None) or NO_INTERACTIONS
    events = [event(name, **told) for name, told in case.get("events", [])]
    return find_in(attributes, *events, name=case.get("span", SPAN_NAME), scope=case.get("scope"))


def find_in(
    attributes: dict[Any, Any], *events: Any, code: int = 0, name: str = SPAN_NAME, scope: str | None = None
) -> Interactions:
    known = rules.load_rules().find_scope(SimpleNamespace(name=scope))
    plan = plan_interactions({name: type(value) for name, value in attributes.items()}, scope=known)
    records = [read_record(event.name, event.attributes) for event in events if event.name in MESSAGE_RECORDS]
    span = Surroundings(name, code == 2, events, records=records)
    return NO_INTERACTIONS if plan is None else find_interactions(plan, attributes, None, span)


def show(row: LLMInteractionRow | ToolInteractionRow | None) -> dict[str, Any] | None:
    """What a row says, JSON as what it holds, without NULL and the flags that are not set. An empty text: an attribute
    holds the JSON."""
    if row is None:
        return None
    said = {column: value for column, value in row._asdict().items() if value is not None}
    shown = {column: json.loads(value) if value and column in JSON_COLUMNS else value for column, value in said.items()}
    return {column: value for column, value in shown.items() if value or not column.startswith("is_")}


@pytest.mark.parametrize(("dialect", "case"), CASES, ids=[f"{dialect}: {case['name']}" for dialect, case in CASES])
def test_a_dialect_fills_the_columns(dialect: str, case: dict[str, Any]) -> None:
    found = find(case)
    assert show(found.llm) == case.get("llm")
    assert show(found.tool) == case.get("tool")
    assert [list(call) for call in found.tool_calls] == case.get("tool_calls", [])
    assert [[*result[:2], result.is_error] for result in found.tool_results] == case.get("tool_results", [])


@pytest.mark.parametrize(("dialect", "case"), CASES, ids=[f"{dialect}: {case['name']}" for dialect, case in CASES])
def test_a_dialect_names_its_sessions_and_users(dialect: str, case: dict[str, Any]) -> None:
    attributes = case["attributes"]
    for names, expected in ((DEFAULT_SESSION_ATTRIBUTES, case.get("session")), (USER_ATTRIBUTES, case.get("user"))):
        naming = find_naming(plan_naming(names, attributes), attributes, False, 1)
        assert (naming.name if naming else None) == expected


def test_every_dialect_has_cases() -> None:
    assert {dialect for dialect, _ in CASES} == DIALECTS.keys()
    spoken = {(case.get("llm") or case.get("tool") or {}).get("dialect") for _, case in CASES}
    assert spoken >= {name for name, dialect in DIALECTS.items() if dialect.attributes}


_EXCEPTION = Event("exception", {"exception.type": "RateLimitError"}, 5)


@pytest.mark.parametrize(
    ("told", "error_type"),
    [
        ({}, "RateLimitError"),
        ({"gen_ai.completion": '{"role": "assistant", "content": ""}'}, "RateLimitError"),
        ({"gen_ai.completion": '{"role": "assistant", "content": "hi"}'}, None),
        ({"gen_ai.output.messages": '[{"role": "assistant", "parts": [{"type": "text", "content": "hi"}]}]'}, None),
        ({"gen_ai.usage.output_tokens": 5}, None),
        ({"gen_ai.response.id": "r"}, None),
        ({"gen_ai.response.finish_reasons": ("stop",)}, None),
        ({"gen_ai.operation.name": "invoke_agent"}, None),
    ],
    ids=str,
)
def test_a_call_with_an_exception_and_no_answer_failed(told: dict[str, Any], error_type: str | None) -> None:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "llm.request.type": "chat", **told}
    if "invoke_agent" in told.values():
        del attributes["llm.request.type"]
    llm = find_in(attributes, _EXCEPTION).llm
    assert llm is not None
    assert llm.error_type == error_type


def test_the_data_uses_the_words_of_the_vocabulary() -> None:
    known = rules.CALLS | rules.AGENTS | rules.GROUPS | rules.TOOLS | rules.WAITS | {"*", None}
    said = {value for one in DIALECTS.values() for values in one.operations.values() for value in values.values()}
    said |= {record.operation for one in DIALECTS.values() for record in one.records.values()}
    assert said <= known
    assert {column for one in DIALECTS.values() for column in one.attributes} <= COLUMNS
    read_by_all = {name.name for column in DIALECTS["gen_ai"].attributes.values() for source in column
                   for name in source.names}  # fmt: skip
    for one in DIALECTS.values():
        sources = {source for column in one.attributes.values() for source in column}
        written = {"#".join((name.name, *(name.path or ()))) for source in sources for name in source.names}
        assert one.outside.keys() <= written | read_by_all


def test_what_a_dialect_calls_content_is_not_stored_without_content() -> None:
    contents = ("prompt", "completion", "conversation", "system_instructions", "arguments", "result")
    stored = [
        (one.name, name.name)
        for one in DIALECTS.values()
        for column in contents
        for source in one.attributes.get(column, ())
        for name in source.names
        if not is_content(name.name + "0.content" * source.is_prefix)
        and not any(is_content_of_event(name.name, [record]) for record in one.records)
    ]
    assert stored == []


def test_of_several_dialects_in_a_span_each_column_takes_the_strongest_source() -> None:
    mixed = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "asked",
        "llm.model_name": "answered",
        "openinference.span.kind": "CHAIN",
        "gen_ai.usage.input_tokens": 3,
        "llm.token_count.prompt": 4,
        "llm.token_count.completion": 5,
        "llm.usage.total_tokens": 9,
        "litellm.cost.total": 0.5,
        "llm.cost.total": 0.7,
    }
    for attributes in (mixed, dict(reversed(mixed.items()))):
        row = find_in(attributes).llm
        assert row is not None
        assert (row.operation, row.request_model, row.response_model) == ("chat", "asked", "answered")
        assert (row.input_tokens, row.output_tokens, row.total_tokens, row.cost_usd) == (3, 5, 9, 0.5)
        assert row.dialect == "litellm"


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        ("OpenAI", "openai"),
        ("openai.responses", "openai"),
        ("gcp.vertex_ai", "gcp.vertex_ai"),
        ("google.vertex.chat", "gcp.vertex_ai"),
        ("Azure", "azure.ai.openai"),
        ("somebody.new", "somebody.new"),
        ("LangChain", None),
        ("unknown", None),
    ],
)
def test_providers_are_spelled_as_by_opentelemetry(recorded: str, shown: str | None) -> None:
    row = find_in({"gen_ai.operation.name": "chat", "gen_ai.system": recorded}).llm
    assert row is not None
    assert row.provider == shown


@pytest.mark.parametrize(
    ("told", "input_tokens", "output_tokens"),
    [
        ({"gen_ai.provider.name": "gcp.gemini"}, 107, 23),
        ({"gen_ai.provider.name": "openai", "gen_ai.request.model": "gemini-3-pro"}, 107, 23),
        ({"gen_ai.provider.name": "x_ai"}, 107, 23),
        ({"gen_ai.provider.name": "gcp.gemini", "gen_ai.usage.reasoning.output_tokens": 0}, 107, 15),
        ({"gen_ai.provider.name": "gcp.gemini", "gen_ai.usage.reasoning.output_tokens": 8}, 107, 23),
        ({"gen_ai.provider.name": "anthropic"}, 115, 15),
        ({"gen_ai.provider.name": "gcp.vertex_ai", "gen_ai.response.model": "claude-opus-4"}, 115, 15),
        ({"gen_ai.provider.name": "aws.bedrock", "gen_ai.usage.cache_read.input_tokens": 8}, 115, 15),
        ({"gen_ai.provider.name": "aws.bedrock", "gen_ai.usage.cache_read.input_tokens": 5}, 115, 15),
        (
            {
                "gen_ai.provider.name": "anthropic",
                "gen_ai.usage.cache_read.input_tokens": 0,
                "gen_ai.usage.cache_creation.input_tokens": 0,
            },
            107,
            15,
        ),
        ({"gen_ai.provider.name": "openai"}, 107, 15),
        ({}, 107, 15),
    ],
)
def test_a_total_tells_of_tokens_that_only_one_part_can_hold(
    told: dict[str, Any], input_tokens: int, output_tokens: int
) -> None:
    usage = {"gen_ai.usage.input_tokens": 107, "gen_ai.usage.output_tokens": 15, "gen_ai.usage.total_tokens": 130}
    row = find_in({"gen_ai.operation.name": "chat", **usage, **told}).llm
    assert row is not None
    assert (row.input_tokens, row.output_tokens, row.total_tokens) == (input_tokens, output_tokens, 130)


@pytest.mark.parametrize(
    ("model", "shown"),
    [("dated", ("asked", "dated")), ("asked", ("asked", None))],
)
def test_a_model_that_differs_from_the_one_asked_for_answered(model: str, shown: tuple[str, str | None]) -> None:
    asked = {"openinference.span.kind": "LLM", "llm.request.model_name": "asked", "llm.model_name": model}
    row = find_in(asked).llm
    assert row is not None
    assert (row.request_model, row.response_model) == shown
    answered = find_in({"openinference.span.kind": "LLM", "llm.response.model_name": "d", "llm.model_name": model}).llm
    assert answered is not None
    assert (answered.request_model, answered.response_model) == (model, "d")


@pytest.mark.parametrize(
    ("pattern", "text", "name"),
    [
        ("agent_run [{name}]", "agent_run [a] b]", "a] b"),
        ("agent_run [{name}]", "agent_run []", ""),
        ("agent_run [{name}]", "agent_run x", None),
        ("*.{name}", "a.b\nc", "b\nc"),
        ("a+b", "aab", None),
    ],
)
def test_a_pattern_of_a_name_stands_for_any_text(pattern: str, text: str, name: str | None) -> None:
    assert compile_glob(pattern).match(text) == name


@given(pattern=st.lists(st.sampled_from("ab*"), max_size=8), text=st.text("ab\n", max_size=12), wild=st.integers(0, 3))
def test_a_pattern_takes_what_the_longest_match_takes(pattern: list[str], text: str, wild: int) -> None:
    places = [place for place, part in enumerate(pattern) if part == "*"]
    if wild < len(places):
        pattern[places[wild]] = "{name}"
    regex = {"*": ".*", "{name}": "(?P<name>.*)"}
    match = re.compile("".join(regex.get(part, part) for part in pattern), re.DOTALL).fullmatch(text)
    assert compile_glob("".join(pattern)).match(text) == (match and match.groupdict().get("name", ""))


def test_a_value_of_an_attribute_may_be_a_pattern() -> None:
    values = GlobMap({"a*": "chat", "ab": None, "*": "other"})
    assert [values.get(text, "none") for text in ("ab", "abc", "b", "*")] == [None, "chat", "none", "other"]


def test_many_providers_are_not_all_remembered() -> None:
    providers = Providers(())
    assert [providers[f"p{number}"] for number in range(1_500)] == [f"p{number}" for number in range(1_500)]
    assert len(providers) == 1_000


def test_shapes_that_differ_in_what_no_dialect_knows_share_a_plan() -> None:
    known = {"openinference.span.kind": str, "llm.model_name": str}
    plans = [
        plan_interactions(
            {**known, **{f"llm.input_messages.{i}.message.role": str for i in range(count)}, f"x{count}": int}
        )
        for count in (1, 2, 50)
    ]
    assert plans[0] is plans[1] is plans[2] is not None


def event(name: str, **attributes: Any) -> Any:
    return SimpleNamespace(name=name, attributes=attributes)


CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
ASKED = '{"content": null, "tool_calls": [{"id": "c2", "function": {"name": "weather", "arguments": "{}"}}]}'
TALK = (
    event("gen_ai.tool.message", id="c0", content="old"),
    event("gen_ai.assistant.message", content="so"),
    event("gen_ai.user.message", content="hi"),
    event("gen_ai.tool.message", id="c1", content="sunny"),
    event("gen_ai.choice", message=ASKED, finish_reason="tool_calls"),
)


def test_events_of_a_span_tell_of_tools_and_their_messages_are_not_stored_twice() -> None:
    found = find_in(CALL, *TALK)
    assert found.llm is not None
    assert (found.llm.prompt, found.llm.completion) == (None, None)
    assert [(call.tool_call_id, call.tool_name) for call in found.tool_calls] == [("c2", "weather")]
    assert [(result.tool_call_id, result.result) for result in found.tool_results] == [("c1", "sunny")]
    assert find_in({**CALL, "gen_ai.prompt": "from attributes"}, *TALK).tool_calls == ()
    assert find_in({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 1}, *TALK).tool_calls == ()


def test_the_details_of_an_operation_may_come_as_one_event() -> None:
    told = [
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "weather"}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "sunny"}]},
    ]
    messages = {"gen_ai.input.messages": json.dumps(told), "gen_ai.output.messages": json.dumps(told[:1])}
    found = find_in(CALL, event("gen_ai.client.inference.operation.details", **messages))
    assert [call.tool_name for call in found.tool_calls] == ["weather"]
    assert [result.result for result in found.tool_results] == ["sunny"]


@pytest.mark.parametrize(("code", "error_type"), [(2, "TimeoutError"), (1, None)])
def test_the_exception_of_a_span_in_error_is_its_error_type(code: int, error_type: str | None) -> None:
    exception = SimpleNamespace(name="exception", attributes={"exception.type": "TimeoutError"})
    answered = {"openinference.span.kind": "LLM", "llm.model_name": "m", "llm.token_count.completion": 5}
    row = find_in(answered, exception, code=code).llm
    tool = find_in({"openinference.span.kind": "TOOL"}, exception, code=code).tool
    assert row is not None
    assert tool is not None
    assert (row.error_type, tool.error_type, tool.tool_name) == (error_type, error_type, SPAN_NAME)


def test_an_answer_in_a_prompt_that_holds_all_is_the_completion() -> None:
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    row = show(
        find_in({"gen_ai.operation.name": "chat", "model_request_parameters": "{}", "events": json.dumps(said)}).llm
    )
    assert row is not None
    assert [message["role"] for message in row["prompt"]] == ["user"]
    assert [message["role"] for message in row["completion"]] == ["assistant"]


@pytest.mark.parametrize(
    "text", ["[1]", '{"role": "assistant"', '"assistant" "tool_call_response"', '[{"parts", "type"]']
)
def test_a_broken_prompt_of_the_native_form_tells_of_no_tools(text: str) -> None:
    prompt = '[{"role": "assistant", "parts": [{"type": "tool_call_response"' + text
    found = find_in({"gen_ai.operation.name": "chat", "gen_ai.input.messages": prompt})
    assert found.llm is not None
    assert not found.tool_results


def test_only_results_after_the_last_answer_are_new() -> None:
    def told(id: str) -> dict[str, Any]:
        return {"role": "tool", "parts": [{"type": "tool_call_response", "id": id, "response": id}]}

    talk = [told("old"), {"parts": [{"type": "text", "content": 'the "assistant"'}], "role": "assistant"}, told("new")]
    found = find_in({"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(talk)})
    assert [result.tool_call_id for result in found.tool_results] == ["new"]


VALUES = st.one_of(strategies.scalars, st.sampled_from(OPERATIONS), st.lists(strategies.scalars, max_size=2))


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8))
def test_no_attributes_make_it_raise(attributes: dict[str, Any]) -> None:
    flattened = {name + "0.message.content" * name.endswith("."): value for name, value in attributes.items()}
    told = SimpleNamespace(name="gen_ai.choice", attributes=flattened)
    for found in (find_in(flattened), find_in(flattened, told, code=2)):
        for row in (found.llm, found.tool):
            for column, value in row._asdict().items() if row else ():
                assert value is None or type(value) in (int, float, str)
                if column in JSON_COLUMNS and value not in (None, AS_RECORDED):
                    json.loads(value)
                if type(value) is str:
                    value.encode()
    names = {name for one in DIALECTS.values() for name in one.records}
    for name in names:
        find_record_interactions((name,), flattened, None)
    events = [SimpleNamespace(name=name, timestamp=1, attributes=flattened) for name in (*names, 7)]
    find_event_interactions(encode_events(events, 1)[0], None)


OWN = json.loads((FOLDER / "own" / "acme.json").read_text())


def test_rules_of_ones_own_are_asked_first_and_replace_those_of_the_same_name() -> None:
    own = rules.extend_rules([parse_dialect(OWN)])
    usage = {"acme.fresh": 1, "acme.cached": 2}
    attributes = {"acme.kind": "model", "acme.vendor": "acme", "acme.prompt.0.content": "hi", **usage}
    plan = plan_interactions({name: type(value) for name, value in attributes.items()}, own)
    assert plan is not None
    row = show(find_interactions(plan, attributes, "ada").llm)
    assert row == {
        "operation": "chat",
        "provider": "openai",
        "user_id": "ada",
        "input_tokens": 3,
        "dialect": "acme",
        "prompt": [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}],
    }
    assert find_interactions(plan, {**attributes, "acme.kind": "noise"}, None) is NO_INTERACTIONS
    assert plan_interactions({name: type(value) for name, value in attributes.items()}) is None
    assert find_record_interactions(["acme.asked"], {"acme.fresh": 1}, None, own) is not None
    assert find_record_interactions(["acme.asked"], {"acme.cached": 1}, None, own) is None
    replaced = rules.extend_rules([parse_dialect({**OWN, "name": "gen_ai"})])
    assert plan_interactions({"gen_ai.system": str}, replaced) is None
    assert rules.extend_rules([]) is rules.load_rules()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ([], "the file must be a JSON object"),
        ({"name": ""}, "name must be a text"),
        ({"name": None}, "name must be a text"),
        ({"rank": "1"}, "rank must be a whole number"),
        ({"colour": 1}, "the file has unknown keys: colour; known are attributes, events, first_token_events"),
        ({"markers": "acme"}, "markers must be a list of texts"),
        ({"markers": [], "records": {}}, "markers is empty, and there are no scopes and no records"),
        ({"attributes": {"modell": ["a"]}}, "attributes has unknown keys: modell; known are"),
        ({"attributes": {"provider": "a"}}, "attributes.provider must be a list of names"),
        ({"attributes": {"provider": []}}, "attributes.provider must be a list of names"),
        ({"attributes": {"provider": [["a", "b"]]}}, "attributes.provider holds ['a', 'b']"),
        ({"attributes": {"provider": ["a.*"]}}, "attributes.provider: a.* ends in .*, which only"),
        ({"attributes": {"prompt": [{"content": 1}]}}, "attributes.prompt must be a list of texts"),
        ({"operations": {"a": {"b": 1}}}, "operations.a may only hold texts and null"),
        ({"outside": {"a": False}}, "outside.a must be a list of texts"),
        (
            {"records": {"a": {"op": "chat"}}},
            "records.a has unknown keys: op; known are attributes, operation, requires",
        ),
        ({"records": {"a": {"operation": 1}}}, "records.a.operation must be a text"),
        ({"records": {"a": {"where": {"b": "c"}}}}, "records.a.where.b must be a list of texts and null"),
        ({"records": {"a": {"attributes": {"model": []}}}}, "records.a.attributes.model must be a list of names"),
        ({"scopes": {"a": {"b": 1}}}, "scopes.a may only hold texts and null"),
        ({"events": "a"}, "events must be a list of texts"),
    ],
)
def test_a_file_that_is_no_dialect_is_refused_with_the_reason(change: Any, message: str) -> None:
    with pytest.raises(ValueError, match="^" + message.replace("[", r"\[").replace("*", r"\*")):
        parse_dialect({**OWN, **change} if change else change)


def test_a_file_without_what_it_needs_is_refused() -> None:
    with pytest.raises(ValueError, match="the file lacks attributes, markers"):
        parse_dialect({"name": "own"})


def test_what_only_the_start_knew_is_read_again_with_the_name_and_events_of_the_span() -> None:
    parent = SpanContext(1, 2, False)
    told = Event("gen_ai.choice", {"message": ASKED}, 2)
    kept = {"openinference.span.kind": "TOOL"}
    for attributes, events in ((kept, ()), ({"gen_ai.usage.input_tokens": 3}, (told,))):
        span = ReadableSpan("weather", parent, attributes=attributes, events=events, start_time=1, end_time=2)
        merged = merge_start(SpanEncoder(()).encode_span(span, 1), '{"gen_ai.system":"openai"}', None, ())
        assert merged is not None
        row = merged.interactions.llm or merged.interactions.tool
        assert row is not None
        if isinstance(row, ToolInteractionRow):
            assert row.tool_name == "weather"
        else:
            assert (row.provider, row.input_tokens) == ("openai", 3)
            assert [call.tool_name for call in merged.interactions.tool_calls] == ["weather"]


def test_a_call_of_ones_own_dialect_stays_when_its_start_knew_more() -> None:
    attributes = {"acme.kind": "model", "acme.model": "m"}
    span = ReadableSpan("ask", SpanContext(1, 2, False), attributes=attributes, start_time=1, end_time=2)
    encoded = SpanEncoder((), rules.extend_rules([parse_dialect(OWN)])).encode_span(span, 1)
    merged = merge_start(encoded, '{"lost":1}', None, ())
    assert merged is not None
    assert merged.row.attributes == '{"acme.kind":"model","acme.model":"m","lost":1}'
    assert merged.interactions.llm is not None
    assert merged.interactions == encoded.interactions
