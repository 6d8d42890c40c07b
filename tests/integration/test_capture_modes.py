# SPDX-License-Identifier: Apache-2.0
"""Without content, or with metadata alone, the recordings of real packages give the same numbers and no content."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import ROOT, read
from tests.integration.test_captures import records
from tests.new_files import put_new_file
from tests.scenarios.capture_file import decode_log, decode_span, read_capture
from tests.scenarios.packages import PACKAGES

# Of two records of one call the one with the messages counts. Without them it may be the other, with the same facts.
CALLS = (
    "session_id, user_id, agent_name, operation, provider, request_model, response_model, "
    "input_tokens, output_tokens, total_tokens, cached_input_tokens, cache_creation_input_tokens, reasoning_tokens, "
    "finish_reasons, response_id, status, error_type, cost_usd, is_aggregate"
)
TOOLS = "trace_id, span_id, session_id, agent_name, tool_name, tool_type, error_type, dialect, counted"
SUMS = {
    "sessions": "session_id, user_id, spans, llm_calls, errors, total_tokens, source",
    "traces": "trace_id, session_id, user_id, status, spans, errors",
}
MODES: dict[str, dict[str, Any]] = {"no content": {"capture_content": False}, "metadata": {"capture": "metadata"}}
WITHOUT_CALL_IDS = {"litellm"}
# The tools that only span events or log records of messages tell of: such records lose what they say.
TOLD_BY_RECORDS = {"openai-v2", "traceloop-openai-events", "genai-openai-events", "strands"}


def write(path: Path, recorded: list[tuple[str, Any]], **keywords: Any) -> None:
    put_new_file(path)
    spans, logs = SQLiteSpanExporter(path, **keywords), SQLiteLogRecordExporter(path, **keywords)
    spans.export([decode_span(record) for kind, record in recorded if kind == "span"])
    logs.export([decode_log(record) for kind, record in recorded if kind == "log"])
    spans.shutdown()
    logs.shutdown()


def find_texts(value: Any) -> Iterator[str]:
    """The texts that JSON holds under keys of content."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("content", "response", "arguments") and isinstance(item, str):
                yield item
            else:
                yield from find_texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from find_texts(item)


def find_content(path: Path) -> set[str]:
    """Texts of messages, arguments and results, long enough that they stand nowhere else by chance."""
    messages = read(path, "SELECT prompt, completion, system_instructions FROM complete_llm_interactions")
    texts = {text for row in messages for column in row if column for text in find_texts(json.loads(column))}
    told = read(path, "SELECT arguments, result FROM complete_tool_interactions")
    return {text for text in (*texts, *(one for row in told for one in row if one)) if len(text) > 11}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_call_without_content_is_the_same_call(package: str, tmp_path: Path) -> None:
    recorded = records(read_capture(ROOT / "tests/captures" / f"{package}.json"))
    whole = tmp_path / "whole.db"
    write(whole, recorded)
    for mode, keywords in MODES.items():
        (tmp_path / mode).mkdir()
        path = tmp_path / mode / "otel.db"
        write(path, recorded, **keywords)
        assert_same_calls(path, whole, package)
        assert_no_content(path, whole)


def assert_same_calls(path: Path, whole: Path, package: str) -> None:
    tools = "" if package not in TOLD_BY_RECORDS else "WHERE source <> 'message'"
    # A call without an id is joined with its result by its arguments, which are left out here.
    columns = TOOLS.removesuffix(", counted") if package in WITHOUT_CALL_IDS else TOOLS
    questions = [
        f"SELECT {CALLS} FROM complete_llm_interactions WHERE counted",
        f"SELECT {columns} FROM complete_tool_interactions {tools}",
    ]
    if package not in WITHOUT_CALL_IDS:
        # Executions that name no call are found by arguments; without them, by their order.
        questions.append(f"SELECT tool_call_id FROM complete_tool_interactions {tools}")
    questions += [f"SELECT {sums} FROM {view}" for view, sums in SUMS.items()]
    questions += ["SELECT sum(llm_calls) FROM traces"]
    for question in questions:
        assert sorted(read(path, question), key=repr) == sorted(read(whole, question), key=repr), path


def assert_no_content(path: Path, whole: Path) -> None:
    """In no place of the file, also after a reindex."""
    content = ("prompt", "completion", "system_instructions"), ("arguments", "result")
    views = "complete_llm_interactions", "complete_tool_interactions"
    for view, names in zip(views, content, strict=True):
        assert set(read(path, f"SELECT {', '.join(names)} FROM {view}")) <= {(None,) * len(names)}
    done = reindex(resolve_settings(path))
    assert (done.changed_spans, done.changed_logs) == (0, 0)
    with closing(sqlite3.connect(path)) as file:
        file.execute("VACUUM")
    stored = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert [text for text in find_content(whole) if json.dumps(text)[1:-1].encode() in stored] == []
