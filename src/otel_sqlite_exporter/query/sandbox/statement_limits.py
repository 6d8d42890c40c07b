# SPDX-License-Identifier: Apache-2.0
"""What a bounded statement may take, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.pages import TableResult

LONGEST_S = 30.0
MOST_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class StatementLimits:
    """How long a statement may run, in seconds up to 30, and how much it may return: rows up to 5,000, bytes of one row
    and of all.

    Raises:
        FilterError: `timeout_s` or `limit` is too large, or not positive.
    """

    timeout_s: float = 1.0
    limit: int = 500
    row_bytes: int = 256 << 10
    answer_bytes: int = 4 << 20

    def __post_init__(self) -> None:
        """Check what callers may choose."""
        if not 0 < self.timeout_s <= LONGEST_S:
            raise FilterError("timeout_s", f"give more than 0 and up to {LONGEST_S:g} seconds")
        if not 1 <= self.limit <= MOST_ROWS:
            raise FilterError("limit", f"give 1 to {MOST_ROWS:,} rows")


@dataclass(frozen=True, slots=True)
class BoundedResult(TableResult):
    """The rows of a statement, bytes as hex text.

    Attributes:
        columns: The names, each once: `a`, `a:1`.
        rows: The values: None, int, float or text.
        total: The number of rows; None if the answer is truncated.
        truncated: Whether there are more rows than were returned.
        cut_values: How many values are cut, as their row was too large. Such a value ends with `…`.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int | None
    truncated: bool
    cut_values: int
