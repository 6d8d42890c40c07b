# SPDX-License-Identifier: Apache-2.0
"""Keeps the computed cost of a call that is rewritten, if the values that it is priced by did not change."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from otel_sqlite_exporter.write.statements import run_query

_NO_COST = (None, None, None, None)


class CallCost(NamedTuple):
    """A call and its cost: a row of queries/find_costs.sql. The last values are its span, and
    the fields of `PricedCall` after the id."""

    id: int
    is_own: int
    is_hidden: int
    cost: tuple[Any, ...]
    span_and_inputs: tuple[Any, ...]

    @property
    def is_computed(self) -> bool:
        """Whether the cost was computed from a price."""
        return self.cost[1] not in (None, "reported")


class SavedCosts:
    """The computed costs of the calls of some records (ids of `_spans` and `_logs`). Made before the records are
    rewritten; `restore` writes the costs back."""

    def __init__(self, connection: sqlite3.Connection, spans: Collection[int], logs: Collection[int]) -> None:
        self._connection = connection
        self._own: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
        self._others: dict[int, tuple[Any, ...]] = {}
        for call in read_costs(self._connection, spans, logs):
            if not call.is_computed:
                continue
            if call.is_own:
                self._own[call.span_and_inputs].append(call.cost)
            else:
                self._others[call.id] = call.span_and_inputs

    def restore(self, spans: Collection[int], logs: Collection[int]) -> int:
        """Give the calls of the rewritten records their former costs; return the number of calls without one."""
        costs = []
        left = 0
        for call in read_costs(self._connection, spans, logs, self._others.keys()):
            cost = _NO_COST
            if call.is_own and call.cost[1] is None:
                kept = self._own.get(call.span_and_inputs)
                cost = kept.pop(0) if kept else _NO_COST
            elif call.is_own or not call.is_computed or self._others.get(call.id) == call.span_and_inputs:
                continue
            left += cost is _NO_COST and not call.is_hidden
            costs.append((call.id, *cost))
        run_query(self._connection, "set_costs", costs=costs)
        return left


def read_costs(
    connection: sqlite3.Connection, spans: Collection[int] = (), logs: Collection[int] = (), calls: Collection[int] = ()
) -> Iterator[CallCost]:
    """Yield the costs of the calls of these rows of `_spans` and `_logs`, of calls that start there, and of `calls`."""
    found = run_query(connection, "find_costs", spans=spans, logs=logs, calls=calls).fetchall()
    for id, is_own, is_hidden, *rest in found:
        yield CallCost(id, is_own, is_hidden, tuple(rest[:4]), tuple(rest[4:]))
