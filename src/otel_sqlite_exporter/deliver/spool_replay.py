# SPDX-License-Identifier: Apache-2.0
"""From the spool into the file: in order, each batch once, also if this is killed half-way."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from otel_sqlite_exporter.deliver.retry import write_records
from otel_sqlite_exporter.deliver.spool import Spool
from otel_sqlite_exporter.deliver.spool_format import load_batch
from otel_sqlite_exporter.settings import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.write.writer import Replay


def replay_spool(
    connection: sqlite3.Connection,
    spool: Spool,
    *,
    pairing_window_ns: int,
    session_attributes: Sequence[str] = DEFAULT_SESSION_ATTRIBUTES,
    deadline: float = float("inf"),
) -> tuple[int, int]:
    """Write what waits in `spool`, and return how many batches and records that were. Only the first batch is begun
    after `deadline` (of `time.monotonic`). The spool is removed when nothing is left. Each batch counts for the run
    that put it there.

    A batch is noted in the file by the transaction that writes it, and then passed in the spool. Whoever is killed
    between the two leaves a batch that the file knows: it is passed over.

    Raises:
        SpoolError: The spool is in use, none of ours, or holds a batch that this version cannot read.
        sqlite3.Error, OSError: The file or the spool cannot be written now; the rest stays in the spool.
    """
    batches = count = 0
    while time.monotonic() < deadline or not batches:
        # Held for one batch at a time, so that nobody who wants to add one waits for long.
        with spool.taking(timeout_s=0) as taking:
            if taking is None:
                break
            frame = next(iter(taking), None)
            if frame is None:
                taking.remove()
                break
            records, run, spooled_at = load_batch(frame.content)
            replay = Replay(taking.spool_id, frame.batch_id, spooled_at)
            write_records(
                connection,
                records,
                run,
                pairing_window_ns=pairing_window_ns,
                session_attributes=session_attributes,
                replay=replay,
            )
            taking.advance(frame)
        batches += 1
        count += len(records)
    return batches, count
