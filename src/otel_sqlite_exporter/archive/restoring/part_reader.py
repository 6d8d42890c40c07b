# SPDX-License-Identifier: Apache-2.0
"""Reads the records of some traces and sessions from parts, page by page.

The engine passes over the pieces of a part whose statistics and bloom filters say that no row is wanted. A flipped bit
in these would hide rows, so those who take records compare the digests of the parts first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import TracebackType
from typing import Any

from otel_sqlite_exporter.archive.archive_packages import list_duckdb_errors
from otel_sqlite_exporter.archive.asking.dataset_engine import DatasetEngine, make_damage_error
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
    """Reads the parts of `manifests`, those of `tables` alone. With `one_by_one`, `choose` names the
    manifest that the next `read` reads. Close it, or use it in a `with`.

    Raises:
        DamagedFileError: A part is missing, cannot be read, or is not what its manifest says.
    """

    def __init__(
        self,
        dataset: DatasetFolder,
        manifests: Iterable[Manifest],
        tables: Collection[str],
        *,
        one_by_one: bool = False,
    ) -> None:
        self._errors: tuple[type[Exception], ...] = (*list_duckdb_errors(), OSError)
        self._dataset, self._tables = dataset, tables
        read = [*manifests]
        paths = chain.from_iterable(list_paths(dataset, read, table) for table in tables)
        try:
            statements = () if one_by_one else self._build_views(read)
            self._engine = DatasetEngine([*paths], statements, memory=_MEMORY)
        except self._errors as error:
            raise self._describe(error) from None

    def choose(self, manifest: Manifest) -> None:
        """Read the parts of this manifest alone from now on.

        Raises:
            DamagedFileError: A part cannot be read.
        """
        try:
            for statement in self._build_views([manifest]):
                self._engine.connection.execute(statement)
        except self._errors as error:
            raise self._describe(error) from None

    def _build_views(self, manifests: Sequence[Manifest]) -> list[str]:
        return [build_table_view(TABLES[table], list_paths(self._dataset, manifests, table)) for table in self._tables]

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
        return make_damage_error(self._dataset, error)
