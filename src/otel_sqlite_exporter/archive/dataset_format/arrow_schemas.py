# SPDX-License-Identifier: Apache-2.0
"""The Arrow schemas of the parts of a dataset, and a part without rows for each table.

Engines read a folder by a pattern such as `spans/date=*/part-*.parquet`, and most refuse one that matches no file. So
each table has a part without rows from the beginning. It is in no manifest, and no reader needs to know it.
"""

from __future__ import annotations

import os
from functools import cache, partial
from typing import TYPE_CHECKING

from otel_sqlite_exporter.archive.archive_packages import load_pyarrow
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES, DatasetTable
from otel_sqlite_exporter.archive.dataset_format.durable_files import put_durably

if TYPE_CHECKING:
    import pyarrow

EMPTY_PART = "date=1970-01-01/part-empty-0.parquet"
"""The part without rows, below the folder of its table."""


def make_schema(table: DatasetTable) -> pyarrow.Schema:
    """Return the Arrow schema of a part: the columns of its table, and `date`."""
    return _make_schema(tuple(table.columns.items()))


@cache
def _make_schema(columns: tuple[tuple[str, str], ...]) -> pyarrow.Schema:
    arrow = load_pyarrow()
    types = {"text": arrow.string(), "int": arrow.int64(), "real": arrow.float64()}
    return arrow.schema([*((name, types[type]) for name, type in columns), ("date", arrow.string())])


def write_empty_parts(folder: str) -> None:
    """Write the part without rows of each table that lacks it.

    Raises:
        OSError: It cannot be written.
    """
    write_table = load_pyarrow().parquet.write_table
    for table in TABLES.values():
        path = os.path.join(folder, table.name, EMPTY_PART)
        if not os.path.exists(path):
            put_durably(path, partial(write_table, make_schema(table).empty_table()))
