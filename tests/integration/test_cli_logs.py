# SPDX-License-Identifier: Apache-2.0
"""The command that lists log records."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter, TelemetryDatabase
from tests.commands import run, run_here, run_on_terminal
from tests.new_files import put_new_file

_NOON_NS = 1_769_860_800 * 10**9


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of three log records: two in a span of a session, one of another service outside of any."""
    path = tmp_path_factory.mktemp("logged") / "otel.db"
    _log(path, "billing", [(SeverityNumber.DEBUG, "DEBUG", "started", None)], 0)
    spans = TracerProvider(shutdown_on_exit=False)
    put_new_file(path)
    spans.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    with spans.get_tracer("logged").start_as_current_span("POST /chat", attributes={"session.id": "chat-17"}):
        records = [(SeverityNumber.INFO, "INFO", "paid", "order.paid"), (SeverityNumber.ERROR, "ERROR", "a\nb", None)]
        _log(path, "orders", records, 1)
    spans.shutdown()
    return path


def _log(path: Path, service: str, records: list[tuple[SeverityNumber, str, Any, str | None]], at: int) -> None:
    provider = LoggerProvider(resource=Resource({"service.name": service}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
    for number, (severity, text, body, event) in enumerate(records):
        provider.get_logger("logged").emit(
            LogRecord(
                timestamp=_NOON_NS + (at + number) * 10**9,
                severity_number=severity,
                severity_text=text,
                body=body,
                event_name=event,
            )
        )
    provider.shutdown()


def test_log_records_are_listed_the_newest_first(logged: Path) -> None:
    page = TelemetryDatabase(logged).find_logs(limit=2)
    code, out, err = run("logs", logged, "-n", 2)
    assert (code, err) == (0, f"next: --cursor {page.cursor}\n")
    lines = out.splitlines()
    assert lines[0] == "log records (2 of 3)"
    assert re.split("  +", lines[2].strip()) == [
        *("2026-01-31T12:00:02.000000Z", "ERROR", "orders", "-", r"a\nb", page[0].trace_id, "chat-17")
    ]
    assert re.match(r"  2026-01-31T12:00:01.000000Z  INFO      orders   order\.paid  paid ", lines[3])
    shown = json.loads(run("logs", logged, "-n", 2, "--json")[1])
    assert shown == {"total": 3, "cursor": page.cursor, "logs": page.to_dicts()}
    assert [record["body"] for record in shown["logs"]] == ["a\nb", "paid"]


@pytest.mark.parametrize("body", ["trains", 7, 0.5, True, "7", '"quoted"', ["a", 1], {"a": None}, None])
def test_a_body_of_any_type_is_decoded(path: Path, body: Any) -> None:
    _log(path, "billing", [(SeverityNumber.INFO, "INFO", body, "order.paid")], 0)
    assert [record["body"] for record in TelemetryDatabase(path).find_logs().to_dicts()] == [body]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--severity", "ERROR"), ["ERROR"]),
        (("--severity", "error"), ["ERROR"]),
        (("--severity", "ERROR", "--severity", "info"), ["ERROR", "INFO"]),
        (("--min-severity", 9), ["ERROR", "INFO"]),
        (("--service", "billing"), ["DEBUG"]),
        (("--session", "chat"), ["ERROR", "INFO"]),
        (("--event", "order.paid"), ["INFO"]),
        (("--since", "2026-01-31T12:00:01Z", "--until", "2026-01-31T12:00:02Z"), ["INFO"]),
        (("--oldest-first", "-n", 1), ["DEBUG"]),
    ],
)
def test_log_records_are_filtered(logged: Path, options: tuple[object, ...], expected: list[str]) -> None:
    shown = json.loads(run("logs", logged, *options, "--json")[1])
    assert [record["severity_text"] for record in shown["logs"]] == expected


def test_log_records_of_a_trace_are_found_by_the_beginning_of_its_id(logged: Path) -> None:
    (trace,) = TelemetryDatabase(logged).find_traces()
    assert json.loads(run("logs", logged, "--trace", trace.trace_id[:9], "--json")[1])["total"] == 2


def test_an_error_is_seen_on_a_narrow_terminal(logged: Path) -> None:
    shown = run_on_terminal("logs", logged, NO_COLOR="1", COLUMNS="60")
    assert re.search(r"^  01-31 12:00:02  ERROR .* a\\nb", shown, re.MULTILINE)
    assert max(map(len, shown.splitlines())) <= 60


def test_a_severity_that_nothing_has_is_answered_with_those_that_there_are(logged: Path) -> None:
    done = run_here("logs", "--severity", "WARNING", logged)
    known = sorted({log.severity_text for log in TelemetryDatabase(logged).find_logs() if log.severity_text})
    assert done.exit_code == 0
    assert done.stderr == f"severities of the newest log records: {', '.join(known)}\n"
    assert run_here("logs", "--severity", "ERROR", logged).stderr == ""
