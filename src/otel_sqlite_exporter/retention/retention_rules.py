# SPDX-License-Identifier: Apache-2.0
"""What may be removed from a file: by age, size, number of sessions, service and status; and which data points become
one an hour. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from otel_sqlite_exporter.retention.removal_limit import RemovalLimit

_DAY_S = 86_400
_LOW_WATER = 20
"""A file over its cap is brought below it by one part in so many: else each batch would be followed by a removal."""


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """The rules of one run. What one of `older_than_s`, `max_bytes` and `max_sessions` names is due, the oldest first.

    Attributes:
        older_than_s: What ended so many seconds ago is due.
        max_bytes: While the file holds more than so many bytes, what is oldest is due. Free pages do not count.
        max_sessions: Sessions are due but for so many, the newest.
        services: Only sessions, traces and log records of these services are due; empty: of all.
        keep_failed_s: What failed is due by no rule until so many seconds after its end.
        keep_users: The daily sums of what is removed name the user.
        raw_points_s: Data points that are older than so many seconds become one a series and hour.
        limit: What is due by the other rules goes only if this allows it.
    """

    older_than_s: float | None = None
    max_bytes: int | None = None
    max_sessions: int | None = None
    services: tuple[str, ...] = ()
    keep_failed_s: float | None = None
    keep_users: bool = False
    raw_points_s: float | None = None
    limit: RemovalLimit | None = None

    @property
    def low_water_bytes(self) -> int | None:
        """The size that a file over its cap is brought to."""
        return None if self.max_bytes is None else self.max_bytes - self.max_bytes // _LOW_WATER

    def describe(self) -> dict[str, Any]:
        """Return the rules that are set as JSON values, for the ledger: without the names of services."""
        told = {
            "older_than_days": None if self.older_than_s is None else self.older_than_s / _DAY_S,
            "max_bytes": self.max_bytes,
            "max_sessions": self.max_sessions,
            "services": len(self.services) or None,
            "keep_failed_days": None if self.keep_failed_s is None else self.keep_failed_s / _DAY_S,
            "keep_users": self.keep_users or None,
            "metrics_raw_days": None if self.raw_points_s is None else self.raw_points_s / _DAY_S,
            "archived": self.limit is not None or None,
        }
        return {name: value for name, value in told.items() if value is not None}
