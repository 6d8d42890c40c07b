# SPDX-License-Identifier: Apache-2.0
"""What a run of `compact` did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class CompactionReport:
    """What was put together, or would be.

    Attributes:
        days: The days (UTC) whose parts were written again, in order.
        manifests: How many manifests held before.
        parts_before, parts_after: How many parts held.
        bytes_before, bytes_after: Their size.
        contested_traces: Traces that were taken in again, as only several manifests together decide their rows.
        contested_sessions: Likewise sessions, by day, whose log records have no trace.
        recounted_calls: Calls of these that count now and did not before, or the other way round.
        removed_parts: Parts of runs that were killed before, which were removed.
        unnamed_parts: Parts of files that no manifest names, which stay: see `Leftovers`.
        is_dry: Nothing was changed.
    """

    days: tuple[str, ...] = ()
    manifests: int = 0
    parts_before: int = 0
    parts_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    contested_traces: int = 0
    contested_sessions: int = 0
    recounted_calls: int = 0
    removed_parts: int = 0
    unnamed_parts: int = 0
    is_dry: bool = False
