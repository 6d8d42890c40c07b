# SPDX-License-Identifier: Apache-2.0
"""What tools for agents answer: never more than they may, never a crash, and each page leads on to the next."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.agent_tools import tool_answers
from otel_sqlite_exporter.agent_tools.answers import DEFAULT_BYTES, LEAST_BYTES, MOST_BYTES
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_answers import ToolText, answer, look_again
from otel_sqlite_exporter.agent_tools.tool_catalogue import RECORDS, TOOLS
from otel_sqlite_exporter.query.comparisons import first_divergence
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary
from otel_sqlite_exporter.storage.migrations import migrate
from tests.agent_files import (
    write_capture_file,
    write_hostile_file,
    write_large_prompts,
    write_large_trace,
    write_services,
)
from tests.new_files import put_new_file
from tests.sample_points import encode_points, make_points, write_points

TRACE = f"{7:032x}"
SIZES = st.one_of(st.none(), st.integers(LEAST_BYTES, MOST_BYTES))
PAGED = {"get_session": "steps", "get_trace": "rows", "get_messages": "turns", "find": "rows"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, AskedFile]:
    folder = tmp_path_factory.mktemp("asked")
    paths = {
        "large": write_large_trace(folder / "large.db"),
        "hostile": write_hostile_file(folder / "hostile.db"),
        "agents": write_capture_file(folder / "agents.db", "live-claude-code", "live-codex", "live-langgraph"),
    }
    write_points(paths["agents"], encode_points(make_points(200)))
    return {name: AskedFile.open(path) for name, path in paths.items()}


def ask(asked: AskedFile, name: str, **arguments: Any) -> ToolText:
    """The answer of a tool; `wait_for` is asked until its time is up."""
    told = answer(asked, name, {key: value for key, value in arguments.items() if value is not None})
    while not isinstance(told, ToolText):
        told = look_again(asked, told) or told
    return told


def read(asked: AskedFile, name: str, **arguments: Any) -> Any:
    """The answer of a tool, decoded; it must not be an error."""
    told = ask(asked, name, **arguments)
    assert not told.is_error, told.text
    return json.loads(told.text)


def ids_of(asked: AskedFile) -> Iterator[str]:
    """Ids of all kinds."""
    database = asked.database
    yield from (session.session_id for session in database.find_sessions(limit=2))
    yield from (trace.trace_id for trace in database.find_traces(limit=2))
    yield from (f"{span.trace_id}/{span.span_id}" for span in database.find_spans(limit=6))
    yield from (f"llm:{call.id}" for call in database.find_llm_interactions(limit=5))
    yield from (f"tool:{tool.id}" for tool in database.find_tool_interactions(limit=5))
    yield from (f"log:{log.id}" for log in database.find_logs(limit=2))
    yield from (f"metric:{metric.name}" for metric in database.find_metrics(limit=20) if metric.name)


def keys_of(asked: AskedFile, metric: str) -> list[str]:
    """The first keys that series of a metric have."""
    return [facet.field for facet in asked.database.get_metric(metric).attributes[:2]]


def calls_of(asked: AskedFile) -> list[tuple[str, dict[str, Any]]]:
    """Calls of every tool, with every kind of thing it can be asked about."""
    ids = [*ids_of(asked)]
    sessions = [session.session_id for session in asked.database.find_sessions(limit=2)]
    traces = [trace.trace_id for trace in asked.database.find_traces(limit=2)]
    metrics = [metric.name for metric in asked.database.find_metrics(limit=20)]
    sql = "SELECT name, attributes FROM spans ORDER BY length(name) DESC"
    return [
        ("overview", {}),
        *(("find", {"of": of, "limit": 200}) for of in (*RECORDS, "scores", "metrics")),
        *(("get_session", {"id": id}) for id in sessions),
        *(("get_trace", {"id": id}) for id in traces),
        *(("get_trace", {"id": id, "fold": False, "depth": 3}) for id in traces),
        *(("get_item", {"id": id}) for id in ids),
        *(("get_messages", {"id": id}) for id in ids if not id.startswith(("log:", "metric:"))),
        *(("errors", {"group_by": group}) for group in ("cause", "message", "tool")),
        *(("usage", {"group_by": group}) for group in ("model", "tool", "agent", "day", ["session", "model"])),
        *(("usage", {"metric": name, "group_by": "service"}) for name in metrics),
        *(("usage", {"metric": name, "keys": keys_of(asked, name), "step": "1m"}) for name in metrics),
        *(("compare", {"a": some[0], "b": some[-1]}) for some in (sessions, traces)),
        ("describe_schema", {}),
        ("describe_schema", {"views": ["sessions", "spans", "logs"]}),
        ("query_sql", {"sql": sql}),
        ("wait_for", {"of": "traces", "since": "2000-01-01", "event": "appears", "timeout_s": 0}),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["large", "hostile", "agents"])
def test_no_answer_is_larger_than_it_may_be(files: dict[str, AskedFile], name: str) -> None:
    asked = files[name]
    calls = calls_of(asked)
    assert {tool for tool, _ in calls} == {tool.name for tool in TOOLS}
    for most in {"large": (None,), "hostile": (LEAST_BYTES,), "agents": (LEAST_BYTES,)}[name]:
        for tool, arguments in calls:
            told = ask(asked, tool, **arguments, max_bytes=most)
            assert not told.is_error, (tool, arguments, told.text)
            assert len(told.text.encode()) <= (most or DEFAULT_BYTES), (tool, arguments)
            json.loads(told.text)
            hidden = [one for one in told.text if not one.isprintable() and one not in "\u200c\u200d"]
            assert hidden == [], (tool, arguments)


@settings(max_examples=15)
@given(data=st.data())
def test_whatever_is_asked_is_answered_within_bounds(files: dict[str, AskedFile], data: st.DataObject) -> None:
    asked = files[data.draw(st.sampled_from(["hostile", "agents"]))]
    tool = data.draw(st.sampled_from([tool for tool in TOOLS if tool.name != "wait_for"]))
    values = st.one_of(
        st.sampled_from([*ids_of(asked), TRACE, "7", "llm:99999999999999999999", "user:x", "tool:0", "1d", "%", "'"]),
        st.sampled_from(["prompt", "attributes.deep", "events.0.attributes", "completion.0.parts.0.content", "..."]),
        st.text(max_size=20),
        st.integers(-5, 70_000),
        st.booleans(),
        st.none(),
        st.lists(st.text(max_size=5), max_size=2),
        *(st.sampled_from(schema["enum"]) for schema in tool.arguments.values() if "enum" in schema),
    )
    names = [*tool.arguments, "unknown"]
    arguments = data.draw(st.dictionaries(st.sampled_from(names), values, max_size=4))
    told = answer(asked, tool.name, arguments)
    assert isinstance(told, ToolText)
    size = arguments.get("max_bytes")
    most = size if isinstance(size, int) and LEAST_BYTES <= size <= MOST_BYTES else DEFAULT_BYTES
    assert len(told.text.encode()) <= most
    assert "the tool failed" not in told.text
    if not told.is_error:
        json.loads(told.text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "tool", "arguments"),
    [
        ("large", "get_trace", {"id": TRACE, "depth": 4, "fold": False}),
        ("large", "get_session", {"id": "large", "max_bytes": 8_000}),
        ("large", "get_messages", {"id": "large"}),
        ("large", "find", {"of": "calls", "limit": 40, "max_bytes": LEAST_BYTES}),
        ("hostile", "find", {"of": "metrics", "limit": 2}),
        ("hostile", "get_messages", {"id": TRACE, "max_bytes": LEAST_BYTES}),
        ("hostile", "get_trace", {"id": TRACE, "max_bytes": LEAST_BYTES, "fold": False}),
        ("hostile", "find", {"of": "spans", "max_bytes": LEAST_BYTES}),
    ],
)
def test_the_pages_of_an_answer_are_the_whole(
    files: dict[str, AskedFile], name: str, tool: str, arguments: dict[str, Any]
) -> None:
    pages, cursor = [], None
    while True:
        page = read(files[name], tool, **arguments, cursor=cursor)
        pages.append(page)
        cursor = page.get("next_cursor")
        if cursor is None:
            break
        assert page[PAGED[tool]]
        assert "left_out" in page or tool == "find"
    items = [json.dumps(item) for page in pages for item in page[PAGED[tool]]]
    counts = {"rows_in_all", "steps_in_all", "turns_in_all", "total"} & pages[0].keys()
    assert {pages[0][name] for name in counts} <= {len(items), None}
    assert len(pages) > 1


@pytest.mark.parametrize("sort", ["start", "duration"])
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("find", {"limit": 40}), ("wait_for", {"since": "2000-01-01", "event": "appears", "timeout_s": 0})],
)
def test_a_list_reads_no_more_than_it_shows(tmp_path: Path, tool: str, arguments: dict[str, Any], sort: str) -> None:
    asked = AskedFile.open(write_large_prompts(tmp_path / "prompts.db", calls=40, characters=500_000))
    sorting = {"sort": sort} if tool == "find" else {}
    for of in ("calls", "spans"):
        read(asked, tool, of=of, **arguments, **sorting)
        tracemalloc.start()
        shown = read(asked, tool, of=of, **arguments, **sorting)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(shown["rows"]) == 40
        assert most < 2_000_000


def test_a_field_comes_whole_by_its_windows(files: dict[str, AskedFile]) -> None:
    database = files["hostile"].database
    longest = max(database.find_llm_interactions(limit=50, counted=None), key=lambda call: len(call.completion or ""))
    field, whole, is_last = "completion.0.parts.0.content", "", False
    while not is_last:
        window = read(files["hostile"], "get_item", id=f"llm:{longest.id}", field=field, offset=len(whole))
        whole += window["text"]
        is_last = "next_offset" not in window
        assert is_last or window["next_offset"] == len(whole)
        assert window["chars"] == 300_000
    assert whole == json.loads(str(longest.completion))[0]["parts"][0]["content"]


def test_fields_that_were_cut_are_named_so_that_they_can_be_asked_for(files: dict[str, AskedFile]) -> None:
    asked = files["hostile"]
    cut = [
        (turn["id"], part)
        for turn in read(asked, "get_messages", id=TRACE, max_bytes=MOST_BYTES)["turns"]
        for message in turn.get("prompt", [])
        for part in message["parts"]
        if isinstance(part, dict) and "cut" in part
    ]
    assert cut
    for id, part in cut[:3]:
        window = read(asked, "get_item", id=id, field=part["field"])
        assert window["chars"] == part["chars"]
        assert window["text"].startswith(part["cut"])


def test_metrics_are_named_and_shown_over_time(files: dict[str, AskedFile]) -> None:
    asked = files["agents"]
    named = read(asked, "overview")["metrics (name, kind, unit, series)"]
    assert ["claude_code.session.count", "sum", None, 5] in [[*row[:2], row[2] or None, row[3]] for row in named]
    assert ("more_metrics" in read(asked, "overview")) == (len(asked.database.find_metrics(limit=500)) > len(named))
    found = read(asked, "find", of="metrics", filter="requests kind:sum service:shop", since="2026-01-31")
    assert [row[0] for row in found["rows"]] == ["shop.requests"]
    assert [row[0] for row in read(asked, "find", of="metrics", filter="name:shop.* kind:(gauge,summary)")["rows"]] == [
        *("shop.heap", "shop.waits")
    ]
    item = read(asked, "get_item", id="metric:shop.requests")
    assert [row[1] for row in item["fields"] if row[0] == "series"] == [2]
    lines = asked.database.get_metric_series("shop.requests", group_by=["http.route"], step="10m").series
    shown = read(asked, "usage", metric="shop.requests", keys=["http.route"], step="10m", max_bytes=MOST_BYTES)
    assert [line[:2] for line in shown["lines (labels, aggregate, unit)"]] == [
        [f"http.route={line.labels['http.route']}", line.aggregate] for line in lines
    ]
    assert [row[1] for row in shown["rows"]] == [
        pytest.approx(point.value, rel=1e-5) for point in reversed(lines[0].points) if point.value is not None
    ]


def test_steps_that_are_left_out_can_be_asked_for(files: dict[str, AskedFile]) -> None:
    asked, times = files["agents"], []
    given: dict[str, Any] = {"metric": "http.server.request.duration", "step": "1m", "keys": ["http.route"]}
    while True:
        shown = read(asked, "usage", **given, max_bytes=LEAST_BYTES)
        times += [row[0] for row in shown["rows"]]
        if "left_out" not in shown:
            break
        given["until"] = shown["left_out"].partition("until ")[2].partition(",")[0]
    whole = asked.database.get_metric_series("http.server.request.duration", step="1m")
    assert times == sorted(set(times), reverse=True)
    assert len(times) == len([point for point in whole.series[0].points if point.value is not None])


def test_a_large_trace_shows_where_it_failed_and_where_the_time_went(files: dict[str, AskedFile]) -> None:
    trace = read(files["large"], "get_trace", id=TRACE[-5:].rjust(32, "0"))
    assert trace["trace"]["spans"] == 50_000
    assert trace["failed_spans_left_out"] + len(trace["failed_spans_deepest_first"]["rows"]) == 50
    assert any(" critical" in f" {row[5]}" for row in trace["rows"] if len(row) > 5 and row[5])
    path = trace["critical_path_longest_first"]["rows"]
    assert path[0][3] == max(row[3] for row in path)
    failed = trace["failed_spans_deepest_first"]["rows"][0][0]
    part = read(files["large"], "get_trace", id=TRACE, span=failed)
    assert part["rows"][0][1] == failed
    assert part["rows_in_all"] < 50_000


ERRORS = [
    ("get_trace", {"id": "zz"}, "there is no trace 'zz': `traces` lists them"),
    ("get_trace", {"id": ""}, "trace_id: '' is not an id"),
    ("get_session", {}, "id: get_session needs it: give a text"),
    ("get_item", {"id": "llm:999999"}, "nothing has the id 'llm:999999'"),
    ("get_item", {"id": "log:999999"}, "there is no log record 999999"),
    ("get_item", {"id": "llm:1", "field": "nothing"}, "llm:1 has no field 'nothing': its fields are trace_id"),
    ("get_item", {"id": "llm:1", "field": "name", "offset": 9_999}, "offset: the field has"),
    ("get_messages", {"id": "llm:1", "cursor": "x"}, "cursor: it is not from an answer about this"),
    ("find", {"of": "spans", "cursor": "x"}, "cursor: it is not from a page of this list"),
    ("find", {"of": "things"}, "of: 'things' cannot be used: give one of sessions, traces"),
    ("find", {"of": "logs", "sort": "cost"}, "sort: logs cannot be sorted by cost"),
    ("find", {"of": "logs", "since": "soon"}, "since: 'soon' is not a time"),
    ("find", {"of": "logs", "size": 3}, "size: find has no such argument: give of, filter"),
    ("usage", {"group_by": "none"}, "group_by: ['none'] cannot be used: give up to 2 of model, tool"),
    ("usage", {"group_by": ["day", "model", "agent"]}, "cannot be used: give up to 2 of model, tool"),
    ("usage", {"group_by": ["day", "day"]}, "cannot be used: give up to 2 of model, tool"),
    ("usage", {"group_by": ["tool", "provider"]}, "group_by"),
    ("usage", {"group_by": "tool", "model": "m"}, "model: tools have no model"),
    ("compare", {"a": "llm:1", "b": "llm:1"}, "a and b must be two sessions or two traces"),
    ("describe_schema", {"views": ["session"]}, "there is no view 'session': give sessions"),
    ("query_sql", {"sql": "DELETE FROM spans"}, "only reading is allowed here"),
    ("query_sql", {"sql": "SELECT nmae FROM spans"}, "did you mean name?"),
    ("query_sql", {"sql": "SELECT * FROM _spans"}, "_spans is private"),
    ("query_sql", {"sql": "SELECT :a", "parameters": {"a": [1]}}, "parameters: a value is null, true"),
    ("find", {"of": "calls", "filter": "status:ok colour:red"}, "filter: calls have no field 'colour'"),
    ("find", {"of": "calls", "filter": "status:ok ("}, "(at offset 11)"),
    ("wait_for", {"of": "traces", "filter": "statu:ok", "timeout_s": 0}, "did you mean status"),
    ("wait_for", {"of": "traces", "timeout_s": 31}, "timeout_s: 31 cannot be used: give an integer from 0 to 30"),
    ("find", {"of": "metrics", "sort": "cost"}, "sort: metrics are in the order of their names"),
    ("find", {"of": "metrics", "filter": "model:x"}, "metrics have no field 'model': give name, kind, unit, service"),
    ("find", {"of": "metrics", "filter": "-name:x"}, "a filter of metrics has terms that all hold"),
    ("find", {"of": "metrics", "filter": "kind:meter"}, "'meter' is not a choice: give gauge, sum"),
    ("find", {"of": "metrics", "cursor": "x"}, "cursor: it is not from a page of this list"),
    ("usage", {"metric": "shop.request"}, "there is no metric 'shop.request': did you mean shop.requests"),
    ("usage", {"metric": "shop.requests", "group_by": "model"}, "group_by: a metric has no model: give service"),
    ("usage", {"metric": "shop.requests", "model": "m"}, "model: series of metrics are found by service and session"),
    ("usage", {"step": "5m"}, "step: only a metric has it"),
    ("usage", {"metric": "shop.requests", "keys": ["none"]}, "keys: no series has the attribute 'none'"),
    ("usage", {"metric": "shop.requests", "aggregate": "p95"}, "aggregate: shop.requests cannot be asked for 'p95'"),
    ("usage", {"metric": "shop.requests", "step": "often"}, "step: "),
    ("get_item", {"id": "metric:none"}, "there is no metric 'none'"),
    ("nothing", {}, "there is no tool 'nothing': the tools are overview"),
]


@pytest.mark.parametrize(("tool", "arguments", "said"), ERRORS)
def test_what_is_wrong_comes_back_as_a_sentence(
    files: dict[str, AskedFile], tool: str, arguments: dict[str, Any], said: str
) -> None:
    told = ask(files["agents"], tool, **arguments)
    assert told.is_error
    assert said in told.text


def test_a_sentence_shows_what_cannot_be_seen_and_is_short(files: dict[str, AskedFile]) -> None:
    told = ask(files["hostile"], "get_session", id="\u202e\x1b" * 9_000)
    assert told.is_error
    assert told.text.isprintable()
    assert len(told.text) <= 2_000
    field = ".".join("a" * 900)
    told = ask(files["hostile"], "get_item", id="llm:1", field=field)
    assert "has no field" in told.text
    told = ask(files["hostile"], "get_item", id="llm:1", field=f"{field}.{field}.{field}")
    assert "field: " in told.text


def test_an_id_of_a_row_may_have_zeros_before_it(files: dict[str, AskedFile]) -> None:
    call = files["agents"].database.find_llm_interactions(limit=1)[0].id
    log = files["agents"].database.find_logs(limit=1)[0].id
    assert read(files["agents"], "get_item", id=f"llm:00{call}")["id"] == f"llm:{call}"
    assert read(files["agents"], "get_item", id=f"log:00{log}")["id"] == f"log:{log}"
    shown = read(files["agents"], "get_messages", id=f"llm:0{call}")
    assert [turn["id"] for turn in shown["turns"]] == [f"llm:{call}"]
    assert "nothing has the id" in ask(files["agents"], "get_item", id="llm:\u0663").text


def test_messages_around_a_turn_lead_on_to_those_after_it(files: dict[str, AskedFile]) -> None:
    asked = files["large"]
    turns = asked.database.find_llm_interactions(limit=400, session_id="large", newest_first=False)
    shown = read(asked, "get_messages", id="large", around=f"llm:{turns[100].id}")
    assert shown["first_turn"] == 98
    place = 98 + len(shown["turns"])
    after = read(asked, "get_messages", id="large", around=f"llm:{turns[100].id}", cursor=shown["next_cursor"])
    assert after["turns"][0]["id"] == f"llm:{turns[place].id}"
    by_span = read(asked, "get_messages", id="large", around=turns[100].span_id)
    assert by_span == shown


def test_messages_around_what_is_elsewhere_are_none(files: dict[str, AskedFile]) -> None:
    asked = files["agents"]
    [one], [other] = (
        asked.database.find_llm_interactions(limit=1, service_name=name) for name in ("claude-code", "codex_exec")
    )
    for around in (f"llm:{other.id}", other.session_id):
        told = ask(asked, "get_messages", id=one.session_id, around=around)
        assert told.is_error
        assert f"no turn of session:{one.session_id} is {around!r}" in told.text
    told = ask(asked, "get_messages", id=one.session_id, cursor="9999")
    assert "cursor: it is not from an answer about this" in told.text


def test_what_holds_no_turns_says_what_to_ask(files: dict[str, AskedFile]) -> None:
    spans = files["agents"].database.find_spans(limit=200, service_name="codex_exec")
    answers = [read(files["agents"], "get_messages", id=f"{span.trace_id}/{span.span_id}") for span in spans]
    assert any(not told["turns"] for told in answers)
    assert all("get_trace shows its spans" in told["note"] for told in answers if not told["turns"])


def test_calls_without_messages_are_told_from_those_that_said_nothing_new(files: dict[str, AskedFile]) -> None:
    sessions = files["agents"].database.find_sessions(limit=200)
    told = {session.service_name: read(files["agents"], "get_messages", id=session.session_id) for session in sessions}
    assert told["codex_exec"]["note"] == "these calls were recorded without their messages"
    assert "note" not in told["scenarios"]


def test_an_overview_says_which_lists_are_not_whole(tmp_path: Path) -> None:
    path = write_services(tmp_path / "otel.db", 60)
    told = read(AskedFile.open(path), "overview")
    assert told["services"] == [f"service-{number:02}" for number in range(60)]
    assert len(told["models (of the last day: model, calls, cost_usd)"]) == 20
    assert told["not_whole"].startswith("models: usage by")
    least = read(AskedFile.open(path), "overview", max_bytes=LEAST_BYTES)
    assert len(least["services"]) < 60
    assert least["not_whole"].startswith("services, models: ")


def test_an_overview_counts_the_calls_below_an_agent(path: Path) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    put_new_file(path)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    tracer = provider.get_tracer("agents")
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}
    with tracer.start_as_current_span("invoke_agent", attributes=agent):
        for _ in range(3):
            tracer.start_span("chat m", attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}).end()
    provider.shutdown()
    agents = read(AskedFile.open(path), "overview")["agents (of the last day: agent, service, calls)"]
    assert [row[::2] for row in agents] == [["helper", 3]]


def test_a_prefix_that_several_things_have_names_them(files: dict[str, AskedFile]) -> None:
    told = ask(files["agents"], "get_session", id="0")
    assert told.is_error
    assert "several sessions start with '0'" in told.text


def test_a_file_that_is_missing_or_none_of_ours_is_said(tmp_path: Path) -> None:
    missing, other = tmp_path / "none.db", tmp_path / "other.db"
    other.write_bytes(b"not a database" * 100)
    for path, said in ((missing, "none.db"), (other, "other.db")):
        told = ask(AskedFile.open(path), "overview")
        assert told.is_error
        assert said in told.text


def test_runs_that_are_the_same_are_said_to_be_however_long(
    files: dict[str, AskedFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_divergence, "MOST_ALIGNED", 1)
    claude = files["agents"].database.find_sessions(limit=1, service_name="claude-code")[0].session_id
    assert "no step differs" in read(files["agents"], "compare", a="thread-1", b="thread-1")["note"]
    assert "the first steps only" in read(files["agents"], "compare", a="thread-1", b=claude)["note"]


def test_a_call_is_decoded_once_however_many_parts_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = AskedFile.open(write_large_prompts(tmp_path / "otel.db", calls=1, characters=5_000, messages=30))
    decoded = 0
    decode = LLMInteractionSummary.to_dict

    def count(call: LLMInteractionSummary) -> dict[str, Any]:
        nonlocal decoded
        decoded += 1
        return decode(call)

    monkeypatch.setattr(LLMInteractionSummary, "to_dict", count)
    [turn] = read(asked, "get_messages", id="llm:1", max_bytes=MOST_BYTES)["turns"]
    fields = [part["field"] for message in turn["prompt"] for part in message["parts"]]
    assert fields == [f"prompt.{number}.parts.0.content" for number in range(30)]
    assert decoded == 1


def test_a_turn_that_is_too_large_still_says_which_it_is(tmp_path: Path) -> None:
    asked = AskedFile.open(write_large_prompts(tmp_path / "otel.db", calls=2, characters=500, messages=60))
    shown = read(asked, "get_messages", id="llm:1", max_bytes=LEAST_BYTES)["turns"]
    assert [(turn["id"], turn["left_out"]) for turn in shown] == [
        ("llm:1", "too large here: get_item with this id shows the rest")
    ]


def test_an_empty_file_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    migrate(str(path), busy_timeout_ms=1_000)
    assert "nothing was written yet" in read(AskedFile.open(path), "overview")["note"]
    assert read(AskedFile.open(path), "find", of="spans")["rows"] == []
    assert read(AskedFile.open(path), "errors")["errors_in_all"] == 0


def test_a_question_that_takes_too_long_is_ended(files: dict[str, AskedFile], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_answers, "_LONGEST_S", 0.0)
    arguments: dict[str, Any]
    for name, arguments in (("find", {"of": "spans", "filter": "attr.none:1"}), ("usage", {}), ("errors", {})):
        told = ask(files["large"], name, **arguments)
        assert (told.is_error, told.text.partition(":")[0]) == (True, "it takes too long to read"), name
