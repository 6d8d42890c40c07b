# SPDX-License-Identifier: Apache-2.0
"""The summaries of a day, `sessions` and `usage`, which follow from the other parts of the day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

from otel_sqlite_exporter.archive.asking.dataset_engine import DatasetEngine
from otel_sqlite_exporter.archive.asking.engine_views import build_table_view
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.archive.dataset_format.manifests import Part
from otel_sqlite_exporter.archive.dataset_format.part_files import make_batch
from otel_sqlite_exporter.sql.texts import read_engine_text

_SOURCES = {"sessions": ("trace_sessions", "traces"), "usage": ("llm_interactions",)}
_BATCH_ROWS = 10_000


class DaySummaries:
    """Makes the summaries of days of a dataset with one DuckDB connection, which is opened for the first of them: that
    takes more than the summaries of a small day. Close it, or use it in a `with`."""

    def __init__(self, dataset: DatasetFolder) -> None:
        self._dataset = dataset
        self._engine: DatasetEngine | None = None

    def __enter__(self) -> DaySummaries:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connection, and remove what it put on disk."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def summarise(self, parts: Sequence[Part], table: str) -> Iterator[Any]:
        """Yield the rows of a summary as record batches, with its columns in order, sorted as they stay. Take all of
        them before the next summary.

        Args:
            parts: The parts of a day; others than those that the summary follows from are passed over.
            table: `sessions` or `usage`.

        Raises:
            MissingPackageError: DuckDB is not installed.
        """
        used = {
            name: [self._dataset.join(part.path) for part in parts if part.table == name] for name in _SOURCES[table]
        }
        if not any(used.values()):
            return
        connection = self._connect()
        for name, paths in used.items():
            connection.execute(build_table_view(TABLES[name], paths))
        # A relation would be bound three times: half of the time of a small day.
        found = connection.execute(read_engine_text("duckdb", "summaries", table))
        while rows := found.fetchmany(_BATCH_ROWS):
            yield make_batch(TABLES[table], rows)

    def _connect(self) -> Any:
        if self._engine is None:
            self._engine = DatasetEngine((), folders=[self._dataset.path])
        return self._engine.connection
