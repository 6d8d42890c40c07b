# SPDX-License-Identifier: Apache-2.0
"""What a test may use: the budgets of the marker and of `check_budget`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.show.units import format_number


class RecordedUse(NamedTuple):
    """What a test has used. `unpriced` counts the model calls whose cost is not known, and `spans` all spans."""

    cost_usd: float
    calls: int
    tools: int
    tokens: int
    failed_calls: int
    failed_tools: int
    duration_ms: float
    unpriced: int
    spans: int


BUDGETS = RecordedUse._fields[:-2]
"""What can be limited."""


class NothingRecordedWarning(UserWarning):
    """A test has a budget, and recorded no span: its libraries may not be instrumented."""


class BudgetExceededError(AssertionError):
    """A test used more than it may."""


def check_use(use: RecordedUse, budget: Mapping[str, float | None]) -> None:
    """Raise if more was used than `budget` allows; None allows anything.

    Raises:
        BudgetExceededError: It names each limit that is exceeded. So is a limit of the cost if a call has no price.
        TypeError: There is no such budget, or it is no number.
    """
    __tracebackhide__ = True
    for name, limit in budget.items():
        if name not in BUDGETS:
            raise TypeError(f"there is no budget {name}: give {', '.join(BUDGETS)}")
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, (int, float))):
            raise TypeError(f"the budget {name} is {limit!r}: give a number")
    told = [*_find_exceeded(use, budget)]
    if told:
        raise BudgetExceededError(f"more than the telemetry budget: {'; '.join(told)}")


def find_doubt(use: RecordedUse, budget: Mapping[str, float | None]) -> str | None:
    """Return why the budget may say nothing: no span was recorded; None: some were, or `calls` or `tokens` may be none
    at all."""
    expects_none = any(budget.get(name) == 0 for name in ("calls", "tokens"))
    if use.spans or expects_none:
        return None
    return "the telemetry budget saw no spans: is the library instrumented? see docs/testing.md"


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
