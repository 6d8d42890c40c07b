# SPDX-License-Identifier: Apache-2.0
"""The commands that ask a file: lists, a session, a trace, the last records, SQL, and two sessions compared."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otel_sqlite_exporter import SQLiteSpanExporter, TelemetryDatabase
from otel_sqlite_exporter.query import reading, search
from otel_sqlite_exporter.query.sql_builder import Select
from tests.commands import COMMAND, run, run_here, run_on_terminal, run_process
from tests.conftest import HANG_S, clean_environment, exporting, make_spans
from tests.file_checks import snapshot
from tests.sample_traces import write_traces

LISTS = {
    "sessions": ("sessions", "sessions"),
    "traces": ("traces", "traces"),
    "llm": ("llm_interactions", "calls"),
    "tools": ("tool_interactions", "tool executions"),
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_traces(tmp_path_factory.mktemp("asked") / "otel.db")


def ask(*arguments: object) -> Any:
    code, out, err = run(*arguments, "--json")
    assert (code, re.sub("(next|no process has written spans).*\n", "", err)) == (0, "")
    return json.loads(out)


@pytest.mark.slow
@pytest.mark.parametrize("command", LISTS)
def test_a_list_is_what_python_is_answered(asked: Path, command: str) -> None:
    records, title = LISTS[command]
    before = snapshot(asked)
    page = getattr(TelemetryDatabase(asked), f"find_{records}")(limit=2)
    shown = ask(command, asked, "-n", 2)
    assert shown == {"total": page.total, "cursor": page.cursor, records: page.to_dicts()}
    following = ask(command, asked, "-n", 100, "--cursor", page.cursor)
    assert len(following[records]) == page.total - 2
    assert following["cursor"] is None
    code, out, err = run_process(command, asked, "-n", 2, FORCE_COLOR="1")
    assert (code, err) == (0, f"next: --cursor {page.cursor}\n")
    assert out.startswith(f"{title} (2 of {page.total})\n")
    assert "\x1b" not in out
    assert out.count("\n") == 4
    oldest = ask(command, asked, "-n", 1, "--oldest-first")[records]
    assert oldest == getattr(TelemetryDatabase(asked), f"find_{records}")(limit=1, newest_first=False).to_dicts()
    assert snapshot(asked) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("sessions", "--user", "user-0"), 2),
        (("sessions", "--min-tokens", 10**6), 0),
        (("sessions", "--model", "o4-mini", "--agent", "planner"), 2),
        (("traces", "--model", "gpt-4.1", "--min-tokens", 120), 8),
        (("sessions", "--since", "2026-01-31T12:11Z"), 1),
        (("traces", "--session", "session-1", "--service", "orders"), 2),
        (("traces", "--status", "error", "--status", "running"), 0),
        (("traces", "--status", "ok"), 12),
        (("traces", "--name", "POST /chat", "--until", "2026-01-31 12:01"), 1),
        (("llm", "--model", "o4-mini", "--provider", "openai", "--operation", "chat", "--agent", "planner"), 8),
        (("llm", "--min-duration-ms", 160), 2),
        (("llm", "--min-cost-usd", 0.01), 0),
        (("llm", "--attribute", "app.is_first=true", "--attribute", "gen_ai.usage.input_tokens>=110"), 2),
        (("llm", "--attribute", "gen_ai.usage.input_tokens>100", "--attribute", "gen_ai.usage.input_tokens<103"), 4),
        (("llm", "--attribute", "!error.type", "--since", "1w"), 0),
        (("tools", "--tool", "search", "--status", "ok"), 6),
    ],
)
def test_a_list_is_filtered(asked: Path, arguments: tuple[object, ...], expected: int) -> None:
    command, *options = arguments
    shown = ask(command, asked, *options)
    assert shown["total"] == expected == len(shown[LISTS[str(command)][0]])


def test_the_beginning_of_an_id_suffices_if_it_is_of_one(asked: Path) -> None:
    (trace,) = TelemetryDatabase(asked).find_traces(limit=1)
    assert ask("trace", trace.trace_id[:10], asked)["trace_id"] == trace.trace_id
    assert ask("llm", asked, "--trace", trace.trace_id[:10])["total"] == 2
    assert ask("trace", trace.trace_id[:10].upper(), asked)["trace_id"] == trace.trace_id
    database = TelemetryDatabase(asked)
    span = database.get_span(trace.trace_id.upper(), trace.root_span_id[:9].upper())
    assert span.span_id == trace.root_span_id
    assert database.find_spans(trace_id=trace.trace_id.upper(), span_id=[span.span_id.upper()]).records == (span,)
    assert ask("traces", asked, "--session", "session-2")["total"] == 4
    code, out, err = run("session", "sess", asked)
    assert (code, out) == (2, "")
    assert err == ("Error: several sessions start with 'sess': session-0, session-1, session-2; give more characters\n")
    assert run("trace", "nope", asked)[::2] == (2, "Error: there is no trace 'nope': `traces` lists them\n")


@pytest.mark.parametrize("command", ["llm", "tools", "logs", "search"])
def test_the_prefix_of_an_id_is_resolved_without_reading_what_it_names(
    path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(SQLiteSpanExporter(path)))
    tracer = provider.get_tracer("tests")
    with tracer.start_as_current_span("root", attributes={"session.id": "a session"}) as root:
        for number in range(300):
            tracer.start_span(str(number)).end()
    provider.shutdown()
    trace_id = f"{root.get_span_context().trace_id:032x}"
    read: list[dict[str, Any]] = []

    def fetch_and_note(connection: sqlite3.Connection, select: Select) -> list[dict[str, Any]]:
        rows = fetch(connection, select)
        read.extend(rows)
        return rows

    fetch = reading.fetch
    for module in (reading, search):
        monkeypatch.setattr(module, "fetch", fetch_and_note)
    words = ["nothing"] if command == "search" else []
    for options in (["--trace", trace_id[:9]], ["--session", "a sess"]):
        assert run_here(command, *words, path, *options).exit_code == 0
    assert {trace_id, "a session"} <= {value for row in read for value in row.values()}
    assert len(read) < 10


@pytest.mark.parametrize("command", [*LISTS, "logs", "tail"])
def test_a_bad_variable_is_reported_once(asked: Path, command: str) -> None:
    code, _, err = run_process(command, asked, "-n", "100", OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS="soon")
    assert code == 0
    assert err.count("OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("llm", "--since", "tomorrow"),
            r"Error: --since: 'tomorrow' is not a time: give ISO 8601 .*, or today, yesterday, week or month\n",
        ),
        (("llm", "--attribute", "!"), r"Error: --attribute: '!' has no key: .*\n"),
        (("traces", "--cursor", "x"), r"Error: --cursor: it is not from a page of this list .*\n"),
        (("sessions", "--min-tokens", 2**64), r"Error: --min-tokens: \d+ does not fit in 64 bits\n"),
        (("sessions", "--min-cost-usd", "nan"), r"Error: --min-cost-usd: nan is not a finite number\n"),
        (("llm", "--limit", 2**31), r"Error: --limit: \d+ is not a number of rows: give an integer from 1 to \d+\n"),
        (("llm", "--session", ""), r"Error: --session: '' is not an id: .*\n"),
        (("export", "--session", ""), r"Error: --session: '' is not an id: .*\n"),
        (("export", "--trace", ""), r"Error: --trace: '' is not an id: .*\n"),
        (("search", "x", "--model", "a", "--tool", "b"), r"Error: --tool: only tool executions have it, .*\n"),
        (("search", '""'), r"Error: TEXT: .*\n"),
        *(
            (("sql", change), r"Error: STATEMENT: only reading is allowed here: give a SELECT \(.*\)\n")
            for change in ("DELETE FROM spans", "UPDATE spans SET name = ''", "DROP TABLE spans")
        ),
        *(
            (("sql", asked), r"Error: STATEMENT: _spans is private: ask the views \(docs/schema\.md\)\n")
            for asked in ("SELECT * FROM _spans", "SELECT * FROM main._spans", "DELETE FROM _spans")
        ),
        (("diff", "", "session-0"), r"Error: '' is not an id: .*\n"),
        (("diff", "session-0", "session-1", "--allow", "x"), r"Error: --allow: 'x' is not MEASURE=INCREASE.*\n"),
        (("session", ""), r"Error: ID: '' is not an id: .*\n"),
        (
            ("report", "tokens", "--group-by", "colour"),
            r"Error: --group-by: 'colour' is not a choice: give model, .*\n",
        ),
        (
            ("report", "sessions", "-g", "user", "-g", "day"),
            r"Error: --group-by: sessions takes 1 of session, .* at once\n",
        ),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(asked: Path, arguments: tuple[object, ...], message: str) -> None:
    code, out, err = run(*arguments, OTEL_EXPORTER_SQLITE_PATH=str(asked))
    assert (code, out) == (2, "")
    assert re.fullmatch(message, err)


def test_a_session_is_shown_step_by_step(asked: Path) -> None:
    shown = ask("session", "session-0", asked, "-n", 5)
    assert (shown["total"], shown["session"]["session_id"]) == (16, "session-0")
    assert [(step["kind"], step["what"]) for step in shown["steps"]] == [
        ("trace", "POST /chat"),
        ("llm", "gpt-4.1"),
        ("tool", "search"),
        ("llm", "claude-haiku-4-5"),
        ("trace", "POST /chat"),
    ]
    code, out, err = run("session", "session-0", asked)
    assert (code, err) == (0, "")
    assert "steps (16 of 16)" in out
    assert re.search(r"^ +3 min +llm +claude-haiku-4-5 +80 ms +RateLimitError +113 ", out, re.MULTILINE)


def test_a_trace_is_shown_as_a_waterfall(asked: Path) -> None:
    (trace,) = TelemetryDatabase(asked).find_traces(limit=1, newest_first=False)
    code, out, err = run("trace", trace.trace_id, asked)
    assert (code, err) == (0, "")
    assert out.startswith(f"trace {trace.trace_id}\n  session   session-0\n")
    spans = out.partition("spans (5 of 5)\n")[2].splitlines()[1:]
    assert [re.split(r"  +(?==)", line)[0].rstrip() for line in spans] == [
        "  POST /chat",
        "    invoke_agent planner",
        "      chat gpt-4.1",
        "        execute_tool search",
        "      chat claude-haiku-4-5",
    ]
    assert re.fullmatch(r" +POST /chat +={24} +500 ms +ok +- +[0-9a-f]{16}", spans[0])
    assert re.search(r" {11}==  +50 ms +ok +100 ", spans[2])
    failed = TelemetryDatabase(asked).find_llm_interactions(status="error", limit=1)[0].trace_id
    assert re.search(r"chat .*  RateLimitError +\d+  [0-9a-f]{16}$", run("trace", failed, asked)[1], re.MULTILINE)


def test_the_last_records_are_shown_in_order(asked: Path) -> None:
    code, out, err = run("tail", asked, "-n", 3)
    assert (code, err) == (0, "")
    written = TelemetryDatabase(asked).find_events(limit=1_000)
    expected = [event.name for event in sorted(written, key=lambda event: (event.start_time_unix_nano, event.id))][-3:]
    assert [line.split("  ")[2] for line in out.splitlines()] == expected
    assert re.search(
        r"  finish  POST /chat  500 ms  ok  session=session-2  trace=[0-9a-f]{32}  span=[0-9a-f]{16}$",
        out,
        re.MULTILINE,
    )
    lines = run("tail", asked, "-n", 2, "--json", "--session", "session-1")[1].splitlines()
    assert [json.loads(line)["session_id"] for line in lines] == ["session-1", "session-1"]


def test_the_last_records_of_a_batch_are_the_latest_and_not_its_span_events(path: Path) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(SQLiteSpanExporter(path)))
    for number in range(3):
        span = provider.get_tracer("tail").start_span(f"span {number}", start_time=number * 1_000 + 1)
        for chunk in range(5):
            span.add_event(f"chunk {chunk}", timestamp=number * 1_000 + 100 + chunk)
        span.end(number * 1_000 + 900)
    provider.shutdown()
    shown = [json.loads(line) for line in run("tail", path, "-n", 8, "--json")[1].splitlines()]
    assert [(record["name"], record["phase"]) for record in shown] == [
        ("span 1", "finish"),
        ("span 2", "start"),
        *((f"chunk {chunk}", None) for chunk in range(5)),
        ("span 2", "finish"),
    ]


def test_what_is_written_meanwhile_is_followed_until_an_interrupt(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("before"))
        command = [sys.executable, "-c", _FOLLOW, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=clean_environment(), text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            names = [json.loads(process.stdout.readline())["name"] for _ in range(2)]
            exporter.export(make_spans("during"))
            names += [json.loads(process.stdout.readline())["name"] for _ in range(2)]
            process.send_signal(signal.SIGINT)
            assert process.wait(HANG_S) == 0
            assert process.stdout.read() == ""
    assert names == ["before", "before", "during", "during"]


def test_following_ends_when_nobody_reads_on(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("before"))
        command = [*COMMAND, "tail", "-f", str(path)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline()
            process.stdout.close()
            exporter.export(make_spans("during"))
            assert process.wait(HANG_S) == 0
            assert process.stderr.read() == b""


_FOLLOW = """\
import sys
from otel_sqlite_exporter.cli.commands import cli
print("ready", flush=True)
cli(["tail", "-f", "--json", sys.argv[1]], prog_name="test")"""


def test_sql_gives_rows_as_text_json_and_csv(asked: Path) -> None:
    query = "SELECT name, count(*) AS spans, x'00ff' AS bytes, NULL AS missing FROM spans GROUP BY name ORDER BY 1"
    code, out, err = run("sql", query, asked, "-n", 2)
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == ["rows (2 of more)", "  name                   spans  bytes  missing"]
    assert ask("sql", query, asked)["rows"][0] == {"name": "POST /chat", "spans": 12, "bytes": "00ff", "missing": None}
    rows = list(csv.reader(io.StringIO(run("sql", query, asked, "--csv")[1])))
    assert rows[:2] == [["name", "spans", "bytes", "missing"], ["POST /chat", "12", "00ff", ""]]
    assert ask("sql", "SELECT 1 WHERE 0", asked) == {"total": 0, "rows": []}
    assert ask("sql", "PRAGMA table_info(days)", asked)["rows"][0]["name"] == "date"
    assert ask("sql", "PRAGMA user_version", asked)["total"] == 1
    assert ask("sql", "EXPLAIN QUERY PLAN SELECT * FROM spans WHERE trace_id = 'x'", asked)["total"] > 1
    assert ask("sql", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n", asked, "-n", 3)


def test_columns_of_the_same_name_are_told_apart(asked: Path) -> None:
    query = 'SELECT 1 AS a, 2 AS "a:1", 3 AS a, 4 AS a'
    expected = {"a": 1, "a:1": 2, "a:2": 3, "a:3": 4}
    assert ask("sql", query, asked)["rows"] == [expected]
    assert run("sql", query, asked, "--csv")[1].split() == ["a,a:1,a:2,a:3", "1,2,3,4"]


def test_json_has_null_where_it_has_no_number(asked: Path) -> None:
    shown = run("sql", "SELECT 9e999 AS a, -9e999 AS b, 1.5 AS c", asked, "--json")[1]

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    rows = json.loads(shown, parse_constant=refuse)["rows"]
    assert rows == [{"a": None, "b": None, "c": 1.5}]


@pytest.mark.parametrize(
    "options",
    [
        *(("sql", "SELECT 1", "--csv", "--json"), ("sql", "SELECT 1", "--json", "--csv")),
        *(("report", "tokens", "--plan", "--json"), ("report", "tokens", "--csv", "--plan")),
    ],
)
def test_an_output_has_one_form(asked: Path, options: tuple[str, ...]) -> None:
    code, out, err = run(*options, OTEL_EXPORTER_SQLITE_PATH=str(asked))
    assert (code, out) == (2, "")
    assert err.endswith("Error: give only one of --json, --csv and --plan\n")


@pytest.mark.parametrize("levels", [240, 255, 1000, 1030])
@pytest.mark.parametrize("arguments", [("llm", "--json"), ("tools", "--json"), ("trace", "--json")])
def test_json_of_many_levels_is_printed_and_beyond_254_as_text(
    path: Path, levels: int, arguments: tuple[str, ...]
) -> None:
    deep = '{"a":' * levels + "1" + "}" * levels
    messages = f'[{{"role":"assistant","parts":[{{"type":"tool_call","id":"1","name":"find","arguments":{deep}}}]}}]'
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "find",
        "gen_ai.tool.call.arguments": deep,
    }
    if arguments[0] == "llm":
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.output.messages": messages}
    with exporting(path) as exporter:
        exporter.export(spans := make_spans("deep", attributes=attributes))
    trace = format(spans[0].context.trace_id, "032x") if arguments[0] == "trace" else ""
    code, shown, err = run(*filter(None, (arguments[0], trace, arguments[1])), path)
    assert (code, err) == (0, "")
    assert json.loads(shown)
    assert ('"a": {' in shown) == (levels <= 254)


def test_a_statement_without_rows_says_what_to_give(asked: Path) -> None:
    for statement in ("", "/* a comment */"):
        assert run("sql", statement, asked) == (2, "", "Error: STATEMENT: it returns no rows: give a SELECT\n")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELECT * FROM span", r"no such table: span; did you mean spans\?"),
        ("SELECT * FROM main.session", r"no such table: main.session; did you mean sessions\?"),
        (
            "SELECT * FROM invoices",
            r"no such table: invoices; the views are agent_tree, agent_usage, .*, usage \(docs/schema.md\)",
        ),
        ("SELECT * FROM Span", r"no such table: Span; did you mean spans\?"),
        (
            "SELECT xyz FROM spans",
            r"no such column: xyz; `PRAGMA table_info\(spans\)` lists the columns \(docs/schema.md\)",
        ),
        (
            "SELECT s.service FROM spans AS s JOIN traces USING (trace_id)",
            r"no such column: s.service; did you mean service_name\?",
        ),
        ("SELECT xyz", r"no such column: xyz"),
        ("SELECT FROM spans", r'near "FROM": syntax error'),
    ],
)
def test_an_unknown_name_is_answered_with_those_that_are_like_it(asked: Path, statement: str, message: str) -> None:
    code, _, err = run("sql", statement, asked)
    assert code == 2
    assert re.fullmatch(f"Error: STATEMENT: SQLite cannot run it: {message}\n", err)


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM _spans",
        "UPDATE _spans SET name = 'x'",
        "INSERT INTO _quarantine DEFAULT VALUES",
        "CREATE TABLE x (y)",
        "CREATE TEMP TABLE x (y)",
        "DROP VIEW spans",
        "ATTACH '{other}' AS other",
        "DETACH main",
        "VACUUM",
        "VACUUM INTO '{other}'",
        "PRAGMA query_only = OFF",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA wal_checkpoint",
        "PRAGMA writable_schema = 1",
        "PRAGMA optimize",
        "REINDEX",
        "ANALYZE",
        "COMMIT",
        "BEGIN",
        "SAVEPOINT x",
        "SELECT load_extension('x')",
        "SELECT 1; SELECT 2",
        "",
        "/* nothing */",
        "SELECT",
        "SELECT * FROM nothing",
    ],
)
def test_sql_can_do_nothing_but_read(asked: Path, tmp_path: Path, statement: str) -> None:
    before = snapshot(asked)
    code, out, err = run("sql", statement.format(other=tmp_path / "other.db"), asked)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"Error: STATEMENT: .+\n", err)
    assert snapshot(asked) == before
    assert os.listdir(tmp_path) == []


def test_two_sessions_are_compared(path: Path) -> None:
    write_traces(path, 5)
    code, out, err = run("diff", "session-0", "session-2", path)
    assert (code, err) == (0, "")
    assert re.search(r"^  steps +6 +3 +-3 \(-50\.0%\)$", out, re.MULTILINE)
    assert re.search(r"^  tokens +426 +214 +-212 \(-49\.8%\)$", out, re.MULTILINE)
    assert re.search(r"^  search +1 +1$", out, re.MULTILINE)
    assert re.search(r"^  -tool read_file$", out, re.MULTILINE)
    shown = ask("diff", "session-0", "session-0", path)
    assert (shown["steps"], shown["exceeded"]) == ([], [])
    assert all(one["a"] == one["b"] for one in shown["measures"].values())


def test_the_median_of_two_sessions_is_that_of_the_report(path: Path) -> None:
    write_traces(path, 5)
    durations = {}
    for session in ("session-0", "session-2"):
        calls = ask("llm", path, "--session", session, "--limit", "1000")["llm_interactions"]
        durations[session] = sorted(call["duration_ms"] for call in calls if call["status"] in ("ok", "error"))
    shown = ask("diff", "session-0", "session-2", path)["measures"]["llm_p50_ms"]
    for side, ordered in zip("ab", durations.values(), strict=True):
        assert shown[side] == ordered[math.ceil(len(ordered) / 2) - 1]


@pytest.mark.parametrize(
    ("allowed", "code"),
    [
        (("tokens=98%",), 1),
        (("tokens=100%",), 0),
        (("steps=2",), 1),
        (("steps=3", "tokens=99%"), 1),
        (("failed_spans=0",), 1),
    ],
)
def test_more_than_is_allowed_is_an_exit_code(path: Path, allowed: tuple[str, ...], code: int) -> None:
    write_traces(path, 5)
    options = [part for one in allowed for part in ("--allow", one)]
    done = run("diff", "session-2", "session-0", path, *options)
    assert (done[0], bool(done[2])) == (code, bool(code))
    limit = "{}, allowed: {} of session-2 [+] {}".format(*[r"\d+(\.\d+)?"] * 3)
    assert code == 0 or re.fullmatch(rf"too much: (tokens|steps|failed_spans) of session-0: {limit}%?\n", done[2])


def test_an_allowance_that_is_none_is_refused(asked: Path) -> None:
    for text in ("tokens", "colour=1", "tokens=-5", "tokens=5%%"):
        code, out, err = run("diff", "session-0", "session-1", asked, "--allow", text)
        assert (code, out) == (2, "")
        assert err.startswith(
            f"Error: --allow: {text!r} is not MEASURE=INCREASE, such as tokens=10%; measures: steps, "
        )


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["60", "100", "200"])
@pytest.mark.parametrize("command", [*LISTS, "trace", "session"])
def test_a_terminal_is_as_wide_as_it_is(asked: Path, command: str, columns: str) -> None:
    ids = {"trace": TelemetryDatabase(asked).find_traces(limit=1)[0].trace_id, "session": "session-0"}
    arguments = [command, *([ids[command]] if command in ids else []), asked]
    plain = run_on_terminal(*arguments, NO_COLOR="1", COLUMNS=columns, LINES="500")
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= int(columns)
    coloured = run_on_terminal(*arguments, COLUMNS=columns, LINES="500")
    assert "\x1b[" in coloured
    assert re.sub("\x1b[^m]*m", "", coloured) == plain


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["60", "80"])
@pytest.mark.parametrize("command", [*LISTS, "trace", "session", "sql", "report"])
def test_a_row_is_one_line_and_what_has_no_room_is_named(asked: Path, command: str, columns: str) -> None:
    ids = {"trace": TelemetryDatabase(asked).find_traces(limit=1)[0].trace_id, "session": "session-0"}
    ids |= {"sql": "SELECT * FROM spans", "report": "slowest"}
    arguments = [command, *([ids[command]] if command in ids else []), asked]
    plain = run_on_terminal(*arguments, NO_COLOR="1", COLUMNS=columns, LINES="500")
    title = re.findall(r"^[a-z ]+ \((\d+) of \w+\)$", plain.replace("\r", ""), re.MULTILINE)
    table = plain.replace("\r", "").rpartition(" of ")[2]
    body, _, missing = table.partition("not shown: ")
    rows = [line for line in body.splitlines()[1:] if re.search(r"\d", line)]
    assert len(rows) == int(title[-1])
    assert not missing or re.sub(r"\s+", " ", missing).endswith(" (--json and wider terminals show all) ")
    if command in ("traces", "llm", "tools"):
        assert all(re.match(r"  ([0-9a-f]{8,31}…|[0-9a-f]{16}|[0-9a-f]{32})  ", row) for row in rows)


def test_ids_are_cut_as_far_as_they_differ_and_text_down_to_what_tells(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(
            make_spans("execute_tool a_tool_with_a_name_of_some_length", attributes={"session.id": "s" * 30})
        )
    (trace,) = TelemetryDatabase(path).find_traces()
    shown = run_on_terminal("traces", path, NO_COLOR="1", COLUMNS="80")
    assert re.search(rf"^  {trace.trace_id[:8]}…  .+  execute_tool a_tool[a-z_]*…? ", shown, re.MULTILINE)
    assert "not shown: " in shown
    assert "session id" in shown
    assert trace.trace_id in run("traces", path)[1]


@pytest.mark.parametrize(("columns", "cells"), [("60", 0), ("76", 10), ("84", 16), ("200", 24)])
def test_a_waterfall_has_the_room_that_names_leave(path: Path, columns: str, cells: int) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("execute_tool a_tool_with_a_name_of_some_length_beyond"))
    (trace,) = TelemetryDatabase(path).find_traces()
    shown = run_on_terminal("trace", trace.trace_id, path, NO_COLOR="1", COLUMNS=columns)
    assert re.search("execute_tool a_tool_with_a_", shown)
    assert ("not shown: waterfall" in shown) == (cells == 0)
    assert max(map(len, re.findall("[█-▐▕]+", shown)), default=0) <= 24
    assert bool(re.search("[█-▐▕]", shown)) == (cells > 0)


def test_what_is_longer_than_the_terminal_is_paged(asked: Path, tmp_path: Path) -> None:
    paged = tmp_path / "paged"
    environment = clean_environment(
        TERM="xterm", COLUMNS="100", PAGER=f"tee {paged}", LINES="10", NO_COLOR="1", LESS="", MORE=""
    )
    ours, theirs = pty.openpty()
    command = [*COMMAND, "traces", str(asked)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        with open(ours, "rb", buffering=0) as terminal:
            try:
                while terminal.read(65536):
                    pass
            except OSError:  # the other end is closed
                pass
        assert process.wait(HANG_S) == 0
    assert paged.read_text().startswith("traces (12 of 12)")


@pytest.mark.parametrize("show", [lambda path: run("traces", path)[1], lambda path: run_on_terminal("traces", path)])
def test_what_was_recorded_cannot_steer_the_terminal(path: Path, show: Callable[[Path], str]) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("a\x1b[2J\nb"))
    assert "\x1b[2J" not in show(path)


def test_an_id_that_was_recorded_cannot_steer_the_terminal(path: Path) -> None:
    ids = [f"[bold]a\x1b[2J{number}" for number in range(2)]
    with exporting(path) as exporter:
        for id in ids:
            exporter.export(make_spans(id, attributes={"session.id": id}))
    queries = [("session", ids[0]), ("diff", *ids), ("sql", "SELECT name, session_id FROM spans")]
    for command, *arguments in [*queries, ("sessions",), ("tail",), ("sql", "SELECT name FROM spans", "--csv")]:
        shown = run_on_terminal(command, *arguments[:2], path, *arguments[2:], NO_COLOR="1", COLUMNS="100")
        assert "\x1b" not in shown
        assert r"[bold]a\x1b[2J0" in shown
    for command, *arguments in queries[:2]:
        assert "\x1b" not in run(command, *arguments, path)[1]
    code, _, err = run("session", "[bold]a", path)
    assert (code, "\x1b" in err) == (2, False)
    assert r"[bold]a\x1b[2J0, [bold]a\x1b[2J1" in err


def test_a_shell_can_complete(asked: Path) -> None:
    script = str(Path(sys.executable).with_name("otel-sqlite-exporter"))
    for shell in ("bash", "zsh", "fish"):
        environment = clean_environment(_OTEL_SQLITE_EXPORTER_COMPLETE=f"{shell}_source")
        done = subprocess.run([script], env=environment, capture_output=True, text=True, check=False)
        assert "_OTEL_SQLITE_EXPORTER_COMPLETE" in done.stdout
    asking = {"_OTEL_SQLITE_EXPORTER_COMPLETE": "zsh_complete", "COMP_WORDS": "otel-sqlite-exporter report to"}
    done = subprocess.run(
        [script],
        env=clean_environment(**asking, COMP_CWORD="2"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[:2] == ["plain", "tokens"]


def test_help_reads_no_file_and_loads_nothing_heavy() -> None:
    code = """\
import sys
from otel_sqlite_exporter.cli.commands import cli
try:
    cli(["--help"], prog_name="test")
except SystemExit:
    pass
loaded = {name.partition(".")[0] for name in sys.modules}
print(*sorted({"rich", "orjson", "opentelemetry", "csv", "difflib"} & loaded))"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=clean_environment(), check=True
    )
    assert done.stdout.endswith("\n\n") or done.stdout.splitlines()[-1] == ""
    assert "List calls of models" in done.stdout
