# SPDX-License-Identifier: Apache-2.0
"""The tokens and the cost of a session, by one or two groups."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.reports import ReportResult, run_report


class SessionUsage(NamedTuple):
    """Sums over the calls that count: a row for each group. `total` counts all rows; None: it was not counted."""

    rows: Sequence[dict[str, Any]]
    total: int | None


def read_usage(connection: sqlite3.Connection, session_id: str, group_by: Sequence[str]) -> SessionUsage:
    """Return the sums of a session, given by its id, with the columns of the reports `tokens` and `cost`."""
    tokens, cost = (_run(connection, name, session_id, group_by) for name in ("tokens", "cost"))
    groups = len(group_by)
    costs = {row[:groups]: dict(zip(cost.columns, row, strict=True)) for row in cost.rows}
    rows = [{**dict(zip(tokens.columns, row, strict=True)), **costs.get(row[:groups], {})} for row in tokens.rows]
    return SessionUsage(rows, tokens.total)


def read_tokens(connection: sqlite3.Connection, session_id: str, group: str) -> list[dict[str, Any]]:
    """Return the sums of tokens alone, by one group."""
    tokens = _run(connection, "tokens", session_id, [group])
    return [dict(zip(tokens.columns, row, strict=True)) for row in tokens.rows]


def _run(connection: sqlite3.Connection, name: str, session_id: str, group_by: Sequence[str]) -> ReportResult:
    return run_report(
        connection,
        name,
        since=None,
        until=None,
        group_by=group_by,
        limit=None,
        timezone="UTC",
        filters={"session_id": session_id},
        dialects=(),
    )
