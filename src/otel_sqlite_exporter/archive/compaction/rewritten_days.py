# SPDX-License-Identifier: Apache-2.0
"""Writes the parts of a day again: the rows of its old parts without what is contested, and the rows of records that
were taken in again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from otel_sqlite_exporter.archive.asking.engine_views import quote
from otel_sqlite_exporter.archive.compaction.fresh_rows import FreshRows
from otel_sqlite_exporter.archive.compaction.part_relations import UNITED, PartRelations
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import MERGED, DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import SUMMARIES, TABLES, DatasetTable
from otel_sqlite_exporter.archive.dataset_format.manifests import HOLDS, Manifest, Part
from otel_sqlite_exporter.archive.dataset_format.part_files import check_part, write_part
from otel_sqlite_exporter.archive.day_rows.day_facts import DayFacts
from otel_sqlite_exporter.archive.day_rows.same_points import unite_rows
from otel_sqlite_exporter.version import __version__

SETTLED = "settled"
"""The fact of a manifest that its records were put together with all others."""
Keep = Mapping[str, Callable[[Any], Any]]
"""By table, which rows of a record batch to keep."""
_PIECE_BYTES = 384 << 20
_BATCH_BYTES = 64 << 20
_BATCH_ROWS = 122_880
_GROWTH = 8
"""How many bytes a row takes in memory for each that it takes in a part, about."""


class DayRewriter:
    """Writes parts of days from those of `manifests`, with `fresh` rows of what is contested. `keep` chooses the rows
    of tables that do not belong to units: of each record batch, it returns one with those to keep."""

    def __init__(
        self,
        dataset: DatasetFolder,
        manifests: Sequence[Manifest],
        relations: PartRelations,
        fresh: FreshRows,
        keep: Keep,
    ) -> None:
        self._dataset, self._manifests, self._relations = dataset, manifests, relations
        self._fresh, self._keep = fresh, keep

    def rewrite(self, date: str, numbers: Collection[int], generation: int) -> Manifest:
        """Write all parts of a day, durably, and return the manifest that lets them hold instead of those of these
        manifests. It is not committed.

        Raises:
            DamagedFileError: A part cannot be read, or is not what its manifest says.
            OSError: A part cannot be written.
        """
        for number in numbers:
            for part in self._manifests[number].parts:
                check_part(self._dataset, part)
        noted, parts = DayFacts(), list[Part]()
        for table in TABLES.values():
            if table.name not in SUMMARIES:
                parts += self._write(table, date, numbers, generation, noted)
        for name in SUMMARIES:
            summary = self._relations.summaries.summarise(parts, name)
            parts += self._write_pieces(TABLES[name], date, generation, [summary])
        old = [self._manifests[number] for number in sorted(numbers)]
        names = tuple(one.name for one in old)
        return Manifest(MERGED, date, generation, tuple(parts), names, __version__, join_facts(old) | noted.tell())

    def _write(
        self, table: DatasetTable, date: str, numbers: Collection[int], generation: int, noted: DayFacts
    ) -> list[Part]:
        old = [part for number in numbers for part in self._manifests[number].parts if part.table == table.name]
        fresh = self._fresh.get((table.name, date))
        if not old and fresh is None:
            return []
        row_bytes = max(1, sum(part.bytes for part in old) // max(1, sum(part.rows for part in old)))
        relation = self._relations.name_relation(table, numbers)
        batches = noted.note(table.name, self._read(table, relation, fresh, row_bytes))
        return self._write_pieces(table, date, generation, cut(batches, max(_BATCH_ROWS, _PIECE_BYTES // row_bytes)))

    def _read(self, table: DatasetTable, relation: str, fresh: str | None, row_bytes: int) -> Iterator[Any]:
        connection = self._relations.connection
        if table.name not in UNITED:
            choose = self._keep.get(table.name, lambda batch: batch)
            with self._relations.reading():
                for batch in unite_rows(connection, table.name, f"(SELECT *, manifest AS _part FROM {relation})"):
                    yield choose(batch)
            return
        columns = ", ".join(f'"{name}"' for name in table.columns)
        order = ", ".join(f'"{name}" NULLS FIRST' for name in table.sort)
        kept = f"SELECT {columns} FROM {relation} AS r ANTI JOIN contested AS c ON c.unit = r.unit"
        if fresh is not None:
            kept += f" UNION ALL SELECT {columns} FROM read_parquet({quote(fresh)}, hive_partitioning = false)"
        rows = max(1_024, min(_BATCH_ROWS, _BATCH_BYTES // (row_bytes * _GROWTH)))
        with self._relations.reading():
            yield from connection.sql(f"{kept} ORDER BY {order}").to_arrow_reader(rows)

    def _write_pieces(
        self, table: DatasetTable, date: str, generation: int, pieces: Iterable[Iterable[Any]]
    ) -> list[Part]:
        parts = []
        for number, piece in enumerate(pieces):
            path = self._dataset.name_part(table.name, date, MERGED, generation, number)
            part = write_part(self._dataset, path, table, date, piece)
            if part is not None:
                parts.append(part)
        return parts


def cut(batches: Iterable[Any], rows: int) -> Iterator[Iterator[Any]]:
    """Yield the record batches in pieces of at least `rows` rows, the last one with the rest. Take each piece whole
    before the next."""
    source = iter(batches)

    def take(first: Any) -> Iterator[Any]:
        taken = 0
        for batch in chain([first], source):
            taken += batch.num_rows
            yield batch
            if taken >= rows:
                return

    for first in source:
        yield take(first)


def join_facts(old: Iterable[Manifest]) -> dict[str, Any]:
    """Return the facts of a manifest with what older ones held."""
    facts: dict[str, Any] = {SETTLED: True, HOLDS: []}
    for one in old:
        facts[HOLDS] = sorted({*facts[HOLDS], *one.facts.get(HOLDS, [one.name])})
    return facts
