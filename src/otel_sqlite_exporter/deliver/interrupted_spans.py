# SPDX-License-Identifier: Apache-2.0
"""Ends the open spans of processes that have ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from otel_sqlite_exporter.storage.open_work import OpenRun, find_open_runs
from otel_sqlite_exporter.storage.system.process import is_alive
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.statements import read_json, run_script
from otel_sqlite_exporter.write.sums import recount


def interrupt_spans(
    connection: sqlite3.Connection, is_gone: Callable[[OpenRun], bool] = lambda run: is_alive(run.process) is False
) -> int:
    """Mark the open spans of runs that `is_gone` as interrupted and return their number. Their end is when that run
    last wrote. By default a run is gone if its process is known to have ended: a process on another machine or in
    another container is left alone.

    Raises:
        sqlite3.Error: The file cannot be written now; it is unchanged.
    """
    if not any(map(is_gone, find_open_runs(connection))):
        return 0
    with transaction(connection):
        gone = [run for run in find_open_runs(connection) if is_gone(run)]
        spans, trace_sessions = read_json(connection, "find_open_spans", runs=[run.id for run in gone])
        run_script(connection, "interrupt_spans", spans=spans)
        run_script(connection, "end_open_spans", ids=spans)
        recount(connection, trace_sessions)
    return sum(run.spans for run in gone)
