# SPDX-License-Identifier: Apache-2.0
"""What log records cost does not grow: not the statements with the batch, and not the work with the trace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from tests.conftest import exporting, health, read, using
from tests.integration.test_log_exporter import logging_to, make_log
from tests.integration.test_statement_counts import count_statements

_T = 1_795_000_000_000_000_000
_RESOURCE = Resource({"service.name": "one"})


def make_span(trace: int, number: int, *, is_named: bool = True, is_open: bool = False) -> ReadableSpan:
    """A span that names its session, unless it has not ended yet."""
    return ReadableSpan(
        "work",
        SpanContext(trace, number, False, TraceFlags(1)),
        resource=_RESOURCE,
        attributes={"session.id": "A"} if is_named and not is_open else {},
        start_time=_T + number * 1_000,
        end_time=None if is_open else _T + number * 1_000 + 900,
    )


def make_logs(trace: int, number: int) -> list[ReadableLogRecord]:
    """What is logged in that span: a start and its finish."""
    at = _T + number * 1_000
    return [
        make_log(trace=trace, span=number, timestamp=at + offset, event_name=f"job.{phase}")
        for phase, offset in (("start", 100), ("finish", 200))
    ]


@pytest.mark.parametrize("first", ["spans", "logs"])
def test_the_number_of_statements_does_not_grow_with_the_batch(path: Path, first: str) -> None:
    with exporting(path) as spans, logging_to(path) as logs:

        def export(trace: int, records: int) -> Counter[str]:
            numbers = range(1, records + 1)
            batches: dict[str, Callable[[], object]] = {
                "spans": lambda: spans.export([make_span(trace, number) for number in numbers]),
                "logs": lambda: logs.export([log for number in numbers for log in make_logs(trace, number)]),
            }
            batches.pop(first)()
            ((second, batch),) = batches.items()
            return count_statements(spans if second == "spans" else logs, batch)

        export(1, 1)
        one, many = export(2, 1), export(3, 400)
    assert one["BEGIN IMMEDIATE"] == one["COMMIT"] == 1
    assert many == one
    assert sum(one.values()) < 30
    assert health(path, "written") == (402 * 3,)
    assert read(path, "SELECT DISTINCT session_id FROM logs") == [("A",)]
    assert read(path, "SELECT count(*) FROM events WHERE source = 'log' AND link_method = 'span'") == [(804,)]


_ORDERS = {
    "spans first": ("spans", "logs"),
    "logs first": ("logs", "spans"),
    "logs first, half of the spans name no session": ("logs", "half"),
    "session comes late": ("open", "logs", "spans"),
    "session comes late, and only to half of the spans": ("open", "logs", "half"),
}


@pytest.mark.slow
@pytest.mark.parametrize("order", _ORDERS)
def test_the_work_does_not_grow_with_the_trace(path: Path, order: str) -> None:
    """Counted in hundreds of instructions of SQLite's virtual machine, for batches of one long trace."""
    work: list[int] = []
    done: list[None] = []
    with exporting(path) as spans, logging_to(path) as logs:
        for batch in range(40):
            numbers = range(batch * 10 + 1, batch * 10 + 11)
            exports: dict[str, tuple[Any, Callable[[Any], Any], list[Any]]] = {
                "spans": (spans, spans.export, [make_span(1, number) for number in numbers]),
                "half": (spans, spans.export, [make_span(1, number, is_named=number % 2 == 0) for number in numbers]),
                "open": (spans, spans.export_open, [make_span(1, number, is_open=True) for number in numbers]),
                "logs": (logs, logs.export, [log for number in numbers for log in make_logs(1, number)]),
            }
            before = len(done)
            for exporter, export, records in map(exports.__getitem__, _ORDERS[order]):
                with using(exporter) as connection:
                    connection.set_progress_handler(lambda: done.append(None), 100)
                assert export(records).name == "SUCCESS"
                with using(exporter) as connection:
                    connection.set_progress_handler(None, 100)
            work.append(len(done) - before)
    assert read(path, "SELECT logs, spans, session_id FROM sessions") == [(800, 400, "A")]
    assert max(work[-5:]) < 1.5 * max(work[2:7])


def test_the_work_does_not_grow_with_what_has_the_same_time(path: Path) -> None:
    """As records have it whose times were taken in seconds: each in a trace of its own, then the span of some."""
    work: list[int] = []
    with exporting(path) as spans, logging_to(path) as logs:
        for batch in range(12):
            traces = range(batch * 300 + 1, batch * 300 + 301)
            logs.export([make_log(trace=trace, span=1, timestamp=_T, event_name="job") for trace in traces])
            done: list[None] = []
            with using(spans) as connection:
                connection.set_progress_handler(lambda done=done: done.append(None), 100)  # type: ignore[misc]
            assert spans.export([make_span(trace, 1) for trace in traces[:20]]).name == "SUCCESS"
            with using(spans) as connection:
                connection.set_progress_handler(None, 100)
            work.append(len(done))
    assert max(work[-3:]) < 1.5 * max(work[1:4])
