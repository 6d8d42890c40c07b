# SPDX-License-Identifier: Apache-2.0
"""Removes many records in short transactions, between which others write."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.removal.due_work import DueWork
from otel_sqlite_exporter.write.removal.record_removal import remove_step
from otel_sqlite_exporter.write.removal.removed_records import RecordsToRemove, RemovedCounts
from otel_sqlite_exporter.write.removal.settling import settle
from otel_sqlite_exporter.write.removal.step_sizes import StepSize


def remove_in_steps(
    connection: sqlite3.Connection,
    settings: Settings,
    choose: Callable[[int], RecordsToRemove | None],
    note: Callable[[RemovedCounts], None] = lambda counts: None,
    budget_s: float = 0.025,
    rest: Callable[[float], None] = time.sleep,
) -> RemovedCounts:
    """Remove the records that `choose` returns, again and again until it returns None, each time in one transaction,
    and return how many rows that took away in all.

    `choose` is called in the transaction with the number of records to return; a few more are no harm. `note` is called
    in it with what a step has removed. The number of records adapts so that a step takes about `budget_s` seconds.
    After each step `rest` is called with the seconds for which it held the lock. Stopped between two steps, or killed
    at any time, it leaves a file without the records of the steps so far; call it again for the others. Until then
    times, session and user of a trace or session that keeps more than a thousand records may be those of removed ones.

    Raises:
        sqlite3.Error: A step failed, and was rolled back.
    """
    total, size = RemovedCounts(), StepSize(budget_s)
    while True:
        with transaction(connection):
            began = time.perf_counter()
            chosen = choose(size.records)
            if chosen is not None:
                counts = remove_step(connection, settings, chosen, DueWork(connection))
                note(counts)
        if chosen is None:
            settle(connection, settings, rest)
            return total
        held = time.perf_counter() - began
        total = total.add(counts)
        size.adapt(held)
        rest(held)
