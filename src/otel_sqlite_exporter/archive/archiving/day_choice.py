# SPDX-License-Identifier: Apache-2.0
"""How a day that changed is written again: whole, in place of what is there, if the file still has all of that; else
what changed, beside it. Then `compact` puts both together."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from otel_sqlite_exporter.archive.archive_packages import load_pyarrow
from otel_sqlite_exporter.archive.archiving.changed_days import DayChanges, Running
from otel_sqlite_exporter.archive.archiving.closed_days import count_logs
from otel_sqlite_exporter.archive.archiving.noted_days import NotedDay
from otel_sqlite_exporter.archive.dataset_format.dataset_days import bound_day, find_times
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest
from otel_sqlite_exporter.archive.dataset_format.part_files import read_part
from otel_sqlite_exporter.archive.day_rows.point_days import count_points
from otel_sqlite_exporter.sql.texts import read_query

_PIECE = 5_000
_OF_POINTS = frozenset(("metrics", "exemplars", "marks"))
"""The tables that belong to a day by their own time alone."""


@dataclass(frozen=True, slots=True)
class DayChoice:
    """Which rows of a day are written, and what they replace.

    Attributes:
        replaces: The names of manifests.
        left_out: Ids of traces that are not written.
        only: If given, the ids of the traces that are written; and without a trace, log records if `with_logs`, data
            points and marks if `with_points`.
    """

    replaces: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    with_logs: bool = True
    with_points: bool = True

    def count(self, connection: sqlite3.Connection, day: int) -> dict[str, int]:
        """Return how many `spans`, `logs` and `points` the file has of what is written."""
        times = find_times(day)
        chosen = {"only": _dump(self.only), "left_out": _dump(self.left_out)}
        spans, logs = connection.execute(read_query("count_records_of_day"), times | chosen).fetchone()
        logs += count_logs(connection, day) if self.with_logs else 0
        return {"spans": spans, "logs": logs, "points": count_points(connection, *bound_day(day)) * self.with_points}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be written."""
        return self.traces is not None and not self.traces

    @property
    def traces(self) -> Collection[str] | None:
        """The traces that are to be read; None: the whole day."""
        return None if self.only is None or self.with_logs or self.with_points else self.only - self.left_out

    def sift(self, table: str, batches: Iterator[Any]) -> Iterator[Any]:
        """Yield the rows of a table that are written."""
        if table in _OF_POINTS:
            return batches if self.with_points else iter(())
        if self.only is None and not self.left_out:
            return batches
        return (batch.filter(self._choose(batch)) for batch in batches)

    def _choose(self, batch: Any) -> Any:
        arrow = load_pyarrow()
        ids = arrow.compute.fill_null(batch.column("trace_id"), "")
        chosen = arrow.compute.invert(arrow.compute.is_in(ids, arrow.array([*self.left_out], arrow.string())))
        if self.only is None:
            return chosen
        wanted = [*self.only, ""] if self.with_logs else [*self.only]
        return arrow.compute.and_(chosen, arrow.compute.is_in(ids, arrow.array(wanted, arrow.string())))


def _dump(ids: Collection[str] | None) -> str | None:
    return None if ids is None else json.dumps([*ids])


def choose_rows(
    connection: sqlite3.Connection,
    dataset: DatasetFolder,
    day: int,
    changes: DayChanges | None,
    running: Running,
    noted: Sequence[NotedDay],
    manifests: Sequence[Manifest],
) -> DayChoice:
    """Return what is written of a day: all but traces that run, if it is new (`changes` is None). `noted` are its rows
    in the file, `manifests` those that hold and are of this file. The caller reads one moment of the file."""
    left_out = frozenset(trace_id for trace_id, _ in running.values())
    if changes is None:
        return DayChoice((), left_out)
    if _has_all(connection, dataset, day, left_out, noted, manifests):
        return DayChoice((manifests[0].name,), left_out)
    return DayChoice((), left_out, frozenset(changes.traces), changes.has_logs, changes.has_points)


def _has_all(
    connection: sqlite3.Connection,
    dataset: DatasetFolder,
    day: int,
    running: Collection[str],
    noted: Sequence[NotedDay],
    manifests: Sequence[Manifest],
) -> bool:
    """Return whether the file still has all that its manifest of the day holds."""
    if len(noted) != 1 or len(manifests) != 1 or noted[0].manifest != manifests[0].name:
        return False
    row, manifest = noted[0], manifests[0]
    archived = _read_traces(dataset, manifest)
    if not archived.keys().isdisjoint(running):
        return False
    if not connection.execute(read_query("count_removals"), {"since": row.time_unix_nano}).fetchone()[0]:
        return True
    times = find_times(day)
    if count_points(connection, *bound_day(day)) - row.late_records < row.points:
        return False
    (logs,) = connection.execute(read_query("count_older_logs"), times | {"log": row.last.log}).fetchone()
    if logs < row.logs - sum(of_trace for _, of_trace in archived.values()):
        return False
    return all(_has_traces(connection, piece, row) for piece in _cut(archived))


def _has_traces(connection: sqlite3.Connection, archived: Mapping[str, tuple[int, int]], row: NotedDay) -> bool:
    asked = {"traces": json.dumps([*archived]), "record": row.last.record, "log": row.last.log}
    found = {id: counts for id, *counts in connection.execute(read_query("count_older_records"), asked)}
    return all(id in found and found[id][0] >= spans and found[id][1] >= logs for id, (spans, logs) in archived.items())


def _read_traces(dataset: DatasetFolder, manifest: Manifest) -> dict[str, tuple[int, int]]:
    """Return the numbers of spans and log records of the traces that a manifest holds."""
    found: dict[str, tuple[int, int]] = {}
    for part in manifest.parts:
        if part.table == "traces":
            columns = read_part(dataset, part, ("trace_id", "spans", "logs"))
            ids, spans, logs = (column.to_pylist() for column in columns.columns)
            found.update(zip(ids, zip(spans, logs, strict=True), strict=True))
    return found


def _cut(archived: Mapping[str, tuple[int, int]]) -> Iterator[dict[str, tuple[int, int]]]:
    items = iter(archived.items())
    while piece := dict(islice(items, _PIECE)):
        yield piece
