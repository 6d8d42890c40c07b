# SPDX-License-Identifier: Apache-2.0
"""Puts together what several parts of a day have of metrics, exemplars and marks: each row once.

These belong to no trace, so nothing else decides them. A series has the same id in each part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.sql.texts import read_engine_text

STATEMENTS = {"metrics": "united_metrics", "exemplars": "united_exemplars", "marks": "united_marks"}
"""By table, the statement that gives each row once."""
_BATCH_ROWS = 20_000


def unite_rows(connection: Any, table: str, relation: str) -> Iterator[Any]:
    """Yield the rows of some parts of a day as record batches of a table, each once, sorted as the table says.

    Args:
        connection: A connection of DuckDB. A temporary view `united` is made in it.
        table: A name of `STATEMENTS`.
        relation: SQL after FROM, with the columns of the table and `_part`: a number of the part, greater for a newer
            one.
    """
    columns = ", ".join(f'u."{name}"' for name in (*TABLES[table].columns, "_part"))
    connection.execute(f"CREATE OR REPLACE TEMP VIEW united AS SELECT {columns} FROM {relation} AS u")
    found = connection.sql(read_engine_text("duckdb", "compaction", STATEMENTS[table]))
    for batch in found.to_arrow_reader(_BATCH_ROWS):
        yield batch.select([*TABLES[table].columns])
