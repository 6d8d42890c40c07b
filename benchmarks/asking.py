# SPDX-License-Identifier: Apache-2.0
"""Times questions to a large file: a trace, the first page of every list, every report, and searches."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.spans import BATCH, build_chain
from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.maintain.doctor import diagnose
from otel_sqlite_exporter.maintain.search_index import index_content
from otel_sqlite_exporter.query.overview import read_overview
from otel_sqlite_exporter.query.reports import REPORTS
from otel_sqlite_exporter.sdk.span_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.settings import resolve_settings

LISTS = ("sessions", "traces", "spans", "events", "logs", "llm_interactions", "tool_interactions")


class Answer(NamedTuple):
    """The shortest time of one question in milliseconds, including opening and closing the file."""

    question: str
    took_ms: float


def ask(path: Path, repeats: int = 5) -> Iterator[Answer]:
    """Yield the time of each question to the file: the best of several, because other work of the machine disturbs."""
    database = TelemetryDatabase(path)
    newest = database.find_traces(limit=100)
    middle = newest[len(newest) // 2].trace_id
    for what, columns in (("SELECT * of", "*"), ("three columns of", "id, model, input_tokens")):
        query = f"EXPLAIN SELECT {columns} FROM complete_llm_interactions"
        yield Answer(f"preparing {what} the view of calls", _time_statement(path, query, repeats * 4))
    yield Answer("reading the schema of a newly opened file", _time(lambda: _open(path).close(), repeats))
    yield Answer("one trace", _time(lambda: database.get_trace(middle), repeats))
    yield Answer("one trace without content", _time(lambda: database.get_trace(middle, content=False), repeats))
    settings = resolve_settings(path)
    yield Answer("info", _time(lambda: read_overview(settings.path, busy_timeout_ms=1_000), 1))
    yield Answer("doctor", _time(lambda: diagnose(settings), 1))
    for records in LISTS:
        find = getattr(database, f"find_{records}")
        yield Answer(f"a page of {records}", _time(find, repeats))
        cursor = find().cursor
        if cursor is not None:
            yield Answer(f"the next page of {records}", _time(lambda c=cursor, f=find: f(cursor=c), repeats))
    yield Answer("tokens by model and day", _time_report(database, "tokens", ["model", "day"], repeats))
    for name in REPORTS:
        if name != "queries":
            yield Answer(f"report {name}", _time_report(database, name, None, repeats))


def ask_text(path: Path, repeats: int = 5) -> Iterator[Answer]:
    """Index the content of the file, which changes the file, and yield the time of each search: for the arguments of
    one tool, for words that all calls have, and for a word that no call has."""
    index_content(resolve_settings(path))
    database = TelemetryDatabase(path)
    tools = database.find_tool_interactions(limit=100)
    told = json.loads(tools[len(tools) // 2].arguments or "{}")["query"]
    for what, text in (("once", f'"{told}"'), ("everywhere", "queue depth"), ("nowhere", "zzyzx")):
        yield Answer(f"search for what is there {what}", _time(lambda t=text: database.search(t), repeats))


def ask_tree(path: Path, spans: int) -> Iterator[Answer]:
    """Write one trace of `spans` spans to a new file at `path`, each below the one before, and yield the time of its
    tree with and without content."""
    exporter = SQLiteSpanExporter(path)
    for first in range(0, spans, BATCH):
        exporter.export(build_chain(first, min(first + BATCH, spans)))
    exporter.shutdown()
    database = TelemetryDatabase(path)
    ((trace,), name) = database.find_traces(), f"a chain of {spans:,} spans as a tree"
    for what, content in (("", True), (" without content", False)):
        yield Answer(f"{name}{what}", _time(lambda c=content: database.get_trace(trace.trace_id, content=c), 1))


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, cached_statements=0)
    connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    return connection


def _time_statement(path: Path, query: str, repeats: int) -> float:
    with closing(_open(path)) as connection:
        connection.execute(query)
        return _time(lambda: connection.execute(query), repeats)


def _time_report(database: TelemetryDatabase, name: str, group_by: list[str] | None, repeats: int) -> float:
    return _time(lambda: database.run_report(name, group_by=group_by), max(repeats // 2, 1))


def _time(ask: Callable[..., Any], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        ask()
        times.append((time.perf_counter() - began) * 1e3)
    return min(times)
