# SPDX-License-Identifier: Apache-2.0
"""Takes sums and times of rows of `_trace_sessions` anew, where they cannot be added to and taken from.

The times of such a row may be wider than those of its records, by those of records that it lost to another row of its
trace. As long as both show the same session, neither the trace nor the session shows other times by that; so most rows
that lose their last record need not be read through for the one before it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from otel_sqlite_exporter.write.statements import run_query, run_script


@dataclass(slots=True)
class Recount:
    """Rows of `_trace_sessions`, by key. `replaced` lost or got a span that another version replaces, so that all they
    sum up is to be taken anew. `left` lost records to a row that shows another session. `restarted` have a span that
    starts at another time than it did, so that no row of their trace may keep the time it had."""

    replaced: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    restarted: set[int] = field(default_factory=set)

    def run(self, connection: sqlite3.Connection, moved: Iterable[int], lost: Sequence[int]) -> None:
        """Bring to date what a batch has changed otherwise than by adding to it: it is to be written. `moved` are the
        rows that show another session than before, `lost` the sessions that they showed."""
        left = self.left.union(moved)
        if left or self.restarted:
            (wide,) = run_query(connection, "find_wide_times", left=left, restarted=self.restarted).fetchone()
            self.replaced.update(orjson.loads(wide))
        recounted = list(self.replaced)
        if recounted:
            run_script(connection, "recount_replaced", trace_sessions=recounted)
        if lost or recounted:
            run_script(connection, "update_session_times", ids=lost, trace_sessions=recounted)
