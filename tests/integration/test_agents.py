# SPDX-License-Identifier: Apache-2.0
"""The view agents says of each agent what its calls say, however they came and whatever became of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import exporting, read

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
USAGE = {"gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 34}
COLUMNS = "service_name, agent_name, agent_id, version, sessions, llm_calls, input_tokens, total_tokens"
# What the view must show, by going through all rows.
TRUTH = """
SELECT r.service_name, i.agent_name, min(i.start_time_unix_nano), max(i.end_time_unix_nano), count(DISTINCT p.session),
  count(*) FILTER (WHERE i.counted AND NOT i.is_aggregate), sum(i.total_tokens) FILTER (WHERE i.counted)
FROM _llm_interactions AS i
JOIN _resources AS r ON r.id = i.resource
JOIN _trace_sessions AS p ON p.id = i.trace_session
GROUP BY 1, 2 ORDER BY 1, 2
"""
SHOWN = """
SELECT service_name, agent_name, start_time_unix_nano, end_time_unix_nano, sessions, llm_calls, total_tokens
FROM agents ORDER BY 1, 2
"""


def tracing(exporter: SQLiteSpanExporter, **resource: Any) -> Any:
    provider = TracerProvider(
        resource=Resource({name.replace("_", "."): value for name, value in resource.items()}), shutdown_on_exit=False
    )
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("tests")


def test_an_agent_is_known_by_service_and_name_with_its_id_version_sessions_calls_and_tokens(path: Path) -> None:
    named = {"gen_ai.agent.name": "guide", "gen_ai.agent.id": "g-1", "gen_ai.agent.version": "3"}
    with exporting(path) as exporter:
        tracer = tracing(exporter, service_name="shop", service_version="1.0")
        for session in ("a", "b", "a"):
            with tracer.start_as_current_span("turn", attributes={"session.id": session}):
                tracer.start_span("chat", attributes={**CHAT, **USAGE, **named}).end()
        tracer.start_span("chat", attributes=CHAT).end()
        tracer.start_span("no call").end()
    assert read(path, f"SELECT {COLUMNS} FROM agents ORDER BY agent_name") == [
        ("shop", None, None, "1.0", 0, 1, None, None),
        ("shop", "guide", "g-1", "3", 2, 3, 36, 138),
    ]
    assert read(path, SHOWN) == read(path, TRUTH)


def test_usage_that_agents_repeat_and_spans_that_come_again_count_once(path: Path) -> None:
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "guide"}
    with exporting(path) as exporter:
        tracer = tracing(exporter, service_name="shop")
        with tracer.start_as_current_span("agent", attributes={**agent, **USAGE, "session.id": "a"}) as span:
            exporter.export_open([span])
            with tracer.start_as_current_span(
                "outer", attributes={**CHAT, **USAGE, "gen_ai.agent.name": "guide"}
            ) as call:
                exporter.export_open([call])
                tracer.start_span("inner", attributes={**CHAT, **USAGE, "gen_ai.agent.name": "guide"}).end()
    assert read(path, "SELECT agent_name, llm_calls, total_tokens, sessions FROM agents") == [("guide", 1, 46, 1)]
    assert read(path, SHOWN) == read(path, TRUTH)


def test_a_call_of_log_records_follows_its_session(path: Path) -> None:
    logs = LoggerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    logs.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
    call = {"llm.vendor": "openai", "llm.model": "m"}
    with exporting(path) as exporter:
        tracer = tracing(exporter, service_name="shop")
        with tracer.start_as_current_span("turn", attributes={"session.id": "a"}):
            for name, more in (("start", {}), ("finish", {"llm.usage.input_tokens": 3, "llm.usage.output_tokens": 4})):
                logs.get_logger("tests").emit(LogRecord(event_name=f"llm.call.{name}", attributes={**call, **more}))
    logs.shutdown()
    assert read(path, "SELECT llm_calls, total_tokens, sessions FROM agents") == [(1, 7, 1)]


def test_reindex_leaves_agents_as_they_are(path: Path) -> None:
    with exporting(path) as exporter:
        tracer = tracing(exporter, service_name="shop")
        for session in ("a", "b"):
            tracer.start_span("chat", attributes={**CHAT, **USAGE, "session.id": session}).end()
    before = read(path, "SELECT * FROM agents")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE _llm_interactions SET input_tokens = 1, total_tokens = 2 WHERE id = 1")
        connection.commit()
    assert read(path, SHOWN) == read(path, TRUTH)
    reindex(resolve_settings(path))
    assert read(path, "SELECT * FROM agents") == before


def test_no_number_of_tokens_costs_a_batch(path: Path) -> None:
    largest = {"gen_ai.usage.input_tokens": 2**63 - 1, "gen_ai.usage.output_tokens": 2**63 - 1}
    with exporting(path) as exporter:
        tracer = tracing(exporter, service_name="shop")
        for _ in range(3):
            tracer.start_span("chat", attributes={**CHAT, **largest}).end()
    assert read(path, "SELECT llm_calls, input_tokens FROM agents") == [(3, 2**63 - 1)]
