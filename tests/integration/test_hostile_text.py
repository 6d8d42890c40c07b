# SPDX-License-Identifier: Apache-2.0
"""Recorded text that would steer a terminal or a spreadsheet: no command prints it as it is."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter, TelemetryDatabase
from otel_sqlite_exporter.cli import commands
from otel_sqlite_exporter.model.metric_records.metric_signals import ExemplarFields
from otel_sqlite_exporter.query.reports import REPORTS
from tests.commands import run_here, run_program_on_terminal
from tests.metric_files import at, counter, gauge, make_point, write_points
from tests.new_files import put_new_file

HOSTILE = "=\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202eevil\u2066\x08\r\x7f"
"""A formula, the clipboard (OSC 52), a cleared screen (CSI), its form of 8 bits (C1), text from right to left, and the
start of the line."""
STEERING = re.compile(
    r"\x1b\]|\x1b\[2J|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\r(?!\r*\n)"
)
RUN_ALL = """\
import json, sys
from otel_sqlite_exporter.cli.commands import cli
for arguments in json.loads(sys.stdin.read() if len(sys.argv) < 2 else open(sys.argv[1]).read()):
    print("RUN", ascii(arguments), flush=True)
    try:
        cli(arguments, prog_name="test")
    except SystemExit:
        pass
"""


def write_hostile(path: Path) -> None:
    """A file in which each text that a program chooses is hostile."""
    resource = Resource({"service.name": f"service{HOSTILE}", f"key{HOSTILE}": HOSTILE})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    put_new_file(path)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    tracer = provider.get_tracer(f"scope{HOSTILE}", f"1{HOSTILE}")
    message = [{"role": f"user{HOSTILE}", "parts": [{"type": f"text{HOSTILE}", "content": f"needle {HOSTILE}"}]}]
    asked = [{"type": "tool_call", "id": HOSTILE, "name": HOSTILE, "arguments": {HOSTILE: HOSTILE}}]
    answer = [{"role": "assistant", "parts": asked, "finish_reason": HOSTILE}]
    for number in range(2):
        session = {"session.id": f"{HOSTILE}{number}", "user.id": f"user{HOSTILE}"}
        with tracer.start_as_current_span(f"root{HOSTILE}", attributes=session | {f"key{HOSTILE}": HOSTILE}):
            call = tracer.start_span(
                f"chat{HOSTILE}",
                attributes={
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": HOSTILE,
                    "gen_ai.request.model": HOSTILE,
                    "gen_ai.response.model": f"{HOSTILE}2",
                    "gen_ai.agent.name": HOSTILE,
                    "gen_ai.conversation.id": HOSTILE,
                    "gen_ai.usage.input_tokens": 3,
                    "gen_ai.input.messages": json.dumps(message),
                    "gen_ai.output.messages": json.dumps(answer),
                    "error.type": HOSTILE,
                },
            )
            call.add_event(f"event{HOSTILE}", {HOSTILE: HOSTILE})
            call.record_exception(ValueError(HOSTILE))
            call.set_status(Status(StatusCode.ERROR, HOSTILE))
            call.end()
            tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": HOSTILE, "error.type": HOSTILE}
            content = {"gen_ai.tool.call.arguments": HOSTILE, "gen_ai.tool.call.result": HOSTILE}
            tracer.start_span(f"execute_tool{HOSTILE}", attributes=tool | content).end()
    provider.shutdown()
    logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
    logs.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
    record = LogRecord(
        body=HOSTILE,
        event_name=f"event{HOSTILE}",
        severity_text=HOSTILE,
        severity_number=SeverityNumber.ERROR,
        attributes={"session.id": f"{HOSTILE}0", HOSTILE: HOSTILE},
    )
    logs.get_logger(f"scope{HOSTILE}").emit(record)
    logs.shutdown()
    of_all: dict[str, Any] = {"attributes": {f"key{HOSTILE}": HOSTILE}, "service": f"service{HOSTILE}"}
    texts = {"name": HOSTILE, "description": HOSTILE, "unit": HOSTILE}
    exemplar = ExemplarFields(1, at(60), 7, 8, {HOSTILE: HOSTILE})
    write_points(path, [make_point(counter(**texts), 60, 9, start=0, exemplars=[exemplar], **of_all)])
    write_points(path, [make_point(gauge(f"{HOSTILE}2", unit=HOSTILE), 60, 9, **of_all)])


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "otel.db"
    write_hostile(path)
    return path


def asking(path: Path) -> Iterator[list[str]]:
    """A line of each command that asks a file, and of those that fail with recorded text in the reason."""
    trace, *_ = TelemetryDatabase(path).find_traces()
    file = str(path)
    for command in ("sessions", "traces", "spans", "llm", "tools", "logs"):
        yield [command, file]
    yield ["llm", "--all", "--status", "error", file]
    yield ["tools", "--all", "--status", "error", file]
    yield ["spans", "--status", "error", file]
    yield ["session", f"{HOSTILE}0", file]
    yield ["session", HOSTILE, file]
    yield ["session", f"{HOSTILE}9", file]
    yield ["session", f"{HOSTILE}0", "--messages", file]
    yield ["show", trace.trace_id, file]
    yield ["show", "llm:1", "--full", file]
    yield ["show", "tool:1", file]
    yield ["show", HOSTILE, file]
    yield ["trace", trace.trace_id, file]
    yield ["trace", HOSTILE, file]
    yield ["search", "needle", file]
    yield ["tail", file]
    yield ["tail", "--calls", file]
    yield ["diff", f"{HOSTILE}0", f"{HOSTILE}1", "--allow", "tokens=0", file]
    yield ["diff", HOSTILE, HOSTILE, file]
    yield ["sql", f'SELECT name AS "{HOSTILE}", \'{HOSTILE}\' AS "=b", * FROM spans', file]
    yield ["sql", f'SELECT "{HOSTILE}" FROM nothing', file]
    for options in ([], ["--raw"], ["--exemplars"], ["--csv"], ["--group-by", f"key{HOSTILE}"], ["--group-by", "*"]):
        yield ["metric", HOSTILE, *options, file]
    yield ["metric", f"{HOSTILE}2", file]
    yield ["metric", f"{HOSTILE}3", file]
    yield ["metric", HOSTILE, "--group-by", HOSTILE, "--aggregate", HOSTILE, file]
    yield ["metrics", file]
    yield ["info", file]
    yield ["doctor", file]
    yield ["export", "--session", HOSTILE, file]
    yield ["logs", "--cursor", HOSTILE, file]
    yield ["llm", "--attribute", f"{HOSTILE}~", "--since", HOSTILE, file]
    yield [HOSTILE]
    yield ["llm", f"--{HOSTILE}", file]
    yield ["report", HOSTILE, file]
    for name, report in REPORTS.items():
        for group in report.groups or (None,):
            yield ["report", name, *(["--group-by", group] if group else []), file]


@pytest.mark.slow
def test_a_pipe_gets_no_control_characters(hostile: Path) -> None:
    seen = ""
    for arguments in asking(hostile):
        done = run_here(*arguments)
        for text in (done.stdout, done.stderr):
            assert (arguments[0], STEERING.findall(text), "\x1b" in text) == (arguments[0], [], False)
        seen += done.stdout + done.stderr
    assert r"\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202eevil" in seen


@pytest.mark.slow
def test_json_has_neither(hostile: Path) -> None:
    for arguments in asking(hostile):
        if "--json" in {
            option for one in commands.cli.commands.get(arguments[0], commands.cli).params for option in one.opts
        }:
            done = run_here(*arguments, "--json")
            assert (arguments[0], STEERING.findall(done.stdout + done.stderr)) == (arguments[0], [])
            if done.exit_code == 0:
                assert (
                    [json.loads(line) for line in done.stdout.splitlines()]
                    if arguments[0] == "tail"
                    else json.loads(done.stdout)
                )


def test_csv_has_neither_control_characters_nor_formulas(hostile: Path) -> None:
    for arguments in asking(hostile):
        if arguments[0] not in ("sql", "report", "metrics", "metric"):
            continue
        done = run_here(*arguments, "--csv")
        if done.exit_code:
            continue
        assert STEERING.findall(done.stdout) == []
        assert "\r" not in done.stdout
        cells = [cell for row in csv.reader(io.StringIO(done.stdout)) for cell in row]
        assert [cell for cell in cells if cell[:1] in ("=", "+", "@", "\t", "\r")] == []
    printed = run_here(
        "sql", "SELECT -5 AS n, '-5' AS t, '+1' AS p, '@x' AS a, 'a' || char(10) || 'b' AS l", hostile, "--csv"
    )
    assert printed.stdout == "n,t,p,a,l\n-5,'-5,'+1,'@x,\"a\nb\"\n"


@pytest.mark.slow
def test_a_terminal_is_not_steered(hostile: Path, tmp_path: Path) -> None:
    lines = list(asking(hostile))
    lines += [[*line, "--csv"] for line in lines if line[0] in ("sql", "report", "metrics", "metric")]
    damaged = tmp_path / f"x{HOSTILE.strip()}.jsonl"
    damaged.write_text(json.dumps({"resourceSpans": []}) + f"\n{HOSTILE}\n", encoding="utf-8")
    lines += [["import", str(damaged), str(tmp_path / HOSTILE), "--into", str(tmp_path / "new.db")]]
    lines += [["import", str(damaged), "--into", str(tmp_path / "new.db")]]
    lines += [[command, str(hostile)] for command in ("reindex", "recover", "index", "migrate")]
    (tmp_path / "lines.json").write_text(json.dumps(lines))
    program = [sys.executable, "-c", RUN_ALL]
    shown = run_program_on_terminal([*program, str(tmp_path / "lines.json")], NO_COLOR="1", COLUMNS="200")
    assert shown.count("RUN") == len(lines)

    for part in shown.split("RUN ")[1:]:
        drawn = re.sub(r"\x1b\[\??\d*[AKhl]|\r", "", part)  # progress bars move the cursor and hide it
        assert STEERING.findall(drawn) == [], part[:200]
        assert "\x1b" not in drawn
    assert r"\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202eevil" in shown


def test_one_function_prints() -> None:
    """What it prints, it escapes. Tables with colours go another way, with escaped cells."""
    folder = Path(commands.__file__).parent
    files = [
        file for file in sorted(folder.rglob("*.py")) if re.search(r"click\.echo|\bprint\(|\.write\(", file.read_text())
    ]
    assert [file.name for file in files] == ["formatting.py", "output_file.py", "terminal_tables.py"]
