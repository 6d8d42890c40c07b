# SPDX-License-Identifier: Apache-2.0
"""A file with rows for every list: ordinary ones, some that failed, some that run, and one with hostile texts
everywhere."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from otel_sqlite_exporter.model.event_names import SCORE_EVENT
from tests.conftest import exporting
from tests.integration.test_log_exporter import logging_to, make_log
from tests.sample_traces import MS, NOON_NS, write_traces

HOSTILE = "</td></script><script>alert(1)</script>\"' onload=x \u202egnp\u2066\x1b[31m\n&amp;<img src=x> '=1+1"
"""It must be seen, and do nothing."""
LOGS = 23


def write_listed_file(path: Path) -> Path:
    """Write the file."""
    write_traces(path)
    _write_hostile(path)
    _write_running(path)
    _write_logs(path)
    return path


def _span(number: int, parent: int | None, attributes: dict[str, Any], **fields: Any) -> ReadableSpan:
    above = None if parent is None else SpanContext(0xBAD, parent, False, TraceFlags(1))
    context = SpanContext(0xBAD, number, False, TraceFlags(1))
    times = {"start_time": NOON_NS - MS * number, "end_time": NOON_NS}
    return ReadableSpan(
        HOSTILE, context, above, resource=Resource({"service.name": HOSTILE}), attributes=attributes, **times | fields
    )


def _write_hostile(path: Path) -> None:
    said = {"session.id": HOSTILE, "user.id": HOSTILE, "gen_ai.agent.name": HOSTILE}
    failed = {"error.type": HOSTILE}
    call = {
        **{"gen_ai.operation.name": "chat", "gen_ai.provider.name": HOSTILE, "gen_ai.request.model": HOSTILE},
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": HOSTILE}]}]),
    }
    tool = {
        **{"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": HOSTILE, "gen_ai.tool.call.id": HOSTILE},
        **{"gen_ai.tool.call.arguments": json.dumps({HOSTILE: HOSTILE}), "gen_ai.tool.call.result": HOSTILE},
    }
    status = Status(StatusCode.ERROR, HOSTILE)
    with exporting(path, cost="off") as exporter:
        exporter.export(
            [
                _span(1, None, said, status=status),
                _span(2, 1, said | call | failed, status=status, events=[_score(number) for number in range(4)]),
                _span(3, 1, said | tool | failed, status=status),
            ]
        )


def _score(number: int) -> Event:
    said: dict[str, str | float] = {
        "name": HOSTILE,
        "score.value": number / 4,
        "score.label": HOSTILE,
        "explanation": HOSTILE,
    }
    return Event(SCORE_EVENT, {f"gen_ai.evaluation.{name}": value for name, value in said.items()}, NOON_NS + number)


def _write_running(path: Path) -> None:
    with exporting(path, cost="off") as exporter:
        began = time.time_ns()
        call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "slow", "session.id": "running"}
        exporter.export_open([_span(9, None, call, start_time=began, end_time=None)])


def _write_logs(path: Path) -> None:
    severities = (SeverityNumber.INFO, SeverityNumber.WARN, SeverityNumber.ERROR)
    records = []
    for number in range(LOGS):
        severity = severities[number % 3]
        fields: dict[str, Any] = {"timestamp": NOON_NS + number, "body": f"line {number}", "severity_number": severity}
        records.append(make_log(**fields, severity_text=severity.name, attributes={"order": number}))
    attributes = {HOSTILE: HOSTILE, "long": "x" * 20_000, "nested": {"a": [1, HOSTILE]}}
    body = {"told": HOSTILE}
    records.append(
        make_log(timestamp=NOON_NS, body=body, event_name=HOSTILE, severity_text=HOSTILE, attributes=attributes)
    )
    with logging_to(path) as exporter:
        exporter.export(records)
