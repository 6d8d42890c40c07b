# SPDX-License-Identifier: Apache-2.0
"""The data points that a run of `delete` is still to remove, as the file notes them: by series and range of time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

import orjson

from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.removal.removed_records import PointCut

_AT_ONCE = 2_000
"""Series that one transaction notes."""
_LOOKS = 64
"""Series of which one step removes points."""


def mark_points(connection: sqlite3.Connection, key: int, rule: DeletionRule, rest: Callable[[float], object]) -> None:
    """Note the series that were chosen as what the run `key` is to remove points of, in short transactions, after each
    of which `rest` is called with the seconds that it held the file."""
    values = {"deletion": key, "since": rule.since, "until": rule.until, "after": 0, "limit": _AT_ONCE}
    while True:
        with transaction(connection):
            began = time.perf_counter()
            noted = connection.execute(read_query("mark_series"), values).fetchall()
        if not noted:
            return
        values["after"] = max(series for (series,) in noted)
        rest(time.perf_counter() - began)


class MarkedPoints:
    """What one run is still to remove."""

    def __init__(self, connection: sqlite3.Connection, key: int) -> None:
        self._connection = connection
        self._key = key
        self._done: list[int] = []

    def count(self) -> int:
        """Return how many points were chosen of the series that are left."""
        of_run = "SELECT ifnull(sum(points), 0) FROM _deletion_series WHERE deletion = ?"
        return int(self._connection.execute(of_run, (self._key,)).fetchone()[0])

    def take(self, most: int) -> list[PointCut] | None:
        """Return points to remove, no more than about `most`; None: none is left. `forget_taken` notes in the same
        transaction that they have gone."""
        values = {"deletion": self._key, "limit": _LOOKS, "most": most}
        (found,) = self._connection.execute(read_query("find_marked_points"), values).fetchone()
        cuts: list[PointCut] = []
        self._done = []
        for id, series, since, before, points, is_all in orjson.loads(found):
            if sum(cut.points for cut in cuts) >= most:
                break
            cuts.append(PointCut(series, since, before, (), points))
            if is_all:
                self._done.append(id)
        return cuts or None

    def forget_taken(self) -> None:
        """Note that what was taken has gone."""
        taken = "DELETE FROM _deletion_series WHERE id IN (SELECT t.value FROM json_each(?) AS t)"
        self._connection.execute(taken, (orjson.dumps(self._done).decode(),))
