# SPDX-License-Identifier: Apache-2.0
"""Reads the records of some traces and sessions from parts, page by page.

The engine passes over the pieces of a part whose statistics and bloom filters say that no row is wanted. A flipped bit
in these would hide rows, so those who take records compare the digests of the parts first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from types import TracebackType
from typing import Any

from otel_sqlite_exporter.archive.archive_packages import describe_error, load_duckdb
from otel_sqlite_exporter.archive.asking.dataset_engine import DatasetEngine, name_damaged
from otel_sqlite_exporter.archive.asking.engine_views import build_table_view
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest, list_paths
from otel_sqlite_exporter.errors import DamagedFileError
from otel_sqlite_exporter.sql.texts import read_engine_text

Row = Mapping[str, Any]
_PAGE = 2_000
_MEMORY = 1 << 30


class PartReader:
    """Reads the parts of `manifests`, those of `tables` alone. Close it, or use it in a `with`.

    Raises:
        DamagedFileError: A part is missing, cannot be read, or is not what its manifest says.
    """

    def __init__(self, dataset: DatasetFolder, manifests: Iterable[Manifest], tables: Collection[str]) -> None:
        duckdb = load_duckdb()
        self._errors: tuple[type[Exception], ...] = (duckdb.Error, OSError)
        self._dataset = dataset
        read = [*manifests]
        paths = {table: list_paths(dataset, read, table) for table in tables}
        statements = [build_table_view(TABLES[table], found) for table, found in paths.items()]
        try:
            self._engine = DatasetEngine([*chain.from_iterable(paths.values())], statements, memory=_MEMORY)
        except self._errors as error:
            raise self._describe(error) from None

    def __enter__(self) -> PartReader:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self._engine.close()

    def read(self, query: str, **values: object) -> Iterator[list[Row]]:
        """Yield the rows of sql/engines/duckdb/restoring/QUERY.sql, page by page.

        Raises:
            DamagedFileError: A part cannot be read.
        """
        try:
            cursor = self._engine.connection.cursor().execute(read_engine_text("duckdb", "restoring", query), values)
            names = [column[0] for column in cursor.description]
            while rows := cursor.fetchmany(_PAGE):
                yield [dict(zip(names, row, strict=True)) for row in rows]
        except self._errors as error:
            raise self._describe(error) from None

    def _describe(self, error: Exception) -> DamagedFileError:
        return name_damaged(self._dataset, error) or DamagedFileError(
            f"{self._dataset.path}: a part cannot be read ({describe_error(error)}): copy it from a backup"
        )
