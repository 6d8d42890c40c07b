# SPDX-License-Identifier: Apache-2.0
"""The filter by status finds exactly the rows that show it, though it looks only at those that may have it."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from otel_sqlite_exporter.query.askable_views import (
    CHOICES,
    LLM_INTERACTIONS,
    SESSIONS,
    SPANS,
    TOOL_INTERACTIONS,
    TRACES,
    AskableView,
)
from otel_sqlite_exporter.query.reading import TelemetryFile, find_page
from tests.agent_files import write_capture_file
from tests.conftest import exporting
from tests.integration.test_running_work import change_process

_OPERATIONS: tuple[dict[str, str], ...] = (
    {},
    {"gen_ai.operation.name": "chat"},
    {"gen_ai.operation.name": "execute_tool"},
)
spans = st.lists(
    st.fixed_dictionaries(
        {
            "trace": st.integers(1, 3),
            "parent": st.integers(-1, 3),  # -1: none; else a span, which may come later or never
            "is_remote": st.booleans(),
            "session": st.sampled_from(["", "a", "b"]),
            "failed": st.booleans(),
            "ended": st.booleans(),
            "operation": st.sampled_from(_OPERATIONS),
        }
    ),
    min_size=1,
    max_size=7,
)


def _make(number: int, drawn: dict[str, Any]) -> ReadableSpan:
    parent = SpanContext(drawn["trace"], drawn["parent"] + 1, drawn["is_remote"], TraceFlags(1))
    start = 1_795_000_000_000_000_000 + number
    return ReadableSpan(
        f"step {number}",
        SpanContext(drawn["trace"], number + 1, False, TraceFlags(1)),
        None if drawn["parent"] in (-1, number) else parent,
        attributes=drawn["operation"] | ({"session.id": drawn["session"]} if drawn["session"] else {}),
        start_time=start,
        end_time=start + 1_000 if drawn["ended"] else None,
        status=Status(StatusCode.ERROR) if drawn["failed"] and drawn["ended"] else Status(),
    )


def check_statuses(path: Path) -> None:
    """Each filter by status, alone, with another and negated, finds the rows that show it."""
    TelemetryFile(str(path), 5_000).read(_check)


def _check(connection: sqlite3.Connection) -> None:
    for view in (SESSIONS, TRACES, SPANS, LLM_INTERACTIONS, TOOL_INTERACTIONS):

        def find(view: AskableView[Any] = view, **filters: Any) -> list[tuple[int, str]]:
            columns = ("id", "status", *view.order)
            page = find_page(connection, view, filters, 9_000, None, True, columns=columns, with_total=False)
            return [(row.id, row.status) for row in page]

        rows = find()
        for status in CHOICES["status"]:
            assert find(status=status) == [row for row in rows if row[1] == status], (view.name, status)
            assert find(filter=f"-status:{status}") == [row for row in rows if row[1] != status], (view.name, status)
        several = ["error", "interrupted"]
        assert find(status=several) == [row for row in rows if row[1] in several], view.name


@given(drawn=spans, is_gone=st.booleans())
@settings(max_examples=15)
def test_every_row_is_found_by_its_status(drawn: list[dict[str, Any]], is_gone: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "otel.db"
        made = [_make(number, one) for number, one in enumerate(drawn)]
        with exporting(path, cost="off") as exporter:
            exporter.export_open([span for span in made if span.end_time is None])
            exporter.export([span for span in made if span.end_time is not None])
            if is_gone:
                change_process(path, pid=2**31 - 2)
            check_statuses(path)
        check_statuses(path)  # the exporter has ended what was open


def test_calls_of_log_records_are_found_by_their_status(path: Path) -> None:
    write_capture_file(path, "claude-code")
    check_statuses(path)
