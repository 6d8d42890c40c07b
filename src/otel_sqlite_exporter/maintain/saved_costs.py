# SPDX-License-Identifier: Apache-2.0
"""Keeps the computed cost of a call that is rewritten, if the values that it is priced by did not change."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from otel_sqlite_exporter.write.call_prices import read_costs
from otel_sqlite_exporter.write.statements import run_query


class SavedCosts:
    """The computed costs of the calls of some records (ids of `_spans` and `_logs`), and of those that start there.
    Made before the records are rewritten; `restore` writes the costs back."""

    def __init__(self, connection: sqlite3.Connection, spans: Collection[int], logs: Collection[int]) -> None:
        self._connection = connection
        self._own: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
        self._others: dict[int, tuple[tuple[Any, ...], tuple[Any, ...]]] = {}
        for call in read_costs(self._connection, spans=spans, logs=logs):
            if not call.is_computed:
                continue
            if call.is_own:
                self._own[call.span_and_inputs].append(call.cost)
            else:
                self._others[call.id] = (call.span_and_inputs, call.cost)

    def restore(self, spans: Collection[int], logs: Collection[int]) -> int:
        """Give the calls their former costs, and return the number of calls of these records without one."""
        costs = []
        left = 0
        for call in read_costs(self._connection, spans=spans, logs=logs, calls=self._others.keys()):
            if call.cost[1] == "reported":
                continue
            cost = None
            if not call.is_own:
                inputs, former = self._others.get(call.id, ((), ()))
                cost = former if inputs == call.span_and_inputs else None
            elif kept := self._own.get(call.span_and_inputs):
                cost = kept.pop(0)
            if cost:
                costs.append((call.id, *cost))
            else:
                left += call.is_due and call.cost[1] is None
        run_query(self._connection, "set_costs", costs=costs)
        return left
