# SPDX-License-Identifier: Apache-2.0
"""Searches, with an index, without one and with one that lacks the newest: all find the same."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.maintain.search_index import SearchIndexing, index_content
from otel_sqlite_exporter.model.search_terms import extract_text
from otel_sqlite_exporter.query import search
from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS, TOOL_INTERACTIONS
from otel_sqlite_exporter.settings import resolve_settings
from tests.commands import run
from tests.conftest import exporting, read
from tests.file_checks import snapshot
from tests.sample_traces import MS, NOON_NS

CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4.1"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look_up"}
PAIRS = [
    ("Where is my Order?", 'It left "Lyon" yesterday,\nby train.'),
    ("我的订单在哪里？", "您的订单昨天已从里昂发出。"),
    ("Straße und Öl", "İİ ΟΔΟΣ"),
]


def message(role: str, text: str) -> str:
    # Escaped to ASCII, as most instrumentation does.
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


class Recorder:
    """Spans, each a millisecond after the one before it, on an old day."""

    def __init__(self, start_ns: int = NOON_NS) -> None:
        self._at = start_ns
        self._memory = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._memory))
        self._tracer = provider.get_tracer("tests")

    def start(self, attributes: dict[str, Any]) -> Any:
        self._at += MS
        return self._tracer.start_span("step", start_time=self._at, attributes=attributes)

    def finish(self, span: Any) -> Sequence[ReadableSpan]:
        self._at += MS
        span.end(self._at)
        finished = self._memory.get_finished_spans()
        self._memory.clear()
        return finished

    def call(self, prompt: str, completion: str, **attributes: str) -> Sequence[ReadableSpan]:
        said = {
            "gen_ai.input.messages": message("user", prompt),
            "gen_ai.output.messages": message("assistant", completion),
        }
        return self.finish(self.start(CALL | said | attributes))

    def tool(self, arguments: str, result: str) -> Sequence[ReadableSpan]:
        said = {"gen_ai.tool.call.arguments": arguments, "gen_ai.tool.call.result": result}
        return self.finish(self.start(TOOL | said))


def add_to_index(path: Path, **keywords: Any) -> SearchIndexing:
    return index_content(resolve_settings(path), **keywords)


@pytest.fixture(params=["no index", "index", "older index"])
def asked(request: pytest.FixtureRequest, path: Path) -> TelemetryDatabase:
    recorder = Recorder()
    with exporting(path) as exporter:
        exporter.export(recorder.call(*PAIRS[0], **{"session.id": "one"}))
        if request.param == "older index":
            assert add_to_index(path)[:2] == (1, 0)
        for prompt, completion in PAIRS[1:]:
            exporter.export(recorder.call(prompt, completion))
        exporter.export(recorder.tool('{"order": 4711, "town": "Lyon"}', "left on Monday"))
    if request.param == "index":
        assert add_to_index(path)[:2] == (3, 1)
    return TelemetryDatabase(path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("order", ["llm"]),  # of arguments the values are content, not the keys
        ("where ORDER", ["llm"]),
        ("rder? eft", ["llm"]),
        ('"by train"', ["llm"]),
        ('"train by"', []),
        ("yesterday,\nby", ["llm"]),
        ("lyon", ["tool", "llm"]),
        ('"Lyon"', ["tool", "llm"]),
        ("订单在", ["llm"]),
        ("里昂", ["llm"]),
        ("straße", ["llm"]),
        ("οδοσ öl", ["llm"]),
        ("οδος", ["llm"]),
        ("ii οδο", ["llm"]),
        ("4711", ["tool"]),
        ("monday", ["tool"]),
        ("assistant", []),
        ("absent", []),
    ],
)
def test_words_substrings_and_languages_without_spaces_are_found(
    asked: TelemetryDatabase, text: str, found: list[str]
) -> None:
    result = asked.search(text)
    assert [hit.kind for hit in result] == found
    assert (result.total, result.note) == (len(found), None)
    assert result.describe() == f"{len(found)} of {len(found)}"


def test_a_hit_says_where_it_is(asked: TelemetryDatabase) -> None:
    (hit,) = asked.search("yesterday")
    call = asked.get_llm_interaction(hit.trace_id or "", hit.span_id or "")
    assert (hit.id, hit.session_id, hit.start_time, hit.what) == (call.id, "one", call.request_timestamp, "gpt-4.1")
    assert (hit.column, hit.snippet, hit.matches) == ("completion", 'It left "Lyon" yesterday, by train.', 1)
    (hit,) = asked.search("οδος")
    assert (hit.snippet, hit.matches) == ("İİ ΟΔΟΣ", 1)
    (hit,) = asked.search("monday")
    assert (hit.kind, hit.what, hit.column, hit.snippet) == ("tool", "look_up", "result", "left on Monday")


def test_filters_narrow_and_leave_out_what_cannot_have_them(asked: TelemetryDatabase) -> None:
    assert [hit.kind for hit in asked.search("lyon", model="gpt-4.1")] == ["llm"]
    assert [hit.kind for hit in asked.search("lyon", tool_name="look_up")] == ["tool"]
    assert [hit.kind for hit in asked.search("lyon", session_id="one")] == ["llm"]
    assert list(asked.search("lyon", session_id="two")) == []
    result = asked.search("lyon", limit=1)
    assert ([hit.kind for hit in result], result.total, result.describe()) == (["tool"], 2, "1 of 2")


def test_the_filters_are_those_of_calls_and_of_tool_executions(asked: TelemetryDatabase) -> None:
    accepted = {*LLM_INTERACTIONS.arguments, *TOOL_INTERACTIONS.arguments}
    with pytest.raises(FilterError, match=r"^colour: a search has no such filter: give ") as caught:
        asked.search("x", colour="red")  # type: ignore[call-arg]
    assert {*str(caught.value).partition("give ")[2].split(", ")} == accepted
    assert [hit.kind for hit in asked.search("lyon", operation="chat", attributes=[])] == ["llm"]
    for one, other in (("model", "tool_name"), ("operation", "tool_call_id")):
        both: dict[str, Any] = {one: "a", other: "b"}
        with pytest.raises(FilterError, match=f"^{other}: only tool executions .* only model calls have {one}: "):
            asked.search("x", **both)


@pytest.mark.parametrize(
    ("argument", "keywords"),
    [
        ("text", {"text": ' "" '}),
        ("text", {"text": None}),
        ("limit", {"text": "x", "limit": 0}),
        ("since", {"text": "x", "since": "tomorrow"}),
        ("colour", {"text": "x", "colour": "red"}),
    ],
)
def test_what_cannot_be_asked_names_the_argument(
    asked: TelemetryDatabase, argument: str, keywords: dict[str, Any]
) -> None:
    with pytest.raises(FilterError) as caught:
        asked.search(**keywords)
    assert caught.value.argument == argument


CHARACTERS = st.sampled_from("abAB\"'\\ \nß你好İΣςσ")


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(
    prompts=st.lists(st.text(CHARACTERS, min_size=1, max_size=12), min_size=1, max_size=6),
    terms=st.lists(st.text(CHARACTERS, min_size=1, max_size=5).filter(str.strip), min_size=1, max_size=8),
)
def test_the_index_finds_what_looking_at_everything_does(prompts: list[str], terms: list[str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "otel.db"
        recorder = Recorder()
        with exporting(path) as exporter:
            for prompt in prompts:
                exporter.export(recorder.call(prompt, "-"))
        database = TelemetryDatabase(path)
        texts = [term for term in terms if term.replace('"', "").strip()]
        without = [database.search(text, limit=100).to_dicts() for text in texts]
        add_to_index(path)
        assert [database.search(text, limit=100).to_dicts() for text in texts] == without


def test_a_short_term_is_looked_for_in_the_newest_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_SCANNED", 2)
    recorder = Recorder()
    with exporting(path) as exporter:
        for number in range(4):
            exporter.export(recorder.call(f"ox {number}", "ok"))
    database = TelemetryDatabase(path)
    unindexed = database.search("ox")
    assert (len(unindexed), unindexed.total) == (2, None)
    assert unindexed.note is not None
    assert unindexed.note.startswith(
        "only the newest 2 calls were searched, as the index finds only terms of 3 or more"
    )
    absent = database.search("nothing").note
    assert absent == (
        "only the newest 2 calls were searched, as the file has no index: "
        f"create it with `python -m otel_sqlite_exporter index {path}`"
    )
    add_to_index(path)
    assert database.search("ox").note == unindexed.note
    assert len(database.search('"ox 0"')) == 1
    assert database.search('"ox 0"').note is None


def test_what_the_index_lacks_beyond_a_bound_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    with exporting(path) as exporter:
        exporter.export(recorder.call("a first", "ok"))
        add_to_index(path)
        for number in range(3):
            exporter.export(recorder.call(f"number {number}", "ok"))
    monkeypatch.setattr(search, "_SCANNED", 2)
    result = TelemetryDatabase(path).search("number")
    assert (len(result), result.total) == (2, None)
    assert result.note == (
        "of the rows that the index lacks, only the newest 2 calls were searched: "
        f"add the rest with `python -m otel_sqlite_exporter index {path}`"
    )
    assert add_to_index(path)[:2] == (3, 0)
    assert len(TelemetryDatabase(path).search("number")) == 3


def test_a_call_that_was_indexed_while_it_ran_is_found_as_it_ended(path: Path) -> None:
    recorder = Recorder()
    database = TelemetryDatabase(path)
    with exporting(path) as exporter:
        exporter.export(recorder.call("before", "this"))
        span = recorder.start(CALL | {"gen_ai.input.messages": message("user", "running")})
        exporter.export_open([span])
        add_to_index(path)
        assert [hit.column for hit in database.search("running")] == ["prompt"]
        span.set_attribute("gen_ai.output.messages", message("assistant", "completed"))
        exporter.export(recorder.finish(span))
        for _ in range(2):
            assert [hit.column for hit in database.search("completed")] == ["completion"]
            assert [hit.column for hit in database.search("running")] == ["prompt"]
            add_to_index(path)
    assert len(database.search("before")) == 1


def test_the_last_minute_is_left_to_the_search(path: Path) -> None:
    # Log records with the content of a call may come after its span.
    with exporting(path) as exporter:
        exporter.export(Recorder(time.time_ns()).call("just now", "yes"))
    assert add_to_index(path)[:2] == (0, 0)
    assert len(TelemetryDatabase(path).search("just")) == 1


def test_an_index_is_made_anew(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(Recorder().call(*PAIRS[0]))
    assert [add_to_index(path)[:2], add_to_index(path)[:2]] == [(1, 0), (0, 0)]
    assert add_to_index(path, rebuild=True)[:2] == (1, 0)
    assert len(TelemetryDatabase(path).search("yesterday")) == 1
    assert read(path, "PRAGMA integrity_check") == [("ok",)]


def test_long_texts_are_added_in_short_transactions(path: Path) -> None:
    recorder = Recorder()
    with exporting(path) as exporter:
        for number in range(3):
            exporter.export(recorder.call(f"{number} " + "long " * 120_000, "ok"))
    done: list[int] = []
    add_to_index(path, progress=lambda count, of: done.append(count))
    assert done == [1, 2, 3]
    assert len(TelemetryDatabase(path).search('"2 long"')) == 1
    assert add_to_index(path, rebuild=True, within_s=0)[:2] == (0, 0)


def test_a_file_without_an_index_has_none_of_its_tables(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(Recorder().call(*PAIRS[0]))
    before = snapshot(path)
    assert len(TelemetryDatabase(path).search("yesterday")) == 1
    assert run("search", "yesterday", path)[0] == 0
    assert snapshot(path) == before
    assert read(path, "SELECT name FROM sqlite_schema WHERE name GLOB '_search*'") == []


def test_the_commands_print_what_python_is_answered(path: Path) -> None:
    recorder = Recorder()
    with exporting(path) as exporter:
        exporter.export(recorder.call(*PAIRS[0]))
        code, out, err = run("index", path)
        assert (code, err) == (0, "")
        assert out.startswith(f"added 1 call and 0 tool executions of {path} to the index in ")
        exporter.export(recorder.tool('{"town": "Lyon"}', "left"))
    code, out, err = run("search", "lyon", path)
    assert (code, err) == (0, "")
    assert out.startswith("hits (2 of 2)\n")
    assert 'It left "Lyon" yesterday, by train.' in out
    result = TelemetryDatabase(path).search("lyon")
    code, out, err = run("search", "lyon", path, "--json")
    assert (code, json.loads(out)) == (0, {"total": 2, "note": None, "hits": result.to_dicts()})
    # The search has brought the index to date.
    assert read(path, "SELECT is_tool FROM _search_documents ORDER BY id") == [(0,), (1,)]
    code, out, err = run("index", path, "--json")
    assert {name: json.loads(out)[name] for name in ("llm_interactions", "tool_interactions")} == {
        "llm_interactions": 0,
        "tool_interactions": 0,
    }


def test_a_text_without_terms_is_one_sentence(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(Recorder().call(*PAIRS[0]))
    code, out, err = run("search", " ", path)
    assert (code, out) == (2, "")
    assert err == "Error: TEXT: ' ' has nothing to search for: give words, or text in double quotes\n"


def test_json_of_any_depth_is_searched() -> None:
    inner = "[" * 1_000 + '"found"' + "]" * 1_000
    outer = json.dumps({"content": inner}).join(("[" * 1_000, "]" * 1_000))
    assert extract_text(outer) == "found"
    assert extract_text('[1,{"id":2,"a":"b"},{"type":"blob","content":"x"},true,"[3]"]') == "1\nb\n3"
