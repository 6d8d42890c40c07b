# SPDX-License-Identifier: Apache-2.0
"""`reprice`: computes the cost of the calls in a file that were written without, or by other prices. In batches that
delay writers only shortly. Reported costs stay."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from otel_sqlite_exporter.genai.prices import load_prices, name_source
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.call_prices import read_costs
from otel_sqlite_exporter.write.row_tables.archive_notes import note_rewritten
from otel_sqlite_exporter.write.statements import run_query

_BATCH = 500


class Repricing(NamedTuple):
    """The result of `reprice`.

    Attributes:
        calls: Calls that were looked up.
        changed: Those that got another cost or status.
        exact: Calls of the file with this status now; so are `partial`, `unpriced` and `reported`.
        price_source: The prices that were used.
        seconds: How long it took.
    """

    calls: int
    changed: int
    exact: int
    partial: int
    unpriced: int
    reported: int
    price_source: str
    seconds: float


def reprice(
    settings: Settings, *, everything: bool = False, progress: Callable[[int, int], None] = lambda done, of: None
) -> Repricing:
    """Price the calls without a cost; with `everything`, also those that were priced before. Open calls are left out.
    `progress` is called with the number of calls that are done, and of all.

    Each batch is one transaction. After an interruption the next run goes on there.

    Raises:
        MissingPackageError: genai-prices is not installed.
        FileRefusedError, MigrationFailedError: The file cannot be used as it is.
        sqlite3.Error: It cannot be written now.
    """
    began = time.monotonic()
    load_prices()
    source, date = name_source(), datetime.now(UTC).date().isoformat()
    calls = changed = last = 0
    with contextlib.closing(open_file(settings, must_exist=True)) as connection:
        (total,) = connection.execute(read_query("count_unpriced"), {"everything": everything}).fetchone()
        while True:
            with transaction(connection):
                chosen = {"everything": everything, "after": last, "limit": _BATCH}
                ids = orjson.loads(connection.execute(read_query("find_unpriced"), chosen).fetchone()[0])
                costs = []
                for call in read_costs(connection, calls=ids):
                    price = call.find_price()
                    if price != call.cost[:2]:
                        costs.append((call.id, *price, source, date))
                run_query(connection, "set_costs", costs=costs)
                note_rewritten(connection, calls=[id for id, *_ in costs])
            if not ids:
                break
            calls, changed, last = calls + len(ids), changed + len(costs), ids[-1]
            progress(calls, max(total, calls))
        counts = Counter(dict(connection.execute(read_query("count_cost_statuses")).fetchall()))
    exact, partial, unpriced, reported = (counts[status] for status in ("exact", "partial", "unpriced", "reported"))
    return Repricing(calls, changed, exact, partial, unpriced, reported, source, time.monotonic() - began)
