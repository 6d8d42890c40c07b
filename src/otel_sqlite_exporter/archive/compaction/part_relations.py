# SPDX-License-Identifier: Apache-2.0
"""DuckDB over the parts of some manifests, with the manifest and the unit of each row.

A unit is what is taken in again as a whole: a trace, or the log records without a trace that show one session on one
day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from otel_sqlite_exporter.archive.archive_packages import describe_error, load_duckdb
from otel_sqlite_exporter.archive.asking.day_summaries import DaySummaries
from otel_sqlite_exporter.archive.asking.engine_views import list_nulls, quote
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import SUMMARIES, TABLES, DatasetTable
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest, list_paths
from otel_sqlite_exporter.errors import DamagedFileError
from otel_sqlite_exporter.sql.texts import read_engine_text

_MEMORY = "2GB"
UNITED = tuple(name for name in TABLES if name not in (*SUMMARIES, "marks", "metrics", "exemplars"))
"""The tables whose rows belong to units."""
UNIT = "coalesce(nullif(p.trace_id, ''), '/' || f.date || '/' || coalesce(p.session_id, ''))"
"""The unit of a row `p` of a part of the day `f.date`. No trace id has a slash."""


class PartRelations:
    """A DuckDB connection that reads the parts of `manifests`, each by its number in their order. What does not fit in
    memory goes to `folder`.

    Attributes:
        connection: The connection of DuckDB.
        summaries: Makes the summaries of the days that are written again.
    """

    def __init__(self, dataset: DatasetFolder, manifests: Sequence[Manifest], folder: str) -> None:
        duckdb = load_duckdb()
        self.summaries = DaySummaries(dataset)
        self._dataset, self._manifests = dataset, manifests
        self._errors = (duckdb.IOException, duckdb.InvalidInputException, UnicodeDecodeError)
        self.connection: Any = duckdb.connect(
            config={
                "memory_limit": _MEMORY,
                "temp_directory": folder,
                "python_enable_replacements": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self.connection.execute("CREATE TABLE files (path VARCHAR, manifest BIGINT, date VARCHAR)")
        files = [
            (dataset.join(part.path), number, manifest.date)
            for number, manifest in enumerate(manifests)
            for part in manifest.parts
        ]
        self._insert("files", files)
        self.connection.execute("CREATE TABLE manifests (number BIGINT, is_settled BOOLEAN)")

    def close(self) -> None:
        """Close the connections."""
        self.summaries.close()
        self.connection.close()

    def note_settled(self, settled: Iterable[tuple[int, bool]]) -> None:
        """Let the table `manifests` say of each number whether its manifest was put together with others before."""
        self.connection.execute("DELETE FROM manifests")
        self._insert("manifests", [*settled])

    def note_seeds(self, units: Iterable[str]) -> None:
        """Let the table `seeds` have these units."""
        self.connection.execute("CREATE OR REPLACE TABLE seeds (unit VARCHAR)")
        self._insert("seeds", [(unit,) for unit in units])

    def find_times(self) -> dict[int, tuple[int, int]]:
        """Return the first and the last time of records, by the number of the manifest, of those that have some."""
        paths = list_paths(self._dataset, self._manifests, "trace_sessions")
        found = self.run("manifest_times", paths=paths) if paths else []
        return {number: (since, until) for number, since, until in found if since is not None and until is not None}

    def name_relation(self, table: DatasetTable, numbers: Collection[int]) -> str:
        """Return SQL in brackets for the rows of a table in these manifests, with `manifest` and `unit`: NULL for
        tables that are not `UNITED`."""
        paths = list_paths(self._dataset, [self._manifests[number] for number in sorted(numbers)], table.name)
        unit = UNIT if table.name in UNITED else "NULL"
        rows = name_files(table, paths)
        return f"(SELECT p.*, f.manifest, {unit} AS unit FROM {rows} AS p JOIN files AS f ON f.path = p.filename)"

    def show(self, names: Iterable[str], numbers: Collection[int]) -> None:
        """Let the views `_NAME` be the rows of these tables in these manifests.

        Raises:
            DamagedFileError: A part is missing or cannot be read.
        """
        for name in names:
            relation = self.name_relation(TABLES[name], numbers)
            with self.reading():
                self.connection.execute(f"CREATE OR REPLACE VIEW _{name} AS SELECT * FROM {relation}")

    def count_recounted(self, numbers: Collection[int], fresh: Sequence[str]) -> int:
        """Return how many contested calls count in the `fresh` files of calls and not in these manifests, or the other
        way round."""
        table = TABLES["llm_interactions"]
        self.show([table.name], numbers)
        self.connection.execute(f"CREATE OR REPLACE VIEW fresh_calls AS SELECT * FROM {name_files(table, fresh)}")
        ((changed,),) = self.run("recounted_calls")
        return int(changed)

    def run(self, name: str, **values: Any) -> list[tuple[Any, ...]]:
        """Run sql/engines/duckdb/compaction/NAME.sql, and return its rows.

        Raises:
            DamagedFileError: A part is missing or cannot be read.
        """
        with self.reading():
            found: list[tuple[Any, ...]] = self.connection.execute(
                read_engine_text("duckdb", "compaction", name), values or None
            ).fetchall()
        return found

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn the errors of DuckDB that a damaged part causes into that of this package."""
        try:
            yield
        except self._errors as error:
            raise DamagedFileError(
                f"{self._dataset.path}: a part cannot be read ({describe_error(error)}): copy it from a backup"
            ) from None

    def _insert(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        columns = [[*column] for column in zip(*rows, strict=True)]
        if columns:
            values = ", ".join("unnest(?)" for _ in columns)
            self.connection.execute(f"INSERT INTO {table} SELECT {values}", columns)


def name_files(table: DatasetTable, paths: Sequence[str]) -> str:
    """Return SQL for the rows of a table in files at absolute paths, with `filename`."""
    if paths:
        files = ", ".join(map(quote, paths))
        return f"read_parquet([{files}], filename = true, hive_partitioning = false)"
    return f"(SELECT {list_nulls(table)}, CAST(NULL AS VARCHAR) AS filename WHERE 1 = 0)"
