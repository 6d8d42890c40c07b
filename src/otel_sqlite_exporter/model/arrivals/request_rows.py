# SPDX-License-Identifier: Apache-2.0
"""The requests whose records make up a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class RejectedRecords(NamedTuple):
    """Records of a request that are not stored.

    Attributes:
        reason: One of a fixed list.
        service_name: Whose they are; empty where that is not known.
        records: How many.
    """

    reason: str
    service_name: str
    records: int


class RequestRow(NamedTuple):
    """A request that was received. In `Records`, what belongs to it follows what belongs to the request before it.

    Attributes:
        digest: Of its signal and body: by it, the file knows a request that comes again.
        signal: `traces`, `logs` or `metrics`.
        sender: Who sent it, for the counters.
        sent_bytes: Its size as it was sent.
        records: How many spans, log records or data points of it there are, as `signal` says.
        quarantined: How many rows for the quarantine.
        rejected: Those of its records that are not stored, by reason and service.
    """

    digest: str
    signal: str
    sender: str
    sent_bytes: int
    records: int = 0
    quarantined: int = 0
    rejected: Sequence[RejectedRecords] = ()

    @property
    def rejections(self) -> int:
        """The number of its records that are not stored."""
        return sum(rejected.records for rejected in self.rejected)


def count_records(requests: Iterable[RequestRow]) -> tuple[int, int, int, int]:
    """Return the numbers of spans, of log records, of data points and of rows for the quarantine that belong to
    `requests`."""
    spans = logs = points = quarantined = 0
    for request in requests:
        spans += request.records if request.signal == "traces" else 0
        logs += request.records if request.signal == "logs" else 0
        points += request.records if request.signal == "metrics" else 0
        quarantined += request.quarantined
    return spans, logs, points, quarantined
