# SPDX-License-Identifier: Apache-2.0
"""What a file notes of its days in a dataset: the table `_archives`. The caller holds the transaction."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.archive.dataset_format.dataset_days import name_day
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder, has_dataset
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest, name_manifest
from otel_sqlite_exporter.errors import MissingFileError
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.removal.used_ids import read_used_ids
from otel_sqlite_exporter.write.statements import encode_parameters, run_script

COUNTED = "file"
"""The fact of a manifest that tells how many `spans`, `logs` and `points` the file had of it."""


class LastIds(NamedTuple):
    """The last ids of a file: of spans, their finish records and events; of log records; and of traces that were
    rewritten."""

    record: int
    log: int
    rewrite: int

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> LastIds:
        """Return those of this moment, also where the rows are gone."""
        used = read_used_ids(connection)
        (rewrite,) = connection.execute(read_query("get_last_rewrite")).fetchone()
        return cls(used["records"], used["_logs"], rewrite)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> LastIds:
        """Return those that a manifest tells."""
        return cls(*(int(facts[name]) for name in ("last_record", "last_log", "last_rewrite")))

    def to_facts(self) -> dict[str, int]:
        """Return them as a manifest tells them."""
        return {"last_record": self.record, "last_log": self.log, "last_rewrite": self.rewrite}


class NotedDay(NamedTuple):
    """A row of `_archives`: a day, or one more generation of it."""

    id: int
    source: str
    day: int
    generation: int
    run_id: str
    is_complete: int
    last: LastIds
    late_records: int
    spans: int
    logs: int
    points: int
    time_unix_nano: int

    @property
    def manifest(self) -> str:
        """The name of the manifest."""
        return name_manifest(self.source, name_day(self.day), self.generation)


def _make_row(columns: Sequence[Any]) -> NotedDay:
    return NotedDay._make((*columns[:6], LastIds._make(columns[6:9]), *columns[9:]))


class NotedDays:
    """What a file notes of one dataset.

    Attributes:
        rows: All rows, of a day in the order of their generations.
        newest: The last complete generation of each day.
    """

    def __init__(self, connection: sqlite3.Connection, dataset: DatasetFolder) -> None:
        self._connection = connection
        self._dataset = dataset.name
        self.rows: list[NotedDay] = []
        self.newest: dict[int, NotedDay] = {}
        self.read()

    def read(self, connection: sqlite3.Connection | None = None) -> None:
        """Read what is noted now, by another connection if one is given."""
        found = (connection or self._connection).execute(read_query("list_archived_days"), {"dataset": self._dataset})
        self.rows = [_make_row(row) for row in found.fetchall()]
        self.newest = {row.day: row for row in self.rows if row.is_complete}

    def begin(self, source: str, day: int, generation: int, run_id: str) -> int:
        """Note that a day is being written, and return the row. From now on it counts what comes late."""
        values = {"dataset": self._dataset, "source": source, "day": day, "generation": generation, "run_id": run_id}
        done = self._connection.execute(read_query("begin_archive"), {**values, "time_unix_nano": time.time_ns()})
        return int(done.lastrowid or 0)

    def complete(self, id: int, manifest: Manifest) -> None:
        """Note that the manifest of a row is durable, and that those that it replaces are gone."""
        last = LastIds.from_facts(manifest.facts)
        values = {"id": id, **last.to_facts(), **manifest.facts[COUNTED]}
        self._connection.execute(read_query("complete_archive"), values)
        self.forget([row.id for row in self.rows if row.manifest in manifest.replaces])

    def advance(self, ids: Collection[int], last: LastIds) -> None:
        """Note that nothing of these rows changed up to these ids."""
        values = encode_parameters({"ids": ids}) | last.to_facts()
        self._connection.execute(read_query("advance_archives"), values)

    def forget(self, ids: Collection[int]) -> None:
        """Remove rows."""
        run_script(self._connection, "forget_archives", ids=ids)


def check_folder(connection: sqlite3.Connection, folder: str) -> None:
    """Refuse a folder without a dataset if the file has been archived elsewhere: it may not be mounted.

    Raises:
        MissingFileError: It has been.
    """
    is_archived = connection.execute(read_query("has_archives")).fetchone()[0]
    if is_archived and not has_dataset(folder):
        raise MissingFileError(
            folder,
            f"{folder}: there is no dataset, but this file was archived to one: is its disk mounted? To begin another "
            "dataset, archive to it once without --prune",
        )
