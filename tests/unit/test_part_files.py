# SPDX-License-Identifier: Apache-2.0
"""Parts hold each value exactly, with the types of their tables, and what engines skip rows by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow.parquet
import pytest

from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder, make_dataset
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import SPANS, TABLES, DatasetTable
from otel_sqlite_exporter.archive.dataset_format.part_files import make_batch, read_part, write_part

_DATE = "2026-01-31"
_VALUES: dict[str, Sequence[Any]] = {
    "int": (-(2**63), 2**63 - 1, None, 0, -1, 2**63 - 1, -(2**63)),
    "real": (None, -0.0, 5e-324, -1.7976931348623157e308, float("inf"), 0.1, 0.1),
    "text": ("", "0123456789abcdef", None, "a\0b", "\U0001f600" * 9, "0123456789abcdef", " "),
}
_TYPES = {"int": "BIGINT", "real": "DOUBLE", "text": "VARCHAR"}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    return make_dataset(tmp_path_factory.mktemp("parts") / "dataset")


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
@pytest.mark.parametrize("is_null", [False, True], ids=["values", "nulls"])
def test_values_are_read_as_written(dataset: DatasetFolder, table: DatasetTable, is_null: bool) -> None:
    columns = [[None] * 7 if is_null else _VALUES[type] for type in table.columns.values()]
    rows = list(zip(*columns, strict=True)) * 20
    part = write_part(dataset, "part.parquet", table, _DATE, [make_batch(table, rows)])
    assert part is not None
    expected = [repr((*row, _DATE)) for row in rows]
    read = read_part(dataset, part)
    assert [repr(tuple(row.values())) for row in read.to_pylist()] == expected
    with duckdb.connect() as connection:
        found = connection.execute("SELECT * FROM read_parquet(?)", [dataset.join(part.path)])
        types = {name: str(type) for name, type, *_ in found.description}
        assert [repr(row) for row in found.fetchall()] == expected
    assert types == {name: _TYPES[type] for name, type in table.columns.items()} | {"date": "VARCHAR"}


def test_a_footer_tells_the_table_and_what_rows_are_asked_by(dataset: DatasetFolder) -> None:
    """Texts that rows are neither sorted nor asked by have none: they would only fill the footer."""
    rows = [tuple("text" if type == "text" else 1 for type in SPANS.columns.values())]
    part = write_part(dataset, "part.parquet", SPANS, _DATE, [make_batch(SPANS, rows)])
    assert part is not None
    metadata = pyarrow.parquet.read_metadata(dataset.join(part.path))
    assert metadata.metadata[b"otel_table"] == b"spans"
    group = metadata.row_group(0)
    columns = [group.column(place) for place in range(group.num_columns)]
    told = {column.path_in_schema for column in columns if column.is_stats_set}
    assert {"trace_id", "session_id", "service_name", "start_time_unix_nano", "id", "date"} <= told
    assert not told & {"attributes", "resource_attributes", "span_id"}
