# SPDX-License-Identifier: Apache-2.0
"""Who calls whom: the pairs of services of which one has spans below spans of the other."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass
from typing import Any

from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.query.filter_values import parse_time
from otel_sqlite_exporter.query.sql_builder import check_limit
from otel_sqlite_exporter.sql.texts import read_query

LOOKED_AT = 100_000
"""The newest spans below others that are looked at: 0.3 s."""


@dataclass(frozen=True, slots=True)
class ServiceCalls:
    """The calls of one service by another.

    Attributes:
        calls: The number of spans of the callee right below a span of the caller.
        errors: Of these, those with status ERROR.
        p95_ms: At least 95% of those that have ended took at most this; None: none has ended.
        last_time_unix_nano: The start of the latest.
    """

    caller: str
    callee: str
    calls: int
    errors: int
    p95_ms: float | None
    max_ms: float | None
    last_time_unix_nano: int

    def to_dict(self) -> dict[str, Any]:
        """Return all fields. The result can be written as JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ServiceMap:
    """Pairs of services, those with most calls first. `is_whole`: no span of the range was left out."""

    pairs: tuple[ServiceCalls, ...]
    is_whole: bool


def read_service_calls(
    connection: sqlite3.Connection, *, since: Any = None, until: Any = None, limit: int = 500, scanned: int = LOOKED_AT
) -> ServiceMap:
    """Return up to `limit` pairs of services of spans that started at or after `since` and before `until`, among the
    newest `scanned` spans that have a parent.

    Raises:
        FilterError: A time or the limit cannot be used.
    """
    parameters = {
        "since": -LARGEST if since is None else parse_time("since", since),
        "until": LARGEST if until is None else parse_time("until", until),
    }
    asked = parameters | {"limit": check_limit(limit) + 1, "scanned": scanned}
    (_, _, seen, *_), *rows = connection.execute(read_query("find_service_calls"), asked).fetchall()
    is_whole = len(rows) <= limit and seen < scanned
    return ServiceMap(tuple(ServiceCalls(*row) for row in rows[:limit]), is_whole)
