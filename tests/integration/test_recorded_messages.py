# SPDX-License-Identifier: Apache-2.0
"""The messages of span events and log records are those of the call, whatever the order, the split and the way in which
records arrive; they are stored once, redacted, and derived again by `reindex`."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import exporting, health, read
from tests.file_checks import check_file, settle
from tests.integration.test_export import export_again
from tests.integration.test_log_exporter import find_contents, logging_to, make_log
from tests.integration.test_statement_counts import count_statements

_Record = ReadableSpan | ReadableLogRecord
_T = 1_795_000_000_000_000_000
_RESOURCE = Resource({"service.name": "one"})
_CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
_DETAILS = "gen_ai.client.inference.operation.details"
_SHOWN = (
    "SELECT trace_id, span_id, prompt, completion, system_instructions FROM complete_llm_interactions ORDER BY 1, 2"
)
JSON = dict[str, Any]


def _message(content: str, role: str = "user") -> JSON:
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def _span(
    number: int,
    events: Sequence[tuple[str, JSON]] = (),
    attributes: JSON = _CHAT,
    *,
    trace: int = 1,
    end: int | None = 10,
) -> ReadableSpan:
    return ReadableSpan(
        name=f"span {number}",
        context=SpanContext(trace, number, False, TraceFlags(1)),
        resource=_RESOURCE,
        attributes=attributes,
        events=[Event(*event, _T + place) for place, event in enumerate(events)],
        start_time=_T,
        end_time=None if end is None else _T + end,
    )


def _log(number: int, name: str, attributes: JSON, body: Any = None, time: int = 5, *, trace: int = 1) -> Any:
    times: dict[str, Any] = {"timestamp": _T + time, "observed_timestamp": _T + time}
    return make_log(trace=trace, span=number, event_name=name, attributes=attributes, body=body, **times)


def _export(path: Path, batches: Sequence[Sequence[_Record]], **keywords: Any) -> None:
    with exporting(path, **keywords) as spans, logging_to(path, **keywords) as logs:
        for batch in batches:
            finished = [record for record in batch if isinstance(record, ReadableSpan) and record.end_time]
            assert spans.export(finished).name == "SUCCESS"
            opened = [record for record in batch if isinstance(record, ReadableSpan) and not record.end_time]
            assert spans.export_open(opened).name == "SUCCESS"
            told = [record for record in batch if isinstance(record, ReadableLogRecord)]
            assert logs.export(told).name == "SUCCESS"


def _shown(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
    return read(path, _SHOWN)


_contents = st.sampled_from(["hi", "yo", "[1]", '{"a": 1}', '[{"type": "text", "text": "x"}]'])
_messages = st.builds(_message, _contents, st.sampled_from(["user", "assistant", "system"]))
_own_or_others = _messages | st.builds(lambda text: {"role": "user", "content": text}, _contents)
_whole = st.lists(_own_or_others, max_size=2)


@st.composite
def _recorded(draw: st.DrawFn, *, is_event: bool) -> tuple[str, JSON, Any]:
    kind = draw(st.sampled_from(["details", "message", "choice", "oldest"]))
    if kind == "details":
        keys = draw(st.sets(st.sampled_from(["input.messages", "output.messages", "system_instructions"]), min_size=1))
        values: JSON = {f"gen_ai.{key}": draw(_whole) for key in sorted(keys)}
        if is_event or draw(st.booleans()):
            values = {key: json.dumps(value) for key, value in values.items()}
        return _DETAILS, values, None
    if kind == "oldest":
        return "gen_ai.content.prompt", {"gen_ai.prompt": draw(_contents)}, None
    name, key = "gen_ai.choice", "message"
    if kind == "message":
        name, key = f"gen_ai.{draw(st.sampled_from(['system', 'user', 'assistant', 'tool']))}.message", "content"
    held = {key: draw(_contents), "id": "c1"}
    return (name, held, None) if is_event or draw(st.booleans()) else (name, {}, held)


@st.composite
def _records(draw: st.DrawFn) -> list[_Record]:
    records: list[_Record] = []
    attributes = st.sampled_from([_CHAT, {**_CHAT, "gen_ai.input.messages": json.dumps([_message("in it")])}, {}])
    for number in range(1, draw(st.integers(2, 4))):
        for version in range(draw(st.integers(1, 2))):
            events = [(name, held) for name, held, _ in draw(st.lists(_recorded(is_event=True), max_size=3))]
            end = draw(st.sampled_from([None, 10, 11])) if version else 10
            records.append(_span(number, events if end else (), draw(attributes), end=end))
    for name, held, body in draw(st.lists(_recorded(is_event=False), min_size=1, max_size=6)):
        # Few times, so that several records have the same.
        records.append(_log(draw(st.integers(1, 3)), name, held, body, draw(st.integers(1, 2))))
    return records


def _kind(record: _Record) -> str:
    return "log" if isinstance(record, ReadableLogRecord) else "finished" if record.end_time else "open"


def _split(records: Sequence[_Record], chance: random.Random) -> list[list[_Record]]:
    batches: list[list[_Record]] = []
    for record in chance.sample(records, len(records)):
        if not batches or chance.random() < 0.5 or _kind(batches[-1][0]) != _kind(record):
            batches.append([])
        batches[-1].append(record)
    return batches


@settings(max_examples=15, deadline=None)
@given(records=_records(), seed=st.integers(0, 2**32))
def test_order_split_and_repetition_do_not_change_any_view(records: list[_Record], seed: int) -> None:
    chance = random.Random(seed)
    spans = [record for record in records if isinstance(record, ReadableSpan)]
    logs = [record for record in records if isinstance(record, ReadableLogRecord)]
    finished = [span for span in spans if span.end_time]
    opened = [span for span in spans if not span.end_time]
    expected = find_contents([logs, opened, finished])
    assert find_contents(_split([*records, *chance.choices(spans, k=2)], chance)) == expected


@settings(max_examples=10, deadline=None)
@given(records=_records(), seed=st.integers(0, 2**32))
def test_reindex_changes_nothing_and_derives_what_is_not_there(records: list[_Record], seed: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        _export(path, _split(records, random.Random(seed)))
        before = _shown(path)
        done = reindex(resolve_settings(path))
        assert (done.changed_spans, done.changed_logs, _shown(path)) == (0, 0, before)
        with closing(sqlite3.connect(path)) as file, file:
            # As a file was written that knew nothing of them.
            file.execute("DELETE FROM _messages")
            file.execute("UPDATE _llm_interactions SET prompt = NULL WHERE prompt = ''")
        reindex(resolve_settings(path))
        assert _shown(path) == before
        done = reindex(resolve_settings(path))
        assert (done.changed_spans, done.changed_logs) == (0, 0)


@settings(max_examples=10, deadline=None)
@given(records=_records())
def test_what_went_through_the_spool_or_a_file_of_otlp_is_the_same(records: list[_Record]) -> None:
    with TemporaryDirectory() as folder:
        path, spooled, imported = (Path(folder, name) for name in ("otel.db", "spooled.db", "imported.db"))
        records = [record for record in records if _kind(record) != "open"]
        _export(path, [records])
        settle(spooled)
        with closing(sqlite3.connect(spooled, isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            _export(spooled, [records], busy_timeout_ms=0)
            assert read(spooled, "SELECT count(*) FROM logs") == [(0,)]
        settle(spooled)
        assert _shown(spooled) == _shown(path)
        export_again(path, imported)
        assert _shown(imported) == _shown(path)


def test_the_first_prompt_and_the_last_answer_of_several_are_those_of_the_call(tmp_path: Path) -> None:
    """Like an agent's span whose model calls only records report."""
    told = [
        (
            _DETAILS,
            {"gen_ai.input.messages": [_message(f"in {turn}")], "gen_ai.output.messages": [_message(f"out {turn}")]},
        )
        for turn in range(3)
    ]
    expected = [(json.dumps([_message("in 0")]), json.dumps([_message("out 2")]))]
    events = [(name, {key: json.dumps(value) for key, value in held.items()}) for name, held in told]
    _export(tmp_path / "events.db", [[_span(1, events)]])
    for number, order in enumerate(permutations(enumerate(told))):
        _export(tmp_path / f"{number}.db", [[_span(1)], *([_log(1, *record, time=time)] for time, record in order)])
    for file in sorted(tmp_path.glob("*.db")):
        found = [(row[2], row[3]) for row in _shown(file)]
        assert [tuple(json.dumps(json.loads(text)) for text in row) for row in found] == expected


def test_log_records_of_one_time_come_in_an_order_of_their_own(tmp_path: Path) -> None:
    roles = ("system", "user", "assistant", "tool")
    records = [_log(1, f"gen_ai.{role}.message", {}, {"content": role, "id": "c1"}) for role in roles]
    for number, order in enumerate(permutations(records)):
        path = tmp_path / f"{number}.db"
        _export(path, [order[:2], [_span(1)], order[2:]])
        ((_, _, prompt, _, _),) = _shown(path)
        assert [message["role"] for message in json.loads(prompt)] == list(roles)


def _run(turns: int, way: str) -> list[list[_Record]]:
    """An agent's run: each call records all that was said before it. Each batch is of one call."""
    said = [f"{turn}: " + "x" * 1_000 for turn in range(turns)]
    batches: list[list[_Record]] = []
    for turn in range(1, turns):
        told = [("gen_ai.user.message", {"content": text}) for text in said[:turn]]
        told.append(("gen_ai.choice", {"message": said[turn]}))
        logs = [_log(turn, name, held, time=time) for time, (name, held) in enumerate(told)]
        batches.append([_span(turn, told)] if way == "events" else [_span(turn), *logs])
    return batches


@pytest.mark.parametrize("way", ["events", "logs"])
def test_what_calls_repeat_is_stored_once(path: Path, way: str) -> None:
    turns = 20
    _export(path, _run(turns, way))
    ((texts, characters),) = read(path, "SELECT count(*), sum(length(text)) FROM _texts")
    assert texts <= 2 * turns
    assert characters < 2 * turns * 1_200
    for turn, (_, _, prompt, completion, _) in enumerate(_shown(path), 1):
        assert len(json.loads(prompt)) == turn
        assert json.loads(completion)[0]["parts"][0]["content"].startswith(f"{turn}: ")


def test_what_a_failed_transaction_had_stored_is_not_referred_to(path: Path) -> None:
    first, *others = _run(4, "events")
    _export(path, [first])
    with exporting(path) as exporter:
        with closing(sqlite3.connect(path)) as file:
            # The batch is refused after its texts were written, and so goes span by span.
            file.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON _spans WHEN new.name = 'span 2' "
                "BEGIN SELECT raise(ABORT, 'no'); END"
            )
            file.commit()
            exporter.export([record for batch in others for record in batch if isinstance(record, ReadableSpan)])
            file.execute("DROP TRIGGER refuse")
            file.commit()
        exporter.export([record for record in others[0] if isinstance(record, ReadableSpan)])
    prompts = [json.loads(prompt) for _, _, prompt, _, _ in _shown(path)]
    assert [len(prompt) for prompt in prompts] == [1, 2, 3]
    assert prompts[2][:2] == prompts[1]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"redact_values": [r"\w+@\w+\.org"]}, "mail [redacted] of a house"),
        ({"capture_limit": 22}, "mail a@b.org of a hous"),
    ],
)
def test_messages_are_those_of_redacted_records(path: Path, rules: dict[str, Any], expected: str) -> None:
    held = {"content": "mail a@b.org of a house"}
    with exporting(path, **rules) as spans, logging_to(path, **rules) as logs:
        spans.export([_span(1, [("gen_ai.user.message", held)]), _span(2)])
        logs.export([_log(2, "gen_ai.user.message", {}, held)])
    for _, _, prompt, _, _ in _shown(path):
        assert json.loads(prompt) == [_message(expected)]
    texts = read(path, "SELECT text FROM _texts")
    assert all(expected in text for (text,) in texts)


def test_what_is_left_of_cut_content_is_read_as_it_is_by_reindex(path: Path) -> None:
    said = [_message("hi there, how are you today? And how is the river, and all who live on it?")]
    others = [{"role": "user", "content": "hi there, how are you today? And how is the river, and all who live on it?"}]
    whole = {"gen_ai.prompt": json.dumps(others)}
    records: list[_Record] = [
        _span(1, attributes={**_CHAT, **whole}),
        _span(2, attributes={**_CHAT, "gen_ai.input.messages": json.dumps(said)}),
        _span(3, [("gen_ai.content.prompt", whole)]),
        _span(4),
        _log(4, "gen_ai.content.prompt", whole),
        _span(5),
        _log(5, "gen_ai.user.message", {}, others[0]),
    ]
    _export(path, [records], capture_limit=64)
    before = _shown(path)
    assert [json.loads(prompt)[0]["parts"][0]["content"][:2] for _, _, prompt, _, _ in before] == ["hi"] * 5
    done = reindex(resolve_settings(path))
    assert (done.changed_spans, done.changed_logs, _shown(path)) == (0, 0, before)


def test_no_message_is_stored_without_content(path: Path) -> None:
    with exporting(path, capture_content=False) as spans, logging_to(path, capture_content=False) as logs:
        for batch in (*_run(3, "events"), *_run(3, "logs")):
            spans.export([record for record in batch if isinstance(record, ReadableSpan)])
            logs.export([record for record in batch if isinstance(record, ReadableLogRecord)])
        details = {"gen_ai.input.messages": [_message("hi")], "gen_ai.system_instructions": [{"type": "text"}]}
        logs.export([_log(1, _DETAILS, details), _log(1, "gen_ai.tool.message", {}, {"id": "c1", "content": "42"})])
    assert read(path, "SELECT (SELECT count(*) FROM _messages), (SELECT count(*) FROM _texts)") == [(0, 0)]
    assert all(row[2:] == (None, None, None) for row in _shown(path))


def test_what_is_in_our_form_is_not_stored_twice(path: Path) -> None:
    """The call points at the record that holds it."""
    whole = {
        "gen_ai.input.messages": [_message("hi")],
        "gen_ai.output.messages": [_message("yo", "assistant")],
        "gen_ai.system_instructions": [{"type": "text", "content": "be brief"}],
    }
    as_json = {key: json.dumps(value) for key, value in whole.items()}
    records: list[_Record] = [_span(1, [(_DETAILS, as_json)]), _span(2), _log(2, _DETAILS, whole)]
    _export(path, [records, [_span(3), _log(3, _DETAILS, as_json)]])
    assert read(path, "SELECT prompt, completion, system_instructions FROM _messages") == [(0, 0, 0)] * 3
    assert read(path, "SELECT count(*) FROM _texts") == [(0,)]
    for _, _, *shown in _shown(path):
        assert [json.loads(text) for text in shown] == list(whole.values())


@pytest.mark.parametrize("way", ["events", "logs"])
def test_the_number_of_statements_does_not_grow_with_the_batch(path: Path, way: str) -> None:
    with exporting(path) as spans, logging_to(path) as logs:

        def count(trace: int, calls: int) -> Any:
            told = [("gen_ai.user.message", {"content": "hi"}), ("gen_ai.choice", {"message": "yo"})]
            numbers = range(1, calls + 1)
            if way == "events":
                batch = [_span(number, told, trace=trace) for number in numbers]
                return count_statements(spans, lambda: spans.export(batch))
            spans.export([_span(number, trace=trace) for number in numbers])
            records = [_log(number, *record, trace=trace) for number in numbers for record in told]
            return count_statements(logs, lambda: logs.export(records))

        count(1, 1)
        assert count(2, 2) == count(3, 300)
    assert health(path, "quarantined") == (0,) or way == "logs"
    assert read(path, "SELECT count(prompt), count(completion) FROM complete_llm_interactions") == [(303, 303)]
