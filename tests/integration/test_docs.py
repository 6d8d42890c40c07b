# SPDX-License-Identifier: Apache-2.0
"""What the documents say is so: every block of code runs, and every table is that of the code."""

from __future__ import annotations

import inspect
import json
import math
import re
import runpy
import shlex
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from otel_sqlite_exporter import (
    Annotations,
    SQLiteLogRecordExporter,
    SQLiteSpanProcessor,
    TelemetryDatabase,
    __version__,
    environment_variables,
)
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import FORMAT_VERSION
from otel_sqlite_exporter.cli.commands import cli
from otel_sqlite_exporter.encode.sessions import USER_ATTRIBUTES
from otel_sqlite_exporter.genai.messages.normalise import read_messages
from otel_sqlite_exporter.maintain.attribute_index import index_attributes
from otel_sqlite_exporter.model.attribute_sources import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.model.dialect import KEYS
from otel_sqlite_exporter.process_settings import DEBUG_TRACES
from otel_sqlite_exporter.query.askable_views import ASKABLE_VIEWS
from otel_sqlite_exporter.query.reports import REPORTS
from otel_sqlite_exporter.retention.prune import prune
from otel_sqlite_exporter.retention.retention_rules import RetentionRules
from otel_sqlite_exporter.settings import AUTO_MIGRATE_MODES, SYNCHRONOUS_MODES, resolve_settings
from otel_sqlite_exporter.sql.texts import read_folder
from otel_sqlite_exporter.storage.migrations import migrate
from otel_sqlite_exporter.storage.steps import load_migrations
from tests.aged_spans import aged_call
from tests.conftest import ROOT, clean_environment, exporting, read, span_names
from tests.frozen_files.every_kind import receive_requests
from tests.legacy_files import write_typical
from tests.sample_points import MINUTE_NS, encode_points, make_points, write_points

PACKAGE = ROOT / "src" / "otel_sqlite_exporter"
PUBLIC_VIEWS = [name for name, _ in read_folder("views") if not name.startswith("_")]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
REMOTE_PARENT = SpanContext(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, True, TraceFlags(1))
SQL_TYPES = {
    "any": {"text", "integer", "real"},
    "text": {"text"},
    "json": {"text"},
    "integer": {"integer"},
    "real": {"real"},
}


class Block(NamedTuple):
    document: Path
    line: int
    language: str
    info: str
    text: str


def find_blocks(*languages: str) -> list[Block]:
    blocks = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for fence in FENCE.finditer(text):
            line = text.count("\n", 0, fence.start()) + 1
            blocks.append(Block(document, line, fence[1], fence[2].strip(), fence[3]))
    return [block for block in blocks if not languages or block.language in languages]


def find_tables(document: str, heading: str) -> list[list[str]]:
    """The cells of the tables under a heading, row by row, without the heads of the tables."""
    text = (ROOT / document).read_text(encoding="utf-8")
    match = re.search(rf"^##+ {re.escape(heading)}\n((?:(?!#).*\n)*)", text, re.MULTILINE)
    assert match, f"{document} has no heading {heading!r}"
    tables = re.findall(r"^\|.*\n\|[-|]+\|\n((?:\|.*\n)+)", match[1], re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split("|")] for table in tables for row in table.splitlines()]


def find_numbered(document: str, heading: str) -> tuple[str, ...]:
    text = (ROOT / document).read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return tuple(re.findall(r"^\d+\. `([\w.#&]+)`$", text, re.MULTILINE))


def bare(cell: str) -> str:
    return cell.strip("`")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that has every kind of row that the documents ask for, from real spans through the exporter."""
    path = tmp_path_factory.mktemp("docs") / "otel.db"
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "agent"}), shutdown_on_exit=False)
    with exporting(path, capture_limit=1_000) as exporter:
        provider.add_span_processor(SimpleSpanProcessor(memory))
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        record_turn(provider.get_tracer("docs", "1"))
        exporter.export([*memory.get_finished_spans()[:1], ReadableSpan("a span without ids")])
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"}
    with exporting(path, busy_timeout_ms=0) as exporter:
        # A call that has not ended when this process is looked at, and a batch that meets a lock.
        exporter.export_open([provider.get_tracer("docs").start_span("chat", attributes=chat)])  # type: ignore[list-item]
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            exporter.export(memory.get_finished_spans()[-1:])
        exporter.export(memory.get_finished_spans()[-1:])
    logs = LoggerProvider(resource=Resource({"service.name": "agent"}), shutdown_on_exit=False)
    logs.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
    with closing(sqlite3.connect(path)) as connection:
        (called,) = connection.execute("SELECT trace_id, span_id FROM complete_llm_interactions LIMIT 1")
    place = SpanContext(int(called[0], 16), int(called[1], 16), False, TraceFlags(1))
    others = [
        LogRecord(event_name="framework.patch", attributes={"framework.name": "langchain"}),
        LogRecord(event_name="security.content.suspicious", context=set_span_in_context(NonRecordingSpan(place))),
        LogRecord(
            event_name="gen_ai.evaluation.result",
            context=set_span_in_context(NonRecordingSpan(place)),
            attributes={"gen_ai.evaluation.name": "Relevance", "gen_ai.evaluation.score.value": 0.8},
        ),
    ]
    named = LogRecord(event_name="llm.call.start", attributes={"session.id": "chat-17"})
    for record in (LogRecord(body="a line"), named, *others):
        logs.get_logger("docs").emit(record)
    logs.shutdown()
    Annotations(path).pin(session_id="chat-17", label="how it should be")
    receive_requests(path)
    with exporting(path) as exporter:
        exporter.export([aged_call("old", 400, tokens=12)])
    prune(resolve_settings(path), RetentionRules(older_than_s=300 * 86_400))
    write_points(path, encode_points(make_points(60, time.time_ns() - 70 * MINUTE_NS)))
    with exporting(path) as exporter:
        exporter.export([aged_call("of bob", 1, tokens=1, user="bob@example.org")])
    index_attributes(resolve_settings(path), ["gen_ai.request.model", "gen_ai.usage.output_tokens"])
    return path


def record_turn(tracer: Tracer) -> None:
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "guide"}
    owner = {"session.id": "chat-17", "user.id": "ada"}
    chat = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini"}
    usage = {"gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 34}
    question = '[{"role": "user", "parts": [{"type": "text", "content": "Weather in Paris?"}]}]'
    asks = '[{"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "search", "arguments": {}}]}]'
    says = '[{"role": "assistant", "parts": [{"type": "text", "content": "57°F and rain."}]}]'
    answer = {"gen_ai.response.finish_reasons": ["stop"], "gen_ai.input.messages": question}
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
    parent = set_span_in_context(NonRecordingSpan(REMOTE_PARENT))
    links = [Link(REMOTE_PARENT)]
    with tracer.start_as_current_span("answer", parent, attributes={**agent, **usage, **owner}, links=links):
        for said in (asks, says):
            tracer.start_span("chat", attributes={**chat, **usage, **answer, "gen_ai.output.messages": said}).end()
        with tracer.start_as_current_span("chat", attributes={**chat, "error.type": "NotFoundError"}) as span:
            span.set_status(Status(StatusCode.ERROR, "no such model"))
        with tracer.start_as_current_span("execute_tool search", attributes=tool) as span:
            span.add_event("step.start")
            span.add_event("step.finish")
            span.add_event("note")
        for event in ("retrieval.start", "retrieval.finish", "retrieval.start"):
            with tracer.start_as_current_span(f"span of {event}") as span:
                span.add_event(event)
        tracer.start_span("hand over", attributes={"session.id": "thread-4"}).end()
        tracer.start_span("hand back", attributes={"gen_ai.conversation.id": "thread-5"}).end()
    tracer.start_span("long", attributes={"text": "x" * 2_000}).end()
    tracer.start_span("types", attributes={"key": b"ab", "loss": [0.5, math.nan]}).end()


@pytest.fixture
def file(filled: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{filled.as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


def test_every_block_is_of_a_language_that_is_tested() -> None:
    fences = sum(len(re.findall("^ *```", document.read_text(), re.MULTILINE)) for document in DOCUMENTS)
    assert fences == 2 * len(find_blocks())
    assert {block.language for block in find_blocks()} <= {"python", "sh", "yaml", "sql", "json", "text"}


@pytest.mark.parametrize("block", find_blocks("sql"), ids=lambda block: f"{block.document.name}:{block.line}")
def test_a_query_gives_rows(file: sqlite3.Connection, block: Block) -> None:
    assert file.execute(block.text).fetchall()


@pytest.mark.slow
@pytest.mark.parametrize(
    "document", sorted({block.document for block in find_blocks("python", "sh")}), ids=lambda document: document.name
)
def test_programs_and_commands_run(document: Path, filled: Path, tmp_path: Path) -> None:
    if document.parent != ROOT:
        shutil.copy(filled, tmp_path / "otel.db")
    write_typical(tmp_path / "old.db")
    printed = ""
    for block in find_blocks():
        if block.document != document:
            continue
        name = re.match(r"# ([\w.-]+)\n", block.text)
        if name:
            (tmp_path / name[1]).write_text(block.text)
        elif block.language == "python":
            (tmp_path / "program.py").write_text(block.text)
            done = run([sys.executable, "-W", "error", "program.py"], tmp_path)
            assert done.stderr == ""
            printed = done.stdout
        elif block.language == "sh":
            run(["sh", "-ec", "\n".join(filter(is_to_run, block.text.replace("\\\n", "").splitlines()))], tmp_path)
        elif (block.language, block.info) == ("text", "output"):
            assert printed == block.text
    if document.name == "README.md":
        assert span_names(tmp_path / "otel.db") == ["answer", "chat gpt-4o-mini", "work"]
    if document.name == "setup.md":
        assert span_names(tmp_path / "otel.db").count("work") == 3
        lines = read(tmp_path / "otel.db", "SELECT session_id FROM logs WHERE body = '\"almost done\"'")
        assert lines == [("chat-17",)]
        assert span_names(tmp_path / "traces.db") == ["work"]


def is_to_run(command: str) -> bool:
    """Whether a command is to run here; that what the others name exists is checked instead."""
    words = [word for word in shlex.split(command, comments=True) if not re.match("[A-Z_]+=", word)]
    if words[:2] == ["pip", "install"]:
        assert all(metadata.version(word.partition("[")[0]) for word in words[2:])
        return False
    if words[:1] == ["make"]:
        targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        assert targets.issuperset(words[1:])
        return False
    if words[:1] == ["opentelemetry-bootstrap"] or words[:3] == ["python", "-m", "benchmarks"]:
        return False
    return words[:1] != ["sqlite3"] or shutil.which("sqlite3") is not None


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False, timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.parametrize("block", find_blocks("sh"), ids=lambda block: f"{block.document.name}:{block.line}")
def test_a_command_that_chooses_an_exporter_chooses_those_of_all_signals(block: Block) -> None:
    """The stock distro sends the others to OTLP, and sets up nothing where that is not installed."""
    chosen = set(re.findall(r"OTEL_(TRACES|LOGS|METRICS)_EXPORTER=", block.text))
    assert chosen in (set(), {"TRACES", "LOGS", "METRICS"})


def test_the_settings_are_those_of_the_code() -> None:
    render = runpy.run_path(str(ROOT / "tools/generate_settings.py"))["render_page"]
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert render(page) == page, "run `make settings`"
    rows = [
        row for heading in ("All exporters", "The span processor") for row in find_tables("docs/settings.md", heading)
    ]
    assert [bare(row[0]) for row in rows] == list(inspect.signature(SQLiteSpanProcessor).parameters)
    meanings = {bare(keyword): meaning for keyword, _, _, meaning in rows}
    assert [mode for mode in SYNCHRONOUS_MODES if f"`{mode}`" not in meanings["synchronous"]] == []
    assert [mode for mode in AUTO_MIGRATE_MODES if f"`{mode}`" not in meanings["auto_migrate"]] == []
    *_, (variable, _, meaning), _ = find_tables("docs/settings.md", "The environment")
    assert bare(variable) == environment_variables.OTEL_EXPORTER_SQLITE_DEBUG
    assert [trace for trace in DEBUG_TRACES if f"`{trace}`" not in meaning] == []
    assert {bare(row[0]) for row in find_tables("docs/migrations.md", "What the exporter does by itself")} == {
        *AUTO_MIGRATE_MODES
    }


def test_the_tables_of_a_dataset_are_those_of_the_code() -> None:
    render = runpy.run_path(str(ROOT / "tools/generate_dataset.py"))["render_page"]
    page = (ROOT / "docs/dataset.md").read_text(encoding="utf-8")
    assert render(page) == page, "run `make dataset`"
    assert f"format version {FORMAT_VERSION}." in page


def test_every_view_is_described() -> None:
    text = (ROOT / "docs/schema.md").read_text().split("\n## Views\n")[1]
    assert sorted(re.findall(r"^### (\w+)$", text, re.MULTILINE)) == PUBLIC_VIEWS


@pytest.mark.parametrize("view", PUBLIC_VIEWS)
def test_the_columns_of_a_view_are_those_of_the_file(file: sqlite3.Connection, view: str) -> None:
    rows = find_tables("docs/schema.md", view)
    columns = [column for column, *_ in file.execute(f"SELECT * FROM {view} LIMIT 0").description]
    assert [bare(row[0]) for row in rows] == columns
    assert file.execute(f"SELECT count(*) FROM {view}").fetchone() != (0,)
    for column, kind, _ in rows:
        types = {name for (name,) in file.execute(f"SELECT DISTINCT typeof({bare(column)}) FROM {view}")}
        assert types <= SQL_TYPES[kind.strip("?")] | ({"null"} if kind.endswith("?") else set()), column
        if kind.startswith("json"):
            invalid = f"SELECT {bare(column)} AS value FROM {view} WHERE value IS NOT NULL AND NOT json_valid(value)"
            assert file.execute(invalid).fetchall() == []


def test_the_example_of_types_is_what_the_exporter_writes(filled: Path) -> None:
    (block,) = (block for block in find_blocks("json") if block.document.name == "schema.md")
    ((attributes, types),) = read(filled, "SELECT attributes, attribute_types FROM spans WHERE name = 'types'")
    assert json.loads(block.text) == {"attributes": json.loads(attributes), "attribute_types": json.loads(types)}


def test_the_example_of_messages_has_their_shape() -> None:
    (block,) = (block for block in find_blocks("json") if block.document.name == "content.md")
    assert read_messages(block.text, "user") == json.loads(block.text)


def test_the_sources_of_sessions_and_users_are_those_of_the_code() -> None:
    assert find_numbered("docs/sessions.md", "Sources") == DEFAULT_SESSION_ATTRIBUTES
    assert find_numbered("docs/sessions.md", "Users") == USER_ATTRIBUTES


def test_the_table_of_captures_is_that_of_the_tests() -> None:
    render = runpy.run_path(str(ROOT / "tools/generate_scores.py"))["render_page"]
    page = (ROOT / "docs/captures.md").read_text(encoding="utf-8")
    assert render(page) == page, "run `make scores`"


def test_the_tables_of_dialects_are_those_of_the_data() -> None:
    render = runpy.run_path(str(ROOT / "tools/generate_dialects.py"))["render_page"]
    page = (ROOT / "docs/dialects.md").read_text()
    assert render(page) == page, "run `make dialects`"
    vocabulary = json.loads((PACKAGE / "genai" / "vocabulary.json").read_text())
    words = {
        word
        for row in find_tables("docs/dialects.md", "Which spans are rows")
        for word in re.findall(r"`(\w+)`", row[0])
    }
    assert words == {operation for kind in vocabulary["operations"].values() for operation in kind}
    keys = {
        key
        for row in find_tables("docs/dialects.md", "The keys of a dialect")[:12]
        for key in re.findall(r"`(\w+)`", row[0])
    }
    assert keys == KEYS


def test_no_convention_of_content_is_there_twice() -> None:
    def read(members: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(members)) == len(members)
        return dict(members)

    assert json.loads((PACKAGE / "redact" / "content.json").read_text(), object_pairs_hook=read)


def test_the_attributes_that_are_content_are_those_of_the_code() -> None:
    content = json.loads((PACKAGE / "redact" / "content.json").read_text())
    described = {}
    for convention, names, source in find_tables("docs/dialects.md", "Content"):
        described[convention] = (re.findall(r"`(.*?)`", names), source)
    parts = ("names", "of_providers", "whole", "flattened", "prompts", "answers", "parameters", "texts")
    expected = {
        convention: ([*dict.fromkeys(name for part in parts for name in one.get(part, ()))], one["source"])
        for convention, one in content["conventions"].items()
    }
    assert described == expected
    text = " ".join((ROOT / "docs/dialects.md").read_text().split("\n## Content\n")[1].split())
    kept = text.split("whose name ends in", 1)[1].split("is kept", 1)[0]
    assert re.findall(r"`(.*?)`", kept) == content["kept_below_flattened"]
    names, attributes = text.split("events (and log records)", 1)[1].split("their attributes", 1)
    assert re.findall(r"`(.*?)`", names) == content["events"]["names"]
    assert re.findall(r"`(.*?)`", attributes.split(". *", 1)[0]) == content["events"]["attributes"]


def test_the_steps_are_those_of_the_code() -> None:
    steps = [[str(step.version), f"`{step.name}`", "yes" if step.is_quick else "no"] for step in load_migrations()]
    assert find_tables("docs/migrations.md", "Versions") == steps


def test_the_indexes_are_those_of_a_file(path: Path) -> None:
    migrate(str(path), busy_timeout_ms=5_000)
    indexes = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    made = {
        name: re.sub(r"\s+", " ", re.sub(r"^CREATE (UNIQUE )?INDEX \w+ ON \w+ ", "", sql))
        for name, sql in read(path, indexes)
    }
    table = find_tables("docs/schema.md", "Indexes")
    assert {bare(row[0]): bare(row[1]) for row in table} == made
    assert all(row[2] for row in table)


def test_the_questions_and_filters_are_those_of_the_code() -> None:
    methods = {name for name in dir(TelemetryDatabase) if not name.startswith("_")} - {"path"}
    rows = find_tables("docs/query.md", "Questions")
    assert {name for row in rows for name in re.findall("`(.*?)`", row[0])} == methods
    names = {
        "sessions": "sessions",
        "traces": "traces",
        "spans": "spans",
        "events": "events",
        "logs": "logs",
        "calls": "complete_llm_interactions",
        "tools": "complete_tool_interactions",
        "scores": "scores",
    }
    described: dict[str, set[str]] = {view: set() for view in names.values()}
    for filters, lists in find_tables("docs/query.md", "Filters"):
        listed = lists.partition(":")[0]
        but = listed.removeprefix("all but ") if listed.startswith("all but ") else ""
        of = set(names) - {but} if listed.startswith("all") else set(listed.split(", "))
        for one in of:
            described[names[one]] |= set(re.findall("`(.*?)`", filters))
    assert described == {view.name: set(view.arguments) for view in ASKABLE_VIEWS}


def test_every_failure_in_operations_has_a_test() -> None:
    rows = [
        re.sub("[*`]", "", row[0]).partition(":")[0]
        for heading in ("When something fails", "When the process ends", "Bad values")
        for row in find_tables("docs/operations.md", heading)
    ]
    tests = "".join(test.read_text(encoding="utf-8") for test in (ROOT / "tests").rglob("test_*.py"))
    shown = re.findall(r'"(.+?)"', "".join(re.findall(r"@pytest\.mark\.row\((.*?)\)\n", tests, re.DOTALL)))
    assert len(rows) == 34
    assert set(shown) == set(rows)


def test_every_line_about_the_receiver_has_a_test() -> None:
    lines = [row[0] for heading in ("The contract", "Running it") for row in find_tables("docs/receiver.md", heading)]
    tests = "".join(test.read_text(encoding="utf-8") for test in (ROOT / "tests").rglob("test_*.py"))
    shown = re.findall(r'"(.+?)"', "".join(re.findall(r"@(?:pytest\.mark\.)?line\((.*?)\)\n", tests, re.DOTALL)))
    assert set(shown) == set(lines)


def test_the_reports_and_commands_are_those_of_the_code() -> None:
    described = {bare(row[0]): re.findall("`(.*?)`", row[1]) for row in find_tables("docs/reports.md", "What there is")}
    assert {name: set(groups) for name, groups in described.items()} == {
        name: set(report.groups) for name, report in REPORTS.items()
    }
    assert [name for name, report in REPORTS.items() if described[name][0] != report.groups[0]] == []
    rows = find_tables("docs/commands.md", "What there is")
    commands = [name for row in rows for name in re.findall("`(.*?)`", row[0])]
    assert sorted(commands) == sorted(cli.commands)


def test_the_changelog_knows_the_version() -> None:
    assert re.search(rf"^## \[{re.escape(__version__)}\] - ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_and_files_that_are_named_exist(document: Path) -> None:
    text = FENCE.sub("", document.read_text())
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text):
        linked = document.parent / target if target else document
        assert linked.exists(), target
        headings = re.findall(r"^#+ (.*)$", linked.read_text(), re.MULTILINE) if anchor else []
        assert not anchor or anchor in map(slug, headings), anchor
    for name in re.findall(r"`([\w./-]+\.(?:py|sql|json|toml|md))`", text):
        assert "N" in name or any((folder / name).exists() for folder in (ROOT, PACKAGE)), name
