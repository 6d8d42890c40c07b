# SPDX-License-Identifier: Apache-2.0
"""The summaries of a day, `sessions` and `usage`, which follow from the other parts of the day."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from typing import Any

from otel_sqlite_exporter.archive.asking.dataset_engine import connect
from otel_sqlite_exporter.archive.asking.engine_views import build_table_view
from otel_sqlite_exporter.archive.dataset_format.arrow_schemas import make_schema
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.archive.dataset_format.manifests import Part
from otel_sqlite_exporter.sql.texts import read_engine_text

_SOURCES = {"sessions": ("trace_sessions", "traces"), "usage": ("llm_interactions",)}
_BATCH_ROWS = 122_880


def summarise_day(dataset: DatasetFolder, date: str, parts: Sequence[Part], table: str) -> Iterator[Any]:
    """Yield the rows of a summary as record batches, with its columns in order, sorted as they stay.

    Args:
        date: The day, as `2026-01-31`; only for its name in errors.
        parts: The parts of this day; others than those that the summary follows from are passed over.
        table: `sessions` or `usage`.

    Raises:
        MissingPackageError: DuckDB is not installed.
    """
    used = {name: [dataset.join(part.path) for part in parts if part.table == name] for name in _SOURCES[table]}
    if not any(used.values()):
        return
    statements = [build_table_view(TABLES[name], paths) for name, paths in used.items()]
    connection, scratch = connect([path for paths in used.values() for path in paths], statements)
    schema = make_schema(TABLES[table])
    schema = schema.remove(schema.get_field_index("date"))
    try:
        rows = connection.sql(read_engine_text("duckdb", "summaries", table)).to_arrow_table()
        yield from rows.cast(schema).to_batches(_BATCH_ROWS)
    finally:
        connection.close()
        shutil.rmtree(scratch, ignore_errors=True)
