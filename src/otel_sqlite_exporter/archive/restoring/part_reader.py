# SPDX-License-Identifier: Apache-2.0
"""Reads the rows of some traces and sessions from the parts of a manifest, page by page.

DuckDB passes over the parts of a file whose statistics and bloom filters say that no row is wanted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from otel_sqlite_exporter.archive.archive_packages import load_duckdb
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest, Part
from otel_sqlite_exporter.errors import DamagedFileError
from otel_sqlite_exporter.sql.texts import read_engine_text

Row = Mapping[str, Any]
_PAGE = 2_000
_MEMORY = "1GB"


class PartReader:
    """Reads parts of `dataset`. What does not fit in memory goes to `folder` meanwhile."""

    def __init__(self, dataset: DatasetFolder, folder: str) -> None:
        duckdb = load_duckdb()
        self._dataset = dataset
        self._errors: tuple[type[Exception], ...] = (duckdb.Error, OSError)
        self._connection = duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": folder})

    def close(self) -> None:
        """Close the engine."""
        self._connection.close()

    def read(self, query: str, manifest: Manifest, table: str, **values: Collection[str]) -> Iterator[list[Row]]:
        """Yield the rows of sql/engines/duckdb/restoring/QUERY.sql over the parts that a manifest has of a table.

        Raises:
            DamagedFileError: A part is missing or cannot be read.
        """
        return self.read_parts(query, [part for part in manifest.parts if part.table == table], **values)

    def read_parts(self, query: str, parts: Collection[Part], **values: Collection[str]) -> Iterator[list[Row]]:
        """Yield the rows of a query over parts, as `read` does."""
        paths = [self._dataset.join(part.path) for part in parts]
        if not paths:
            return
        lists = {name: list(value) for name, value in values.items()}
        try:
            cursor = self._connection.cursor().execute(read_engine_text("duckdb", "restoring", query), {"parts": paths, **lists})
            names = [column[0] for column in cursor.description]
            while rows := cursor.fetchmany(_PAGE):
                yield [dict(zip(names, row, strict=True)) for row in rows]
        except self._errors as error:
            raise DamagedFileError(
                f"{self._dataset.path}: a part cannot be read ({error}): copy it from a backup"
            ) from None
