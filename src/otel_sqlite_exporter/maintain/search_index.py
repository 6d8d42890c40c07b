# SPDX-License-Identifier: Apache-2.0
"""`index`: fills the full-text index of searches. Never during export, and in batches that delay writers little."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from typing import NamedTuple

from otel_sqlite_exporter.errors import SQLiteExporterError, UnsupportedSQLiteError
from otel_sqlite_exporter.model.search_terms import extract_text, fold
from otel_sqlite_exporter.query.search import has_index
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query, split_statements
from otel_sqlite_exporter.storage.connection import read_file
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.transactions import transaction

# Adding a character takes 0.15 us, so a writer waits 0.1 s at most.
_BATCH = 200
_BATCH_CHARACTERS = 500_000
_WITHIN_S = 0.3
_WAIT_MS = 100
_BLOCKS = 250
"""Of 4 kB, that are removed at once."""
_LAST_HEAD = 10
"""Without the blocks up to this one, SQLite does not open an index, not even to remove it."""
_SETTLED_NS = 60 * 10**9
"""A call is indexed one minute after its end, when log records with its content have been written too."""


class SearchIndexing(NamedTuple):
    """Calls and tool executions that were added to the index, and seconds."""

    llm_interactions: int
    tool_interactions: int
    seconds: float


class _Kind(NamedTuple):
    is_tool: int
    find: str
    insert: str


_KINDS = (
    _Kind(0, "find_llm_documents", "INSERT INTO _search_llm (rowid, text) VALUES (?, ?)"),
    _Kind(1, "find_tool_documents", "INSERT INTO _search_tool (rowid, text) VALUES (?, ?)"),
)


def index_content(
    settings: Settings,
    *,
    rebuild: bool = False,
    within_s: float | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> SearchIndexing:
    """Add the calls and tool executions that the index lacks, the oldest first, except those of the last minute. No
    batch begins later than `within_s` seconds. With `rebuild`, the index is emptied first. `progress` is called with
    the number that is done, and of all.

    Each batch is one transaction. After an interruption the next run goes on there.

    Raises:
        UnsupportedSQLiteError: The SQLite library has no FTS5.
        FileRefusedError, MigrationFailedError: The file cannot be used as it is.
        sqlite3.Error, OSError: It cannot be written now.
    """
    began = time.monotonic()
    counts = [0, 0]
    with contextlib.closing(open_file(settings, must_exist=True)) as connection:
        with transaction(connection):
            _create(connection, rebuild=rebuild)
        of = sum(connection.execute(read_query("count_documents")).fetchone())
        for kind in _KINDS:
            while within_s is None or time.monotonic() - began < within_s:
                with transaction(connection):
                    added = _add_batch(connection, kind)
                if not added:
                    break
                counts[kind.is_tool] += added
                progress(sum(counts), max(of, sum(counts)))
    return SearchIndexing(counts[0], counts[1], time.monotonic() - began)


def update_index(settings: Settings) -> None:
    """Add as much to an existing index as a search may wait for. Do nothing if the file cannot be written now: a search
    reads directly what the index lacks."""
    if not os.access(settings.path, os.W_OK):
        return
    with contextlib.suppress(SQLiteExporterError, sqlite3.Error, OSError):
        found = read_file(settings.path, has_index, busy_timeout_ms=settings.busy_timeout_ms)
        if found:
            index_content(settings._replace(busy_timeout_ms=_WAIT_MS), within_s=_WITHIN_S)


def drop_index(connection: sqlite3.Connection) -> None:
    """Remove the search index, in short transactions. From the first one on, nothing uses it.

    Raises:
        sqlite3.Error: The file cannot be written now.
    """
    if not has_index(connection):
        return
    with transaction(connection):
        connection.execute("DROP TABLE _search_documents")
    for table in ("_search_llm_data", "_search_tool_data"):
        removed = 1
        while removed > 0:
            with transaction(connection):
                blocks = f"SELECT id FROM {table} WHERE id > {_LAST_HEAD} LIMIT {_BLOCKS}"
                removed = connection.execute(f"DELETE FROM {table} WHERE id IN ({blocks})").rowcount
    with transaction(connection):
        for statement in split_statements(read_query("drop_search")):
            connection.execute(statement)


def _create(connection: sqlite3.Connection, *, rebuild: bool) -> None:
    for query in ("drop_search", "create_search") if rebuild else ("create_search",):
        for statement in split_statements(read_query(query)):
            try:
                connection.execute(statement)
            except sqlite3.OperationalError as error:
                if "no such module" not in str(error):
                    raise
                raise UnsupportedSQLiteError(
                    "the SQLite library of this Python was built without FTS5, which the index needs: use another "
                    "Python, or search without an index, which reads the newest calls and tool executions"
                ) from error


def _add_batch(connection: sqlite3.Connection, kind: _Kind) -> int:
    chosen = {"after": _find_last(connection, kind.is_tool), "limit": _BATCH}
    now = time.time_ns()
    documents: list[tuple[int, int, str]] = []
    characters = 0
    for id, end, *columns in connection.execute(read_query(kind.find), chosen):
        if abs(now - end) < _SETTLED_NS or characters > _BATCH_CHARACTERS:
            break
        text = fold("\n".join(map(extract_text, columns)))
        documents.append((id, end, text))
        characters += len(text)
    for id, end, text in documents:
        added = connection.execute(
            "INSERT INTO _search_documents (is_tool, interaction, end_time_unix_nano) VALUES (?, ?, ?)",
            (kind.is_tool, id, end),
        )
        connection.execute(kind.insert, (added.lastrowid, text))
    return len(documents)


def _find_last(connection: sqlite3.Connection, is_tool: int) -> int:
    """Return the id of the last row in the index. Documents of rows after it, which were deleted, lose their row."""
    last = connection.execute(read_query("get_last_documents")).fetchone()[is_tool]
    connection.execute(
        "UPDATE _search_documents SET interaction = NULL WHERE is_tool = ? AND interaction > ?", (is_tool, last)
    )
    return int(last)
