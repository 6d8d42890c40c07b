# SPDX-License-Identifier: Apache-2.0
"""What a merge did with one of its sources."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

_COUNTS = ("new_spans", "known_spans", "running_spans", "new_logs", "known_logs", "new_points", "known_points")


@dataclass(slots=True)
class MergeReport:
    """What became of one source.

    Attributes:
        source: Its path.
        new_spans: Spans that the merged file did not have; so are `new_logs`, `new_points` and `new_quarantined`.
        known_spans: Spans that it had, also by an earlier merge of other files; so are `known_logs` and `known_points`,
            which are also points that one of an hour stands for. What an earlier merge has read of this source is not
            read again, and not counted; but points are all read again when some came.
        running_spans: Of both, those that run in the source.
        unreadable: Records that cannot be read, as the source is damaged.
        refused: Records that the merged file cannot hold, as they are damaged. They are in quarantine.
        damages: What is damaged.
        waiting_batches: Batches in the spool beside the source, which are not merged.
        lost_calls: Calls, at least, whose kept sums are left out, as they lie among those of calls that came back.
        is_unchanged: The source is as an earlier merge has read it to its end.
    """

    source: str
    new_spans: int = 0
    known_spans: int = 0
    running_spans: int = 0
    new_logs: int = 0
    known_logs: int = 0
    new_points: int = 0
    known_points: int = 0
    new_quarantined: int = 0
    unreadable: int = 0
    refused: int = 0
    damages: list[str] = field(default_factory=list)
    waiting_batches: int = 0
    lost_calls: int = 0
    is_unchanged: bool = False

    def count(self) -> int:
        """Return how many records were read."""
        logs, points = self.new_logs + self.known_logs, self.new_points + self.known_points
        return self.new_spans + self.known_spans + logs + points + self.unreadable + self.refused

    def copy(self) -> MergeReport:
        """Return what it says now."""
        return replace(self)

    def take_counts(self, kept: MergeReport) -> None:
        """Count as `kept` did before a transaction that failed."""
        for name in _COUNTS:
            setattr(self, name, getattr(kept, name))
