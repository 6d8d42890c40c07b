# SPDX-License-Identifier: Apache-2.0
"""The queries that read stored records back have every column of their rows, in order: else `reindex` would rewrite the
same records in each run."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_sqlite_exporter.model.origin_rows import ResourceRow, ScopeRow
from otel_sqlite_exporter.model.rows import EventRow, LinkRow, LLMInteractionRow, ToolInteractionRow
from otel_sqlite_exporter.sql.texts import read_query
from tests.conftest import exporting, read
from tests.integration.test_log_exporter import logging_to, make_log

CALL: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 1}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}


@pytest.fixture
def stored(path: Path) -> Path:
    """A file with a call that has an event and a link, a tool, and log records of both kinds."""
    with exporting(path) as exporter:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracer = provider.get_tracer("tests")
        with tracer.start_as_current_span("call", attributes=CALL) as span:
            span.add_event("note")
            span.add_link(span.get_span_context())
            tracer.start_span("tool", attributes=TOOL).end()
    attributes = {"llm.vendor": "openai", "llm.model": "m"}
    with logging_to(path) as logs:
        logs.export(
            [
                make_log(trace=1, span=1, event_name="llm.call.finish", attributes=attributes),
                make_log(trace=1, span=1, event_name="tool.execution", attributes={"tool.name": "search"}),
            ]
        )
    return path


def _rows(path: Path, query: str, table: str) -> dict[str, list[Any]]:
    """The values of each column of a query of stored records that are not NULL or an empty array."""
    ids = json.dumps([id for (id,) in read(path, f"SELECT id FROM {table}")])
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(read_query(query), {"ids": ids}).fetchall()
    return {name: [row[name] for row in rows if row[name] not in (None, "[]")] for name in rows[0].keys()}  # noqa: SIM118


def test_a_stored_span_has_every_column(stored: Path) -> None:
    rows = _rows(stored, "read_stored_spans", "_spans")
    expected = {
        "events": 1 + len(EventRow._fields),
        "links": len(LinkRow._fields),
        "llm_interactions": 2 + len(LLMInteractionRow._fields),
        "tool_interactions": 2 + len(ToolInteractionRow._fields),
    }
    lengths = {name: {len(one) for text in rows[name] for one in orjson.loads(text)} for name in expected}
    assert lengths == {name: {length} for name, length in expected.items()}
    assert {len(orjson.loads(text)) for text in rows["resource_row"]} == {len(ResourceRow._fields)}
    assert {len(orjson.loads(text)) for text in rows["scope_row"]} == {len(ScopeRow._fields)}


def test_a_stored_log_record_has_every_column(stored: Path) -> None:
    rows = _rows(stored, "read_stored_logs", "_logs")
    expected = {
        "llm_interactions": 2 + len(LLMInteractionRow._fields),
        "tool_interactions": 2 + len(ToolInteractionRow._fields),
    }
    lengths = {name: {len(one) for text in rows[name] for one in orjson.loads(text)} for name in expected}
    assert lengths == {name: {length} for name, length in expected.items()}
