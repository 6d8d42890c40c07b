# SPDX-License-Identifier: Apache-2.0
"""Reads the rows of a table of a dataset out of a file: those of its public views, as this file shows them.

A day has the traces that started on it, whole, and the log records without a trace by their own time. Each table is one
statement, which goes from the traces of the day by index to what belongs to them. So the cost of a day does not grow
with the file, and only some thousand rows are held at a time.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

import orjson

from otel_sqlite_exporter.archive.archive_packages import load_pyarrow
from otel_sqlite_exporter.archive.dataset_format.arrow_schemas import make_schema
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES, DatasetTable
from otel_sqlite_exporter.archive.day_rows.agent_rows import read_agents
from otel_sqlite_exporter.archive.day_rows.day_conversations import DayConversations
from otel_sqlite_exporter.archive.day_rows.point_rows import read_exemplars, read_points
from otel_sqlite_exporter.archive.day_rows.shared_columns import SHARED, SharedColumns
from otel_sqlite_exporter.sql.texts import read_query

if TYPE_CHECKING:
    import pyarrow

READERS: Mapping[str, str] = {
    "spans": "archive_spans",
    "events": "archive_events",
    "links": "archive_links",
    "logs": "archive_logs",
    "llm_interactions": "archive_llm_interactions",
    "tool_interactions": "archive_tool_interactions",
    "errors": "archive_errors",
    "agent_tree": "archive_agent_tree",
    "traces": "archive_traces",
    "trace_sessions": "archive_trace_sessions",
    "scores": "archive_scores",
    "marks": "archive_marks",
}
"""By table, the query that reads its rows. Its columns come in any order; a column of `SHARED` stands for several."""
_PREPARED = {"errors": "find_archived_failures"}
"""By table, the query whose one row tells further parameters of the query that reads the rows."""
OTHER_READERS: Mapping[str, Callable[..., Iterator[Any]]] = {
    "agents": read_agents,
    "metrics": read_points,
    "exemplars": read_exemplars,
}
"""By table, what reads rows that one statement does not tell. Their ids are the same in each file."""
_BATCH_BYTES = 8_000_000
_FIRST_ROWS, _MOST_ROWS = 250, 4_000


def find_id_base(source: str) -> int:
    """Return what is added to the ids of a file, so that they differ from those of other files: 31 bits of a digest of
    the name of its source, shifted by 32."""
    digest = hashlib.blake2b(source.encode(), digest_size=4).digest()
    return (int.from_bytes(digest, "big") >> 1) << 32


def read_rows(
    connection: sqlite3.Connection,
    table: str,
    since_unix_nano: int,
    until_unix_nano: int,
    id_base: int,
    traces: Collection[str] | None = None,
) -> Iterator[pyarrow.RecordBatch]:
    """Yield the rows of a table: see `DayRows`, which reads several tables in less time."""
    with DayRows(connection, since_unix_nano, until_unix_nano, id_base, traces) as day:
        yield from day.read(table)


class DayRows:
    """The rows of the traces that start in a range of time, and of the records without a trace in it; with `traces`,
    those of the traces that have these ids. The caller holds a transaction, and has called `show_open_work`, so that
    spans of processes that are gone are interrupted. Use it in a `with`.

    Args:
        since_unix_nano: The first nanosecond of the range, since 1970.
        until_unix_nano: The first one after it.
        id_base: What to add to ids: see `find_id_base`.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        since_unix_nano: int,
        until_unix_nano: int,
        id_base: int,
        traces: Collection[str] | None = None,
    ) -> None:
        self._connection = connection
        self._traces = traces
        self._asked = {
            "since": since_unix_nano,
            "until": until_unix_nano,
            "id_base": id_base,
            "traces": None if traces is None else orjson.dumps([*traces]).decode(),
        }
        self._conversations = DayConversations(connection, self._asked)

    def __enter__(self) -> DayRows:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Forget what was noted in the connection."""
        self._conversations.close()

    def read(self, table: str) -> Iterator[pyarrow.RecordBatch]:
        """Yield the rows of a table as record batches with its columns, sorted as it says.

        Args:
            table: A name of `TABLES` that is not in `SUMMARIES`.

        Raises:
            sqlite3.Error: The file cannot be read.
        """
        if table in OTHER_READERS:
            since, until = self._asked["since"], self._asked["until"]
            yield from OTHER_READERS[table](self._connection, since, until, self._traces)
            return
        query, asked = read_query(READERS[table]), dict(self._asked)
        if table in _PREPARED:
            found = self._connection.execute(read_query(_PREPARED[table]), asked)
            asked |= dict(zip((name for name, *_ in found.description), found.fetchone(), strict=True))
        if ":reader" in query:
            asked["reader"] = self._conversations.note()
        yield from self._gather(self._connection.execute(query, asked), TABLES[table])

    def _gather(self, cursor: sqlite3.Cursor, table: DatasetTable) -> Iterator[pyarrow.RecordBatch]:
        """Yield batches of some thousand rows, or of fewer that are large."""
        arrow = load_pyarrow()
        names = [name for name, *_ in cursor.description]
        shared = {name: SharedColumns(self._connection, SHARED[name]) for name in names if name in SHARED}
        schema = make_schema(table).remove(len(table.columns))
        count = _FIRST_ROWS
        while rows := cursor.fetchmany(count):
            arrays: dict[str, pyarrow.Array] = {}
            for name, values in zip(names, zip(*rows, strict=True), strict=True):
                if name in shared:
                    arrays |= shared[name].read(values, schema)
                else:
                    arrays[name] = _make_array(arrow, values, schema.field(name).type)
            batch = arrow.RecordBatch.from_arrays([arrays[name] for name in table.columns], schema=schema)
            yield batch
            count = min(max(len(rows) * _BATCH_BYTES // (batch.nbytes + 1), 1), 2 * count, _MOST_ROWS)


def _make_array(arrow: Any, values: tuple[Any, ...], type: Any) -> Any:
    """Return an array of values, by pyarrow. Where a view shows what an attribute holds, a text may be a number."""
    try:
        return arrow.array(values, type)
    except arrow.ArrowTypeError:
        if type != arrow.string():
            raise
        texts = [None if value is None else value if isinstance(value, str) else repr(value) for value in values]
        return arrow.array(texts, type)
