# SPDX-License-Identifier: Apache-2.0
"""The rows of records that were taken in again, as Parquet files beside the dataset, by table and day."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from itertools import chain
from typing import Any

from otel_sqlite_exporter.archive.archive_packages import load_pyarrow
from otel_sqlite_exporter.archive.compaction.part_relations import UNITED
from otel_sqlite_exporter.archive.dataset_format.arrow_schemas import make_schema
from otel_sqlite_exporter.archive.dataset_format.dataset_days import bound_day, name_day
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES, DatasetTable
from otel_sqlite_exporter.archive.day_rows.row_reader import read_rows
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.open_work import show_open_work

FreshRows = dict[tuple[str, str], str]
"""The path of a Parquet file by the name of the table and the day, as `2026-01-31`."""


def write_fresh_rows(connection: sqlite3.Connection, id_base: int, folder: str) -> FreshRows:
    """Write the rows of all records of a file, with ids from `id_base` on, to Parquet files in `folder`.

    Raises:
        sqlite3.Error: The file cannot be read.
        OSError: The files cannot be written.
    """
    files: FreshRows = {}
    connection.execute("BEGIN")
    show_open_work(connection)
    days = [day for (day,) in connection.execute(read_query("list_record_days")).fetchall()]
    for day in days:
        date = name_day(day)
        for name in UNITED:
            path = os.path.join(folder, f"{name}-{date}.parquet")
            if _write(path, TABLES[name], read_rows(connection, name, *bound_day(day), id_base)):
                files[name, date] = path
    connection.execute("ROLLBACK")
    return files


def _write(path: str, table: DatasetTable, rows: Iterable[Any]) -> bool:
    batches = iter(rows)
    first = next(batches, None)
    if first is None:
        return False
    arrow = load_pyarrow()
    schema = make_schema(table).remove(len(table.columns))
    with arrow.parquet.ParquetWriter(path, schema) as writer:
        for batch in chain([first], batches):
            writer.write_batch(batch.select([*table.columns]))
    return True
