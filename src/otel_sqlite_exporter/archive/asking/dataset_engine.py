# SPDX-License-Identifier: Apache-2.0
"""DuckDB over a dataset, in this process.

It reads the parts of the manifests that held when it was opened, and no other file: no network, no extensions, and its
configuration is locked. Views are made when it is opened, over the parts of all days or of those that are asked for.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from otel_sqlite_exporter.archive.archive_packages import describe_error, list_duckdb_errors, load_duckdb
from otel_sqlite_exporter.archive.asking.engine_views import (
    ENGINE_VIEWS,
    build_parts_view,
    build_table_view,
    find_needed,
    quote,
)
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest, Part, read_manifests
from otel_sqlite_exporter.archive.dataset_format.part_files import find_damaged
from otel_sqlite_exporter.errors import DamagedFileError
from otel_sqlite_exporter.sql.texts import read_engine_text
from otel_sqlite_exporter.storage.system.work_folders import make_temporary_folder

_MEMORY = 2 << 30
_TRIES = 5
_OF_ALL_DAYS = ("marks",)


class DatasetEngine:
    """A DuckDB connection that can read some parts alone, and its scratch folder. Close it, or use it in a `with`.

    Attributes:
        connection: The connection of DuckDB.
    """

    def __init__(
        self,
        paths: Sequence[str],
        statements: Iterable[str] = (),
        threads: int | None = None,
        memory: int | None = None,
        *,
        folders: Sequence[str] = (),
    ) -> None:
        """Open it, and run `statements`. It can read the files at `paths`, and those below `folders`.

        Raises:
            duckdb.Error: A statement fails.
            OSError: There is no place for the scratch folder.
        """
        duckdb = load_duckdb()
        with contextlib.ExitStack() as stack:
            settings: dict[str, Any] = {
                "threads": threads or os.cpu_count() or 1,
                "memory_limit": f"{memory or _MEMORY}B",
                "temp_directory": stack.enter_context(make_temporary_folder(".asking-")),
                "python_enable_replacements": False,
                "default_null_order": "sqlite",
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
            self.connection: Any = stack.enter_context(contextlib.closing(duckdb.connect(config=settings)))
            self.connection.execute(f"SET allowed_paths = [{', '.join(map(quote, paths))}]")
            self.connection.execute(f"SET allowed_directories = [{', '.join(map(quote, folders))}]")
            self.connection.execute("SET enable_external_access = false")
            self.connection.execute("SET lock_configuration = true")
            for statement in statements:
                self.connection.execute(statement)
            self._opened = stack.pop_all()

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connection, and remove what it put on disk."""
        self._opened.close()


def open_engine(
    dataset: DatasetFolder,
    *,
    dates: Collection[str] | None = None,
    texts: Iterable[str] | None = None,
    threads: int | None = None,
    memory: int | None = None,
) -> DatasetEngine:
    """Open DuckDB over the parts of a dataset that hold.

    Args:
        dates: Only the parts of these days, as `2026-01-31`. Marks are those of all days.
        texts: Make only the views that these statements name; all by default.
        threads: How many threads it uses; all processors by default.
        memory: How many bytes it keeps in memory, 2 GiB by default; what is more goes to a scratch folder.

    Raises:
        MissingPackageError: DuckDB is not installed.
        DamagedFileError: A manifest or a part cannot be read.
    """
    errors = list_duckdb_errors()
    tables, views = (list(TABLES), list(ENGINE_VIEWS)) if texts is None else find_needed(texts)
    for tried in range(_TRIES):
        manifests = read_manifests(dataset)
        asked = [
            part for one in manifests for part in one.parts if part.table in tables and _is_asked(part, one, dates)
        ]
        paths = {name: [dataset.join(part.path) for part in asked if part.table == name] for name in tables}
        statements = [build_table_view(TABLES[name], paths[name]) for name in tables]
        statements.append(build_parts_view((manifest.date, part) for manifest in manifests for part in manifest.parts))
        statements += [read_engine_text("duckdb", "views", name) for name in views]
        damaged = find_damaged(dataset, asked, by_size=True)
        try:
            if damaged is None:
                return DatasetEngine([path for name in tables for path in paths[name]], statements, threads, memory)
        except errors as error:
            if manifests == read_manifests(dataset):
                raise make_damage_error(dataset, error) from None
        if damaged is not None and (tried + 1 == _TRIES or manifests == read_manifests(dataset)):
            raise DamagedFileError(f"{damaged}: the part is missing or has another size: copy it from a backup")
    raise DamagedFileError(f"{dataset.path}: its parts change all the time: try again when `compact` has ended")


def make_damage_error(dataset: DatasetFolder, error: Exception) -> DamagedFileError:
    """Return the error for parts that DuckDB cannot read: it names a damaged one, or else the dataset.

    Raises:
        DamagedFileError: A manifest cannot be read.
    """
    return name_damaged(dataset, error) or DamagedFileError(
        f"{dataset.path}: a part cannot be read ({describe_error(error)}): copy it from a backup"
    )


def name_damaged(dataset: DatasetFolder, error: Exception) -> DamagedFileError | None:
    """Return the error that names the first part that is not what its manifest says, where that may be why DuckDB
    failed; None, if all parts are. It reads all of them.

    Raises:
        DamagedFileError: A manifest cannot be read.
    """
    parts = (part for manifest in read_manifests(dataset) for part in manifest.parts)
    damaged = find_damaged(dataset, parts)
    if damaged is None:
        return None
    return DamagedFileError(f"{damaged}: the part cannot be read ({describe_error(error)}): copy it from a backup")


def _is_asked(part: Part, manifest: Manifest, dates: Collection[str] | None) -> bool:
    return dates is None or manifest.date in dates or part.table in _OF_ALL_DAYS
