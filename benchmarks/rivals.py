# SPDX-License-Identifier: Apache-2.0
"""The contenders: this exporter, its lower bound, and other ways to write the same spans."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import compress
from pathlib import Path
from typing import Any, cast
from urllib.request import urlopen

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter, SpanExportResult

from otel_sqlite_exporter.encode.spans import SpanEncoder
from otel_sqlite_exporter.model.attribute_sources import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.sdk.span_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.write.exporter_runs import Run
from otel_sqlite_exporter.write.writer import Writer

Statement = tuple[str, Any]


# The rows that a batch adds or changes: those after the last span of the previous batch.
_BATCH_ROWS = {
    "_resources": "id IN (SELECT resource FROM _spans WHERE id > ?)",
    "_scopes": "id IN (SELECT scope FROM _spans WHERE id > ?)",
    "_sessions": "id IN (SELECT p.session FROM _spans AS s JOIN _trace_sessions AS p ON p.id = s.trace_session"
    " WHERE s.id > ?)",
    "_traces": "id IN (SELECT trace FROM _spans WHERE id > ?)",
    "_trace_sessions": "id IN (SELECT trace_session FROM _spans WHERE id > ?)",
    "_spans": "id > ?",
    "_events": "span > ?",
    "_llm_interactions": "span > ?",
    "_exporter_runs": "id > 0 OR ?",
}


class Contender:
    """Something that takes batches of spans. `prepare` is not timed; its result is the argument of `write`."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.exporter = exporter

    def prepare(self, spans: Sequence[ReadableSpan]) -> Any:
        return spans

    def write(self, prepared: Any) -> None:
        if self.exporter.export(prepared) is not SpanExportResult.SUCCESS:
            raise RuntimeError(f"{type(self.exporter).__name__} failed")

    def close(self) -> None:
        self.exporter.shutdown()


class Floor(Contender):
    """The lower bound: only BEGIN, the same INSERTs with the same values as this exporter's, and COMMIT, on a file of
    the same schema, through a connection with the same settings."""

    def __init__(self, path: Path) -> None:
        self._recorder = _Recorder(_open(path.with_suffix(".recorded.db")))
        self._writer = Writer(cast(sqlite3.Connection, self._recorder), resolve_settings())
        self._connection = _open(path)
        self._encoder = SpanEncoder(DEFAULT_SESSION_ATTRIBUTES)
        self._run = Run.begin("traces", resolve_settings())

    def prepare(self, spans: Sequence[ReadableSpan]) -> list[Statement]:
        encoded = [self._encoder.encode_span(span, time.time_ns()) for span in spans]
        self._recorder.inserts = []
        self._writer.write(Records(spans=encoded), self._run)
        return self._recorder.inserts

    def write(self, prepared: list[Statement]) -> None:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        for text, values in prepared:
            execute(text, values)
        execute("COMMIT")

    def close(self) -> None:
        self._recorder.connection.close()
        self._connection.close()


class _Recorder:
    """A connection that records its INSERTs."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.inserts: list[Statement] = []

    @property
    def in_transaction(self) -> bool:
        return self.connection.in_transaction

    def execute(self, text: str, values: Any = ()) -> sqlite3.Cursor:
        if "INSERT INTO" in text:
            self.inserts.append((text, values))
        return self.connection.execute(text, values)


class SameRows(Contender):
    """The rows of the lower bound, also prepared before, by `executemany`: a step for each row, in one transaction."""

    def __init__(self, path: Path) -> None:
        self._source = _open(path.with_suffix(".source.db"))
        self._writer = Writer(self._source, resolve_settings())
        self._connection = _open(path)
        self._encoder = SpanEncoder(DEFAULT_SESSION_ATTRIBUTES)
        self._run = Run.begin("traces", resolve_settings())

    def prepare(self, spans: Sequence[ReadableSpan]) -> list[Statement]:
        encoded = [self._encoder.encode_span(span, time.time_ns()) for span in spans]
        (before,) = self._source.execute("SELECT coalesce(max(id), 0) FROM _spans").fetchone()
        self._writer.write(Records(spans=encoded), self._run)
        return [self._read(table, which, before) for table, which in _BATCH_ROWS.items()]

    def write(self, prepared: list[Statement]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for text, rows in prepared:
            self._connection.executemany(text, rows)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._source.close()
        self._connection.close()

    def _read(self, table: str, which: str, before: int) -> Statement:
        names = [name for _, name, *_ in self._source.execute(f"PRAGMA table_info({table})")]  # no generated ones
        query = f"SELECT {', '.join(names)} FROM {table} WHERE {which}"
        rows = self._source.execute(query, (before,)).fetchall()
        # As in the exporter: a column that is NULL in all rows is not bound.
        kept = [any(row[place] is not None for row in rows) for place in range(len(names))]
        columns = list(compress(names, kept))
        changes = ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
        places = ", ".join("?" * len(columns))
        text = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}) ON CONFLICT (id) DO UPDATE SET {changes}"
        return text, [tuple(compress(row, kept)) for row in rows]


class OneTableExporter(SpanExporter):
    """The simple way: one table, one row for each span, attributes and events as JSON, written with `executemany`."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(
            "CREATE TABLE spans (trace_id TEXT, span_id TEXT, parent_span_id TEXT, name TEXT, kind TEXT,"
            " start_time INTEGER, end_time INTEGER, status TEXT, attributes TEXT, events TEXT)"
        )
        self._connection.execute("CREATE INDEX spans_trace_id ON spans (trace_id)")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        rows = [self._row(span) for span in spans]
        with self._connection:
            self._connection.executemany("INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._connection.close()

    def _row(self, span: ReadableSpan) -> tuple[Any, ...]:
        return (
            f"{span.context.trace_id:032x}",
            f"{span.context.span_id:016x}",
            f"{span.parent.span_id:016x}" if span.parent else None,
            span.name,
            span.kind.name,
            span.start_time,
            span.end_time,
            span.status.status_code.name,
            json.dumps(dict(span.attributes or {})),
            json.dumps([[event.name, event.timestamp, dict(event.attributes or {})] for event in span.events]),
        )


class OverHTTP(Contender):
    """OTLP over HTTP with its defaults, to another process that reads everything and answers 200."""

    def __init__(self, *, count: bool = False) -> None:
        command = [sys.executable, "-m", "benchmarks.sink", *(["--count"] if count else [])]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1])
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}/v1/traces"
        super().__init__(OTLPSpanExporter(endpoint=self.url))

    def received(self) -> int:
        """Return the number of spans that the receiver has counted."""
        with urlopen(self.url) as response:
            return int(response.read())

    def close(self) -> None:
        super().close()
        self._process.terminate()
        self._process.communicate()


class Console(Contender):
    """The SDK's console exporter, printing to a file: /dev/null by default."""

    def __init__(self, path: Path | str = os.devnull) -> None:
        with contextlib.ExitStack() as stack:
            super().__init__(ConsoleSpanExporter(out=stack.enter_context(Path(path).open("w"))))
            self._out = stack.pop_all()

    def close(self) -> None:
        super().close()
        self._out.close()


CONTENDERS: dict[str, Callable[[Path], Contender]] = {
    "this exporter": lambda folder: Contender(SQLiteSpanExporter(folder / "ours.db")),
    "floor": lambda folder: Floor(folder / "floor.db"),
    "OTLP/HTTP": lambda folder: OverHTTP(),
    "console": lambda folder: Console(),
    "executemany, the same rows": lambda folder: SameRows(folder / "same_rows.db"),
    "executemany, one table": lambda folder: Contender(OneTableExporter(folder / "one_table.db")),
}


def _open(path: Path) -> sqlite3.Connection:
    return open_file(resolve_settings(path))
