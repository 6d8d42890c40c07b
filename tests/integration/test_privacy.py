# SPDX-License-Identifier: Apache-2.0
"""What is to be masked is in no byte of the file, nor of any file beside it."""

from __future__ import annotations

import base64
import json
import logging
import os
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags, TraceState

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.deliver.spool import Spool, spool_path
from otel_sqlite_exporter.genai.event_content import MESSAGE_RECORDS
from otel_sqlite_exporter.genai.messages.message_names import NAMES
from tests import strategies
from tests.conftest import exporting, health, read
from tests.integration.test_log_exporter import logging_to, make_log

SECRET = "Qx7-geheim"
PATTERNS = [r"Qx\d-geheim"]
CONTEXT = SpanContext(0xA1, 0xB2, False, TraceFlags(1))


def every_byte(path: Path) -> bytes:
    """What stands in the files of the folder, and what is compressed in the spool."""
    files = [(path.parent / name).read_bytes() for name in sorted(os.listdir(path.parent))]
    spool = Spool(spool_path(str(path)), limit_bytes=0)
    kept = spool.hold(lambda held: [zlib.decompress(frame.content) for frame in held], timeout_s=1)
    return b"".join([*files, *(kept or ())])


def disguises(secret: str) -> list[bytes]:
    """The secret as it may stand in a file: plain, escaped in JSON, or in base64 behind 0, 1 or 2 other bytes."""
    escaped = "".join(f"\\u{ord(character):04x}" for character in secret)
    encoded = [base64.b64encode(b"x" * skipped + secret.encode()) for skipped in range(3)]
    return [secret.encode(), secret.encode("utf-16-le"), escaped.encode(), *(part[4:-4] for part in encoded)]


def assert_is_nowhere(path: Path, secret: str = SECRET) -> None:
    content = every_byte(path)
    assert b"kept" in content  # what is looked at is what was written
    for disguise in disguises(secret):
        assert disguise not in content


class Foreign:
    """An object of the application, as an attribute that nobody checked."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


holders: st.SearchStrategy[Callable[[str], Any]] = st.sampled_from(
    [
        lambda text: text,
        lambda text: text.encode(errors="replace"),
        lambda text: bytearray(b"\xff\x00" + text.encode(errors="replace")),
        lambda text: [1, text],
        lambda text: (None, {"deep": [{text: 5}]}),
        lambda text: {"deep": {"deeper": text}},
        lambda text: {text},
        lambda text: json.dumps({"role": "user", "content": json.dumps([text])}),
        lambda text: "".join(f"\\u{ord(character):04x}" for character in text),
        lambda text: Foreign(text),
        lambda text: [Foreign(text)],
    ]
)
secrets = st.builds(
    lambda before, after, hold: hold(f"{before}{SECRET}{after}"),
    st.text('a é"\\n\n/\ud800😀\0', max_size=4),
    st.text('a é"\\n\n/\ud800😀\0', max_size=4),
    holders,
)
values = st.one_of(strategies.values, secrets)
texts = st.one_of(strategies.texts, secrets)
attributes = st.dictionaries(
    st.one_of(strategies.keys, st.just(f"key of {SECRET}"), st.just("session.id"), st.just("gen_ai.request.model")),
    values,
    max_size=5,
)


class Hostile(TraceState):
    """A trace state whose header holds what no provider accepts."""

    def __init__(self, header: str) -> None:
        super().__init__([("a", "b")])
        self.header = header

    def items(self) -> Any:
        return [("vendor", self.header)]

    def to_header(self) -> str:
        return self.header


contexts = st.one_of(
    st.none(),
    st.just(CONTEXT),
    st.builds(lambda header: SpanContext(1, 2, True, TraceFlags(1), Hostile(header)), st.just(f"v={SECRET}")),
    st.just(SpanContext(0, 2, False, TraceFlags(1), Hostile(SECRET))),
    st.builds(Foreign, st.just(SECRET)),
    st.just(SimpleNamespace(trace_id=SECRET, span_id=2, is_remote=SECRET, trace_flags=SECRET, trace_state=None)),
)
spans = st.builds(
    lambda resource, scope, **fields: ReadableSpan(
        resource=Resource(resource[0], resource[1]),
        instrumentation_scope=InstrumentationScope(*scope),
        **fields,
    ),
    name=texts,
    context=contexts,
    parent=contexts,
    attributes=attributes,
    events=st.lists(st.builds(Event, texts, attributes, st.integers(0, 2**62)), max_size=2),
    links=st.lists(st.builds(Link, contexts, attributes), max_size=2),
    status=st.one_of(
        st.just(Status(StatusCode.OK)),
        st.builds(Status, st.just(StatusCode.ERROR), st.just(f"failed for {SECRET}")),
        st.builds(Foreign, st.just(SECRET)),
    ),
    kind=st.builds(Foreign, st.just(SECRET)),
    start_time=st.one_of(st.just(5), st.builds(Foreign, st.just(SECRET)), st.just(SECRET)),
    end_time=st.just(7),
    resource=st.tuples(attributes, st.sampled_from(["", f"https://{SECRET}"])),
    scope=st.tuples(st.just(f"s {SECRET}"), texts, st.just(SECRET), attributes),
)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(batches=st.lists(st.lists(spans, max_size=3), min_size=1, max_size=2))
def test_what_a_pattern_matches_is_in_no_byte_of_any_file(batches: list[list[ReadableSpan]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        kept = ReadableSpan("kept", CONTEXT, start_time=1, end_time=2)
        with exporting(path, redact_values=PATTERNS) as exporter:
            for batch in batches:
                assert exporter.export([kept, *batch]) is SpanExportResult.SUCCESS
                assert_is_nowhere(path)
        assert_is_nowhere(path)
        assert health(path, "received") == (sum(1 + len(batch) for batch in batches),)
        assert SECRET not in str(read(path, "SELECT * FROM spans")) + str(read(path, "SELECT * FROM _quarantine"))


def test_a_recorded_exception_is_masked(path: Path) -> None:
    with exporting(path, redact_values=PATTERNS) as exporter:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        with pytest.raises(ValueError, match=SECRET), provider.get_tracer("kept").start_as_current_span("a"):
            raise ValueError(f"no such key: {SECRET}")
        assert_is_nowhere(path)
    ((described, attributes),) = read(
        path, "SELECT s.status_description, e.attributes FROM spans AS s JOIN events AS e USING (span_id) "
        "WHERE e.name = 'exception'"
    )  # fmt: skip
    assert described == "ValueError: no such key: [redacted]"
    assert json.loads(attributes)["exception.message"] == "no such key: [redacted]"


def test_masked_keys_are_in_no_byte_of_any_file(path: Path) -> None:
    attributes: dict[str, Any] = {"db.password": SECRET, "nested": {"Password": [SECRET]}, "kept": 1}
    context = SpanContext(1, 2, False, TraceFlags(1), TraceState([("password", SECRET), ("other", "1")]))
    span = ReadableSpan(
        "kept",
        context,
        resource=Resource(attributes),
        attributes=attributes,
        events=[Event("event", attributes, 3)],
        links=[Link(context, attributes)],
        instrumentation_scope=InstrumentationScope("scope", attributes=attributes),
        start_time=1,
        end_time=2,
    )
    without_ids = ReadableSpan("kept", None, attributes=attributes, events=[Event("event", attributes, 3)])
    with exporting(path, redact_keys=["*password"]) as exporter:
        assert exporter.export([span, without_ids]) is SpanExportResult.SUCCESS
        assert_is_nowhere(path)
    assert_is_nowhere(path)
    masked = '{"db.password":"[redacted]","nested":{"Password":"[redacted]"},"kept":1}'
    assert read(path, "SELECT attributes, trace_state FROM spans") == [(masked, "password=[redacted],other=1")]
    assert [row[0] for row in read(path, "SELECT attributes FROM links")] == [masked]


def test_nothing_of_a_span_that_sqlite_refuses_is_left(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    dropped = ReadableSpan(f"of {SECRET}", CONTEXT, attributes={SECRET: SECRET}, start_time=1, end_time=2)
    huge = type("Huge", (ReadableSpan,), {"dropped_attributes": property(lambda span: 2**70)})
    refused = huge(f"of {SECRET}", SpanContext(3, 4, False), attributes={"a": SECRET}, start_time=1, end_time=2)
    with exporting(path, redact_values=PATTERNS) as exporter:
        kept = ReadableSpan("kept", SpanContext(5, 6, False), start_time=1, end_time=2)
        assert exporter.export([dropped, refused, kept]) is SpanExportResult.SUCCESS
        assert_is_nowhere(path)
    assert health(path, "written", "quarantined") == (2, 1)
    assert SECRET not in caplog.text


def test_what_waits_in_the_spool_is_redacted(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    attributes: dict[str, Any] = {"password": SECRET, "said": f"kept {SECRET}", "gen_ai.prompt": SECRET}
    span = ReadableSpan(f"of {SECRET}", CONTEXT, attributes=attributes, events=[Event(SECRET, attributes, 1)])
    rules: dict[str, Any] = {"redact_keys": ["password"], "redact_values": PATTERNS, "capture_content": False}
    with exporting(path, busy_timeout_ms=50, **rules) as exporter:
        exporter.export([])
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert (
                exporter.export([span, ReadableSpan("kept", None, attributes=attributes)]) is SpanExportResult.SUCCESS
            )
            assert (path.parent / "otel.db-spool").exists()
            assert_is_nowhere(path)
        assert exporter.export([]) is SpanExportResult.SUCCESS
        assert_is_nowhere(path)
    assert_is_nowhere(path)
    stored = '{"password":"[redacted]","said":"kept [redacted]"}'
    assert read(path, "SELECT name, attributes FROM spans") == [("of [redacted]", stored)]
    assert SECRET not in caplog.text


def test_a_span_that_has_not_ended_is_redacted(path: Path) -> None:
    with exporting(path, redact_values=PATTERNS) as exporter:
        provider = TracerProvider(shutdown_on_exit=False)
        span = provider.get_tracer("kept").start_span(f"of {SECRET}", attributes={"a": SECRET})
        assert isinstance(span, ReadableSpan)
        assert exporter.export_open([span]) is SpanExportResult.SUCCESS
        assert_is_nowhere(path)
    assert read(path, "SELECT name, attributes FROM spans") == [("of [redacted]", '{"a":"[redacted]"}')]


def test_a_masked_or_cut_session_names_no_session(path: Path) -> None:
    with exporting(path, redact_keys=["session.id"], capture_limit=8) as exporter:
        for number in range(1, 4):
            attributes: dict[str, Any] = {
                "session.id": f"s-{number}",
                "conversation_id": "a long one",
                "user_id": f"u-{number}",
            }
            exporter.export([ReadableSpan("a", SpanContext(number, 1, False), attributes=attributes)])
    assert read(path, "SELECT session_id, user_id FROM traces ORDER BY trace_id") == [
        (None, "u-1"),
        (None, "u-2"),
        (None, "u-3"),
    ]
    assert read(path, "SELECT * FROM sessions") == []


def test_a_pseudonym_still_tells_sessions_apart(path: Path) -> None:
    def pseudonym(key: str, value: Any) -> Any:
        return f"#{len(value)}" if key == "session.id" else value

    with exporting(path, redactor=pseudonym) as exporter:
        for number, name in enumerate(("ada", "grace"), 1):
            exporter.export([ReadableSpan("a", SpanContext(number, 1, False), attributes={"session.id": name})])
    assert read(path, "SELECT session_id FROM sessions ORDER BY 1") == [("#3",), ("#5",)]


def test_a_session_of_a_resource_is_masked_too(path: Path) -> None:
    with exporting(path, redact_keys=["session.id"]) as exporter:
        resource = Resource({"session.id": SECRET, "service.name": "kept"})
        exporter.export([ReadableSpan("a", CONTEXT, resource=resource)])
        assert_is_nowhere(path)
    assert read(path, "SELECT session_id, service_name FROM spans") == [(None, "kept")]


def test_without_content_a_call_keeps_its_numbers(path: Path) -> None:
    call: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 34,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.input.messages": f'[{{"role": "user", "content": "{SECRET}"}}]',
        "gen_ai.output.messages": [{"role": "assistant", "content": SECRET}],
        "gen_ai.system_instructions": SECRET,
    }
    tool: dict[str, Any] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "kept",
        "gen_ai.tool.call.arguments": {"to": SECRET},
        "gen_ai.tool.call.result": SECRET,
    }
    event = Event("gen_ai.user.message", {"content": SECRET, "role": "user"}, 1)
    spans = [
        ReadableSpan("chat", SpanContext(1, 1, False), attributes=call, events=[event], start_time=1, end_time=2),
        ReadableSpan("tool", SpanContext(1, 2, False), attributes=tool, start_time=1, end_time=2),
    ]
    with exporting(path, capture_content=False) as exporter:
        assert exporter.export(spans) is SpanExportResult.SUCCESS
        assert_is_nowhere(path)
    columns = "model, input_tokens, output_tokens, total_tokens, finish_reasons, prompt, completion"
    assert read(path, f"SELECT {columns} FROM complete_llm_interactions") == [
        ("gpt-4o", 12, 34, 46, '["stop"]', None, None)
    ]
    assert read(path, "SELECT tool_name, arguments, result FROM complete_tool_interactions") == [("kept", None, None)]
    assert read(path, "SELECT dropped_attributes FROM spans") == [(0,), (0,)]
    assert read(path, "SELECT attributes FROM events WHERE name = 'gen_ai.user.message'") == [("{}",)]


KEYS_OF_MESSAGES = sorted(
    {
        *(key for part in ("contents", "calls", "system", "holders") for key in NAMES[part]),
        *NAMES["parts"]["keyed"],
        *NAMES["parts"]["held_media"],
        *("reasoning", "reasoning_content", "thinking", "refusal", "additional_kwargs", "function_call_arguments_json"),
        *("message.content", "message.parts", "message.tool_calls.0.function.arguments", "key_of_tomorrow"),
        "event.body",
    }
)


def test_without_content_a_record_of_messages_keeps_no_key_that_may_hold_some(path: Path) -> None:
    holder = json.dumps([{"type": "text", "content": SECRET, "function": {"name": "n", "arguments": SECRET}}])
    attributes = {**dict.fromkeys(KEYS_OF_MESSAGES, holder), "role": "user"}
    kept: dict[str, Any] = {"id": "c1", "index": 0, "finish_reason": "stop", "gen_ai.system": "kept"}
    names = sorted(MESSAGE_RECORDS)
    span = ReadableSpan(
        "chat",
        CONTEXT,
        attributes={"gen_ai.operation.name": "chat"},
        events=[Event(name, {**attributes, **kept}, 1) for name in names],
        start_time=1,
        end_time=2,
    )
    logs = [make_log(event_name=name, attributes={**attributes, **kept}, body={"content": SECRET}) for name in names]
    with exporting(path, capture_content=False) as exporter, logging_to(path, capture_content=False) as log_exporter:
        assert exporter.export([span]) is SpanExportResult.SUCCESS
        assert log_exporter.export(logs).name == "SUCCESS"
        assert_is_nowhere(path)
    stored = read(path, "SELECT attributes FROM events WHERE name GLOB 'gen_ai.*'")
    assert [json.loads(text) for (text,) in stored] == [kept] * 2 * len(names)


def test_a_limit_cuts_what_is_huge_and_never_the_span(path: Path) -> None:
    attributes: dict[str, Any] = {"text": "x" * 5_000, "list": list(range(200))}
    events = [Event("e" * 300, attributes, 1)]
    span = ReadableSpan("n" * 300, CONTEXT, attributes=attributes, events=events, start_time=1, end_time=2)
    with exporting(path, capture_limit=100) as exporter:
        assert exporter.export([span]) is SpanExportResult.SUCCESS
    ((name, text, types),) = read(path, "SELECT name, attributes, attribute_types FROM spans")
    assert name == "n" * 99 + "…"
    assert json.loads(text) == {"text": "x" * 100, "list": list(range(100))}
    assert json.loads(types) == {"/text": "cut:5000", "/list": "cut:200"}
    assert ("e" * 99 + "…",) in read(path, "SELECT name FROM events")
    assert health(path, "repaired") == (0,)


def raising(key: str, value: Any) -> Any:
    """The redactor of the tests: it fails for texts, and says what it saw."""
    if isinstance(value, str):
        raise ValueError(f"cannot redact {value}")
    return value


def test_a_redactor_that_raises_costs_values_and_no_span(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    attributes: dict[str, Any] = {"a": SECRET, "kept": 5}
    spans = [
        ReadableSpan(SECRET, SpanContext(1, number, False), attributes=attributes, start_time=1, end_time=2)
        for number in (1, 2)
    ]
    with exporting(path, redactor=f"{__name__}:raising") as exporter:
        assert exporter.export(spans) is SpanExportResult.SUCCESS
        assert_is_nowhere(path)
    assert read(path, "SELECT name, attributes FROM spans") == [("[redacted]", '{"a":"[redacted]","kept":5}')] * 2
    assert health(path, "written", "quarantined") == (2, 0)
    assert health(path, "repaired")[0] >= 4
    (record,) = caplog.records
    assert "ValueError" in record.getMessage()
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("variable", "value"), [("REDACTOR", "no.such.module:function"), ("REDACT_VALUES", "good\n(bad")]
)
def test_a_typo_in_the_environment_stores_nothing_that_was_to_be_masked(
    variable: str, value: str, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(f"OTEL_EXPORTER_SQLITE_{variable}", value)
    with exporting(path) as exporter:
        attributes: dict[str, Any] = {"kept": SECRET, "list": [SECRET], "number": 5}
        exporter.export([ReadableSpan(SECRET, CONTEXT, attributes=attributes, start_time=1, end_time=2)])
        assert_is_nowhere(path)
    masked = '{"kept":"[redacted]","list":"[redacted]","number":"[redacted]"}'
    assert read(path, "SELECT name, attributes, duration_ms FROM spans") == [("[redacted]", masked, 1e-6)]
    assert "every value is stored as [redacted]" in caplog.text


def test_the_environment_configures_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_REDACT_KEYS", "password, *.token")
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_REDACT_VALUES", f"{PATTERNS[0]}\n\\d{{16}}")
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_CAPTURE_CONTENT", "false")
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_CAPTURE_LIMIT", "20")
    attributes: dict[str, Any] = {
        "password": 1,
        "x.Token": 2,
        "a": SECRET,
        "card": "4" * 16,
        "gen_ai.prompt": "said",
        "b": "kept" * 9,
    }
    exporter = SQLiteSpanExporter(path)
    exporter.export([ReadableSpan("kept", CONTEXT, attributes=attributes, start_time=1, end_time=2)])
    exporter.shutdown()
    ((stored,),) = read(path, "SELECT attributes FROM spans")
    assert json.loads(stored) == {
        "password": "[redacted]",
        "x.Token": "[redacted]",
        "a": "[redacted]",
        "card": "[redacted]",
        "b": "kept" * 5,
    }
