# SPDX-License-Identifier: Apache-2.0
"""Gives the calls of a file their cost: what `reprice` does. Outside of export, in batches that writers wait for only
shortly; what instrumentation has reported stays."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from otel_sqlite_exporter.genai.prices import PricedCall, find_price, load_prices, name_source
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.connection import transaction
from otel_sqlite_exporter.storage.database import open_file

_BATCH = 500


class Repricing(NamedTuple):
    """What was done: calls that were looked at, how many of them got another cost or status, how many are now of each
    status (those that report their cost included), which prices, and seconds."""

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
    """Price the calls that have no cost yet; with `everything`, also those that were priced before. Calls that run are
    left out. `progress` is told how many calls are done, of how many.

    Each batch is one transaction. Stopped half-way, it goes on where it stood when it is run again.

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
                rows = connection.execute(read_query("find_unpriced"), chosen).fetchall()
                costs = []
                for cost_usd, cost_status, *columns in rows:
                    call = PricedCall(*columns)
                    price = find_price(call)
                    if price != (cost_usd, cost_status):
                        costs.append([call.id, *price])
                if costs:
                    priced = {"costs": orjson.dumps(costs).decode(), "price_source": source, "price_date": date}
                    connection.execute(read_query("set_costs"), priced)
            if not rows:
                break
            calls, changed, last = calls + len(rows), changed + len(costs), rows[-1][2]
            progress(calls, max(total, calls))
        counts = Counter(dict(connection.execute(read_query("count_cost_statuses")).fetchall()))
    return Repricing(
        calls,
        changed,
        exact=counts["exact"],
        partial=counts["partial"],
        unpriced=counts["unpriced"],
        reported=counts["reported"],
        price_source=source,
        seconds=time.monotonic() - began,
    )
