# SPDX-License-Identifier: Apache-2.0
"""Notes what changes in days that `archive` has read, where no new id tells it. A file that is in no dataset has
nothing to note."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Collection, Iterable

from otel_sqlite_exporter.write.statements import run_query

DAY_NS = 86_400_000_000_000


def note_rewritten(
    connection: sqlite3.Connection,
    *,
    spans: Collection[int] = (),
    calls: Collection[int] = (),
    events: Collection[int] = (),
) -> None:
    """Note in the caller's transaction that spans were replaced, calls derived or priced again, or records paired
    otherwise: keys of `_spans`, `_llm_interactions` and `_events`."""
    if spans or calls or events:
        run_query(connection, "note_rewritten", spans=spans, calls=calls, events=events)


def note_late(connection: sqlite3.Connection, times_unix_nano: Iterable[int]) -> None:
    """Note in the caller's transaction the data points or marks of these times: of those before today, which come
    seldom."""
    today = time.time_ns() // DAY_NS * DAY_NS
    days = Counter(one // DAY_NS for one in times_unix_nano if one < today)
    if days:
        run_query(connection, "note_late", days=[*days.items()])
