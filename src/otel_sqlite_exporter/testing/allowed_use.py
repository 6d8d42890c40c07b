# SPDX-License-Identifier: Apache-2.0
"""What a test may use: the budgets of the marker and of `check_budget`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.show.units import format_number


class RecordedUse(NamedTuple):
    """What a test has used. `unpriced` counts the model calls whose cost is not known."""

    cost_usd: float
    calls: int
    tools: int
    tokens: int
    failed_calls: int
    failed_tools: int
    duration_ms: float
    unpriced: int


BUDGETS = RecordedUse._fields[:-1]
"""What can be limited."""


class BudgetExceededError(AssertionError):
    """A test used more than it may."""


def check_use(use: RecordedUse, budget: Mapping[str, float | None]) -> None:
    """Raise if more was used than `budget` allows; None allows anything.

    Raises:
        BudgetExceededError: It names each limit that is exceeded. So is a limit of the cost if a call has no price.
        TypeError: There is no such budget, or it is no number.
    """
    for name, limit in budget.items():
        if name not in BUDGETS:
            raise TypeError(f"there is no budget {name}: give {', '.join(BUDGETS)}")
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, (int, float))):
            raise TypeError(f"the budget {name} is {limit!r}: give a number")
    told = [*_find_exceeded(use, budget)]
    if told:
        raise BudgetExceededError(f"more than the telemetry budget: {'; '.join(told)}")


def _find_exceeded(use: RecordedUse, budget: Mapping[str, float | None]) -> Iterator[str]:
    for name, limit in budget.items():
        used = getattr(use, name)
        if limit is not None and used > limit:
            yield f"{name} {format_number(used)}, allowed {format_number(limit)}"
    if budget.get("cost_usd") is not None and use.unpriced:
        yield (
            f"{count(use.unpriced, 'call has', 'calls have')} no known price, so the cost may be higher: install "
            "otel-sqlite-exporter[cost], or take cost_usd out"
        )
