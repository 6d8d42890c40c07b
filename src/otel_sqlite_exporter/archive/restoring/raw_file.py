# SPDX-License-Identifier: Apache-2.0
"""A SQLite file of the package's schema that holds records as they were archived, for `merge` to read.

It has the rows of records and what they refer to, and of calls the computed costs. All that a merge derives again is
left out: pairs, sessions of events, calls, executions and sums. So only a merge may read it.

A new file takes 20 to 40 ms. So one serves many sources, one after the other: each fills it in a transaction, which the
merge reads and which is rolled back then. Of a file that was empty, that only cuts off what was added.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from otel_sqlite_exporter.archive.restoring.part_reader import Row
from otel_sqlite_exporter.encode.resources import digest_row
from otel_sqlite_exporter.errors import DamagedFileError
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.values import EncodedAttributes
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.migrations import open_prepared
from otel_sqlite_exporter.storage.state import write_state
from otel_sqlite_exporter.storage.transactions import roll_back
from otel_sqlite_exporter.version import __version__

_RESOURCE = ("service_name", "resource_schema_url", "resource_attributes", "resource_attribute_types")
_SCOPE = ("scope_name", "scope_version", "scope_schema_url", "scope_attributes", "scope_attribute_types")
_NO_COUNTS = dict.fromkeys(("spans", "errors", "failed_entries", "interrupted", "logs", "score_logs"), 0)
_NO_TRACE = dict.fromkeys(
    (
        *("session_id", "session_source", "session_rank", "session_is_child", "session_time_unix_nano"),
        *("entry_session_rank", "user_id", "user_source", "user_rank", "user_is_child", "user_time_unix_nano"),
    )
) | {"root_rank": 2, "root_time_unix_nano": 0, "root_span_id": "", "start_time_unix_nano": 0, "end_time_unix_nano": 0}
_BUSY_MS = 5_000
_T = TypeVar("_T")


class RawFile:
    """The file at `path`, which is made, and is thrown away after its use. Close it.

    Raises:
        sqlite3.Error, OSError: It cannot be written; so do the methods.
    """

    def __init__(self, path: str) -> None:
        self._source = ""
        self._origins: dict[tuple[Any, ...], str | None] = {}
        self._connection = open_prepared(path, "always", busy_timeout_ms=_BUSY_MS, synchronous="normal")
        for pragma in ("synchronous = OFF", "journal_mode = MEMORY", "foreign_keys = OFF"):
            self._connection.execute(f"PRAGMA {pragma}")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def holding(self, source: str) -> Iterator[None]:
        """Let the file be that of `source`, empty at first and after that."""
        self._source = source
        self._origins.clear()
        self._connection.execute("BEGIN")
        try:
            write_state(self._connection, "file", source)
            yield
        finally:
            roll_back(self._connection)

    def complete(self) -> None:
        """Make the file complete, when all rows are there."""
        self._connection.execute(read_query("restore_finishes"))

    def read(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        """Return what `read` returns for the connection to the file."""
        return read(self._connection)

    def add_traces(self, rows: Sequence[Row]) -> None:
        """Add traces."""
        self._add_sessions(row["session_id"] for row in rows)
        self._run("restore_trace", rows)

    def add_trace_sessions(self, rows: Sequence[Row]) -> None:
        """Add what records of traces show and name."""
        self._add_sessions(name for row in rows for name in (row["session_id"], row["own_session_id"]))
        self._run("restore_trace_session", rows)

    def add_spans(self, rows: Sequence[Row]) -> None:
        """Add spans of traces that are there."""
        self._add_records("restore_span", rows)
        running = [{"id": row["id"], **self._name_run(row)} for row in rows if row["end_time_source"] == "open"]
        self._run("restore_run", running)
        self._run("restore_open_span", running)

    def add_logs(self, rows: Sequence[Row]) -> None:
        """Add log records, and the trace of those that have none."""
        if any(not row["trace_id"] for row in rows):
            self._run("restore_trace", [{**_NO_TRACE, "trace_id": ""}])
        self._add_records("restore_log", [row if row["trace_id"] else {**row, "session_id": None} for row in rows])

    def add_events(self, rows: Sequence[Row]) -> None:
        """Add span events and the records of log records."""
        self._run("restore_event", rows)

    def add_links(self, rows: Sequence[Row]) -> None:
        """Add links."""
        self._run("restore_link", rows)

    def add_costs(self, rows: Sequence[Row]) -> None:
        """Add computed costs of calls."""
        self._run("restore_cost", rows)

    def _add_records(self, query: str, rows: Sequence[Row]) -> None:
        shown = {(row["trace_id"], row["session_id"], row["own_session_id"]): row for row in rows}
        self._add_sessions(name for _, *names in shown for name in names)
        times = dict.fromkeys(("start_time_unix_nano", "end_time_unix_nano"), 0)
        none = {"source": None, "source_rank": None, **_NO_COUNTS, **times}
        names = ("trace_id", "session_id", "own_session_id")
        self._run("restore_trace_session", [{**none, **dict(zip(names, key, strict=True))} for key in shown])
        written = self._run(query, [{**row, **self._add_origin(row)} for row in rows])
        if written != len(rows):
            raise DamagedFileError(
                f"the parts of the source {self._source} hold records of traces that they do not describe: "
                "archive the day again, or copy its parts from a backup"
            )

    def _add_origin(self, row: Row) -> Mapping[str, str | None]:
        return {
            "resource": self._add_once(_RESOURCE, row, self._add_resource),
            "scope": self._add_once(_SCOPE, row, self._add_scope),
        }

    def _add_once(self, columns: Sequence[str], row: Row, add: Callable[..., str | None]) -> str | None:
        key = tuple(row[column] for column in columns)
        if key not in self._origins:
            remember(self._origins, key, add(*key))
        return self._origins[key]

    def _add_resource(self, service_name: str, schema_url: str, attributes: str, types: str | None) -> str:
        digest = digest_row(EncodedAttributes(attributes, types, 0), schema_url)
        values = {"service_name": service_name, "schema_url": schema_url}
        self._run(
            "restore_resource",
            [{"digest": digest, **values, "attributes": attributes, "attribute_types": types}],
        )
        return digest

    def _add_scope(
        self, name: str | None, version: str | None, schema_url: str, attributes: str, types: str | None
    ) -> str | None:
        if name is None:
            return None
        digest = digest_row(EncodedAttributes(attributes, types, 0), name, version, schema_url)
        values = {"name": name, "version": version, "schema_url": schema_url}
        self._run(
            "restore_scope",
            [{"digest": digest, **values, "attributes": attributes, "attribute_types": types}],
        )
        return digest

    def _add_sessions(self, names: Iterable[str | None]) -> None:
        self._run("restore_session", [{"session_id": name} for name in sorted({*names} - {None}, key=str)])

    def _name_run(self, row: Row) -> Row:
        """Return the exporter of a span that runs: one for each time of a last write."""
        until = row["end_time_unix_nano"]
        return {"run_id": f"archive of {self._source} {until}", "until": until, "package_version": __version__}

    def _run(self, query: str, rows: Sequence[Row]) -> int:
        return self._connection.executemany(read_query(query), rows).rowcount if rows else 0
