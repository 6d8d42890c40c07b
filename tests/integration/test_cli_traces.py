# SPDX-License-Identifier: Apache-2.0
"""`trace`: long texts, many siblings that are alike, and chains that are deeper than Python's stack."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags, set_span_in_context

from otel_sqlite_exporter import SQLiteLogRecordExporter, TelemetryDatabase
from otel_sqlite_exporter.cli.outputs.trace_output import show_trace
from otel_sqlite_exporter.query.trees import build_tree
from tests.commands import run, run_here, run_on_terminal
from tests.conftest import exporting

TRACE = f"{0xABC:032x}"
BEGAN = 1_769_860_800 * 10**9


def make(number: int, parent: int | None, name: str = "step", failure: str | None = None) -> ReadableSpan:
    flags = TraceFlags(1)
    return ReadableSpan(
        name=name,
        context=SpanContext(0xABC, number, False, flags),
        parent=None if parent is None else SpanContext(0xABC, parent, False, flags),
        attributes={"session.id": "chat-1", "user.id": "ada"},
        start_time=BEGAN + number * 1_000,
        end_time=BEGAN + number * 1_000 + 500,
        resource=Resource({"service.name": "deep"}),
        status=Status(StatusCode.ERROR, failure) if failure else Status(),
    )


def write(path: Path, *spans: ReadableSpan) -> None:
    with exporting(path) as exporter:
        exporter.export(spans)


@pytest.mark.slow
def test_a_chain_deeper_than_the_stack_is_shown(path: Path) -> None:
    depth = 1_100
    write(path, *(make(number, number - 1 or None) for number in range(1, depth + 1)))
    code, printed, err = run("trace", TRACE, path, "--json")
    assert (code, err) == (0, "")
    tree = json.loads(printed)["tree"]
    assert [span["depth"] for span in tree] == [*range(depth)]


def test_a_level_takes_no_more_room_than_the_one_above(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(path, make(1, None))
    database, depth = TelemetryDatabase(path), 20_000
    ((root,), trace) = database.find_spans(), database.get_trace(TRACE).trace
    chain = [
        replace(root, id=root.id + n, span_id=f"{n:016x}", parent_span_id=f"{n - 1:016x}") for n in range(1, depth)
    ]
    show_trace(build_tree(trace, [replace(root, span_id=f"{0:016x}"), *chain], (), ()), everything=False, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > depth
    assert max(map(len, lines)) < 200
    assert lines[-1].startswith(f"  [{depth - 1}]")
    assert " step " in lines[-1]


def test_a_narrow_terminal_shows_the_level_and_the_name_of_each_span(path: Path) -> None:
    write(path, *(make(number, number - 1 or None, f"level {number - 1}") for number in range(1, 31)))
    shown = run_on_terminal("trace", TRACE, path, NO_COLOR="1")
    assert re.search(r"^  \[29\] +level", shown, re.MULTILINE)
    assert len(re.findall(r"^ .* level ", shown, re.MULTILINE)) == 30


def test_siblings_that_are_alike_are_folded(path: Path) -> None:
    children = [make(number, 1, "GET /item") for number in range(2, 50)]
    failed = make(50, 1, "GET /item", "no such item")
    write(path, make(1, None, "root"), *children, failed, make(51, 1, "other"), make(52, 20, "inside"))
    shown = run_here("trace", TRACE, path).stdout
    assert "spans (13 of 52)" in shown
    assert shown.count("GET /item") == 12
    assert "  … 38 more `GET /item` (--all)" in shown
    assert "no such item" in shown
    assert "other" in shown
    assert "inside" not in shown
    assert run_here("trace", TRACE, path, "--all").stdout.count("GET /item") == 49
    assert len(json.loads(run_here("trace", TRACE, path, "--json").stdout)["tree"]) == 52


def test_a_trace_of_log_records_alone_says_how_to_list_them(path: Path) -> None:
    exporter = SQLiteLogRecordExporter(path)
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    context = set_span_in_context(NonRecordingSpan(SpanContext(0xABC, 1, False, TraceFlags(1))))
    provider.get_logger("tests").emit(LogRecord(timestamp=5, body="said", context=context))
    exporter.shutdown()
    shown = run_here("trace", TRACE, path).stdout
    assert "spans (" not in shown
    (command,) = re.findall(r"^  log records +1: `(.*)` lists them$", shown, re.MULTILINE)
    assert "said" in run_here(*command.split(), path).stdout


def test_a_pipe_gets_texts_that_are_cut_and_the_user(path: Path) -> None:
    write(path, *(make(number, 1 if number > 1 else None, failure="long " * 1_000) for number in range(1, 10)))
    shown = run_here("trace", TRACE, path).stdout
    assert len(shown) < 4_000
    assert re.search(r"^  user +ada$", shown, re.MULTILINE)
    assert shown.count("…") == 9
