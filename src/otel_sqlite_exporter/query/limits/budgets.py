# SPDX-License-Identifier: Apache-2.0
"""Compares the sum of a report with a budget, for example in CI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.filter_values import parse_number
from otel_sqlite_exporter.query.reports import REPORTS, ReportSource
from otel_sqlite_exporter.show.units import format_number

_ALL, _DIGITS = 2**31 - 1, 6
_LACKING = {
    "cost_usd": ("call has no known cost, or only a part of one", "calls have no known cost, or only a part of one"),
    "total_tokens": ("call reports no tokens", "calls report no tokens"),
}


class BudgetCheck(NamedTuple):
    """Whether the sum is more than the budget, and a sentence if it is, or if the sum is not the whole."""

    is_exceeded: bool
    sentence: str


def check_budget(database: ReportSource, name: str, budget: float, criteria: Mapping[str, Any]) -> BudgetCheck:
    """Compare the sum of all rows of a report, however many are shown, with a budget in the unit of the column.

    Raises:
        FilterError: The report has nothing to sum, or the budget is not a finite number.
    """
    parse_number("fail_above", budget)
    column = REPORTS[name].budget
    if column is None:
        named = ", ".join(other for other, report in REPORTS.items() if report.budget)
        raise FilterError("fail_above", f"the report {name} has no sum: give one of {named}")
    rows = database.run_report(name, limit=_ALL, **criteria).to_dicts()
    total = sum(row[column] or 0 for row in rows)
    lacking = sum(map(_count_lacking, rows))
    sum_, most = (format_number(float(number), _DIGITS) for number in (total, budget))
    measured = f"{column} of the report {name}: {'at least ' if lacking else ''}{sum_}, allowed: {most}"
    if lacking:
        measured += f" ({count(lacking, *_LACKING[column])})"
    if total > budget:
        return BudgetCheck(True, f"too much: {measured}")
    return BudgetCheck(False, measured if lacking else "")


def _count_lacking(row: Mapping[str, Any]) -> int:
    """Return how many calls of a row have no part in its sum, or only with a part."""
    if "unpriced_calls" in row:
        return int(row["unpriced_calls"])
    return int(row["calls"] - row["reported"]) if "reported" in row else 0
