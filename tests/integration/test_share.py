# SPDX-License-Identifier: Apache-2.0
"""`share`: one session to hand on. What is masked is masked in every format, wherever it stands."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags, TraceState

from otel_sqlite_exporter import (
    Annotations,
    SQLiteLogRecordExporter,
    SQLiteSpanExporter,
    SQLiteSpanProcessor,
    TelemetryDatabase,
)
from otel_sqlite_exporter.redact.known_values import KnownValues
from otel_sqlite_exporter.redact.share_redactor import ShareRedactor
from otel_sqlite_exporter.settings import resolve_settings
from tests.api_server import asking
from tests.commands import run, run_on_terminal
from tests.conftest import exporting, make_spans
from tests.html_reader import HtmlReader
from tests.new_files import put_new_file
from tests.page_server import browsing

SECRET, KEY, OWNER = "mellon-4711", "key-9f8e7d6c", "ada.lovelace"
FORMS = ("html", "markdown", "otlp")
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def say(role: str, *parts: Any) -> dict[str, Any]:
    texts = [{"type": "text", "content": part} if isinstance(part, str) else part for part in parts]
    return {"role": role, "parts": texts}


def write_session(path: Path) -> None:
    """A session whose secrets stand in every place that a record has."""
    resource = Resource(
        {"service.name": "desk", "deploy.owner": OWNER, "process.command_args": ["run", f"--as={OWNER}"]}
    )
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    put_new_file(path)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    tracer = provider.get_tracer("desk", attributes={"scope.owner": OWNER})
    link = Link(
        SpanContext(7, 7, False, TraceFlags(1), TraceState([("by", OWNER)])),
        {"link.owner": OWNER, "note": f"of {SECRET}"},
    )
    chat: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 30,
        "gen_ai.input.messages": json.dumps(
            [
                say("system", "Be brief."),
                say("user", f'I am {OWNER}, the word is {SECRET}, see {{"api_key": "{KEY}"}}'),
                say("user", {"type": "uri", "modality": "image", "uri": f"data:image/png;base64,{PICTURE}"}),
            ]
        ),
        "gen_ai.output.messages": json.dumps(
            [say("assistant", "<script>alert(1)</script> [link](javascript:alert(1)) \u202eevil")]
        ),
    }
    tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "search",
        "gen_ai.tool.call.arguments": json.dumps({"q": SECRET, "auth": {"api_key": KEY, "n": 1}}),
        "gen_ai.tool.call.result": json.dumps({"inner": json.dumps({"api_key": KEY, "who": OWNER})}),
    }
    attributes: dict[str, Any] = {
        "session.id": "chat-1",
        "user.id": OWNER,
        "numbers": [1, 2],
        "headers": f"Bearer {KEY}",
    }
    with tracer.start_as_current_span(f"answer {OWNER}", attributes=attributes, links=[link]) as root:
        root.add_event(f"sent by {OWNER}", {"to": SECRET, "api_key": KEY})
        tracer.start_span("chat gpt-4o", attributes=chat).end()
        tracer.start_span("execute_tool search", attributes=tool).end()
        with tracer.start_as_current_span("GET", attributes={"url.full": f"https://x.example/?k={KEY}"}) as span:
            span.record_exception(ValueError(f"no {SECRET} for {OWNER}"))
            span.set_status(Status(StatusCode.ERROR, f"no {SECRET} for {OWNER}"))
    provider.shutdown()
    logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
    logs.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
    body = {"text": f"{SECRET} {OWNER}", "api_key": KEY}
    logs.get_logger("desk").emit(LogRecord(body=body, attributes={"session.id": "chat-1", "to": f"{OWNER} {KEY}"}))
    logs.shutdown()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shared") / "otel.db"
    write_session(path)
    return path


def share(path: Path, *options: str, form: str = "html", id: str = "chat-1") -> tuple[str, str]:
    """What is handed on, and what stderr says."""
    code, output, told = run("share", id, path, "--format", form, *options)
    assert code == 0, told
    return output, told


@pytest.mark.parametrize("form", FORMS)
def test_a_session_is_shared_whole_unless_something_is_to_be_masked(written: Path, form: str) -> None:
    output, told = share(written, form=form)
    assert all(text in output for text in (SECRET, KEY, OWNER, "gpt-4o"))
    assert told == "shared 4 spans, 1 log record\nNothing was masked or left out.\n"


@pytest.mark.parametrize("form", FORMS)
def test_what_is_masked_stands_nowhere(written: Path, form: str) -> None:
    options = ("--redact-keys", "*owner", "--redact-keys", "user.id", "--redact-keys", "api_key")
    output, told = share(written, *options, "--redact-values", "mellon-[0-9]+", form=form)
    assert [text for text in (SECRET, KEY, OWNER) if text in output + told] == []
    assert "[redacted]" in output
    assert "api_key (" in told
    if form != "otlp":
        assert re.search(r"api\\?_key \(", output)


@pytest.mark.parametrize("form", FORMS)
def test_a_value_under_a_masked_key_is_masked_where_it_stands_again(written: Path, form: str) -> None:
    output, _ = share(written, "--redact-keys", "user.id", form=form)
    assert OWNER not in output
    assert KEY in output


@pytest.mark.parametrize("form", FORMS)
def test_no_content_leaves_nothing_that_was_said(written: Path, form: str) -> None:
    output, told = share(written, "--no-content", form=form)
    assert [text for text in ("Be brief", "the word is", "alert(1)", '"inner"', "iVBOR") if text in output] == []
    assert "left out: gen_ai.input.messages (1)" in told
    assert "gpt-4o" in output
    metadata, _ = share(written, "--metadata-only", form=form)
    assert [text for text in (SECRET, KEY, "Be brief") if text in metadata] == []


@pytest.mark.parametrize("form", FORMS)
def test_settings_of_the_environment_mask_too(written: Path, form: str) -> None:
    environment: dict[str, Any] = {
        "OTEL_EXPORTER_SQLITE_REDACT_KEYS": "api_key",
        "OTEL_EXPORTER_SQLITE_REDACT_VALUES": "mellon-\\d+",
    }
    code, output, _ = run("share", "chat-1", written, "--format", form, **environment)
    assert code == 0
    assert [text for text in (SECRET, KEY) if text in output] == []


def test_shared_otlp_gives_the_conversation_that_the_page_shows(written: Path, tmp_path: Path) -> None:
    shared, copy = tmp_path / "shared.jsonl", tmp_path / "copy.db"
    share(written, "--redact-keys", "api_key", "--output", str(shared), form="otlp")
    assert run("import", shared, "--into", copy)[0] == 0
    (tool,) = TelemetryDatabase(copy).find_tool_interactions()
    assert json.loads(tool.arguments or "")["auth"] == {"api_key": "[redacted]", "n": 1}
    assert json.loads(json.loads(tool.result or "")["inner"])["api_key"] == "[redacted]"
    page, _ = share(written, "--redact-keys", "api_key")
    assert page.count("[redacted]") >= 3


def test_the_page_loads_nothing_and_runs_nothing(written: Path) -> None:
    html, _ = share(written)
    tags = HtmlReader(html.removeprefix("<!doctype html>")).tags
    assert {name for name, _ in tags}.isdisjoint(("script", "link", "iframe", "object", "form"))
    assert all((attributes.get("href") or "#").startswith("#") for _, attributes in tags)
    sources = [attributes["src"] for _, attributes in tags if "src" in attributes]
    assert sources == [f"data:image/png;base64,{PICTURE}"]
    assert "<title>Session chat-1</title>" in html


def test_one_trace_is_shared_by_its_id(written: Path) -> None:
    trace = TelemetryDatabase(written).find_traces()[0].trace_id
    page, _ = share(written, id=trace[:12])
    assert f"Trace {trace}" in page
    assert "gpt-4o" in page


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("session.id", ("--redact-keys", "user.*")),
        ("session.id", ("--redact-keys", "session.id")),
        ("session.id", ("--redact-values", "hosta")),
        ("gen_ai.conversation.id", ("--redact-keys", "user.*", "--redact-values", "session|redacted")),
        ("metadata#session_id", ("--redact-keys", "user.*")),
        ("session.id", ()),  # left out by OTEL_EXPORTER_SQLITE_ALLOW_KEYS
    ],
)
def test_a_session_whose_id_is_masked_stays_one(tmp_path: Path, source: str, options: tuple[str, ...]) -> None:
    path, id = tmp_path / "otel.db", "ada-hosta-d01-2"
    attribute, _, key = source.partition("#")
    naming = {attribute: json.dumps({key: id}) if key else id}
    chat = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps([say("user", f"see {id}")])}
    given = ["gen_ai.conversation.id", "metadata#session_id", "session.id"]
    environment: dict[str, Any] = {"OTEL_EXPORTER_SQLITE_SESSION_ATTRIBUTES": ",".join(given)}
    environment |= {} if options else {"OTEL_EXPORTER_SQLITE_ALLOW_KEYS": "gen_ai.*"}
    provider = TracerProvider(shutdown_on_exit=False)
    put_new_file(path)
    exporter = SQLiteSpanExporter(path, session_attributes=given)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for _ in range(3):
        provider.get_tracer("tests").start_span("chat", attributes={**chat, **naming, "user.id": "ada"}).end()
    provider.shutdown()
    Annotations(path).pin(session_id=id, label=f"of {id}")
    Annotations(path).note(f"by ada in {id}", session_id=id)
    Annotations(path).score("Relevance", 0.75, session_id=id)
    first = TelemetryDatabase(path).find_traces(newest_first=False)[0].trace_id
    shown = {}
    for form in FORMS:
        code, shown[form], told = run("share", id, path, "--format", form, *options, **environment)
        assert code == 0, told
        assert (id in shown[form], first[:8] in shown[form]) == (not options, True)
        assert "0.75" in shown[form]
    for form in ("html", "markdown"):
        assert "Session redacted-" in shown[form]
        assert "Trace " not in shown[form]
        assert not options or re.search("note.{0,20}by", shown[form], re.DOTALL)
    lines, copy = tmp_path / "shared.jsonl", tmp_path / "copy.db"
    lines.write_text(shown["otlp"])
    assert run("import", lines, "--into", copy)[0] == 0
    (session,) = TelemetryDatabase(copy).find_sessions()
    assert (session.session_id, session.traces, session.pinned) == (f"redacted-{first[:8]}", 3, len(options) > 0)
    assert session.scores == 1


def test_a_file_is_private_and_is_replaced_only_by_force(written: Path, tmp_path: Path) -> None:
    target = tmp_path / "shared.html"
    assert run("share", "chat-1", written, "--output", target)[0] == 0
    assert stat.S_IMODE(os.stat(target).st_mode) == 0o600
    before = target.read_bytes()
    code, _, told = run("share", "chat-1", written, "--output", target, "--no-content")
    assert (code, target.read_bytes() == before) == (2, True)
    assert "exists: give another name, or --force to replace it" in told
    assert run("share", "chat-1", written, "--output", target, "--no-content", "--force")[0] == 0
    assert target.read_bytes() != before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["shared.html"]


def test_on_a_terminal_nothing_that_was_recorded_steers_it(path: Path) -> None:
    said = json.dumps([say("user", "a\x1b[31mb\x9b2Jc\u202ed\nnext é")], ensure_ascii=False)
    attributes = {"session.id": "s", "gen_ai.operation.name": "chat", "gen_ai.input.messages": said}
    with exporting(path) as exporter:
        exporter.export(make_spans("chat", attributes=attributes))
    shown = run_on_terminal("share", "s", path, "--format", "markdown")
    assert "a\\x1b[31mb\\x9b2Jc\\u202ed\r\nnext é\r\n" in shown
    assert "a\x1b[31mb\x9b2Jc\u202ed\nnext é\n" in share(path, form="markdown", id="s")[0]


def test_running_spans_are_left_out_and_told(path: Path) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    processor = SQLiteSpanProcessor(path, open_delay_ms=0)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    waiting = tracer.start_span("waits", attributes={"session.id": "s"})
    tracer.start_span("ends", attributes={"session.id": "s"}).end()
    processor._flush(30, with_running=True)
    _, told = share(path, id="s", form="otlp")
    assert told.startswith("shared 1 span, 0 log records; left out: 1 running span\n")
    waiting.end()
    provider.shutdown()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("nothing",), "nothing has the id 'nothing'"),
        (("chat-1", "--redact-values", "(?=a)"), "redact_values"),
        (("user:ada.lovelace",), "it names a user: give the id of a session or a trace"),
    ],
)
def test_what_cannot_be_shared_is_refused(written: Path, arguments: tuple[str, ...], why: str) -> None:
    code, output, told = run("share", arguments[0], written, *arguments[1:])
    assert (code, output) == (2, "")
    assert why in told


def test_a_short_or_common_value_is_masked_under_its_key_alone(path: Path) -> None:
    attributes = {"session.id": "s", "pin": "42", "role": "user", "said": "the user says 42", "is_pin": True}
    with exporting(path) as exporter:
        exporter.export(make_spans("a span", attributes=attributes))
    output, told = share(path, "--redact-keys", "pin", "--redact-keys", "role", form="otlp", id="s")
    assert "the user says 42" in output
    assert "masked: 2 values of a key that is masked: pin (1), role (1)" in told


def test_a_server_shares_what_the_command_shares(written: Path) -> None:
    masks: dict[str, Any] = {"redact_keys": "user.id, api_key", "redact_values": "mellon-[0-9]+"}
    options = ("--redact-keys", "user.id", "--redact-keys", "api_key", "--redact-values", "mellon-[0-9]+")
    with asking(written) as client:
        for form in FORMS:
            answer = client.ask("/sessions/chat-1/share", format=form, **masks)
            assert answer.text == share(written, *options, form=form)[0]
            assert "etag" not in answer.headers
        assert 'filename="shared.html"' in client.ask("/sessions/chat-1/share", **masks).headers["content-disposition"]
        named = client.ask("/sessions/chat/share", format="otlp", redact_keys="").headers["content-disposition"]
        assert 'filename="shared-session-chat-1.jsonl"' in named
        assert client.refuse("/sessions/chat-1/share", 400, redact_values="(?=a)")["argument"] == "redact_values"
        assert client.refuse("/sessions/none/share", 404)


def test_a_server_masks_what_its_settings_say(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_REDACT_KEYS", "user.id")
    with asking(written) as client:
        assert OWNER not in client.ask("/sessions/chat-1/share").text


def test_the_page_of_a_session_leads_to_a_form_that_shares_it(written: Path) -> None:
    with browsing(written) as client:
        assert 'href="/sessions/chat-1/share"' in client.open("/sessions/chat-1")
        form = client.open("/sessions/chat-1/share")
        assert 'action="/api/v1/sessions/chat-1/share"' in form
        fields = {
            attributes["name"]
            for name, attributes in HtmlReader(form.removeprefix("<!doctype html>")).tags
            if name == "input"
        }
        assert fields == {"format", "no_content", "metadata_only", "redact_keys"}
        typed = {"format": "html", "no_content": "true", "redact_keys": "user.*, api_key"}
        answer = client.http.get("/api/v1/sessions/chat-1/share", params=typed)
        assert answer.status_code == 200
        assert [text for text in (OWNER, KEY, "Be brief") if text in answer.text] == []


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('say {"a": [1, {"pin": {"deep": "x y"}}], "b": 2} now', 'say {"a": [1, {"pin": [redacted]}], "b": 2} now'),
        ("{'pin': 'x y', 'b': 'z'} and 'c'", "{'pin': '[redacted]', 'b': 'z'} and 'c'"),
        ('cut off: {"b": 1, "pin": "x y', 'cut off: {"b": 1, "pin": "[redacted]'),
        ('{"pin": 12, "b": 1.50}', '{"pin": "[redacted]", "b": 1.5}'),
        (json.dumps({"a": json.dumps({"pin": 7})}), json.dumps({"a": json.dumps({"pin": "[redacted]"})})),
        ('in \\"text\\": {\\"pin\\": \\"x y\\"}', 'in \\"text\\": {\\"pin\\": \\"[redacted]\\"}'),
        ('{"pin": "x", "pin": "y"}', '{"pin": "[redacted]"}'),
        ("the pin is x y", "the pin is x y"),
        ("{'pin': b'x y', 'b': 1}", "{'pin': b'[redacted]', 'b': 1}"),
        ("{'pin': User(name='x y', id=[1]), 'b': 1}", "{'pin': [redacted], 'b': 1}"),
        ("{'pin': <User x y>, 'b': 1}", "{'pin': [redacted], 'b': 1}"),
        ('{"pin" => "x y"}', '{"pin" => "[redacted]"}'),
    ],
)
def test_a_key_is_masked_in_json_inside_a_text(text: str, masked: str) -> None:
    redactor = ShareRedactor(resolve_settings("otel.db", redact_keys=["pin"]), KnownValues())
    assert redactor.redact_value("said", text) == masked


def test_a_value_is_found_again_in_every_spelling_of_json(path: Path) -> None:
    owner = 'Zoë "Q" \\ 4711'
    inner = json.dumps({"who": owner})
    attributes = {
        "session.id": "s",
        "user.id": owner,
        "once": inner,
        "twice": json.dumps([inner]),
        "prose": f"I, {inner}",
    }
    with exporting(path) as exporter:
        exporter.export(make_spans(f"for {owner}", attributes=attributes))
    for form in FORMS:
        output, _ = share(path, "--redact-keys", "user.id", form=form, id="s")
        assert "4711" not in output
        assert "Zo" not in output


@pytest.mark.parametrize("form", FORMS)
def test_notes_and_scores_are_shared_and_masked(tmp_path: Path, form: str) -> None:
    path = tmp_path / "otel.db"
    write_session(path)
    assert run("note", path, "--session", "chat-1", "--text", f"seen by {OWNER}")[0] == 0
    score = {"gen_ai.evaluation.name": "Relevance", "gen_ai.evaluation.score.value": 0.75, "session.id": "chat-1"}
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
    explained: dict[str, Any] = {**score, "gen_ai.evaluation.explanation": f"it helps {OWNER}"}
    provider.get_logger("judge").emit(LogRecord(event_name="gen_ai.evaluation.result", attributes=explained))
    provider.shutdown()
    output, _ = share(path, form=form)
    assert [text for text in (f"seen by {OWNER}", "0.75", f"it helps {OWNER}") if text not in output] == []
    masked, _ = share(path, "--redact-keys", "user.id", form=form)
    assert OWNER not in masked
    assert "seen by [redacted]" in masked


def test_the_page_and_markdown_have_the_facts_that_the_session_has(path: Path) -> None:
    usage = {"gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 30}
    chat = {"session.id": "s", "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    tracer = provider.get_tracer("tests")
    with tracer.start_as_current_span("answer", attributes={"session.id": "s"}):
        tracer.start_span("chat", attributes={**chat, **usage}).end()
        failed = tracer.start_span("chat", attributes=chat)
        failed.set_status(Status(StatusCode.ERROR, "no"))
        failed.end()
    provider.shutdown()
    assert run("pin", path, "--session", "s", "--label", "keep me")[0] == 0
    page, markdown = share(path, id="s")[0], share(path, id="s", form="markdown")[0]
    facts = {"failed calls": "1", "model calls": "2", "tokens": "42", "pinned": "keep me", "cost": "$0.00033"}
    for name, value in facts.items():
        assert f"<dt>{name}</dt><dd>{value}</dd>" in page
        assert f"* {name}: {value}\n" in markdown
    assert "failed tools" not in page
    assert "gpt-4o: 2 calls, 12 tokens in, 30 tokens out, $0.00033<" in page  # the failed one costs nothing


def test_a_value_is_found_again_in_addresses_and_in_html() -> None:
    known = KnownValues()
    known.add("Zoë <zoe@example.org>")
    for spelled in (
        "Zo%C3%AB%20%3Czoe%40example.org%3E",
        "Zo%c3%ab+%3czoe%40example.org%3e",
        "Zo%C3%AB%20%3Czoe@example.org%3E",
        "Zoë &lt;zoe@example.org&gt;",
    ):
        assert known.find(f"/?to={spelled}&n=1") == [(5, 5 + len(spelled))]
    assert len(known) == 1


def test_values_and_matches_that_overlap_are_masked_whole() -> None:
    known = KnownValues()
    known.add(["first and second", "second and third", "ada.lovelace"])
    redactor = ShareRedactor(resolve_settings("otel.db", redact_values=["ada.lovelace:[0-9]+"]), known)
    assert redactor.redact_value("said", "the first and second and third") == "the [redacted]"
    assert redactor.redact_value("said", "of ada.lovelace:4711, ada.lovelace") == "of [redacted], [redacted]"


def test_many_masked_values_are_found_by_their_beginnings() -> None:
    known = KnownValues()
    known.add([f"the value of number {number}" for number in range(1_000)] + [f"v{number:03}" for number in range(999)])
    assert len(known) == 1_999
    assert known.find("of v007, v0070, and the value of number 123") == [(3, 7), (20, 43)]
    assert known.find("nothing") == []


def test_a_text_that_takes_too_long_to_look_through_is_masked() -> None:
    known = KnownValues()
    known.add([f"{'a' * 16}{number}" for number in range(2_000)])
    redactor = ShareRedactor(resolve_settings("otel.db"), known)
    assert [*map(str, redactor.redact_value("said", ["a" * 5_000, "short"]))] == ["[redacted]", "short"]
